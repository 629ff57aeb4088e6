"""Who may come in. A caller without a valid token meets a limiter keyed by its address before it is told so.

The limiter is asked only after the token was looked up: behind one address there may be a customer beside whoever
floods us, and a valid token is never refused for its neighbours.
"""

from access.audit import note_administrator, note_refused_login
from access.identity import Caller, Stranger, identify
from core.refusals import RateLimited, Unauthenticated
from core.routing.addresses import network_of
from exchange import Exchange

STRANGER_RETRY_AFTER_MS = 10_000


async def log_in(exchange: Exchange) -> Caller:
    """The caller behind a request. Raises `Unauthenticated`, `RateLimited`, or that nobody can tell."""
    found = await identify(
        exchange.request.headers,
        exchange.request.query,
        ports=exchange.ports,
        settings=exchange.isolate.settings,
        cache=exchange.isolate.identities,
    )
    if isinstance(found, Stranger):
        note_refused_login(exchange, found.outcome, found.record)
        raise await _refusal(exchange, found)
    if found.is_admin:
        note_administrator(exchange, found)
    return found


async def _refusal(exchange: Exchange, stranger: Stranger) -> Unauthenticated | RateLimited:
    if not await exchange.ports.is_stranger_allowed(network_of(exchange.client_address)):
        return RateLimited(
            "too many requests without a valid token from this address", retry_after_ms=STRANGER_RETRY_AFTER_MS
        )
    if stranger.outcome == "missing":
        return Unauthenticated(
            "no AgentWatch token: send one as a bearer token, or in "
            "x-api-key, x-goog-api-key, api-key or x-agentwatch-key"
        )
    return Unauthenticated("this token is not valid")
