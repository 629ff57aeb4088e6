"""What happens to a request, top to bottom.

A metered call: route, authenticate, plan and price, make ready what is sent, hold the money, send, then answer, settle
and record. Money is held in a scope, `_held`, that nothing leaves unsettled, whatever is raised in it. Every refusal is
raised as a `Refusal` and rendered here, once, in the caller's dialect.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec

from access import audit
from access.identity import Caller
from access.logins import log_in
from api import admin
from call.admission import count_call, hold_money
from call.endings import answer_of_call, refusal_of
from call.settlement import OpenCall, new_record
from core.bounds import OWN_BODY_BYTES_MAX
from core.call.context import CallContext, read_call_context
from core.call.plan import CallPlan, plan_call
from core.providers import PROVIDERS
from core.refusals import ProviderKeyMissing, Refusal, SharedAccount, UnmeteredPath
from core.routing.forwarding import downstream_headers, upstream_headers, upstream_query
from core.routing.paths import reaches_account
from core.tenant.provider_keys import KeyToShow, own_key_for
from core.tenant.shared_account import refuse_shared_references
from core.wire.bytes_in_flight import BodyRoom
from core.wire.dialects import DIALECTS
from delivery import send_message
from exchange import Answer, Inbound
from ports import AttemptFailed, Ports, UpstreamRequest
from routes import HealthRoute, ProxyRoute, Route, errors_in, resolve
from settings import Settings
from visit import Isolate, Visit, read_body, refused, with_headers

BODILESS = ("GET", "HEAD", "DELETE")


async def handle(request: Inbound, ports: Ports, isolate: Isolate) -> Answer:
    """Answer any request; every refusal becomes an answer in the caller's dialect."""
    visit = Visit(request, ports.ids.new("req_"), ports.clock.now_ms(), ports, isolate)
    try:
        route = resolve(request.method, request.path)
        if isinstance(route, HealthRoute):
            return admin.health()
        return await _answer(visit, route, await log_in(visit))
    except Refusal as refusal:
        return refused(refusal, DIALECTS[errors_in(request.path)], visit.request_id)


async def _answer(visit: Visit, route: Route, caller: Caller) -> Answer:
    try:
        if not isinstance(route, ProxyRoute):
            return await _own_route(visit, route, caller)
        room = visit.room_for_body()
        try:
            if route.upstream.charge == "metered":
                return await _metered_call(visit, route, caller, room)
            return await _free_call(visit, route, caller, room)
        except BaseException:  # after a call went well nothing of ours is done any more: its stream is open
            room.give_back()
            raise
    except Refusal as refusal:
        audit.note_refusal(visit, caller, refusal)
        raise


async def _own_route(visit: Visit, route: Route, caller: Caller) -> Answer:
    """AgentWatch's own API; its administration keeps a log of who asked for what."""
    status, error_code = 500, None
    try:
        with visit.room_for_body(OWN_BODY_BYTES_MAX) as room:
            body = b"" if visit.request.method in BODILESS else await read_body(visit, room)
        answer = await admin.answer(route, visit.request, body, caller, visit.ports)
        status = answer.status
    except Refusal as refusal:
        status, error_code = refusal.status, refusal.code
        raise
    finally:
        if admin.is_administration(route):
            audit.note_access(visit, caller, status=status, error_code=error_code)
    return with_headers(answer, {"x-agentwatch-request-id": visit.request_id})


