"""Single messages that wait for the queue: what it did not take from the edge, and what the ledger itself has to tell.

A message waits in a row of its own: delivery may repeat it, never lose it.
"""

from core.bounds import OUTBOX_MESSAGES_MAX, QUEUE_MESSAGE_BYTES_MAX
from durable_objects.storage.rows import LedgerStore


class Outbox:
    """First in, first out."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        bounds = store.outbox_bounds()
        self._waiting = 0 if bounds is None else bounds[1] - bounds[0] + 1

    @property
    def is_empty(self) -> bool:
        return self._waiting == 0

    @property
    def is_full(self) -> bool:
        return self._waiting >= OUTBOX_MESSAGES_MAX

    def put(self, text: str) -> bool:
        """Keep a message; False where it is too long for the queue or the outbox is full."""
        if self.is_full or len(text.encode()) > QUEUE_MESSAGE_BYTES_MAX:
            return False
        self._store.enqueue(text)
        self._waiting += 1
        return True

    def next(self, messages_max: int) -> list[tuple[int, str]]:
        """The oldest messages, each with the number by which `delivered` takes it out."""
        return self._store.outbox(messages_max)

    def delivered(self, message_id: int) -> None:
        """Take out the oldest message."""
        self._store.delete_outbox(message_id)
        self._waiting = max(0, self._waiting - 1)
