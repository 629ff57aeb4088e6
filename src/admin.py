"""AgentWatch's own routes: budget checks and reports of the SDKs, sessions and budgets of the tenant, models, health.

The names in the answers of `budget-check` and `ingest` are a published contract. Reading needs any token of the
tenant; changing a limit, a pause or a reset needs an administrator's.
"""

import re
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

import msgspec

from accounting import new_record
from budgets import account_details
from core import price_book, pricing, telemetry
from core.call_context import CallContext, check_session_id, read_limit_usd
from core.json_depth import is_too_deep
from core.messages import (
    AccountView,
    ConfigureRequest,
    Conflict,
    ListSessionsRequest,
    RecordRequest,
    StatusRequest,
    WindowName,
)
from core.money import format_usd, usd_number
from core.providers import PROVIDERS
from core.refusals import (
    BodyTooLarge,
    BudgetUnavailable,
    InvalidRequest,
    NotPermitted,
    RouteNotFound,
)
from core.usage import Usage
from exchange import Answer, Inbound, json_answer
from identity import Caller
from outgoing import send_message
from ports import LedgerUnreachable, Ports, SessionMirror, TenantStoreUnreachable
from routes import BudgetCheckRoute, IngestRoute, ModelsRoute, Route, ScopeRoute, SessionsRoute

INGEST_BODY_BYTES_MAX = 1_000_000
SESSIONS_PER_PAGE_MAX = 200
TEAM_CHARACTERS_MAX = 128

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
"""A thousand times the longest call there is; at the dearest price still an amount that the ledger takes."""

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
T = TypeVar("T", bound=msgspec.Struct)


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


class IngestReport(msgspec.Struct, frozen=True, kw_only=True):
    """A call that an SDK made by itself. Unknown fields are ignored: newer SDKs may say more."""

    model: Label
    prompt_tokens: Count
    completion_tokens: Count
    latency_ms: Annotated[float, msgspec.Meta(ge=0, le=10**9)]
    provider: str | None = None
    session_id: str | None = None
    iteration_index: Count | None = None
    identified_risks: list[Label] = []
    project: Label | None = None
    team: Label | None = None
    event_id: Label | None = None


class BudgetChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An administrator's change to a scope; what is absent stays as it is."""

    limit_usd: str | msgspec.UnsetType | None = msgspec.UNSET
    """Decimal dollars; null removes the limit."""
    window: WindowName | None = None
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


async def answer(route: Route, request: Inbound, caller: Caller, ports: Ports) -> Answer:
    """Answer one of AgentWatch's own routes. Raises a `Refusal`."""
    try:
        match route:
            case BudgetCheckRoute():
                return await _budget_check(request, caller, ports)
            case IngestRoute():
                return await _ingest(request, caller, ports)
            case SessionsRoute():
                return await _sessions(request, caller, ports)
            case ScopeRoute(kind=kind, id=scope_id):
                return await _scope(kind, scope_id, request, caller, ports)
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
    if mirror is not None and mirror.limit_nanousd is not None and mirror.spent_nanousd >= mirror.limit_nanousd:
        return json_answer(msgspec.json.encode(_check_of_mirror(mirror, limit)))
    try:
        status = await ports.ledger_of(caller.tenant).status(
            StatusRequest(
                session_id=session_id,
                session_limit_nanousd=limit,
                session_default_limit_nanousd=caller.policy.session_limit_nanousd,
            )
        )
    except LedgerUnreachable:
        return json_answer(msgspec.json.encode(_check_of_mirror(mirror or SessionMirror(0, 0, None), limit)))
    return json_answer(msgspec.json.encode(_check_of_account(status.accounts[0])))


async def _mirror(tenant: str, session_id: str, ports: Ports) -> SessionMirror | None:
    """KV is believed when it says exhausted and asked again when the Ledger is away; it never says "still fine"."""
    try:
        return await ports.tenants.session_mirror(tenant, session_id)
    except TenantStoreUnreachable:
        return None


def _check_of_mirror(mirror: SessionMirror, asked_limit_nanousd: int | None) -> BudgetCheck:
    limits = [limit for limit in (mirror.limit_nanousd, asked_limit_nanousd) if limit is not None]
    limit = min(limits) if limits else None
    return _check(
        limit,
        mirror.spent_nanousd,
        0,
        is_exceeded=limit is not None and mirror.spent_nanousd >= limit,
        tokens=mirror.tokens,
        is_paused=False,
        source="kv",
    )


def _check_of_account(account: AccountView) -> BudgetCheck:
    limit = account.limit_nanousd
    return _check(
        limit,
        account.spent_nanousd,
        account.held_nanousd,
        # A limit that only warns refuses no call, so it must not stop an SDK either.
        is_exceeded=account.is_hard and limit is not None and account.spent_nanousd >= limit,
        tokens=account.prompt_tokens + account.completion_tokens,
        is_paused=account.is_paused,
        source="ledger",
    )


def _check(
    limit: int | None, spent: int, held: int, *, is_exceeded: bool, tokens: int, is_paused: bool, source: str
) -> BudgetCheck:
    return BudgetCheck(
        exceeded=is_exceeded or is_paused,
        spent_usd=usd_number(spent),
        limit_usd=None if limit is None else usd_number(limit),
        cumulative_tokens=tokens,
        remaining_usd=None if limit is None else usd_number(max(0, limit - spent - held)),
        held_usd=usd_number(held),
        paused=is_paused,
        source=source,
    )


