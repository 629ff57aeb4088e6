"""Members cannot hurt each other: whose limit counts for what, and that looking changes nothing."""

import pytest

from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    BudgetDenied,
    ExtendDenied,
    Granted,
    RateDenied,
    RateLimits,
    Recorded,
    StatusRequest,
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
    session,
)
from tests.support.sqlite_ledger import a_service

OWNER, STRANGER = "team:search", "key:key_2"


def owned(hold_id="rsv_1", want=10, **changes):
    """A call of the session's owner."""
    return an_admission(hold_id, want, caller=OWNER, **changes)


def strange(hold_id="rsv_2", want=10, **changes):
    """A call of somebody else in the same session."""
    return an_admission(hold_id, want, caller=STRANGER, **changes)


@pytest.fixture(params=["awake", "woken from the holds", "woken from a checkpoint"])
def again(request, database):
    """The ledger as the next call finds it."""

    def found(ledger):
        if request.param == "woken from a checkpoint":
            ledger._state.checkpoint(NOW_MS)
        return ledger if request.param == "awake" else a_service(database)

    return found


# Owners ---------------------------------------------------------------------------------------------------


def test_a_stranger_s_limit_tightens_nobody_s_session(ledger, again):
    ledger.admit(owned(session_limit_nanousd=250), NOW_MS)
    ledger = again(ledger)

    assert isinstance(ledger.admit(strange(session_limit_nanousd=20), NOW_MS), Granted)

    assert session(again(ledger)).limit_nanousd == 250


def test_a_stranger_s_limit_is_none_of_a_session_that_has_no_limit(ledger, again):
    ledger.admit(owned(session_limit_nanousd=None), NOW_MS)
    ledger = again(ledger)

    ledger.admit(strange(session_limit_nanousd=20), NOW_MS)

    assert session(again(ledger)).limit_nanousd is None


def test_a_stranger_s_limit_limits_the_stranger_s_call(ledger, again):
    ledger.admit(owned(), NOW_MS)
    ledger = again(ledger)

    granted = ledger.admit(strange(want=100, session_limit_nanousd=20), NOW_MS)
    denied = ledger.admit(strange("rsv_3", want=100, least_nanousd=21, session_limit_nanousd=20), NOW_MS)

    assert (granted.granted_nanousd, granted.is_full) == (20, False)
    assert (denied.account.kind, denied.account.limit_nanousd, denied.account.spent_nanousd) == ("call", 20, 0)


def test_a_stranger_s_refused_call_tightens_nothing_either(ledger, again):
    ledger.admit(owned(), NOW_MS)
    ledger = again(ledger)

    assert isinstance(ledger.admit(strange(want=100, least_nanousd=100, session_limit_nanousd=1), NOW_MS), BudgetDenied)

    assert session(again(ledger)).limit_nanousd == 250


def test_a_stranger_s_call_counts_in_the_session_and_obeys_its_limit(ledger, again):
    ledger.admit(owned(), NOW_MS)
    ledger = again(ledger)

    granted = ledger.admit(strange(want=900, session_limit_nanousd=None), NOW_MS)

    assert granted.granted_nanousd == 240
    assert session(ledger).held_nanousd == 250


@pytest.mark.parametrize("caller", [{"caller": OWNER}, {"caller": STRANGER, "is_admin": True}], ids=["owner", "admin"])
def test_the_owner_and_an_administrator_tighten_a_session(ledger, again, caller):
    ledger.admit(owned(session_limit_nanousd=250), NOW_MS)
    ledger = again(ledger)

    ledger.admit(an_admission("rsv_2", 10, session_limit_nanousd=100, **caller), NOW_MS)

    assert session(again(ledger)).limit_nanousd == 100


def test_who_reports_a_call_in_a_new_session_owns_it(ledger, again):
    ledger.record(a_record(5, session_id="s", caller=OWNER), NOW_MS)
    ledger = again(ledger)

    ledger.admit(strange(session_limit_nanousd=20), NOW_MS)

    assert session(ledger).limit_nanousd is None


def test_a_refused_call_without_a_limit_of_its_own_opens_no_session(ledger, database):
    ledger.configure(of_session(limit_nanousd=50), NOW_MS)

    refused = strange(want=100, least_nanousd=100, session_limit_nanousd=None)

    assert database.rows_written_by(lambda: ledger.admit(refused, NOW_MS)) == 0
    assert database.rows_written_by(lambda: ledger.admit(owned(session_limit_nanousd=40), NOW_MS)) == 1
    assert session(ledger).limit_nanousd == 40


def test_a_refused_call_that_tightens_a_long_idle_session_writes_one_row(ledger, database, again):
    ledger.record(a_record(200, session_id="s", caller=OWNER), NOW_MS)
    late_ms = NOW_MS + 20 * HOUR_MS
    refused = owned(want=100, least_nanousd=100, session_limit_nanousd=250)

    assert database.rows_written_by(lambda: ledger.admit(refused, late_ms)) == 1

    account = session(again(ledger), late_ms)
    assert (account.limit_nanousd, account.resets_at_ms) == (250, late_ms + DAY_MS)


def test_a_session_that_is_over_belongs_to_whoever_uses_its_id_next(ledger, again):
    ledger.admit(owned(), NOW_MS)
    ledger.settle(a_settlement(5), NOW_MS)
    ledger = again(ledger)
    late_ms = NOW_MS + DAY_MS + 1

    ledger.admit(strange(session_limit_nanousd=20), late_ms)

    assert session(ledger, late_ms).limit_nanousd == session(again(ledger), late_ms).limit_nanousd == 20


