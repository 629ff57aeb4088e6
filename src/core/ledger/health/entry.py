"""What is known of one circle of targets: failures that are being counted, a cool-down, or a probe after it.

Theory of operation. An entry begins with a failure. A trouble that says how long it lasts cools at once. Others are
counted: the last twenty outcomes are kept as bits, and once five or more of them, and half of them, are failures, the
circle cools. When its time is over it is half open: one call claims the probe for the length of a lease, and others
wait for its verdict. A probe that is served ends the entry; one that fails doubles the cool-down; one that ends without
a verdict, or whose lease runs out, leaves its place to the next.

The rule easy to break: of two deadlines the later counts, and a success that began before the last failure proves
nothing. And a clock may go backwards: no moment of an entry lies further ahead than it could if it were made now.
"""

from typing import Literal

import msgspec

from core.ledger.health.notes import (
    COUNTED_MS,
    LEAST_MS,
    MINUTE_MS,
    HealthNote,
    Kind,
    Moment,
    cap_ms,
)
from core.ledger.health.targets import Circle

OUTCOMES_KEPT = 20
FAILURES_LEAST = 5
"""Of fewer no rate is known: one of one is no outage."""

_OUTCOMES_MASK = (1 << OUTCOMES_KEPT) - 1

COUNTED_WITHIN_MS = 10 * MINUTE_MS
"""Failures count together while no more than this lies between them: whoever calls once in a few minutes meets a dead
host five times, not for ever."""

FORGOTTEN_AFTER_MS = 30 * MINUTE_MS
"""After the end of a cool-down that nobody probed."""

LEASE_MS_MAX = 10 * MINUTE_MS
COUNT_MAX = 2**53

Phase = Literal["counting", "cooling", "half_open"]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A circle's trouble. `outcomes` are bits, the last one lowest, 1 for a failure."""

    circle: Circle
    kind: Kind
    failed_at_ms: Moment
    outcomes: int = 1
    seen: int = 1
    """How many outcomes there are, as many as are kept at most."""
    count: int = 1
    """All failures since the entry began."""
    since_ms: Moment = 0
    """When it first cooled."""
    until_ms: Moment | None = None
    cool_ms: Moment = 0
    """The length of the present cool-down."""
    is_stated: bool = False
    probe: str = ""
    """The hold of the call that asks whether all is well again; empty: none does."""
    probe_until_ms: Moment = 0

    def phase(self, now_ms: int) -> Phase:
        if self.until_ms is None:
            return "counting"
        return "cooling" if now_ms < self.until_ms else "half_open"

    def is_claimed_by(self, hold_id: str) -> bool:
        return self.probe != "" and self.probe == hold_id

    def is_probed(self, now_ms: int) -> bool:
        return self.probe != "" and now_ms < self.probe_until_ms


def as_of(entry: Entry, now_ms: int) -> Entry | None:
    """The entry as it is now; None where it is forgotten. The same object where nothing changes: moments that lie
    further ahead than any made now would are brought back."""
    if entry.until_ms is None:
        if now_ms - entry.failed_at_ms > COUNTED_WITHIN_MS:
            return None
    elif now_ms - max(entry.until_ms, entry.probe_until_ms) > FORGOTTEN_AFTER_MS:
        return None
    until_ms = entry.until_ms
    if until_ms is not None:
        until_ms = min(until_ms, now_ms + cap_ms(entry.kind, is_stated=entry.is_stated))
    failed_at_ms, since_ms = min(entry.failed_at_ms, now_ms), min(entry.since_ms, now_ms)
    probe_until_ms = min(entry.probe_until_ms, now_ms + LEASE_MS_MAX)
    there = (entry.until_ms, entry.failed_at_ms, entry.since_ms, entry.probe_until_ms)
    if there == (until_ms, failed_at_ms, since_ms, probe_until_ms):
        return entry
    return msgspec.structs.replace(
        entry, until_ms=until_ms, failed_at_ms=failed_at_ms, since_ms=since_ms, probe_until_ms=probe_until_ms
    )


