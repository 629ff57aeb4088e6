"""Many reports in one question: each gets the answer that it would get alone, and all of it may be asked again."""

import pytest

from core.bounds import REQUESTS_PER_MINUTE_MAX
from core.ledger.messages import RECORDS_MAX, Conflict, RateDenied, RateLimits, RecordAllRequest, Recorded
from core.ledger.questions import read_answer, read_question, to_wire
from tests.support.ledger_requests import NOW_MS, a_record, an_admission, session
from tests.support.sqlite_ledger import a_service

FREE = RateLimits(tenant_requests_per_minute=REQUESTS_PER_MINUTE_MAX)


def told(ledger, *records, now_ms=NOW_MS):
    """Asked as across RPC."""
    question = RecordAllRequest(records=records)
    return read_answer(to_wire(ledger.answer(read_question(to_wire(question)), now_ms)), question).answers


def reports(count, cost=10, **changes):
    return [a_record(cost, f"evt_{number}", session_id="s", **changes) for number in range(count)]


def test_all_are_charged_and_answered_in_their_order(ledger):
    answers = told(ledger, *reports(RECORDS_MAX, rate_limits=FREE))

    assert len(answers) == RECORDS_MAX
    assert {type(answer) for answer in answers} == {Recorded}
    assert [answer.session.spent_nanousd for answer in answers] == [10 * (place + 1) for place in range(RECORDS_MAX)]


@pytest.mark.parametrize("is_woken", [False, True])
def test_asked_again_all_are_replays_and_nothing_is_charged_twice(ledger, database, is_woken):
    told(ledger, *reports(20))
    ledger = a_service(database) if is_woken else ledger

    again = told(ledger, *reports(20), now_ms=NOW_MS + 5_000)

    assert all(answer.is_replay for answer in again)
    assert session(ledger).spent_nanousd == 200


def test_one_id_twice_is_charged_once(ledger):
    first, second = told(ledger, *reports(1), *reports(1))

    assert (first.is_replay, second.is_replay) == (False, True)
    assert session(ledger).spent_nanousd == 10


def test_one_that_is_refused_takes_no_other_with_it(ledger):
    told(ledger, *reports(1, cost=99))

    answers = told(ledger, *reports(3))

    assert [type(answer) for answer in answers] == [Conflict, Recorded, Recorded]
    assert session(ledger).spent_nanousd == 99 + 20


def test_beyond_the_rate_the_rest_is_refused_and_comes_later(ledger):
    slow = RateLimits(tenant_requests_per_minute=5)
    answers = told(ledger, *reports(20, rate_limits=slow))
    refused = [report for report, answer in zip(reports(20), answers, strict=True) if isinstance(answer, RateDenied)]

    assert 0 < len(refused) < 20
    assert all(isinstance(answer, Recorded) for answer in told(ledger, *refused))
    assert session(ledger).spent_nanousd == 200


def test_reports_of_held_calls_settle_their_holds(ledger):
    for number in range(3):
        ledger.admit(an_admission(f"evt_{number}", 50), NOW_MS)

    told(ledger, *reports(5))

    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (50, 0)


def test_a_wake_has_all_that_was_charged(ledger, database):
    told(ledger, *reports(50))

    assert session(a_service(database)).spent_nanousd == 500
