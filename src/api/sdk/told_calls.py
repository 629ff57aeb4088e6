"""A call that an SDK makes by itself: what its tenant's rules and budgets say of it before it is made.

It is judged by the same code as a call that comes through here, of what its numbers tell: nobody has seen its text, so
rules that ask for steps or digests do not know them, and none can change what goes out elsewhere: a downgrade is passed
over, a redaction does nothing. The rule easy to break: a hold that was granted is settled by the report of the same id,
and by nothing else of ours.
"""

from access import audit
from access.identity import Caller
from access.permits import check_may_call, check_session
from call.admission import DocumentsMoved, Receipt, hold_told
from call.decision import DECISIONS_MAX, with_documents
from call.rules import CallRules, RequestSeen
from call.settlement import new_record
from core.call.context import CallContext
from core.call.plan import CallPlan
from core.call.told import ToldCall, plan_told
from core.refusals import InvalidRequest, Refusal, TenantsUnavailable
from delivery import send_message
from exchange import Exchange


async def hold_for(
    exchange: Exchange,
    caller: Caller,
    context: CallContext,
    told: ToldCall,
    *,
    risks: tuple[str, ...] | None,
    hold_id: str,
    wait_ms: int,
) -> tuple[CallPlan, Receipt]:
    """The call's plan, and the money for it. Raises the refusal, which has its row, or `LedgerUnreachable`. A key that
    makes no calls here makes none elsewhere."""
    settings = exchange.isolate.settings
    check_may_call(caller)
    for _ in range(DECISIONS_MAX):
        check_session(caller, context.session_id, "session_id")
        plan = plan_told(told, caller.policy, exchange.started_at_ms, caller.prices)
        rules = _ruled(exchange, caller, context, plan, risks)
        try:
            return plan, await hold_told(
                exchange, caller, context, plan, rules,
                hold_id=hold_id, ttl_ms=settings.sdk_hold_ttl_ms, wait_ms=wait_ms,
            )  # fmt: skip
        except DocumentsMoved as moved:
            caller = with_documents(caller, moved, exchange)
        except InvalidRequest:
            raise  # the id is another call's, and so is the row of that id
        except Refusal as refusal:
            _record_refusal(exchange, caller, context, plan, rules, refusal, hold_id)
            raise
    raise TenantsUnavailable("this tenant's documents change while they are read", retry_after_ms=1_000)


def _ruled(
    exchange: Exchange, caller: Caller, context: CallContext, plan: CallPlan, risks: tuple[str, ...] | None
) -> CallRules:
    """What the tenant's rules make of the call, as far as its numbers tell."""
    compiled = caller.documents.rules
    seen = RequestSeen(risk_tags=risks, steps=None, prompt=None)
    verdict = seen.judge(plan, caller, context, at_ms=exchange.started_at_ms, is_downgraded=True)
    audit.note_broken(exchange, caller, "rule", (*compiled.broken, *verdict.failed))
    return CallRules(compiled, turn=seen.turn(plan, context), verdict=verdict, risk_tags=risks or ())


def _record_refusal(
    exchange: Exchange,
    caller: Caller,
    context: CallContext,
    plan: CallPlan,
    rules: CallRules,
    refusal: Refusal,
    hold_id: str,
) -> None:
    """A row for a call that is not made."""
    record = new_record(
        request_id=hold_id,
        started_at_ms=exchange.started_at_ms,
        caller=caller,
        context=context,
        provider=plan.provider,
        path=exchange.request.path,
        dialect=plan.dialect.name,
        source="sdk",
        model=plan.parsed.model,
        is_streaming=plan.parsed.is_streaming,
        **rules.record_fields(),
    )
    record = record.refused(refusal, ended_at_ms=exchange.ports.clock.now_ms())
    exchange.ports.defer(send_message(record, exchange))
