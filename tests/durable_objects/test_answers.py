"""What a ledger remembers of the answers its calls got, and what it makes of a call that continues one."""

from typing import Any

import pytest

from core.ledger.messages import (
    AdmitRequest,
    AmountsAt,
    AnswerNote,
    AnswersUnknown,
    BudgetDenied,
    EarlierAnswers,
    Granted,
    RateLimits,
)
from durable_objects.answers import Answers
from durable_objects.service import LedgerService
from durable_objects.storage.rows import PAGES_PER_TRIM, LedgerStore
from tests.support.ledger_requests import HOUR_MS, NOW_MS, a_record, a_settlement, an_admission
from tests.support.sqlite_ledger import SqliteDatabase, a_service

STEPS = (AmountsAt(1_000, 20, 12, 11), AmountsAt(2_000, 30, 22, 21))
"""What a call costs that continues up to so many tokens; one of unknown length costs 100, and 90 at least."""


def a_turn(hold_id: str, *ids: str, **changes: Any) -> AdmitRequest:
    """A call that continues these answers."""
    earlier = EarlierAnswers(ids=ids, steps=STEPS)
    return an_admission(hold_id, 100, **{"least_nanousd": 90, "earlier": earlier, **changes})


def answered(ledger: LedgerService, answer_id: str, tokens: int, now_ms: int = NOW_MS) -> None:
    """A call of the tenant's got this answer."""
    ledger.admit(an_admission(f"rsv_{answer_id}", 10), now_ms)
    ledger.settle(a_settlement(1, f"rsv_{answer_id}", answer=AnswerNote((answer_id,), tokens)), now_ms)


@pytest.mark.parametrize(("tokens", "held"), [(0, 20), (1_000, 20), (1_001, 30), (2_000, 30), (2_001, 100)])
def test_a_call_is_held_for_by_what_the_answer_it_continues_came_to(
    ledger: LedgerService, tokens: int, held: int
) -> None:
    answered(ledger, "resp_1", tokens)

    granted = ledger.admit(a_turn("rsv_2", "resp_1"), NOW_MS)

    assert isinstance(granted, Granted)
    assert (granted.granted_nanousd, granted.is_full, granted.earlier_tokens) == (held, True, tokens)


def test_several_answers_come_to_their_sum(ledger: LedgerService) -> None:
    answered(ledger, "resp_1", 700)
    answered(ledger, "conv_1", 800)

    granted = ledger.admit(a_turn("rsv_2", "resp_1", "conv_1"), NOW_MS)

    assert isinstance(granted, Granted)
    assert (granted.granted_nanousd, granted.earlier_tokens) == (30, 1_500)


def test_one_unknown_answer_among_known_ones_may_be_of_any_length(ledger: LedgerService) -> None:
    answered(ledger, "resp_1", 700)

    granted = ledger.admit(a_turn("rsv_2", "resp_1", "resp_x"), NOW_MS)

    assert isinstance(granted, Granted)
    assert (granted.granted_nanousd, granted.earlier_tokens) == (100, None)


def test_a_short_past_fits_where_one_of_unknown_length_does_not(ledger: LedgerService) -> None:
    answered(ledger, "resp_1", 700)

    known = ledger.admit(a_turn("rsv_2", "resp_1", session_limit_nanousd=50), NOW_MS)
    unknown = ledger.admit(a_turn("rsv_3", "resp_x", session_limit_nanousd=50), NOW_MS)

    assert isinstance(known, Granted)
    assert isinstance(unknown, BudgetDenied)


def test_under_a_shared_account_an_answer_must_be_the_tenant_s_own(database: SqliteDatabase) -> None:
    ours, theirs = a_service(database), a_service(SqliteDatabase(), "other")
    answered(theirs, "resp_1", 700)
    turn = a_turn("rsv_2", "resp_1", earlier=EarlierAnswers(ids=("resp_1",), steps=STEPS, must_be_known=True))

    assert isinstance(ours.admit(turn, NOW_MS), AnswersUnknown)
    assert isinstance(theirs.admit(turn, NOW_MS), Granted)


def test_nothing_is_held_for_a_call_that_continues_another_s_answer(ledger: LedgerService) -> None:
    ledger.admit(
        a_turn("rsv_2", "resp_1", earlier=EarlierAnswers(ids=("resp_1",), steps=STEPS, must_be_known=True)), NOW_MS
    )

    granted = ledger.admit(an_admission("rsv_3", 100), NOW_MS)

    assert isinstance(granted, Granted)
    assert granted.session is not None
    assert granted.session.held_nanousd == 100


def test_a_replayed_admission_gets_the_same_hold_whatever_has_been_learnt_since(ledger: LedgerService) -> None:
    first = ledger.admit(a_turn("rsv_2", "resp_1"), NOW_MS)
    answered(ledger, "resp_1", 700)

    again = ledger.admit(a_turn("rsv_2", "resp_1"), NOW_MS)

    assert isinstance(first, Granted)
    assert isinstance(again, Granted)
    assert (again.granted_nanousd, again.earlier_tokens) == (first.granted_nanousd, None)


