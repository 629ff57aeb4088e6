"""The request half of every rule: which of a tenant's rules a call has met before its session is asked.

Theory of operation. A rule is met, not met, or not known: one fact that speaks against it is enough for no, and where
none does one that is missing makes it unknown. What is met travels to the ledger, in order, up to the first rule that
is certain to end the rules. A downgrade that is certain already is carried out before the ledger is asked, and the call
is judged again as what it has become.
"""

from dataclasses import dataclass, field

from core.ledger.loops.ruling import ACCUMULATED, Candidate, Verdict
from core.tenant.document import Broken
from core.tenant.rules.checks import Test
from core.tenant.rules.compiled import CompiledRule, CompiledRules
from core.tenant.rules.facts import CallView, RequestFacts

FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What a mistake in one condition's code may raise. Its rule is skipped and named; the others hold."""


@dataclass(frozen=True, slots=True)
class RequestVerdict:
    """What the rules make of a request."""

    candidates: tuple[Candidate, ...] = ()
    """Rules whose request half is met, in the order in which they are asked."""
    downgrade: CompiledRule | None = None
    """It is certain to be what ends the rules: the call is planned anew before the ledger is asked."""
    redacts: tuple[str, ...] = ()
    """Rules in force by which the request is redacted; they are candidates, too."""
    unknown: tuple[str, ...] = ()
    """Rules that could not be judged for want of a fact."""
    failed: tuple[Broken, ...] = ()

    @property
    def for_ledger(self) -> tuple[Candidate, ...]:
        """Those that the ledger has to be asked about. What is noted wherever it is reached, and nowhere told, is not
        worth the journey: `fired` knows."""
        return tuple(each for each in self.candidates if not _is_certain(each))

    def fired(self, done: Verdict) -> tuple[str, ...]:
        """All rules that acted, in order, by what the ledger has said of those it was asked about."""
        asked, found = set(done.fired), []
        for candidate in self.candidates:
            if candidate.id in asked or _is_certain(candidate):
                found.append(candidate.id)
            if candidate.id == done.rule:
                break
        return tuple(found)


def _is_certain(candidate: Candidate) -> bool:
    return not candidate.is_shadow and not candidate.needs and candidate.action in ("tag", "redact")


NOTHING_MET = RequestVerdict()


def judge_request(rules: CompiledRules, facts: RequestFacts, *, is_downgraded: bool = False) -> RequestVerdict:
    """A call is downgraded once: the second time, what would do so again is passed over."""
    if not rules.in_order:
        return NOTHING_MET
    view, pile = CallView(facts), _Pile()
    for rule in rules.in_order:
        if rule.expires_at_ms is not None and has_expired(rule, facts.at_ms):
            continue
        if is_downgraded and rule.type == "downgrade":
            continue
        try:
            is_met = meets(rule.tests, view)
            if is_met:
                pile.add(rule, rule.candidate_of(facts))
        except FAULTS as error:
            pile.failed.append(Broken(rule.id, f"its condition cannot be judged ({type(error).__name__})"))
            continue
        if is_met is None:
            pile.unknown.append(rule.id)
        elif is_met and rule.ends_rules:
            break
    return pile.verdict()


def has_expired(rule: CompiledRule, at_ms: int) -> bool:
    return rule.expires_at_ms is not None and at_ms >= rule.expires_at_ms


def meets(tests: tuple[Test, ...], view: CallView) -> bool | None:
    """Whether all hold; None: none speaks against it, and one is not known."""
    is_known = True
    for test in tests:
        holds = test(view)
        if holds is None:
            is_known = False
        elif not holds:
            return False
    return True if is_known else None


@dataclass(slots=True)
class _Pile:
    """What has been found so far."""

    candidates: list[Candidate] = field(default_factory=list)
    redacts: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    failed: list[Broken] = field(default_factory=list)
    downgrade: CompiledRule | None = None
    may_have_ended: bool = False
    """A rule in force before may end the rules: the ledger will tell."""

    def add(self, rule: CompiledRule, candidate: Candidate) -> None:
        self.candidates.append(candidate)
        if rule.is_shadow:
            return
        if rule.type == "redact":
            self.redacts.append(rule.id)
        elif rule.type not in ACCUMULATED:
            if rule.ends_rules and rule.type == "downgrade" and not self.may_have_ended:
                self.downgrade = rule
            self.may_have_ended = True

    def verdict(self) -> RequestVerdict:
        return RequestVerdict(
            tuple(self.candidates), self.downgrade, tuple(self.redacts), tuple(self.unknown), tuple(self.failed)
        )
