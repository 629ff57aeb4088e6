"""Ceilings that a tenant cannot raise: what is in force of a limit, on whatever way it came, and for how long."""

import json

import pytest

from core.ledger.document_messages import WriteRequest
from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    BudgetDenied,
    CeilingDenied,
    Configured,
    ConfigureRequest,
    ExtendDenied,
    Granted,
    StatusRequest,
)
from core.money.amount import format_usd
from tests.support.ledger_requests import (
    DAY_MS,
    NOW_MS,
    a_record,
    a_settlement,
    an_admission,
    an_extension,
    of_session,
    session,
)
from tests.support.sqlite_ledger import a_service


def written(ledger, kind="tenant", now_ms=NOW_MS, **nanousd):
    """A document whose dollars are given in nano-dollars."""
    members = {name: None if value is None else format_usd(value) for name, value in nanousd.items()}
    ledger.answer(WriteRequest(kind=kind, text=json.dumps(members)), now_ms)


def month(ledger, now_ms=NOW_MS):
    accounts = ledger.status(StatusRequest(include_tenant=True), now_ms).accounts
    return next(each for each in accounts if each.window == "month")


def of_month(**changes):
    return ConfigureRequest(kind="tenant", id="acme", window="month", **changes)


@pytest.fixture(params=["awake", "woken"])
def again(request, database):
    """The ledger as the next call finds it."""
    return lambda ledger: ledger if request.param == "awake" else a_service(database)


# Sessions -------------------------------------------------------------------------------------------------

LIMITS = [
    ("a header above it is lowered to it", {"session_limit_nanousd": 250}, 100),
    ("a default above it is lowered to it", {"session_default_limit_nanousd": 250}, 100),
    ("a session without a limit has it", {}, 100),
    ("a header below it holds", {"session_limit_nanousd": 60}, 60),
    ("a default below it holds", {"session_default_limit_nanousd": 60}, 60),
]


@pytest.mark.parametrize("kind", ["tenant", "config"])
@pytest.mark.parametrize(("header", "limit"), [each[1:] for each in LIMITS], ids=[each[0] for each in LIMITS])
def test_a_session_s_limit_never_exceeds_the_ceiling(ledger, again, kind, header, limit):
    written(ledger, kind, session_budget_max_usd=100)
    header = {"session_limit_nanousd": None} | header

    granted = ledger.admit(an_admission(want=500, **header), NOW_MS)

    assert (granted.granted_nanousd, granted.session.limit_nanousd) == (limit, limit)
    ledger = again(ledger)
    assert session(ledger).limit_nanousd == limit
    assert isinstance(ledger.admit(an_admission("rsv_2", **header), NOW_MS), BudgetDenied)


def test_of_the_operator_s_ceiling_and_the_tenant_s_own_the_smaller_is_in_force(ledger):
    written(ledger, "config", session_budget_max_usd=70)
    written(ledger, "tenant", session_budget_max_usd=100)
    assert session(ledger).limit_nanousd == 70

    written(ledger, "tenant", session_budget_max_usd=40)

    assert session(ledger).limit_nanousd == 40


def test_a_session_above_a_lowered_ceiling_is_bound_by_its_next_admission_and_its_next_slice(ledger, again):
    ledger.admit(an_admission(want=200), NOW_MS)
    written(ledger, session_budget_max_usd=150)
    ledger = again(ledger)

    denied = ledger.admit(an_admission("rsv_2"), NOW_MS)
    slice_denied = ledger.extend(an_extension(210, least_nanousd=210), NOW_MS)

    assert (denied.account.limit_nanousd, denied.account.held_nanousd) == (150, 200)
    assert isinstance(slice_denied, ExtendDenied) and slice_denied.granted_nanousd == 200


def test_what_was_decided_is_in_force_again_once_the_ceiling_lets_it(ledger, again):
    ledger.admit(an_admission(want=1), NOW_MS)
    for ceiling, limit in ((100, 100), (200, 200), (900, 250), (None, 250)):
        written(ledger, session_budget_max_usd=ceiling)
        ledger.admit(an_admission(f"rsv_{ceiling}", 1), NOW_MS)
        ledger = again(ledger)
        assert session(ledger).limit_nanousd == limit


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"limit_nanousd": 101}, "limit_usd"),
        ({"clear_limit": True}, "limit_usd"),
        ({"is_hard": False}, "hard"),
    ],
)
def test_an_administrator_s_change_above_the_ceiling_changes_nothing(ledger, database, change, member):
    written(ledger, session_budget_max_usd=100)
    ledger.admit(an_admission(want=1), NOW_MS)

    def configure():
        assert ledger.configure(of_session(is_paused=True, **change), NOW_MS) == CeilingDenied(
            member=member, ceiling_nanousd=100
        )

    assert database.rows_written_by(configure) == 0