def test_a_replayed_admission_counts_once_though_the_answer_it_continued_is_forgotten(ledger: LedgerService) -> None:
    limits = RateLimits(tenant_requests_per_minute=2)
    earlier = EarlierAnswers(ids=("resp_1",), steps=STEPS, must_be_known=True)
    turn = a_turn("rsv_2", "resp_1", earlier=earlier, rate_limits=limits)
    answered(ledger, "resp_1", 700)
    ledger.admit(turn, NOW_MS)
    ledger.settle(a_settlement(1, "rsv_2"), NOW_MS)
    ledger._state.answers._fresh.clear()

    assert isinstance(ledger.admit(turn, NOW_MS), Granted)

    assert isinstance(ledger.admit(an_admission("rsv_3", rate_limits=limits), NOW_MS), Granted)


def test_a_report_of_a_call_that_was_let_through_is_remembered_too(ledger: LedgerService) -> None:
    ledger.record(a_record(5, answer=AnswerNote(("resp_1",), 700)), NOW_MS)

    granted = ledger.admit(a_turn("rsv_2", "resp_1"), NOW_MS)

    assert isinstance(granted, Granted)
    assert granted.earlier_tokens == 700


@pytest.mark.parametrize("is_checkpointed", [False, True])
def test_answers_survive_a_wake(database: SqliteDatabase, is_checkpointed: bool) -> None:
    ledger = a_service(database)
    answered(ledger, "resp_1", 700)
    if is_checkpointed:
        ledger.sweep(
            NOW_MS + HOUR_MS,
        )

    granted = a_service(database).admit(a_turn("rsv_2", "resp_1"), NOW_MS + HOUR_MS)

    assert isinstance(granted, Granted)
    assert granted.earlier_tokens == 700


def test_an_answer_outlives_the_row_that_ended_its_hold(database: SqliteDatabase) -> None:
    ledger = a_service(database)
    answered(ledger, "resp_1", 700)
    for hour in range(1, 30):
        ledger.admit(an_admission(f"rsv_hour_{hour}", 1), NOW_MS + hour * HOUR_MS)
        ledger.settle(a_settlement(1, f"rsv_hour_{hour}"), NOW_MS + hour * HOUR_MS)
        ledger.sweep(NOW_MS + hour * HOUR_MS + 1)
    later = NOW_MS + 30 * HOUR_MS

    assert LedgerStore(database).find_hold("rsv_resp_1") is None
    granted = a_service(database).admit(a_turn("rsv_2", "resp_1"), later)
    assert isinstance(granted, Granted)
    assert granted.earlier_tokens == 700


def test_remembering_costs_a_call_no_row_of_its_own(database: SqliteDatabase) -> None:
    ledger = a_service(database)
    answered(ledger, "resp_0", 1)

    of_the_calls = database.rows_written_by(lambda: [answered(ledger, f"resp_{n}", n) for n in range(1, 101)])
    ledger.sweep(NOW_MS + HOUR_MS)

    assert of_the_calls == 200
    assert len(LedgerStore(database).answers()) == 101
    assert database.connection.execute("SELECT count(*) FROM answers").fetchone() == (1,)


def filled(database: SqliteDatabase, pages: int, *, answers_max: int) -> Answers:
    answers = Answers(LedgerStore(database), answers_max=answers_max)
    for page in range(pages):
        for place in range(3):
            answers.note(AnswerNote((f"resp_{page}_{place}",), page))
        answers.write()
    return answers


def test_the_oldest_answers_are_forgotten_in_rows_and_in_memory(database: SqliteDatabase) -> None:
    answers = filled(database, 2 * PAGES_PER_TRIM, answers_max=30)
    last = 2 * PAGES_PER_TRIM - 1

    kept = {answer_id for note in LedgerStore(database).answers() for answer_id in note.ids}
    assert answers.tokens_of([f"resp_{last}_2"]) == last
    assert answers.tokens_of(["resp_0_0"]) is None
    assert len(kept) == 30
    assert f"resp_{last - 9}_0" in kept


def test_answers_of_no_page_yet_are_bounded(database: SqliteDatabase) -> None:
    answers = Answers(LedgerStore(database), answers_max=10)
    for number in range(25):
        answers.note(AnswerNote((f"resp_{number}",), number))

    assert answers.tokens_of(["resp_24"]) == 24
    assert answers.tokens_of(["resp_14"]) is None
    assert answers.tokens_of(["resp_15"]) == 15


def test_a_conversation_is_as_long_as_it_was_told_last(database: SqliteDatabase) -> None:
    answers = Answers(LedgerStore(database))
    for tokens in (100, 300):
        answers.note(AnswerNote(("conv_1",), tokens))
        answers.write()

    assert answers.tokens_of(["conv_1"]) == 300
    assert Answers(LedgerStore(database)).tokens_of(["conv_1"]) == 300


def test_a_page_that_cannot_be_read_is_set_aside(database: SqliteDatabase) -> None:
    filled(database, 3, answers_max=100)
    database.execute("UPDATE answers SET body = '[' WHERE page = 2")
    store = LedgerStore(database)

    answers = Answers(store)

    assert answers.tokens_of(["resp_0_0"]) == 0
    assert answers.tokens_of(["resp_1_0"]) is None
    assert answers.tokens_of(["resp_2_0"]) == 2
    assert len(store.take_notices()) == 1
    assert database.execute("SELECT count(*) FROM answers") == [(2,)]
