"""A call that costs money, top to bottom: plan and price it, hold the money, send, then answer, settle and record.

The money is held in a scope, `_held`, that nothing leaves unsettled, whatever is raised in it. The rule easy to break:
what reads the request runs before the hold, and from the hold on there is one exit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec

from access import audit
from access.identity import Caller
from call.admission import hold_money
from call.endings import answer_of_call
from call.settlement import OpenCall, new_record
from call.upstream_request import provider_key, upstream_request
from core.call.context import CallContext, read_call_context
from core.call.plan import CallPlan, plan_call
from core.refusals import Refusal
from core.tenant.shared_account import refuse_shared_references
from core.wire.bytes_in_flight import BodyRoom
from delivery import send_message
from exchange import Answer, Exchange
from routes import ProxyRoute


async def metered_call(exchange: Exchange, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """A call that costs money: held for before it is sent, charged at what it used however it ends."""
    ports, settings = exchange.ports, exchange.isolate.settings
    context = read_call_context(exchange.request.headers)
    received = await exchange.read_body(room)
    plan, body = plan_call(route.provider, route.upstream, received, caller.policy, exchange.started_at_ms)
    key = provider_key(caller, plan.provider, settings, is_in_path=route.provider is not None)
    is_shared_account = not key.is_own and not caller.policy.allows_unmetered_paths
    if is_shared_account:
        refuse_shared_references(plan.parsed, path=plan.path)
    question = upstream_request(exchange, plan.provider, plan.path, key, is_metered=True)
    async with _held(exchange, caller, context, plan, is_shared_account=is_shared_account) as call:
        question = replace(question, body=body.to_send(call.output_ceiling_tokens))
        del received, body  # an answer may begin minutes later, and until then one copy is enough
        call.sent_at_ms = ports.clock.now_ms()
        answer = await ports.upstream.send(question)
        del question
        room.give_back()
        return await answer_of_call(call, answer)


@asynccontextmanager
async def _held(
    exchange: Exchange, caller: Caller, context: CallContext, plan: CallPlan, *, is_shared_account: bool
) -> AsyncIterator[OpenCall]:
    """The money of one call: held at the beginning, settled at the end, whatever happens between. A stream takes it
    along, and settles it when it is over."""
    try:
        receipt = await hold_money(exchange, caller, context, plan, is_shared_account=is_shared_account)
    except Refusal as refusal:
        _record_refusal(exchange, caller, context, plan, refusal)
        raise
    call = OpenCall(exchange, caller, context, plan, receipt)
    try:
        if receipt.is_fail_open:
            audit.note_let_through(exchange, caller)
        if receipt.earlier_tokens is not None:
            call.plan = plan.with_remembered(receipt.earlier_tokens)
        call.output_ceiling_tokens = call.plan.output_ceiling_within(receipt.granted_nanousd)
        yield call
    finally:
        call.leave()


def _record_refusal(exchange: Exchange, caller: Caller, context: CallContext, plan: CallPlan, refusal: Refusal) -> None:
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
    record = record.refused(refusal, ended_at_ms=exchange.ports.clock.now_ms())
    exchange.ports.defer(send_message(record, exchange))
