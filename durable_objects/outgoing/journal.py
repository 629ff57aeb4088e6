"""The journal: charged calls on their way to the queue, in the order in which they were charged.

A record waits in the row that ended its call's hold, so a charge and its record are one write. Delivered is what has an
end up to a number, and that number is one row a delivery. In memory are the first of those that wait, so that most
deliveries read no row. The rules easy to break: nothing counts as delivered before the queue has it; a delivery may be
repeated, and each record is the same row again.
"""

from collections import deque
from dataclasses import dataclass

import msgspec

from core import telemetry
from core.bounds import QUEUE_MESSAGE_BYTES_MAX
from core.ledger.hold import Hold, session_id_of
from core.telemetry import Journal
from durable_objects.outgoing.pauses import Pauses
from durable_objects.storage.rows import LedgerStore

DELIVERED_AFTER_MS = 3_000
"""From the first call that waits to its delivery. Each delivery is two or three rows (its alarm, the next one, how far
it came) and three queue operations: with a call a second, three that share them cost no more than a message each."""

MESSAGE_BYTES_MAX = 60_000
"""Some eighty calls. A queue bills a message by pieces of 64 KB, each time it is written, read and deleted."""

MESSAGES_PER_DELIVERY_MAX = 20
"""About a megabyte, and far below what one invocation may send."""

ENTRY_BYTES_MAX = QUEUE_MESSAGE_BYTES_MAX - 1_000
"""A longer one would hold up all behind it for ever. None of ours is: what a record says is bounded."""

WAITING_BYTES_MAX = 1_000_000
"""Of one tenant's calls in memory; those behind them are read from their rows when their turn comes."""

ROWS_PER_READING = 500
"""A reading goes through a whole table, that is five minutes of the tenant's calls."""

RETRY_MS_MAX = 60_000
"""The longest pause before a queue that takes nothing is asked again."""

_ROW = "journal"


class _Mark(msgspec.Struct, frozen=True):
    """How far the journal was delivered: the number of an end."""

    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, and the end up to which all is delivered once the queue has it."""

    text: str
    up_to: int


class CallJournal:
    """The charged calls of one tenant that the queue does not have yet."""

    def __init__(self, store: LedgerStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant
        self._waiting: deque[tuple[int, bytes]] = deque()
        """Ends and their entries."""
        self._bytes = 0
        self._delivered = self._seen = store.kept(_ROW, _Mark).delivered
        """Up to `seen`, an end's record is here, or delivered, or there is none."""
        self._is_whole = True
        """Nothing waits that is not here."""
        self._pauses = Pauses(RETRY_MS_MAX)
        self.due_at_ms: int | None = None
        """When the next delivery is due; None while nothing waits."""

    @property
    def highest_number(self) -> int:
        """The last end that it knows of: the next one must come after it, or would count as delivered."""
        return max(self._delivered, self._store.hold_ring.highest_apart)

    @property
    def needed_above(self) -> int | None:
        """Rows of ends above this number are still needed; None where none is."""
        if self._waiting:
            return self._waiting[0][0] - 1
        return None if self._is_whole else self._seen

    def woke(self, number: int) -> None:
        """The rows have ends up to a number."""
        if number > self._delivered:
            self._is_whole, self.due_at_ms = False, 0

    def add(self, hold: Hold, now_ms: int) -> None:
        """A call whose end has just been written."""
        if hold.record is msgspec.UNSET:
            return
        if self.due_at_ms is None:
            self.due_at_ms = now_ms + DELIVERED_AFTER_MS
        self._is_whole = self._is_whole and self._bytes <= WAITING_BYTES_MAX
        if self._is_whole:
            self._wait(hold)

    def correct(self, hold: Hold) -> None:
        """The record of a call has changed in its row. What the queue has already stays as it was."""
        entry = _entry_of(hold)
        self._waiting = deque((end, entry if end == _end_of(hold) else known) for end, known in self._waiting)
        self._bytes = sum(len(known) for _, known in self._waiting)

    def next(self) -> list[Delivery]:
        """What is to be sent now, the oldest first."""
        if not self._waiting and not self._is_whole:
            self._read()
        deliveries: list[Delivery] = []
        entries: list[bytes] = []
        size, up_to = 0, 0
        for end, entry in self._waiting:
            if entries and size + len(entry) > MESSAGE_BYTES_MAX:
                deliveries.append(self._delivery(entries, up_to))
                entries, size = [], 0
            if len(deliveries) == MESSAGES_PER_DELIVERY_MAX:
                return deliveries
            entries.append(entry)
            size, up_to = size + len(entry), end
        return [*deliveries, self._delivery(entries, up_to)] if entries else deliveries

    def delivered(self, up_to: int) -> None:
        """The queue has all up to an end."""
        while self._waiting and self._waiting[0][0] <= up_to:
            self._bytes -= len(self._waiting.popleft()[1])
        self._store.keep(_ROW, _Mark(up_to))
        self._delivered, self._seen = up_to, max(self._seen, up_to)
        self._pauses.over()

    def plan(self, now_ms: int) -> None:
        """Let go of what is done, and say when the rest is due. What came while a delivery was on its way is given time
        to become more, unless it is much already, or in rows."""
        self._store.hold_ring.let_go(self.needed_above)
        is_much = not self._is_whole or self._bytes > MESSAGE_BYTES_MAX
        self.due_at_ms = now_ms if is_much else now_ms + DELIVERED_AFTER_MS if self._waiting else None

    def failed(self, now_ms: int) -> None:
        """The queue has not taken what was next."""
        self.due_at_ms = now_ms + self._pauses.next_ms()

    def _read(self) -> None:
        """The next ones out of their rows."""
        holds, up_to = self._store.ends_above(self._seen, ROWS_PER_READING)
        self._is_whole = up_to == self._seen
        for hold in holds:
            if self._bytes > WAITING_BYTES_MAX:
                return
            self._wait(hold)
        self._seen = up_to

    def _wait(self, hold: Hold) -> None:
        if hold.record is msgspec.UNSET:
            return
        entry = _entry_of(hold)
        if len(entry) > ENTRY_BYTES_MAX:
            self._store.set_record_aside(entry)
            return
        self._waiting.append((_end_of(hold), entry))
        self._bytes += len(entry)
        self._seen = _end_of(hold)

    def _delivery(self, entries: list[bytes], up_to: int) -> Delivery:
        journal = Journal(tenant=self._tenant, entries=tuple(map(msgspec.Raw, entries)))
        return Delivery(telemetry.to_wire(journal), up_to)


def _end_of(hold: Hold) -> int:
    assert hold.charge is not None, "a call that has ended has its charge"
    return hold.charge.number


def _entry_of(hold: Hold) -> bytes:
    assert hold.charge is not None and hold.record is not msgspec.UNSET, "what is journaled has a charge and a record"
    return telemetry.entry_to_wire(
        hold.record,
        # What was never held has no hold to be above.
        overrun_nanousd=0 if hold.state == "recorded" else hold.charge.overrun_nanousd,
        cumulative_tokens=hold.cumulative_tokens,
        session_id=session_id_of(hold),
    )
