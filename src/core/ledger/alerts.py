"""When a tenant hears of a budget: once when its threshold is passed, once when it is exhausted, per window and scope.

An exhausted budget is one that is spent, or, since a hard limit is hardly ever met to the last nano-dollar, one that
is past its threshold and refuses a call. A limit that only warns is told of in the same way.
"""

import hashlib

import msgspec

from core.ledger.account import Account
from core.ledger.loops.remedies import Steps, key_steps, session_steps, team_steps, tenant_steps
from core.ledger.windows import calendar_date
from core.money.amount import format_usd
from core.telemetry import Alert, BudgetEvent

_ID_CHARACTERS_MAX = 128


def due_alerts(
    account: Account, tenant: str, *, is_refusing: bool, now_ms: int
) -> tuple[Account, list[Alert | BudgetEvent]]:
    """What has to be told of an account as it is now, and the account that remembers having told it."""
    limit = account.limit_nanousd
    if not limit or account.alert_percent is None:
        return account, []  # where nothing may be spent there is nothing to wait for
    is_past = account.spent_nanousd * 100 >= limit * account.alert_percent
    is_exhausted = account.spent_nanousd >= limit or (is_refusing and is_past)
    messages: list[Alert | BudgetEvent] = []
    if is_past and not account.is_threshold_told:
        messages.append(_alert(account, tenant, "budget_threshold", now_ms))
        messages.append(_event(account, tenant, now_ms))
        account = msgspec.structs.replace(account, is_threshold_told=True)
    if is_exhausted and not account.is_exhaustion_told:
        messages.append(_alert(account, tenant, "budget_exhausted", now_ms))
        account = msgspec.structs.replace(account, is_exhaustion_told=True)
    return account, messages


def occasion(account: Account, what: str) -> str:
    """Names one occasion for ever, such as `budget_threshold:team:search:month:2026-11`."""
    name = account.id
    if len(name) > _ID_CHARACTERS_MAX:
        name = f"{name[:100]}~{_digest(name)}"
    parts = [what, account.kind, name, account.window, _window_name(account)]
    if account.alert_round:
        parts.append(str(account.alert_round + 1))
    return ":".join(part for part in parts if part)


def _window_name(account: Account) -> str:
    """The window as people call it; a session's by the moment it began."""
    formats = {"day": "%Y-%m-%d", "month": "%Y-%m", "total": "", "session": "%Y-%m-%dT%H%M%SZ"}
    return calendar_date(account.starts_at_ms).strftime(formats[account.window])


def _alert(account: Account, tenant: str, what: str, now_ms: int) -> Alert:
    limit = account.limit_nanousd or 0
    share = account.spent_nanousd * 100 // limit if limit else 100
    scope = f"the tenant's {account.window}" if account.kind == "tenant" else f"{account.kind} {account.id}"
    words = "is exhausted" if what == "budget_exhausted" else f"has passed {account.alert_percent} %"
    effect = "calls are refused" if account.is_hard else "it only warns"
    ending = f" ({effect})" if what == "budget_exhausted" else ""
    return Alert(
        alert_key=occasion(account, what),
        occurred_at_ms=now_ms,
        tenant=tenant,
        kind="budget_threshold",
        summary=f"The budget of {scope} {words}: ${format_usd(account.spent_nanousd)} of ${format_usd(limit)}{ending}.",
        facts={
            "scope": account.kind,
            "id": account.id,
            "window": account.window,
            "limit": f"${format_usd(limit)}",
            "spent": f"${format_usd(account.spent_nanousd)}",
            "held": f"${format_usd(account.held_nanousd)}",
            "share": f"{share} %",
        },
        severity="critical" if what == "budget_exhausted" and account.is_hard else "warning",
        steps=_steps(account, limit),
        session_id=account.id if account.kind == "session" else None,
        team=account.id if account.kind == "team" else None,
        spent_nanousd=min(account.spent_nanousd, 2**53),
        limit_nanousd=min(limit, 2**53),
    )


def _steps(account: Account, limit_nanousd: int) -> Steps:
    match account.kind:
        case "session":
            return session_steps(account.id, is_paused=account.is_paused, limit_nanousd=limit_nanousd)
        case "team":
            return team_steps(account.id, limit_nanousd)
        case "key":
            return key_steps(account.id)
    return tenant_steps(account.window, limit_nanousd)


def _event(account: Account, tenant: str, now_ms: int) -> BudgetEvent:
    return BudgetEvent(
        event_id="evt_" + _digest(f"{tenant}:{occasion(account, 'budget_threshold')}"),
        occurred_at_ms=now_ms,
        tenant=tenant,
        change="threshold_reached",
        scope_kind=account.kind,
        scope_id=account.id,
        window=account.window,
        limit_nanousd=account.limit_nanousd,
        spent_nanousd=min(account.spent_nanousd, 2**53),
        held_nanousd=min(account.held_nanousd, 2**53),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
