"""What a call's rules come to, decided from the rules that its request has met and from its session's facts.

Rules are asked in their order. One whose session half is not met, or is not known, is passed over. A tag, an alert and
a redaction are noted, and the next rule is asked; every other action ends the rules. A throttle ends them only where it
is exceeded: whoever keeps to a rate is still subject to what comes after. Rules in shadow are asked in a second pass,
as if they were in force, and change nothing.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec

from core.bounds import SCOPE_ID_CHARACTERS_MAX
from core.ledger.loops.turns import SessionFacts

Action = Literal["allow", "block", "throttle", "downgrade", "pause_session", "alert", "tag", "redact"]
SessionField = Literal[
    "iteration",
    "session_spend_nanousd",
    "spend_per_hour_nanousd",
    "growth_ratio",
    "requests_per_minute",
    "requests_per_hour",
    "repeated_prompt",
    "repeated_step",
    "step_errors",
    "compactions",
]
"""A member of `SessionFacts`."""

Severity = Literal["info", "warning", "critical"]
"""How much an alert presses. What is critical is told by itself however much else there is; nothing else depends on
it."""

Name = Annotated[str, msgspec.Meta(max_length=SCOPE_ID_CHARACTERS_MAX)]

ACCUMULATED = frozenset({"alert", "tag", "redact"})
"""What is noted, and ends nothing."""


UNKNOWN_TOLD_MAX = 20
"""Rules that could not be judged: a ruling is kept with its hold, of which there may be ten thousand."""


class SessionNeed(msgspec.Struct, frozen=True, array_like=True):
    """A fact of the session must be at least so much."""

    field: SessionField
    least: int | float


class Rate(msgspec.Struct, frozen=True, array_like=True):
    """How often, and which of the tenant's arrivals are counted together."""

    counted_as: Annotated[str, msgspec.Meta(max_length=2 * SCOPE_ID_CHARACTERS_MAX)]
    per_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """A rule whose request half is met, as it travels to the ledger."""

    id: Name
    name: Name
    action: Action
    is_shadow: bool = False
    needs: tuple[SessionNeed, ...] = ()
    """The session half; every one must be met."""
    rate: Rate | None = None
    """Of a throttle."""
    severity: Severity = "warning"
    """Of an alert."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the rules. `rule` is the one that ended them with `action`, `fired` all that acted, in order."""

    action: Action | None = None
    rule: Name | None = None
    fired: tuple[Name, ...] = ()
    retry_after_ms: int = 0


NOTHING_DONE = Verdict()


class Ruling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is done, what would be done if the rules in shadow were in force (None where that is the same), and which
    rules could not be judged for want of a fact."""

    done: Verdict = NOTHING_DONE
    would_do: Verdict | None = None
    unknown: tuple[Name, ...] = ()


NO_RULES = Ruling()

WaitOf = Callable[[Candidate], int]
"""For how many milliseconds a throttle makes this call wait; zero lets it pass."""


def rule_on(candidates: Sequence[Candidate], facts: SessionFacts, wait_of: WaitOf) -> Ruling:
    """The ruling on a call. `candidates` stand in the order in which they are asked."""
    if not candidates:
        return NO_RULES
    met, unknown = [], []
    for candidate in candidates:
        is_met = _is_met(candidate, facts)
        if is_met:
            met.append(candidate)
        elif is_met is None:
            unknown.append(candidate.id)
    done = _verdict([each for each in met if not each.is_shadow], wait_of)
    would_do = _verdict(met, wait_of) if any(each.is_shadow for each in met) else done
    return Ruling(done=done, would_do=None if would_do == done else would_do, unknown=tuple(unknown[:UNKNOWN_TOLD_MAX]))


def _verdict(met: Sequence[Candidate], wait_of: WaitOf) -> Verdict:
    fired: list[str] = []
    for candidate in met:
        wait_ms = wait_of(candidate) if candidate.action == "throttle" else 0
        if candidate.action == "throttle" and not wait_ms:
            continue
        fired.append(candidate.id)
        if candidate.action not in ACCUMULATED:
            return Verdict(action=candidate.action, rule=candidate.id, fired=tuple(fired), retry_after_ms=wait_ms)
    return Verdict(fired=tuple(fired))


def _is_met(candidate: Candidate, facts: SessionFacts) -> bool | None:
    """None: no fact speaks against it, and one is missing."""
    is_known = True
    for need in candidate.needs:
        fact = getattr(facts, need.field)
        if fact is None:
            is_known = False
        elif fact < need.least:
            return False
    return True if is_known else None
