"""Which sessions' KV mirrors are to be written, and when: KV takes one write a second per key, at five times the price
of a row.

A mirror is a cache that says "exhausted" sooner, never the authority: one that is given up costs a question. So it is
written when that answer changes, and else now and then. What is worth writing is told from the session before and
after a change alone, so that nothing has to be remembered of what was written, through any sleep.
"""

from collections.abc import Container

import msgspec

from core.bounds import MIRRORS_WAITING_MAX
from core.ledger.account import Account

SHARES = 10
"""A session with a limit is mirrored whenever another tenth of it is spent."""

UNLIMITED_EVERY_MS = 5 * 60_000
"""A session without one, at most this often."""

SOON_MS = 2_000
"""From a change of what a caller is told to its mirror. What else changes meanwhile is in the same write."""

LATER_MS = 60_000
"""From any other change worth a write: a session that spends all of its money in a minute is one write."""

RETRY_AFTER_MS = 5_000
KEY_PAUSE_MS = 1_000


def is_stopped(account: Account) -> bool:
    """Does the session refuse calls, whatever they cost?"""
    return account.is_paused or _is_exhausted(account)


def mirror_after_ms(before: Account | None, after: Account) -> int | None:
    """How soon a change of a session is to be written, or None where it is not worth a write; `before` is None for a
    new one."""
    if before is None:
        before = msgspec.structs.replace(after, spent_nanousd=0, is_paused=False)
    if (before.is_paused, _is_exhausted(before)) != (after.is_paused, _is_exhausted(after)):
        return SOON_MS
    limit = _hard_limit_nanousd(after)
    if limit is None:
        is_news = _period(before) != _period(after)
    else:
        is_news = before.spent_nanousd * SHARES // limit != after.spent_nanousd * SHARES // limit
    return LATER_MS if is_news else None


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
    """Session ids that wait, those for which it is urgent apart from the others."""

    def __init__(self) -> None:
        self._lines = {SOON_MS: _Line(SOON_MS), LATER_MS: _Line(LATER_MS)}
        self._written_at_ms: dict[str, int] = {}
        """Those written within the last second."""

    def want(self, session_id: str, now_ms: int, after_ms: int = SOON_MS) -> None:
        """Have a session written in a while; one that waits already is not written later for that."""
        soon, later = self._lines[SOON_MS], self._lines[LATER_MS]
        if after_ms == SOON_MS:
            later.waiting.pop(session_id, None)
        if session_id not in soon.waiting:
            self._lines[after_ms].add(session_id, now_ms)

    def due_at_ms(self) -> int | None:
        moments = [line.due_at_ms for line in self._lines.values() if line.waiting]
        return min((moment for moment in moments if moment is not None), default=None)

    def take(self, now_ms: int, sessions_max: int) -> list[str]:
        """Those to be written now, if it is time; the next ones may follow a second later."""
        taken: list[str] = []
        for line in self._lines.values():
            if not line.waiting or line.due_at_ms is None or now_ms < line.due_at_ms:
                continue
            self._written_at_ms = {name: at for name, at in self._written_at_ms.items() if at + KEY_PAUSE_MS > now_ms}
            some = line.take(now_ms, sessions_max - len(taken), pausing=self._written_at_ms)
            self._written_at_ms |= dict.fromkeys(some, now_ms)
            taken += some
        return taken

    def failed(self, session_ids: list[str], now_ms: int) -> None:
        """Put them back, to be tried again a little later."""
        for name in session_ids:
            self.want(name, now_ms)
        self._lines[SOON_MS].due_at_ms = now_ms + RETRY_AFTER_MS


class _Line:
    """Sessions that wait, in the order of their first change; the first one's moment is that of all."""

    def __init__(self, after_ms: int) -> None:
        self._after_ms = after_ms
        self.waiting: dict[str, None] = {}
        self.due_at_ms: int | None = None

    def add(self, session_id: str, now_ms: int) -> None:
        if not self.waiting:
            self.due_at_ms = now_ms + self._after_ms
        self.waiting[session_id] = None
        if len(self.waiting) > MIRRORS_WAITING_MAX:
            del self.waiting[next(iter(self.waiting))]

    def take(self, now_ms: int, sessions_max: int, *, pausing: Container[str]) -> list[str]:
        taken = [name for name in self.waiting if name not in pausing][:sessions_max]
        for name in taken:
            del self.waiting[name]
        self.due_at_ms = now_ms + KEY_PAUSE_MS
        return taken
