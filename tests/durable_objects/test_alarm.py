"""What the ledger forgets, when, and at what price; and that nothing in it grows with the calls it has served."""

import pytest

from core import bounds
from core.ledger import admission
from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    Conflict,
    Granted,
    RateDenied,
    RateLimits,
    Settled,
    StatusRequest,
)
from durable_objects import memory
from durable_objects.alarm import EXPIRED_PER_SWEEP_MAX
from durable_objects.outgoing import outbox
from tests.support.ledger_requests import (
    DAY_MS,
    HOUR_MS,
    NOW_MS,
    TTL_MS,
    a_record,
    a_settlement,
    alarms,
    an_admission,
    an_extension,
    of_team,
    session,
)
from tests.support.sqlite_ledger import a_service

MINUTE_MS = 60_000


def rows(database, table):
    return sum(database.execute(f"SELECT count(*) FROM {table}_{slot}")[0][0] for slot in range(4))


def test_a_call_writes_one_row_to_hold_and_one_to_settle_by_one_statement_each(ledger, database):
    ledger.admit(an_admission("rsv_0", 10, team="search"), NOW_MS)
    database.statements.clear()

    held = database.rows_written_by(lambda: ledger.admit(an_admission("rsv_1", 10, team="search"), NOW_MS))
    settled = database.rows_written_by(lambda: ledger.settle(a_settlement(5), NOW_MS))

    assert (held, settled) == (1, 1)
    assert len(database.statements) == 2


def test_an_ended_hold_is_in_its_row_only_and_still_answers(ledger):
    ledger.admit(an_admission(), NOW_MS)
    ledger.settle(a_settlement(30), NOW_MS)

    assert len(ledger._state.holds) == 0
    assert ledger.settle(a_settlement(30), NOW_MS + 14 * MINUTE_MS).is_replay
    assert isinstance(ledger.settle(a_settlement(31), NOW_MS), Conflict)
    assert ledger.admit(an_admission(), NOW_MS).granted_nanousd == 100
    assert session(ledger).held_nanousd == 0


def test_a_replayed_admission_of_an_ended_hold_gets_the_first_answer_even_when_money_or_rate_are_gone(ledger):
    limits_ = RateLimits(tenant_requests_per_minute=1)
    ledger.admit(an_admission(rate_limits=limits_), NOW_MS)
    ledger.settle(a_settlement(400), NOW_MS)

    assert isinstance(ledger.admit(an_admission(rate_limits=limits_), NOW_MS), Granted)
    assert isinstance(ledger.admit(an_admission("rsv_2", rate_limits=limits_), NOW_MS), RateDenied)


def test_a_call_that_waited_and_asks_again_uncounted_is_the_same_call(ledger):
    ledger.admit(an_admission(rate_limits=RateLimits(tenant_requests_per_minute=1)), NOW_MS)

    assert isinstance(ledger.admit(an_admission(), NOW_MS), Granted)
    assert session(ledger).held_nanousd == 100


def test_ended_holds_are_remembered_a_quarter_of_an_hour_and_then_forgotten(ledger, database):
    ledger.admit(an_admission(), NOW_MS)
    ledger.settle(a_settlement(30), NOW_MS)

    alarms(ledger, NOW_MS, NOW_MS + 14 * MINUTE_MS)
    assert isinstance(ledger.settle(a_settlement(30), NOW_MS + 15 * MINUTE_MS - 1), Settled)
    alarms(ledger, NOW_MS, NOW_MS + 40 * MINUTE_MS)

    assert isinstance(ledger.settle(a_settlement(30), NOW_MS + 40 * MINUTE_MS), Conflict)
    assert rows(database, "holds") == 0


def test_forgetting_writes_no_row_per_hold(ledger, database):
    for number in range(500):
        ledger.record(a_record(1, f"evt_{number}"), NOW_MS)

    written = database.rows_written_by(lambda: alarms(ledger, NOW_MS, NOW_MS + HOUR_MS))

    assert rows(database, "holds") == 0
    assert written < 20


