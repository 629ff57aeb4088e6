"""Which sessions' KV mirrors are to be written, and when: KV takes one write a second per key, at five times the price
of a row.

A mirror is a cache that says "exhausted" sooner, never the authority: one that is given up costs a question. So it is
written when that answer changes, and else now and then. What is worth writing is told from the session before and
after a change alone, so that nothing has to be remembered of what was written, through any sleep.
"""

import msgspec

from core.ledger import Account
from core.limits import MIRRORS_WAITING_MAX

SHARES = 10
"""A session with a limit is mirrored whenever another tenth of it is spent."""

UNLIMITED_EVERY_MS = 5 * 60_000
"""A session without one, at most this often."""

MIRROR_AFTER_MS = 2_000
"""From a session's change to its mirror. What changes meanwhile is in the same write."""

RETRY_AFTER_MS = 5_000
KEY_PAUSE_MS = 1_000


def is_stopped(account: Account) -> bool:
    """Does the session refuse calls, whatever they cost?"""
    return account.is_paused or _is_exhausted(account)


def is_worth_mirroring(before: Account | None, after: Account) -> bool:
    """Whether a session has changed enough for a write; `before` is None for a new one."""
    if before is None:
        before = msgspec.structs.replace(after, spent_nanousd=0, is_paused=False)
    if (before.is_paused, _is_exhausted(before)) != (after.is_paused, _is_exhausted(after)):
        return True
    limit = _hard_limit_nanousd(after)
    if limit is None:
        return _period(before) != _period(after)
    return before.spent_nanousd * SHARES // limit != after.spent_nanousd * SHARES // limit


def _is_exhausted(account: Account) -> bool:
    limit = _hard_limit_nanousd(account)
    return limit is not None and account.spent_nanousd >= limit


def _hard_limit_nanousd(account: Account) -> int | None:
    """The limit that refuses; one that only warns exhausts nobody."""
    return account.limit_nanousd if account.is_hard else None


def _period(account: Account) -> int:
    """In which period a session was last used: it lives for a fixed time after that."""
    return (account.resets_at_ms or 0) // UNLIMITED_EVERY_MS


class Mirrors:
    """Session ids that wait, in the order of their first change."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._due_at_ms: int | None = None
        self._written_at_ms: dict[str, int] = {}
        """Those written within the last second."""

    def want(self, session_id: str, now_ms: int) -> None:
        self._waiting[session_id] = None
        if len(self._waiting) > MIRRORS_WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        if self._due_at_ms is None:
            self._due_at_ms = now_ms + MIRROR_AFTER_MS

    def due_at_ms(self) -> int | None:
        return self._due_at_ms if self._waiting else None

    def take(self, now_ms: int, sessions_max: int) -> list[str]:
        """Those to be written now, if it is time; the next ones may follow a second later."""
        if self._due_at_ms is None or now_ms < self._due_at_ms:
            return []
        self._written_at_ms = {name: at for name, at in self._written_at_ms.items() if at + KEY_PAUSE_MS > now_ms}
        taken = [name for name in self._waiting if name not in self._written_at_ms][:sessions_max]
        for name in taken:
            del self._waiting[name]
            self._written_at_ms[name] = now_ms
        self._due_at_ms = now_ms + KEY_PAUSE_MS if self._waiting else None
        return taken

    def failed(self, session_ids: list[str], now_ms: int) -> None:
        """Put them back, to be tried again a little later."""
        for name in session_ids:
            self.want(name, now_ms)
        self._due_at_ms = now_ms + RETRY_AFTER_MS
