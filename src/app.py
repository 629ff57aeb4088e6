"""One request: route, log in, then a call that costs money, a free one, or a route of our own.

Every refusal is raised as a `Refusal` and rendered here, once, in the caller's dialect.
"""

import msgspec

from access import audit
from access.identity import Caller
from access.logins import log_in
from api.endpoint import AnyEndpoint, ApiRequest, Nothing, read_query
from api.table import Found, find
from call.count_tokens import count_tokens
from call.free import free_call
from call.metered import metered_call
from core.bounds import OWN_BODY_BYTES_MAX
from core.refusals import BudgetUnavailable, NotPermitted, Refusal
from core.wire.dialects import DIALECTS
from exchange import BODILESS, Answer, Exchange, Inbound, check_depth, decoded, refused, with_headers
from isolate import Isolate
from ports import LedgerUnreachable, Ports
from routes import ProxyRoute, errors_in, proxy_route


async def handle(request: Inbound, ports: Ports, isolate: Isolate) -> Answer:
    """Answer any request; every refusal becomes an answer in the caller's dialect."""
    exchange = Exchange(request, ports.ids.new("req_"), ports.clock.now_ms(), ports, isolate)
    try:
        route = proxy_route(request.method, request.path) or find(request.method, request.path)
        if isinstance(route, Found) and route.endpoint.audience == "public":
            return await _own_route(exchange, route, None)
        return await _answer(exchange, route, await log_in(exchange))
    except Refusal as refusal:
        return refused(refusal, DIALECTS[errors_in(request.path)], exchange.request_id)


async def _answer(exchange: Exchange, route: ProxyRoute | Found, caller: Caller) -> Answer:
    try:
        if isinstance(route, ProxyRoute):
            return await _call(exchange, route, caller)
        if not route.endpoint.is_administration:
            return await _own_route(exchange, route, caller)
        return await _logged(exchange, route, caller)
    except Refusal as refusal:
        audit.note_refusal(exchange, caller, refusal)
        raise


async def _call(exchange: Exchange, route: ProxyRoute, caller: Caller) -> Answer:
    room = exchange.room_for_body()
    try:
        if route.upstream.billing == "metered":
            return await metered_call(exchange, route, caller, room)
        if route.provider is None:
            return await count_tokens(exchange, route, caller, room)
        return await free_call(exchange, route, caller, room)
    except BaseException:  # after a call went well nothing of ours is done any more: its stream is open
        room.give_back()
        raise


async def _logged(exchange: Exchange, route: Found, caller: Caller) -> Answer:
    """Administration, which keeps a log of who asked for what."""
    status, error_code = 500, None
    try:
        answer = await _own_route(exchange, route, caller)
        status = answer.status
        return answer
    except Refusal as refusal:
        status, error_code = refusal.status, refusal.code
        raise
    finally:
        audit.note_access(exchange, caller, status=status, error_code=error_code)


async def _own_route(exchange: Exchange, route: Found, caller: Caller | None) -> Answer:
    """AgentWatch's own API: whoever may ask is answered by the endpoint's handler, of what its types can read."""
    endpoint, request = route.endpoint, exchange.request
    if endpoint.audience == "admin" and not (caller is not None and caller.is_admin):
        raise NotPermitted(f"{endpoint.method} {endpoint.path} needs a token with the admin role")
    body = b""
    if request.method not in BODILESS:
        with exchange.room_for_body(OWN_BODY_BYTES_MAX) as room:
            body = await exchange.read_body(room, takes_gzip=endpoint.takes_gzip)
    asked = ApiRequest(
        exchange, caller, route.path, read_query(request.query, endpoint.query), _body_of(endpoint, body), body
    )
    try:
        answer = await endpoint.handler(asked)
    except LedgerUnreachable:
        raise BudgetUnavailable("the ledger of this tenant cannot be asked just now", retry_after_ms=1_000) from None
    return with_headers(answer, {"x-agentwatch-request-id": exchange.request_id})


def _body_of(endpoint: AnyEndpoint, body: bytes) -> msgspec.Struct:
    if endpoint.reads_body:
        check_depth(body)
    return Nothing() if endpoint.body is Nothing or endpoint.reads_body else decoded(body, endpoint.body)
