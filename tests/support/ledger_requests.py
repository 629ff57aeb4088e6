"""Requests to a ledger with good defaults, and short questions to one."""

from typing import Any

from core.ledger.messages import (
    AccountView,
    AdmitRequest,
    ConfigureRequest,
    ExtendRequest,
    RecordRequest,
    SettleRequest,
    StatusRequest,
)
from durable_objects.service import LedgerService
from tests.support.journal import deliver

NOW_MS = 1_795_478_400_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TTL_MS = 60_000


def an_admission(hold_id: str = "rsv_1", want: int = 100, **changes: Any) -> AdmitRequest:
    """A call in session `s`, whose limit is 250."""
    fields = {
        "hold_id": hold_id,
        "want_nanousd": want,
        "least_nanousd": min(want, 10),
        "floor_nanousd": min(want, 5),
        "ttl_ms": TTL_MS,
        "session_id": "s",
        "session_limit_nanousd": 250,
    }
    return AdmitRequest(**{**fields, **changes})


def an_extension(want: int, hold_id: str = "rsv_1", **changes: Any) -> ExtendRequest:
    fields = {"hold_id": hold_id, "want_nanousd": want, "least_nanousd": want, "metered_nanousd": 0, "ttl_ms": TTL_MS}
    return ExtendRequest(**{**fields, **changes})


def a_settlement(actual: int, hold_id: str = "rsv_1", **changes: Any) -> SettleRequest:
    return SettleRequest(hold_id=hold_id, actual_nanousd=actual, **changes)


def a_record(cost: int, event_id: str = "evt_1", **changes: Any) -> RecordRequest:
    fields = {"event_id": event_id, "cost_nanousd": cost, "prompt_tokens": 0, "completion_tokens": 0}
    return RecordRequest(**{**fields, **changes})


def of_session(**changes: Any) -> ConfigureRequest:
    """An administrator's change to session `s`."""
    return ConfigureRequest(kind="session", id="s", window="session", **changes)


def of_team(**changes: Any) -> ConfigureRequest:
    """An administrator's change to team `search`."""
    return ConfigureRequest(kind="team", id="search", window="month", **changes)


def session(ledger: LedgerService, now_ms: int = NOW_MS) -> AccountView:
    """Session `s` as it stands."""
    return ledger.status(StatusRequest(session_id="s"), now_ms).accounts[0]


def team(ledger: LedgerService, now_ms: int = NOW_MS) -> AccountView:
    return ledger.status(StatusRequest(team="search"), now_ms).accounts[0]


def alarms(ledger: LedgerService, from_ms: int, to_ms: int) -> list[str]:
    """Let the alarm ring whenever the ledger asks for it. Returns the sessions whose mirrors it wrote."""
    written: list[str] = []
    now_ms = from_ms
    while (due_ms := ledger.next_work_at_ms()) is not None and due_ms <= to_ms:
        now_ms = max(due_ms, now_ms + 1)
        ledger.sweep(now_ms)
        if ledger.journal.due_at_ms is not None and ledger.journal.due_at_ms <= now_ms:
            deliver(ledger, now_ms)
        written += ledger.mirrors.take(now_ms, 1_000)
    return written
