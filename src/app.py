"""One request: route, log in, then a call that costs money, a free one, or a route of our own.

Every refusal is raised as a `Refusal` and rendered here, once, in the caller's dialect.
"""

from access import audit
from access.identity import Caller
from access.logins import log_in
from api import admin
from call.free import free_call
from call.metered import metered_call
from core.bounds import OWN_BODY_BYTES_MAX
from core.refusals import Refusal
from core.wire.dialects import DIALECTS
from exchange import BODILESS, Answer, Exchange, Inbound, refused, with_headers
from isolate import Isolate
from ports import Ports
from routes import HealthRoute, ProxyRoute, Route, errors_in, resolve


async def handle(request: Inbound, ports: Ports, isolate: Isolate) -> Answer:
    """Answer any request; every refusal becomes an answer in the caller's dialect."""
    exchange = Exchange(request, ports.ids.new("req_"), ports.clock.now_ms(), ports, isolate)
    try:
        route = resolve(request.method, request.path)
        if isinstance(route, HealthRoute):
            return admin.health()
        return await _answer(exchange, route, await log_in(exchange))
    except Refusal as refusal:
        return refused(refusal, DIALECTS[errors_in(request.path)], exchange.request_id)


async def _answer(exchange: Exchange, route: Route, caller: Caller) -> Answer:
    try:
        if not isinstance(route, ProxyRoute):
            return await _own_route(exchange, route, caller)
        room = exchange.room_for_body()
        try:
            if route.upstream.billing == "metered":
                return await metered_call(exchange, route, caller, room)
            return await free_call(exchange, route, caller, room)
        except BaseException:  # after a call went well nothing of ours is done any more: its stream is open
            room.give_back()
            raise
    except Refusal as refusal:
        audit.note_refusal(exchange, caller, refusal)
        raise


async def _own_route(exchange: Exchange, route: Route, caller: Caller) -> Answer:
    """AgentWatch's own API; its administration keeps a log of who asked for what."""
    status, error_code = 500, None
    try:
        with exchange.room_for_body(OWN_BODY_BYTES_MAX) as room:
            body = b"" if exchange.request.method in BODILESS else await exchange.read_body(room)
        answer = await admin.answer(exchange, route, body, caller)
        status = answer.status
    except Refusal as refusal:
        status, error_code = refusal.status, refusal.code
        raise
    finally:
        if admin.is_administration(route):
            audit.note_access(exchange, caller, status=status, error_code=error_code)
    return with_headers(answer, {"x-agentwatch-request-id": exchange.request_id})
