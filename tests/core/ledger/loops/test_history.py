"""What a session's ended calls make of the one that is being decided."""

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ledger.loops.history import (
    AGENTS_MAX,
    EMPTY,
    SessionHistory,
    cleared,
    ended_sizes_of,
    facts_of,
    runaway_at_end,
    sizes_of,
    with_ended,
)
from core.ledger.loops.turns import SessionFacts, Turn

NOW_MS = 1_790_000_000_000
MINUTE_MS = 60_000
HISTORY_BYTES_MAX = 16_000
"""The worst that the longest names, digests and amounts come to."""


def after(
    turns: Iterable[Turn], *, prompt_tokens: int = 1_000, cost: int = 5, every_ms: int = 10_000
) -> SessionHistory:
    """A session whose calls came one after another until now, one of `every_ms` ago the last."""
    turns = list(turns)
    history = EMPTY
    for number, turn in enumerate(turns):
        history = ended(
            history,
            turn,
            number=number,
            began_at_ms=NOW_MS - (len(turns) - number) * every_ms,
            prompt_tokens=prompt_tokens,
            cost=cost,
        )
    return history


def ended(history, turn=None, *, number=1, began_at_ms=NOW_MS, prompt_tokens=1_000, cost=5, written=10, **others):
    return with_ended(
        history,
        turn or Turn(),
        number=number,
        began_at_ms=began_at_ms,
        prompt_tokens=prompt_tokens,
        completion_tokens=written,
        cost_nanousd=cost,
        **others,
    )


def facts(history=EMPTY, turn=None, *, opened=(), earlier=None, spent=0, now_ms=NOW_MS) -> SessionFacts:
    return facts_of(
        history, turn or Turn(), open_began_at_ms=opened, earlier_tokens=earlier, spent_nanousd=spent, now_ms=now_ms
    )


def grown(*tokens: int, agent: str | None = None, history: SessionHistory = EMPTY) -> SessionHistory:
    for number, each in enumerate(tokens):
        turn = Turn(agent=agent, prompt_tokens=2 * each)
        history = ended(history, turn, number=number, began_at_ms=NOW_MS + number * 1_000, prompt_tokens=each)
    return history


# The first call, rates, spend.


def test_a_first_call_is_one_of_everything() -> None:
    known = facts(turn=Turn(prompt_tokens=500, prompt="p", step="s", repeated_steps=1))

    assert known == SessionFacts(
        iteration=1,
        session_spend_nanousd=0,
        spend_per_hour_nanousd=0,
        growth_ratio=None,
        requests_per_minute=1,
        requests_per_hour=1,
        repeated_prompt=1,
        repeated_step=1,
        step_errors=0,
        compactions=0,
    )


def test_iteration_is_what_the_caller_states_or_the_calls_so_far() -> None:
    history = after([Turn()] * 3)

    assert facts(history, Turn(iteration=2), opened=[NOW_MS]).iteration == 5
    assert facts(history, Turn(iteration=40)).iteration == 40


def test_rates_count_ended_calls_open_ones_and_this_one() -> None:
    history = after([Turn()] * 20)

    assert facts(history).requests_per_minute == 5 + 1
    assert facts(history, opened=[NOW_MS - 59_000, NOW_MS - 61_000]).requests_per_minute == 7
    assert facts(history, opened=[NOW_MS - 61_000]).requests_per_hour == 22


def test_spend_of_the_last_hour_is_by_the_minute_and_all_spend_is_what_the_account_says() -> None:
    history = after([Turn()] * 90, cost=7, every_ms=MINUTE_MS)

    known = facts(history, spent=90 * 7)

    assert (known.spend_per_hour_nanousd, known.session_spend_nanousd) == (59 * 7, 630)


def test_a_call_without_tokens_is_a_request_and_no_size() -> None:
    history = ended(EMPTY, Turn(prompt_tokens=10), prompt_tokens=0, cost=3)

    known = facts(history)

    assert (known.requests_per_minute, known.spend_per_hour_nanousd, sizes_of(history, None)) == (2, 3, ())


