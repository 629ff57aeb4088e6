"""Budgets of the tenant: of its sessions, its teams and itself. Any token of the tenant reads them; changing a limit, a
pause or a reset needs an administrator's, and each change is told.
"""

from typing import Annotated, Any

import msgspec

from access.identity import Caller
from access.permits import key_refusal
from api.endpoint import ApiRequest, Nothing
from core import telemetry
from core.call.context import SESSION_ID_PATTERN, check_session_id, read_limit_usd
from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    AccountView,
    BudgetKind,
    BudgetWindow,
    CeilingDenied,
    ConfigureRequest,
    KeyDisabled,
    ScopeKind,
    StatusRequest,
    WindowName,
)
from core.money.amount import Usd, format_usd
from core.refusals import InvalidRequest, NotFound
from delivery import send_message
from exchange import Answer, json_answer

SESSIONS_PER_PAGE_MAX = 200
TEAM_CHARACTERS_MAX = 128
AFTER_PATTERN = f"^$(?!\\n)|{SESSION_ID_PATTERN}"

_WINDOWS: dict[BudgetKind, tuple[BudgetWindow, ...]] = {
    "session": ("session",),
    "team": ("month",),
    "tenant": ("month", "day", "total"),
}
"""The windows in which a scope has a limit; the first one is meant where none is named."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One scope's numbers in one window. Dollars are exact decimal strings, moments UTC milliseconds."""

    scope: ScopeKind
    scope_id: str
    window: WindowName
    limit_usd: str | None
    spent_usd: str
    held_usd: str
    resets_at: int | None
    overrun_usd: str
    prompt_tokens: int
    completion_tokens: int
    paused: bool
    paused_by: str | None
    """The rule that did; null where a person did."""
    hard: bool
    alert_percent: int | None


class Accounts(msgspec.Struct, frozen=True):
    accounts: list[Account]


class SessionPage(msgspec.Struct, frozen=True):
    sessions: list[Account]
    next_after: str | None


class SessionsQuery(msgspec.Struct, frozen=True):
    after: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": AFTER_PATTERN})] = ""
    """The session id that the page before ended with."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=SESSIONS_PER_PAGE_MAX)] = 100


class BudgetChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An administrator's change to a scope; what is absent stays as it is."""

    limit_usd: Usd | msgspec.UnsetType | None = msgspec.UNSET
    """Decimal dollars; null removes the limit."""
    window: BudgetWindow | None = None
    paused: bool | None = None
    hard: bool | None = None
    alert_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    reset: bool = False


async def list_sessions(request: ApiRequest[SessionsQuery, Nothing]) -> Answer:
    """The tenant's live sessions, page by page; for a developer those of its own team."""
    asked, caller = request.query, request.caller
    if asked.after:
        check_session_id(asked.after, "after")
    owner = caller.owner if caller.role == "developer" else None
    page = await request.ledger.tell(ListSessionsRequest(after_session_id=asked.after, limit=asked.limit, owner=owner))
    sessions = [_account(each) for each in page.accounts]
    return json_answer(SessionPage(sessions, page.next_after_session_id))


