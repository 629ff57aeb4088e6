"""Rows that are forgotten by age, at no cost: tables that take turns.

A deleted row is billed like a written one, and finding old rows reads them all; a table dropped whole costs neither.
So rows go into the current table, which is closed after a while and dropped when even its youngest row may be
forgotten. A row written again goes into the current table too: where an id is found twice, the younger row counts.

Where marks only grow, the tables follow each other by them, too. A table whose time is over while somebody still needs
the rows above a mark is set apart under another name: no row of it is found any more, and `above` reads it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

TABLES = 4
ROWS_PER_STATEMENT = 250


class SqlDatabase(Protocol):
    """A synchronous SQL connection; rows are plain tuples in the order selected."""

    def execute(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]: ...


class RingRow(msgspec.Struct, frozen=True, array_like=True):
    """An id, a number of its owner's to select by, and a text."""

    id: str
    mark: int
    body: str


class _Turns(msgspec.Struct, frozen=True):
    """Which table is current and since when, and when the others were closed."""

    current: int = 0
    started_at_ms: int | None = None
    closed_at_ms: dict[int, int] = {}
    closed_marks: dict[int, int] = {}
    """The highest mark when each of them was closed."""


class RowRing:
    """One kind of rows. A row is kept for at least `kept_ms` after it was last written."""

    def __init__(self, database: SqlDatabase, name: str, *, kept_ms: int) -> None:
        self._database = database
        self._name = name
        self._kept_ms = kept_ms
        self._period_ms = kept_ms // (TABLES - 1)
        for slot in range(TABLES):
            self._create(slot)
        database.execute("CREATE TABLE IF NOT EXISTS rings (name TEXT PRIMARY KEY, turns TEXT NOT NULL) WITHOUT ROWID")
        known = database.execute("SELECT turns FROM rings WHERE name = ?", name)
        self._turns = msgspec.json.decode(known[0][0], type=_Turns) if known else _Turns()
        # The database itself says which there are: a fault between two statements leaves none unknown.
        apart = database.execute("SELECT name FROM sqlite_master WHERE name GLOB ?", self._table_apart("*"))
        self._apart = sorted(int(table.rpartition("_")[2]) for (table,) in apart)
        """The tables that are set apart, by their highest marks."""
        self._filled = [bool(database.execute(f"SELECT 1 FROM {self._table(slot)} LIMIT 1")) for slot in range(TABLES)]
        self._prepare()

    # Rows ---------------------------------------------------------------------------------------------

    def add(self, row: RingRow) -> bool:
        """Write a row if its id is in no table; tells whether it was. One statement, one row."""
        self._filled[self._turns.current] = True
        return bool(self._database.execute(self._add_sql, row.id, row.mark, row.body))

    def put(self, row: RingRow) -> None:
        """Write a row, in place of an earlier one."""
        self._filled[self._turns.current] = True
        self._database.execute(self._put_sql, row.id, row.mark, row.body)

    def put_all(self, rows: Sequence[RingRow]) -> None:
        """Write many rows in few statements."""
        for start in range(0, len(rows), ROWS_PER_STATEMENT):
            self._filled[self._turns.current] = True
            batch = msgspec.json.encode(rows[start : start + ROWS_PER_STATEMENT]).decode()
            self._database.execute(self._put_all_sql, batch)

    def find(self, row_id: str) -> RingRow | None:
        rows = self._database.execute(self._find_sql, row_id)
        return RingRow(row_id, int(rows[0][0]), rows[0][1]) if rows else None

    def select(self, condition: str, *values: int, body: str = "body") -> list[RingRow]:
        """The rows that count and for whose `mark` the SQL condition is true, oldest table first; of their texts what
        the expression `body` leaves."""
        rows = []
        order = self._oldest_first()
        for place, slot in enumerate(order):
            younger = [self._table(each) for each in order[place + 1 :]]
            unless = "".join(f" AND NOT EXISTS (SELECT 1 FROM {table} WHERE id = old.id)" for table in younger)
            sql = f"SELECT id, mark, {body} FROM {self._table(slot)} AS old WHERE ({condition}){unless}"
            rows += [RingRow(row_id, int(mark), text) for row_id, mark, text in self._database.execute(sql, *values)]
        return rows

    def page(self, after_id: str, mark_above: int, rows_max: int) -> list[RingRow]:
        """Rows in the order of their ids, after one id, whose mark is above a number."""
        found: dict[str, RingRow] = {}
        for slot in self._oldest_first():
            sql = f"SELECT id, mark, body FROM {self._table(slot)} WHERE id > ? AND mark > ? ORDER BY id LIMIT ?"
            for row_id, mark, body in self._database.execute(sql, after_id, mark_above, rows_max):
                found[row_id] = RingRow(row_id, int(mark), body)
        return [found[row_id] for row_id in sorted(found)[:rows_max]]

    def above(self, mark: int, rows_max: int) -> list[RingRow]:
        """The first rows above a mark, in the order of their marks: some as long as there are any, all of them out of
        one table."""
        for table, highest in self._by_marks():
            if highest is not None and highest <= mark:
                continue
            sql = f"SELECT id, mark, body FROM {table} WHERE mark > ? ORDER BY mark LIMIT ?"
            rows = self._database.execute(sql, mark, rows_max)
            if rows:
                return [RingRow(row_id, int(found), body) for row_id, found, body in rows]
        return []

    def remove(self, row_id: str) -> None:
        """Take a row out of every table."""
        for slot in range(TABLES):
            self._database.execute(f"DELETE FROM {self._table(slot)} WHERE id = ?", row_id)

    # Turns --------------------------------------------------------------------------------------------

    def turn_at_ms(self) -> int | None:
        """When `turn` next has something to do; None while there are no rows."""
        turns = self._turns
        moments = [moment + self._kept_ms for slot, moment in turns.closed_at_ms.items() if self._filled[slot]]
        if self._filled[turns.current]:
            moments.append(0 if turns.started_at_ms is None else turns.started_at_ms + self._period_ms)
        return min(moments, default=None)

    def begin(self, now_ms: int) -> None:
        """Start the clock of the first table, once and for all."""
        if self._turns.started_at_ms is None:
            self._keep(_Turns(self._turns.current, now_ms))

    def turn(self, now_ms: int, *, highest_mark: int = 0, needed_above: int | None = None) -> None:
        """Drop the tables whose time is over, and begin the next one if the current one has had its share.

        Rows that must outlive this have to be written again first: all that were written `kept_ms` ago or earlier.
        With `needed_above` set, a table with marks above it is set apart; `highest_mark` is that of all rows so far.
        """
        turns = self._turns
        closed = {slot: at for slot, at in turns.closed_at_ms.items() if self._filled[slot]}
        for slot in [each for each in self._oldest_first() if closed.get(each, now_ms) + self._kept_ms <= now_ms]:
            mark = turns.closed_marks.get(slot)
            if mark is None:  # closed by an older version
                mark = int(self._database.execute(f"SELECT coalesce(max(mark), 0) FROM {self._table(slot)}")[0][0])
            # One with no mark above those of the table before it has no such row.
            if needed_above is not None and mark > max((needed_above, *self._apart[-1:])):
                self._set_apart(slot, mark)
            else:
                self._database.execute(f"DROP TABLE {self._table(slot)}")
            self._create(slot)
            self._filled[slot] = False
            del closed[slot]
        free = [slot for slot in range(TABLES) if slot != turns.current and not self._filled[slot]]
        is_over = turns.started_at_ms is not None and turns.started_at_ms + self._period_ms <= now_ms
        if self._filled[turns.current] and free and is_over:
            marks = {slot: mark for slot, mark in turns.closed_marks.items() if slot in closed}
            marks[turns.current] = highest_mark
            self._keep(_Turns(free[0], now_ms, {**closed, turns.current: now_ms}, marks))

    @property
    def highest_apart(self) -> int:
        """The highest mark of what is set apart; zero where nothing is."""
        return self._apart[-1] if self._apart else 0

    def let_go(self, needed_above: int | None) -> None:
        """Drop what is set apart and needed no more."""
        while self._apart and (needed_above is None or self._apart[0] <= needed_above):
            self._database.execute(f"DROP TABLE {self._table_apart(self._apart[0])}")
            del self._apart[0]

    def _set_apart(self, slot: int, mark: int) -> None:
        self._database.execute(f"ALTER TABLE {self._table(slot)} RENAME TO {self._table_apart(mark)}")
        self._apart.append(mark)

    def _keep(self, turns: _Turns) -> None:
        self._database.execute(
            "INSERT INTO rings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET turns = excluded.turns",
            self._name,
            msgspec.json.encode(turns).decode(),
        )
        self._turns = turns
        self._prepare()

    def _prepare(self) -> None:
        """The statements of the hot path, for the tables as they stand."""
        current = self._table(self._turns.current)
        others = [self._table(slot) for slot in reversed(self._oldest_first()[:-1])]
        unless = " AND ".join(f"NOT EXISTS (SELECT 1 FROM {table} WHERE id = ?1)" for table in others)
        replace = "ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, body = excluded.body"
        self._add_sql = f"INSERT INTO {current} SELECT ?1, ?2, ?3 WHERE {unless} ON CONFLICT DO NOTHING RETURNING 1"
        self._put_sql = f"INSERT INTO {current} VALUES (?, ?, ?) {replace}"
        self._put_all_sql = (
            f"INSERT INTO {current} SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true {replace}"
        )
        finds = [f"SELECT mark, body FROM {table} WHERE id = ?1" for table in (current, *others)]
        self._find_sql = " UNION ALL ".join(finds) + " LIMIT 1"

    def _create(self, slot: int) -> None:
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table(slot)}"
            " (id TEXT PRIMARY KEY, mark INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID"
        )

    def _oldest_first(self) -> list[int]:
        turns = self._turns
        others = [slot for slot in range(TABLES) if slot != turns.current]
        return [*sorted(others, key=lambda slot: turns.closed_at_ms.get(slot, 0)), turns.current]

    def _by_marks(self) -> list[tuple[str, int | None]]:
        """All tables, those with the lowest marks first, and the highest mark of each, where it is known."""
        marks = self._turns.closed_marks
        apart: list[tuple[str, int | None]] = [(self._table_apart(mark), mark) for mark in self._apart]
        return apart + [(self._table(slot), marks.get(slot)) for slot in self._oldest_first()]

    def _table(self, slot: int) -> str:
        return f"{self._name}_{slot}"

    def _table_apart(self, mark: int | str) -> str:
        return f"{self._name}_to_{mark}"