@pytest.mark.parametrize("admitted_minute", range(6))
def test_a_hold_that_outlives_its_table_moves_on_in_time(ledger, database, admitted_minute):
    """Wherever in its table's turn it was written, no wake finds the ledger without it."""
    for minute in range(60):
        now_ms = NOW_MS + minute * MINUTE_MS
        ledger.record(a_record(1, f"evt_{minute}"), now_ms)
        if minute == admitted_minute:
            ledger.admit(an_admission(ttl_ms=HOUR_MS), now_ms)
        alarms(ledger, NOW_MS, now_ms)
        held = session(a_service(database), now_ms).held_nanousd
        assert held == (100 if minute >= admitted_minute else 0), minute

    assert isinstance(a_service(database).settle(a_settlement(30), now_ms), Settled)


def test_an_idle_ledger_forgets_its_sessions_and_then_sets_no_alarm(ledger, database):
    for number in range(50):
        ledger.admit(an_admission(f"rsv_{number}", session_id=f"s{number}"), NOW_MS)

    alarms(ledger, NOW_MS, NOW_MS + 3 * DAY_MS)

    assert rows(database, "sessions") == rows(database, "holds") == 0
    assert ledger.next_work_at_ms() is None


def test_a_session_in_use_is_never_forgotten(ledger, database):
    for hour in range(0, 100, 5):
        ledger.record(a_record(1, f"evt_{hour}", session_id="s"), NOW_MS + hour * HOUR_MS)
        alarms(ledger, NOW_MS, NOW_MS + hour * HOUR_MS)

    assert session(a_service(database), NOW_MS + 100 * HOUR_MS).spent_nanousd == 20


def test_teams_without_a_budget_are_forgotten_after_their_month_and_others_kept(ledger, database):
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    ledger.record(a_record(1, "evt_1", team="search"), NOW_MS)
    ledger.record(a_record(1, "evt_2", team="labelled-once", session_id="s"), NOW_MS)

    later_ms = NOW_MS + 40 * DAY_MS
    alarms(ledger, NOW_MS, later_ms)
    ledger.record(a_record(1, "evt_3", session_id="s"), later_ms)
    alarms(ledger, later_ms, later_ms + DAY_MS)

    assert database.execute("SELECT id FROM scope_accounts WHERE kind = 'team'") == [("search",)]


def test_only_so_many_overdue_holds_are_ended_by_one_sweep_and_the_rest_by_the_next(ledger):
    for number in range(EXPIRED_PER_SWEEP_MAX + 10):
        ledger.admit(an_admission(f"rsv_{number}", 0), NOW_MS)
    now_ms = NOW_MS + TTL_MS

    ledger.sweep(now_ms)
    assert len(ledger._state.holds) == 10 and ledger.next_work_at_ms() <= now_ms
    ledger.sweep(now_ms)
    assert len(ledger._state.holds) == 0


def test_extended_holds_leave_no_trace_of_their_earlier_moments(ledger):
    ledger.admit(an_admission(), NOW_MS)
    for number in range(5_000):
        ledger.extend(an_extension(100), NOW_MS + number)
        ledger.admit(an_admission(f"other_{number}", 0, session_id=None), NOW_MS)
        ledger.settle(a_settlement(0, f"other_{number}"), NOW_MS)

    assert len(ledger._state.holds._expiries) < 2_500
    assert ledger.next_work_at_ms() <= NOW_MS + 4_999 + TTL_MS


def test_a_tenant_may_have_only_so_many_calls_in_flight(ledger, monkeypatch):
    monkeypatch.setattr(admission, "OPEN_HOLDS_PER_TENANT_MAX", 3)
    answers = [ledger.admit(an_admission(f"rsv_{number}", 1), NOW_MS) for number in range(4)]

    assert [isinstance(answer, Granted) for answer in answers] == [True, True, True, False]
    assert isinstance(answers[3], RateDenied) and answers[3].open_holds_max == 3
    ledger.settle(a_settlement(1, "rsv_0"), NOW_MS)
    assert isinstance(ledger.admit(an_admission("rsv_4", 1), NOW_MS), Granted)


def test_accounts_beyond_the_bound_wait_in_their_rows(database, monkeypatch):
    monkeypatch.setattr(memory.AccountBook.__init__, "__kwdefaults__", {"accounts_max": 20})
    ledger = a_service(database)
    for number in range(200):
        ledger.record(a_record(number, f"evt_{number}", session_id=f"s{number:03}"), NOW_MS)
        ledger.sweep(NOW_MS)

    assert len(ledger._state.book._accounts) < 60
    page = ledger.list_sessions(ListSessionsRequest(limit=1_000), NOW_MS)
    assert [account.spent_nanousd for account in page.accounts] == list(range(200))