async def read_budget(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Every window of one scope: the one in the path, else the tenant's own."""
    return await _accounts_of(request, *_scope_of(request))


async def change_budget(request: ApiRequest[Nothing, BudgetChange]) -> Answer:
    kind, scope_id = _scope_of(request)
    await _configure(request, _asked(kind, scope_id, request.body))
    return await _accounts_of(request, kind, scope_id)


async def reset_session(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Forget what was spent, and lift a pause."""
    kind, scope_id = _scope_of(request)
    change = ConfigureRequest(kind="session", id=scope_id, window="session", reset_spent=True, is_paused=False)
    await _configure(request, change)
    return await _accounts_of(request, kind, scope_id)


def _scope_of(request: ApiRequest[Nothing, Any]) -> tuple[BudgetKind, str]:
    """Which scope the path names. Raises `InvalidRequest`."""
    session_id, team = request.path.get("session_id"), request.path.get("team")
    if session_id is not None:
        return "session", check_session_id(session_id, "session_id")
    if team is None:
        return "tenant", request.caller.tenant
    if not 1 <= len(team) <= TEAM_CHARACTERS_MAX:
        raise InvalidRequest(f"a team's name has 1 to {TEAM_CHARACTERS_MAX} characters", param="team")
    return "team", team


def _asked(kind: BudgetKind, scope_id: str, change: BudgetChange) -> ConfigureRequest:
    """What an administrator asks of a scope. Raises `InvalidRequest`."""
    if msgspec.structs.replace(change, window=None) == BudgetChange():
        raise InvalidRequest("nothing to change: name limit_usd, paused, hard, alert_percent or reset")
    windows = _WINDOWS[kind]
    window = change.window or windows[0]
    if window not in windows:
        raise InvalidRequest(f"window of a {kind} must be one of {', '.join(sorted(windows))}", param="window")
    limit = change.limit_usd
    return ConfigureRequest(
        kind=kind,
        id=scope_id,
        window=window,
        limit_nanousd=read_limit_usd(limit, "limit_usd") if isinstance(limit, str) else None,
        clear_limit=limit is None,
        is_paused=change.paused,
        is_hard=change.hard,
        alert_percent=change.alert_percent,
        reset_spent=change.reset,
    )


async def _configure(request: ApiRequest[Nothing, Any], change: ConfigureRequest) -> None:
    caller = request.caller
    change = msgspec.structs.replace(change, key_id=caller.key_id, token_number=caller.token_number)
    configured = await request.ledger.tell(change)
    if isinstance(configured, KeyDisabled):
        raise key_refusal()
    if isinstance(configured, CeilingDenied):
        raise _above_ceiling(change, configured)
    for event in _events(request, change, configured.account):
        request.exchange.ports.defer(send_message(event, request.exchange))


def _above_ceiling(change: ConfigureRequest, denied: CeilingDenied) -> InvalidRequest:
    whose = "session of this tenant" if change.kind == "session" else "month of this tenant"
    ceiling = format_usd(denied.ceiling_nanousd)
    words = {
        "limit_usd": f"limit_usd must be at most {ceiling}, the ceiling of a {whose}",
        "hard": f"hard cannot be false: a {whose} has a ceiling of {ceiling}",
        "reset": f"reset would be as good as a higher limit: a {whose} has a ceiling of {ceiling}",
    }
    return InvalidRequest(words[denied.member], param=denied.member, details={"ceiling_usd": ceiling})


def _events(
    request: ApiRequest[Nothing, Any],
    change: ConfigureRequest,
    account: AccountView,
) -> list[telemetry.BudgetEvent]:
    """What an administrator did, thing by thing, with the numbers after it."""
    ports = request.exchange.ports
    done: list[tuple[bool, telemetry.BudgetEventKind]] = [
        (change.clear_limit or change.limit_nanousd is not None, "limit_changed"),
        (change.is_paused is True, "paused"),
        (change.is_paused is False, "resumed"),
        (change.is_hard is True, "made_hard"),
        (change.is_hard is False, "made_warning"),
        (change.alert_percent is not None, "alert_changed"),
        (change.reset_spent, "spent_reset"),
    ]
    return [
        telemetry.BudgetEvent(
            event_id=ports.ids.new("evt_"),
            occurred_at_ms=ports.clock.now_ms(),
            tenant=request.caller.tenant,
            change=name,
            scope_kind=account.kind,
            scope_id=account.id,
            window=account.window,
            limit_nanousd=account.limit_nanousd,
            spent_nanousd=account.spent_nanousd,
            held_nanousd=account.held_nanousd,
            key_id=request.caller.key_id,
            actor=request.caller.actor,
        )
        for is_done, name in done
        if is_done
    ]


async def _accounts_of(request: ApiRequest[Nothing, Any], kind: BudgetKind, scope_id: str) -> Answer:
    status = await request.ledger.tell(
        StatusRequest(
            session_id=scope_id if kind == "session" else None,
            team=scope_id if kind == "team" else None,
            include_tenant=kind == "tenant",
        )
    )
    if not _may_see(request.caller, status.accounts):
        raise NotFound(f"there is no such {kind}", param="session_id" if kind == "session" else kind)
    return json_answer(Accounts([_account(each) for each in status.accounts]))


def _may_see(caller: Caller, accounts: list[AccountView]) -> bool:
    """A developer sees its own team's accounts, and its tenant's; what is nobody's yet, it could not tell from what is
    another team's."""
    if caller.role != "developer":
        return True
    return all(
        each.kind == "tenant" or caller.owner == (each.owner if each.kind == "session" else f"team:{each.id}")
        for each in accounts
    )


def _account(view: AccountView) -> Account:
    limit = view.limit_nanousd
    return Account(
        scope=view.kind,
        scope_id=view.id,
        window=view.window,
        limit_usd=None if limit is None else format_usd(limit),
        spent_usd=format_usd(view.spent_nanousd),
        held_usd=format_usd(view.held_nanousd),
        resets_at=view.resets_at_ms,
        overrun_usd=format_usd(view.overrun_nanousd),
        prompt_tokens=view.prompt_tokens,
        completion_tokens=view.completion_tokens,
        paused=view.is_paused,
        paused_by=view.paused_by,
        hard=view.is_hard,
        alert_percent=view.alert_percent,
    )
