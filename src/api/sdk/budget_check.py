"""May a session go on? The question that SDKs ask before each call of theirs.

The first four names in the answer, and that they are numbers, are a published contract. KV is believed when it says
that a session is stopped, under the ceiling that holds now, and asked again when the Ledger is away; it never says
"still fine".
"""

from typing import Literal

import msgspec

from api.endpoint import ApiRequest, Nothing
from core.call.context import SessionId, read_limit_usd
from core.ledger.messages import AccountView, StatusRequest
from core.ledger.mirror import SessionMirror
from core.money.amount import Usd, usd_number
from exchange import Answer, json_answer
from ports import LedgerUnreachable, Ports, TenantStoreUnreachable


class BudgetCheckQuery(msgspec.Struct, frozen=True):
    session_id: SessionId
    limit_usd: Usd | None = None
    """Decimal dollars that the session is compared with; stored nowhere."""


class BudgetCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The session against its own limit and the one that is asked about, whichever is smaller."""

    exceeded: bool
    spent_usd: float
    limit_usd: float | None
    cumulative_tokens: int
    remaining_usd: float | None
    held_usd: float
    paused: bool
    source: Literal["ledger", "kv"]


async def check_budget(request: ApiRequest[BudgetCheckQuery, Nothing]) -> Answer:
    caller, asked = request.caller, request.query
    session_id = request.session_named(asked.session_id)
    assert session_id is not None, "the query has to say it"
    limit = None if asked.limit_usd is None else read_limit_usd(asked.limit_usd, "limit_usd")
    mirror = await _mirror(caller.tenant, session_id, request.exchange.ports)
    if mirror is not None and _is_stopped(mirror, caller.documents.session_ceiling_nanousd):
        return json_answer(_check_of_mirror(mirror, limit))
    question = StatusRequest(session_id=session_id, session_default_limit_nanousd=caller.policy.session_limit_nanousd)
    try:
        status = await request.ledger.tell(question)
    except LedgerUnreachable:
        if mirror is None:
            raise  # nobody knows what was spent: the SDK decides whether to go on, not a zero of ours
        return json_answer(_check_of_mirror(mirror, limit))
    return json_answer(check_of_account(status.accounts[0], limit))


def _is_stopped(mirror: SessionMirror, ceiling_nanousd: int | None) -> bool:
    """Is the session stopped, by what holds for it now?"""
    return mirror.ceiling_nanousd == ceiling_nanousd and (mirror.is_exhausted or mirror.is_paused)


async def _mirror(tenant: str, session_id: str, ports: Ports) -> SessionMirror | None:
    try:
        return await ports.tenants.session_mirror(tenant, session_id)
    except TenantStoreUnreachable:
        return None


def _check_of_mirror(mirror: SessionMirror, asked_nanousd: int | None) -> BudgetCheck:
    return _check(
        mirror.limit_nanousd,
        asked_nanousd,
        spent=mirror.spent_nanousd,
        held=0,
        tokens=mirror.tokens,
        is_paused=mirror.is_paused,
        source="kv",
    )


def check_of_account(account: AccountView, asked_nanousd: int | None = None) -> BudgetCheck:
    """An account as SDKs are told of it."""
    return _check(
        account.limit_nanousd,
        asked_nanousd,
        spent=account.spent_nanousd,
        held=account.held_nanousd,
        tokens=account.prompt_tokens + account.completion_tokens,
        is_paused=account.is_paused,
        source="ledger",
        is_hard=account.is_hard,
    )


def _check(
    limit: int | None,
    asked: int | None,
    *,
    spent: int,
    held: int,
    tokens: int,
    is_paused: bool,
    source: Literal["ledger", "kv"],
    is_hard: bool = True,
) -> BudgetCheck:
    # A limit that only warns refuses no call, so it must not stop an SDK either.
    refusing = [each for each in (limit if is_hard else None, asked) if each is not None]
    least = min((each for each in (limit, asked) if each is not None), default=None)
    return BudgetCheck(
        exceeded=is_paused or any(spent >= each for each in refusing),
        spent_usd=usd_number(spent),
        limit_usd=None if least is None else usd_number(least),
        cumulative_tokens=tokens,
        remaining_usd=None if least is None else usd_number(max(0, least - spent - held)),
        held_usd=usd_number(held),
        paused=is_paused,
        source=source,
    )
