"""What the ledger promises call by call, on sqlite3."""

from core.ledger.lists.accounts import ListSessionsRequest
from core.ledger.messages import (
    BudgetDenied,
    ConfigureRequest,
    Conflict,
    ExtendDenied,
    Extended,
    Granted,
    PausedDenied,
    RateDenied,
    RateLimits,
    Recorded,
    StatusRequest,
)
from tests.support.ledger_requests import (
    NOW_MS,
    a_record,
    a_settlement,
    an_admission,
    an_extension,
    of_session,
    of_team,
    session,
)
from tests.support.sqlite_ledger import a_service


def test_two_calls_cannot_hold_the_same_dollar(ledger):
    answers = [ledger.admit(an_admission(f"rsv_{n}", least_nanousd=100), NOW_MS) for n in range(3)]

    assert [type(answer) for answer in answers] == [Granted, Granted, BudgetDenied]
    assert session(ledger).held_nanousd == 200


def test_a_hold_shrinks_to_what_is_left(ledger):
    ledger.admit(an_admission("rsv_1", 200), NOW_MS)

    answer = ledger.admit(an_admission("rsv_2", 200), NOW_MS)

    assert (answer.granted_nanousd, answer.is_full) == (50, False)


def test_a_denial_holds_nothing_on_any_scope(ledger):
    ledger.configure(of_team(limit_nanousd=50), NOW_MS)

    answer = ledger.admit(an_admission(team="search", least_nanousd=60), NOW_MS)

    assert (answer.account.kind, answer.account.available_nanousd) == ("team", 50)
    accounts = ledger.status(StatusRequest(session_id="s", team="search", include_tenant=True), NOW_MS).accounts
    assert [account.held_nanousd for account in accounts] == [0] * 5


def test_a_repeated_admission_gets_the_first_answer(ledger):
    first = ledger.admit(an_admission(), NOW_MS)
    second = ledger.admit(an_admission(), NOW_MS + 5)

    assert first.granted_nanousd == second.granted_nanousd
    assert session(ledger).held_nanousd == 100


def test_an_id_used_for_another_request_is_a_conflict(ledger):
    ledger.admit(an_admission(), NOW_MS)

    assert isinstance(ledger.admit(an_admission(want=101), NOW_MS), Conflict)


def test_settling_twice_charges_once(ledger):
    ledger.admit(an_admission(), NOW_MS)

    answers = [ledger.settle(a_settlement(30, prompt_tokens=4), NOW_MS) for _ in range(2)]

    assert [answer.is_replay for answer in answers] == [False, True]
    account = session(ledger)
    assert (account.spent_nanousd, account.held_nanousd, account.prompt_tokens) == (30, 0, 4)


def test_settling_again_at_another_price_is_a_conflict(ledger):
    ledger.admit(an_admission(), NOW_MS)
    ledger.settle(a_settlement(30), NOW_MS)

    assert isinstance(ledger.settle(a_settlement(31), NOW_MS), Conflict)


def test_what_is_billed_beyond_the_hold_is_recorded_as_overrun(ledger):
    ledger.admit(an_admission(), NOW_MS)

    settled = ledger.settle(a_settlement(130), NOW_MS)

    assert (settled.charged_nanousd, settled.overrun_nanousd) == (130, 30)
    assert session(ledger).overrun_nanousd == 30


def test_an_expired_hold_is_charged_and_then_corrected_by_its_late_settlement(ledger):
    ledger.admit(an_admission(), NOW_MS)
    ledger.sweep(NOW_MS + 60_000)
    assert (session(ledger).spent_nanousd, session(ledger).held_nanousd) == (100, 0)

    settled = ledger.settle(a_settlement(30), NOW_MS + 61_000)

    assert settled.was_expired
    assert session(ledger).spent_nanousd == 30


def test_a_stream_takes_slices_and_is_told_when_there_is_no_more(ledger):
    first = ledger.admit(an_admission(want=1_000, slice_nanousd=100), NOW_MS)
    more = ledger.extend(an_extension(200, least_nanousd=110, metered_nanousd=60, ttl_ms=1), NOW_MS)
    part = ledger.extend(an_extension(300, least_nanousd=210, metered_nanousd=160, ttl_ms=1), NOW_MS)
    none = ledger.extend(an_extension(300, least_nanousd=260, metered_nanousd=240, ttl_ms=1), NOW_MS)

    assert (first.granted_nanousd, first.is_full) == (100, False)
    assert isinstance(more, Extended) and more.granted_nanousd == 200
    assert isinstance(part, Extended) and (part.granted_nanousd, part.is_full) == (250, False)
    assert isinstance(none, ExtendDenied) and none.granted_nanousd == 250


def test_a_small_stream_is_held_in_full(ledger):
    answer = ledger.admit(an_admission(want=20, slice_nanousd=10), NOW_MS)

    assert (answer.granted_nanousd, answer.is_full) == (20, True)


def test_a_call_that_costs_nothing_is_never_blocked_by_money(ledger):
    ledger.admit(an_admission(want=250), NOW_MS)
    ledger.settle(a_settlement(400), NOW_MS)
    ledger.configure(of_session(is_paused=True), NOW_MS)

    assert isinstance(ledger.admit(an_admission("rsv_2", 0), NOW_MS), Granted)
    assert isinstance(ledger.admit(an_admission("rsv_3", 10), NOW_MS), PausedDenied)


def test_a_warning_limit_never_refuses(ledger):
    ledger.configure(ConfigureRequest(kind="tenant", id="acme", window="day", limit_nanousd=1, is_hard=False), NOW_MS)

    assert isinstance(ledger.admit(an_admission(), NOW_MS), Granted)


def test_a_report_is_charged_once(ledger):
    report = a_record(7, prompt_tokens=3, completion_tokens=2, session_id="s")

    answers = [ledger.record(report, NOW_MS + n) for n in range(2)]

    assert [isinstance(answer, Recorded) and answer.is_replay for answer in answers] == [False, True]
    assert session(ledger).spent_nanousd == 7


def test_requests_beyond_the_rate_are_denied_before_any_money_is_held(ledger):
    limits = RateLimits(tenant_requests_per_minute=2)

    answers = [ledger.admit(an_admission(f"rsv_{n}", 10, rate_limits=limits), NOW_MS) for n in range(3)]

    assert isinstance(answers[2], RateDenied) and answers[2].retry_after_ms > 0
    assert session(ledger).held_nanousd == 20


def test_a_woken_ledger_knows_everything_a_sleeping_one_did(ledger, database):
    for number in range(4):
        ledger.admit(an_admission(f"rsv_{number}", 50), NOW_MS)
    ledger.settle(a_settlement(30, "rsv_0"), NOW_MS)
    ledger.sweep(NOW_MS + 60_000 - 1)
    ledger.settle(a_settlement(20), NOW_MS)

    woken = a_service(database)

    assert session(woken) == session(ledger)
    assert (session(woken).spent_nanousd, session(woken).held_nanousd, session(woken).limit_nanousd) == (50, 100, 250)


def test_sessions_are_listed_page_by_page(ledger):
    for number in range(5):
        ledger.admit(an_admission(f"rsv_{number}", 1, session_id=f"s{number}"), NOW_MS)

    first = ledger.list_sessions(ListSessionsRequest(limit=3), NOW_MS)
    rest = ledger.list_sessions(ListSessionsRequest(after_session_id=first.next_after_session_id, limit=3), NOW_MS)

    assert [account.id for account in first.accounts + rest.accounts] == ["s0", "s1", "s2", "s3", "s4"]
    assert rest.next_after_session_id is None
