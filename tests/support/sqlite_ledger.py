"""The ledger's service on sqlite3: the same SQL and the same rows as in the Durable Object."""

import sqlite3
from typing import Any

from durable_objects.service import LedgerService
from durable_objects.storage.rows import LedgerStore


class SqliteDatabase:
    """`SqlDatabase` over sqlite3; `connection.total_changes` counts rows written, `statements` what was asked."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.statements: list[tuple[str, list[tuple[Any, ...]]]] = []

    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        rows = self.connection.execute(sql, values).fetchall()
        self.statements.append((sql, rows))
        return rows


def a_service(database: SqliteDatabase, tenant: str = "acme") -> LedgerService:
    """A service as it wakes on these rows."""
    return LedgerService(LedgerStore(database), tenant)
