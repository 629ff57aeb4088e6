"""What goes through the queue: records of calls, logins, API requests, alerts, budgets; debts; and a ledger's journal.

These are the only shapes that reach the telemetry queue, so this file makes certain that no prompt,
answer, token or key is ever recorded: there is no field for one, a path loses its query (Gemini
carries keys there), and text that a caller chose is cut to a bound and freed of what PostgreSQL or
UTF-8 refuses, at construction. Every message carries its own identity and moment, so that a
redelivery is the same row again. Amounts are nano-dollars, moments UTC milliseconds. Unknown fields
are ignored; an unknown type is refused.
"""

from typing import Annotated, Literal, TypeVar

import msgspec

from core.ledger.loops.ruling import Severity
from core.ledger.messages import RecordRequest, SettleRequest
from core.money.usage import Usage
from core.refusals import Refusal

Outcome = Literal["complete", "client_disconnected", "cut", "upstream_truncated", "refused", "failed"]
Source = Literal["proxy", "sdk"]
AuthOutcome = Literal["accepted", "missing", "unknown", "disabled", "expired", "not_permitted", "bad_assertion"]
"""`bad_assertion`: what single sign-on sent along does not prove who is there."""
AlertKind = Literal[
    "anomaly",
    "budget_threshold",
    "rule",
    "rule_broken",
    "chain_broken",
    "digest",
    "ledger_away",
    "provider_key_missing",
    "provider_account",
    "translation_refused",
    "test",
]
BudgetEventKind = Literal[
    "limit_changed",
    "paused",
    "resumed",
    "made_hard",
    "made_warning",
    "alert_changed",
    "spent_reset",
    "threshold_reached",
]

TEXT_CHARACTERS_MAX = 256
"""One text field: longer than any model id in use, short enough that 100 rows fit one POST."""

SUMMARY_CHARACTERS_MAX = 1_000
"""The sentence of an alert; Slack shows at most 3,000 characters in one block."""

STEPS_MAX = 8
"""Commands in one alert."""

COMMAND_CHARACTERS_MAX = 512
"""One command: address, headers and body of ours take some 180 characters, a session's id at most 128."""

LABELS_MAX = 32
"""Risks, tags or facts on one record."""

LABEL_CHARACTERS_MAX = 80
"""One risk, tag or rule, or the name of a fact."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A count or an amount: never negative, exact even as a JavaScript number."""

Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""UTC milliseconds up to the end of the year 9999, the last that a calendar date can name."""

Status = Annotated[int, msgspec.Meta(ge=100, le=999)]


T = TypeVar("T")


_BOUNDLESS = frozenset({int, float, bool})


class InvalidTelemetry(ValueError):
    """A queue message that is not one of ours. The message says why, in words safe to log."""


class TelemetryRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Shared shape: immutable, keyword-only, defaults left out of the text, all text bounded."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not value or value.__class__ in _BOUNDLESS:
                continue  # most of them are, and each call has a record
            bounded = _bounded(name, value)
            if bounded is not value:
                msgspec.structs.force_setattr(self, name, bounded)


class CallRecord(TelemetryRecord, frozen=True, tag="call"):
    """One attempt at one provider, or a refused or reported call: a row of `llm_request_logs`."""

    request_id: str
    """The SDK's event id for a reported call."""
    attempt: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    """1 for the first attempt; a call refused before any provider saw it is attempt 1 too."""
    started_at_ms: Moment
    tenant: str
    outcome: Outcome
    path: str
    """The provider's path that was asked for."""
    usage: Usage
    cost_nanousd: Count
    price_version: str
    source: Source = "proxy"
    team: str | None = None
    key_id: str | None = None
    project: str | None = None
    agent: str | None = None
    session_id: str | None = None
    iteration: Count | None = None
    provider: str | None = None
    model: str | None = None
    """The model that answered, else the one asked for."""
    dialect: str | None = None
    status: Status | None = None
    """The HTTP status of the provider's answer or of our refusal; None where neither came."""
    is_streaming: bool = False
    overrun_nanousd: Count = 0
    """The part of the cost above the hold."""
    ttfb_ms: float | None = None
    latency_ms: float | None = None
    overhead_ms: float | None = None
    """The time AgentWatch itself added."""
    error_code: str | None = None
    risks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """What the tenant's rules said of the call."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that acted on it, in order; one that could not do what it says has `:skipped` behind it."""
    shadow_rules: tuple[str, ...] = ()
    """Ids of rules in shadow that would have acted, where that would have made a difference."""
    unknown_rules: tuple[str, ...] = ()
    """Ids of rules that could not be judged: nobody knew a fact that they ask for."""
    asked_model: str | None = None
    """The model that the caller asked for, where a rule or a failover had the call made of another."""
    failover_reason: str | None = None
    """Whom the call asked before, and the class of each failure."""
    skipped_hops: tuple[str, ...] = ()
    """Hops of its chain that could not serve the call, and why."""
    cumulative_tokens: Count | None = None
    """The session's total tokens after this call."""
    is_cut: bool = False
    is_clamped: bool = False
    """The output ceiling was lowered to what the budget could pay for."""
    is_fail_open: bool = False
    is_estimated: bool = False
    """The usage is our own count, or the price a stand-in: the provider's invoice may differ."""

    def refused(self, refusal: Refusal, *, ended_at_ms: int) -> "CallRecord":
        """The same call as one that we said no to: nothing was used, nothing is charged."""
        return msgspec.structs.replace(
            self,
            outcome="refused",
            status=refusal.status,
            error_code=refusal.code,
            usage=Usage(),
            cost_nanousd=0,
            latency_ms=float(ended_at_ms - self.started_at_ms),
        )


