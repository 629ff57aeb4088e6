"""What a ledger knows after it was dropped from memory: everything that its rows say, and no more."""

import pytest

from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    BudgetDenied,
    Conflict,
    Granted,
    RateDenied,
    RateLimits,
    Settled,
)
from tests.support.ledger_requests import (
    DAY_MS,
    HOUR_MS,
    NOW_MS,
    TTL_MS,
    a_record,
    a_settlement,
    an_admission,
    an_extension,
    of_session,
    of_team,
    session,
    team,
)
from tests.support.sqlite_ledger import a_service


def test_a_session_older_than_a_day_keeps_its_spend_when_it_wakes_with_an_open_hold(ledger, database):
    for hour in range(0, 30, 6):
        ledger.record(a_record(20, f"evt_{hour}", session_id="s"), NOW_MS + hour * HOUR_MS)
        ledger.sweep(NOW_MS + hour * HOUR_MS + TTL_MS)
    ledger.admit(an_admission(), NOW_MS + 30 * HOUR_MS)

    woken = a_service(database)

    account = session(woken, NOW_MS + 30 * HOUR_MS + 1)
    assert (account.spent_nanousd, account.held_nanousd) == (100, 100)


def test_a_session_lives_from_its_last_sign_of_life_and_not_from_its_last_checkpoint(ledger, database):
    ledger.record(a_record(20, session_id="s"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    ledger.record(a_record(20, "evt_2", session_id="s"), NOW_MS + 20 * HOUR_MS)

    woken = a_service(database)

    assert session(woken, NOW_MS + 43 * HOUR_MS).spent_nanousd == 40
    assert session(woken, NOW_MS + 44 * HOUR_MS).spent_nanousd == 0


def test_a_session_id_used_again_after_a_day_wakes_as_the_new_session(ledger, database):
    ledger.record(a_record(200, session_id="s"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    ledger.admit(an_admission(), NOW_MS + 25 * HOUR_MS)

    woken = a_service(database)

    account = session(woken, NOW_MS + 25 * HOUR_MS)
    assert (account.spent_nanousd, account.held_nanousd, account.limit_nanousd) == (0, 100, 250)


def test_a_refused_call_s_limit_is_there_after_a_wake_and_charges_nothing_twice(ledger, database):
    ledger.record(a_record(240, session_id="s"), NOW_MS)
    assert isinstance(ledger.admit(an_admission(least_nanousd=100), NOW_MS), BudgetDenied)

    woken = a_service(database)

    assert (session(woken).spent_nanousd, session(woken).limit_nanousd) == (240, 250)


def test_a_late_settlement_corrects_once_whenever_the_ledger_sleeps(database):
    def awake():
        return a_service(database)

    awake().admit(an_admission(), NOW_MS)
    awake().sweep(NOW_MS + TTL_MS)
    assert session(awake()).spent_nanousd == 100
    awake().settle(a_settlement(30), NOW_MS + TTL_MS + 1)
    assert session(awake()).spent_nanousd == 30
    awake().sweep(NOW_MS + 2 * TTL_MS)
    assert session(awake()).spent_nanousd == 30


def test_a_checkpoint_between_expiry_and_settlement_changes_nothing(ledger, database):
    ledger.admit(an_admission(), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    ledger.sweep(NOW_MS + 2 * TTL_MS)
    ledger.settle(a_settlement(130), NOW_MS + 2 * TTL_MS)

    account = session(a_service(database))

    assert (account.spent_nanousd, account.overrun_nanousd, account.held_nanousd) == (130, 30, 0)


@pytest.mark.parametrize("actual", [30, 130])
def test_an_expired_hold_that_was_reset_away_is_not_charged_by_its_late_settlement(ledger, database, actual):
    ledger.admit(an_admission(), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    ledger.configure(of_session(reset_spent=True), NOW_MS + TTL_MS)
    ledger.settle(a_settlement(actual), NOW_MS + TTL_MS)

    assert session(ledger).spent_nanousd == session(a_service(database)).spent_nanousd == 0


def test_an_expiry_that_no_checkpoint_has_seen_is_replaced_by_its_correction(ledger, database):
    ledger.admit(an_admission(ttl_ms=1_000), NOW_MS)
    ledger.sweep(NOW_MS + 1_000)
    ledger.settle(a_settlement(30), NOW_MS + 2_000)

    assert session(ledger).spent_nanousd == session(a_service(database)).spent_nanousd == 30


def test_a_word_on_a_call_of_a_session_that_is_over_does_not_bring_it_back(ledger, database):
    ledger.admit(an_admission(want=0), NOW_MS)
    late_ms = NOW_MS + 25 * HOUR_MS
    ledger.sweep(late_ms)
    ledger.settle(a_settlement(40), late_ms)

    for each in (ledger, a_service(database)):
        assert (session(each, late_ms).spent_nanousd, session(each, late_ms).limit_nanousd) == (0, None)


def test_a_hold_that_was_open_at_a_reset_is_charged_to_what_follows(ledger, database):
    ledger.record(a_record(90, session_id="s"), NOW_MS)
    ledger.admit(an_admission(), NOW_MS)
    ledger.configure(of_session(reset_spent=True), NOW_MS)
    ledger.settle(a_settlement(30), NOW_MS)

    assert session(ledger).spent_nanousd == session(a_service(database)).spent_nanousd == 30


def test_a_charge_of_a_window_that_is_over_does_not_count_in_the_next(ledger, database):
    midnight_ms = NOW_MS + 7 * DAY_MS
    ledger.admit(an_admission(team="search"), midnight_ms - 1)
    ledger.admit(an_admission("rsv_2", 10, team="search"), midnight_ms)
    ledger.settle(a_settlement(80), midnight_ms + 1)

    for each in (ledger, a_service(database)):
        assert (team(each, midnight_ms + 2).spent_nanousd, team(each, midnight_ms + 2).held_nanousd) == (0, 10)
        assert session(each, midnight_ms + 2).spent_nanousd == 80


def test_the_request_rate_survives_a_wake(ledger, database):
    limits = RateLimits(tenant_requests_per_minute=2)
    for number in range(2):
        assert isinstance(ledger.admit(an_admission(f"rsv_{number}", 1, rate_limits=limits), NOW_MS), Granted)

    woken = a_service(database)

    assert isinstance(woken.admit(an_admission("rsv_3", 1, rate_limits=limits), NOW_MS + 1), RateDenied)


def test_a_wake_reads_what_happened_lately_and_not_what_there_is(database):
    ledger = a_service(database)
    for number in range(300):
        ledger.record(a_record(1, f"evt_{number}", session_id=f"s{number}"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)
    ledger.record(a_record(1, "evt_last", session_id="s7"), NOW_MS + TTL_MS)

    database.statements.clear()
    woken = a_service(database)

    assert sum(len(rows) for _, rows in database.statements) < 20
    assert woken.list_sessions(ListSessionsRequest(limit=1_000), NOW_MS + TTL_MS).accounts[0].spent_nanousd == 1


BAD_BODIES = ["", "{", "[]", '{"id":"rsv_1"}', '[1,{"kind":"team"}]', "\x00", '{"granted_nanousd":-1}']


@pytest.mark.parametrize("body", BAD_BODIES)
@pytest.mark.parametrize("table", ["holds_0", "sessions_0", "scope_accounts", "checkpoints"])
def test_one_bad_row_is_set_aside_and_the_ledger_lives_on(database, table, body):
    ledger = a_service(database)
    ledger.configure(of_team(limit_nanousd=1_000), NOW_MS)
    ledger.admit(an_admission("rsv_1", team="search"), NOW_MS)
    ledger.admit(an_admission("rsv_2", team="search"), NOW_MS)
    ledger.settle(a_settlement(30, "rsv_2"), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS - 1)
    ledger._state.checkpoint(NOW_MS)
    where = {"holds_0": "WHERE id = 'rsv_1'", "scope_accounts": "WHERE kind = 'team'"}.get(table, "")
    database.execute(f"UPDATE {table} SET body = ? {where}", body)

    woken = a_service(database)
    answer = woken.admit(an_admission("rsv_3", 10, team="search"), NOW_MS + 1)
    settled = woken.settle(a_settlement(5, "rsv_3"), NOW_MS + 2)
    woken.sweep(NOW_MS + 2 * TTL_MS)

    assert isinstance(answer, Granted) and isinstance(settled, Settled)
    assert database.execute("SELECT count(*) FROM set_aside") == [(1,)]
    assert database.execute("SELECT body FROM set_aside") == [(body,)]
    assert len(woken.take_notices()) == 1
    assert session(a_service(database), NOW_MS + 3).spent_nanousd >= 5


def test_a_charge_after_a_bad_row_is_not_taken_for_an_old_one(database):
    """The bad row bore the last number; the next end must come after every number an account has seen."""
    ledger = a_service(database)
    for number in range(3):
        ledger.record(a_record(10, f"evt_{number}", session_id="s"), NOW_MS)
    ledger.configure(of_session(limit_nanousd=500), NOW_MS)
    database.execute("UPDATE holds_0 SET body = '' WHERE id = 'evt_2'")

    woken = a_service(database)
    woken.record(a_record(10, "evt_3", session_id="s"), NOW_MS)

    assert session(woken).spent_nanousd == session(a_service(database)).spent_nanousd == 40


def test_a_hold_without_its_row_cannot_be_settled(ledger):
    assert isinstance(ledger.settle(a_settlement(1), NOW_MS), Conflict)
    assert isinstance(ledger.extend(an_extension(1), NOW_MS), Conflict)