def test_a_corrected_expiry_counts_once() -> None:
    turn = Turn(prompt="p", step="s")
    expired = ended(EMPTY, turn, prompt_tokens=0, written=0, cost=900)

    corrected = ended(expired, turn, number=2, cost=200, is_correction=True, earlier_cost_nanousd=900)
    known = facts(corrected, turn)

    assert (known.spend_per_hour_nanousd, known.requests_per_minute, known.iteration) == (200, 2, 2)
    assert (known.repeated_prompt, known.repeated_step) == (2, 1)
    assert sizes_of(corrected, None) == (1_000,)


# Growth.


def test_the_fourth_call_of_a_runaway_is_one_by_its_estimate() -> None:
    history = grown(1_000, 1_500, 2_250)
    turn = Turn(prompt_tokens=2 * 3_375)

    assert facts(history, turn).growth_ratio == 1.5
    assert facts(history, Turn(prompt_tokens=2 * 2_300)).growth_ratio == pytest.approx(1.022, abs=0.001)
    assert facts(grown(1_000, 1_500), turn).growth_ratio is None
    assert sizes_of(history, turn) == (1_000, 1_500, 2_250, 3_375)


def test_growth_is_unknown_where_the_estimate_is_on_no_scale() -> None:
    history = EMPTY
    for number, tokens in enumerate((1_000, 1_500, 2_250)):
        history = ended(history, Turn(), number=number, began_at_ms=NOW_MS + number, prompt_tokens=tokens)

    assert facts(history, Turn(prompt_tokens=9_000)).growth_ratio is None
    assert not runaway_at_end(history, None)


def test_reports_count_like_calls() -> None:
    history = grown(1_000)
    for number, tokens in enumerate((1_500, 2_250)):
        history = ended(history, Turn(), number=9 + number, began_at_ms=NOW_MS + 5_000, prompt_tokens=tokens)

    assert facts(history, Turn(prompt_tokens=2 * 3_375)).growth_ratio == 1.5


def test_a_runaway_may_show_at_its_end() -> None:
    history = grown(1_000, 1_500, 2_250, 3_375, agent="a")

    assert runaway_at_end(history, "a")
    assert not runaway_at_end(history, "a", floor_tokens=4_000)
    assert not runaway_at_end(history, "b")


def test_agents_are_compared_with_themselves() -> None:
    history = grown(1_000, 1_500, 2_250, agent="a")

    known = facts(history, Turn(agent="b", prompt_tokens=6_750))

    assert known.growth_ratio is None
    assert ended_sizes_of(history, "a") == (1_000, 1_500, 2_250)
    assert sizes_of(history, Turn(agent="b", prompt_tokens=6_750)) == (6_750,)


def test_the_ninth_agent_drives_out_the_one_that_called_longest_ago() -> None:
    history = EMPTY
    for number in range(AGENTS_MAX):
        history = grown(100 + number, agent=f"agent-{number}", history=history)
    history = grown(500, agent="agent-0", history=history)

    history = grown(900, agent="a ninth", history=history)

    assert len(history.agents) == AGENTS_MAX
    assert (ended_sizes_of(history, "agent-0"), ended_sizes_of(history, "agent-1")) == ((100, 500), ())


def test_long_names_are_told_apart() -> None:
    history = grown(100, agent="x" * 200 + "1")

    assert ended_sizes_of(history, "x" * 200 + "1") == (100,)
    assert ended_sizes_of(history, "x" * 200 + "2") == ()


# Streaks.


def test_the_same_request_five_times_is_five() -> None:
    assert facts(after([Turn(prompt="p")] * 4), Turn(prompt="p")).repeated_prompt == 5


def test_nobody_looked_at_the_request() -> None:
    assert facts(after([Turn(prompt="p")] * 4), Turn()).repeated_prompt is None


