"""Records become rows of their table, many in one POST, and the rows at fault are found and buried.

Theory of operation. A refused POST is halved until the row at fault stands alone. Where the first half is taken, the
fault is in the second, which is halved unasked; only a row that was refused by itself is ever buried. An answer that
says nothing about the rows postpones those that were sent, no answer all that are left. The rows go in the order of the
batch, which may ask the database so often only: its first messages are done with, so one full of bad rows gets further
at each delivery.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from burial import DeadLetter, bury
from core.telemetry import to_wire
from rows import CONFLICT_TARGETS, RowMessage, row_json, row_of, rows_json
from services import Services, Unreachable
from verdicts import Judgement, Place, Postponed, Stored, Verdicts, judge, reason_of

PREFER = "resolution=ignore-duplicates,return=minimal"

ROWS_PER_POST_MAX = 500
"""Some 0.7 MB of JSON, which is in memory four times while it is sent, and an insert that took a fifth of a second on
two busy cores, far from the eight that a statement gets. Fewer rows a POST would be more requests and no less work."""

POSTS_MAX = 500
"""Of one batch: an invocation has 1,000 requests, and 25 alerts with two receivers take up to 175. So many are enough
for a journal of 60 KB all of whose calls, some 240, are at fault."""


@dataclass(frozen=True, slots=True)
class Item:
    """A record on its way into a table."""

    place: Place
    record: RowMessage
    table: str
    row: msgspec.Raw
    text: str | None
    """The message that it came as; None where it came among others."""

    def letter(self, reason: str) -> DeadLetter:
        """The record as a message by itself."""
        return DeadLetter(reason, to_wire(self.record) if self.text is None else self.text)


def item_of(place: Place, record: RowMessage, text: str | None) -> Item:
    """Its row is made once, however often it is sent."""
    row = row_of(record)
    return Item(place, record, row.table, row_json(row), text)


async def store(items: Sequence[Item], services: Services) -> Verdicts:
    """Insert the rows, all of one table, and bury those that the database refuses."""
    storing = _Storing(items[0].table, services)
    for first in range(0, len(items), ROWS_PER_POST_MAX):
        await storing.insert(items[first : first + ROWS_PER_POST_MAX])
    return storing.verdicts | await bury(storing.letters, services)


@dataclass
class _Storing:
    table: str
    services: Services
    posts_left: int = POSTS_MAX
    halt: Postponed | None = None
    """Why nothing more is sent."""
    verdicts: Verdicts = field(default_factory=dict)
    letters: dict[Place, DeadLetter] = field(default_factory=dict)

    async def insert(self, items: Sequence[Item], *, holds_fault: bool = False) -> bool:
        """Whether the database took all of them. What surely `holds_fault` is halved without asking."""
        if len(items) == 1 or not holds_fault:
            outcome = await self._post(items)
            if not isinstance(outcome, str):
                self.verdicts |= dict.fromkeys((item.place for item in items), outcome)
                return isinstance(outcome, Stored)
            if len(items) == 1:
                self.letters[items[0].place] = items[0].letter(outcome)
                return False
        middle = len(items) // 2
        is_first_stored = await self.insert(items[:middle])
        await self.insert(items[middle:], holds_fault=is_first_stored)
        return False

    async def _post(self, items: Sequence[Item]) -> Stored | Postponed | str:
        """What becomes of all of them, or the reason why they are refused as they stand."""
        if self.posts_left == 0:
            self.halt = self.halt or Postponed("the batch has used up its requests")
        if self.halt is not None:
            return self.halt
        self.posts_left -= 1
        path = f"{self.table}?on_conflict={CONFLICT_TARGETS[self.table]}"
        try:
            answer = await self.services.rest(path, rows_json(item.row for item in items), prefer=PREFER)
        except Unreachable:
            self.halt = Postponed("the database did not answer")
            return self.halt
        match judge(answer):
            case Judgement.ACCEPTED if answer.text:
                # `return=minimal` answers nothing: whoever speaks here is not the database.
                return Postponed("the answer is not a database's")
            case Judgement.ACCEPTED:
                return Stored()
            case Judgement.LATER:
                return Postponed(reason_of(answer))
        return reason_of(answer)
