"""The holds that stand, and which of them expires next. Ended ones are in their rows only."""

import heapq
from collections.abc import Iterator

from core.ledger.hold import Hold

_STALE_MAX = 1_000


class OpenHolds:
    """Open holds by id, and a heap of the moments at which they expire."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}
        self._expiries: list[tuple[int, str]] = []
        """One entry per hold and moment it was given; those of moments gone by are dropped when they surface."""

    def __len__(self) -> int:
        return len(self._holds)

    def __iter__(self) -> Iterator[Hold]:
        return iter(list(self._holds.values()))

    def find(self, hold_id: str) -> Hold | None:
        return self._holds.get(hold_id)

    def put(self, hold: Hold) -> None:
        """Add a hold, or change one."""
        known = self._holds.get(hold.id)
        self._holds[hold.id] = hold
        if known is None or known.expires_at_ms != hold.expires_at_ms:
            heapq.heappush(self._expiries, (hold.expires_at_ms, hold.id))

    def remove(self, hold_id: str) -> None:
        self._holds.pop(hold_id, None)
        if len(self._expiries) > 2 * len(self._holds) + _STALE_MAX:
            self._expiries = [(hold.expires_at_ms, hold.id) for hold in self._holds.values()]
            heapq.heapify(self._expiries)

    def next_expiry_at_ms(self) -> int | None:
        """When the first of them expires."""
        while self._expiries:
            moment, hold_id = self._expiries[0]
            hold = self._holds.get(hold_id)
            if hold is not None and hold.expires_at_ms == moment:
                return moment
            heapq.heappop(self._expiries)
        return None

    def next_overdue(self, now_ms: int) -> Hold | None:
        """A hold whose moment has come, or None."""
        moment = self.next_expiry_at_ms()
        if moment is None or moment > now_ms:
            return None
        return self._holds[self._expiries[0][1]]
