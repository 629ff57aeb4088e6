"""What is told besides the calls themselves: who came in or was turned away, who used the administration, and what a
person should hear of.

Each note is bounded per isolate (`core.dedup_window`) where a caller decides how often it happens; all of them leave
after the answer.
"""

import hashlib
from collections.abc import Sequence

from access.identity import Caller, Operator
from core.ledger.loops.alerts import BrokenPart, broken_alert, broken_claim
from core.refusals import BudgetUnavailable, NotPermitted, ProviderKeyMissing, Refusal, Unauthenticated
from core.roles import PLATFORM
from core.routing.failure import Failure
from core.telemetry import AccessRecord, Alert, AlertKind, AuthEvent, AuthOutcome
from core.tenant.credentials import KeyRecord
from core.tenant.document import Broken
from core.tenant.sign_on.claims import SignedOn
from delivery import send_message
from exchange import Exchange

HOUR_MS = 3_600_000

LET_THROUGH = (
    "The Ledger could not be reached: calls go on against the outage allowance and are charged as soon as it is back."
)


Whoever = Caller | Operator | KeyRecord | SignedOn
"""Who has come, as far as is known by then."""


def note_refused_login(exchange: Exchange, outcome: AuthOutcome, who: Whoever | None) -> None:
    """Once per outcome, key or person, client address and minute, and sixty a minute in all: a flood fills no queue."""
    key = "" if who is None or isinstance(who, Operator) else f"{who.tenant}:{_known_as(who)}"
    if exchange.isolate.refused_logins.is_new(f"{outcome}:{key}:{exchange.client_address}", exchange.started_at_ms):
        _send_login(exchange, outcome, who)


def note_administrator(exchange: Exchange, who: Caller | Operator) -> None:
    """An administrator's key at work: once per key, client address and hour."""
    tenant = who.tenant if isinstance(who, Caller) else PLATFORM
    occasion = f"administrator:{tenant}:{who.actor}:{exchange.client_address}"
    if exchange.isolate.told.is_new(occasion, exchange.started_at_ms):
        _send_login(exchange, "accepted", who)


def note_sign_on(exchange: Exchange, who: Caller, signed_on: SignedOn) -> None:
    """Somebody has signed on: once for each time that Access says so. Isolates that hear of the same tell it as one."""
    occasion = f"sign_on:{signed_on.tenant}:{signed_on.actor}:{signed_on.issued_at_s}"
    if exchange.isolate.told.is_new(occasion, exchange.started_at_ms):
        event_id = "evt_" + hashlib.sha256(occasion.encode()).hexdigest()[:32]
        _send_login(exchange, "accepted", who, event_id=event_id)


def note_access(
    exchange: Exchange, who: Caller | Operator, *, tenant: str, status: int, error_code: str | None
) -> None:
    """A request to the administration, whatever became of it."""
    record = AccessRecord(
        request_id=exchange.request_id,
        occurred_at_ms=exchange.started_at_ms,
        tenant=tenant,
        method=exchange.request.method,
        path=exchange.request.path,
        status=status,
        key_id=who.key_id if isinstance(who, Caller) else None,
        role=who.role,
        actor=who.actor,
        error_code=error_code,
        latency_ms=float(exchange.ports.clock.now_ms() - exchange.started_at_ms),
    )
    exchange.ports.defer(send_message(record, exchange))


def note_refusal(exchange: Exchange, caller: Caller | Operator, refusal: Refusal) -> None:
    """A refusal that somebody other than its caller should hear of."""
    if isinstance(refusal, NotPermitted):
        note_refused_login(exchange, "not_permitted", caller)
    if isinstance(caller, Operator):
        return
    match refusal:
        case Unauthenticated():  # who is known by now, and was let in, has a key that the Ledger refuses
            note_refused_login(exchange, "disabled", caller)
        case BudgetUnavailable():
            _alert(exchange, caller, "ledger_away", "refused", f"Calls are being refused: {refusal.message}.")
        case ProviderKeyMissing():
            _alert(exchange, caller, "provider_key_missing", "", f"Calls are being refused: {refusal.message}.")


def note_let_through(exchange: Exchange, caller: Caller) -> None:
    """A call went out that the Ledger did not hold money for."""
    _alert(exchange, caller, "ledger_away", "let_through", LET_THROUGH)


def note_broken(exchange: Exchange, caller: Caller, part: BrokenPart, broken: Sequence[Broken]) -> None:
    """Rules that stop nobody, because this version cannot read them or they failed; chains along which no call goes."""
    now_ms, version = exchange.started_at_ms, caller.documents.number
    for each in broken:
        if exchange.isolate.told.is_new(f"{caller.tenant}:{broken_claim(part, each.id, version)}", now_ms):
            alert = broken_alert(
                caller.tenant,
                part,
                part_id=each.id,
                is_whole=each.is_whole,
                version=version,
                fault=each.reason,
                now_ms=now_ms,
            )
            exchange.ports.defer(send_message(alert, exchange))


def note_failure(exchange: Exchange, caller: Caller, provider: str, failure: Failure, *, is_translated: bool) -> None:
    """A provider does not serve us for a reason that somebody has to do something about."""
    if failure.tells_operator:
        words = "has no money left" if failure.kind == "empty_account" else "does not take our key"
        _alert(exchange, caller, "provider_account", f"{provider}:{failure.kind}", f"{provider} {words}.")
    elif failure.is_ours and is_translated:
        _alert(exchange, caller, "translation_refused", provider, f"{provider} refused what we translated for it.")


def note_sealed_key(exchange: Exchange, caller: Caller, provider: str, fault: str) -> None:
    """The tenant's own key for a provider does not open, so calls to it are refused."""
    words = f"This tenant's key for {provider} cannot be used, and calls that need it are refused: {fault}."
    _alert(exchange, caller, "provider_account", f"{provider}:sealed", words)


def _alert(exchange: Exchange, caller: Caller, kind: AlertKind, what: str, summary: str) -> None:
    """Once per tenant and hour; other isolates name the same occasion, and the consumer tells it once."""
    hour = exchange.started_at_ms // HOUR_MS
    occasion = f"{kind}:{what}:{hour}"
    if not exchange.isolate.told.is_new(f"{caller.tenant}:{occasion}", exchange.started_at_ms):
        return
    alert = Alert(
        alert_key=occasion,
        occurred_at_ms=exchange.started_at_ms,
        tenant=caller.tenant,
        kind=kind,
        summary=summary,
        facts={"first seen at": exchange.request.path, "request": exchange.request_id},
    )
    exchange.ports.defer(send_message(alert, exchange))


def _known_as(who: Caller | KeyRecord | SignedOn) -> str | None:
    if isinstance(who, SignedOn):
        return who.actor
    return who.key_id if isinstance(who, KeyRecord) or who.signed_on is None else who.actor


def _send_login(exchange: Exchange, outcome: AuthOutcome, who: Whoever | None, *, event_id: str = "") -> None:
    of_tenant = None if isinstance(who, Operator) else who
    event = AuthEvent(
        event_id=event_id or exchange.ports.ids.new("evt_"),
        occurred_at_ms=exchange.started_at_ms,
        outcome=outcome,
        method=exchange.request.method,
        path=exchange.request.path,
        tenant=None if of_tenant is None else of_tenant.tenant,
        key_id=of_tenant.key_id if isinstance(of_tenant, Caller | KeyRecord) else None,
        role=None if who is None or isinstance(who, SignedOn) else who.role,
        actor=None if who is None or isinstance(who, KeyRecord) else who.actor,
        client_address=exchange.client_address or None,
    )
    exchange.ports.defer(send_message(event, exchange))
