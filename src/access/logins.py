"""Who may come in. A caller without a valid token meets a limiter keyed by its address before it is told so.

The limiter is asked only after the token was looked up: behind one address there may be a customer beside whoever
floods us, and a valid token is never refused for its neighbours.
"""

from dataclasses import replace

from access.audit import note_administrator, note_refused_login, note_sign_on
from access.identity import Caller, Operator, Stranger, identify
from access.permits import check_origin, no_role
from access.platform import platform_documents
from access.sign_on import sign_on
from core.refusals import NotPermitted, RateLimited, Unauthenticated
from core.routing.addresses import network_of
from exchange import Exchange

STRANGER_RETRY_AFTER_MS = 10_000


async def log_in(exchange: Exchange, *, is_administration: bool) -> Caller | Operator:
    """The caller behind a request: whose key it is, else at the administration who has signed on. Of two credentials
    the key is the one, good or not. Raises `Unauthenticated`, `NotPermitted`, `RateLimited`, or that nobody can tell.
    """
    found = await identify(
        exchange.request.headers,
        exchange.request.query,
        ports=exchange.ports,
        settings=exchange.isolate.settings,
        cache=exchange.isolate.identities,
    )
    if is_administration and isinstance(found, Stranger) and found.outcome == "missing":
        signed_on = await sign_on(exchange)
        found = found if signed_on is None else signed_on
    if isinstance(found, Stranger):
        note_refused_login(exchange, found.outcome, found.record)
        raise await _refusal(exchange, found)
    if isinstance(found, Caller):
        _check_origin(exchange, found)
    if isinstance(found, Caller) and found.signed_on is not None:
        note_sign_on(exchange, found, found.signed_on)
    elif isinstance(found, Operator) or found.is_admin:
        note_administrator(exchange, found)
    if isinstance(found, Operator):
        return found
    platform = await platform_documents(exchange.ports, exchange.isolate.identities)
    return replace(found, platform=platform)


def _check_origin(exchange: Exchange, caller: Caller) -> None:
    """Raises `NotPermitted`, of which the tenant's administrators find the event."""
    try:
        check_origin(caller, exchange)
    except NotPermitted:
        note_refused_login(exchange, "not_permitted", caller)
        raise


async def _refusal(exchange: Exchange, stranger: Stranger) -> Unauthenticated | NotPermitted | RateLimited:
    if not await exchange.ports.is_stranger_allowed(network_of(exchange.client_address)):
        return RateLimited(
            "too many requests without a valid token from this address", retry_after_ms=STRANGER_RETRY_AFTER_MS
        )
    if stranger.outcome == "missing":
        return Unauthenticated(
            "no AgentWatch token: send one as a bearer token, or in "
            "x-api-key, x-goog-api-key, api-key or x-agentwatch-key"
        )
    if stranger.outcome == "not_permitted":
        return no_role()
    return Unauthenticated("this token is not valid")
