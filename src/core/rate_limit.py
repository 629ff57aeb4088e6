"""Exact request rates by GCRA: one moment per key says how far ahead of its allowance a caller is.

A limit of n a minute admits a burst of n, then one every 60/n seconds. The state is a moment in microseconds, so no
fraction is lost at any rate.
"""

from dataclasses import dataclass

MINUTE_US = 60_000_000


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
