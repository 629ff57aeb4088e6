"""One real PostgreSQL and PostgREST for the whole run, emptied before each test."""

import os
import shutil
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from local.database import Database, signed_token
from local.paths import LOCAL
from tests.database.rest_services import RestServices

SECRET = "a secret of at least thirty-two characters"
TABLES = "llm_request_logs, tenants, auth_events, api_access_log, budget_events, model_pricing, report_dispatches, dead_letters, cron_runs"


@pytest.fixture(scope="session")
def running_database() -> Iterator[Database]:
    state = LOCAL / "tests" / f"database-{os.environ.get('PYTEST_XDIST_WORKER', 'only')}"
    shutil.rmtree(state, ignore_errors=True)
    database = Database(state, state / "logs", SECRET)
    yield database
    database.stop()


@pytest.fixture
def database(running_database: Database) -> Database:
    with psycopg.connect(running_database.dsn) as connection:
        connection.execute(f"truncate {TABLES}")
    return running_database


@pytest.fixture
def sql(database: Database) -> Iterator[psycopg.Connection]:
    """The owner's own connection, each statement its own transaction."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def services(database: Database) -> Iterator[RestServices]:
    """The sink's world over the real REST interface, as `service_role`."""
    services = RestServices(database.url, signed_token("service_role", SECRET))
    yield services
    services.close()


@pytest.fixture
def rest(database: Database) -> Iterator[httpx.Client]:
    """REST without a key: add `headers=as_tenant(...)`, or be anonymous."""
    with httpx.Client(base_url=f"{database.url}/rest/v1/") as client:
        yield client


def as_tenant(tenant: str) -> dict[str, str]:
    return {"authorization": f"Bearer {signed_token('authenticated', SECRET, tenant=tenant)}"}


def as_team(tenant: str, team: str) -> dict[str, str]:
    """A token that is confined to one team of the tenant."""
    return {"authorization": f"Bearer {signed_token('authenticated', SECRET, tenant=tenant, team=team)}"}


def as_service() -> dict[str, str]:
    return {"authorization": f"Bearer {signed_token('service_role', SECRET)}"}