async def _ingest(request: Inbound, caller: Caller, ports: Ports) -> Answer:
    if len(request.body) > INGEST_BODY_BYTES_MAX:
        raise BodyTooLarge(f"a report may have at most {INGEST_BODY_BYTES_MAX} bytes")
    report = _decoded(request.body, IngestReport)
    session_id = None if report.session_id is None else check_session_id(report.session_id, "session_id")
    price = price_book.find_reported(report.provider, report.model, at_ms=ports.clock.now_ms())
    usage = Usage(input_tokens=report.prompt_tokens, output_tokens=report.completion_tokens)
    cost = pricing.cost_nanousd(usage, price)
    event_id = report.event_id or ports.ids.new("evt_")
    ledger = ports.ledger_of(caller.tenant)
    recorded = await ledger.record(
        RecordRequest(
            event_id=event_id,
            cost_nanousd=cost,
            prompt_tokens=report.prompt_tokens,
            completion_tokens=report.completion_tokens,
            session_id=session_id,
            team=caller.team or report.team,
            session_default_limit_nanousd=caller.policy.session_limit_nanousd,
        )
    )
    if isinstance(recorded, Conflict):
        raise InvalidRequest("event_id was used before for another report", param="event_id")
    record = msgspec.structs.replace(
        new_record(
            request_id=event_id,
            started_at_ms=recorded.at_ms,
            caller=caller,
            context=CallContext(session_id=session_id, project=report.project, iteration=report.iteration_index),
            provider=price.provider or None,
            path=request.path,
            dialect=None,
        ),
        source="sdk",
        team=caller.team or report.team,
        model=report.model,
        usage=usage,
        cost_nanousd=cost,
        latency_ms=report.latency_ms,
        risks=tuple(report.identified_risks),
        is_estimated=price.is_estimate,
    )
    # A repeat is told as well, as the row it already is: the first time may have been cut short before its record.
    ports.defer(send_message(record, ports))
    return Answer(200, {"content-type": "text/plain; charset=utf-8"}, b"Success")


async def _sessions(request: Inbound, caller: Caller, ports: Ports) -> Answer:
    query = parse_qs(request.query)
    limit_text = query.get("limit", ["100"])[0]
    if not (re.fullmatch("[0-9]{1,9}", limit_text) and 1 <= int(limit_text) <= SESSIONS_PER_PAGE_MAX):
        raise InvalidRequest(f"limit must be a whole number from 1 to {SESSIONS_PER_PAGE_MAX}", param="limit")
    after = query.get("after", [""])[0]
    if after:
        check_session_id(after, "after")
    page = await ports.ledger_of(caller.tenant).list_sessions(
        ListSessionsRequest(after_session_id=after, limit=int(limit_text))
    )
    document = {
        "sessions": [_account_document(account) for account in page.accounts],
        "next_after": page.next_after_session_id,
    }
    return json_answer(msgspec.json.encode(document))


async def _scope(kind: str, scope_id: str, request: Inbound, caller: Caller, ports: Ports) -> Answer:
    if kind == "session":
        check_session_id(scope_id, "session_id")
    elif len(scope_id) > TEAM_CHARACTERS_MAX or (kind == "team" and not scope_id):
        raise InvalidRequest(f"a team's name has 1 to {TEAM_CHARACTERS_MAX} characters", param="team")
    scope_id = caller.tenant if kind == "tenant" else scope_id
    ledger = ports.ledger_of(caller.tenant)
    if request.method != "GET":
        if not caller.is_admin:
            raise NotPermitted("changing a budget needs a token with the admin role")
        change = _change(kind, scope_id, request)
        configured = await ledger.configure(change)
        for event in _budget_events(change, configured.account, caller, ports):
            ports.defer(send_message(event, ports))
    status = await ledger.status(
        StatusRequest(
            session_id=scope_id if kind == "session" else None,
            team=scope_id if kind == "team" else None,
            include_tenant=kind == "tenant",
        )
    )
    return json_answer(msgspec.json.encode({"accounts": [_account_document(each) for each in status.accounts]}))


def _change(kind: str, scope_id: str, request: Inbound) -> ConfigureRequest:
    """What an administrator asks of a scope. DELETE forgets what was spent and lifts a pause."""
    window_default: WindowName = "session" if kind == "session" else "month"
    if request.method == "DELETE":
        return ConfigureRequest(kind="session", id=scope_id, window="session", reset_spent=True, is_paused=False)
    change = _decoded(request.body, BudgetChange)
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
    done: list[tuple[bool, telemetry.BudgetChange]] = [
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


def _decoded(body: bytes, kind: type[T]) -> T:
    """A JSON body, or a refusal that passes on what msgspec found and names the field."""
    if is_too_deep(body):
        raise InvalidRequest("the body is nested too deeply")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the body does not fit: {error}", param=_field_of(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None


def _field_of(words: str) -> str | None:
    """The field in msgspec's words: `… - at `$.model`` or `… missing required field `model``."""
    quoted = words.split("`")[1::2]
    return quoted[-1].removeprefix("$.") if quoted else None