# A limit of one call --------------------------------------------------------------------------------------


def alone(hold_id="rsv_1", want=100, **changes):
    """A call with a limit and no session."""
    return an_admission(hold_id, want, session_id=None, session_limit_nanousd=60, **changes)


def test_a_limit_without_a_session_limits_each_call_alone(ledger):
    answers = [ledger.admit(alone(f"rsv_{number}"), NOW_MS) for number in range(3)]

    assert [(each.granted_nanousd, each.is_full) for each in answers] == [(60, False)] * 3


def test_a_call_beyond_its_own_limit_is_refused_by_it(ledger, database):
    denied = ledger.admit(alone(least_nanousd=61), NOW_MS)

    assert isinstance(denied, BudgetDenied)
    account = denied.account
    assert (account.kind, account.limit_nanousd, account.spent_nanousd, account.held_nanousd) == ("call", 60, 0, 0)
    assert database.connection.total_changes == 0


def test_a_stream_s_slices_stay_together_within_its_call_s_limit(ledger, again):
    first = ledger.admit(alone(want=1_000, slice_nanousd=25), NOW_MS)
    ledger = again(ledger)
    more = ledger.extend(an_extension(80, least_nanousd=30), NOW_MS)
    ledger = again(ledger)
    denied = ledger.extend(an_extension(80, least_nanousd=61), NOW_MS)

    assert (first.granted_nanousd, more.granted_nanousd) == (25, 60)
    assert isinstance(denied, ExtendDenied)
    assert (denied.account.kind, denied.account.held_nanousd, denied.granted_nanousd) == ("call", 60, 60)


def test_a_refusal_by_a_call_s_own_limit_looks_for_no_account_of_the_call(ledger, database):
    ledger.admit(alone(), NOW_MS)
    database.statements.clear()

    ledger.admit(alone("rsv_2", least_nanousd=61), NOW_MS)

    assert len(database.statements) == 1, "whether the id is known"


def test_a_call_s_limit_does_not_outlive_its_call(ledger, database):
    ledger.admit(alone(), NOW_MS)
    ledger.settle(a_settlement(50), NOW_MS)
    ledger.sweep(NOW_MS + TTL_MS)

    assert ledger.admit(an_admission("rsv_2", 90, session_id=None, session_limit_nanousd=None), NOW_MS).is_full
    assert database.execute("SELECT count(*) FROM scope_accounts WHERE kind = 'call'") == [(0,)]


# Looking --------------------------------------------------------------------------------------------------


def test_a_look_at_a_session_writes_nothing(ledger, database):
    ledger.admit(owned(), NOW_MS)
    asked = StatusRequest(session_id="s", team="search", include_tenant=True, session_default_limit_nanousd=5)
    unknown = StatusRequest(session_id="other", session_default_limit_nanousd=5)

    assert database.rows_written_by(lambda: [ledger.status(each, NOW_MS) for each in (asked, unknown)]) == 0


def test_a_page_of_sessions_writes_nothing_and_shows_those_that_have_no_row_yet(ledger, database):
    for name in "bdf":
        ledger.record(a_record(1, f"evt_{name}", session_id=name), NOW_MS)
    ledger._state.checkpoint(NOW_MS)
    for name in "acdg":
        ledger.admit(an_admission(f"rsv_{name}", 10, session_id=name), NOW_MS)
    pages = []

    def look():
        after = ""
        while after is not None:
            pages.append(ledger.list_sessions(ListSessionsRequest(after_session_id=after, limit=2), NOW_MS))
            after = pages[-1].next_after_session_id

    assert database.rows_written_by(look) == 0
    assert [[each.id for each in page.accounts] for page in pages] == [["a", "b"], ["c", "d"], ["f", "g"]]
    assert [each.held_nanousd for page in pages for each in page.accounts] == [10, 0, 10, 10, 0, 10]


# Calls that cost nothing, and reports ---------------------------------------------------------------------


def test_a_counted_call_counts_against_the_rate_and_writes_nothing(ledger, database, count):
    limits = RateLimits(tenant_requests_per_minute=3)

    assert database.rows_written_by(lambda: [count(ledger, limits) for _ in range(2)]) == 0
    assert ledger.next_work_at_ms() is None, "no alarm either"
    assert isinstance(ledger.admit(an_admission(rate_limits=limits), NOW_MS), Granted)
    assert isinstance(count(ledger, limits), RateDenied)


def test_reports_count_against_the_rate_and_their_repeats_do_not(ledger, count):
    limits = RateLimits(tenant_requests_per_minute=2)

    answers = [
        ledger.record(a_record(1, event, rate_limits=limits), NOW_MS) for event in ("e1", "e1", "e2", "e3", "e2")
    ]

    assert [type(each) for each in answers] == [Recorded, Recorded, Recorded, RateDenied, Recorded]
    assert [each.is_replay for each in answers if isinstance(each, Recorded)] == [False, True, False, True]
    assert isinstance(count(ledger, limits), RateDenied)


def test_the_rate_of_reports_survives_a_wake(ledger, database):
    limits = RateLimits(tenant_requests_per_minute=1)
    ledger.record(a_record(1, "e1", rate_limits=limits), NOW_MS)

    assert isinstance(a_service(database).record(a_record(1, "e2", rate_limits=limits), NOW_MS), RateDenied)
