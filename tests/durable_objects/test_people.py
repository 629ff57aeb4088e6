"""Whom an address stands for, as the Ledger remembers it."""

import pytest

from core.ledger.people.messages import (
    ForgetPersonRequest,
    ListPeopleRequest,
    NobodyKnown,
    OtherPerson,
    PersonForgotten,
    PersonKnown,
    SignOnRequest,
    TooManyPeople,
)
from durable_objects.service import LedgerService
from durable_objects.sign_on import people
from tests.support.ledger_requests import NOW_MS
from tests.support.sqlite_ledger import SqliteDatabase, a_service

HOUR_MS = 3_600_000
ALICE = SignOnRequest(email="alice@example.com", sub="sub-1")


@pytest.fixture
def database() -> SqliteDatabase:
    return SqliteDatabase()


@pytest.fixture
def service(database: SqliteDatabase) -> LedgerService:
    return a_service(database)


def test_whoever_comes_first_keeps_the_address_until_they_are_forgotten(service: LedgerService) -> None:
    other = SignOnRequest(email=ALICE.email, sub="sub-2")

    assert service.answer(ALICE, NOW_MS) == PersonKnown()
    assert service.answer(other, NOW_MS) == OtherPerson()
    assert service.answer(ALICE, NOW_MS) == PersonKnown()
    forgotten = service.answer(ForgetPersonRequest(email=ALICE.email), NOW_MS)
    assert isinstance(forgotten, PersonForgotten)
    assert forgotten.person.sub == "sub-1"
    assert service.answer(other, NOW_MS) == PersonKnown()
    assert service.answer(ALICE, NOW_MS) == OtherPerson()
    assert service.answer(ForgetPersonRequest(email="bob@example.com"), NOW_MS) == NobodyKnown()


def test_one_person_may_come_with_several_addresses(service: LedgerService) -> None:
    assert service.answer(SignOnRequest(email="al@example.com", sub="sub-1"), NOW_MS) == PersonKnown()
    assert service.answer(ALICE, NOW_MS) == PersonKnown()


def test_that_somebody_was_seen_costs_a_row_an_hour(service: LedgerService, database: SqliteDatabase) -> None:
    service.answer(ALICE, NOW_MS)

    seen = [
        database.rows_written_by(lambda after_ms=after_ms: service.answer(ALICE, NOW_MS + after_ms))
        for after_ms in (1, HOUR_MS, HOUR_MS + 1)
    ]

    assert seen == [0, 1, 0]
    (known,) = service.answer(ListPeopleRequest(), NOW_MS).people
    assert known.first_seen_at_ms == NOW_MS
    assert known.last_seen_at_ms == (NOW_MS + HOUR_MS) // HOUR_MS * HOUR_MS


def test_people_are_bounded_and_those_who_are_known_go_on(
    service: LedgerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "PEOPLE_MAX", 1)
    service.answer(ALICE, NOW_MS)

    assert service.answer(SignOnRequest(email="bob@example.com", sub="sub-2"), NOW_MS) == TooManyPeople(most=1)
    assert service.answer(ALICE, NOW_MS) == PersonKnown()
