"""Charges and messages on their way out: a charge, with its call's record, to the Ledger, or as a debt to the queue; a
message to the queue, else to the Ledger's outbox, else to the isolate's backlog until the queue is back.

The rule easy to break: nothing in here raises, because whoever sends has an answer to give or money to settle.
"""

from core.backlog import Backlog
from core.ledger.keeping.outbox import KeepRequest, Kept
from core.ledger.messages import Message, Recorded, Settled
from core.telemetry import Debt, Settlement, TelemetryMessage, to_wire
from exchange import Exchange
from ports import LedgerUnreachable, Ports, QueueUnreachable

CHARGE_TRIES = 3
BACKLOG_SENT_AT_ONCE_MAX = 20


def charge(tenant: str, settlement: Settlement, exchange: Exchange, *, is_urgent: bool = False) -> None:
    """Tell the Ledger, without waiting for it; urgently where other calls are decided by more of it than its money.
    What it does not take is a debt; the telemetry Worker goes on telling it, or reports why not."""
    ports, backlog = exchange.ports, exchange.isolate.backlog
    ports.ledger_of(tenant).charge(
        settlement, lambda said: _charge_again(tenant, settlement, said, exchange), is_urgent=is_urgent
    )
    if len(backlog):
        ports.defer(_send_backlog(ports, backlog))


async def _charge_again(
    tenant: str, settlement: Settlement, said: Message | LedgerUnreachable, exchange: Exchange
) -> None:
    for _ in range(CHARGE_TRIES - 1):
        if not isinstance(said, LedgerUnreachable) or said.has_hung:
            break
        try:
            said = await exchange.ports.ledger_of(tenant).tell(settlement)
        except LedgerUnreachable as away:
            said = away
    if not isinstance(said, Settled | Recorded):
        await send_message(Debt(tenant=tenant, charge=settlement), exchange)


async def send_message(message: TelemetryMessage, exchange: Exchange) -> None:
    """Hand a message to whoever takes it first."""
    text = to_wire(message)
    ports = exchange.ports
    if await _queue_takes(text, ports):
        await _send_backlog(ports, exchange.isolate.backlog)
    elif message.tenant is None or not await _outbox_takes(text, message.tenant, ports):
        exchange.isolate.backlog.keep(text)


async def _send_backlog(ports: Ports, backlog: Backlog) -> None:
    """The queue may be there again: what could be handed to nobody has its turn."""
    for _ in range(BACKLOG_SENT_AT_ONCE_MAX):
        text = backlog.take()
        if text is None:
            return
        if not await _queue_takes(text, ports):
            backlog.keep(text)
            return


async def _queue_takes(text: str, ports: Ports) -> bool:
    try:
        await ports.telemetry.send(text)
    except QueueUnreachable:
        return False
    return True


async def _outbox_takes(text: str, tenant: str, ports: Ports) -> bool:
    try:
        answer = await ports.ledger_of(tenant).tell(KeepRequest(text=text))
    except LedgerUnreachable:
        return False
    return isinstance(answer, Kept)