class AuthEvent(TelemetryRecord, frozen=True, tag="auth"):
    """A login worth keeping: refused ones, and those of administrators."""

    event_id: str
    occurred_at_ms: Moment
    outcome: AuthOutcome
    method: str
    path: str
    tenant: str | None = None
    """None where the token named nobody."""
    key_id: str | None = None
    role: str | None = None
    actor: str | None = None
    """Who it was: `key:{id}`, `access:{sub}`, `service:{client id}` or `operator`."""
    client_address: str | None = None


class AccessRecord(TelemetryRecord, frozen=True, tag="access"):
    """One request to AgentWatch's own API, such as administration; proxied calls are not here."""

    request_id: str
    occurred_at_ms: Moment
    tenant: str
    method: str
    path: str
    status: Status
    key_id: str | None = None
    role: str | None = None
    actor: str | None = None
    """Who it was, as in `AuthEvent`."""
    error_code: str | None = None
    latency_ms: float | None = None


class Alert(TelemetryRecord, frozen=True, tag="alert"):
    """Something a person should hear of. Within a tenant an `alert_key` is told once."""

    alert_key: str
    """Names the occasion and its window, such as `budget_threshold:team:search:month:2026-11`."""
    occurred_at_ms: Moment
    tenant: str
    kind: AlertKind
    summary: str
    """One sentence."""
    facts: dict[str, str] = {}
    """Shown beside the sentence, in order; names and amounts only."""
    severity: Severity = "warning"
    steps: dict[str, str] = {}
    """What a person can do about it: a command by what it does. None of them is done by following a link."""
    session_id: str | None = None
    team: str | None = None
    agent: str | None = None
    model: str | None = None
    rule: str | None = None
    """The id of the rule that it is about."""
    action: str | None = None
    """What that rule did."""
    recent_input_tokens: tuple[Count, ...] = ()
    """Of the session's last calls, the latest last."""
    spent_nanousd: Count | None = None
    spend_per_hour_nanousd: Count | None = None
    """At the present pace."""
    limit_nanousd: Count | None = None
    minutes_to_limit: Count | None = None
    """At the present pace."""


class BudgetEvent(TelemetryRecord, frozen=True, tag="budget_event"):
    """A budget was changed by an administrator, or crossed its alert threshold."""

    event_id: str
    occurred_at_ms: Moment
    tenant: str
    change: BudgetEventKind
    scope_kind: str
    scope_id: str
    window: str
    limit_nanousd: Count | None = None
    spent_nanousd: Count | None = None
    held_nanousd: Count | None = None
    key_id: str | None = None
    """Of the key that changed it."""
    actor: str | None = None
    """Who changed it, as in `AuthEvent`; None where the ledger itself noticed."""


