"""Messages on their way out: to the queue, else to the Ledger's outbox, else kept in memory for the next occasion.

The rule easy to break: nothing in here raises, because whoever sends has an answer to give or money to settle.
"""

from core.telemetry import TelemetryMessage, to_wire
from ports import LedgerUnreachable, Ports, QueueUnreachable

KEPT_SENT_AT_ONCE_MAX = 20


async def send_message(message: TelemetryMessage, ports: Ports) -> None:
    """Hand a message to whoever takes it first."""
    text = to_wire(message)
    if await _queue_takes(text, ports):
        await _send_kept(ports)
    elif message.tenant is None or not await _outbox_takes(text, message.tenant, ports):
        ports.unsent.keep(text)


async def _send_kept(ports: Ports) -> None:
    """The queue is there: it may have been away before."""
    for _ in range(KEPT_SENT_AT_ONCE_MAX):
        text = ports.unsent.take()
        if text is None:
            return
        if not await _queue_takes(text, ports):
            ports.unsent.keep(text)
            return


async def _queue_takes(text: str, ports: Ports) -> bool:
    try:
        await ports.telemetry.send(text)
    except QueueUnreachable:
        return False
    return True


async def _outbox_takes(text: str, tenant: str, ports: Ports) -> bool:
    try:
        await ports.ledger_of(tenant).enqueue(text)
    except LedgerUnreachable:
        return False
    return True
