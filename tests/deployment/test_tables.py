"""The migrations on their way into a database that has none, by psql, as `agentwatch init` brings them there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from agentwatch.cli.deployment.setup.checkout import Checkout, Migration
from agentwatch.cli.deployment.setup.database import Database, psql_environment
from agentwatch.cli.deployment.setup.steps import StepFailed

from local.database import Database as Server
from local.paths import LOCAL, ROOT

has_psql = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")

MIGRATIONS = Checkout(ROOT).migrations()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    state = LOCAL / "tests" / "database-init"
    shutil.rmtree(state, ignore_errors=True)
    server = Server(state, state / "logs", "a secret of at least thirty-two characters")
    yield server
    server.stop()


@pytest.fixture
def dsn(server: Server) -> str:
    """Of a database that nobody has touched: what its cluster's roles own is as Supabase has it."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("drop database if exists fresh")
        connection.execute("create database fresh")
    return server.dsn.removesuffix("/postgres") + "/fresh"


@pytest.mark.stack
@has_psql
def test_what_is_missing_is_applied_in_order_and_noted_as_supabase_does(dsn: str) -> None:
    database = Database(psql_environment(dsn))
    missing_before = database.missing(MIGRATIONS)

    for migration in missing_before:
        database.apply(migration)

    assert missing_before == MIGRATIONS
    assert database.missing(MIGRATIONS) == ()
    with psycopg.connect(dsn) as connection:
        noted = connection.execute("select version, name from supabase_migrations.schema_migrations order by version")
        assert noted.fetchall() == [(each.version, each.name) for each in MIGRATIONS]
        assert connection.execute("select public.schema_version()").fetchone() == (MIGRATIONS[-1].title,)


@pytest.mark.stack
@has_psql
def test_a_migration_that_fails_leaves_neither_itself_nor_a_note(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "0001_half.sql"
    path.write_text("create table half (id integer); select 1 / 0;")
    database, migration = Database(psql_environment(dsn)), Migration("0001", "half", path)

    with pytest.raises(StepFailed, match="division by zero"):
        database.apply(migration)

    assert database.missing((migration,)) == (migration,)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select to_regclass('public.half')").fetchone() == (None,)


@pytest.mark.stack
@has_psql
def test_tables_that_were_made_by_hand_before_there_were_notes_are_taken_over(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for migration in MIGRATIONS:
            connection.execute(migration.path.read_bytes())
        connection.execute(
            "insert into auth_events (event_id, occurred_at, outcome, method, path) values ('e', now(), 'missing', 'GET', '/')"
        )
    database = Database(psql_environment(dsn))

    for migration in database.missing(MIGRATIONS):
        database.apply(migration)

    assert database.missing(MIGRATIONS) == ()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select count(*) from auth_events").fetchone() == (1,)


CASES = [
    ("postgresql://postgres.ref:p%40ss@db.example.com:6543/postgres", ("db.example.com", "6543", "postgres.ref", "p@ss", "require")),
    ("postgres://127.0.0.1/other", ("127.0.0.1", "5432", "postgres", "", "prefer")),
    ("postgresql://u:p@db.example.com/x?sslmode=verify-full", ("db.example.com", "5432", "u", "p", "verify-full")),
]  # fmt: skip


@pytest.mark.parametrize(("dsn", "wanted"), CASES, ids=["pooler", "here", "strict"])
def test_the_address_reaches_psql_by_its_environment(dsn: str, wanted: tuple[str, ...]) -> None:
    environment = psql_environment(dsn)

    names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGSSLMODE")
    assert tuple(environment[name] for name in names) == wanted


@pytest.mark.parametrize(
    "dsn", ["mysql://u:canary@h/x", "canary", "postgresql://u:canary@h:port/x", "postgresql://[canary/x"]
)
def test_an_address_that_is_none_is_refused_and_not_shown(dsn: str) -> None:
    with pytest.raises(StepFailed) as refused:
        psql_environment(dsn)

    assert "canary" not in str(refused.value)


def test_no_password_is_an_argument_of_psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A psql that writes down how it was called."""
    fake = tmp_path / "psql"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called; echo f\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    Database(psql_environment("postgresql://u:canary@127.0.0.1/x")).missing(MIGRATIONS)

    assert "canary" not in (tmp_path / "called").read_text()
