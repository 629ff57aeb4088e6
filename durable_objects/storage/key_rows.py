"""The rows of a tenant's keys, and of the requests that made them."""

from collections.abc import Callable

import msgspec

from core.ledger.keys.key import StoredKey
from durable_objects.storage.ring import SqlDatabase

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS keys (key_id TEXT PRIMARY KEY, body TEXT NOT NULL, is_revoked INTEGER NOT NULL,"
    " is_copied INTEGER NOT NULL, used_at_ms INTEGER) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS keys_uncopied ON keys (is_copied) WHERE is_copied = 0",
    "CREATE TABLE IF NOT EXISTS keys_made (name TEXT PRIMARY KEY, contents TEXT NOT NULL, key_id TEXT NOT NULL,"
    " made_at_ms INTEGER NOT NULL) WITHOUT ROWID",
)


class KeyRows:
    """Typed access to them. A row that cannot be read is set aside: its key is then unknown, and opens nothing."""

    def __init__(self, database: SqlDatabase, set_aside: Callable[[str, str], None]) -> None:
        self._database = database
        self._set_aside = set_aside
        for statement in _SCHEMA:
            database.execute(statement)

    def put(self, key: StoredKey) -> None:
        """Write a key; its copies in KV are old from then on."""
        self._database.execute(
            "INSERT INTO keys (key_id, body, is_revoked, is_copied) VALUES (?, ?, ?, 0)"
            " ON CONFLICT DO UPDATE SET body = excluded.body, is_revoked = excluded.is_revoked, is_copied = 0",
            key.key_id, msgspec.json.encode(key).decode(), int(key.is_revoked),
        )  # fmt: skip

    def find(self, key_id: str) -> StoredKey | None:
        found = self._read("SELECT key_id, body FROM keys WHERE key_id = ?", key_id)
        return found[0] if found else None

    def page(self, after: str, keys_max: int) -> list[StoredKey]:
        return self._read("SELECT key_id, body FROM keys WHERE key_id > ? ORDER BY key_id LIMIT ?", after, keys_max)

    def uncopied(self) -> list[StoredKey]:
        """Keys whose copies are old."""
        return self._read("SELECT key_id, body FROM keys WHERE is_copied = 0")

    def unrevoked(self) -> list[StoredKey]:
        return self._read("SELECT key_id, body FROM keys WHERE is_revoked = 0")

    def count(self) -> int:
        """Keys that are not revoked."""
        return int(self._database.execute("SELECT count(*) FROM keys WHERE is_revoked = 0")[0][0])

    def put_copied(self, key_id: str) -> None:
        self._database.execute("UPDATE keys SET is_copied = 1 WHERE key_id = ?", key_id)

    def used_at_ms(self, key_id: str) -> int | None:
        rows = self._database.execute("SELECT used_at_ms FROM keys WHERE key_id = ?", key_id)
        return int(rows[0][0]) if rows and rows[0][0] else None

    def put_used(self, key_id: str, at_ms: int) -> None:
        self._database.execute("UPDATE keys SET used_at_ms = ? WHERE key_id = ?", at_ms, key_id)

    def made_by(self, name: str, *, not_before_ms: int) -> tuple[str, str] | None:
        """What the request of this name contained, and the key that it made."""
        rows = self._database.execute(
            "SELECT contents, key_id FROM keys_made WHERE name = ? AND made_at_ms >= ?", name, not_before_ms
        )
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def note_made(self, name: str, contents: str, key_id: str, *, now_ms: int, forget_before_ms: int) -> None:
        """Before the key is written: whoever asks again after a fault in between has it made then."""
        self._database.execute("DELETE FROM keys_made WHERE made_at_ms < ?", forget_before_ms)
        self._database.execute(
            "INSERT INTO keys_made VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET key_id = excluded.key_id",
            name, contents, key_id, now_ms,
        )  # fmt: skip

    def _read(self, sql: str, *values: str | int) -> list[StoredKey]:
        found = []
        for key_id, body in self._database.execute(sql, *values):
            try:
                found.append(msgspec.json.decode(body, type=StoredKey))
            except (msgspec.DecodeError, UnicodeError):
                self._database.execute("DELETE FROM keys WHERE key_id = ?", key_id)
                self._set_aside("key", body)
        return found
