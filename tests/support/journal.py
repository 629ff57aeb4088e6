"""A ledger's journal as its alarm delivers it, to a queue that takes what the test lets it take."""

import msgspec

from core.telemetry import CallRecord, Journal, entry_from_wire
from durable_objects.service import LedgerService


def records_in(text: str) -> list[CallRecord]:
    """The calls of one journal message, each with what the ledger knows of it."""
    entries = msgspec.json.decode(text, type=Journal).entries
    return [entry_from_wire(entry).completed() for entry in entries]


def deliver(ledger: LedgerService, now_ms: int, *, messages_max: int | None = None) -> list[CallRecord]:
    """One delivery; the queue refuses whatever comes after so many messages. Returns what it has taken."""
    deliveries = ledger.journal.next()
    taken = deliveries[:messages_max]
    if taken:
        ledger.journal.delivered(taken[-1].up_to)
    if len(taken) < len(deliveries):
        ledger.journal.failed(now_ms)
    else:
        ledger.journal.plan(now_ms)
    return [record for delivery in taken for record in records_in(delivery.text)]


def deliver_all(ledger: LedgerService, now_ms: int) -> list[CallRecord]:
    """Every delivery that is due, and those after it."""
    records: list[CallRecord] = []
    while ledger.journal.due_at_ms is not None:
        records += deliver(ledger, now_ms)
    return records
