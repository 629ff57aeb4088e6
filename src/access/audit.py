"""What is told besides the calls themselves: who came in or was turned away, who used the administration, and what a
person should hear of.

Each note is bounded per isolate (`core.dedup_window`) where a caller decides how often it happens; all of them leave
after the answer.
"""

from access.identity import Caller
from core.refusals import BudgetUnavailable, NotPermitted, ProviderKeyMissing, Refusal
from core.telemetry import AccessRecord, Alert, AlertKind, AuthEvent, AuthOutcome
from core.tenant.credentials import KeyRecord
from delivery import send_message
from visit import Visit

HOUR_MS = 3_600_000

LET_THROUGH = (
    "The Ledger could not be reached: calls go on against the outage allowance and are charged as soon as it is back."
)


def note_refused_login(visit: Visit, outcome: AuthOutcome, who: Caller | KeyRecord | None) -> None:
    """Once per outcome, key, client address and minute, and sixty a minute in all: a flood fills no queue."""
    key = "" if who is None else f"{who.tenant}:{who.key_id}"
    if visit.isolate.refused_logins.is_new(f"{outcome}:{key}:{visit.client_address}", visit.started_at_ms):
        _send_login(visit, outcome, who)


def note_administrator(visit: Visit, caller: Caller) -> None:
    """An administrator's key at work: once per key, client address and hour."""
    occasion = f"administrator:{caller.tenant}:{caller.key_id}:{visit.client_address}"
    if visit.isolate.told.is_new(occasion, visit.started_at_ms):
        _send_login(visit, "accepted", caller)


def note_access(visit: Visit, caller: Caller, *, status: int, error_code: str | None) -> None:
    """A request to the administration, whatever became of it."""
    record = AccessRecord(
        request_id=visit.request_id,
        occurred_at_ms=visit.started_at_ms,
        tenant=caller.tenant,
        method=visit.request.method,
        path=visit.request.path,
        status=status,
        key_id=caller.key_id,
        role=caller.role,
        error_code=error_code,
        latency_ms=float(visit.ports.clock.now_ms() - visit.started_at_ms),
    )
    visit.ports.defer(send_message(record, visit.ports))


def note_refusal(visit: Visit, caller: Caller, refusal: Refusal) -> None:
    """A refusal that somebody other than its caller should hear of."""
    match refusal:
        case NotPermitted():
            note_refused_login(visit, "not_permitted", caller)
        case BudgetUnavailable():
            _alert(visit, caller, "ledger_away", "refused", f"Calls are being refused: {refusal.message}.")
        case ProviderKeyMissing():
            _alert(visit, caller, "provider_key_missing", "", f"Calls are being refused: {refusal.message}.")


def note_let_through(visit: Visit, caller: Caller) -> None:
    """A call went out that the Ledger did not hold money for."""
    _alert(visit, caller, "ledger_away", "let_through", LET_THROUGH)


def _alert(visit: Visit, caller: Caller, kind: AlertKind, what: str, summary: str) -> None:
    """Once per tenant and hour; other isolates name the same occasion, and the consumer tells it once."""
    hour = visit.started_at_ms // HOUR_MS
    occasion = f"{kind}:{what}:{hour}"
    if not visit.isolate.told.is_new(f"{caller.tenant}:{occasion}", visit.started_at_ms):
        return
    alert = Alert(
        alert_key=occasion,
        occurred_at_ms=visit.started_at_ms,
        tenant=caller.tenant,
        kind=kind,
        summary=summary,
        facts={"first seen at": visit.request.path, "request": visit.request_id},
    )
    visit.ports.defer(send_message(alert, visit.ports))


def _send_login(visit: Visit, outcome: AuthOutcome, who: Caller | KeyRecord | None) -> None:
    event = AuthEvent(
        event_id=visit.ports.ids.new("evt_"),
        occurred_at_ms=visit.started_at_ms,
        outcome=outcome,
        method=visit.request.method,
        path=visit.request.path,
        tenant=None if who is None else who.tenant,
        key_id=None if who is None else who.key_id,
        role=None if who is None else who.role,
        client_address=visit.client_address or None,
    )
    visit.ports.defer(send_message(event, visit.ports))
