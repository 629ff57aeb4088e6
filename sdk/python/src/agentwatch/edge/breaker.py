"""Whether AgentWatch is worth asking just now: an outage costs one time-out, not one for each call.

Shared by every client and thread of a process that asks the same place. After a failure nobody asks for a pause that
grows; then one asks, and the others go by what that one hears. The clock is an argument.
"""

from __future__ import annotations

import threading

PAUSE_SECONDS_FIRST = 1.0
PAUSE_SECONDS_MAX = 30.0
PROBE_SECONDS_MAX = 10.0
"""After so long nobody will hear of the one who asked: it was cancelled, or its process forked."""


class Breaker:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._asks_again_at = 0.0
        self._is_probing = False

    def may_ask(self, now: float) -> bool:
        """True for everybody while all is well. After a pause for one, who must tell how it went."""
        with self._lock:
            if not self._failures:
                return True
            if now < self._asks_again_at:
                return False
            self._is_probing = True
            self._asks_again_at = now + PROBE_SECONDS_MAX
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._is_probing = False

    def failed(self, now: float, *, least_seconds: float | None = None) -> None:
        """Failures of questions that were asked together count as one: they say the same."""
        with self._lock:
            if self._failures and not self._is_probing:
                return
            pause = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_FIRST * 2.0 ** min(self._failures, 10))
            self._failures += 1
            self._is_probing = False
            self._asks_again_at = now + max(pause, least_seconds or 0.0)
