"""Records with good defaults, for tests that care about one field at a time."""

from typing import Any

import msgspec

from core.ledger.messages import RecordRequest
from core.money.usage import Usage
from core.telemetry import (
    AccessRecord,
    Alert,
    AuthEvent,
    BudgetEvent,
    CallRecord,
    Debt,
    Journal,
    JournalEntry,
    to_wire,
)

AT_MS = 1_795_000_000_123
"""2026-11-18T11:06:40.123Z, a Wednesday."""


def a_call(number: int = 1, **changes: Any) -> CallRecord:
    call = CallRecord(
        request_id=f"req_{number}",
        attempt=1,
        started_at_ms=AT_MS,
        tenant="acme",
        outcome="complete",
        path="chat/completions",
        usage=Usage(input_tokens=10, output_tokens=5),
        cost_nanousd=4_500,
        price_version="v",
    )
    return msgspec.structs.replace(call, **changes)


def an_entry(call: CallRecord, **changes: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(JournalEntry(record=call, **changes)))


def a_journal(*entries: msgspec.Raw) -> str:
    return to_wire(Journal(tenant="acme", entries=entries))


def an_alert(alert_key: str = "anomaly:s1", **changes: Any) -> Alert:
    alert = Alert(
        alert_key=alert_key,
        occurred_at_ms=AT_MS,
        tenant="acme",
        kind="anomaly",
        summary="Session s1 is growing.",
        facts={"session": "s1"},
    )
    return msgspec.structs.replace(alert, **changes)


def a_debt(event_id: str = "rsv_1", **changes: Any) -> Debt:
    charge = RecordRequest(event_id=event_id, cost_nanousd=21_000, prompt_tokens=100, completion_tokens=10)
    return Debt(tenant="acme", charge=msgspec.structs.replace(charge, **changes))


AUTH = AuthEvent(event_id="e1", occurred_at_ms=AT_MS, outcome="unknown", method="GET", path="/v1/keys")
ACCESS = AccessRecord(request_id="r1", occurred_at_ms=AT_MS, tenant="acme", method="GET", path="/v1/keys", status=200)
BUDGET = BudgetEvent(
    event_id="e2",
    occurred_at_ms=AT_MS,
    tenant="acme",
    change="paused",
    scope_kind="team",
    scope_id="search",
    window="month",
)
