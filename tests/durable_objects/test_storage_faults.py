"""A statement that fails, at any place of any operation: memory and rows agree afterwards, and a repeat completes it."""

import json

import pytest

from core.ledger.messages import AnswerNote, ConfigureRequest, RateLimits
from tests.support.ledger_agreement import assert_memory_agrees_with_rows, known, woken
from tests.support.ledger_requests import (
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
from tests.support.sqlite_ledger import SqliteDatabase, StorageFault, a_service

RATE = RateLimits(tenant_requests_per_minute=100, key_requests_per_minute=50, key_id="key_1")

OPERATIONS = {
    "an admission": an_admission("rsv_9", 60, team="search", rate_limits=RATE),
    "an admission to a new session": an_admission("rsv_9", 60, session_id="s2", team="search"),
    "an admission that tightens its session": an_admission("rsv_9", 60, session_limit_nanousd=180),
    "a refused one that tightens its session": an_admission(
        "rsv_9", 200, team="search", least_nanousd=200, session_limit_nanousd=180
    ),
    "a refused one that is told of": an_admission("rsv_9", 160, least_nanousd=160, team="search", session_id=None),
    "a refused one to a new session": an_admission("rsv_9", 300, session_id="s2", least_nanousd=300),
    "a replayed admission": an_admission("rsv_open", 60, team="search"),
    "a replayed admission of an expired hold": an_admission("rsv_expired", 50, team="search"),
    "an extension": an_extension(120, "rsv_open"),
    "a refused extension": an_extension(900, "rsv_open", metered_nanousd=55),
    "a settlement": a_settlement(95, "rsv_open"),
    "a settlement with an answer": a_settlement(20, "rsv_open", answer=AnswerNote(("resp_1",), 70)),
    "a settlement that exhausts the team": a_settlement(250, "rsv_open"),
    "a correction": a_settlement(75, "rsv_expired"),
    "a record": a_record(90, "evt_9", session_id="s", team="search", rate_limits=RATE),
    "a record that exhausts the team": a_record(250, "evt_9", team="search"),
    "a record of an open hold": a_record(55, "rsv_open"),
    "a record of an expired hold": a_record(55, "rsv_expired"),
    "a team's limit": of_team(limit_nanousd=130),
    "a team's limit below what is spent": of_team(limit_nanousd=40),
    "a tenant's limit": ConfigureRequest(kind="tenant", id="acme", window="month", limit_nanousd=60),
    "a session's limit and pause": of_session(is_paused=True, limit_nanousd=400),
    "a session's reset": of_session(reset_spent=True),
}

AT_MS = NOW_MS + 1
STATEMENTS_MAX = 14


def a_busy_ledger(database):
    """One hold is open and one has expired; the team is past its threshold, and has been told."""
    ledger = a_service(database)
    ledger.configure(of_team(limit_nanousd=200, alert_percent=25), NOW_MS - HOUR_MS)
    ledger.record(a_record(10, "evt_0", session_id="s"), NOW_MS - HOUR_MS)
    ledger.admit(an_admission("rsv_expired", 50, team="search"), NOW_MS - 2 * TTL_MS)
    ledger.admit(an_admission("rsv_open", 60, team="search"), NOW_MS)
    ledger.sweep(NOW_MS)
    return ledger


@pytest.mark.parametrize("question", OPERATIONS.values(), ids=OPERATIONS)
def test_a_fault_at_any_statement_leaves_memory_and_rows_in_agreement(question):
    """The ledger that met the fault and one made anew from the rows know the same and answer a repeat alike."""
    for fails_after in range(STATEMENTS_MAX):
        database = SqliteDatabase()
        ledger = a_busy_ledger(database)
        database.fails_after = fails_after
        try:
            ledger.answer(question, AT_MS)
        except StorageFault:
            assert_memory_agrees_with_rows(ledger, database, AT_MS)
            other = woken(database)
            assert ledger.answer(question, AT_MS) == other.answer(question, AT_MS)
            assert known(ledger, AT_MS) == known(other, AT_MS)
        else:
            database.fails_after = None
            assert_memory_agrees_with_rows(ledger, database, AT_MS)
            return
    pytest.fail("the operation has more statements than were tried")


@pytest.mark.parametrize("question", OPERATIONS.values(), ids=OPERATIONS)
def test_a_fault_at_any_statement_leaves_what_a_repeat_completes(question):
    """Memory is made again from the rows after a fault; then the same call again gives what it would have given."""

    def run(fails_after):
        database = SqliteDatabase()
        ledger = a_busy_ledger(database)
        database.fails_after = fails_after
        is_faulty = False
        try:
            ledger.answer(question, AT_MS)
        except StorageFault:
            is_faulty = True
            ledger = a_service(database)
            ledger.answer(question, AT_MS)
        database.fails_after = None
        ledger.sweep(AT_MS + 1)
        assert_memory_agrees_with_rows(ledger, database, AT_MS + 1)
        keys = {json.loads(text).get("alert_key") for _, text in ledger.outbox.next(100)}
        return is_faulty, (session(ledger, AT_MS + 1), team(ledger, AT_MS + 1), keys)

    is_faulty, expected = run(None)
    assert not is_faulty
    for fails_after in range(STATEMENTS_MAX):
        is_faulty, found = run(fails_after)
        assert found == expected, fails_after
    assert not is_faulty, "the last one came after the operation's last statement"


@pytest.mark.parametrize("fails_after", range(40))
def test_a_fault_at_any_statement_of_a_sweep_loses_nothing(fails_after):
    database = SqliteDatabase()
    ledger = a_service(database)
    for number in range(4):
        ledger.admit(an_admission(f"rsv_{number}", 50, team="search"), NOW_MS)
    ledger.settle(a_settlement(20, "rsv_0"), NOW_MS)
    left = fails_after
    for minutes in (2, 20, 40, 60):
        now_ms = NOW_MS + minutes * TTL_MS
        database.fails_after = left
        try:
            ledger.sweep(now_ms)
        except StorageFault:
            assert_memory_agrees_with_rows(ledger, database, now_ms)
            ledger = a_service(database)
            ledger.sweep(now_ms)
        left, database.fails_after = database.fails_after, None
        for each in (ledger, a_service(database)):
            account = session(each, now_ms)
            assert (account.spent_nanousd, account.held_nanousd) == (170, 0)
