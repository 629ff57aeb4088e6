"""A batch of queue messages becomes rows, grouped by table, one POST per table; alerts are told and
debts collected one by one. Each message has its own verdict.

Theory of operation. A refused POST is halved until the row at fault stands alone; that row is
buried on the dead-letter queue with the reason and the others are stored. An answer that says
nothing about the rows postpones them. The rule easy to break: a message is done with only once
its row is in the database, its alert told, its charge with the Ledger, or its copy on the
dead-letter queue; everything else is delivered again, and all of that is idempotent.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

import msgspec

from alerting import tell_alert
from core.ledger.messages import Conflict
from core.telemetry import Alert, Debt, InvalidTelemetry, TelemetryMessage, from_wire
from rows import CONFLICT_TARGETS, Row, row_of, rows_json
from services import Services, Unreachable
from trial import try_receivers
from verdicts import DEBT_DELAY_MAX_S, Buried, Charged, Judgement, Postponed, Stored, Told, Verdict, judge, reason_of

PREFER = "resolution=ignore-duplicates,return=minimal"

REASONS_LOGGED_MAX = 5

AS_WISHED = frozenset({"sent", "already told", "no_webhook", "tried"})
"""How a telling ends that nobody needs to look at."""

DEAD_LETTER_CHARACTERS_MAX = 20_000
"""At six bytes a character the letter still fits a queue message of 128 KB; none of ours is cut."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the batch on its way into a table."""

    place: int
    """Its index in the batch."""
    text: str
    row: Row


class DeadLetter(msgspec.Struct, frozen=True):
    """What is put on the dead-letter queue: the message as it came, and why it is there."""

    reason: str
    message: str


async def take(texts: Sequence[str | None], services: Services) -> list[Verdict]:
    """Deal with every message of a batch (None: it was no text). Verdicts come in its order."""
    readings = [_read(text) for text in texts]
    entries: dict[str, list[Entry]] = {}
    work: list[tuple[list[int], Coroutine[None, None, dict[int, Verdict]]]] = []
    for place, (text, reading) in enumerate(zip(texts, readings, strict=True)):
        match reading:
            case InvalidTelemetry():
                work.append(([place], _bury(place, text or "", str(reading), services)))
            case Alert():
                work.append(([place], _tell(place, text or "", reading, services)))
            case Debt():
                work.append(([place], _collect(place, text or "", reading, services)))
            case _:
                row = row_of(reading)
                entries.setdefault(row.table, []).append(Entry(place, text or "", row))
    work += [([entry.place for entry in group], _store(group, services)) for group in entries.values()]
    # A fault of ours with one message must not undo what was done with the others: a debt told is not told again.
    outcomes = await asyncio.gather(*(task for _, task in work), return_exceptions=True)
    verdicts: dict[int, Verdict] = {}
    for (places, _), outcome in zip(work, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            outcome = dict.fromkeys(places, Postponed(f"fault: {type(outcome).__name__}", DEBT_DELAY_MAX_S))
        verdicts |= outcome
    return [verdicts[place] for place in range(len(texts))]


def tally(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """The batch in numbers, for its log line."""
    counts = Counter(type(verdict).__name__.lower() for verdict in verdicts)
    reasons = {v.reason for v in verdicts if isinstance(v, Buried | Postponed)}
    reasons |= {v.result for v in verdicts if isinstance(v, Told) and v.result not in AS_WISHED}
    return {"messages": len(verdicts), **counts, "reasons": sorted(reasons)[:REASONS_LOGGED_MAX]}


def _read(text: str | None) -> TelemetryMessage | InvalidTelemetry:
    if text is None:
        return InvalidTelemetry("the message is not a text")
    try:
        return from_wire(text)
    except InvalidTelemetry as fault:
        return fault


async def _store(entries: list[Entry], services: Services) -> dict[int, Verdict]:
    """Insert the rows, all of one table, halving at a fault until it is found."""
    table = entries[0].row.table
    path = f"{table}?on_conflict={CONFLICT_TARGETS[table]}"
    try:
        answer = await services.rest(path, rows_json([entry.row for entry in entries]), prefer=PREFER)
    except Unreachable:
        return _all(entries, Postponed("the database did not answer"))
    match judge(answer):
        case Judgement.ACCEPTED if answer.text:
            # `return=minimal` answers nothing: whoever speaks here is not the database.
            return _all(entries, Postponed("the answer is not a database's"))
        case Judgement.ACCEPTED:
            return _all(entries, Stored())
        case Judgement.LATER:
            return _all(entries, Postponed(reason_of(answer)))
    if len(entries) == 1:
        return await _bury(entries[0].place, entries[0].text, reason_of(answer), services)
    middle = len(entries) // 2
    first = await _store(entries[:middle], services)
    return first | await _store(entries[middle:], services)


async def _tell(place: int, text: str, alert: Alert, services: Services) -> dict[int, Verdict]:
    verdict = await (try_receivers if alert.kind == "test" else tell_alert)(alert, services)
    if isinstance(verdict, Buried):
        return await _bury(place, text, verdict.reason, services)
    return {place: verdict}


async def _collect(place: int, text: str, debt: Debt, services: Services) -> dict[int, Verdict]:
    try:
        answer = await services.charge(debt.tenant, debt.charge)
    except Unreachable:
        return {place: Postponed("the ledger did not answer", DEBT_DELAY_MAX_S)}
    if isinstance(answer, Conflict):
        # Telling it again would not help: a person has to look at what was charged under this id.
        return await _bury(place, text, f"the ledger refuses the charge: {answer.reason}", services)
    return {place: Charged()}


async def _bury(place: int, text: str, reason: str, services: Services) -> dict[int, Verdict]:
    letter = DeadLetter(reason=reason, message=text[:DEAD_LETTER_CHARACTERS_MAX])
    try:
        await services.bury(msgspec.json.encode(letter).decode())
    except Unreachable:
        return {place: Postponed("the dead-letter queue did not answer")}
    return {place: Buried(reason)}


def _all(entries: list[Entry], verdict: Verdict) -> dict[int, Verdict]:
    return {entry.place: verdict for entry in entries}
