"""The entry of a Worker that is nothing but the Ledger, its rows counted: the real object over a counting database.

Rows are counted by SQLite itself (`rowsWritten` of each cursor), apart for calls and for the alarm's upkeep. Setting
the alarm is billed as one row too and is counted as such.
"""

from contextvars import ContextVar
from typing import Any

import msgspec

from durable_objects import object as ledger_object
from durable_objects.object import Ledger, ObjectSql

_counts = {"calls": 0, "upkeep": 0, "alarms_set": 0}
_cause: ContextVar[str] = ContextVar("cause", default="calls")


class CountedSql(ObjectSql):
    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        cursor = self._sql.exec(sql, *values)
        rows = [tuple(row) for row in cursor.raw().toArray()]
        _counts[_cause.get()] += cursor.rowsWritten
        return rows


ledger_object.ObjectSql = CountedSql  # type: ignore[misc]


class CountedLedger(Ledger):
    """The Ledger, which also answers `rows_written`: the counts since it was last asked."""

    async def tell(self, text: str) -> str:
        if text != "rows_written":
            return await super().tell(text)
        answer = msgspec.json.encode(_counts).decode()
        _counts.update(dict.fromkeys(_counts, 0))
        return answer

    async def alarm(self, alarm_info: Any = None) -> None:
        _cause.set("upkeep")
        await super().alarm(alarm_info)

    async def _wake_by(self, moment_ms: int) -> None:
        before = self._alarm_at_ms
        await super()._wake_by(moment_ms)
        _counts["alarms_set"] += self._alarm_at_ms != before
