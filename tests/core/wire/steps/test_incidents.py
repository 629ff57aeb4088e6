"""Runaway agents as people have reported them, and agents at work that looked like one, in every dialect."""

import json
from collections.abc import Sequence

import pytest
from anthropic.types import MessageParam
from google.genai.types import Content
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import ResponseInputItemParam
from pydantic import TypeAdapter

from core.wire.steps.steps import read_steps
from tests.core.wire.steps.transcripts import DIALECTS, KEY, Call, Turn, ran

TASK = "Make the tests pass."
ASIDE = "<system-reminder>\nThe to-do list has not changed.\n</system-reminder>"
BLOCKED_AT = 5
"""From how many repeats on a ready rule blocks."""

FAILED_AT = 3


def edit(text: str, result: str = "The file has been updated.") -> Turn:
    return [Call(result, {"path": "a.py", "text": text}, name="edit")]


GREP = ran("grep -rn useSession src", "src/app.ts:12: useSession()\n" * 20)
MAKE = ran("make", "make: *** No rule to make target 'all'.  Stop.", is_error=True)
READ = [Call("def f(): ...\n" * 40, {"path": "a.py"}, name="read")]
PATCH = [
    Call(
        "Hunk #1 FAILED at 12.", {"patch": "*** Begin Patch\n-a\n+b\n*** End Patch"}, name="apply_patch", is_error=True
    )
]
TEST = ran("pytest -q", "E assert 1 == 2\n1 failed in the suite")

LOOPS: dict[str, list[Turn]] = {
    "one failing command, 300 times": [TASK, *[MAKE] * 300],
    "a search with equal output, 40 times": [TASK, GREP, READ, *[GREP] * 40],
    "two steps in turn": [TASK, *[READ, GREP] * 12],
    "a patch that never applies": [TASK, READ, *[PATCH, READ] * 8],
    "a cycle of four": [TASK, *[READ, edit("a"), TEST, edit("b")] * 6],
    "a cycle of three after honest work": [TASK, *(edit(str(n)) for n in range(20)), *[READ, edit("a"), TEST] * 6],
    "other words each time for the same command": [
        TASK,
        *([Call("No rule", {"command": "make", "description": f"Attempt {n}"}, is_error=True)] for n in range(9)),
    ],
    "reminders between the steps": [TASK, *[MAKE, ASIDE] * 8],
    "after a compaction": ["Summary of what was done so far: nothing.", *[MAKE] * 6],
    "several calls at once, each time the same": [TASK, *[[*GREP, *READ]] * 7],
}

WORK: dict[str, list[Turn]] = {
    "many files edited with the same answer": [TASK, *(edit(str(n)) for n in range(30))],
    "tests run after each change": [TASK, *(turn for n in range(15) for turn in (edit(str(n)), TEST))],
    "a debugger's next": [TASK, *([Call(f"> a.py({n})", {}, name="next")] for n in range(20))],
    "polling a job that goes on": [TASK, *(ran("status", json.dumps({"done": n})) for n in range(20))],
    "a file read again after each change": [
        TASK, *(turn for n in range(10) for turn in (edit(str(n)), [Call(f"version {n}", {"path": "a.py"}, name="read")]))
    ],
    "errors that differ": [TASK, *(ran("make", f"error in line {n}", is_error=True) for n in range(10))],
    "a person who asks for the same again": [turn for _ in range(8) for turn in ("Again, please.", MAKE)],
    "a loop that a person has ended": [TASK, *[MAKE] * 50, "Stop, read the README first.", READ],
}  # fmt: skip


def times(name: str, turns: Sequence[Turn]) -> tuple[int, int]:
    dialect, write = DIALECTS[name]
    told = read_steps(json.dumps(write(turns)).encode(), dialect, key=KEY)
    return told.repeated_steps, told.failed_steps


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("incident", LOOPS)
def test_a_loop_is_told(name: str, incident: str) -> None:
    if incident.startswith("several") and "legacy" in name:
        incident = "two steps in turn"

    assert times(name, LOOPS[incident])[0] >= BLOCKED_AT


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("case", WORK)
def test_work_is_no_loop(name: str, case: str) -> None:
    repeated, failed = times(name, WORK[case])

    assert repeated < FAILED_AT
    assert failed < FAILED_AT


@pytest.mark.parametrize("name", DIALECTS)
def test_a_loop_is_told_at_the_step_that_makes_it_one(name: str) -> None:
    counts = [times(name, [TASK, READ, *[MAKE] * count]) for count in range(1, 8)]

    assert counts == [(count, count) for count in range(1, 8)]


TYPES = {
    "openai_chat": ("messages", ChatCompletionMessageParam),
    "openai_chat, legacy": ("messages", ChatCompletionMessageParam),
    "openai_responses": ("input", ResponseInputItemParam),
    "anthropic_messages": ("messages", MessageParam),
    "gemini": ("contents", Content),
    "gemini in snake_case": ("contents", Content),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_transcripts_here_are_what_the_sdks_take(name: str) -> None:
    _, write = DIALECTS[name]
    member, kind = TYPES[name]

    TypeAdapter(list[kind]).validate_python(write([TASK, MAKE, GREP, ASIDE])[member])