def after_failure(entry: Entry | None, note: HealthNote, circle: Circle, *, hold_id: str, now_ms: int) -> Entry:
    if entry is None:
        counted = Entry(circle, note.kind, now_ms)
    else:
        counted = msgspec.structs.replace(
            entry,
            kind=note.kind if entry.until_ms is None else entry.kind,
            failed_at_ms=now_ms,
            outcomes=(entry.outcomes << 1 | 1) & _OUTCOMES_MASK,
            seen=min(entry.seen + 1, OUTCOMES_KEPT),
            count=min(entry.count + 1, COUNT_MAX),
        )
    if counted.until_ms is None:
        return _first_cooled(counted, note, now_ms)
    if counted.is_claimed_by(hold_id):
        return _cooled_longer(counted, counted.until_ms, note, now_ms)
    return _cooled_again(counted, counted.until_ms, note, now_ms)


def after_success(entry: Entry, *, began_at_ms: int, hold_id: str) -> Entry | None:
    """None where all is well again."""
    if entry.until_ms is not None:
        return None if entry.is_claimed_by(hold_id) or began_at_ms > entry.failed_at_ms else entry
    outcomes = (entry.outcomes << 1) & _OUTCOMES_MASK
    if not outcomes:
        return None
    return msgspec.structs.replace(entry, outcomes=outcomes, seen=min(entry.seen + 1, OUTCOMES_KEPT))


def claimed(entry: Entry, *, hold_id: str, lease_ms: int, now_ms: int) -> Entry:
    """The probe's place is taken. Whoever has it and asks again keeps it, and no longer than before."""
    if entry.is_claimed_by(hold_id) and entry.is_probed(now_ms):
        return entry
    until_ms = now_ms + max(1, min(lease_ms, LEASE_MS_MAX))
    return msgspec.structs.replace(entry, probe=hold_id, probe_until_ms=until_ms)


def freed(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, probe="", probe_until_ms=0)


def _is_outage(entry: Entry) -> bool:
    failures = entry.outcomes.bit_count()
    return failures >= FAILURES_LEAST and 2 * failures >= entry.seen


def _asked_ms(note: HealthNote) -> int | None:
    """What a failure asks for, within what its kind may."""
    if note.cool_ms is None:
        return None
    return max(LEAST_MS, min(note.cool_ms, cap_ms(note.kind, is_stated=note.is_stated)))


def _first_cooled(entry: Entry, note: HealthNote, now_ms: int) -> Entry:
    cool_ms = _asked_ms(note)
    if cool_ms is None:
        if not _is_outage(entry):
            return entry
        cool_ms = COUNTED_MS
    began = msgspec.structs.replace(entry, since_ms=now_ms)
    return _until(began, note, cool_ms, is_stated=note.is_stated, now_ms=now_ms)


def _cooled_longer(entry: Entry, until_ms: int, note: HealthNote, now_ms: int) -> Entry:
    """After a probe that failed: twice as long as before, unless more is asked for."""
    doubled_ms = min(2 * entry.cool_ms, cap_ms(note.kind, is_stated=False))
    asked_ms = _asked_ms(note) or COUNTED_MS
    cool_ms = max(asked_ms, doubled_ms)
    if now_ms + cool_ms <= until_ms:
        return freed(entry)
    is_stated = note.is_stated and asked_ms >= doubled_ms
    return freed(_until(entry, note, cool_ms, is_stated=is_stated, now_ms=now_ms))


def _cooled_again(entry: Entry, until_ms: int, note: HealthNote, now_ms: int) -> Entry:
    """A failure of a call that was no probe: it was under way, or it had nowhere else to go. Where it puts the end off,
    a probe that is still out decides nothing any more: it began before this."""
    cool_ms = _asked_ms(note)
    if cool_ms is None:
        if note.began_at_ms <= until_ms - entry.cool_ms:
            return entry  # it began before the cool-down did, and tells of the same trouble
        cool_ms = COUNTED_MS
    if now_ms + cool_ms <= until_ms:
        return entry
    return freed(_until(entry, note, cool_ms, is_stated=note.is_stated, now_ms=now_ms))


def _until(entry: Entry, note: HealthNote, cool_ms: int, *, is_stated: bool, now_ms: int) -> Entry:
    return msgspec.structs.replace(
        entry, kind=note.kind, until_ms=now_ms + cool_ms, cool_ms=cool_ms, is_stated=is_stated
    )
