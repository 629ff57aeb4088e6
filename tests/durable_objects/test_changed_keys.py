"""Keys that have changed meanwhile: what is asked again stays what it was, and who may write no longer does not."""

from typing import Any

import pytest

from core.ledger.document_messages import WriteRequest
from core.ledger.keys.key import KeyTerms
from core.ledger.keys.messages import (
    CreateKeyRequest,
    KeyRequest,
    KeyWritten,
    NotGranted,
    Once,
    RevokeKeyRequest,
    RotateKeyRequest,
    Standing,
    StandingRequest,
    Writer,
)
from core.ledger.messages import ConfigureRequest, Granted, KeyDisabled, Recorded
from durable_objects.service import LedgerService
from tests.durable_objects.test_keys import KEY, a_token, admit, change, make
from tests.support.ledger_agreement import woken
from tests.support.ledger_requests import HOUR_MS, NOW_MS, a_record
from tests.support.sqlite_ledger import SqliteDatabase

OWN = Writer(key_id=KEY, token_number=1)


def test_a_hold_that_is_asked_for_again_is_the_same_after_its_key_has_changed(ledger: LedgerService) -> None:
    make(ledger)
    first = admit(ledger, "a")
    assert isinstance(first, Granted)

    change(ledger, budget=100)

    again = admit(ledger, "a", key_version=2)
    assert isinstance(again, Granted) and again.granted_nanousd == first.granted_nanousd


@pytest.mark.parametrize("shown", [{"token_number": 2}, {"key_id": "key_2", "charged_key_id": "key_2"}], ids=str)
def test_a_report_is_the_same_by_the_key_s_next_token_and_by_another_key(
    ledger: LedgerService, shown: dict[str, Any]
) -> None:
    make(ledger)
    make(ledger, "key_2")
    first = {"key_id": KEY, "token_number": 1, "charged_key_id": KEY}
    assert isinstance(ledger.record(a_record(30, **first), NOW_MS), Recorded)
    rotation = RotateKeyRequest(key_id=KEY, token=a_token("b"), overlap_s=60, writer=Writer())
    assert isinstance(ledger.answer(rotation, NOW_MS), KeyWritten)

    again = ledger.record(a_record(30, **{**first, **shown}), NOW_MS)

    assert isinstance(again, Recorded) and again.is_replay
    spent = [ledger.answer(KeyRequest(key_id=each), NOW_MS).key.account.spent_nanousd for each in (KEY, "key_2")]  # type: ignore[union-attr]
    assert spent == [30, 0]


WRITES = {
    "a document": WriteRequest(kind="config", text="{}", key_id=KEY, token_number=1),
    "a budget": ConfigureRequest(
        kind="team", id="search", window="month", limit_nanousd=5, key_id=KEY, token_number=1
    ),
    "a key": CreateKeyRequest(key_id="key_9", terms=KeyTerms(name="a"), token=a_token(), writer=OWN),
    "its own role": RotateKeyRequest(key_id=KEY, token=a_token("b"), writer=OWN),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_who_was_an_administrator_when_it_was_let_in_writes_nothing(ledger: LedgerService, write: str) -> None:
    make(ledger, role="admin")
    change(ledger, role="developer")

    assert ledger.answer(WRITES[write], NOW_MS) == KeyDisabled()


def test_an_administrator_whom_the_configuration_refuses_is_not_another_one(ledger: LedgerService) -> None:
    make(ledger, role="admin")
    make(ledger, "key_2", role="admin")
    ledger.answer(WriteRequest(kind="config", text='{"disabled_keys":["key_2"]}'), NOW_MS)

    revocation = RevokeKeyRequest(key_id=KEY, writer=OWN)

    assert ledger.answer(revocation, NOW_MS) == NotGranted(fault="last_administrator")


def test_the_name_of_a_request_is_free_again_after_a_day(ledger: LedgerService) -> None:
    def create(key_id: str, contents: str, now_ms: int) -> Any:
        once = Once("n", contents)
        terms = KeyTerms(name="a")
        question = CreateKeyRequest(key_id=key_id, terms=terms, token=a_token(), writer=Writer(), once=once)
        return ledger.answer(question, now_ms)

    assert isinstance(create("key_1", "x", NOW_MS), KeyWritten)
    later_ms = NOW_MS + 25 * HOUR_MS
    assert isinstance(create("key_2", "y", later_ms), KeyWritten)
    assert create("key_3", "y", later_ms).key.key_id == "key_2"


def test_a_key_that_only_administers_was_used_too_though_the_ledger_slept(
    ledger: LedgerService, database: SqliteDatabase
) -> None:
    make(ledger, role="admin")
    asked = ledger.answer(StandingRequest(key_id=KEY, token_number=1, key_version=1), NOW_MS)
    assert isinstance(asked, Standing)

    due_at_ms = ledger._state.checkpoint_due_at_ms()
    assert due_at_ms is not None
    ledger.sweep(due_at_ms)

    assert ledger._state.checkpoint_due_at_ms() is None
    found = woken(database).answer(KeyRequest(key_id=KEY), NOW_MS)
    assert found.key.last_used_at_ms == NOW_MS - NOW_MS % HOUR_MS  # type: ignore[union-attr]
