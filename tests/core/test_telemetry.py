"""Telemetry messages survive the wire, carry no secret and never become a row no database takes."""

import msgspec
import pytest

from core.money.usage import Usage
from core.refusals import BudgetExhausted
from core.telemetry import (
    COMMAND_CHARACTERS_MAX,
    LABEL_CHARACTERS_MAX,
    LABELS_MAX,
    STEPS_MAX,
    SUMMARY_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    AccessRecord,
    Alert,
    AuthEvent,
    BudgetEvent,
    CallRecord,
    InvalidTelemetry,
    TelemetryMessage,
    from_wire,
    to_wire,
)

QUEUE_MESSAGE_BYTES_MAX = 128_000


def a_call(**changes: object) -> CallRecord:
    call = CallRecord(
        request_id="req_1",
        attempt=1,
        started_at_ms=1_795_000_000_123,
        tenant="acme",
        outcome="complete",
        path="chat/completions",
        usage=Usage(input_tokens=10, output_tokens=5),
        cost_nanousd=4_500,
        price_version="2026-11-01",
    )
    return msgspec.structs.replace(call, **changes)


AUTH = AuthEvent(event_id="e1", occurred_at_ms=1, outcome="unknown", method="GET", path="/v1/keys")
ACCESS = AccessRecord(request_id="r1", occurred_at_ms=1, tenant="acme", method="PUT", path="/v1/rules", status=200)
ALERT = Alert(
    alert_key="anomaly:s1",
    occurred_at_ms=1,
    tenant="acme",
    kind="anomaly",
    summary="Growing.",
    facts={"a": "b"},
    severity="critical",
    steps={"look": "curl"},
    session_id="s",
    recent_input_tokens=(1, 2),
    spent_nanousd=5,
)
BUDGET = BudgetEvent(
    event_id="e2",
    occurred_at_ms=1,
    tenant="acme",
    change="paused",
    scope_kind="session",
    scope_id="s",
    window="session",
)


@pytest.mark.parametrize("message", [a_call(), AUTH, ACCESS, ALERT, BUDGET], ids=lambda m: type(m).__name__)
def test_every_message_survives_the_wire(message: TelemetryMessage) -> None:
    assert from_wire(to_wire(message)) == message


def test_a_message_names_its_type() -> None:
    assert [msgspec.json.decode(to_wire(m))["type"] for m in (a_call(), AUTH, ACCESS, ALERT, BUDGET)] == [
        "call",
        "auth",
        "access",
        "alert",
        "budget_event",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"type":"prompt"}',
        '{"type":"call"}',
        to_wire(a_call()).replace('"input_tokens":10', '"input_tokens":-10'),
        to_wire(a_call()).replace('"cost_nanousd":4500', '"cost_nanousd":-1'),
        to_wire(a_call()).replace('"cost_nanousd":4500', '"cost_nanousd":0.5'),
        to_wire(a_call()).replace('"attempt":1', '"attempt":0'),
        to_wire(a_call()).replace('"started_at_ms":1795000000123', '"started_at_ms":9007199254740992'),
        to_wire(a_call()).replace('"complete"', '"perfect"'),
        '{"type":"call","request_id":"\ud800"}',
    ],
)
def test_what_is_not_a_message_of_ours_is_refused(text: str) -> None:
    with pytest.raises(InvalidTelemetry):
        from_wire(text)


def test_a_newer_edge_may_send_fields_that_this_consumer_does_not_know() -> None:
    text = to_wire(a_call()).replace('"type":"call"', '"type":"call","from_the_future":1')

    assert from_wire(text) == a_call()


def test_a_key_in_the_query_of_a_path_is_never_recorded() -> None:
    call = a_call(path="/v1beta/models/gemini-2.5-pro:generateContent?key=AIzaSecret")

    assert call.path == "/v1beta/models/gemini-2.5-pro:generateContent"
    assert "AIzaSecret" not in to_wire(call)


def test_text_of_the_callers_choosing_is_bounded() -> None:
    call = a_call(project="p" * 5_000, risks=("r" * 5_000,) * 500)

    assert call.project == "p" * (TEXT_CHARACTERS_MAX - 1) + "…"
    assert len(call.risks) == LABELS_MAX
    assert max(len(risk) for risk in call.risks) == LABEL_CHARACTERS_MAX


def test_the_largest_messages_fit_a_queue_message() -> None:
    big = "\U0001f9e8" * 100_000
    call = a_call(
        **dict.fromkeys(("request_id", "path", "team", "project", "agent", "session_id", "model"), big),
        risks=(big,) * 500,
        tags=(big,) * 500,
    )
    many = {f"{n}{big}": big for n in range(100)}
    names = dict.fromkeys(("alert_key", "tenant", "session_id", "team", "agent", "model", "rule", "action"), big)
    alert = msgspec.structs.replace(
        ALERT, summary=big, facts=many, steps=many, recent_input_tokens=(2**53,) * 500, **names
    )

    assert len(to_wire(call).encode()) < QUEUE_MESSAGE_BYTES_MAX
    assert len(to_wire(alert).encode()) < QUEUE_MESSAGE_BYTES_MAX
    assert len(alert.summary) == SUMMARY_CHARACTERS_MAX
    assert (len(alert.steps), max(map(len, alert.steps.values()))) == (STEPS_MAX, COMMAND_CHARACTERS_MAX)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_no_database_stores_is_cleaned_not_fatal(text: str) -> None:
    cleaned = from_wire(to_wire(a_call(agent=text)))

    assert isinstance(cleaned, CallRecord)
    assert cleaned.agent is not None
    assert cleaned.agent[0] + cleaned.agent[-1] == "ab"
    assert "\x00" not in cleaned.agent


def test_an_alert_of_an_older_edge_has_its_new_members_by_default() -> None:
    text = '{"type":"alert","alert_key":"k","occurred_at_ms":1,"tenant":"acme","kind":"anomaly","summary":"Growing."}'
    alert = from_wire(text)

    assert isinstance(alert, Alert)
    assert (alert.severity, alert.steps, alert.session_id, alert.recent_input_tokens) == ("warning", {}, None, ())


def test_text_in_any_language_is_kept() -> None:
    assert a_call(agent="コード審査 ✅ café").agent == "コード審査 ✅ café"


def test_a_refused_call_used_nothing_of_what_its_draft_says() -> None:
    draft = a_call(latency_ms=None)

    refused = draft.refused(BudgetExhausted("no"), ended_at_ms=draft.started_at_ms + 7)

    assert (refused.outcome, refused.status, refused.error_code) == (
        "refused",
        402,
        "budget_exhausted",
    )
    assert (refused.cost_nanousd, refused.usage.total_tokens, refused.latency_ms) == (0, 0, 7.0)
    assert refused.request_id == draft.request_id


def test_no_message_has_a_place_for_a_prompt_or_a_secret() -> None:
    names = {
        name for kind in (CallRecord, AuthEvent, AccessRecord, Alert, BudgetEvent) for name in kind.__struct_fields__
    }

    assert not {n for n in names for word in ("prompt", "content", "body", "secret", "digest", "url") if word in n}