def test_what_nobody_billed_is_no_repeat() -> None:
    history = after([Turn(prompt="p")] * 4, prompt_tokens=0, cost=0)
    unbilled = ended(EMPTY, Turn(prompt="p", step="s"), prompt_tokens=0, cost=0, written=0)

    assert facts(history, Turn(prompt="p")).repeated_prompt == 5, "they were billed for what they wrote"
    assert facts(unbilled, Turn(prompt="p")).repeated_prompt == 1
    assert facts(unbilled).requests_per_minute == 2


def test_calls_that_have_not_ended_are_no_repeats() -> None:
    assert facts(EMPTY, Turn(prompt="p"), opened=[NOW_MS] * 9).repeated_prompt == 1


def a_step(number: int, *, step: str = "s", failed: int = 0, repeated: int = 0) -> Turn:
    return Turn(prompt=f"p{number}", step=step, failed_steps=failed, repeated_steps=repeated)


def test_the_same_step_is_counted_without_its_transcript() -> None:
    history = after(a_step(number) for number in range(4))

    assert facts(history, a_step(4)).repeated_step == 5
    assert facts(history, a_step(4, step="other")).repeated_step == 1


def test_the_transcript_counts_where_it_says_more() -> None:
    assert facts(EMPTY, a_step(0, repeated=7)).repeated_step == 7


def test_steps_in_turn_are_counted() -> None:
    history = after(a_step(number, step="ab"[number % 2]) for number in range(9))

    assert facts(history, a_step(9, step="b")).repeated_step == 5


def test_a_person_who_speaks_ends_a_streak() -> None:
    history = after([*[a_step(number) for number in range(4)], Turn(prompt="a question")])

    assert facts(after(a_step(number) for number in range(4)), Turn(prompt="a question")).repeated_step == 0
    assert facts(history, a_step(9)).repeated_step == 1


def test_a_request_sent_again_is_no_further_step() -> None:
    history = after([a_step(1), a_step(2), a_step(2), a_step(2)])

    assert facts(history, a_step(2)).repeated_step == 2
    assert facts(history, a_step(3)).repeated_step == 3


def test_failed_steps_are_counted_apart() -> None:
    history = after(a_step(number, failed=1) for number in range(2))

    assert facts(history, a_step(2, failed=1)).step_errors == 3
    assert facts(history, a_step(2)).step_errors == 0
    assert facts(history, a_step(2, step="other", failed=4)).step_errors == 4


def test_a_compaction_does_not_make_steps_new() -> None:
    history = after(a_step(number) for number in range(4))

    assert facts(history, a_step(9, repeated=1)).repeated_step == 5


def test_compactions_are_those_of_the_agent() -> None:
    history = grown(100_000, 20_000, 70_000, agent="a")

    assert facts(history, Turn(agent="a", prompt_tokens=20_000)).compactions == 2
    assert facts(history, Turn(agent="b", prompt_tokens=20_000)).compactions == 0


def test_a_resumed_session_keeps_its_rates_and_forgets_its_streaks() -> None:
    history = cleared(after(a_step(number) for number in range(4)))

    known = facts(history, a_step(9), spent=20)

    assert (known.repeated_step, known.compactions, sizes_of(history, None)) == (1, 0, ())
    assert (known.requests_per_minute, known.spend_per_hour_nanousd, known.iteration) == (5, 20, 5)


# Whatever happens.

