"""The ledger's rows: typed values to and from SQL. The same file serves Durable Object SQLite and sqlite3.

A row costs money to write, so a call costs two: its hold, written when it is granted and again when it ends. An
account's row says up to which end it contains charges; the checkpoint says up to which end all of them do. A row that
cannot be read is set aside, where a person can look at it, and never stops the ledger.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from core.ledger.account import Account, open_account, successor
from core.ledger.document_messages import WrittenDocument
from core.ledger.hold import Hold, ScopeKey
from core.ledger.loops.history import EMPTY, SessionHistory
from core.ledger.messages import AnswerNote
from core.ledger.windows import SESSION_IDLE_MS
from durable_objects.storage.key_rows import KeyRows
from durable_objects.storage.people_rows import PeopleRows
from durable_objects.storage.ring import RingRow, RowRing, SqlDatabase
from durable_objects.storage.tenant_rows import TenantRows

T = TypeVar("T", bound=msgspec.Struct)

ENDED_KEPT_MS = 15 * 60_000
"""How long an ended hold is remembered at least, so that late replays and settlements are recognised."""

PAGES_PER_TRIM = 64
"""Finding the oldest pages reads them all, so it is done now and then."""

_WITHOUT_RECORD = "CASE WHEN json_valid(body) THEN json_remove(body, '$.record') ELSE body END"

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS scope_accounts (kind TEXT, id TEXT, window TEXT, body TEXT NOT NULL,"
    " forget_at_ms INTEGER NOT NULL, PRIMARY KEY (kind, id, window)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS checkpoints (one INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS answers (page INTEGER PRIMARY KEY, size INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS documents (version INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS found_in_kv (place INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS documents_copied (one INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS set_aside (id INTEGER PRIMARY KEY, source TEXT NOT NULL, body TEXT NOT NULL)",
)


class StoredAccount(msgspec.Struct, frozen=True, array_like=True):
    """An account's row: the account, and the last end that it contains. What is held is not in it: the holds say. A
    session's has beside it what the session did."""

    number: int
    account: Account
    history: SessionHistory = EMPTY


class Checkpoint(msgspec.Struct, frozen=True):
    """Up to which end every account's row contains what it must, and where the rate limiter stood."""

    number: int
    arrivals_us: dict[str, int] = {}


