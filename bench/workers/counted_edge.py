"""An entry for the edge Worker that counts what it asks of the platform: the real Worker over counting bindings.

KV, the queue (messages, and the pieces they are billed by) and Ledgers are counted where their JavaScript objects are
called; rows by SQLite itself (`rowsRead`, `rowsWritten` of each cursor); alarms where they ring. Setting an alarm is
billed as a row written and is counted as one. `/bench/counts` tells what was counted since it was last asked.
"""

from collections import Counter
from typing import Any

import msgspec
from js import Response
from pyodide.ffi import create_proxy

from bindings import ffi

QUEUE_PIECE_BYTES = 64 * 1024
"""By which a message is billed."""

_counts: Counter[str] = Counter()
_plain_env = ffi.platform_env


class _Counted:
    """A binding whose methods count."""

    def __init__(self, binding: Any, name: str) -> None:
        self._binding, self._name = binding, name

    def __getattr__(self, method: str) -> Any:
        called = getattr(self._binding, method)

        def call(*arguments: Any) -> Any:
            _counts[f"{self._name}.{method}"] += 1
            if self._name == "queue":
                _counts["queue.pieces"] += -(-len(arguments[0].encode()) // QUEUE_PIECE_BYTES)
            return called(*arguments)

        return call


class _CountedLedgers:
    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    def getByName(self, name: str) -> _Counted:
        return _Counted(self._namespace.getByName(name), "ledger")


class _CountedEnv:
    def __init__(self, env: Any) -> None:
        self._env = env

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._env, name)
        match name:
            case "AGENTWATCH_KV":
                return _Counted(value, "kv")
            case "TELEMETRY_QUEUE":
                return _Counted(value, "queue")
            case "LEDGER":
                return create_proxy(_CountedLedgers(value))  # a charge asks for its stub after the call that told it
        return value


ffi.platform_env = lambda: _CountedEnv(_plain_env())

import entry  # noqa: E402  # after the bindings count
from durable_objects import object as ledger_object  # noqa: E402


class _CountedSql(ledger_object.ObjectSql):
    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        cursor = self._sql.exec(sql, *values)
        rows = [tuple(row) for row in cursor.raw().toArray()]
        _counts["rows.read"] += cursor.rowsRead
        _counts["rows.written"] += cursor.rowsWritten
        return rows


ledger_object.ObjectSql = _CountedSql  # type: ignore[misc]


class Ledger(entry.Ledger):
    async def alarm(self, alarm_info: Any = None) -> None:
        _counts["alarm.rings"] += 1
        await super().alarm(alarm_info)

    def _wake_by(self, moment_ms: int) -> None:
        before = self._alarm_at_ms
        super()._wake_by(moment_ms)
        _counts["rows.written"] += self._alarm_at_ms != before


class Default(entry.Default):
    async def fetch(self, request: Any) -> Any:
        if not request.js_object.url.endswith("/bench/counts"):
            _counts["worker.requests"] += 1
            return await super().fetch(request)
        text = msgspec.json.encode(_counts).decode()
        _counts.clear()
        return Response.new(text)
