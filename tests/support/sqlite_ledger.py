"""The ledger's service on sqlite3: the same SQL and the same rows as in the Durable Object."""

import sqlite3
from collections.abc import Callable
from typing import Any

from durable_objects.service import LedgerService
from durable_objects.storage.rows import LedgerStore


class StorageFault(Exception):
    """A statement that failed, and did nothing."""


class SqliteDatabase:
    """`SqlDatabase` over sqlite3; `statements` says what was asked, and one of them fails if a test says so."""

    def __init__(self) -> None:
        # Asked by one thread at a time, which a tool that drives the edge may choose anew each time.
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.statements: list[tuple[str, list[tuple[Any, ...]]]] = []
        self.fails_after: int | None = None
        """So many statements succeed before one fails; then None again."""

    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        if self.fails_after is not None:
            self.fails_after = self.fails_after - 1 if self.fails_after else None
            if self.fails_after is None:
                raise StorageFault
        rows = self.connection.execute(sql, values).fetchall()
        self.statements.append((sql, rows))
        return rows

    def rows_written_by(self, act: Callable[[], object]) -> int:
        """What it costs: rows written, by the count of SQLite itself."""
        before = self.connection.total_changes
        act()
        return self.connection.total_changes - before

    def copy(self) -> "SqliteDatabase":
        copy = SqliteDatabase()
        self.connection.backup(copy.connection)
        return copy


def a_service(database: SqliteDatabase, tenant: str = "acme") -> LedgerService:
    """A service as it wakes on these rows."""
    return LedgerService(LedgerStore(database), tenant)