class LedgerStore:
    """Typed access to one tenant's rows."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        for statement in _SCHEMA:
            database.execute(statement)
        self.hold_ring = RowRing(database, "holds", kept_ms=ENDED_KEPT_MS)
        self.session_ring = RowRing(database, "sessions", kept_ms=SESSION_IDLE_MS)
        self._notices: list[str] = []
        self.keys = KeyRows(database, self._set_aside)
        self.people = PeopleRows(database)

    def tenants(self) -> TenantRows:
        return TenantRows(self._database)

    # Holds --------------------------------------------------------------------------------------------

    def add_hold(self, hold: Hold) -> bool:
        """Write a new hold; False, and nothing written, where its id is known already."""
        return self.hold_ring.add(_hold_row(hold))

    def put_hold(self, hold: Hold) -> None:
        self.hold_ring.put(_hold_row(hold))

    def find_hold(self, hold_id: str) -> Hold | None:
        row = self.hold_ring.find(hold_id)
        return None if row is None else self._hold_of(row)

    def holds_since(self, number: int) -> list[Hold]:
        """Every open hold, and those that ended after an end; without their calls' records, which may be long."""
        rows = self.hold_ring.select("mark = 0 OR mark > ?", number, body=_WITHOUT_RECORD)
        return [hold for hold in map(self._hold_of, rows) if hold is not None]

    def ends_above(self, number: int, rows_max: int) -> tuple[list[Hold], int]:
        """Holds whose ends have the next numbers after one, in their order, and the number of the last end read."""
        rows = self.hold_ring.above(number, rows_max)
        holds = [hold for hold in map(self._hold_of, rows) if hold is not None]
        return holds, rows[-1].mark if rows else number

    def set_record_aside(self, entry: bytes) -> None:
        self._set_aside("record", entry.decode())

    def set_hold_aside(self, row: RingRow) -> None:
        self.hold_ring.remove(row.id)
        self._set_aside("hold", row.body)

    def _hold_of(self, row: RingRow) -> Hold | None:
        try:
            return msgspec.json.decode(row.body, type=Hold)
        except (msgspec.DecodeError, UnicodeError):
            self.set_hold_aside(row)
            return None

    # Accounts -----------------------------------------------------------------------------------------

    def find_account(self, key: ScopeKey) -> StoredAccount | None:
        body = self._account_body(key)
        return None if body is None else self._account_of(key, body)

    def put_accounts(self, stored: Sequence[StoredAccount]) -> None:
        """Write accounts as they are after an end."""
        self.session_ring.put_all([_session_row(each) for each in stored if each.account.kind == "session"])
        for each in stored:
            account = each.account
            if account.kind != "session":
                self._database.execute(
                    "INSERT INTO scope_accounts VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET body = excluded.body, forget_at_ms = excluded.forget_at_ms",
                    account.kind, account.id, account.window, _account_text(each), _forget_at_ms(account),
                )  # fmt: skip

    def forget_accounts(self, now_ms: int, accounts_max: int) -> None:
        """Delete accounts whose window is over and in which nobody has set anything."""
        self._database.execute(
            "DELETE FROM scope_accounts WHERE (kind, id, window) IN"
            " (SELECT kind, id, window FROM scope_accounts WHERE forget_at_ms BETWEEN 1 AND ? LIMIT ?)",
            now_ms,
            accounts_max,
        )

    def sessions_after(self, session_id: str, now_ms: int, sessions_max: int) -> list[Account]:
        """Live sessions as their rows have them, in the order of their ids."""
        rows = self.session_ring.page(session_id, now_ms, sessions_max)
        found = [self._account_of(ScopeKey("session", row.id, "session"), row.body) for row in rows]
        return [stored.account for stored in found if stored is not None]

    def teams_after(self, team: str, teams_max: int) -> list[Account]:
        """Teams as their rows have them, in the order of their names."""
        rows = self._database.execute(
            "SELECT id, body FROM scope_accounts WHERE kind = 'team' AND id > ? AND window = 'month'"
            " ORDER BY id LIMIT ?",
            team,
            teams_max,
        )
        found = [self._account_of(ScopeKey("team", name, "month"), body) for name, body in rows]
        return [stored.account for stored in found if stored is not None]

    def _account_of(self, key: ScopeKey, body: str) -> StoredAccount | None:
        try:
            return msgspec.json.decode(body, type=StoredAccount)
        except (msgspec.DecodeError, UnicodeError):
            self._set_account_aside(key, body)
            return None

    def _account_body(self, key: ScopeKey) -> str | None:
        if key.kind == "session":
            row = self.session_ring.find(key.id)
            return None if row is None else row.body
        rows = self._database.execute(
            "SELECT body FROM scope_accounts WHERE kind = ? AND id = ? AND window = ?", key.kind, key.id, key.window
        )
        return str(rows[0][0]) if rows else None

    def _set_account_aside(self, key: ScopeKey, body: str) -> None:
        if key.kind == "session":
            self.session_ring.remove(key.id)
        else:
            self._database.execute(
                "DELETE FROM scope_accounts WHERE kind = ? AND id = ? AND window = ?", key.kind, key.id, key.window
            )
        self._set_aside(key.kind, body)

    # Checkpoint ---------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        rows = self._database.execute("SELECT body FROM checkpoints")
        if not rows:
            return Checkpoint(0)
        try:
            return msgspec.json.decode(rows[0][0], type=Checkpoint)
        except (msgspec.DecodeError, UnicodeError):
            # Without it every hold there is gets compared with the accounts' own numbers: slower, not wrong.
            self._set_aside("checkpoint", rows[0][0])
            return Checkpoint(0)

    def put_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._database.execute(
            "INSERT INTO checkpoints VALUES (1, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            msgspec.json.encode(checkpoint).decode(),
        )

    # What there is one of -----------------------------------------------------------------------------

    def kept(self, name: str, kind: type[T]) -> T:
        """One value that is kept under a name, as it was written last; a new one where none was, or where it cannot be
        read: what is kept so can be learned again."""
        rows = self._database.execute("SELECT body FROM kept WHERE name = ?", name)
        if not rows:
            return kind()
        try:
            return msgspec.json.decode(rows[0][0], type=kind)
        except (msgspec.DecodeError, UnicodeError):
            self._set_aside(name, rows[0][0])
            return kind()

    def keep(self, name: str, value: msgspec.Struct) -> None:
        self._database.execute(
            "INSERT INTO kept VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            name,
            msgspec.json.encode(value).decode(),
        )

    # Answers ------------------------------------------------------------------------------------------

    def put_answers(self, notes: Sequence[AnswerNote], answers_max: int) -> None:
        """Write a page, and let go of the oldest beyond so many answers."""
        body = msgspec.json.encode(notes).decode()
        page = self._database.execute(
            "INSERT INTO answers (size, body) VALUES (?, ?) RETURNING page", len(notes), body
        )[0][0]
        if page % PAGES_PER_TRIM == 0:
            self._database.execute(
                "DELETE FROM answers WHERE page <= (SELECT page FROM"
                " (SELECT page, sum(size) OVER (ORDER BY page DESC) - size AS younger FROM answers)"
                " WHERE younger >= ? ORDER BY page DESC LIMIT 1)",
                answers_max,
            )

    def answers(self) -> list[AnswerNote]:
        """All there are, the oldest first."""
        notes: list[AnswerNote] = []
        for page, body in self._database.execute("SELECT page, body FROM answers ORDER BY page"):
            try:
                notes += msgspec.json.decode(body, type=list[AnswerNote])
            except (msgspec.DecodeError, UnicodeError):
                self._database.execute("DELETE FROM answers WHERE page = ?", page)
                self._set_aside("answers", body)
        return notes

    # Documents ----------------------------------------------------------------------------------------

    def add_document(self, document: WrittenDocument, versions_max: int) -> None:
        """Write a version, and let go of the oldest of its kind beyond so many."""
        self._database.execute(
            "INSERT INTO documents VALUES (?, ?, ?)",
            document.version, document.kind, msgspec.json.encode(document).decode(),
        )  # fmt: skip
        self._database.execute(
            "DELETE FROM documents WHERE kind = ?1 AND version NOT IN"
            " (SELECT version FROM documents WHERE kind = ?1 ORDER BY version DESC LIMIT ?2)",
            document.kind,
            versions_max,
        )

    def present_documents(self) -> list[WrittenDocument]:
        """The youngest version of each kind that can be read."""
        aside = len(self._notices)
        sql = "SELECT version, body FROM documents WHERE version IN (SELECT max(version) FROM documents GROUP BY kind)"
        found = self._documents_of(sql)
        return found if len(self._notices) == aside else self.present_documents()

    def highest_version(self) -> int:
        """Of all documents, whether their rows can be read or not."""
        return int(self._database.execute("SELECT coalesce(max(version), 0) FROM documents")[0][0])

    def document_versions(self, kind: str, below: int, versions_max: int) -> list[WrittenDocument]:
        """Versions of a kind below a number, the youngest first."""
        sql = "SELECT version, body FROM documents WHERE kind = ? AND version < ? ORDER BY version DESC LIMIT ?"
        return self._documents_of(sql, kind, below, versions_max)

    def was_found_in_kv(self, digest: str) -> bool:
        return bool(self._database.execute("SELECT 1 FROM found_in_kv WHERE digest = ?", digest))

    def note_found_in_kv(self, digest: str, digests_max: int) -> None:
        """Remember a text that was taken in, and let go of the oldest beyond so many."""
        self._database.execute("INSERT INTO found_in_kv (digest) VALUES (?)", digest)
        self._database.execute(
            "DELETE FROM found_in_kv WHERE place <= (SELECT max(place) FROM found_in_kv) - ?", digests_max
        )

    def copied_number(self) -> int:
        """The last write whose copy the edge can read; zero for none."""
        rows = self._database.execute("SELECT number FROM documents_copied")
        return int(rows[0][0]) if rows else 0

    def put_copied_number(self, number: int) -> None:
        self._database.execute(
            "INSERT INTO documents_copied VALUES (1, ?) ON CONFLICT DO UPDATE SET number = excluded.number", number
        )

    def _documents_of(self, sql: str, *values: str | int) -> list[WrittenDocument]:
        found = []
        for version, body in self._database.execute(sql, *values):
            try:
                found.append(msgspec.json.decode(body, type=WrittenDocument))
            except (msgspec.DecodeError, UnicodeError):
                self._database.execute("DELETE FROM documents WHERE version = ?", version)
                self._set_aside("document", body)
        return found

    # Outbox -------------------------------------------------------------------------------------------

    def enqueue(self, text: str) -> None:
        self._database.execute("INSERT INTO outbox (text) VALUES (?)", text)

    def outbox(self, messages_max: int) -> list[tuple[int, str]]:
        rows = self._database.execute("SELECT id, text FROM outbox ORDER BY id LIMIT ?", messages_max)
        return [(int(message_id), text) for message_id, text in rows]

    def outbox_bounds(self) -> tuple[int, int] | None:
        """The first and the last message waiting."""
        # Two statements that each read one row: MIN and MAX in one would read them all.
        first = self._database.execute("SELECT id FROM outbox ORDER BY id LIMIT 1")
        last = self._database.execute("SELECT id FROM outbox ORDER BY id DESC LIMIT 1")
        return (int(first[0][0]), int(last[0][0])) if first else None

    def delete_outbox(self, up_to_id: int) -> None:
        self._database.execute("DELETE FROM outbox WHERE id <= ?", up_to_id)

    # What could not be read ---------------------------------------------------------------------------

    def take_notices(self) -> list[str]:
        """What was set aside since the last call, in words for the log."""
        notices, self._notices = self._notices, []
        return notices

    def _set_aside(self, source: str, body: str) -> None:
        self._database.execute("INSERT INTO set_aside (source, body) VALUES (?, ?)", source, str(body))
        self._notices.append(f"a row of kind {source} could not be read and was set aside")


def _hold_row(hold: Hold) -> RingRow:
    number = 0 if hold.charge is None else hold.charge.number
    return RingRow(hold.id, number, msgspec.json.encode(hold).decode())


def _session_row(stored: StoredAccount) -> RingRow:
    return RingRow(stored.account.id, stored.account.resets_at_ms or 0, _account_text(stored))


def _forget_at_ms(account: Account) -> int:
    """When nothing in the account will matter any more; 0 where something always does."""
    fresh = open_account(account.kind, account.id, account.window, account.starts_at_ms)
    is_plain = successor(account, account.starts_at_ms) == fresh
    return account.resets_at_ms or 0 if is_plain else 0


def _account_text(stored: StoredAccount) -> str:
    account = msgspec.structs.replace(stored.account, held_nanousd=0)
    return msgspec.json.encode(StoredAccount(stored.number, account, stored.history)).decode()
