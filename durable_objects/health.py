"""Whom a tenant's calls leave alone just now: the arithmetic's one value, in memory and in its row.

It changes when somebody fails, when one call is let try again, and when that one has told how it went: seldom, so
every change is written. The rule easy to break: a try that nobody heard of again is nobody's, so whatever ends a hold
ends it.
"""

from core.ledger.health.book import Clear, Cooling, HealthBook, Probe, admitted, cleared, noted, released
from core.ledger.health.notes import HealthNote
from core.ledger.health.views import CoolingView, standing
from core.ledger.messages import AdmitRequest, CoolingDown
from durable_objects.storage.rows import LedgerStore

_ROW = "health"

PROBE_LEASE_MS = 60_000
"""After this long without a word another call is let try: most answers have begun by then."""


class TargetHealth:
    """The targets of one tenant's calls."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._book = store.kept(_ROW, HealthBook)

    def refusal(self, request: AdmitRequest, now_ms: int) -> CoolingDown | None:
        """The answer to a call whose target is left alone; None where it may ask it."""
        verdict, book = self._judged(request, now_ms)
        if not isinstance(verdict, Cooling):
            return None
        self._keep(book)  # as it was, unless the clock has gone backwards: then with moments that come
        return CoolingDown(until_ms=verdict.until_ms, cooling=self.standing(now_ms))

    def began(self, request: AdmitRequest, now_ms: int) -> None:
        """The call has its hold, and will ask its target: perhaps as the one that tries whether it is well again."""
        _, book = self._judged(request, now_ms)
        self._keep(book)

    def ended(self, hold_id: str, note: HealthNote | None, now_ms: int) -> None:
        """A hold has ended, perhaps with word of how its target did."""
        book = self._book if note is None else noted(self._book, note, now_ms, hold_id=hold_id)
        self._keep(released(book, hold_id))

    def standing(self, now_ms: int) -> tuple[CoolingView, ...]:
        """What is left alone."""
        return standing(self._book, now_ms)

    def clear(self, provider: str | None, model: str | None) -> None:
        """Ask them again from now on."""
        self._keep(cleared(self._book, provider, model))

    def _judged(self, request: AdmitRequest, now_ms: int) -> tuple[Clear | Probe | Cooling, HealthBook]:
        if request.target is None:
            return Clear(), self._book
        return admitted(
            self._book,
            request.target,
            hold_id=request.hold_id,
            lease_ms=PROBE_LEASE_MS,
            now_ms=now_ms,
            insists=request.insists,
        )

    def _keep(self, book: HealthBook) -> None:
        if book is not self._book:
            self._store.keep(_ROW, book)
            self._book = book
