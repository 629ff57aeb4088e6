"""Which budget window a moment belongs to, in UTC: when it began and when it ends.

A session's window is not of the calendar: it ends 24 hours after its last use, so its start is not computed here.
"""

from datetime import UTC, datetime, timedelta

from core.ledger.messages import BudgetKind, WindowName

BUDGET_WINDOWS: dict[BudgetKind, tuple[WindowName, ...]] = {
    "session": ("session",),
    "team": ("month",),
    "key": ("month",),
    "tenant": ("day", "month", "total"),
}
"""The windows in which calls ask a scope's budget: in any other one it would never be enforced."""

SESSION_IDLE_MS = 24 * 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_bounds(window: WindowName, now_ms: int) -> tuple[int, int | None]:
    """When the window containing `now_ms` began, and when the next one does; None for a window without an end."""
    midnight = calendar_date(now_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return _milliseconds(midnight), _milliseconds(midnight + timedelta(days=1))
    if window == "month":
        first = midnight.replace(day=1)
        return _milliseconds(first), _milliseconds((first + timedelta(days=32)).replace(day=1))
    return 0, None


def calendar_date(at_ms: int) -> datetime:
    """A moment as the calendar has it, in UTC."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
