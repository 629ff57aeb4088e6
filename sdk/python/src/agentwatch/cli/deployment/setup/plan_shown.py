"""A plan and its carrying out, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from ...screen.columns import Record, state, value
from ...screen.screen import Screen
from .steps import Planned, Step

COLUMNS = (state("standing", "STANDING"), value("step", "STEP"), value("remark", "SEEN"), value("runs", "WOULD RUN"))


def records(planned: Sequence[Planned]) -> list[Record]:
    return [
        {
            "standing": "done" if each.standing.is_done else "to do",
            "step": each.step.name,
            "remark": each.standing.remark,
            "runs": "" if each.standing.is_done else "; ".join(each.step.commands),
        }
        for each in planned
    ]


def result(screen: Screen, planned: Sequence[Planned]) -> None:
    """As what was asked for, on standard output."""
    if screen.is_json:
        screen.document({"steps": records(planned)})
    else:
        screen.rows(records(planned), COLUMNS, empty="there is nothing to do")


def beforehand(screen: Screen, planned: Sequence[Planned]) -> None:
    """Before somebody is asked whether it may be done."""
    for each in planned:
        if each.standing.is_done:
            screen.say(f"  done   {each.step.name}: {each.standing.remark}")
        else:
            screen.say(f"  to do  {each.step.name}: {each.standing.remark}")
            for command in each.step.commands:
                screen.say(f"           {command}")


def progress(screen: Screen, step: Step, what: str) -> None:
    if what != "done before":
        screen.say(f"{step.name} …" if what == "runs" else f"{step.name}: {what}")
