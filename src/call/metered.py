"""A call that costs money, top to bottom: plan and price it, hold the money, send, then answer, settle and record; and
where a provider fails before its caller has heard anything, the same with the next one of the tenant's chain.

The money is held in a scope that nothing leaves unsettled, whatever is raised in it. The rule easy to break: what reads
the request runs before the hold, and from the hold on there is one exit.
"""

from access.identity import Caller
from call.decision import Asked
from call.endings import Failed, answer_of_call
from call.trip import Trip
from core.call.context import read_call_context
from core.wire.bytes_in_flight import BodyRoom
from exchange import Answer, Exchange
from routes import ProxyRoute


async def metered_call(exchange: Exchange, route: ProxyRoute, caller: Caller, room: BodyRoom) -> Answer:
    """A call that costs money: each attempt is held for before it is sent, and charged at what it used however it
    ends."""
    request = exchange.request
    context = read_call_context(request.headers, request.query, caller.sessions_behind_token)
    asked = Asked(exchange, route, caller, context, await exchange.read_body(room))
    with Trip(asked, room) as trip:
        while (call := await trip.next_call()) is not None:
            answer, patience_ms = await trip.send(call)
            answered = await answer_of_call(call, answer, patience_ms)
            if not isinstance(answered, Failed):
                return trip.served(answered)
            trip.failed(answered)
        return trip.in_vain()
