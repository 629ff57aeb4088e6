"""Who may set, tighten and raise what, and what is never refused."""

import pytest

from core.ledger.messages import (
    BudgetDenied,
    ConfigureRequest,
    ExtendDenied,
    Extended,
    Granted,
    PausedDenied,
    Recorded,
    Settled,
    StatusRequest,
)
from tests.support.ledger_requests import (
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


def limit_after(ledger, database, **header):
    """The session's limit after one more call with these headers, the same before and after a wake."""
    ledger.admit(an_admission(f"rsv_{len(database.statements)}", 1, **header), NOW_MS)
    assert session(a_service(database)).limit_nanousd == session(ledger).limit_nanousd
    return session(ledger).limit_nanousd


def test_an_administrator_s_raise_outlives_the_caller_s_next_header(ledger, database):
    assert limit_after(ledger, database, session_limit_nanousd=250) == 250
    ledger.configure(of_session(limit_nanousd=1_000), NOW_MS)

    assert limit_after(ledger, database, session_limit_nanousd=250) == 1_000
    assert limit_after(ledger, database, session_limit_nanousd=300) == 1_000


def test_a_header_lower_than_any_before_tightens_a_raised_limit(ledger, database):
    limit_after(ledger, database, session_limit_nanousd=250)
    ledger.configure(of_session(limit_nanousd=1_000), NOW_MS)

    assert limit_after(ledger, database, session_limit_nanousd=200) == 200
    ledger.configure(of_session(limit_nanousd=900), NOW_MS)
    assert limit_after(ledger, database, session_limit_nanousd=200) == 900


def test_a_raise_outlives_the_tenant_s_default(ledger, database):
    default = {"session_limit_nanousd": None, "session_default_limit_nanousd": 100}
    assert limit_after(ledger, database, **default) == 100
    ledger.configure(of_session(limit_nanousd=1_000), NOW_MS)

    assert limit_after(ledger, database, **default) == 1_000


def test_a_limit_taken_away_comes_back_neither_by_default_nor_by_the_same_header(ledger, database):
    limit_after(ledger, database, session_limit_nanousd=250, session_default_limit_nanousd=100)
    ledger.configure(of_session(clear_limit=True), NOW_MS)

    assert limit_after(ledger, database, session_limit_nanousd=250, session_default_limit_nanousd=100) is None
    assert limit_after(ledger, database, session_limit_nanousd=240) == 240


def test_a_header_after_a_default_can_only_tighten(ledger, database):
    limit_after(ledger, database, session_limit_nanousd=None, session_default_limit_nanousd=100)

    assert limit_after(ledger, database, session_limit_nanousd=250, session_default_limit_nanousd=100) == 100
    assert limit_after(ledger, database, session_limit_nanousd=50, session_default_limit_nanousd=100) == 50


def test_a_look_at_a_new_session_shows_the_default_it_would_get_and_gives_it_none(ledger):
    shown = ledger.status(StatusRequest(session_id="s", session_default_limit_nanousd=70), NOW_MS)

    assert shown.accounts[0].limit_nanousd == 70
    assert session(ledger).limit_nanousd is None


@pytest.mark.parametrize("trouble", ["overspent", "paused", "reset", "team overspent", "tenant paused"])
def test_an_overspent_paused_or_reset_budget_never_blocks_a_call_that_costs_nothing(ledger, trouble):
    ledger.admit(an_admission("rsv_0", 0, team="search"), NOW_MS)
    changes = {
        "overspent": lambda: ledger.record(a_record(400, session_id="s"), NOW_MS),
        "paused": lambda: ledger.configure(of_session(is_paused=True), NOW_MS),
        "reset": lambda: ledger.configure(of_session(reset_spent=True), NOW_MS),
        "team overspent": lambda: [
            ledger.configure(of_team(limit_nanousd=1), NOW_MS),
            ledger.record(a_record(9, team="search"), NOW_MS),
        ],
        "tenant paused": lambda: ledger.configure(
            ConfigureRequest(kind="tenant", id="acme", window="total", is_paused=True), NOW_MS
        ),
    }
    changes[trouble]()

    assert isinstance(ledger.admit(an_admission("rsv_1", 0, team="search"), NOW_MS), Granted)
    assert isinstance(ledger.extend(an_extension(0), NOW_MS), Extended)
    assert isinstance(ledger.settle(a_settlement(0), NOW_MS), Settled)
    assert isinstance(ledger.record(a_record(0, "evt_0", session_id="s", team="search"), NOW_MS), Recorded)


def test_a_paused_stream_keeps_what_it_holds_and_gets_no_more(ledger):
    ledger.admit(an_admission(), NOW_MS)
    ledger.configure(of_session(is_paused=True), NOW_MS)

    assert isinstance(ledger.extend(an_extension(100), NOW_MS), Extended)
    assert isinstance(ledger.extend(an_extension(101), NOW_MS), ExtendDenied)
    assert isinstance(ledger.admit(an_admission("rsv_2", 1), NOW_MS), PausedDenied)


def test_a_session_whose_limit_only_warns_is_never_refused(ledger):
    ledger.configure(of_session(is_hard=False), NOW_MS)
    ledger.record(a_record(400, session_id="s"), NOW_MS)

    answer = ledger.admit(an_admission(), NOW_MS)

    assert isinstance(answer, Granted) and answer.is_full
    assert answer.available_nanousd is None and not answer.session.is_hard


def test_an_extension_of_an_overdue_hold_that_no_alarm_has_ended_is_granted(ledger):
    ledger.admit(an_admission(), NOW_MS)

    answer = ledger.extend(an_extension(200), NOW_MS + 5 * TTL_MS)
    ledger.sweep(NOW_MS + 5 * TTL_MS)

    assert answer.granted_nanousd == 200
    assert session(ledger, NOW_MS + 5 * TTL_MS).held_nanousd == 200


def test_a_repeated_change_writes_nothing(ledger, database):
    ledger.configure(of_team(limit_nanousd=100, is_hard=False, alert_percent=50), NOW_MS)

    again = of_team(limit_nanousd=100, is_hard=False, alert_percent=50)

    assert database.rows_written_by(lambda: ledger.configure(again, NOW_MS + 1)) == 0


def test_a_reset_forgets_what_was_spent_and_keeps_what_is_held(ledger):
    ledger.record(a_record(100, session_id="s"), NOW_MS)
    ledger.admit(an_admission(), NOW_MS)

    ledger.configure(of_session(reset_spent=True), NOW_MS)

    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (0, 100)
    assert isinstance(ledger.admit(an_admission("rsv_2", 200, least_nanousd=200), NOW_MS), BudgetDenied)


@pytest.mark.parametrize(
    "change",
    [
        ConfigureRequest(kind="team", id="search", window="day", limit_nanousd=1),
        ConfigureRequest(kind="tenant", id="other", window="day", limit_nanousd=1),
        ConfigureRequest(kind="session", id="s", window="month", limit_nanousd=1),
    ],
)
def test_a_budget_that_no_call_would_ever_ask_cannot_be_set(ledger, database, change):
    def configure():
        with pytest.raises(AssertionError):
            ledger.configure(change, NOW_MS)

    assert database.rows_written_by(configure) == 0


def test_a_hold_whose_admission_went_unheard_is_settled_by_the_record_of_its_call(ledger):
    ledger.admit(an_admission(team="search"), NOW_MS)

    answers = [ledger.record(a_record(30, "rsv_1", session_id="s", team="search"), NOW_MS + n) for n in range(2)]

    assert [answer.is_replay for answer in answers] == [False, True]
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (30, 0)
    assert (team(ledger).spent_nanousd, team(ledger).held_nanousd) == (30, 0)
