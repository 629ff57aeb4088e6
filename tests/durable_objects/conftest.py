"""A ledger on sqlite3, empty and awake."""

import pytest

from core.ledger.messages import CountRequest
from durable_objects.service import LedgerService
from tests.support.ledger_requests import NOW_MS
from tests.support.sqlite_ledger import SqliteDatabase, a_service


@pytest.fixture
def database() -> SqliteDatabase:
    return SqliteDatabase()


@pytest.fixture
def ledger(database: SqliteDatabase) -> LedgerService:
    return a_service(database)


@pytest.fixture
def count():
    """Ask a ledger to count a call that costs nothing."""
    return lambda ledger, limits: ledger.count(CountRequest(rate_limits=limits), NOW_MS)
