"""One request: route, log in, then a call that costs money, a free one, or a route of our own.

Every refusal is raised as a `Refusal` and rendered here, once, in the caller's dialect.
"""

from collections.abc import Mapping

from access import audit
from access.identity import Caller, Operator
from access.logins import log_in
from access.permits import check_may_call, check_not_suspended, confirmed
from access.sign_on import refuse_foreign_write
from api.reading import read_request
from api.table import Found, find
from call.count_tokens import count_tokens
from call.free import free_call
from call.metered import metered_call
from core.refusals import BudgetUnavailable, HttpOnly, NotPermitted, Refusal
from core.roles import PLATFORM, ROLES_OF, may
from core.tenant.cors import answer_headers, is_preflight, preflight_headers, stranger_headers
from core.wire.dialects import DIALECTS
from exchange import Answer, Exchange, Inbound, refused, with_headers
from isolate import Isolate
from ports import LedgerUnreachable, Ports
from routes import ProxyRoute, errors_in, not_allowed, proxy_route

KEPT_NOWHERE = {"cache-control": "no-store, no-transform"}
"""Of administration's answers: they show keys and numbers, and a tag that somebody weakens on the way is another."""


async def handle(request: Inbound, ports: Ports, isolate: Isolate) -> Answer:
    """Answer any request; every refusal becomes an answer in the caller's dialect."""
    exchange = Exchange(request, ports.ids.new("req_"), ports.clock.now_ms(), ports, isolate)
    also: Mapping[str, str] = {}
    try:
        if is_preflight(request.method, request.headers):
            return _preflight(request)
        also = stranger_headers(request.headers)
        if request.headers.get("upgrade", "").strip().lower() == "websocket":
            raise HttpOnly("a WebSocket cannot be metered: ask over HTTP, streamed with stream: true", param="upgrade")
        route = proxy_route(request.method, request.path) or find(request.method, request.path)
        is_administration = _is_administration(route)
        also = KEPT_NOWHERE if is_administration else also
        if isinstance(route, Found) and route.endpoint.audience == "public":
            return await _own_route(exchange, route, None)
        who = await log_in(exchange, is_administration=is_administration)
        also = also if is_administration else _readable_by(request, who)
        return with_headers(await _answer(exchange, route, who), also)
    except Refusal as refusal:
        return with_headers(refused(refusal, DIALECTS[errors_in(request.path)], exchange.request_id), also)


def _preflight(request: Inbound) -> Answer:
    """What a browser asks before it sends a token along. Raises `RouteNotFound` or `MethodNotAllowed`."""
    asked = request.headers["access-control-request-method"]
    route = proxy_route(asked, request.path) or find(asked, request.path)
    if isinstance(route, Found) and _is_administration(route):
        raise not_allowed(request.method, [route.endpoint.method])
    return Answer(204, preflight_headers(request.headers), b"")


def _readable_by(request: Inbound, who: Caller | Operator) -> Mapping[str, str]:
    """What lets a web page read the answer, if its tenant lets it or the key is for that page; nothing does for
    administration."""
    if isinstance(who, Operator):
        return {}
    return answer_headers(request.headers, who.policy.cors_origins.union(who.origins or ()))


def _is_administration(route: ProxyRoute | Found) -> bool:
    return isinstance(route, Found) and route.endpoint.is_administration


async def _answer(exchange: Exchange, route: ProxyRoute | Found, caller: Caller | Operator) -> Answer:
    try:
        if isinstance(route, ProxyRoute):
            return await _call(exchange, route, check_may_call(caller))
        if not _is_administration(route):
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


async def _logged(exchange: Exchange, route: Found, caller: Caller | Operator) -> Answer:
    """Administration, which keeps a log of who asked for what."""
    status, error_code = 500, None
    try:
        if isinstance(caller, Caller):
            if caller.signed_on is not None:
                refuse_foreign_write(exchange.request)
            caller = await confirmed(exchange, caller)
        answer = await _own_route(exchange, route, caller)
        status = answer.status
        return answer
    except Refusal as refusal:
        status, error_code = refusal.status, refusal.code
        raise
    finally:
        tenant = caller.tenant if isinstance(caller, Caller) else route.path.get("tenant", PLATFORM)
        audit.note_access(exchange, caller, tenant=tenant, status=status, error_code=error_code)


async def _own_route(exchange: Exchange, route: Found, caller: Caller | Operator | None) -> Answer:
    """AgentWatch's own API: whoever may ask is answered by the endpoint's handler, of what its types can read."""
    endpoint = route.endpoint
    if isinstance(caller, Caller) and not endpoint.is_of_the_past:
        check_not_suspended(caller)
    if caller is not None and not may(caller.role, endpoint.audience):
        needed = " or ".join(sorted(ROLES_OF[endpoint.audience]))
        raise NotPermitted(f"{endpoint.method} {endpoint.path} needs a token with the role {needed}")
    asked = await read_request(exchange, endpoint, route.path, caller)
    try:
        answer = await endpoint.handler(asked)
    except LedgerUnreachable:
        raise BudgetUnavailable("the ledger of this tenant cannot be asked just now", retry_after_ms=1_000) from None
    return with_headers(answer, {"x-agentwatch-request-id": exchange.request_id})
