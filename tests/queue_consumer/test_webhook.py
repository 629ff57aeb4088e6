"""What a tenant's own machine is sent: one shape, below 20 KB, the same bytes each time."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.telemetry import Alert
from tests.queue_consumer.records import an_alert
from webhook import BODY_BYTES_MAX, alert_event

FULL: dict[str, Any] = {
    "severity": "critical",
    "session_id": "s1",
    "team": "search",
    "agent": "planner",
    "model": "openai/gpt-5",
    "rule": "stop-loop",
    "action": "block",
    "recent_input_tokens": (1, 2),
    "spent_nanousd": 1_500_000_000,
    "spend_per_hour_nanousd": 6 * 10**9,
    "limit_nanousd": 5 * 10**9,
    "minutes_to_limit": 35,
    "steps": {"look": "curl …"},
}


def event_of(alert: Alert) -> Any:
    return msgspec.json.decode(alert_event(alert))


def test_an_alert_says_its_type_its_moment_and_everything_known() -> None:
    assert event_of(an_alert(**FULL)) == {
        "type": "alert.anomaly",
        "timestamp": "2026-11-18T11:06:40.123Z",
        "data": {
            "alert_key": "anomaly:s1",
            "tenant": "acme",
            "severity": "critical",
            "summary": "Session s1 is growing.",
            "session_id": "s1",
            "team": "search",
            "agent": "planner",
            "model": "openai/gpt-5",
            "rule": "stop-loop",
            "action": "block",
            "recent_input_tokens": [1, 2],
            "spent_usd": "1.5",
            "spend_per_hour_usd": "6",
            "limit_usd": "5",
            "minutes_to_limit": 35,
            "facts": {"session": "s1"},
            "steps": {"look": "curl …"},
        },
    }


def test_what_is_not_known_is_null_and_there() -> None:
    assert set(event_of(an_alert())["data"]) == set(event_of(an_alert(**FULL))["data"])
    assert event_of(an_alert())["data"]["spent_usd"] is None


def test_a_name_stays_exactly_what_it_is() -> None:
    for name in ("<!channel>", "&lt;", "a\u202eb", "https://evil.example", "\x01"):
        assert event_of(an_alert(team=name))["data"]["team"] == name


TEXTS = st.text(max_size=600) | st.sampled_from(["\x01" * 600, "\U0001f9e8" * 600, '"' * 600])


@given(st.dictionaries(TEXTS, TEXTS, max_size=40), TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=10))
def test_every_body_is_below_20_kb_and_keeps_its_key(
    facts: dict[str, str], summary: str, name: str, steps: dict[str, str]
) -> None:
    names = dict.fromkeys(("alert_key", "tenant", "session_id", "team", "agent", "model", "rule", "action"), name)
    alert = an_alert(facts=facts, summary=summary, steps=steps, recent_input_tokens=(2**53,) * 32, **names)

    body = alert_event(alert)

    assert len(body.encode()) < BODY_BYTES_MAX
    assert msgspec.json.decode(body)["data"]["alert_key"] == alert.alert_key
    assert alert_event(alert) == body