async def _metered_call(visit: Visit, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """A call that costs money: held for before it is sent, charged at what it used however it ends."""
    ports, settings = visit.ports, visit.isolate.settings
    context = read_call_context(visit.request.headers)
    received = await read_body(visit, room)
    plan, body = plan_call(route.provider, route.upstream, received, caller.policy, visit.started_at_ms)
    key = _provider_key(caller, plan.provider, settings, is_in_path=route.provider is not None)
    is_shared_account = not key.is_own and not caller.policy.allows_unmetered_paths
    if is_shared_account:
        refuse_shared_references(plan.parsed, path=plan.path)
    question = _upstream_request(visit, plan.provider, plan.path, key, is_metered=True)
    async with _held(visit, caller, context, plan, is_shared_account=is_shared_account) as call:
        question = replace(question, body=body.to_send(call.output_ceiling_tokens))
        del received, body  # an answer may begin minutes later, and until then one copy is enough
        call.sent_at_ms = ports.clock.now_ms()
        answer = await ports.upstream.send(question)
        del question
        room.give_back()
        return await answer_of_call(visit, call, answer)


@asynccontextmanager
async def _held(
    visit: Visit, caller: Caller, context: CallContext, plan: CallPlan, *, is_shared_account: bool
) -> AsyncIterator[OpenCall]:
    """The money of one call: held at the beginning, settled at the end, whatever happens between. A stream takes it
    along, and settles it when it is over."""
    try:
        hold = await hold_money(
            plan,
            caller=caller,
            context=context,
            is_shared_account=is_shared_account,
            hold_ttl_ms=visit.isolate.settings.first_hold_ttl_ms,
            ports=visit.ports,
            outage=visit.isolate.outage,
        )
    except Refusal as refusal:
        _record_refusal(visit, caller, context, plan, refusal)
        raise
    call = OpenCall(
        request_id=visit.request_id,
        started_at_ms=visit.started_at_ms,
        caller=caller,
        context=context,
        plan=plan,
        hold=hold,
        ports=visit.ports,
        outage=visit.isolate.outage,
    )
    try:
        if hold.is_fail_open:
            audit.note_let_through(visit, caller)
        if hold.earlier_tokens is not None:
            call.plan = plan.with_remembered(hold.earlier_tokens)
        call.output_ceiling_tokens = call.plan.output_ceiling_within(hold.granted_nanousd)
        yield call
    finally:
        call.leave()


async def _free_call(visit: Visit, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """A path that costs nothing, or one the tenant lets through unmetered: passed on as it is."""
    assert route.provider is not None, "the unified endpoint is always metered"
    request = visit.request
    if route.upstream.charge == "unmetered" and not caller.policy.allows_unmetered_paths:
        raise UnmeteredPath(
            f"{request.method} {route.upstream.path} may cost money in a way that is not metered; "
            "the tenant's configuration can let such paths through"
        )
    if request.headers.get("upgrade"):
        raise UnmeteredPath("connections that leave HTTP cannot be metered", param="upgrade")
    key = _provider_key(caller, route.provider, visit.isolate.settings, is_in_path=True)
    is_trusted = key.is_own or caller.policy.allows_unmetered_paths
    if not is_trusted and reaches_account(route.upstream, request.method):
        raise SharedAccount(
            f"{request.method} {route.upstream.path} reaches what is stored under an account that tenants share; "
            "send your own provider key"
        )
    await count_call(caller, visit.ports)
    body = None if request.method in BODILESS else await read_body(visit, room)
    question = _upstream_request(visit, route.provider, route.upstream.path, key, is_metered=False)
    answer = await visit.ports.upstream.send(replace(question, body=body))
    room.give_back()
    headers = {"x-agentwatch-request-id": visit.request_id, "x-agentwatch-provider": route.provider}
    if isinstance(answer, AttemptFailed):
        return with_headers(refused(refusal_of(answer), DIALECTS[route.upstream.dialect], visit.request_id), headers)
    return Answer(answer.status, {**downstream_headers(answer.headers), **headers}, answer.untouched())


def _provider_key(caller: Caller, provider: str, settings: Settings, *, is_in_path: bool) -> KeyToShow:
    """The key to show a provider: the caller's own for it, or the Worker's."""
    own = own_key_for(caller.own_keys, provider, is_in_path=is_in_path)
    if own is not None:
        return own
    key = settings.provider_keys.get(provider)
    if key is None:
        raise ProviderKeyMissing(
            f"no key for {provider}: send your own behind the token (aw_live_…:{provider}=your-key) or set "
            f"the secret {PROVIDERS[provider].secret_name}"
        )
    return KeyToShow(key, is_own=False)


def _upstream_request(visit: Visit, name: str, path: str, key: KeyToShow, *, is_metered: bool) -> UpstreamRequest:
    """What the provider is asked, but for the body."""
    settings, provider = visit.isolate.settings, PROVIDERS[name]
    query = upstream_query(visit.request.query, provider, path=path, is_metered=is_metered)
    headers = upstream_headers(
        visit.request.headers, provider, path=path, is_metered=is_metered, key=key, also=settings.passed_headers
    )
    return UpstreamRequest(
        method=visit.request.method,
        url=f"{settings.base_urls[name]}/{path}" + (f"?{query}" if query else ""),
        headers=headers,
        body=None,
        first_byte_timeout_ms=settings.first_byte_timeout_ms,
    )


def _record_refusal(visit: Visit, caller: Caller, context: CallContext, plan: CallPlan, refusal: Refusal) -> None:
    record = new_record(
        request_id=visit.request_id,
        started_at_ms=visit.started_at_ms,
        caller=caller,
        context=context,
        provider=plan.provider,
        path=plan.path,
        dialect=plan.dialect.name,
    )
    record = msgspec.structs.replace(record, model=plan.parsed.model, is_streaming=plan.parsed.is_streaming)
    record = record.refused(refusal, ended_at_ms=visit.ports.clock.now_ms())
    visit.ports.defer(send_message(record, visit.ports))
