"""Messages that neither the queue nor the Ledger's outbox took: kept in the isolate's memory, the last resort.

They are lost with the isolate, and the oldest go first when there is no more room; both need three parts of the
platform to be away at once.
"""

from collections import deque

CHARACTERS_MAX = 4_000_000
"""Of the isolate's 128 MB; some five thousand messages."""


class Backlog:
    """First in, first out, bounded."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def is_full(self) -> bool:
        """No room for another message of common size without losing one."""
        return self._characters > CHARACTERS_MAX - 10_000

    def keep(self, text: str) -> None:
        """Keep a message behind the others."""
        self._texts.append(text)
        self._characters += len(text)
        while self._characters > CHARACTERS_MAX:
            self.take()

    def take(self) -> str | None:
        """The oldest message, no longer kept here; None where there is none."""
        if not self._texts:
            return None
        text = self._texts.popleft()
        self._characters -= len(text)
        return text
