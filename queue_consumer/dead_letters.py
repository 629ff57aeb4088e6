"""The dead-letter queue's end: each letter becomes a row that an operator can see, and ask to have
dealt with again.

A letter is what the sink buried with its reason, or a message that used up its deliveries and came
as it was. Replaying is delivering: the sink's own verdict decides what becomes of it.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from burial import DeadLetter
from dispatch import call
from rows import CONFLICT_TARGETS, Cell
from services import Services, Unreachable
from sink import take
from storing import PREFER
from verdicts import Buried, Judgement, Postponed, Stored, Told, Verdict, judge, reason_of

REPLAYED_AT_ONCE_MAX = 25
"""As many as come in one batch of the queue: a letter can be a whole journal that used up its deliveries."""

ROUNDS_MAX = 4

DELIVERIES_USED_UP = "its deliveries were used up"
NO_TEXT = "the message is not a text"


class _Letter(msgspec.Struct):
    letter_id: str
    message: str


async def keep(texts: Sequence[str | None], services: Services) -> list[Verdict]:
    """Store a batch of the dead-letter queue, all or none of it. Verdicts come in its order."""
    # One insert may name a row once only.
    rows = {row["letter_id"]: row for row in map(_row_of, texts)}
    path = f"dead_letters?on_conflict={CONFLICT_TARGETS['dead_letters']}"
    body = msgspec.json.encode(list(rows.values())).decode()
    verdict: Verdict
    try:
        answer = await services.rest(path, body, prefer=PREFER)
    except Unreachable:
        verdict = Postponed("the database did not answer")
    else:
        is_stored = judge(answer) is Judgement.ACCEPTED and not answer.text
        verdict = Stored() if is_stored else Postponed(reason_of(answer))
    return [verdict] * len(texts)


async def replay(services: Services) -> dict[str, object]:
    """Deliver again what an operator asked for, and say how that went, for the log line."""
    counts: Counter[str] = Counter()
    try:
        for _ in range(ROUNDS_MAX):
            asked = await call(services, "dead_letters_to_replay", {"p_rows_max": REPLAYED_AT_ONCE_MAX})
            if judge(asked) is not Judgement.ACCEPTED:
                return {"replays": reason_of(asked)}
            letters = msgspec.json.decode(asked.text, type=list[_Letter])
            round_counts = await _replay(letters, services)
            counts += round_counts
            # What is postponed would be asked for again first.
            if len(letters) < REPLAYED_AT_ONCE_MAX or round_counts["postponed"]:
                break
    except Unreachable:
        return {"replays": "the database did not answer"}
    return {"replays": dict(counts)}


async def _replay(letters: Sequence[_Letter], services: Services) -> Counter[str]:
    verdicts = await take([letter.message for letter in letters], services)
    for letter, verdict in zip(letters, verdicts, strict=True):
        if not isinstance(verdict, Postponed):
            await call(services, "finish_replay", {"p_letter_id": letter.letter_id, "p_result": _result(verdict)})
    return Counter(type(verdict).__name__.lower() for verdict in verdicts)


def _row_of(text: str | None) -> dict[str, Cell]:
    letter = _letter_in(text)
    # PostgreSQL stores no NUL and no lone surrogate.
    message = letter.message.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    digest = hashlib.sha256(message.encode()).hexdigest()
    return {"letter_id": digest, "reason": letter.reason.replace("\x00", "\ufffd"), "message": message}


def _letter_in(text: str | None) -> DeadLetter:
    if text is None:
        return DeadLetter(NO_TEXT, "")
    try:
        return msgspec.json.decode(text, type=DeadLetter)
    except (msgspec.MsgspecError, UnicodeError):
        return DeadLetter(DELIVERIES_USED_UP, text)


def _result(verdict: Verdict) -> str:
    match verdict:
        case Buried(reason=reason, letters=letters, rows=rows) if rows:
            return f"stored, but {letters} of {letters + rows} buried: {reason}"
        case Buried(reason=reason):
            return f"buried again: {reason}"
        case Told(result=result):
            return f"told: {result}"
    return type(verdict).__name__.lower()
