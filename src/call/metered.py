"""A call that costs money, top to bottom: plan and price it, hold the money, send, then answer, settle and record.

The money is held in a scope that nothing leaves unsettled, whatever is raised in it. The rule easy to break: what reads
the request runs before the hold, and from the hold on there is one exit.
"""

from dataclasses import dataclass, replace

import msgspec

from access import audit
from access.identity import Caller, learn
from call.admission import DocumentsMoved, ModelMoved, Receipt, hold_money
from call.endings import answer_of_call
from call.rules import CallRules, Rulebook
from call.settlement import OpenCall, new_record
from call.upstream_request import provider_key, upstream_request
from core.call.context import CallContext, read_call_context
from core.call.plan import CallPlan
from core.refusals import Refusal, TenantsUnavailable
from core.tenant.shared_account import refuse_shared_references
from core.wire.bytes_in_flight import BodyRoom
from core.wire.dialects.prepared_body import PreparedBody
from delivery import send_message
from exchange import Answer, Exchange
from ports import UpstreamRequest
from routes import ProxyRoute

DECISIONS_MAX = 4
"""An isolate may have to learn of a change, and there may be another while the call waits for money; and a rule may
want another model. A tenant that changes its documents more often changes them faster than calls can go."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a request, by one state of its tenant's documents."""

    caller: Caller
    plan: CallPlan
    body: PreparedBody
    question: UpstreamRequest
    """What the provider is asked, but for the body."""
    is_shared_account: bool
    rules: CallRules


async def metered_call(exchange: Exchange, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """A call that costs money: held for before it is sent, charged at what it used however it ends."""
    context = read_call_context(exchange.request.headers)
    received = await exchange.read_body(room)
    decision, receipt = await _held(exchange, route, caller, context, received)
    with OpenCall(exchange, decision.caller, context, decision.plan, receipt, decision.rules) as call:
        if receipt.is_fail_open:
            audit.note_let_through(exchange, call.caller)
        call.fit_to_grant()
        question = replace(decision.question, body=decision.body.to_send(call.output_ceiling_tokens))
        del received, decision  # an answer may begin minutes later, and until then one copy is enough
        call.sent_at_ms = exchange.ports.clock.now_ms()
        answer = await exchange.ports.upstream.send(question)
        del question
        room.give_back()
        return await answer_of_call(call, answer)


async def _held(
    exchange: Exchange, route: ProxyRoute, caller: Caller, context: CallContext, received: bytes
) -> tuple[Decision, Receipt]:
    """The call as it goes out, and the money for it. Where the tenant has changed its documents since this isolate read
    them, or a rule wants another model, the call is decided anew."""
    is_counted, changed_by = False, None
    for _ in range(DECISIONS_MAX):
        decision = _decide(exchange, route, caller, context, received, changed_by)
        try:
            return decision, await hold_money(
                exchange,
                caller,
                context,
                decision.plan,
                decision.rules,
                is_shared_account=decision.is_shared_account,
                is_counted=is_counted,
            )
        except ModelMoved as moved:
            is_counted, changed_by = moved.is_counted, moved.rule
        except DocumentsMoved as moved:
            is_counted, changed_by = moved.is_counted, None
            documents = learn(
                caller.tenant,
                moved.present,
                instead_of=caller.documents.number,
                cache=exchange.isolate.identities,
                now_ms=exchange.ports.clock.now_ms(),
            )
            caller = replace(caller, documents=documents)
        except Refusal as refusal:
            _record_refusal(exchange, caller, context, decision, refusal)
            raise
    restless = TenantsUnavailable("this tenant's documents change while they are read", retry_after_ms=1_000)
    _record_refusal(exchange, caller, context, decision, restless)
    raise restless


def _decide(
    exchange: Exchange,
    route: ProxyRoute,
    caller: Caller,
    context: CallContext,
    received: bytes,
    changed_by: str | None,
) -> Decision:
    """What the call may cost, whom it asks with whose key, and which rules it meets. `changed_by` is a rule that the
    ledger has found to want another model. Raises the refusal of a call that may not be made."""
    settings = exchange.isolate.settings
    call = Rulebook(route, caller, context, settings, exchange.started_at_ms).apply(received, changed_by)
    audit.note_broken_rules(exchange, caller, call.broken)
    key = provider_key(caller, call.plan.provider, settings, is_in_path=route.provider is not None)
    is_shared_account = not key.is_own and not caller.policy.allows_unmetered_paths
    if is_shared_account:
        refuse_shared_references(call.plan.parsed, path=call.plan.path)
    question = upstream_request(exchange, call.plan.provider, call.plan.path, key, is_metered=True)
    return Decision(caller, call.plan, call.body, question, is_shared_account, call.rules)


def _record_refusal(
    exchange: Exchange, caller: Caller, context: CallContext, decision: Decision, refusal: Refusal
) -> None:
    plan = decision.plan
    record = new_record(
        request_id=exchange.request_id,
        started_at_ms=exchange.started_at_ms,
        caller=caller,
        context=context,
        provider=plan.provider,
        path=plan.path,
        dialect=plan.dialect.name,
    )
    record = msgspec.structs.replace(record, model=plan.parsed.model, is_streaming=plan.parsed.is_streaming)
    record = decision.rules.on(record).refused(refusal, ended_at_ms=exchange.ports.clock.now_ms())
    exchange.ports.defer(send_message(record, exchange))
