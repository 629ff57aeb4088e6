"""Whether AgentWatch can be reached, for calls that would go through it and may also go directly.

A connection is bounded for each attempt, and the clients try three times, so a small request is made before a call
where nothing is known of late. The rule easy to break: an outage costs its time-out once. While it lasts, calls go
directly without waiting, and one small request in a while looks whether it is over: the breaker says when.
"""

from __future__ import annotations

import time

from ..edge.http import Asking
from ..guard import Guard
from ..protocol.question import Heard, Question, Unheard

GOOD_FOR_SECONDS = 30.0

_HEALTH = Question(method="GET", path="/healthz")


class Reach:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._known_until = 0.0

    def is_known(self) -> bool | None:
        """True or False where that is known; None where somebody has to ask."""
        now = time.monotonic()
        if now < self._known_until:
            return True
        return None if self._guard.connection.breaker.may_ask(now) else False

    def asking(self) -> Asking:
        settings = self._guard.settings
        return self._guard.connection.edge.start(_HEALTH, timeout_seconds=settings.timeout_seconds)

    def heard(self, heard: Heard) -> bool:
        """Any answer is one: what it says is for the call to find out."""
        if isinstance(heard, Unheard):
            self.failed()
            return False
        self._guard.connection.breaker.succeeded()
        self._known_until = time.monotonic() + GOOD_FOR_SECONDS
        return True

    def failed(self) -> None:
        self._known_until = 0.0
        self._guard.connection.breaker.failed(time.monotonic(), least_seconds=None)
