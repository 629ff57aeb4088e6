"""The course of a call's attempts, told what becomes of each."""

import pytest

from core.ledger.health.notes import CoolDown
from core.routing.failover import Attempt, CoolingDown, Fell, LeftOut, Outcome, Skipped, attempts
from core.routing.failure import Failure
from core.tenant.failover.chains import Chain, Hop
from core.tenant.failover.triggers import DEFAULT_TRIGGERS

START_MS = 1_000_000
PROVIDERS = ("anthropic", "groq", "gemini")


def a_chain(*providers: str, **values: object) -> Chain:
    hops = tuple(Hop(provider, f"{provider}-model") for provider in providers or PROVIDERS)
    bounds = {
        "first_byte_ms": None, "attempts_max": 5, "deadline_ms": 300_000, "dollars_max_nanousd": None,
        "allows_paid": False, "after_uncertain": True,
    }  # fmt: skip
    return Chain(id="c", hops=hops, on=frozenset(DEFAULT_TRIGGERS), **{**bounds, **values})  # type: ignore[arg-type]


def a_failure(kind: str = "provider", status: int | None = 503) -> Failure:
    return Failure(kind=kind, status=status, moves_on=True, cools=CoolDown("model", None))  # type: ignore[arg-type]


def fell(
    kind: str = "provider", *, status: int | None = 503, cost: int = 0, after_ms: int = 1, window: int = 1
) -> Fell:
    return Fell(a_failure(kind, status), cost, START_MS + after_ms, window)


def course(chain: Chain, outcomes: list[Outcome]) -> list[Attempt | Skipped]:
    """What is yielded when each attempt in turn comes to this; the last outcome is that somebody serves."""
    walk = attempts(chain, asked_provider="openai", started_at_ms=START_MS)
    seen: list[Attempt | Skipped] = [next(walk)]
    left = list(outcomes)
    try:
        while left or isinstance(seen[-1], Skipped):
            seen.append(walk.send(None if isinstance(seen[-1], Skipped) else left.pop(0)))
    except StopIteration:
        assert not left, "it has ended before"
        seen.append(Skipped(-1, "ended"))
    return seen


def places(seen: list[Attempt | Skipped]) -> list[object]:
    return [step.place if isinstance(step, Attempt) else (step.place, step.reason) for step in seen]


ENDED = (-1, "ended")


@pytest.mark.parametrize("kind", ["provider", "network", "timeout", "rate", "empty_account", "location", "uncertain"])
def test_after_trouble_of_the_provider_s_the_next_hop_is_asked(kind: str) -> None:
    assert places(course(a_chain(), [fell(kind, status=429 if kind == "rate" else 503)])) == [0, 1]


@pytest.mark.parametrize("kind", ["verdict", "bad_request", "caller", "model", "empty_answer"])
def test_after_anything_else_nobody_is_asked_unless_the_chain_says_so(kind: str) -> None:
    status = 404 if kind == "model" else 400

    assert places(course(a_chain(), [fell(kind, status=status)])) == [0, ENDED]


def test_the_place_only_advances_until_the_chain_is_at_its_end() -> None:
    assert places(course(a_chain(), [fell()] * 4)) == [0, 1, 2, 3, ENDED]


def test_all_attempts_are_counted_together() -> None:
    seen = course(a_chain(attempts_max=2), [fell()] * 2)

    assert places(seen) == [0, 1, ENDED]
    assert [step.is_last for step in seen if isinstance(step, Attempt)] == [False, True]


def test_an_empty_account_is_asked_no_second_time() -> None:
    seen = course(a_chain("anthropic", "openai", "groq"), [fell("empty_account", status=429), fell()])

    assert places(seen) == [0, 1, (2, "empty_account"), 3]


def test_the_time_of_all_attempts_is_one() -> None:
    seen = course(a_chain(deadline_ms=10_000), [fell(after_ms=4_000)])
    late = course(a_chain(deadline_ms=10_000), [fell(after_ms=10_000)])

    assert [step.left_ms for step in seen if isinstance(step, Attempt)] == [10_000, 6_000]
    assert places(late) == [0, ENDED]


def test_a_clock_that_goes_backwards_lends_no_time() -> None:
    seen = course(a_chain(deadline_ms=10_000), [fell(after_ms=4_000), fell(after_ms=-50_000)])

    assert [step.left_ms for step in seen if isinstance(step, Attempt)] == [10_000, 6_000, 6_000]


def test_the_money_of_all_attempts_is_one() -> None:
    seen = course(a_chain(dollars_max_nanousd=100), [fell(cost=30), fell(cost=70)])

    assert places(seen) == [0, 1, ENDED]
    assert [step.dollars_left_nanousd for step in seen if isinstance(step, Attempt)] == [100, 70]


def test_a_tenant_may_have_nobody_asked_after_what_may_be_billed() -> None:
    assert places(course(a_chain(after_uncertain=False), [fell("uncertain", cost=1)])) == [0, ENDED]
    assert places(course(a_chain(after_uncertain=False), [fell("network")])) == [0, 1]


def test_a_foreign_history_is_repaired_once_and_sent_to_the_same_hop() -> None:
    seen = course(a_chain(), [fell("foreign_history", status=400), fell("foreign_history", status=400)])

    assert places(seen) == [0, 0, ENDED]
    assert [step.strips_history for step in seen if isinstance(step, Attempt)] == [False, True]


def test_after_a_window_that_was_too_small_only_a_larger_one_will_do() -> None:
    seen = course(a_chain(), [fell("too_large_for_window", status=400, window=128_000)])

    assert [step.window_above_tokens for step in seen if isinstance(step, Attempt)] == [0, 128_000]


def test_hops_that_cannot_serve_are_passed_over() -> None:
    assert places(course(a_chain(), [fell(), LeftOut("documents"), CoolingDown(START_MS + 9)])) == [0, 1, 2, 3]


def test_where_everybody_cools_down_the_first_that_is_done_is_asked_all_the_same() -> None:
    cooling: list[Outcome] = [CoolingDown(START_MS + ms) for ms in (50, 20, 90, 70)]

    seen = course(a_chain(), cooling)

    assert places(seen) == [0, 1, 2, 3, 1]
    assert isinstance(seen[-1], Attempt)
    assert (seen[-1].insists, seen[-1].is_last) == (True, True)


def test_nobody_is_asked_against_a_cool_down_where_somebody_was_asked() -> None:
    outcomes: list[Outcome] = [CoolingDown(START_MS + 50), fell(), LeftOut("window"), LeftOut("window")]

    assert places(course(a_chain(), outcomes)) == [0, 1, 2, 3, ENDED]


def test_a_stream_has_less_time_to_begin_than_a_whole_answer() -> None:
    attempt = Attempt(0, first_byte_ms=2_000, left_ms=30_000)

    assert attempt.patience_ms(600_000, is_streaming=True) == 2_000
    assert attempt.patience_ms(600_000, is_streaming=False) == 30_000
    assert Attempt(0).patience_ms(600_000, is_streaming=True) == 600_000
