"""What loops are caught and what work is taken for one, on made-up sessions: `PYTHONPATH=src python -m
tests.calibration.loops`. `docs/loops.md` shows the table.

Every session runs through the very functions that the ledger asks, call by call in the order in which they would come,
and for each detector it is noted at which call it fired first. A session goes on as if nothing had stopped it.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from core.ledger.loops import history as histories
from core.ledger.loops.ruling import Candidate, SessionNeed, rule_on
from core.ledger.loops.sizes import is_runaway
from core.ledger.loops.turns import SessionFacts, Turn
from tests.calibration import healthy, runaway
from tests.calibration.sessions import Call

SEED = 20_261
SESSIONS = 1_000
USD = 1_000_000_000


@dataclass(frozen=True)
class Detector:
    """A ready rule: the part of its condition that the request meets, and the part that the session does."""

    name: str
    needs: tuple[SessionNeed, ...]
    prompt_tokens_min: int = 0

    def fires(self, turn: Turn, facts: SessionFacts) -> bool:
        if (turn.prompt_tokens or 0) < self.prompt_tokens_min:
            return False
        rule = Candidate(id=self.name, name=self.name, action="block", needs=self.needs)
        return rule_on([rule], facts, lambda _: 0).done.action == "block"


DEFAULT = "default alert"
RULES = (
    Detector(
        "stop-growth-loop", (SessionNeed("growth_ratio", 1.4), SessionNeed("session_spend_nanousd", 2 * USD)), 32_000
    ),
    Detector("stop-same-prompt", (SessionNeed("repeated_prompt", 5),)),
    Detector("stop-same-step", (SessionNeed("repeated_step", 5),)),
    Detector("stop-failing-step", (SessionNeed("step_errors", 3),)),
    Detector("stop-storm", (SessionNeed("requests_per_minute", 60),)),
    Detector("stop-compaction-thrash", (SessionNeed("compactions", 3),)),
)
STRICTER = (
    Detector("growth, 64,000 tokens, no spend", (SessionNeed("growth_ratio", 1.4),), 64_000),
    Detector("same request 11 times", (SessionNeed("repeated_prompt", 11),)),
    Detector("same step 8 times", (SessionNeed("repeated_step", 8),)),
    Detector("failing step 5 times", (SessionNeed("step_errors", 5),)),
    Detector("120 a minute", (SessionNeed("requests_per_minute", 120),)),
    Detector("4 compactions", (SessionNeed("compactions", 4),)),
)
"""The same signals where fewer false alarms are worth a later catch; of growth, where more is caught."""


def first_fired(calls: list[Call], rules: Sequence[Detector] = RULES) -> dict[str, int]:
    """At which call of a session, counted from one, each detector fired first."""
    history, spent, number, decided = histories.EMPTY, 0, 0, 0
    open_calls: dict[int, Call] = {}
    fired: dict[str, int] = {}
    for place, is_end in _events(calls):
        call = calls[place]
        if is_end:
            del open_calls[place]
            number += 1
            spent += call.cost_nanousd
            history = ended(history, call, number)
            if histories.runaway_at_end(history, call.turn.agent):
                fired.setdefault(DEFAULT, decided)
            continue
        decided += 1
        facts = histories.facts_of(
            history,
            call.turn,
            open_began_at_ms=[each.began_at_ms for each in open_calls.values()],
            earlier_tokens=None,
            spent_nanousd=spent,
            now_ms=call.began_at_ms,
        )
        open_calls[place] = call
        if is_runaway(histories.sizes_of(history, call.turn)):
            fired.setdefault(DEFAULT, decided)
        for rule in rules:
            if rule.name not in fired and rule.fires(call.turn, facts):
                fired[rule.name] = decided
    return fired


def ended(history: histories.SessionHistory, call: Call, number: int) -> histories.SessionHistory:
    return histories.with_ended(
        history,
        call.turn,
        number=number,
        began_at_ms=call.began_at_ms,
        ended_at_ms=call.ended_at_ms,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        cost_nanousd=call.cost_nanousd,
    )


def _events(calls: list[Call]) -> list[tuple[int, bool]]:
    """Admissions and ends as they come: which call, and whether it ends."""
    moments = [(call.began_at_ms, 1, place) for place, call in enumerate(calls)]
    moments += [(max(call.ended_at_ms, call.began_at_ms + 1), 0, place) for place, call in enumerate(calls)]
    return [(place, not is_admission) for _, is_admission, place in sorted(moments)]


@dataclass
class Shares:
    """How often each detector fired in sessions of one kind, and at which call."""

    sessions: int
    fired_at: dict[str, list[int]]

    def share(self, detector: str) -> float:
        return len(self.fired_at[detector]) / self.sessions

    def median(self, detector: str) -> int | None:
        steps = self.fired_at[detector]
        return statistics.median_low(steps) if steps else None


def measured(make: Callable[[Random], list[Call]], sessions: int, rules: Sequence[Detector] = RULES) -> Shares:
    shares = Shares(sessions, {name: [] for name in (DEFAULT, *(rule.name for rule in rules))})
    for number in range(sessions):
        for name, step in first_fired(make(Random(SEED * 1_000 + number)), rules).items():
            shares.fired_at[name].append(step)
    return shares


def healthy_row(kind: str, shares: Shares, names: Iterable[str]) -> str:
    """The share of sessions that were taken for loops, as Markdown."""
    return f"| {kind} | {' | '.join(_percent(shares.share(name)) for name in names)} |"


def loop_row(kind: str, shares: Shares, names: Iterable[str]) -> str:
    """The share of loops that were caught, and the median call at which they were, as Markdown."""
    return f"| {kind} | {' | '.join(_caught(shares, name) for name in names)} |"


def _caught(shares: Shares, name: str) -> str:
    step = shares.median(name)
    return _percent(shares.share(name)) + ("" if step is None else f" ({step})")


def _percent(share: float) -> str:
    """To a tenth below ten per cent, where a tenth is a session or two."""
    return f"{100 * share:.0f}" if share in (0, 1) or share >= 0.1 else f"{100 * share:.1f}"


def rows(sessions: int = SESSIONS) -> Iterator[str]:
    """Both tables, as Markdown."""
    rules = (*RULES, *STRICTER)
    work = {kind: measured(make, sessions // len(healthy.KINDS), rules) for kind, make in healthy.KINDS.items()}
    loops = {kind: measured(make, sessions // len(runaway.KINDS), rules) for kind, make in runaway.KINDS.items()}
    for names in ((DEFAULT, *(rule.name for rule in RULES)), tuple(rule.name for rule in STRICTER)):
        line = f" | {' | '.join(names)} |\n| --- |{' --- |' * len(names)}"
        yield f"| work: % that fire{line}"
        yield from (healthy_row(kind, shares, names) for kind, shares in work.items())
        yield f"\n| loops: % caught (at call){line}"
        yield from (loop_row(kind, shares, names) for kind, shares in loops.items())
        yield ""


def main() -> None:
    for row in rows():
        print(row)


if __name__ == "__main__":
    main()
