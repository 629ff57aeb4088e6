import pytest

from durable_objects.ledger_service import LedgerService
from tests.support.sqlite_ledger import SqliteDatabase, a_service


@pytest.fixture
def database() -> SqliteDatabase:
    return SqliteDatabase()


@pytest.fixture
def ledger(database: SqliteDatabase) -> LedgerService:
    return a_service(database)
