"""The telemetry queue's producer binding."""

from typing import Any

from bindings.deadlines import QUEUE_MS, within
from bindings.ffi import JS_FAULTS, object_to_js
from ports import QueueUnreachable


class QueueTelemetry:
    """`TelemetryQueue` over a queue binding; messages travel as text."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    async def send(self, text: str) -> None:
        try:
            await within(QUEUE_MS, self._queue, "send", text, object_to_js({"contentType": "text"}))
        except JS_FAULTS as fault:
            raise QueueUnreachable from fault
