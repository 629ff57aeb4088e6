"""A ledger on a storage that fails: through any history, memory never knows of money that the rows do not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ledger.messages import ConfigureRequest
from core.ledger.questions import AnyQuestion
from durable_objects.service import LedgerService
from tests.support.ledger_agreement import assert_memory_agrees_with_rows, woken
from tests.support.ledger_requests import (
    HOUR_MS,
    NOW_MS,
    a_record,
    a_settlement,
    an_admission,
    an_extension,
    of_session,
    of_team,
)
from tests.support.sqlite_ledger import SqliteDatabase, StorageFault, a_service

IDS = st.integers(min_value=1, max_value=4).map(lambda number: f"rsv_{number}")
AMOUNTS = st.integers(min_value=0, max_value=300)
SCOPES = st.fixed_dictionaries(
    {"session_id": st.sampled_from(["s", "s2", None]), "team": st.sampled_from(["search", None])}
)
LIMITS = st.sampled_from([None, 250, 180])
QUESTIONS: st.SearchStrategy[AnyQuestion] = st.one_of(
    st.builds(
        lambda hold_id, want, scopes, limit: an_admission(hold_id, want, session_limit_nanousd=limit, **scopes),
        IDS, AMOUNTS, SCOPES, LIMITS,
    ),
    st.builds(lambda hold_id, want: an_extension(want, hold_id, metered_nanousd=want // 2), IDS, AMOUNTS),
    st.builds(lambda hold_id, actual: a_settlement(actual, hold_id), IDS, AMOUNTS),
    st.builds(lambda event_id, cost, scopes: a_record(cost, event_id, **scopes), IDS, AMOUNTS, SCOPES),
    st.builds(lambda limit: of_team(limit_nanousd=limit), st.integers(min_value=1, max_value=900)),
    st.builds(lambda is_paused: of_session(is_paused=is_paused, alert_percent=50), st.booleans()),
    st.just(of_session(reset_spent=True)),
    st.builds(
        lambda limit: ConfigureRequest(kind="tenant", id="acme", window="day", limit_nanousd=limit),
        st.integers(min_value=1, max_value=900),
    ),
)  # fmt: skip
STEPS = st.tuples(
    QUESTIONS,
    st.sampled_from([None, None, 0, 1, 2, 3, 4]),
    st.sampled_from([0, 1, 30_000, 90_000, HOUR_MS]),
    st.booleans(),
)
"""What is asked, after how many statements one fails, how long after the step before, and whether the alarm rings."""


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_memory_agrees_with_the_rows_whichever_statement_fails(steps):
    database = SqliteDatabase()
    ledger, now_ms = a_service(database), NOW_MS
    for question, fails_after, pause_ms, rings in steps:
        now_ms += pause_ms
        database.fails_after = fails_after
        if rings:
            ledger = swept(ledger, database, now_ms)
        try:
            ledger.answer(question, now_ms)
        except StorageFault:
            assert_memory_agrees_with_rows(ledger, database, now_ms)
            other = woken(database)
            assert ledger.answer(question, now_ms) == other.answer(question, now_ms), "a repeat completes it"
        database.fails_after = None
        assert_memory_agrees_with_rows(ledger, database, now_ms)


def swept(ledger: LedgerService, database: SqliteDatabase, now_ms: int) -> LedgerService:
    """The ledger after its alarm, made anew if that failed, as the object does: half a turn of tables is for a wake."""
    try:
        ledger.sweep(now_ms)
    except StorageFault:
        assert_memory_agrees_with_rows(ledger, database, now_ms)
        return a_service(database)
    return ledger
