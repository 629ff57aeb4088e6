"""Months of calls: made ahead, never missing a record, dropped whole when they are old."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.telemetry import CallRecord
from local.database import Database
from rows import row_of
from tests.queue_consumer.records import ACCESS, AUTH, BUDGET, a_call

pytestmark = pytest.mark.stack


def ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def insert(sql: psycopg.Connection, message: Any) -> None:
    row = row_of(message)
    cells = {name: list(c) if isinstance(c, tuple) else c for name, c in row.cells.items()}
    columns, places = ", ".join(cells), ", ".join(f"%({name})s" for name in cells)
    sql.execute(f"insert into {row.table} ({columns}) values ({places})", cells)


def a_call_at(moment: datetime, number: int = 1) -> CallRecord:
    return a_call(number, started_at_ms=ms(moment))


def partition_of(sql: psycopg.Connection, number: int = 1) -> str:
    row = sql.execute(
        "select tableoid::regclass::text from llm_request_logs where request_id = %s",
        (f"req_{number}",),
    ).fetchone()
    assert row is not None
    return str(row[0]).removeprefix("agentwatch.llm_request_logs_")


def months(sql: psycopg.Connection) -> set[str]:
    rows = sql.execute(
        "select right(inhrelid::regclass::text, 7) from pg_inherits"
        " where inhparent = 'public.llm_request_logs'::regclass"
    ).fetchall()
    return {name for (name,) in rows if name != "default"}


@pytest.fixture
def far_future(sql: psycopg.Connection) -> Any:
    """The months of 2040, taken away again afterwards."""
    yield datetime(2040, 5, 17, tzinfo=UTC)
    for month in months(sql):
        if month.startswith("204"):
            sql.execute(f"drop table agentwatch.llm_request_logs_{month}")


def test_this_month_and_three_ahead_exist_after_the_migrations(sql: psycopg.Connection) -> None:
    first = datetime.now(UTC).replace(day=1)
    expected = {
        f"{first.year + (first.month - 1 + ahead) // 12}_{(first.month - 1 + ahead) % 12 + 1:02}" for ahead in range(4)
    }

    assert expected <= months(sql)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2040, 5, 1, tzinfo=UTC), "2040_05"),
        (datetime(2040, 5, 31, 23, 59, 59, 999_000, tzinfo=UTC), "2040_05"),
        (datetime(2040, 6, 1, tzinfo=UTC), "2040_06"),
        (datetime(2040, 8, 31, 23, 59, tzinfo=UTC), "2040_08"),
        (datetime(2040, 9, 1, tzinfo=UTC), "default"),
        (datetime(2040, 4, 30, 23, 59, tzinfo=UTC), "default"),
    ],
    ids=str,
)
@pytest.mark.parametrize("time_zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_months_are_of_utc_whatever_the_servers_time_zone(
    moment: datetime, expected: str, time_zone: str, far_future: datetime, sql: psycopg.Connection
) -> None:
    sql.execute(f"set timezone = '{time_zone}'")
    sql.execute("select agentwatch.ensure_log_partitions(%s)", (far_future,))

    insert(sql, a_call_at(moment))

    assert partition_of(sql) == expected


def test_making_partitions_again_makes_none(far_future: datetime, sql: psycopg.Connection) -> None:
    query = "select agentwatch.ensure_log_partitions(%s)"

    first = sql.execute(query, (far_future,)).fetchone()
    again = sql.execute(query, (far_future,)).fetchone()

    assert first == (["2040_05", "2040_06", "2040_07", "2040_08"],)
    assert again == ([],)


def test_a_record_without_a_month_is_kept_and_moves_when_the_month_comes(
    far_future: datetime, sql: psycopg.Connection
) -> None:
    insert(sql, a_call_at(far_future, 1))
    insert(sql, a_call_at(datetime(2051, 1, 1, tzinfo=UTC), 2))
    assert (partition_of(sql, 1), partition_of(sql, 2)) == ("default", "default")

    sql.execute("select agentwatch.ensure_log_partitions(%s)", (far_future,))

    assert (partition_of(sql, 1), partition_of(sql, 2)) == ("2040_05", "default")


def test_the_key_holds_in_a_partition_made_later(far_future: datetime, sql: psycopg.Connection) -> None:
    sql.execute("select agentwatch.ensure_log_partitions(%s)", (far_future,))
    insert(sql, a_call_at(far_future))

    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(sql, a_call_at(far_future))


def test_a_new_partition_has_row_security(far_future: datetime, sql: psycopg.Connection) -> None:
    sql.execute("select agentwatch.ensure_log_partitions(%s)", (far_future,))

    rows = sql.execute(
        "select relname from pg_class join pg_inherits on oid = inhrelid"
        " where inhparent = 'public.llm_request_logs'::regclass and not relrowsecurity"
    ).fetchall()

    assert rows == []


def test_retention_drops_whole_months_and_trims_the_one_at_the_boundary(
    far_future: datetime, sql: psycopg.Connection
) -> None:
    sql.execute("select agentwatch.ensure_log_partitions(%s)", (far_future,))
    insert(sql, a_call_at(datetime(2040, 5, 31, 23, 59, tzinfo=UTC), 1))
    insert(sql, a_call_at(datetime(2040, 6, 9, 23, 59, tzinfo=UTC), 2))
    insert(sql, a_call_at(datetime(2040, 6, 10, 0, 1, tzinfo=UTC), 3))
    insert(sql, a_call_at(datetime(2040, 1, 1, tzinfo=UTC), 4))
    before = months(sql)

    row = sql.execute(
        "select agentwatch.apply_retention(%s)",
        (datetime(2040, 6, 10, tzinfo=UTC) + timedelta(days=90),),
    ).fetchone()

    left = sql.execute("select request_id from llm_request_logs").fetchall()
    assert left == [("req_3",)]
    assert months(sql) == {"2040_06", "2040_07", "2040_08"}
    assert row is not None
    assert set(row[0]["dropped_months"]) == before - months(sql)
    assert row[0]["deleted_rows"] == 2
    sql.execute("select agentwatch.ensure_log_partitions(now())")


def test_logins_and_budget_changes_are_kept_for_a_year(sql: psycopg.Connection) -> None:
    happened_at = datetime.fromtimestamp(AUTH.occurred_at_ms / 1000, UTC)
    for message in (AUTH, ACCESS, BUDGET):
        insert(sql, message)

    def left_after(days: int) -> list[int]:
        sql.execute("select agentwatch.apply_retention(%s)", (happened_at + timedelta(days=days),))
        tables = ("api_access_log", "auth_events", "budget_events")
        counts = [sql.execute(f"select count(*) from {table}").fetchone() for table in tables]
        return [count[0] for count in counts if count]

    assert [left_after(89), left_after(91), left_after(364), left_after(366)] == [
        [1, 1, 1],
        [0, 1, 1],
        [0, 1, 1],
        [0, 0, 0],
    ]
    sql.execute("select agentwatch.ensure_log_partitions(now())")


def test_daily_upkeep_leaves_what_is_fresh(sql: psycopg.Connection) -> None:
    insert(sql, a_call_at(datetime.now(UTC)))

    made = sql.execute("select make_months_ahead()").fetchone()
    forgotten = sql.execute("select forget_old_records()").fetchone()

    assert made == ({"created_months": []},)
    assert forgotten == ({"dropped_months": [], "locked_months": [], "deleted_rows": 0},)
    assert sql.execute("select count(*) from llm_request_logs").fetchone() == (1,)


@pytest.fixture
def locked_month(far_future: datetime, database: Database, sql: psycopg.Connection) -> Iterator[datetime]:
    """May 2040 is old, and somebody is at work on it."""
    sql.execute("select agentwatch.create_log_partition('2040-05-01')")
    with psycopg.connect(database.dsn) as other:
        other.execute("lock table agentwatch.llm_request_logs_2040_05 in access exclusive mode")
        yield far_future


def test_a_lock_on_an_old_month_does_not_stop_the_next_one(locked_month: datetime, sql: psycopg.Connection) -> None:
    made = sql.execute("select agentwatch.create_log_partition('2040-08-01')").fetchone()

    assert made == (True,)


def test_a_locked_month_is_left_for_another_day_and_the_rest_is_forgotten(
    locked_month: datetime, sql: psycopg.Connection
) -> None:
    insert(sql, AUTH)

    row = sql.execute("select agentwatch.apply_retention(%s)", (locked_month + timedelta(days=400),)).fetchone()

    assert row is not None
    assert row[0]["locked_months"] == ["2040_05"]
    assert sql.execute("select count(*) from auth_events").fetchone() == (0,)
    sql.execute("select agentwatch.ensure_log_partitions(now())")
