"""The migrations: taken by a Supabase-like server as by a bare one, twice over, and explained."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from local.database import Database

pytestmark = pytest.mark.stack

MIGRATIONS = sorted((Path(__file__).parents[2] / "migrations").glob("*.sql"))
OUR_TABLES = (
    "select c.oid, c.relname, c.relrowsecurity from pg_class c join pg_namespace n on n.oid = relnamespace"
    " where nspname in ('public', 'agentwatch') and relkind in ('r', 'p')"
    " and relname <> 'local_migrations'"
)


@pytest.fixture
def supabase_like(database: Database, sql: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A second database as Supabase sets it up: its owner is no superuser, its new tables and functions are everybody's."""
    sql.execute("drop database if exists supabase_like")
    sql.execute("drop role if exists supabase_owner")
    sql.execute("create role supabase_owner login nosuperuser")
    sql.execute("create database supabase_like owner supabase_owner")
    dsn = f"postgresql://supabase_owner@127.0.0.1:{database.port}/supabase_like"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for kind in ("tables", "functions", "sequences"):
            connection.execute(
                f"alter default privileges in schema public grant all on {kind} to anon, authenticated, service_role"
            )
        yield connection
    sql.execute("drop database supabase_like")
    sql.execute("drop role supabase_owner")


def migrate(connection: psycopg.Connection) -> None:
    for path in MIGRATIONS:
        with connection.transaction():
            connection.execute(path.read_bytes())


def test_they_can_be_applied_twice(supabase_like: psycopg.Connection) -> None:
    migrate(supabase_like)
    migrate(supabase_like)


def test_open_default_privileges_open_nothing(supabase_like: psycopg.Connection) -> None:
    migrate(supabase_like)

    tables = supabase_like.execute(
        f"select relname, r.name from ({OUR_TABLES}) t, (values ('anon'), ('authenticated')) r(name)"
        " where has_table_privilege(r.name, t.oid, 'insert, update, delete, truncate, trigger, references')"
        " or (r.name = 'anon' and has_table_privilege(r.name, t.oid, 'select'))"
    ).fetchall()
    functions = supabase_like.execute(
        "select proname from pg_proc p join pg_namespace n on n.oid = pronamespace"
        " where nspname in ('public', 'agentwatch') and has_function_privilege('anon', p.oid, 'execute')"
    ).fetchall()
    assert (tables, functions) == ([], [])


def test_daily_upkeep_runs_for_the_service_where_nobody_is_superuser(
    supabase_like: psycopg.Connection, sql: psycopg.Connection
) -> None:
    migrate(supabase_like)
    supabase_like.execute(f"drop table agentwatch.llm_request_logs_{datetime.now(UTC):%Y_%m}")
    sql.execute("grant service_role to supabase_owner")

    with supabase_like.transaction():
        supabase_like.execute("set local role service_role")
        row = supabase_like.execute("select public.make_months_ahead()").fetchone()
        forgotten = supabase_like.execute("select public.forget_old_records()").fetchone()

    assert row is not None and forgotten is not None
    assert forgotten[0]["dropped_months"] == []
    assert row[0]["created_months"] == [f"{datetime.now(UTC):%Y_%m}"]


def test_every_table_has_row_security(sql: psycopg.Connection) -> None:
    rows = sql.execute(f"select relname from ({OUR_TABLES}) t where not relrowsecurity").fetchall()

    assert rows == []


def test_every_column_is_explained(sql: psycopg.Connection) -> None:
    rows = sql.execute(
        f"select relname, attname from ({OUR_TABLES}) t join pg_attribute on attrelid = t.oid"
        " where attnum > 0 and not attisdropped and relname not like 'llm_request_logs\\__%'"
        " and col_description(t.oid, attnum) is null"
    ).fetchall()

    assert rows == []


def test_a_quantitys_comment_names_the_unit_of_its_name(sql: psycopg.Connection) -> None:
    units = {"nanousd": "Nano-dollar", "_ms": "Millisecond", "_tokens": "Tokens", "_at": "(UTC"}
    rows = sql.execute(
        f"select attname, col_description(t.oid, attnum) from ({OUR_TABLES}) t"
        " join pg_attribute on attrelid = t.oid"
        " where attnum > 0 and relname not like 'llm_request_logs\\__%'"
    ).fetchall()

    silent = [
        (name, comment)
        for name, comment in rows
        for ending, unit in units.items()
        if (ending in name if ending == "nanousd" else name.endswith(ending)) and unit not in comment
    ]
    assert silent == []


def test_no_money_is_a_float(sql: psycopg.Connection) -> None:
    rows = sql.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema in ('public', 'agentwatch') and column_name like '%nanousd%'"
        " and data_type not in ('bigint', 'numeric')"
    ).fetchall()

    assert rows == []


def test_pg_cron_is_asked_only_where_it_is(sql: psycopg.Connection) -> None:
    """A stand-in of the extension's one function, in a transaction that is taken back."""
    with sql.transaction(force_rollback=True):
        sql.execute("create schema cron")
        sql.execute("create table cron.asked (name text, schedule text, command text)")
        sql.execute(
            "create function cron.schedule(text, text, text) returns bigint language sql as"
            " $$ insert into cron.asked values ($1, $2, $3) returning 1 $$"
        )
        sql.execute("set local allow_system_table_mods = on")
        sql.execute(
            "insert into pg_extension select 99999, 'pg_cron', 10, oid, false, '1', null, null"
            " from pg_namespace where nspname = 'cron'"
        )
        for path in MIGRATIONS:
            sql.execute(path.read_bytes())
        # A name that is scheduled again gets the new command.
        asked = sql.execute("select distinct on (name) * from cron.asked order by name, ctid desc").fetchall()

    assert asked == [
        ("agentwatch-maintenance", "17 3 * * *", "select public.make_months_ahead()"),
        ("agentwatch-retention", "27 3 * * *", "select public.forget_old_records()"),
    ]
