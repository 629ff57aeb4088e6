"""Exact request rates by GCRA: one moment per key says how far ahead of its allowance a caller is.

A limit of n a minute admits a burst of n, then one every 60/n seconds. The state is a moment in microseconds, so
rounding gives away less than one of them a request. A request that asks several limits passes all of them or counts
against none.

Tokens are counted in the same way, by what they weigh: a call's input when it comes, estimated high, and at its end
what it really used. What its answer adds is known late, so a minute may see more than its limit by the answers that are
on their way; the next calls wait for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.bounds import RATE_KEYS_MAX
from core.ledger.loops.ruling import Candidate
from core.ledger.messages import RateDenied, RateLimits, RateLimitState

MINUTE_US = 60_000_000

TOKENS = "tokens:"
"""How the names begin under which tokens are counted."""


@dataclass(frozen=True, slots=True)
class RateVerdict:
    """Whether a request passes, and the state after it (unchanged when it does not)."""

    is_allowed: bool
    arrival_at_us: int
    remaining: int
    retry_after_ms: int
    reset_ms: int


def admit_request(arrival_at_us: int | None, *, limit_per_minute: int, now_ms: int) -> RateVerdict:
    """Judge one request against the theoretical arrival time of the last one."""
    now_us = now_ms * 1_000
    interval_us = MINUTE_US // limit_per_minute
    earliest_us = max(arrival_at_us or 0, now_us)
    next_us = earliest_us + interval_us
    ahead_us = next_us - now_us
    if ahead_us > MINUTE_US:
        wait_ms = -(-(ahead_us - MINUTE_US) // 1_000)
        reset_ms = -(-(earliest_us - now_us) // 1_000)
        return RateVerdict(False, arrival_at_us or 0, 0, wait_ms, reset_ms)
    remaining = (MINUTE_US - ahead_us) // interval_us
    return RateVerdict(True, next_us, remaining, 0, -(-ahead_us // 1_000))


def admit_tokens(arrival_at_us: int | None, tokens: int, *, limit_per_minute: int, now_ms: int) -> RateVerdict:
    """Judge a call of so many tokens likewise. One of more than a minute's passes where nobody is before it."""
    now_us = now_ms * 1_000
    earliest_us = max(arrival_at_us or 0, now_us)
    next_us = earliest_us + tokens_us(tokens, limit_per_minute)
    ahead_us = next_us - now_us
    if ahead_us > MINUTE_US and earliest_us > now_us:
        wait_us = min(ahead_us - MINUTE_US, earliest_us - now_us)
        return RateVerdict(False, arrival_at_us or 0, 0, -(-wait_us // 1_000), -(-(earliest_us - now_us) // 1_000))
    remaining = max(0, MINUTE_US - ahead_us) * limit_per_minute // MINUTE_US
    return RateVerdict(True, next_us, remaining, 0, -(-ahead_us // 1_000))


def tokens_us(tokens: int, limit_per_minute: int) -> int:
    """How long so many tokens take at a limit; fewer than none is time that comes back."""
    return -(-tokens * MINUTE_US // limit_per_minute)


@dataclass(frozen=True, slots=True)
class Passed:
    """A request within its limits: the tightest of them, and the arrivals to be noted once it has been admitted."""

    state: RateLimitState | None
    arrivals_us: dict[str, int]


def requests_among(arrivals_us: Mapping[str, int]) -> dict[str, int]:
    """What a call that was refused is counted under: it has asked, and reads no token."""
    return {name: moment for name, moment in arrivals_us.items() if not name.startswith(TOKENS)}


class Throttles:
    """The throttles among one call's rules. Each that lets the call pass is to be noted once it has been admitted, or
    refused for another reason."""

    def __init__(self, arrivals: "Arrivals", now_ms: int) -> None:
        self._arrivals = arrivals
        self._now_ms = now_ms
        self.arrivals_us: dict[str, int] = {}

    def wait_ms(self, candidate: Candidate) -> int:
        """How long this throttle makes the call wait; zero lets it pass."""
        rate = candidate.rate
        if rate is None or rate.counted_as in self.arrivals_us:
            return 0
        known_us = self._arrivals.moment_us(rate.counted_as)
        verdict = admit_request(known_us, limit_per_minute=rate.per_minute, now_ms=self._now_ms)
        if verdict.is_allowed:
            self.arrivals_us[rate.counted_as] = verdict.arrival_at_us
        return verdict.retry_after_ms


class Arrivals:
    """The rate limiter of one tenant: a moment for the tenant, one for each of its keys, and one for whatever its
    rules count."""

    def __init__(self) -> None:
        self._arrivals_us: dict[str, int] = {}

    def judge(self, limits: RateLimits | None, now_ms: int, *, tokens: int | None = None) -> Passed | RateDenied:
        """Ask every limit; nothing is counted before `note`. `tokens` are those that are to be read: without them
        nothing is to be spent, or it is spent already, and no limit of tokens refuses that."""
        if limits is None:
            return Passed(None, {})
        passed = self._judge_requests(limits, now_ms)
        return passed if isinstance(passed, RateDenied) else self._judge_tokens(passed, limits, tokens, now_ms)

    def _judge_requests(self, limits: RateLimits, now_ms: int) -> Passed | RateDenied:
        asked = [("tenant", limits.tenant_requests_per_minute)]
        if limits.key_id is not None:
            asked.append((f"key:{limits.key_id}", limits.key_requests_per_minute))
        tightest: RateLimitState | None = None
        arrivals_us: dict[str, int] = {}
        for name, limit in asked:
            if limit is None:
                continue
            verdict = admit_request(self._arrivals_us.get(name), limit_per_minute=limit, now_ms=now_ms)
            state = RateLimitState(limit_per_minute=limit, remaining=verdict.remaining, reset_ms=verdict.reset_ms)
            if not verdict.is_allowed:
                return RateDenied(rate=state, retry_after_ms=verdict.retry_after_ms)
            arrivals_us[name] = verdict.arrival_at_us
            if tightest is None or state.remaining < tightest.remaining:
                tightest = state
        return Passed(tightest, arrivals_us)

    def _judge_tokens(self, passed: Passed, limits: RateLimits, tokens: int | None, now_ms: int) -> Passed | RateDenied:
        asked = [(f"{TOKENS}tenant", limits.tenant_tokens_per_minute)]
        if limits.key_id is not None:
            asked.append((f"{TOKENS}key:{limits.key_id}", limits.key_tokens_per_minute))
        arrivals_us = dict(passed.arrivals_us)
        for name, limit in asked:
            if limit is None:
                continue
            verdict = admit_tokens(self._arrivals_us.get(name), tokens or 0, limit_per_minute=limit, now_ms=now_ms)
            if not verdict.is_allowed and tokens is not None:
                state = RateLimitState(
                    limit_per_minute=limit, remaining=0, reset_ms=verdict.reset_ms, unit="tokens"
                )  # fmt: skip
                return RateDenied(rate=state, retry_after_ms=verdict.retry_after_ms)
            arrivals_us[name] = verdict.arrival_at_us
        return Passed(passed.state, arrivals_us)

    def shift(self, name: str, by_us: int, now_ms: int) -> None:
        """What was counted under a name turns out to be more, or less."""
        if len(self._arrivals_us) < RATE_KEYS_MAX or name in self._arrivals_us:
            known_us = self._arrivals_us.get(name, 0)
            self._arrivals_us[name] = max(known_us, now_ms * 1_000 if by_us > 0 else 0) + by_us

    def moment_us(self, name: str) -> int | None:
        """How far ahead the calls that are counted under a name are."""
        return self._arrivals_us.get(name)

    def note(self, arrivals_us: Mapping[str, int]) -> None:
        """Remember admissions, in any order. A key beyond the bound is followed by the tenant's limit alone."""
        for name, arrival_us in arrivals_us.items():
            known_us = self._arrivals_us.get(name)
            if known_us is not None or len(self._arrivals_us) < RATE_KEYS_MAX:
                self._arrivals_us[name] = max(arrival_us, known_us or 0)

    def forget_past(self, now_ms: int) -> None:
        """Drop what no longer holds anybody back."""
        now_us = now_ms * 1_000
        self._arrivals_us = {name: moment for name, moment in self._arrivals_us.items() if moment > now_us}

    def moments(self) -> dict[str, int]:
        """What a checkpoint keeps."""
        return dict(self._arrivals_us)
