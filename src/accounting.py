"""Money after the call: the one place where a hold ends and the call's record is written.

Success, provider error, disconnect and cut all come here with what was used; `settle` at zero is a release.
The rule easy to break: nothing in here may fail the caller's request, and nothing may lose the record: a settlement
the Ledger did not take is owed to it, a message the queue did not take goes to the Ledger's outbox.
"""

from dataclasses import dataclass

import msgspec

from budgets import Hold
from core import price_book, telemetry
from core.call_context import CallContext
from core.call_plan import CallPlan
from core.messages import Recorded, RecordRequest, Settled, SettleRequest
from core.outage import OutageAllowance
from core.telemetry import CallRecord, Outcome
from core.usage import Usage
from identity import Caller
from ports import Ledger, LedgerUnreachable, Ports, QueueUnreachable

SETTLE_TRIES = 3


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose money is held: everything its settlement and its record will need."""

    request_id: str
    started_at_ms: int
    caller: Caller
    context: CallContext
    plan: CallPlan
    hold: Hold
    output_ceiling_tokens: int | None = None
    """The lowered ceiling under which the call was sent; None where it is as the caller set it."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended and what it used. `cost_nanousd` is priced already."""

    outcome: Outcome
    usage: Usage
    cost_nanousd: int
    status: int | None
    is_estimated: bool
    model: str | None = None
    error_code: str | None = None
    ttfb_ms: int | None = None
    overhead_ms: int | None = None


async def close_call(call: OpenCall, end: CallEnd, ports: Ports, outage: OutageAllowance) -> None:
    """Settle the call and send its record."""
    ledger = ports.ledger_of(call.caller.tenant)
    settled = await _charge(call, end, ledger, outage)
    await send_record(_record_of(call, end, settled, ports.clock.now_ms()), ledger, ports)
    await _pay_what_is_owed(call.caller.tenant, ledger, outage)


async def send_record(record: telemetry.TelemetryMessage, ledger: Ledger, ports: Ports) -> None:
    """Hand a record to the queue, or to the Ledger's outbox when the queue does not take it."""
    text = telemetry.to_wire(record)
    try:
        await ports.telemetry.send(text)
    except QueueUnreachable:
        try:
            await ledger.enqueue(text)
        except LedgerUnreachable:
            # Both are away: the charge is safe (held or owed), only this row is lost.
            return


def new_record(
    *,
    request_id: str,
    started_at_ms: int,
    caller: Caller,
    context: CallContext,
    provider: str | None,
    path: str,
    dialect: str | None,
) -> CallRecord:
    """A record of a call that has used nothing so far."""
    return CallRecord(
        request_id=request_id,
        attempt=1,
        started_at_ms=started_at_ms,
        tenant=caller.tenant,
        team=caller.team,
        key_id=caller.key_id,
        project=context.project,
        agent=context.agent,
        session_id=context.session_id,
        iteration=context.iteration,
        provider=provider,
        path=path,
        dialect=dialect,
        outcome="complete",
        usage=Usage(),
        cost_nanousd=0,
        price_version=price_book.VERSION,
    )


async def _charge(call: OpenCall, end: CallEnd, ledger: Ledger, outage: OutageAllowance) -> Settled | None:
    """Move the money. A call that a settlement cannot reach is owed, under its hold's id."""
    owed = RecordRequest(
        event_id=call.hold.id,
        cost_nanousd=end.cost_nanousd,
        prompt_tokens=end.usage.prompt_tokens,
        completion_tokens=end.usage.completion_tokens,
        session_id=call.context.session_id,
        team=call.caller.team,
        session_default_limit_nanousd=call.caller.policy.session_limit_nanousd,
    )
    if call.hold.is_fail_open:
        unused = max(0, call.hold.granted_nanousd - end.cost_nanousd)
        outage.give_back(call.caller.tenant, unused, taken_at_ms=call.hold.taken_at_ms)
        outage.owe(call.caller.tenant, owed)
        return None
    request = SettleRequest(
        hold_id=call.hold.id,
        actual_nanousd=end.cost_nanousd,
        prompt_tokens=end.usage.prompt_tokens,
        completion_tokens=end.usage.completion_tokens,
        iteration=call.context.iteration,
    )
    for _ in range(SETTLE_TRIES):
        try:
            answer = await ledger.settle(request)
        except LedgerUnreachable:
            continue
        return answer if isinstance(answer, Settled) else None
    # The hold stands: its alarm charges it in full at the latest, so nothing is given away here.
    return None


async def _pay_what_is_owed(tenant: str, ledger: Ledger, outage: OutageAllowance) -> None:
    """Tell the ledger of calls made while it was away; stop at the first sign that it still is."""
    while (charge := outage.next_owed(tenant)) is not None:
        try:
            answer = await ledger.record(charge)
        except LedgerUnreachable:
            outage.owe(tenant, charge)
            return
        assert isinstance(answer, Recorded), "an owed charge has one id and one content"


def _record_of(call: OpenCall, end: CallEnd, settled: Settled | None, now_ms: int) -> CallRecord:
    session = None if settled is None else settled.session
    return msgspec.structs.replace(
        new_record(
            request_id=call.request_id,
            started_at_ms=call.started_at_ms,
            caller=call.caller,
            context=call.context,
            provider=call.plan.provider,
            path=call.plan.path,
            dialect=call.plan.dialect.name,
        ),
        outcome=end.outcome,
        usage=end.usage,
        cost_nanousd=end.cost_nanousd,
        overrun_nanousd=0 if settled is None else settled.overrun_nanousd,
        model=end.model or call.plan.parsed.model,
        status=end.status,
        is_streaming=call.plan.parsed.is_streaming,
        ttfb_ms=None if end.ttfb_ms is None else float(end.ttfb_ms),
        latency_ms=float(now_ms - call.started_at_ms),
        overhead_ms=None if end.overhead_ms is None else float(end.overhead_ms),
        error_code=end.error_code,
        cumulative_tokens=None if session is None else session.prompt_tokens + session.completion_tokens,
        is_cut=end.outcome == "cut",
        is_clamped=call.output_ceiling_tokens is not None,
        is_fail_open=call.hold.is_fail_open,
        is_estimated=end.is_estimated or call.plan.price.is_estimate,
    )
