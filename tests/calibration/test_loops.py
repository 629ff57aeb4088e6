"""Loops are caught, and work is let alone, as often as `docs/loops.md` says."""

from pathlib import Path

import pytest

from tests.calibration import healthy, loops, runaway

SESSIONS = 40
"""Of each kind: enough that a detector which no longer detects shows."""

CAUGHT_BY = {
    "context × 1.5 a step": ("default alert", "growth, 64,000 tokens, no spend"),
    "same request again": ("stop-same-prompt",),
    "same command, same result": ("stop-same-step",),
    "ping-pong of two to four commands": ("stop-same-step",),
    "compaction thrash": ("stop-compaction-thrash",),
    "request storm": ("stop-storm",),
}
CAUGHT_AT_LEAST = 0.95

FALSE_ALARMS_AT_MOST = {
    ("small prompt, tools of some 900 tokens", "default alert"): 0.3,
    ("reads documents of some 6,000 tokens", "default alert"): 0.6,
    ("reads documents of some 6,000 tokens", "growth, 64,000 tokens, no spend"): 0.05,
    ("coding agent, prefix of 20,000", "stop-failing-step"): 0.2,
    ("coding agent with compaction and side calls", "stop-failing-step"): 0.25,
    ("coding agent with compaction and side calls", "failing step 5 times"): 0.05,
    ("subagents interleaved under one name", "default alert"): 0.25,
    ("subagents interleaved under one name", "stop-compaction-thrash"): 0.2,
    ("subagents, each under its own name", "default alert"): 0.15,
    ("documents in a pool of two to five workers", "default alert"): 0.25,
    ("five subagents that compact", "default alert"): 0.2,
    ("several samples of a request, evaluations", "default alert"): 0.2,
    ("several samples of a request, evaluations", "stop-same-prompt"): 0.6,
    ("several samples of a request, evaluations", "stop-storm"): 0.5,
    ("polling", "stop-same-step"): 0.8,
    ("polling", "same step 8 times"): 0.6,
}
"""Where work looks like a loop to a signal. Everywhere else one session in twenty at most."""


@pytest.mark.parametrize("kind", healthy.KINDS)
def test_work_is_taken_for_a_loop_no_more_often_than_stated(kind: str) -> None:
    shares = loops.measured(healthy.KINDS[kind], SESSIONS, (*loops.RULES, *loops.STRICTER))

    above = {
        name: shares.share(name)
        for name in shares.fired_at
        if shares.share(name) > FALSE_ALARMS_AT_MOST.get((kind, name), 0.05)
    }
    assert above == {}


@pytest.mark.parametrize("kind", runaway.KINDS)
def test_loops_are_caught(kind: str) -> None:
    shares = loops.measured(runaway.KINDS[kind], SESSIONS, (*loops.RULES, *loops.STRICTER))

    missed = {name: shares.share(name) for name in CAUGHT_BY[kind] if shares.share(name) < CAUGHT_AT_LEAST}
    assert missed == {}


def test_a_context_that_grows_by_half_is_told_of_at_its_fourth_call() -> None:
    shares = loops.measured(runaway.growing_context, SESSIONS)

    assert shares.median(loops.DEFAULT) == 4


def test_the_same_request_is_stopped_at_the_fifth_unless_two_send_theirs_in_turn() -> None:
    shares = loops.measured(runaway.same_request, SESSIONS)

    assert set(shares.fired_at["stop-same-prompt"]) <= {5, 9}


def test_the_page_states_the_figures_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs/loops.md").read_text()

    assert [row for row in loops.rows() if row not in page] == []
