"""Loops that people have paid for, and work that was taken for one, as the history sees them."""

import sys
from collections.abc import Iterable

from core.ledger.loops.history import EMPTY, SessionHistory, facts_of, with_ended
from core.ledger.loops.turns import SessionFacts, Turn

NOW_MS = 1_790_000_000_000
MINUTE_MS = 60_000


def last_facts(calls: Iterable[tuple[Turn, int]], *, every_ms: int = 20_000, cost: int = 1_000) -> SessionFacts:
    """What is known as the last of these calls is decided: each a turn and its count, one after another."""
    history, known, began_at_ms = EMPTY, SessionFacts(), NOW_MS
    for number, (turn, tokens) in enumerate(calls):
        known = asked(history, turn, began_at_ms)
        history = folded(history, turn, number, began_at_ms, tokens, cost)
        began_at_ms += every_ms
    return known


def asked(history: SessionHistory, turn: Turn, now_ms: int) -> SessionFacts:
    return facts_of(history, turn, open_began_at_ms=(), earlier_tokens=None, spent_nanousd=0, now_ms=now_ms)


def folded(
    history: SessionHistory, turn: Turn, number: int, began_at_ms: int, tokens: int = 1_000, cost: int = 1_000
) -> SessionHistory:
    return with_ended(
        history,
        turn,
        number=number,
        began_at_ms=began_at_ms,
        ended_at_ms=began_at_ms + 5_000,
        prompt_tokens=tokens,
        completion_tokens=100 if cost else 0,
        cost_nanousd=cost,
    )


def steps(digests: Iterable[str], *, failed: bool = False) -> list[tuple[Turn, int]]:
    """One step a call, each in a transcript that shows no more than the last one."""
    return [
        (Turn(prompt=f"p{n}", prompt_tokens=2_000, step=digest, repeated_steps=1, failed_steps=int(failed)), 1_000 + n)
        for n, digest in enumerate(digests)
    ]


def test_the_same_request_for_hours() -> None:
    calls = [(Turn(prompt="p", prompt_tokens=9_000), 8_000)] * 400

    assert last_facts(calls, every_ms=30_000).repeated_prompt == 400
    assert last_facts(calls[:5], every_ms=30_000).repeated_prompt == 5


def test_one_failing_command_three_hundred_times() -> None:
    known = last_facts(steps(["make"] * 300, failed=True))

    assert (known.step_errors, known.repeated_step) == (300, 300)


def test_a_cycle_of_eighteen_hundred_turns() -> None:
    assert last_facts(steps(["list", "read", "test"] * 600)).repeated_step == 600


def test_a_guard_is_not_reset_by_being_reached() -> None:
    calls = steps(["patch"] * 90)

    assert [last_facts(calls[:count]).repeated_step for count in (30, 31, 90)] == [30, 31, 90]


def test_two_hundred_calls_in_fourteen_hours_with_transcripts_cut_short() -> None:
    assert last_facts(steps(["same"] * 248), every_ms=203_000).repeated_step == 248


def test_three_compactions_in_twelve_minutes() -> None:
    cycle = (150_000, 30_000, 70_000, 110_000)
    calls = [(Turn(prompt_tokens=2 * tokens), tokens) for tokens in (*cycle * 3, 150_000, 30_000)]

    assert last_facts(calls[:-4], every_ms=50_000).compactions == 3
    assert last_facts(calls, every_ms=50_000).compactions == 4
    assert last_facts(calls, every_ms=5 * MINUTE_MS).compactions == 1


def test_a_hundred_subagents_that_subagents_started() -> None:
    calls = [(Turn(agent=f"agent-{number}", prompt=f"p{number}"), 3_000) for number in range(100)]

    assert last_facts(calls, every_ms=300).requests_per_minute == 100


def test_retries_of_what_a_provider_refused_are_one_request() -> None:
    turn, history = Turn(prompt="p", step="s"), EMPTY
    for number in range(6):
        history = folded(history, turn, number, NOW_MS + number * 1_000, tokens=0, cost=0)

    known = asked(history, turn, NOW_MS + 7_000)

    assert (known.repeated_prompt, known.repeated_step, known.requests_per_minute) == (1, 1, 7)


def test_retries_that_were_billed_do_not_hide_growth() -> None:
    sizes = (1_000, 1_500, 1_500, 2_250, 3_375)
    calls = [(Turn(prompt=f"p{tokens}", prompt_tokens=2 * tokens), tokens) for tokens in sizes]

    assert last_facts(calls).growth_ratio == 1.5
    assert last_facts([*calls, calls[-1]]).growth_ratio == 1.5
    assert last_facts(calls[:-1]).growth_ratio is None


def test_a_debugger_s_next_has_another_result_each_time() -> None:
    assert last_facts(steps(f"next: line {line}" for line in range(50))).repeated_step == 1


def test_the_same_test_run_between_edits_is_work() -> None:
    digests = [digest for number in range(20) for digest in ("pytest: 3 failed", f"edit {number}")]

    assert last_facts(steps(digests), every_ms=9_000).repeated_step == 1


def test_polls_more_than_five_minutes_apart_are_no_loop() -> None:
    assert last_facts(steps(["build: running"] * 20), every_ms=6 * MINUTE_MS).repeated_step == 1


def test_a_person_who_speaks_is_let_through() -> None:
    loop = steps(["make"] * 9, failed=True)
    question = (Turn(prompt="a person's", prompt_tokens=2_000), 1_100)

    spoken = last_facts([*loop, question])
    after = last_facts([*loop, question, *steps(["make"], failed=True)])

    assert (spoken.repeated_step, spoken.step_errors) == (0, 0)
    assert (after.repeated_step, after.step_errors) == (1, 1)


def work_of(history: SessionHistory) -> int:
    """How many functions run for one call's facts and its end."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    turn = Turn(agent="agent-1", prompt="p", step="s", prompt_tokens=900)
    sys.setprofile(note)
    try:
        asked(history, turn, NOW_MS)
        folded(history, turn, 10**6, NOW_MS)
    finally:
        sys.setprofile(None)
    return count


def test_twice_the_calls_are_no_more_work_for_the_next_one() -> None:
    def after(calls: int) -> SessionHistory:
        history = EMPTY
        for number, (turn, tokens) in enumerate(steps(f"{number}" for number in range(calls))):
            history = folded(history, turn, number, NOW_MS - (calls - number) * 1_000, tokens)
        return history

    assert work_of(after(2_000)) <= work_of(after(1_000)) + 2
