"""What is told of a book: to the edge with every grant, so that it leaves out hops without a round trip, and to
administrators.

The rule easy to break: a view is as old as the grant that brought it. It may leave a hop out until the moment that it
names, never after; whether the trouble is over, the book alone decides.
"""

from collections.abc import Iterable

import msgspec

from core.ledger.health.book import HealthBook
from core.ledger.health.entry import Entry, as_of
from core.ledger.health.targets import Circle, Scope, Target


class CoolingView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One circle of targets that is cooling down, or waits for a probe (`until_ms` is past). Parts that do not count in
    its scope are empty."""

    scope: Scope
    provider: str
    account: str = ""
    model: str = ""
    place: str = ""
    reason: str
    since_ms: int
    until_ms: int
    count: int
    is_probing: bool = False

    def holds(self, target: Target) -> bool:
        return Circle(self.scope, self.provider, self.account, self.model, self.place).holds(target)


def standing(book: HealthBook, now_ms: int) -> tuple[CoolingView, ...]:
    """All that cools down or waits for a probe, the soonest over first. What is only counted is not told."""
    present = [entry for entry in (as_of(each, now_ms) for each in book.entries) if entry is not None]
    views = [_view(entry, entry.until_ms, now_ms) for entry in present if entry.until_ms is not None]
    return tuple(sorted(views, key=lambda view: (view.until_ms, view.provider, view.account, view.model)))


def keeps_away(views: Iterable[CoolingView], target: Target, now_ms: int) -> CoolingView | None:
    """The last to end of those that cool this target down; None: it may be asked for."""
    cooling = [view for view in views if now_ms < view.until_ms and view.holds(target)]
    return max(cooling, key=lambda view: view.until_ms, default=None)


def _view(entry: Entry, until_ms: int, now_ms: int) -> CoolingView:
    around = entry.circle
    return CoolingView(
        scope=around.scope,
        provider=around.provider,
        account=around.account,
        model=around.model,
        place=around.place,
        reason=entry.kind,
        since_ms=entry.since_ms,
        until_ms=until_ms,
        count=entry.count,
        is_probing=entry.is_probed(now_ms),
    )
