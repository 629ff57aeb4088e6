"""What a run of the overspend experiment came to: the provider's journal against the cap and against the ledger. Pure.

The provider's journal is the truth. A call it never saw cost nothing. Amounts are nano-dollars.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallTruth:
    """One call after the run. `charged` and `held` are what the ledger says, `billed` what the provider does, and
    `full` what the call costs when nothing stops it. `answered_at_s` orders the answers."""

    tag: str
    outcome: str
    """`refused`, or as in the call's record: `complete`, `cut`, `client_disconnected` and so on."""
    is_streaming: bool
    answered_at_s: float
    full_nanousd: int
    billed_nanousd: int = 0
    charged_nanousd: int = 0
    overrun_nanousd: int = 0


@dataclass(frozen=True, slots=True)
class OutcomeSums:
    """The calls that ended in one way."""

    calls: int
    billed_nanousd: int
    charged_nanousd: int
    differing_calls: int
    """Calls whose charge is not to the nano-dollar what the provider billed."""
    shortened_calls: int
    """Calls that came to less than they do when nothing stops them."""
    uncharged_nanousd: int
    """What the provider billed beyond the charge, call by call; charges above the bill do not make up for it."""
    overrun_nanousd: int
    """What was charged beyond the hold."""


@dataclass(frozen=True, slots=True)
class FalseRefusals:
    """Refusals that were wrong in hindsight.

    When all is settled, some of the cap is left. It is given, in the order in which they were refused, to every
    refused call whose actual cost still fits; those calls were refused falsely. A cut stream is treated likewise with
    the cost of the rest of its answer.
    """

    left_nanousd: int
    refused: int
    cut: int
    share_of_calls: float


def outcome_sums(calls: Iterable[CallTruth]) -> dict[str, OutcomeSums]:
    by_outcome: dict[str, list[CallTruth]] = {}
    for call in calls:
        by_outcome.setdefault(call.outcome, []).append(call)
    return {
        outcome: OutcomeSums(
            calls=len(group),
            billed_nanousd=sum(each.billed_nanousd for each in group),
            charged_nanousd=sum(each.charged_nanousd for each in group),
            differing_calls=sum(each.billed_nanousd != each.charged_nanousd for each in group),
            shortened_calls=sum(each.billed_nanousd < each.full_nanousd for each in group),
            uncharged_nanousd=sum(max(0, each.billed_nanousd - each.charged_nanousd) for each in group),
            overrun_nanousd=sum(each.overrun_nanousd for each in group),
        )
        for outcome, group in sorted(by_outcome.items())
    }


def over_cap_nanousd(calls: Iterable[CallTruth], cap_nanousd: int) -> int:
    return max(0, sum(each.billed_nanousd for each in calls) - cap_nanousd)


def false_refusals(calls: Sequence[CallTruth], cap_nanousd: int) -> FalseRefusals:
    left = at_first = max(0, cap_nanousd - sum(each.billed_nanousd for each in calls))
    found = {"refused": 0, "cut": 0}
    for call in sorted(calls, key=lambda each: each.answered_at_s):
        needs = call.full_nanousd - call.billed_nanousd
        if call.outcome in found and needs <= left:
            left -= needs
            found[call.outcome] += 1
    share = (found["refused"] + found["cut"]) / len(calls)
    return FalseRefusals(at_first, found["refused"], found["cut"], round(share, 5))
