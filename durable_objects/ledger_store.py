"""The ledger's rows: SQL text, and rows to and from typed values. The same file serves Durable Object SQLite and
sqlite3.

A row costs money to write, so a call costs two: its hold, written when it is granted and again when it ends. Account
totals are checkpointed now and then; what ended after the checkpoint is in the holds' rows, which say so by `ended`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from core.ledger import Account
from core.messages import Message, ScopeKind, WindowName


class SqlDatabase(Protocol):
    """A synchronous SQL connection; `rows` are plain tuples in the order selected."""

    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]: ...


class ScopeKey(msgspec.Struct, frozen=True, order=True):
    """Names one account of this tenant."""

    kind: ScopeKind
    id: str
    window: WindowName


class HoldScope(msgspec.Struct, frozen=True):
    """An account a hold stands on, in the window the hold was made in."""

    key: ScopeKey
    starts_at_ms: int


class Hold(Message, frozen=True):
    """Money set aside for one call, or (after its end) what the call was charged. `request` is the digest of what was
    asked for, by which a replay is told from a different request under the same id."""

    id: str
    request: str
    scopes: tuple[HoldScope, ...]
    granted_nanousd: int
    want_nanousd: int
    floor_nanousd: int
    expires_at_ms: int
    metered_nanousd: int | None = None
    session_limit_nanousd: int | None = None
    state: str = "open"
    """`open`, `settled`, `expired` or (never held) `recorded`."""
    ended_at_ms: int = 0
    charged_nanousd: int = 0
    overrun_nanousd: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS holds (id TEXT PRIMARY KEY, ended INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS accounts (kind TEXT, id TEXT, window TEXT, body TEXT NOT NULL,"
    " PRIMARY KEY (kind, id, window)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY, ended INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
)


class LedgerStore:
    """Typed access to one tenant's rows. `ended` numbers count the holds' ends in order."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        for statement in _SCHEMA:
            database.execute(statement)

    def put_hold(self, hold: Hold, ended: int) -> None:
        """Write one hold; `ended` is 0 while it is open."""
        self._database.execute(
            "INSERT INTO holds VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, body = excluded.body",
            hold.id, ended, msgspec.json.encode(hold).decode(),
        )  # fmt: skip

    def holds(self) -> list[tuple[int, Hold]]:
        """Every hold with its `ended` number, ended ones in the order of their ends."""
        rows = self._database.execute("SELECT ended, body FROM holds ORDER BY ended")
        return [(int(ended), msgspec.json.decode(body, type=Hold)) for ended, body in rows]

    def delete_holds(self, hold_ids: Sequence[str]) -> None:
        for hold_id in hold_ids:
            self._database.execute("DELETE FROM holds WHERE id = ?", hold_id)

    def accounts(self) -> list[Account]:
        rows = self._database.execute("SELECT body FROM accounts")
        return [msgspec.json.decode(body, type=Account) for (body,) in rows]

    def put_account(self, account: Account) -> None:
        self._database.execute(
            "INSERT INTO accounts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            account.kind, account.id, account.window, msgspec.json.encode(account).decode(),
        )  # fmt: skip

    def delete_account(self, key: ScopeKey) -> None:
        self._database.execute(
            "DELETE FROM accounts WHERE kind = ? AND id = ? AND window = ?",
            key.kind,
            key.id,
            key.window,
        )

    def checkpoint_ended(self) -> int:
        """The last `ended` number that the account rows contain."""
        rows = self._database.execute("SELECT ended FROM checkpoint")
        return int(rows[0][0]) if rows else 0

    def put_checkpoint(self, ended: int) -> None:
        self._database.execute(
            "INSERT INTO checkpoint VALUES (1, ?) ON CONFLICT DO UPDATE SET ended = excluded.ended",
            ended,
        )

    def enqueue(self, text: str) -> None:
        self._database.execute("INSERT INTO outbox (text) VALUES (?)", text)

    def outbox(self, messages_max: int) -> list[tuple[int, str]]:
        rows = self._database.execute("SELECT id, text FROM outbox ORDER BY id LIMIT ?", messages_max)
        return [(int(message_id), text) for message_id, text in rows]

    def delete_outbox(self, up_to_id: int) -> None:
        self._database.execute("DELETE FROM outbox WHERE id <= ?", up_to_id)
