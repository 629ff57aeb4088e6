"""AgentWatch's own routes: budget checks and reports of the SDKs, sessions and budgets of the tenant, models, health.

The names in the answers of `budget-check` and `ingest` are a published contract. Reading needs any token of the
tenant; changing a limit, a pause or a reset needs an administrator's.
"""

from typing import Annotated
from urllib.parse import parse_qs

import msgspec

from access.identity import Caller
from api.ingest import ingest
from call.admission import account_details
from core import telemetry
from core.call.context import check_session_id, read_limit_usd, read_whole
from core.ledger.messages import AccountView, BudgetWindow, ConfigureRequest, ListSessionsRequest, StatusRequest
from core.ledger.mirror import SessionMirror
from core.money import price_book
from core.money.amount import format_usd, usd_number
from core.providers import PROVIDERS
from core.refusals import BudgetUnavailable, InvalidRequest, NotPermitted, RouteNotFound
from delivery import send_message
from exchange import Answer, Exchange, Inbound, decoded, json_answer
from ports import LedgerUnreachable, Ports, TenantStoreUnreachable
from routes import BudgetCheckRoute, IngestRoute, ModelsRoute, Route, ScopeRoute, SessionsRoute

SESSIONS_PER_PAGE_MAX = 200
TEAM_CHARACTERS_MAX = 128


class BudgetCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The published answer of a budget check; the first four names and their number types are the contract."""

    exceeded: bool
    spent_usd: float
    limit_usd: float | None
    cumulative_tokens: int
    remaining_usd: float | None
    held_usd: float
    paused: bool
    source: str


class BudgetChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An administrator's change to a scope; what is absent stays as it is."""

    limit_usd: str | msgspec.UnsetType | None = msgspec.UNSET
    """Decimal dollars; null removes the limit."""
    window: BudgetWindow | None = None
    paused: bool | None = None
    hard: bool | None = None
    alert_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    reset: bool = False


def health() -> Answer:
    """Up, and with which prices."""
    return json_answer(msgspec.json.encode({"status": "ok", "price_version": price_book.VERSION}))


def is_administration(route: Route) -> bool:
    """Is this a route for people and their tools, and not one that every call of an SDK asks?"""
    return isinstance(route, SessionsRoute | ScopeRoute)


async def answer(exchange: Exchange, route: Route, body: bytes, caller: Caller) -> Answer:
    """Answer one of AgentWatch's own routes. Raises a `Refusal`."""
    request, ports = exchange.request, exchange.ports
    try:
        match route:
            case BudgetCheckRoute():
                return await _budget_check(request, caller, ports)
            case IngestRoute():
                return await ingest(exchange, body, caller)
            case SessionsRoute():
                return await _sessions(request, caller, ports)
            case ScopeRoute(kind=kind, id=scope_id):
                return await _scope(exchange, kind, scope_id, body, caller)
            case ModelsRoute():
                return _models()
            case _:
                raise RouteNotFound("there is no such route")
    except LedgerUnreachable:
        raise BudgetUnavailable("budgets cannot be read just now", retry_after_ms=1_000) from None


async def _budget_check(request: Inbound, caller: Caller, ports: Ports) -> Answer:
    query = parse_qs(request.query, keep_blank_values=True)
    session_id = check_session_id(query.get("session_id", [""])[0], "session_id")
    limit_text = query.get("limit_usd", [None])[0]
    limit = None if limit_text is None else read_limit_usd(limit_text, "limit_usd")
    mirror = await _mirror(caller.tenant, session_id, ports)
    if mirror is not None and (mirror.is_exhausted or mirror.is_paused):
        return json_answer(msgspec.json.encode(_check_of_mirror(mirror, limit)))
    try:
        status = await ports.ledger_of(caller.tenant).tell(
            StatusRequest(session_id=session_id, session_default_limit_nanousd=caller.policy.session_limit_nanousd)
        )
    except LedgerUnreachable:
        if mirror is None:
            raise  # nobody knows what was spent: the SDK decides whether to go on, not a zero of ours
        return json_answer(msgspec.json.encode(_check_of_mirror(mirror, limit)))
    return json_answer(msgspec.json.encode(_check_of_account(status.accounts[0], limit)))


async def _mirror(tenant: str, session_id: str, ports: Ports) -> SessionMirror | None:
    """KV is believed when it says exhausted and asked again when the Ledger is away; it never says "still fine"."""
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


def _check_of_account(account: AccountView, asked_nanousd: int | None) -> BudgetCheck:
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
    source: str,
    is_hard: bool = True,
) -> BudgetCheck:
    """The session against its own limit and the one that is asked about, whichever is smaller."""
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


