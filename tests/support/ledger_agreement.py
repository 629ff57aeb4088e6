"""What a ledger knows of money, to be compared: in memory, and after a wake from the same rows."""

from typing import Any

from core.ledger.hold import ScopeKey
from core.ledger.windows import BUDGET_WINDOWS
from durable_objects.service import LedgerService
from tests.support.journal import records_in
from tests.support.sqlite_ledger import SqliteDatabase, a_service

KEYS = [
    ScopeKey("session", "s", "session"),
    ScopeKey("session", "s2", "session"),
    ScopeKey("team", "search", "month"),
    *(ScopeKey("tenant", "acme", window) for window in BUDGET_WINDOWS["tenant"]),
]


def known(ledger: LedgerService, now_ms: int) -> dict[str, Any]:
    """Every account, every open hold, how many holds have ended, and what waits to be told."""
    state = ledger._state
    return {
        "accounts": [state.account(key, now_ms) for key in KEYS],
        "holds": {hold.id: hold for hold in state.holds},
        "number": state.number,
        "journal": waiting(ledger),
        "outbox": (ledger.outbox.next(1_000), ledger.outbox.is_empty),
    }


def waiting(ledger: LedgerService) -> list[tuple[str, int]]:
    """The calls that wait for their delivery, out of memory or out of rows."""
    return [(record.request_id, record.attempt) for text in ledger.journal.next() for record in records_in(text.text)]


def woken(database: SqliteDatabase) -> LedgerService:
    """A ledger made anew from a copy of the rows, so that it and the one that lives on each go their own way."""
    return a_service(database.copy())


def assert_memory_agrees_with_rows(ledger: LedgerService, database: SqliteDatabase, now_ms: int) -> None:
    in_memory, in_rows = known(ledger, now_ms), known(woken(database), now_ms)
    for what, value in in_memory.items():
        assert value == in_rows[what], what
