"""Small promises of the ledger's parts: windows, rates, and who may tighten what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.account import configured, open_account, turned, used, with_charge, with_terms
from core.ledger.hold import Charge, Hold, Terms, expiry_of
from core.ledger.messages import ConfigureRequest
from core.ledger.rate_limit import admit_request
from core.ledger.windows import SESSION_IDLE_MS, window_bounds

NOV_24_2026_MS = 1_795_478_400_000


def a_session(limit_nanousd):
    return with_terms(open_account("session", "s", "session", 0), Terms(stated_limit_nanousd=limit_nanousd))


WINDOWS = [
    ("day", NOV_24_2026_MS, NOV_24_2026_MS + 86_400_000),
    ("month", NOV_24_2026_MS - 23 * 86_400_000, NOV_24_2026_MS + 7 * 86_400_000),
    ("total", 0, None),
]


@pytest.mark.parametrize(("window", "starts", "ends"), WINDOWS)
def test_a_window_is_of_the_utc_calendar(window, starts, ends):
    assert window_bounds(window, NOV_24_2026_MS + 3_600_000) == (starts, ends)


@given(st.integers(min_value=0, max_value=4 * 10**12), st.sampled_from(["day", "month"]))
def test_every_moment_is_inside_its_window(now_ms, window):
    starts, ends = window_bounds(window, now_ms)

    assert starts <= now_ms < ends
    assert window_bounds(window, ends)[0] == ends


def test_a_turned_month_keeps_its_limit_and_forgets_its_money():
    limit = ConfigureRequest(kind="team", id="search", window="month", limit_nanousd=100)
    account = with_charge(
        configured(open_account("team", "search", "month", NOV_24_2026_MS), limit, 0), Charge(1, 7, 0, 1, 1)
    )

    successor = turned(account, account.resets_at_ms)

    assert (successor.limit_nanousd, successor.spent_nanousd) == (100, 0)


def test_a_session_lives_a_day_after_its_last_use():
    account = used(open_account("session", "s", "session", 0), 5_000)

    assert turned(account, 5_000 + SESSION_IDLE_MS - 1) is account
    assert turned(account, 5_000 + SESSION_IDLE_MS) is not account


LIMITS = [
    (None, 5, 9, 5),
    (None, None, 9, 9),
    (None, None, None, None),
    (5, 9, 1, 5),
    (5, 3, None, 3),
    (5, None, 1, 5),
]


@pytest.mark.parametrize(("known", "caller", "default", "expected"), LIMITS)
def test_the_first_limit_counts_and_later_ones_only_tighten(known, caller, default, expected):
    account = a_session(known)

    after = with_terms(account, Terms(stated_limit_nanousd=caller, default_limit_nanousd=default))

    assert after.limit_nanousd == expected


EXPIRIES = [(100, 10, None, 100), (100, 10, 40, 40), (100, 10, 3, 10), (100, 10, 400, 100), (5, 10, 0, 5)]


@pytest.mark.parametrize(("held", "floor", "metered", "charge"), EXPIRIES)
def test_an_expired_hold_is_charged_by_what_is_known(held, floor, metered, charge):
    hold = Hold(
        id="rsv", request="", scopes=(), granted_nanousd=held, want_nanousd=held, floor_nanousd=floor,
        expires_at_ms=0, used_at_ms=0, metered_nanousd=metered,
    )  # fmt: skip

    assert expiry_of(hold).charged_nanousd == charge


@given(st.integers(min_value=1, max_value=1_000), st.lists(st.integers(min_value=0, max_value=5_000), max_size=300))
def test_no_minute_admits_more_than_its_burst_and_its_rate(limit, pauses_ms):
    now_ms, arrival, admitted = 1_000_000, None, 0
    started_ms = now_ms
    for pause_ms in pauses_ms:
        now_ms += pause_ms
        verdict = admit_request(arrival, limit_per_minute=limit, now_ms=now_ms)
        arrival = verdict.arrival_at_us
        admitted += verdict.is_allowed

    assert admitted <= limit + (now_ms - started_ms) * limit / 60_000 + 1


def test_a_refused_request_may_come_back_when_told():
    arrival = None
    for _ in range(2):
        arrival = admit_request(arrival, limit_per_minute=2, now_ms=0).arrival_at_us
    refused = admit_request(arrival, limit_per_minute=2, now_ms=0)

    assert not refused.is_allowed
    assert admit_request(arrival, limit_per_minute=2, now_ms=refused.retry_after_ms).is_allowed
