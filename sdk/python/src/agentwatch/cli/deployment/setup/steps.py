"""A deployment as a list of steps. The plan that is shown, the run and a later run that goes on read the same list.

A step knows what it runs and how one sees that it is done; it counts on the steps before it. The rule easy to break:
`look` only looks, and asks the place where the thing is; a note of our own may say that something is to be done again,
never alone that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...failures import CommandFailed


class StepFailed(CommandFailed):
    """A step cannot be done. The message says why and what to do; running again goes on from here."""

    def __init__(self, message: str) -> None:
        super().__init__(message, advice="run `agentwatch init` again: it goes on from here", kind="step_failed")


@dataclass(frozen=True)
class Standing:
    """How a step stands: done or not, and by what one sees it."""

    is_done: bool
    remark: str


@dataclass(frozen=True)
class Step:
    name: str
    commands: tuple[str, ...]
    """What it would run, as a person could type it; secrets are named, never shown."""
    look: Callable[[], Standing]
    run: Callable[[], None]


@dataclass(frozen=True)
class Planned:
    """A step as it stands before anything is run."""

    step: Step
    standing: Standing


Say = Callable[[Step, str], None]
"""Told what becomes of a step: `done before`, `runs` or `done`."""


def plan(steps: Sequence[Step]) -> tuple[Planned, ...]:
    return tuple(Planned(step, step.look()) for step in steps)


def carry_out(steps: Sequence[Step], say: Say) -> None:
    """Do what is not done, in order. Each step is looked at again just before it and just after it. Raises
    `StepFailed`."""
    for step in steps:
        if step.look().is_done:
            say(step, "done before")
            continue
        say(step, "runs")
        step.run()
        after = step.look()
        if not after.is_done:
            raise StepFailed(f"{step.name}: was run and still is not done: {after.remark}")
        say(step, "done")
