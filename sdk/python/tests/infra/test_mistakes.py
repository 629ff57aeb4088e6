"""Whatever goes wrong in our own lines, the user's call goes on: a mistake is put at each line that a call runs."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from calls_made import a_guard, some_end, some_facts
from scripted_edge import ScriptedEdge

import agentwatch
from agentwatch import AgentBudgetCheckUnavailable
from agentwatch.guard import Guard

OURS = str(Path(agentwatch.__file__).parent)
CATCHES = {"begin", "end", "_not_begun", "_go_unasked"}
"""What is there for mistakes: one in the net itself falls through it."""
BUILDS = {"__init__", "next_iteration", "current_session", "is_proxied"}
"""A call that is not even a value yet."""


class Mistake(Exception):
    pass


def with_a_mistake_at(number: int, work: Callable[[], None]) -> int:
    """Run, and raise at the so many-th line of ours in this thread. How many lines there were."""
    seen = 0

    def at_line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal seen
        if event == "line" and not _is_of_a_lock(frame):
            seen += 1
            if seen == number:
                raise Mistake
        return at_line

    def at_call(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        is_ours = code.co_filename.startswith(OURS) and code.co_name not in CATCHES | BUILDS
        return at_line if is_ours else None

    before = sys.gettrace()
    sys.settrace(at_call)
    try:
        work()
    finally:
        sys.settrace(before)
    return seen


def _is_of_a_lock(frame: FrameType) -> bool:
    """The line takes or lets go of a lock, as the one of a `with` does when it is left: nothing in it can go wrong."""
    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return text.startswith("with ") or text == "try:" or ".release()" in text


@pytest.mark.parametrize("told", [{"enforcement_mode": True}, {"holds": True}], ids=["check", "hold"])
def test_no_mistake_at_any_line_reaches_the_users_call(edge: ScriptedEdge, told: dict[str, bool]) -> None:
    guard = a_guard(edge.url, **told)

    def call() -> None:
        guard.begin(some_facts()).end(some_end())

    call()
    lines = with_a_mistake_at(0, call)
    for number in range(1, lines + 1):
        with_a_mistake_at(number, call)

    assert lines > 50
    call()
    assert guard.flush(5)


def test_where_nothing_goes_unasked_a_mistake_stops_the_call_as_one_of_ours(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, enforcement_mode=True, enforcement_fail_open=False)
    outcomes = []

    def call() -> None:
        outcomes.append(begun(guard))

    lines = with_a_mistake_at(0, call)
    for number in range(1, lines + 1):
        with_a_mistake_at(number, call)

    assert lines > 50
    assert set(outcomes) <= {True, False}
    assert outcomes.count(False) > lines // 2


def begun(guard: Guard) -> bool:
    try:
        guard.begin(some_facts())
    except AgentBudgetCheckUnavailable:
        return False
    return True


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_to_end_the_program_ends_it(
    edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr("agentwatch.edge.http.Asking.wait", interrupted)
    guard = a_guard(edge.url, holds=True)

    with pytest.raises(error):
        guard.begin(some_facts())
