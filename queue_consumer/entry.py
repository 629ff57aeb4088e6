"""The telemetry Worker: queue batches go to the sink, the cron to the weekly report, one log line
each.

It decides nothing. A batch that returns normally acknowledges whatever has no verdict, so every
message gets one explicitly, and a fault of our own postpones them all.
"""

from typing import Any

import msgspec
from js import console
from workers import WorkerEntrypoint

import weekly_report
from bindings.ffi import object_to_js, platform_env
from sink import take, tally
from verdicts import REASON_CHARACTERS_MAX, Postponed, Verdict, retry_delay_s
from worker_outside import WorkerOutside


class Default(WorkerEntrypoint):
    async def queue(self, batch: Any, env: Any = None, ctx: Any = None) -> None:
        messages = list(batch.messages)
        texts = [message.body if isinstance(message.body, str) else None for message in messages]
        verdicts: list[Verdict]
        try:
            verdicts = await take(texts, WorkerOutside(platform_env()))
        except Exception as fault:
            verdicts = [Postponed(f"{type(fault).__name__}: {fault}"[:REASON_CHARACTERS_MAX])] * len(messages)
        for message, verdict in zip(messages, verdicts, strict=True):
            if isinstance(verdict, Postponed):
                message.retry(object_to_js({"delaySeconds": retry_delay_s(message.attempts, verdict.delay_max_s)}))
            else:
                message.ack()
        _log({"event": "telemetry_batch", **tally(verdicts)})

    async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
        now_ms = int(controller.scheduledTime)
        done = await weekly_report.run(now_ms, WorkerOutside(platform_env()))
        _log({"event": "telemetry_cron", **done})


def _log(line: dict[str, object]) -> None:
    console.log(msgspec.json.encode(line).decode())
