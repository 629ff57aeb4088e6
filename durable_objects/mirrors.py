"""Which sessions' KV mirrors are to be written, and when: KV takes one write a second per key.

A mirror is a cache that says "exhausted" sooner, never the authority: one that is given up costs a question.
"""

from core.limits import MIRRORS_WAITING_MAX

MIRROR_AFTER_MS = 2_000
"""From a session's change to its mirror. What changes meanwhile is in the same write."""

RETRY_AFTER_MS = 5_000
KEY_PAUSE_MS = 1_000


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