@pytest.mark.parametrize("change", [{"limit_nanousd": 100}, {"reset_spent": True}, {"is_paused": True}])
def test_an_administrator_s_change_within_it_stands(ledger, change):
    written(ledger, session_budget_max_usd=100)

    assert isinstance(ledger.configure(of_session(**change), NOW_MS), Configured)


def test_a_limit_that_only_warns_refuses_at_the_ceiling(ledger, again):
    ledger.configure(of_session(limit_nanousd=50, is_hard=False), NOW_MS)
    written(ledger, session_budget_max_usd=100)
    ledger = again(ledger)

    granted = ledger.admit(an_admission(want=500, session_limit_nanousd=None), NOW_MS)

    assert granted.granted_nanousd == 100
    assert granted.session.is_hard


def test_a_session_that_begins_anew_is_under_the_ceiling_too(ledger):
    ledger.admit(an_admission(want=1), NOW_MS)
    ledger.settle(a_settlement(1), NOW_MS)
    written(ledger, session_budget_max_usd=100)

    granted = ledger.admit(an_admission("rsv_2", 500, session_limit_nanousd=None), NOW_MS + 2 * DAY_MS)

    assert granted.granted_nanousd == 100


def test_mirrors_and_lists_say_what_is_in_force(ledger):
    ledger.record(a_record(1, session_id="s"), NOW_MS)
    written(ledger, session_budget_max_usd=100)

    listed = ledger.list_sessions(ListSessionsRequest(), NOW_MS).accounts

    assert [each.limit_nanousd for each in (*listed, *ledger.session_views(["s"]))] == [100, 100]


def test_a_session_that_only_its_ceiling_has_stopped_is_mirrored_after_a_sleep_too(ledger, database):
    written(ledger, session_budget_max_usd=100)
    ledger.record(a_record(100, session_id="s"), NOW_MS)

    assert a_service(database).mirrors.take(NOW_MS, 10) == ["s"]


def test_what_a_ceiling_leaves_alone_costs_no_row(ledger, database):
    ledger.admit(an_admission(want=1), NOW_MS)
    written(ledger, session_budget_max_usd=100)

    assert database.rows_written_by(lambda: session(ledger)) == 0
    assert database.rows_written_by(lambda: ledger.admit(an_admission("rsv_2", 1), NOW_MS)) == 1


# The month ------------------------------------------------------------------------------------------------


def test_a_month_without_a_budget_has_the_ceiling_and_moves_with_it(ledger, again):
    for ceiling in (100, 40, 300, None):
        written(ledger, budget_max_usd=ceiling)
        ledger = again(ledger)
        assert month(ledger).limit_nanousd == ceiling


def test_a_month_s_own_budget_holds_below_the_ceiling_and_is_not_forgotten_above_it(ledger, again):
    ledger.configure(of_month(limit_nanousd=80), NOW_MS)
    for ceiling, limit in ((100, 80), (50, 50), (70, 70), (90, 80), (None, 80)):
        written(ledger, budget_max_usd=ceiling)
        ledger = again(ledger)
        assert month(ledger).limit_nanousd == limit


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"limit_nanousd": 101}, "limit_usd"),
        ({"clear_limit": True}, "limit_usd"),
        ({"is_hard": False}, "hard"),
        ({"reset_spent": True}, "reset"),
    ],
)
def test_a_tenant_gets_no_more_money_for_its_month_than_its_ceiling(ledger, change, member):
    written(ledger, budget_max_usd=100)

    assert ledger.configure(of_month(**change), NOW_MS) == CeilingDenied(member=member, ceiling_nanousd=100)


def test_the_ceiling_of_a_month_refuses_calls_in_its_month_and_lets_the_next_one_begin(ledger, again):
    written(ledger, budget_max_usd=100)
    ledger.record(a_record(95), NOW_MS)
    ledger = again(ledger)

    denied = ledger.admit(an_admission(session_id=None, session_limit_nanousd=None), NOW_MS)

    assert (denied.account.kind, denied.account.window, denied.account.limit_nanousd) == ("tenant", "month", 100)
    assert isinstance(ledger.admit(an_admission("rsv_2", session_id=None), NOW_MS + 40 * DAY_MS), Granted)
    assert month(ledger, NOW_MS + 40 * DAY_MS).limit_nanousd == 100


def test_a_ceiling_that_is_spent_already_is_told_when_it_is_written(ledger):
    ledger.record(a_record(95), NOW_MS)

    written(ledger, budget_max_usd=90)

    told = [json.loads(text) for _, text in ledger.outbox.next(10)]
    assert "is exhausted: $0.000000095 of $0.00000009" in told[-1]["summary"]
    written(ledger, budget_max_usd=90)
    assert len(ledger.outbox.next(10)) == len(told)


def test_days_and_the_total_of_a_tenant_have_no_ceiling(ledger):
    written(ledger, budget_max_usd=100)

    for window in ("day", "total"):
        change = ConfigureRequest(kind="tenant", id="acme", window=window, limit_nanousd=900)
        assert isinstance(ledger.configure(change, NOW_MS), Configured)
