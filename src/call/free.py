"""A call that costs nothing, or that the tenant lets through unmetered: counted against the request rate, passed on."""

from dataclasses import replace

from access.identity import Caller
from access.tenant_keys import with_tenant_keys
from call.decision import counted
from call.endings import refusal_of
from call.upstream_request import provider_key, upstream_request
from core.refusals import SharedAccount, UnmeteredPath
from core.routing.forwarding import downstream_headers
from core.routing.paths import reaches_account
from core.tenant.shared_account import refuse_shared_references_in
from core.wire.bytes_in_flight import BodyRoom
from core.wire.dialects import DIALECTS
from exchange import BODILESS, Answer, Exchange, refused, with_headers
from ports import AttemptFailed
from routes import ProxyRoute


async def free_call(exchange: Exchange, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """A path that costs nothing, or one the tenant lets through unmetered: passed on as it is."""
    request = exchange.request
    caller = await counted(exchange, caller)
    if route.upstream.billing == "unmetered" and not caller.policy.allows_unmetered_paths:
        raise UnmeteredPath(
            f"{request.method} {request.path} may cost money in a way that is not metered; "
            "the tenant's configuration can let such paths through (allow_unmetered_paths)"
        )
    return await passed_on(exchange, route, caller, room)


async def passed_on(
    exchange: Exchange, route: ProxyRoute, caller: Caller, room: BodyRoom, body: bytes | None = None
) -> Answer:
    """Such a call, counted already, on its way to its provider and back. A `body` that was read before, and changed,
    goes instead of the request's."""
    assert route.provider is not None, "somebody is asked"
    request = exchange.request
    caller = await with_tenant_keys(caller, exchange)
    key = provider_key(caller, route.provider, exchange.isolate.settings, is_in_path=True)
    is_trusted = not key.is_shared or caller.policy.reaches_shared_accounts
    if not is_trusted and reaches_account(route.provider, route.upstream, request.method):
        raise SharedAccount(
            f"{request.method} {request.path} reaches what is stored under an account that tenants share; "
            f"send your own provider key behind the token (aw_live_…:{route.provider}=your-key)"
        )
    if body is None and request.method not in BODILESS:
        body = await exchange.read_body(room)
    question = upstream_request(exchange, route.provider, route.upstream.path, key, is_metered=False)
    if body is not None and not is_trusted:
        refuse_shared_references_in(body, path=route.upstream.path)
        # What was read as JSON has no other reading.
        question = replace(question, headers={**question.headers, "content-type": "application/json"})
    answer = await exchange.ports.upstream.send(replace(question, body=body))
    room.give_back()
    headers = {"x-agentwatch-request-id": exchange.request_id, "x-agentwatch-provider": route.provider}
    if isinstance(answer, AttemptFailed):
        return with_headers(refused(refusal_of(answer), DIALECTS[route.upstream.dialect], exchange.request_id), headers)
    return Answer(answer.status, {**downstream_headers(answer.headers), **headers}, answer.untouched())
