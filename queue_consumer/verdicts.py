"""What an answer means for the rows that were sent, and what becomes of each message. Pure.

The rule easy to break: only the database's own word that a *row* is bad (SQLSTATE classes 22 and
23) may ever bury a message. A missing table, column or right, a stale schema cache or an expired
key is somebody's misconfiguration: every message of the tenant would be bad, so they wait
instead, and nothing is lost.
"""

from dataclasses import dataclass, field
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
    """The row is in the database, by this delivery or an earlier one."""


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
    """The message can never be dealt with; it is on the dead-letter queue."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing is known to be wrong with the message; it is delivered again later."""

    reason: str
    delay_max_s: int = RETRY_DELAY_MAX_S
    delay_least_s: int = 0
    """As somebody asked for who is too busy."""
    post: Post | None = field(default=None, compare=False)


Verdict = Stored | Told | Charged | Buried | Postponed


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


def retry_delay_s(deliveries: int, postponed: Postponed) -> int:
    """How long a message waits that has been delivered this often: doubling, between the bounds."""
    doublings = min(max(deliveries, 1) - 1, RETRY_DELAY_MAX_S.bit_length())
    return max(min(RETRY_DELAY_FIRST_S << doublings, postponed.delay_max_s), postponed.delay_least_s)


def _fault_of(answer: Answer) -> _Fault:
    try:
        return msgspec.json.decode(answer.text, type=_Fault)
    except (msgspec.MsgspecError, UnicodeError):
        return _Fault()
