"""What an answer means for the rows that were sent, and what becomes of each message and its parts. Pure.

The rule easy to break: only the database's own word that a *row* is bad (SQLSTATE classes 22 and
23) may ever bury a message. A missing table, column or right, a stale schema cache or an expired
key is somebody's misconfiguration: every message of the tenant would be bad, so they wait
instead, and nothing is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import msgspec

from services import Answer

RETRY_DELAY_FIRST_S = 10
RETRY_DELAY_MAX_S = 3_600
"""An hour between tries: a hundred of them outlive the queue's own retention of four days."""

DEBT_DELAY_MAX_S = 300
"""A Ledger that took a debt whose answer was lost knows it again for a quarter of an hour: ask well within that."""

REASON_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class Stored:
    """The message's rows are in the database, by this delivery or an earlier one."""

    rows: int = 1


@dataclass(frozen=True, slots=True)
class Post:
    """What a receiver answered, and how long that took; no status where it did not."""

    status: int | None
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Told:
    """The alert has been dealt with for good; `result` says how."""

    result: str
    post: Post | None = field(default=None, compare=False)
    """For whoever tries a receiver."""


@dataclass(frozen=True, slots=True)
class Charged:
    """The Ledger has the charge, by this delivery or an earlier one."""


@dataclass(frozen=True, slots=True)
class Buried:
    """The message can never be dealt with, or a part of it cannot; that is on the dead-letter queue."""

    reason: str
    """Of the first letter."""
    letters: int = 1
    rows: int = 0
    """The parts of the message that are in the database."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing is known to be wrong with the message; it is delivered again later."""

    reason: str
    delay_max_s: int = RETRY_DELAY_MAX_S
    delay_least_s: int = 0
    """As somebody asked for who is too busy."""
    post: Post | None = field(default=None, compare=False)


Verdict = Stored | Told | Charged | Buried | Postponed

Place = tuple[int, int]
"""Of a part of a batch: its message's index, and its own within the message."""

Verdicts = dict[Place, Verdict]


class Judgement(Enum):
    ACCEPTED = "accepted"
    SUSPECT = "suspect"
    """At least one row of the request cannot be stored."""
    LATER = "later"
    """The rows may be fine."""


class _Fault(msgspec.Struct):
    """The body of a PostgREST error."""

    code: str | None = None
    message: str | None = None


def judge(answer: Answer) -> Judgement:
    """What the database said about the request as a whole."""
    if 200 <= answer.status < 300:
        return Judgement.ACCEPTED
    if answer.status == 413:
        return Judgement.SUSPECT
    is_about_a_row = (_fault_of(answer).code or "")[:2] in ("22", "23")
    return Judgement.SUSPECT if 400 <= answer.status < 500 and is_about_a_row else Judgement.LATER


def reason_of(answer: Answer) -> str:
    """The refusal in short: status, code and the database's sentence, never the row itself."""
    fault = _fault_of(answer)
    words = (str(answer.status), fault.code, fault.message)
    return " ".join(word for word in words if word)[:REASON_CHARACTERS_MAX]


def joined(parts: Sequence[Verdict]) -> Verdict:
    """What becomes of a message of several parts, or of none: as long as one of them has to wait, it waits."""
    waiting = [part for part in parts if isinstance(part, Postponed)]
    if waiting:
        delay_max_s = min(part.delay_max_s for part in waiting)
        return replace(waiting[0], delay_max_s=delay_max_s, delay_least_s=max(part.delay_least_s for part in waiting))
    if len(parts) == 1:
        return parts[0]
    rows = sum(part.rows for part in parts if isinstance(part, Stored))
    buried = [part for part in parts if isinstance(part, Buried)]
    return Buried(buried[0].reason, len(buried), rows) if buried else Stored(rows)


def retry_delay_s(deliveries: int, postponed: Postponed) -> int:
    """How long a message waits that has been delivered this often: doubling, between the bounds."""
    doublings = min(max(deliveries, 1) - 1, RETRY_DELAY_MAX_S.bit_length())
    return max(min(RETRY_DELAY_FIRST_S << doublings, postponed.delay_max_s), postponed.delay_least_s)


def _fault_of(answer: Answer) -> _Fault:
    try:
        return msgspec.json.decode(answer.text, type=_Fault)
    except (msgspec.MsgspecError, UnicodeError):
        return _Fault()
