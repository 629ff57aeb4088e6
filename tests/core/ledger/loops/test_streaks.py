"""The same request again, and the same steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.loops.streaks import (
    NO_STEPS,
    PROMPT_GAP_MS,
    PROMPTS_KEPT,
    STEP_GAP_MS,
    Prompt,
    Steps,
    failed_repeats,
    prompt_streak,
    repeats,
    with_prompt,
    with_step,
)


def prompts_of(digests: str, *, every_ms: int = 1_000) -> tuple[Prompt, ...]:
    prompts: tuple[Prompt, ...] = ()
    for number, digest in enumerate(digests):
        prompts = with_prompt(prompts, digest, number * every_ms)
    return prompts


def steps_of(digests: str, *, every_ms: int = 1_000) -> Steps:
    """Capitals failed."""
    steps = NO_STEPS
    for number, digest in enumerate(digests):
        steps = with_step(steps, digest, is_failed=digest.isupper(), at_ms=number * every_ms)
    return steps


def test_a_request_is_counted_with_this_one() -> None:
    assert prompt_streak((), "a", 0) == 1
    assert prompt_streak(prompts_of("aaaa"), "a", 4_000) == 5


def test_two_who_repeat_their_own_are_two_streaks() -> None:
    assert prompt_streak(prompts_of("abababab"), "a", 9_000) == 5


def test_a_request_that_others_have_driven_out_begins_anew() -> None:
    assert prompt_streak(prompts_of("aaabcde"), "a", 9_000) == 1


def test_a_request_after_more_than_ten_minutes_begins_anew() -> None:
    prompts = prompts_of("aaa")

    assert prompt_streak(prompts, "a", 2_000 + PROMPT_GAP_MS) == 4
    assert prompt_streak(prompts, "a", 2_001 + PROMPT_GAP_MS) == 1


REPEATS = {
    "none": ("", 0),
    "one step": ("a", 1),
    "three": ("baaa", 3),
    "two in turn": ("xabababab", 4),
    "half a block more is none": ("ababa", 2),
    "three in turn": ("abcabcabc", 3),
    "four in turn": ("abcdabcd", 2),
    "five in turn are not looked for": ("abcdeabcde", 1),
    "something between": ("aabaa", 2),
    "longer than any ring": ("abcd" * 30, 30),
}


@pytest.mark.parametrize(("steps", "times"), REPEATS.values(), ids=REPEATS)
def test_a_block_of_one_to_four_steps_is_counted(steps: str, times: int) -> None:
    assert repeats(steps_of(steps)) == times


FAILED = {
    "none": ("", 0),
    "it went well": ("aaa", 0),
    "three times": ("xAAA", 3),
    "in turn": ("ABAB", 2),
    "different ones": ("ABCDE", 1),
    "well in between": ("AaAa", 0),
    "well before": ("AaAA", 2),
}


@pytest.mark.parametrize(("steps", "times"), FAILED.values(), ids=FAILED)
def test_failures_count_where_the_whole_block_failed(steps: str, times: int) -> None:
    assert failed_repeats(steps_of(steps)) == times


def test_a_gap_begins_steps_anew() -> None:
    assert repeats(steps_of("aaaa", every_ms=STEP_GAP_MS)) == 4
    assert repeats(steps_of("aaaa", every_ms=STEP_GAP_MS + 1)) == 1


def by_hand(digests: str) -> int:
    times = [0]
    for period in range(1, 5):
        count = 0
        while len(digests) >= period * (count + 1) and digests.endswith(digests[-period:] * (count + 1)):
            count += 1
        times.append(count)
    return max(times)


@given(st.text(st.sampled_from("ab"), max_size=40) | st.text(st.sampled_from("abcd"), max_size=40))
def test_repeats_are_what_one_counts_by_hand(digests: str) -> None:
    assert repeats(steps_of(digests)) == by_hand(digests)


@given(st.text(st.sampled_from("abAB"), max_size=40))
def test_failed_repeats_are_those_of_the_failures_at_the_end(digests: str) -> None:
    failed = digests[len(digests.rstrip("AB")) :]

    assert failed_repeats(steps_of(digests)) == by_hand(failed)


@given(st.text(st.sampled_from("abcdefgh"), max_size=60))
def test_what_is_kept_is_bounded(digests: str) -> None:
    assert len(prompts_of(digests)) <= PROMPTS_KEPT
    assert len(steps_of(digests).last) <= 4
