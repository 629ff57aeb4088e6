"""The migrations, brought to a Supabase project by psql, each in one transaction with the note that it is applied.

The notes are those of Supabase's own tool (`supabase_migrations.schema_migrations`), so `supabase db push` goes on
where this ended, and the other way round. The rule easy to break: the address of a database holds a password, so it
reaches psql as PG* variables, never as an argument, which every user of the machine could read.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from .checkout import Migration
from .steps import StepFailed

DSN_NAME = "SUPABASE_DB_URL"
TIMEOUT_S = 300

NOTES_SQL = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
"""
_APPLIED_SQL = "select version from supabase_migrations.schema_migrations"
_HAS_NOTES_SQL = "select to_regclass('supabase_migrations.schema_migrations') is not null"


def psql_environment(dsn: str) -> dict[str, str]:
    """The address as psql reads it from its environment. Raises `StepFailed` without quoting it."""
    try:
        parts = urlsplit(dsn.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in ("postgres", "postgresql"):
        raise StepFailed(f"{DSN_NAME} must be postgresql://user:password@host:port/database")
    options = dict(parse_qsl(parts.query))
    is_here = host in ("localhost", "127.0.0.1", "::1")
    return {
        "PGHOST": host,
        "PGPORT": str(port or 5432),
        "PGUSER": unquote(parts.username or "postgres"),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or "postgres",
        "PGSSLMODE": options.get("sslmode", "prefer" if is_here else "require"),
        "PGCONNECT_TIMEOUT": "15",
        "PGOPTIONS": options.get("options", ""),
    }


@dataclass(frozen=True)
class Database:
    environment: Mapping[str, str]

    def missing(self, migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
        """Those of which there is no note yet."""
        applied = self._psql("--command", _APPLIED_SQL).split() if self._has_notes() else []
        return tuple(each for each in migrations if each.version not in applied)

    def apply(self, migration: Migration) -> None:
        """The migration and its note, or neither."""
        note = (
            "insert into supabase_migrations.schema_migrations (version, name) "
            f"values ('{migration.version}', '{migration.name}')"
        )
        self._psql("--command", NOTES_SQL)
        self._psql("--single-transaction", "--file", str(migration.path), "--command", note)

    def _has_notes(self) -> bool:
        return self._psql("--command", _HAS_NOTES_SQL).strip() == "t"

    def _psql(self, *arguments: str) -> str:
        command = [
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--no-align",
            "--tuples-only",
            "--set=ON_ERROR_STOP=1",
            "--no-password",
        ]
        try:
            done = subprocess.run(
                [*command, *arguments], env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=TIMEOUT_S,
            )  # fmt: skip
        except FileNotFoundError:
            raise StepFailed("psql is not there: install PostgreSQL's client, or use `supabase db push`") from None
        except subprocess.TimeoutExpired:
            raise StepFailed(f"psql: no end after {TIMEOUT_S} s") from None
        if done.returncode != 0:
            raise StepFailed(f"psql: {done.stderr.strip()[-1000:]}")
        return done.stdout
