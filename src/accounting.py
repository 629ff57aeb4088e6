"""Money after the call: the one place where a hold ends and the call's record is written.

Success, provider error, disconnect and cut all come here with what was used; `settle` at zero is a release.
The rule easy to break: nothing in here may fail the caller's request, and nothing may lose the charge or the record:
both go through the queue where they have to, and are idempotent by id.
"""

from dataclasses import dataclass, replace

import msgspec

from budgets import Hold
from core import price_book
from core.call_context import CallContext
from core.call_plan import CallPlan
from core.messages import Recorded, RecordRequest, Settled, SettleRequest
from core.money import NANOUSD_MAX
from core.outage import OutageAllowance
from core.telemetry import CallRecord, Charge, Debt, Outcome
from core.usage import Usage
from identity import Caller
from outgoing import send_message
from ports import LedgerUnreachable, Ports

CHARGE_TRIES = 3


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
    used_allowance: bool = False
    """A part of a stream went out on the outage allowance, though the Ledger held money for its beginning."""


async def close_call(call: OpenCall, end: CallEnd, ports: Ports, outage: OutageAllowance) -> None:
    """Charge the call and send its record."""
    end = _within_bounds(end)
    if call.hold.is_fail_open:
        unused = max(0, call.hold.granted_nanousd - end.cost_nanousd)
        outage.give_back(call.caller.tenant, unused, taken_at_ms=call.hold.taken_at_ms)
    charged = await _charge(call.caller.tenant, _charge_of(call, end), ports)
    await send_message(_record_of(call, end, charged, ports.clock.now_ms()), ports)


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


def _within_bounds(end: CallEnd) -> CallEnd:
    """What no call can cost is somebody's mistake: charged as far as amounts go, and marked."""
    if end.cost_nanousd <= NANOUSD_MAX:
        return end
    return replace(end, cost_nanousd=NANOUSD_MAX, is_estimated=True)


def _charge_of(call: OpenCall, end: CallEnd) -> Charge:
    """The end of the hold; or, where the Ledger was away and may know of no hold, the cost under the hold's id."""
    if not call.hold.is_fail_open:
        return SettleRequest(
            hold_id=call.hold.id,
            actual_nanousd=end.cost_nanousd,
            prompt_tokens=end.usage.prompt_tokens,
            completion_tokens=end.usage.completion_tokens,
            iteration=call.context.iteration,
        )
    return RecordRequest(
        event_id=call.hold.id,
        cost_nanousd=end.cost_nanousd,
        prompt_tokens=end.usage.prompt_tokens,
        completion_tokens=end.usage.completion_tokens,
        session_id=call.context.session_id,
        team=call.caller.team,
        caller=call.caller.owner,
        session_default_limit_nanousd=call.caller.policy.session_limit_nanousd,
    )


async def _charge(tenant: str, charge: Charge, ports: Ports) -> Settled | Recorded | None:
    """Tell the Ledger. What it does not take is a debt; the telemetry Worker goes on telling it, or reports why not."""
    ledger = ports.ledger_of(tenant)
    for _ in range(CHARGE_TRIES):
        try:
            answer = await (ledger.record(charge) if isinstance(charge, RecordRequest) else ledger.settle(charge))
        except LedgerUnreachable:
            continue
        if isinstance(answer, Settled | Recorded):
            return answer
        break
    await send_message(Debt(tenant=tenant, charge=charge), ports)
    return None


def _record_of(call: OpenCall, end: CallEnd, charged: Settled | Recorded | None, now_ms: int) -> CallRecord:
    session = None if charged is None else charged.session
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
        overrun_nanousd=charged.overrun_nanousd if isinstance(charged, Settled) else 0,
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
        is_fail_open=call.hold.is_fail_open or end.used_allowance,
        is_estimated=end.is_estimated or call.plan.price.is_estimate,
    )
