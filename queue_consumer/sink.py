"""A batch of queue messages is taken apart: records become rows, many in one POST; alerts are told and debts collected
one by one. Each message has its own verdict, out of those of its parts.

A journal has as many parts as entries, each read by itself. The rule easy to break: a message is done with only once
each of its rows is in the database, its alert told, its charge with the Ledger, or a copy on the dead-letter queue;
everything else is delivered again, and all of that is idempotent.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from alerting import tell_alert
from burial import DeadLetter, bury
from core.ledger.messages import Conflict
from core.telemetry import (
    Alert,
    CallRecord,
    Debt,
    InvalidTelemetry,
    Journal,
    Settlement,
    entry_from_wire,
    from_wire,
    to_wire,
)
from services import Services, Unreachable
from storing import Item, item_of, store
from trial import try_receivers
from verdicts import DEBT_DELAY_MAX_S, Buried, Charged, Place, Postponed, Stored, Told, Verdict, Verdicts, joined

REASONS_LOGGED_MAX = 5

AS_WISHED = frozenset({"sent", "already told", "no_webhook", "tried"})
"""How a telling ends that nobody needs to look at."""

Part = Item | DeadLetter | Alert | Debt


@dataclass(frozen=True, slots=True)
class _Task:
    places: list[Place]
    work: Coroutine[None, None, Verdicts]


async def take(texts: Sequence[str | None], services: Services) -> list[Verdict]:
    """Deal with every message of a batch (None: it was no text). Verdicts come in its order."""
    tasks = _tasks(texts, services)
    # A fault of ours with one message must not undo what was done with the others: a debt told is not told again.
    outcomes = await asyncio.gather(*(task.work for task in tasks), return_exceptions=True)
    verdicts: Verdicts = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            outcome = dict.fromkeys(task.places, Postponed(f"fault: {type(outcome).__name__}", DEBT_DELAY_MAX_S))
        verdicts |= outcome
    by_message: dict[int, list[Verdict]] = defaultdict(list)
    for (number, _), verdict in sorted(verdicts.items(), key=lambda item: item[0]):
        by_message[number].append(verdict)
    return [joined(by_message[number]) for number in range(len(texts))]


def tally(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """The batch in numbers, for its log line: messages by what became of them, and the rows and letters of those that
    are done with."""
    counts = Counter(type(verdict).__name__.lower() for verdict in verdicts)
    rows = sum(verdict.rows for verdict in verdicts if isinstance(verdict, Stored | Buried))
    letters = sum(verdict.letters for verdict in verdicts if isinstance(verdict, Buried))
    reasons = {v.reason for v in verdicts if isinstance(v, Buried | Postponed)}
    reasons |= {v.result for v in verdicts if isinstance(v, Told) and v.result not in AS_WISHED}
    listed = sorted(reasons)[:REASONS_LOGGED_MAX]
    return {"messages": len(verdicts), **counts, "rows": rows, "letters": letters, "reasons": listed}


def _tasks(texts: Sequence[str | None], services: Services) -> list[_Task]:
    items: dict[str, list[Item]] = defaultdict(list)
    letters: dict[Place, DeadLetter] = {}
    tasks: list[_Task] = []
    for number, text in enumerate(texts):
        for place, part in _parts_of(number, text):
            match part:
                case Item():
                    items[part.table].append(part)
                case DeadLetter():
                    letters[place] = part
                case Alert():
                    tasks.append(_Task([place], _tell(place, text or "", part, services)))
                case Debt():
                    tasks.append(_Task([place], _collect(place, text or "", part, services)))
    tasks.append(_Task(list(letters), bury(letters, services)))
    return tasks + [_Task([item.place for item in group], store(group, services)) for group in items.values()]


def _parts_of(number: int, text: str | None) -> Iterator[tuple[Place, Part]]:
    place = (number, 0)
    if text is None:
        yield place, DeadLetter("the message is not a text", "")
        return
    try:
        message = from_wire(text)
    except InvalidTelemetry as fault:
        yield place, DeadLetter(str(fault), text)
        return
    match message:
        case Journal():
            for index, entry in enumerate(message.entries):
                yield (number, index), _part_of((number, index), message.tenant, entry)
        case Alert() | Debt():
            yield place, message
        case _:
            yield place, item_of(place, message, text)


def _part_of(place: Place, tenant: str, entry: msgspec.Raw) -> Part:
    try:
        return item_of(place, entry_from_wire(entry).completed(), None)
    except InvalidTelemetry as fault:
        return DeadLetter(str(fault), to_wire(Journal(tenant=tenant, entries=(entry,))))


async def _tell(place: Place, text: str, alert: Alert, services: Services) -> Verdicts:
    verdict = await (try_receivers if alert.kind == "test" else tell_alert)(alert, services)
    if isinstance(verdict, Buried):
        return await bury({place: DeadLetter(verdict.reason, text)}, services)
    return {place: verdict}


async def _collect(place: Place, text: str, debt: Debt, services: Services) -> Verdicts:
    """Once the Ledger has the charge, its journal brings the call's record; of a charge that it refuses, this does."""
    try:
        answer = await services.charge(debt.tenant, debt.charge)
    except Unreachable:
        return {place: Postponed("the ledger did not answer", DEBT_DELAY_MAX_S)}
    if not isinstance(answer, Conflict):
        return {place: Charged()}
    # Telling it again would not help: a person has to look at what was charged under this id.
    letter = DeadLetter(f"the ledger refuses the charge: {answer.reason}", text)
    verdicts = await bury({place: letter}, services)
    record = _record_of(debt.charge)
    if record is not None:
        verdicts |= await store([item_of((place[0], 1), record, None)], services)
    # The Ledger is told again with it: within the time in which it still knows the id.
    return {each: _soon(verdict) for each, verdict in verdicts.items()}


def _record_of(charge: Settlement) -> CallRecord | None:
    """None also where it cannot be read: then the debt's letter is all there is of it."""
    if isinstance(charge.record, msgspec.UnsetType):
        return None
    try:
        message = from_wire(bytes(charge.record).decode())
    except InvalidTelemetry:
        return None
    return message if isinstance(message, CallRecord) else None


def _soon(verdict: Verdict) -> Verdict:
    return replace(verdict, delay_max_s=DEBT_DELAY_MAX_S) if isinstance(verdict, Postponed) else verdict