def test_asking_after_many_sessions_keeps_few_in_memory(database, monkeypatch):
    ledger = a_service(database)
    for number in range(200):
        ledger.record(a_record(1, f"evt_{number}", session_id=f"s{number}"), NOW_MS)
    ledger.sweep(NOW_MS + MINUTE_MS)
    monkeypatch.setattr(memory.AccountBook.__init__, "__kwdefaults__", {"accounts_max": 20})

    woken = a_service(database)
    spent = [woken.status(StatusRequest(session_id=f"s{n}"), NOW_MS).accounts[0].spent_nanousd for n in range(200)]

    assert spent == [1] * 200
    assert len(woken._state.book._accounts) <= 41


def test_a_checkpoint_does_not_wait_when_more_is_unwritten_than_memory_is_meant_for(database, monkeypatch):
    monkeypatch.setattr(memory.AccountBook.__init__, "__kwdefaults__", {"accounts_max": 20})
    ledger = a_service(database)
    for number in range(30):
        ledger.record(a_record(1, f"evt_{number}", session_id=f"s{number}"), NOW_MS)

    assert ledger.next_work_at_ms() <= NOW_MS
    ledger.sweep(NOW_MS)
    assert ledger.next_work_at_ms() > NOW_MS


def test_the_rate_limiter_forgets_keys_that_hold_nobody_back(ledger):
    for number in range(100):
        keyed = RateLimits(key_id=f"key_{number}", key_requests_per_minute=60)
        ledger.admit(an_admission(f"rsv_{number}", 0, rate_limits=keyed), NOW_MS)

    ledger.sweep(NOW_MS + 2 * MINUTE_MS)

    assert ledger._state.arrivals.moments() == {}


def test_the_outbox_has_a_bound_and_takes_no_message_the_queue_would_refuse(ledger, monkeypatch):
    monkeypatch.setattr(outbox, "OUTBOX_MESSAGES_MAX", 2)

    assert not ledger.outbox.put("x" * (bounds.QUEUE_MESSAGE_BYTES_MAX + 1))
    assert [ledger.outbox.put("message") for _ in range(3)] == [True, True, False]


def test_messages_leave_the_outbox_in_order_and_survive_a_wake(ledger, database):
    for name in "abc":
        ledger.outbox.put(name)
    (first, _), *_ = ledger.outbox.next(10)
    ledger.outbox.delivered(first)

    woken = a_service(database)

    assert [text for _, text in woken.outbox.next(10)] == ["b", "c"]
    assert not woken.outbox.is_empty


def test_pages_of_sessions_are_right_while_sessions_come_and_go(ledger):
    for name in "bdfh":
        ledger.record(a_record(1, f"evt_{name}", session_id=name), NOW_MS)
    first = ledger.list_sessions(ListSessionsRequest(limit=2), NOW_MS)
    for name in "aceg":
        ledger.record(a_record(1, f"evt_{name}", session_id=name), NOW_MS + DAY_MS - 1)
    ledger.admit(an_admission(session_id="h"), NOW_MS + DAY_MS - 1)

    rest = ledger.list_sessions(
        ListSessionsRequest(after_session_id=first.next_after_session_id, limit=10), NOW_MS + DAY_MS
    )

    assert [account.id for account in first.accounts] == ["b", "d"]
    assert [account.id for account in rest.accounts] == ["e", "g", "h"], "f has been idle for a day"
    assert rest.accounts[2].held_nanousd == 100
    assert rest.next_after_session_id is None


@pytest.mark.parametrize("sessions", [10, 2_000])
def test_a_call_takes_as_many_statements_and_rows_whatever_the_ledger_holds(database, sessions):
    ledger = a_service(database)
    for number in range(sessions):
        ledger.admit(an_admission(f"open_{number}", 1, session_id=f"s{number}"), NOW_MS)
    database.statements.clear()

    ledger.admit(an_admission(), NOW_MS)
    ledger.next_work_at_ms()
    ledger.settle(a_settlement(1), NOW_MS)
    ledger.next_work_at_ms()

    assert sum(1 + len(found) for _, found in database.statements) == 4, "session s is new: one look for its row"
