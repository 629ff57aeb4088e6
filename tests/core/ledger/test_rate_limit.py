"""Rates of tokens: what a call weighs is counted when it comes and put right when it ends."""

from hypothesis import given
from hypothesis import strategies as some

from core.ledger.messages import RateDenied, RateLimits
from core.ledger.rate_limit import MINUTE_US, Arrivals, Passed, admit_tokens, tokens_us

NOW_MS = 1_795_478_400_000
LIMITS = RateLimits(key_id="k", key_tokens_per_minute=1_000)
NAME = "tokens:key:k"


def passed(arrivals: Arrivals, tokens: int, now_ms: int = NOW_MS) -> bool:
    answer = arrivals.judge(LIMITS, now_ms, tokens=tokens)
    if isinstance(answer, Passed):
        arrivals.note(answer.arrivals_us)
    return isinstance(answer, Passed)


def test_a_minute_s_tokens_pass_at_once_and_the_next_call_waits_for_its_share() -> None:
    arrivals = Arrivals()

    assert [passed(arrivals, 600), passed(arrivals, 400), passed(arrivals, 1)] == [True, True, False]
    denied = arrivals.judge(LIMITS, NOW_MS, tokens=100)
    assert isinstance(denied, RateDenied)
    assert (denied.retry_after_ms, denied.rate.unit, denied.rate.limit_per_minute) == (6_000, "tokens", 1_000)
    assert passed(arrivals, 100, NOW_MS + 6_000)
    assert not passed(arrivals, 1, NOW_MS + 6_000)


def test_a_call_of_more_than_a_minute_s_tokens_passes_alone() -> None:
    arrivals = Arrivals()

    assert passed(arrivals, 5_000)
    assert not passed(arrivals, 1, NOW_MS + 4 * 60_000 - 1)
    assert passed(arrivals, 1, NOW_MS + 4 * 60_000 + 60)


def test_what_a_call_did_not_use_is_there_for_the_next_one() -> None:
    arrivals = Arrivals()
    assert passed(arrivals, 1_000)

    arrivals.shift(NAME, tokens_us(-400, 1_000), NOW_MS)

    assert [passed(arrivals, 400), passed(arrivals, 1)] == [True, False]


def test_what_an_answer_added_holds_the_next_ones_back() -> None:
    arrivals = Arrivals()
    assert passed(arrivals, 100)

    arrivals.shift(NAME, tokens_us(900, 1_000), NOW_MS)

    assert not passed(arrivals, 1)


def test_a_denied_call_counts_against_nothing() -> None:
    arrivals = Arrivals()
    limits = RateLimits(key_id="k", key_requests_per_minute=10, key_tokens_per_minute=10)
    first = arrivals.judge(limits, NOW_MS, tokens=10)
    assert isinstance(first, Passed)
    arrivals.note(first.arrivals_us)

    assert isinstance(arrivals.judge(limits, NOW_MS, tokens=5), RateDenied)
    assert set(first.arrivals_us) == {"key:k", NAME}
    assert arrivals.moments() == first.arrivals_us


@given(
    calls=some.lists(some.tuples(some.integers(0, 400), some.integers(0, 30_000)), max_size=60),
    limit=some.integers(400, 5_000),
)
def test_no_minute_sees_more_than_twice_its_tokens(calls: list[tuple[int, int]], limit: int) -> None:
    """A burst of a minute's tokens, and what comes in while it runs off: as with any bucket."""
    arrival_us, now_ms, admitted = None, NOW_MS, []
    for tokens, pause_ms in calls:
        now_ms += pause_ms
        verdict = admit_tokens(arrival_us, tokens, limit_per_minute=limit, now_ms=now_ms)
        if verdict.is_allowed:
            arrival_us = verdict.arrival_at_us
            admitted.append((now_ms, tokens))
            assert arrival_us - now_ms * 1_000 <= MINUTE_US + 1

    for start_ms, _ in admitted:
        assert sum(tokens for at, tokens in admitted if start_ms <= at < start_ms + 60_000) <= 2 * limit
