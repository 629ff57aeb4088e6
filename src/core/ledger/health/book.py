"""One tenant's book of troubles: who is let through, who probes, what an ended attempt changes.

Every function gives the book back as the same object where nothing changes, so that whoever keeps it writes nothing; a
target in good health costs no entry and no write. Whoever gets another book keeps it, also from a question
(`admitted`): a claim is in it, and moments that a clock left too far ahead have been brought back.

The rule easy to break: a call that has nowhere else to go (`insists`) is never kept away. A cool-down chooses among
hops; it does not refuse calls.
"""

from collections.abc import Iterable

import msgspec

from core.ledger.health.entry import Entry, after_failure, after_success, as_of, claimed, freed
from core.ledger.health.notes import HealthNote
from core.ledger.health.targets import Circle, Target, circle

ENTRIES_MAX = 128
"""Circles of one tenant with a trouble at a time, at some 300 bytes each in one row. A caller may invent models: theirs
are given up first."""


class HealthBook(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tenant's troubles; no circle twice."""

    entries: tuple[Entry, ...] = ()


NO_TROUBLES = HealthBook()


class Admitted(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """What a call is told about a target."""


class Clear(Admitted, frozen=True, tag="clear"):
    """Nothing is known against it, or the call has nowhere else to go."""


class Probe(Admitted, frozen=True, tag="probe"):
    """Go, and tell: this call alone finds out whether the trouble is over."""


class Cooling(Admitted, frozen=True, tag="cooling"):
    """Not this way. `until_ms` is when it may be asked for again; a probe that is under way may end sooner."""

    kind: str
    circle: Circle
    until_ms: int
    is_probing: bool = False


def noted(book: HealthBook, note: HealthNote, now_ms: int, *, hold_id: str) -> HealthBook:
    """The book after an attempt has ended. `hold_id` tells the probe's verdict from those of others, and what it had
    claimed is free again whatever it says."""
    present = _as_of(book, now_ms)
    if note.is_served:
        return released(_served(present, note, hold_id), hold_id)
    around = circle(note.target, note.scope)
    known = next((entry for entry in present.entries if entry.circle == around), None)
    after = after_failure(known, note, around, hold_id=hold_id, now_ms=now_ms)
    others = [entry for entry in present.entries if entry.circle != around]
    return released(HealthBook(_bounded([*others, after])), hold_id)


def admitted(
    book: HealthBook, target: Target, *, hold_id: str, lease_ms: int, now_ms: int, insists: bool
) -> tuple[Clear | Probe | Cooling, HealthBook]:
    """Whether a call may go there now. A call that asks twice is answered the same."""
    assert hold_id, "a probe is claimed for somebody"
    present = _as_of(book, now_ms)
    troubles = [entry for entry in present.entries if entry.until_ms is not None and entry.circle.holds(target)]
    if not troubles:
        return Clear(), present
    kept_away = _kept_away(troubles, hold_id, now_ms)
    if kept_away is not None:
        return (Clear() if insists else kept_away), present
    taken = {entry.circle: claimed(entry, hold_id=hold_id, lease_ms=lease_ms, now_ms=now_ms) for entry in troubles}
    return Probe(), _replaced(present, [taken.get(entry.circle, entry) for entry in present.entries])


def released(book: HealthBook, hold_id: str) -> HealthBook:
    """What this call had claimed is free: it ended without a verdict."""
    if not hold_id:
        return book
    return _replaced(book, [freed(entry) if entry.probe == hold_id else entry for entry in book.entries])


def cleared(book: HealthBook, provider: str | None, model: str | None) -> HealthBook:
    """Without what is known against a provider, or against one of its models; None: against any."""
    return _replaced(
        book,
        [
            entry
            for entry in book.entries
            if provider not in (None, entry.circle.provider) or model not in (None, entry.circle.model)
        ],
    )


def _kept_away(troubles: list[Entry], hold_id: str, now_ms: int) -> Cooling | None:
    """The last of the target's cool-downs to end; else the probe of another call."""
    cooling = [(entry.until_ms or 0, entry) for entry in troubles if entry.phase(now_ms) == "cooling"]
    if cooling:
        until_ms, last = max(cooling, key=lambda each: each[0])
        return Cooling(kind=last.kind, circle=last.circle, until_ms=until_ms)
    probed = [entry for entry in troubles if entry.is_probed(now_ms) and entry.probe != hold_id]
    if probed:
        last = max(probed, key=lambda entry: entry.probe_until_ms)
        return Cooling(kind=last.kind, circle=last.circle, until_ms=last.probe_until_ms, is_probing=True)
    return None


def _served(book: HealthBook, note: HealthNote, hold_id: str) -> HealthBook:
    after = [
        after_success(entry, began_at_ms=note.began_at_ms, hold_id=hold_id)
        if entry.circle.holds(note.target)
        else entry
        for entry in book.entries
    ]
    return _replaced(book, after)


def _as_of(book: HealthBook, now_ms: int) -> HealthBook:
    return _replaced(book, [as_of(entry, now_ms) for entry in book.entries])


def _replaced(book: HealthBook, entries: Iterable[Entry | None]) -> HealthBook:
    """The book with these entries; the same where they are the same objects."""
    kept = tuple([entry for entry in entries if entry is not None])
    is_same = len(kept) == len(book.entries) and all(map(_is, kept, book.entries))
    return book if is_same else HealthBook(kept)


def _is(one: Entry, other: Entry) -> bool:
    return one is other


def _bounded(entries: list[Entry]) -> tuple[Entry, ...]:
    """As many as fit. The last one stays; of the others those go first whose loss is least felt."""
    if len(entries) <= ENTRIES_MAX:
        return tuple(entries)
    *others, last = entries
    given_up = sorted(others, key=_weight)[: len(entries) - ENTRIES_MAX]
    lost = {entry.circle for entry in given_up}
    return (*[entry for entry in others if entry.circle not in lost], last)


def _weight(entry: Entry) -> tuple[bool, bool, int]:
    return entry.until_ms is not None, entry.circle.scope != "model", entry.until_ms or entry.failed_at_ms
