"""When copies of what a ledger has are written into KV by its alarm: of documents and keys at a pace, of sessions as
their mirrors wait.

A mirror waits in memory: what a sleep forgets of it is told again by the session's next change.
"""

from collections.abc import Container

from core.bounds import MIRRORS_WAITING_MAX
from core.ledger.mirror import LATER_MS, SOON_MS
from durable_objects.outgoing.pauses import Pauses

RETRY_AFTER_MS = 5_000
COPY_RETRY_MS_MAX = 10 * 60_000
"""The longest pause before a copy that failed is tried again."""

KEY_PAUSE_MS = 1_000
"""KV takes one write a second per key."""


class CopyPace:
    """When a copy is to be written into KV: at once after a change, and after a failure later and later."""

    def __init__(self) -> None:
        self.due_at_ms = 0
        self._pauses = Pauses(COPY_RETRY_MS_MAX)

    def changed(self) -> None:
        self.due_at_ms = 0
        self._pauses.over()

    def written(self) -> None:
        self._pauses.over()

    def failed(self, now_ms: int) -> None:
        self.due_at_ms = now_ms + self._pauses.next_ms()


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
