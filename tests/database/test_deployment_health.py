"""What `agentwatch doctor` asks the database: how far its migrations have come, and when crons ran last."""

import asyncio
import time

import httpx
import psycopg

import upkeep
from local.paths import ROOT
from tests.database.conftest import as_tenant
from tests.database.rest_services import RestServices


def test_the_schema_s_version_is_the_last_migration(sql: psycopg.Connection) -> None:
    (version,) = sql.execute("select public.schema_version()").fetchone() or ("",)

    assert version == max(path.stem for path in (ROOT / "migrations").glob("*.sql"))


def test_a_tenant_may_ask_when_a_cron_ran_last(rest: httpx.Client, services: RestServices) -> None:
    before_ms = time.time() * 1000

    for _ in range(2):
        asyncio.run(upkeep.note_run("0 8 * * *", services))

    health = rest.post("rpc/deployment_health", json={}, headers=as_tenant("acme")).json()
    assert list(health["crons"]) == ["0 8 * * *"]
    assert before_ms - 1 <= health["crons"]["0 8 * * *"] <= time.time() * 1000


def test_a_tenant_neither_reads_nor_writes_the_notes_of_crons(rest: httpx.Client) -> None:
    read = rest.get("cron_runs", headers=as_tenant("acme"))
    written = rest.post("rpc/note_cron_run", json={"p_cron": "x"}, headers=as_tenant("acme"))

    assert (read.status_code, written.status_code) == (403, 403)


def test_nobody_without_a_token_asks_anything(rest: httpx.Client) -> None:
    assert rest.post("rpc/deployment_health", json={}).status_code in (401, 403, 404)