async def _sessions(request: Inbound, caller: Caller, ports: Ports) -> Answer:
    query = parse_qs(request.query)
    limit = read_whole(query.get("limit", ["100"])[0], "limit", least=1, most=SESSIONS_PER_PAGE_MAX)
    after = query.get("after", [""])[0]
    if after:
        check_session_id(after, "after")
    page = await ports.ledger_of(caller.tenant).tell(ListSessionsRequest(after_session_id=after, limit=limit))
    document = {
        "sessions": [_account_document(account) for account in page.accounts],
        "next_after": page.next_after_session_id,
    }
    return json_answer(msgspec.json.encode(document))


async def _scope(exchange: Exchange, kind: str, scope_id: str, body: bytes, caller: Caller) -> Answer:
    method, ports = exchange.request.method, exchange.ports
    if kind == "session":
        check_session_id(scope_id, "session_id")
    elif len(scope_id) > TEAM_CHARACTERS_MAX or (kind == "team" and not scope_id):
        raise InvalidRequest(f"a team's name has 1 to {TEAM_CHARACTERS_MAX} characters", param="team")
    scope_id = caller.tenant if kind == "tenant" else scope_id
    ledger = ports.ledger_of(caller.tenant)
    if method != "GET":
        if not caller.is_admin:
            raise NotPermitted("changing a budget needs a token with the admin role")
        change = _change(kind, scope_id, method, body)
        configured = await ledger.tell(change)
        for event in _budget_events(change, configured.account, caller, ports):
            ports.defer(send_message(event, exchange))
    status = await ledger.tell(
        StatusRequest(
            session_id=scope_id if kind == "session" else None,
            team=scope_id if kind == "team" else None,
            include_tenant=kind == "tenant",
        )
    )
    return json_answer(msgspec.json.encode({"accounts": [_account_document(each) for each in status.accounts]}))


def _change(kind: str, scope_id: str, method: str, body: bytes) -> ConfigureRequest:
    """What an administrator asks of a scope. DELETE forgets what was spent and lifts a pause."""
    window_default: BudgetWindow = "session" if kind == "session" else "month"
    if method == "DELETE":
        return ConfigureRequest(kind="session", id=scope_id, window="session", reset_spent=True, is_paused=False)
    change = decoded(body, BudgetChange)
    if msgspec.structs.replace(change, window=None) == BudgetChange():
        raise InvalidRequest("nothing to change: name limit_usd, paused, hard, alert_percent or reset")
    windows = {"session": ("session",), "team": ("month",), "tenant": ("day", "month", "total")}[kind]
    window = change.window or window_default
    if window not in windows:
        raise InvalidRequest(f"window of a {kind} must be one of {', '.join(windows)}", param="window")
    limit = change.limit_usd
    return ConfigureRequest(
        kind=kind,  # type: ignore[arg-type]  # the route table names only the three kinds
        id=scope_id,
        window=window,
        limit_nanousd=read_limit_usd(limit, "limit_usd") if isinstance(limit, str) else None,
        clear_limit=limit is None,
        is_paused=change.paused,
        is_hard=change.hard,
        alert_percent=change.alert_percent,
        reset_spent=change.reset,
    )


def _budget_events(
    change: ConfigureRequest, account: AccountView, caller: Caller, ports: Ports
) -> list[telemetry.BudgetEvent]:
    """What an administrator did, thing by thing, with the numbers after it."""
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
            tenant=caller.tenant,
            change=name,
            scope_kind=account.kind,
            scope_id=account.id,
            window=account.window,
            limit_nanousd=account.limit_nanousd,
            spent_nanousd=account.spent_nanousd,
            held_nanousd=account.held_nanousd,
            key_id=caller.key_id,
        )
        for is_done, name in done
        if is_done
    ]


def _account_document(account: AccountView) -> dict[str, object]:
    return {
        **account_details(account),
        "overrun_usd": format_usd(account.overrun_nanousd),
        "prompt_tokens": account.prompt_tokens,
        "completion_tokens": account.completion_tokens,
        "paused": account.is_paused,
        "hard": account.is_hard,
        "alert_percent": account.alert_percent,
    }


def _models() -> Answer:
    data = [
        {"id": f"{provider}/{model}", "object": "model", "created": 0, "owned_by": provider}
        for provider in PROVIDERS
        for model in price_book.models(provider)
    ]
    return json_answer(msgspec.json.encode({"object": "list", "data": data}))
