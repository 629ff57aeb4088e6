"""The rows of people who have signed on to a tenant."""

from typing import Any

from core.ledger.people.messages import KnownPerson
from durable_objects.storage.ring import SqlDatabase

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS people (email TEXT PRIMARY KEY, sub TEXT NOT NULL, first_seen_at_ms INTEGER NOT NULL,"
    " last_seen_at_ms INTEGER NOT NULL) WITHOUT ROWID"
)

_COLUMNS = "email, sub, first_seen_at_ms, last_seen_at_ms"


class PeopleRows:
    """Typed access to them, one by address."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        database.execute(_SCHEMA)

    def find(self, email: str) -> KnownPerson | None:
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM people WHERE email = ?", email)
        return _person(rows[0]) if rows else None

    def page(self, after: str, people_max: int) -> list[KnownPerson]:
        sql = f"SELECT {_COLUMNS} FROM people WHERE email > ? ORDER BY email LIMIT ?"
        return [_person(row) for row in self._database.execute(sql, after, people_max)]

    def count(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM people")[0][0])

    def add(self, person: KnownPerson) -> None:
        self._database.execute(
            f"INSERT INTO people ({_COLUMNS}) VALUES (?, ?, ?, ?)",
            person.email, person.sub, person.first_seen_at_ms, person.last_seen_at_ms,
        )  # fmt: skip

    def put_seen(self, email: str, at_ms: int) -> None:
        self._database.execute("UPDATE people SET last_seen_at_ms = ? WHERE email = ?", at_ms, email)

    def remove(self, email: str) -> None:
        self._database.execute("DELETE FROM people WHERE email = ?", email)


def _person(row: tuple[Any, ...]) -> KnownPerson:
    email, sub, first_seen_at_ms, last_seen_at_ms = row
    return KnownPerson(
        email=str(email),
        sub=str(sub),
        first_seen_at_ms=int(first_seen_at_ms),
        last_seen_at_ms=int(last_seen_at_ms),
    )
