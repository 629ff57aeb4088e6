"""Whom a call asks, and whom next when that one fails: the course of its attempts as a pure generator.

Theory of operation. `attempts` yields an `Attempt` and is sent what became of it, until somebody has served the call
(then nobody sends anything any more) or nobody is left worth asking. It yields `Skipped` for a hop that it leaves out
by itself, so that whoever drives it can say so. Every count is one for the whole logical call: attempts, time, money.

The rules easy to break: the place in the chain only ever advances, but for one resend of a repaired history; and a
chain never blocks a call, so where everybody is cooling the one that is done first is asked all the same.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from core.routing.failure import Failure, is_asked_for
from core.tenant.failover.chains import Chain


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one provider. At place 0 stands the call as its caller asked for it; from 1 on the chain's hops."""

    place: int
    provider: str | None = None
    """None at place 0: the caller has named it."""
    model: str | None = None
    first_byte_ms: int | None = None
    """How long a stream may take to begin; None leaves that to the Worker's settings. A whole answer begins when all of
    it is written, so for those only `left_ms` counts."""
    left_ms: int | None = None
    """Of the time that all attempts have together."""
    is_last: bool = True
    """Nobody would be asked after it, so its answer may pass as it comes."""
    insists: bool = False
    """It goes out although its target cools down: there is nobody else."""
    strips_history: bool = False
    """What other models have signed or sealed is taken out of the conversation."""
    window_above_tokens: int = 0
    """Its model must take more than this: it was too little for another one."""
    allows_paid: bool = False
    """It may cost money though the caller's own model costs none."""
    dollars_left_nanousd: int | None = None
    """What the call may still cost; None where nobody has set a limit."""

    def patience_ms(self, default_ms: int, *, is_streaming: bool) -> int:
        """How long it may take to begin its answer."""
        limits = (default_ms, self.left_ms, self.first_byte_ms if is_streaming else None)
        return max(1, min(limit for limit in limits if limit is not None))

    def is_hurried(self, patience_ms: int) -> bool:
        """It has the rest of the time only: that this was too short tells nothing of who was asked."""
        return self.place > 0 and self.left_ms is not None and self.left_ms <= patience_ms


AS_ASKED = Attempt(0)
"""The only attempt of a call that nobody else may serve."""


@dataclass(frozen=True, slots=True)
class Fell:
    """The attempt was made, and failed before anything of its answer had reached the caller."""

    failure: Failure
    cost_nanousd: int
    now_ms: int
    window_tokens: int | None = None
    """Of the model that was asked."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The attempt was not made: this hop cannot serve this call."""

    reason: str


@dataclass(frozen=True, slots=True)
class CoolingDown:
    """The attempt was not made: its target is left alone until then."""

    until_ms: int


Outcome = Fell | LeftOut | CoolingDown


@dataclass(frozen=True, slots=True)
class Skipped:
    """A hop that nobody needs to try."""

    place: int
    reason: str


@dataclass(slots=True)
class _Course:
    """Where the call stands."""

    chain: Chain
    asked_provider: str
    started_at_ms: int
    now_ms: int
    is_repaired: bool = False
    made: int = 0
    spent_nanousd: int = 0
    closed_accounts: dict[str, str] = field(default_factory=dict)
    """Providers whose account will do no better for a later hop, and why."""
    window_above_tokens: int = 0
    cooling: list[tuple[int, int]] = field(default_factory=list)
    """Until when, and the place."""

    def attempt(self, place: int) -> Attempt:
        hop = None if place == 0 else self.chain.hops[place - 1]
        is_last = place == len(self.chain.hops) or self.made + 1 >= self.chain.attempts_max
        most = self.chain.dollars_max_nanousd
        return Attempt(
            place,
            None if hop is None else hop.provider,
            None if hop is None else hop.model,
            first_byte_ms=self.chain.first_byte_ms,
            left_ms=self.left_ms,
            is_last=is_last,
            window_above_tokens=self.window_above_tokens,
            allows_paid=self.chain.allows_paid,
            dollars_left_nanousd=None if most is None else max(0, most - self.spent_nanousd),
        )

    @property
    def left_ms(self) -> int | None:
        """Of the time that all attempts have together."""
        deadline_ms = self.chain.deadline_ms
        return None if deadline_ms is None else deadline_ms - (self.now_ms - self.started_at_ms)

    @property
    def is_over(self) -> bool:
        """Whether there is no further attempt: too many, too late, too dear."""
        left_ms, most = self.left_ms, self.chain.dollars_max_nanousd
        is_spent = most is not None and self.spent_nanousd >= most
        return self.made >= self.chain.attempts_max or (left_ms is not None and left_ms <= 0) or is_spent

    def provider_of(self, place: int) -> str:
        return self.asked_provider if place == 0 else self.chain.hops[place - 1].provider

    def goes_on(self, place: int, fell: Fell) -> bool:
        """Take a failure into account; whether anybody else is to be asked after it."""
        self.made += 1
        self.spent_nanousd += fell.cost_nanousd
        self.now_ms = max(self.now_ms, fell.now_ms)
        failure = fell.failure
        if failure.skips_account:
            self.closed_accounts[self.provider_of(place)] = failure.kind
        if failure.needs_larger_window:
            self.window_above_tokens = max(self.window_above_tokens, fell.window_tokens or 0)
        if not is_asked_for(failure, self.chain.on) or (fell.cost_nanousd and not self.chain.after_uncertain):
            return False
        return not self.is_over


def attempts(
    chain: Chain, *, asked_provider: str, started_at_ms: int
) -> Generator[Attempt | Skipped, Outcome | None, None]:
    """The attempts of one call, the caller's own model first. Each `Attempt` has to be answered with its outcome, each
    `Skipped` with None."""
    course = _Course(chain, asked_provider, started_at_ms, started_at_ms)
    for place in range(len(chain.hops) + 1):
        closed = course.closed_accounts.get(course.provider_of(place))
        if closed is not None:
            yield Skipped(place, closed)
            continue
        attempt = course.attempt(place)
        outcome = yield attempt
        if isinstance(outcome, CoolingDown):
            course.cooling.append((outcome.until_ms, place))
        if isinstance(outcome, Fell) and outcome.failure.wants_repair and not course.is_repaired:
            course.is_repaired = True
            course.goes_on(place, outcome)
            if course.is_over:
                return
            outcome = yield replace(course.attempt(place), strips_history=True)
        if isinstance(outcome, Fell) and not course.goes_on(place, outcome):
            return
    for _, place in [] if course.made else sorted(course.cooling):
        outcome = yield replace(course.attempt(place), insists=True, is_last=True)
        if isinstance(outcome, Fell):
            return