DIGESTS = st.sampled_from(["a" * 32, "b" * 32, "c" * 22]) | st.text("0123456789abcdef", min_size=32, max_size=32)
TURNS = st.builds(
    Turn,
    agent=st.none() | st.text(max_size=256) | st.sampled_from([f"\x01{n}" * 16 for n in range(9)]),
    prompt_tokens=st.none() | st.integers(0, 2**50),
    is_continued=st.booleans(),
    prompt=st.none() | DIGESTS,
    step=st.none() | DIGESTS,
    repeated_steps=st.integers(0, 12),
    failed_steps=st.integers(0, 12),
    iteration=st.none() | st.integers(0, 2**50),
)
MOMENTS = st.integers(NOW_MS - 20 * MINUTE_MS, NOW_MS + 2 * MINUTE_MS) | st.integers(0, 2**43)
ENDS = st.tuples(TURNS, MOMENTS, st.integers(0, 2**53), st.integers(0, 2**53), st.integers(0, 10**7), st.booleans())
KNOWN = st.lists(ENDS, max_size=30)


def folded(ends) -> SessionHistory:
    history = EMPTY
    for number, (turn, began_at_ms, tokens, cost, took_ms, is_correction) in enumerate(ends):
        history = ended(
            history,
            turn,
            number=number,
            began_at_ms=began_at_ms,
            ended_at_ms=began_at_ms + took_ms,
            prompt_tokens=tokens,
            cost=cost,
            is_correction=is_correction,
            earlier_cost_nanousd=took_ms,
        )
    return history


@given(KNOWN, TURNS, MOMENTS)
def test_a_history_that_is_written_and_read_says_the_same(ends, turn: Turn, now_ms: int) -> None:
    history = folded(ends)

    read = msgspec.json.decode(msgspec.json.encode(history), type=SessionHistory)

    assert read == history
    assert facts(read, turn, now_ms=now_ms) == facts(history, turn, now_ms=now_ms)


@given(KNOWN, TURNS, MOMENTS, st.none() | st.integers(0, 2**53))
def test_facts_are_counts_whatever_the_clock_does(ends, turn: Turn, now_ms: int, earlier: int | None) -> None:
    history = folded(ends)

    known = facts(history, turn, now_ms=now_ms, earlier=earlier, opened=[now_ms, 0])

    counts = msgspec.structs.asdict(known)
    assert counts.pop("growth_ratio") is None or known.growth_ratio > 0
    assert counts.pop("repeated_prompt") is None or known.repeated_prompt >= 1
    assert all(isinstance(count, int) and count >= 0 for count in counts.values())
    assert 2 <= known.requests_per_minute <= known.requests_per_hour <= len(ends) + 3
    assert len(sizes_of(history, turn)) <= 5


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_a_history_is_bounded_whatever_callers_send(seed: int) -> None:
    history = EMPTY
    for number in range(300):
        turn = Turn(
            agent=f"\x01{number % 11}" * 16,
            prompt_tokens=2**50,
            prompt=f"{seed + number:032x}",
            step=f"{seed * number:032x}",
            failed_steps=1,
        )
        tokens = 2**53 - seed if number % 2 else 2**50
        began = NOW_MS + number * (seed % 13_000)
        history = ended(history, turn, number=2**53 + number, began_at_ms=began, prompt_tokens=tokens, cost=2**53)

    assert len(msgspec.json.encode(history)) < HISTORY_BYTES_MAX


def test_a_wake_that_replays_ends_by_their_numbers_makes_the_same_history() -> None:
    ends = [(a_step(number), NOW_MS + number * 7_000, 1_000 * number, 5, 900, False) for number in range(40)]
    row = msgspec.json.decode(msgspec.json.encode(folded(ends[:25])), type=SessionHistory)
    for number, (turn, began_at_ms, tokens, cost, took_ms, _) in list(enumerate(ends))[25:]:
        row = ended(
            row,
            turn,
            number=number,
            began_at_ms=began_at_ms,
            ended_at_ms=began_at_ms + took_ms,
            prompt_tokens=tokens,
            cost=cost,
        )

    assert row == folded(ends)


def test_a_history_does_not_grow_with_its_session() -> None:
    def written(calls: int) -> int:
        history = after((a_step(number) for number in range(calls)), every_ms=10_000)
        return len(msgspec.json.encode(history))

    assert written(2_000) <= written(1_000) + 20