Settlement = RecordRequest | SettleRequest
"""What a call costs its tenant, as the Ledger is told: never held before, or the end of a hold."""


class Debt(TelemetryRecord, frozen=True, tag="debt"):
    """A charge that the Ledger did not take when the call ended. The consumer tells it until it does; both kinds of
    charge are idempotent by id, so a redelivery charges nothing twice."""

    tenant: str
    charge: Settlement


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A charged call: its record as the edge made it, and what only the ledger knows of it."""

    record: CallRecord
    overrun_nanousd: Count = 0
    cumulative_tokens: Count | None = None
    session_id: str | None = None
    """Whose money it was. A report may name another session than the hold that was made for its call."""

    def completed(self) -> CallRecord:
        """The record with all that is known."""
        return msgspec.structs.replace(
            self.record,
            overrun_nanousd=self.overrun_nanousd,
            cumulative_tokens=self.cumulative_tokens,
            session_id=self.session_id or self.record.session_id,
        )


class Journal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="journal"):
    """Charged calls of one tenant in the order in which its ledger charged them. Each entry is read by itself
    (`entry_from_wire`): one that cannot be takes no other with it."""

    tenant: str
    entries: tuple[msgspec.Raw, ...]


TelemetryMessage = CallRecord | AuthEvent | AccessRecord | Alert | BudgetEvent | Debt | Journal

_ENTRY_DECODER: msgspec.json.Decoder[JournalEntry] = msgspec.json.Decoder(JournalEntry)
_DECODER: msgspec.json.Decoder[TelemetryMessage] = msgspec.json.Decoder(TelemetryMessage)


def to_wire(message: TelemetryMessage) -> str:
    """The JSON text of one queue message."""
    return msgspec.json.encode(message).decode()


def from_wire(text: str) -> TelemetryMessage:
    """Read one queue message. Raises `InvalidTelemetry` for anything else."""
    return _read(_DECODER, text)


def record_text(record: CallRecord) -> msgspec.Raw:
    """A record as it travels with its charge."""
    return msgspec.Raw(msgspec.json.encode(record))


def entry_to_wire(
    record: msgspec.Raw, *, overrun_nanousd: int, cumulative_tokens: int | None, session_id: str | None
) -> bytes:
    """One entry of a journal, of a record that is passed on as it is."""
    entry: dict[str, object] = {"record": record}
    if overrun_nanousd:
        entry["overrun_nanousd"] = overrun_nanousd
    if cumulative_tokens is not None:
        entry["cumulative_tokens"] = cumulative_tokens
    if session_id is not None:
        entry["session_id"] = session_id
    return msgspec.json.encode(entry)


def entry_from_wire(entry: msgspec.Raw) -> JournalEntry:
    """Read one entry of a journal. Raises `InvalidTelemetry` for anything else."""
    return _read(_ENTRY_DECODER, entry)


def _read(decoder: "msgspec.json.Decoder[T]", text: str | msgspec.Raw) -> T:
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
        raise InvalidTelemetry(str(fault)) from None
    except AssertionError as fault:  # `Usage` asserts that no count is negative
        raise InvalidTelemetry(f"usage: {fault}") from None


def _bounded(name: str, value: object) -> object:
    if isinstance(value, str):
        text = value.partition("?")[0] if name == "path" else value
        return _clean(text, SUMMARY_CHARACTERS_MAX if name == "summary" else TEXT_CHARACTERS_MAX)
    if isinstance(value, tuple):
        few = value[:LABELS_MAX]
        return tuple(_clean(each, LABEL_CHARACTERS_MAX) if isinstance(each, str) else each for each in few)
    if isinstance(value, dict):
        is_steps = name == "steps"
        characters_max = COMMAND_CHARACTERS_MAX if is_steps else TEXT_CHARACTERS_MAX
        return {
            _clean(key, LABEL_CHARACTERS_MAX): _clean(text, characters_max)
            for key, text in list(value.items())[: STEPS_MAX if is_steps else LABELS_MAX]
        }
    return value


def _clean(text: str, characters_max: int) -> str:
    """Cut to the bound; replace NUL (PostgreSQL stores none) and lone surrogates (not UTF-8)."""
    if len(text) > characters_max:
        text = text[: characters_max - 1] + "…"
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
