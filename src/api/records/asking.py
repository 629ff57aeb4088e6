"""One question to the database of records, and every way in which that goes wrong as a refusal that says what to do.

The rule easy to break: a tenant's question goes with a token that names the tenant, and a developer's with one that
names its team, too. The token that sees all is for what is of no tenant, and for an operator.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from access.identity import Caller, Operator
from core.refusals import RecordsUnavailable
from core.tenant.proofs.records_token import service_token, tenant_token
from core.wire.json_text import InvalidJSON, read_json
from exchange import Exchange
from ports import RecordsAnswer, RecordsUnreachable

T = TypeVar("T")

Arguments = Mapping[str, object]
"""Told as JSON."""

_REFUSED = {
    401: "the database does not take AgentWatch's tokens: SUPABASE_JWT_SECRET must be the project's JWT secret, and"
    " SUPABASE_ANON_KEY the key that its gateway wants",
    403: "the database does not let its functions be called: apply the newest migrations",
    404: "the database lacks a function that is asked for: apply the newest migrations",
}
_RETRY_AFTER_MS = 2_000
_OUT_OF_TIME = "57014"
"""SQLSTATE query_canceled: the statement ran into the database's own limit."""


class _Fault(msgspec.Struct):
    """PostgREST's words when it could not do what was asked."""

    code: str = ""


async def ask_of_tenant(exchange: Exchange, caller: Caller, function: str, arguments: Arguments, answer: type[T]) -> T:
    """What a function says of the caller's rows. Raises `RecordsUnavailable`."""
    team = caller.team if caller.role == "developer" else None
    token = tenant_token(caller.tenant, team, secret=_secret(exchange), now_ms=exchange.ports.clock.now_ms())
    return await _ask(exchange, function, arguments, answer, token)


async def ask_as_operator(
    exchange: Exchange, operator: Operator, function: str, arguments: Arguments, answer: type[T]
) -> T:
    """What a function says that is no tenant's. Raises `RecordsUnavailable`."""
    assert operator.role == "operator"
    token = service_token(secret=_secret(exchange), now_ms=exchange.ports.clock.now_ms())
    return await _ask(exchange, function, arguments, answer, token)


def _secret(exchange: Exchange) -> bytes:
    settings = exchange.isolate.settings
    needed = {"SUPABASE_URL": settings.supabase_url, "SUPABASE_JWT_SECRET": settings.supabase_jwt_secret}
    missing = " and ".join(name for name, value in needed.items() if value is None)
    if settings.supabase_jwt_secret is None or missing:
        raise RecordsUnavailable(f"this deployment does not read records: give the edge Worker the secret {missing}")
    return settings.supabase_jwt_secret


async def _ask(exchange: Exchange, function: str, arguments: Arguments, answer: type[T], token: str) -> T:
    try:
        said = await exchange.ports.records.call(function, msgspec.json.encode(arguments), token=token)
    except RecordsUnreachable:
        raise RecordsUnavailable("the database does not answer just now", retry_after_ms=_RETRY_AFTER_MS) from None
    if said.status != 200:
        raise _refusal(said)
    try:
        return read_json(said.body, answer)
    except InvalidJSON:
        raise RecordsUnavailable("the database's answer is not what its migrations make it") from None


def _refusal(said: RecordsAnswer) -> RecordsUnavailable:
    if said.status in _REFUSED:
        return RecordsUnavailable(_REFUSED[said.status])
    try:
        code = read_json(said.body, _Fault).code
    except InvalidJSON:
        code = ""
    if code == _OUT_OF_TIME:
        return RecordsUnavailable("the database ran out of time: ask for a shorter span")
    words = f"the database answered {said.status} {code}".rstrip()
    return RecordsUnavailable(words, retry_after_ms=_RETRY_AFTER_MS)
