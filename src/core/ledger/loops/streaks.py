"""What one agent does again: the same whole request, the same step or few steps in turn.

Theory of operation. A request is the same as one of the last four different ones: two workers under one name, each
sending its own again and again, are two streaks and not none. Steps are stricter, for the same command between others
is how work looks (edit, test, edit, test): only a block of one to four steps that came again with nothing between is
a repeat. For each length of block it is enough to know for how many steps each was the same as the one that many
before; so a streak is exact however long it gets, and the state is four digests.

The rule easy to break: one request is one step. An SDK's retry, or several samples of one request, repeat the request
and not the step.
"""

import msgspec

PROMPTS_KEPT = 4
PROMPT_GAP_MS = 10 * 60_000
PERIOD_MAX = 4
STEP_GAP_MS = 5 * 60_000
"""Whoever asks more seldom is waiting for something."""

STREAK_MAX = 2**53


class Prompt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A whole request, and how often it came without a gap."""

    digest: str
    streak: int
    at_ms: int
    """When it last did."""


class Steps(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last steps, and for each length of block how many in a row were the same as the one a block earlier."""

    last: tuple[str, ...] = ()
    same: tuple[int, ...] = ()
    failed: int = 0
    """How many in a row failed."""
    at_ms: int = 0


NO_STEPS = Steps()


def prompt_streak(prompts: tuple[Prompt, ...], digest: str, at_ms: int) -> int:
    """How often the request has come, with this one."""
    for prompt in prompts:
        if prompt.digest == digest:
            return prompt.streak + 1 if abs(at_ms - prompt.at_ms) <= PROMPT_GAP_MS else 1
    return 1


def is_last(prompts: tuple[Prompt, ...], digest: str | None) -> bool:
    """Whether a request is the one that came last."""
    return bool(prompts) and prompts[-1].digest == digest


def with_prompt(prompts: tuple[Prompt, ...], digest: str, at_ms: int) -> tuple[Prompt, ...]:
    streak = min(STREAK_MAX, prompt_streak(prompts, digest, at_ms))
    others = [prompt for prompt in prompts if prompt.digest != digest]
    return (*others, Prompt(digest, streak, at_ms))[-PROMPTS_KEPT:]


def with_step(steps: Steps, digest: str, *, is_failed: bool, at_ms: int) -> Steps:
    if not steps.last or abs(at_ms - steps.at_ms) > STEP_GAP_MS:
        return Steps((digest,), (0,) * PERIOD_MAX, int(is_failed), at_ms)
    last, count = steps.last, len(steps.last)
    same = tuple(
        [
            min(STREAK_MAX, steps.same[period - 1] + 1) if period <= count and last[-period] == digest else 0
            for period in range(1, PERIOD_MAX + 1)
        ]
    )
    failed = min(STREAK_MAX, steps.failed + 1) if is_failed else 0
    return Steps((*last, digest)[-PERIOD_MAX:], same, failed, at_ms)


def repeats(steps: Steps) -> int:
    """How often the block at the end came in a row: the most over all lengths."""
    return max([(count + period) // period for period, count in enumerate(steps.same, 1)], default=0)


def failed_repeats(steps: Steps) -> int:
    """The same, where every step of the blocks failed."""
    if not steps.failed:
        return 0
    return max(min(count + period, steps.failed) // period for period, count in enumerate(steps.same, 1))
