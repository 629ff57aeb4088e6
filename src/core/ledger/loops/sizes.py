"""How large one agent's prompts have been: the last five counts, how estimates relate to them, and the falls.

Theory of operation. A provider's count of all input is a point. Points stand in the order in which their calls began:
of calls that run at once the small ones end first, and in the order of their ends any burst would look like growth.
Calls that ran at once are one point, the largest of them, for none of them grew out of another. A call that has not
ended is no point yet; it is compared by its estimate times the last call's count over that call's estimate, since
estimates are high on purpose, by a factor that differs from one kind of prompt to the next.

A fall to less than half is a compaction, unless the next calls say otherwise: a side call or a subagent under the same
name is small too, and then the conversation goes on where it was. So a step that more than doubles, to at least the
size before a fall, takes that fall back; and a fall that begins low, below half of where the one before began, is a
part of it.
"""

from collections.abc import Sequence

import msgspec

from core.ledger.loops.turns import Turn

POINTS_KEPT = 5
FALLS_KEPT = 8
FALLS_COUNT_MS = 15 * 60_000
FALL_TOKENS_MIN = 32_000
"""Compaction is for windows that fill. Smaller prompts are different questions, and vary by half all the time."""

SETTLED_LATE_MS = 500
"""A client has its answer before the ledger hears that the call is over, and may have sent the next one by then."""

TOKENS_MAX = 2**53
"""Far beyond any prompt: scaled estimates stop here."""

RATIOS = 3
RUNAWAY_TENTHS = 14
"""The published detector: each of the last three growths is more than 1.4."""


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True):
    """What an ended call's prompt came to, or the largest of several that ran at once."""

    began_at_ms: int
    number: int
    """Of the call's end: it orders calls that began together."""
    prompt_tokens: int
    took_ms: int = 0


class Fall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When the prompt had fallen, and from what."""

    at_ms: int
    before_tokens: int


class Sizes(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One agent's sizes. `counted` and `estimated` are of the last call that had both."""

    points: tuple[Point, ...] = ()
    counted: int = 0
    estimated: int = 0
    falls: tuple[Fall, ...] = ()


def with_point(sizes: Sizes, point: Point, turn: Turn) -> Sizes:
    """The sizes with what a call came to. A call that began before all that are kept is none of the last any more."""
    counted, estimated = sizes.counted, sizes.estimated
    if turn.prompt_tokens and not turn.is_continued:
        counted, estimated = point.prompt_tokens, turn.prompt_tokens
    points = _in_order(sizes.points, point)
    falls = sizes.falls
    if not sizes.points or points[-1] != sizes.points[-1]:
        if len(points) <= len(sizes.points):
            # A call beside it has made the last point another one: what looked like a fall to the smaller was none.
            falls = tuple([fall for fall in falls if fall.at_ms < points[-1].began_at_ms])
        if len(points) > 1:
            falls = _falls_after(falls, points[-2].prompt_tokens, points[-1].prompt_tokens, points[-1].began_at_ms)
    return Sizes(points[-POINTS_KEPT:], counted, estimated, falls)


def current_size(sizes: Sizes, turn: Turn, earlier_tokens: int | None) -> int | None:
    """What the call being decided counts as, or None.

    Where the agent has points and no call of it had an estimate yet (they were all reported, or all continued what is
    stored elsewhere), its estimate is on no scale that the points are on: a prompt would seem to grow, or to shrink, by
    what estimates are high. Of the first call there is nothing to compare, and its estimate stands as it is.
    """
    estimate = turn.prompt_tokens
    if not estimate:
        return None
    if turn.is_continued:
        return None if earlier_tokens is None else min(TOKENS_MAX, earlier_tokens + estimate)
    if sizes.estimated:
        return min(TOKENS_MAX, max(1, estimate * sizes.counted // sizes.estimated))
    return None if sizes.points else estimate


def recent(sizes: Sizes, current: int | None = None) -> tuple[int, ...]:
    """The last five sizes, the oldest first, the call being decided included where its size is known."""
    tokens = tuple([point.prompt_tokens for point in sizes.points])
    return tokens if current is None else (*tokens, current)[-POINTS_KEPT:]


def growth_ratio(sizes: Sequence[int]) -> float | None:
    """The least of the last three growths; None with fewer than four sizes."""
    if len(sizes) <= RATIOS:
        return None
    first, second, third, last = sizes[-4:]
    return min(second / first, third / second, last / third)


def is_runaway(sizes: Sequence[int], *, floor_tokens: int = 0) -> bool:
    """The published detector: at least four sizes, the last three growths all above 1.4, and the last size no less than
    the floor. In whole numbers, so that a growth of exactly 1.4 is none."""
    if len(sizes) <= RATIOS or sizes[-1] < floor_tokens:
        return False
    return all(10 * after > RUNAWAY_TENTHS * before for before, after in zip(sizes[-4:], sizes[-3:], strict=False))


def falls_until(sizes: Sizes, current: int | None, now_ms: int) -> int:
    """How many compactions the last quarter of an hour has seen, the call being decided included."""
    falls = sizes.falls
    if current is not None and sizes.points:
        falls = _falls_after(falls, sizes.points[-1].prompt_tokens, current, now_ms)
    return len([fall for fall in falls if abs(now_ms - fall.at_ms) < FALLS_COUNT_MS])


def _in_order(points: tuple[Point, ...], point: Point) -> tuple[Point, ...]:
    if not points or (point > points[-1] and not _ran_at_once(points[-1], point)):
        return (*points, point)
    others = []
    for each in points:
        if _ran_at_once(*sorted((each, point))):
            point = _together(each, point)
        else:
            others.append(each)
    return tuple(sorted((*others, point)))


def _ran_at_once(first: Point, second: Point) -> bool:
    """Whether the second began in the first half of the first: far from its end, however late that was told."""
    apart_ms = second.began_at_ms - first.began_at_ms
    return 2 * apart_ms < first.took_ms and first.took_ms - apart_ms > SETTLED_LATE_MS


def _together(one: Point, other: Point) -> Point:
    began_at_ms = min(one.began_at_ms, other.began_at_ms)
    ended_at_ms = max(one.began_at_ms + one.took_ms, other.began_at_ms + other.took_ms)
    tokens = max(one.prompt_tokens, other.prompt_tokens)
    return Point(began_at_ms, max(one.number, other.number), tokens, ended_at_ms - began_at_ms)


def _falls_after(falls: tuple[Fall, ...], before: int, after: int, at_ms: int) -> tuple[Fall, ...]:
    if falls and abs(at_ms - falls[0].at_ms) >= FALLS_COUNT_MS:
        falls = tuple([fall for fall in falls if abs(at_ms - fall.at_ms) < FALLS_COUNT_MS])
    if 2 * after < before >= FALL_TOKENS_MIN and (not falls or 2 * before >= falls[-1].before_tokens):
        return (*falls, Fall(at_ms, before))[-FALLS_KEPT:]
    if falls and after > 2 * before:
        return tuple([fall for fall in falls if fall.before_tokens > after])
    return falls
