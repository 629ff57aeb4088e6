"""What a tenant reads in Slack: all of it within Slack's bounds, and callers' names that do nothing."""

import json
import re
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.telemetry import Alert, AlertKind
from harmless_text import escaped, harmless
from slack import Share, WeeklyReport, alert_message, weekly_message
from tests.queue_consumer.records import an_alert

REPORT = WeeklyReport(
    requests=1_200,
    refused=7,
    cut=2,
    cost_nanousd=12_345_000_000,
    previous_cost_nanousd=0,
    sessions=(Share("agent-7", 9_000_000_000, 800),),
    models=(Share("openai/gpt-5", 12_345_000_000, 1_200),),
    teams=(),
)


EVIL = {
    "channel": "<!channel>",
    "label": "<https://evil.example|Your bank>",
    "user": "<@U024BE7LH> @here",
    "entity": "&lt;",
    "url": "https://evil.example/?a=<b>|c",
    "long": "x" * 10_000,
    "direction": "safe\u202egpj.exe",
    "controls": "a\x00\x07\r\n\tb\u2028c\x9b",
    "markup": "`*_~code~_*`",
    "emoji": ":tada:",
    "nothing": "",
}
"""Names as callers choose them."""

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def told(alert: Alert) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(alert_message(alert))
    return body


def texts_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every text object of the blocks."""
    found = []
    for block in body["blocks"]:
        found += [block["text"]] if "text" in block else []
        found += block.get("fields", []) + block.get("elements", [])
    return found


def fits_slack(body: dict[str, Any]) -> bool:
    """The bounds that Slack states: blocks, fields, and characters of each."""
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        assert len(block.get("fields", [])) <= 10
        assert all(len(field["text"]) <= 2_000 for field in block.get("fields", []))
        assert len(block.get("text", {"text": ""})["text"]) <= (150 if block["type"] == "header" else 3_000)
    assert len(json.dumps(body, ensure_ascii=False)) <= 13_200
    return True


def test_an_alert_is_its_sentence_its_facts_and_what_to_do() -> None:
    body = told(an_alert(steps={"pause the session": "curl -X PUT …"}))

    assert [text["text"] for text in texts_of(body)] == [
        "Possible loop (warning)",
        "Session s1 is growing.",
        "session: s1",
        "To pause the session:\ncurl -X PUT …",
        "anomaly:s1",
    ]
    assert body["text"] == "AgentWatch: Session s1 is growing."
    assert (body["unfurl_links"], body["unfurl_media"], body["mrkdwn"]) == (False, False, False)


def test_every_kind_of_alert_has_a_title() -> None:
    for kind in get_args(AlertKind):
        assert "(warning)" in texts_of(told(an_alert(kind=kind)))[0]["text"]


def test_an_alert_mentions_nobody_whatever_a_caller_named_its_session() -> None:
    body = told(an_alert(summary="Session <!channel> & co", facts={"a": "<@U1>"}))

    assert body["text"] == "AgentWatch: Session &lt;!channel&gt; &amp; co"
    assert {text["type"] for text in texts_of(body)} == {"plain_text"}
    assert body["blocks"][2]["fields"][0] == {"type": "plain_text", "text": "a: <@U1>", "emoji": False}


@pytest.mark.parametrize("name", EVIL.values(), ids=EVIL.keys())
def test_a_name_is_shown_and_does_nothing(name: str) -> None:
    body = told(an_alert(summary=f"Team {name} spends.", facts={"team": name, name: "x"}, alert_key=name))

    assert fits_slack(body)
    assert not re.search("[<>]|&(?!(amp|lt|gt);)|://", body["text"])
    for text in texts_of(body):
        assert text["type"] == "plain_text" and text["emoji"] is False and text["text"]
        assert "://" not in text["text"] and not CONTROLS.search(text["text"])


def test_what_is_escaped_already_is_escaped_once_more_and_reads_as_it_was() -> None:
    assert told(an_alert(summary="&lt;"))["text"] == "AgentWatch: &amp;lt;"


@given(st.text(max_size=700), st.integers(1, 400))
def test_cutting_comes_before_escaping(text: str, characters_max: int) -> None:
    shown = harmless(text, characters_max)

    assert len(shown) <= characters_max
    assert not re.search("[<>]|&(?!(amp|lt|gt);)", escaped(shown))
    assert escaped(shown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == shown
    assert harmless(shown, characters_max) == shown
    assert not CONTROLS.search(shown) and "\n" not in shown


TEXTS = st.text(max_size=2_000) | st.sampled_from(list(EVIL.values()))


@given(st.dictionaries(TEXTS, TEXTS, max_size=40), TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=10))
def test_every_alert_fits_slack(facts: dict[str, str], summary: str, steps: dict[str, str]) -> None:
    assert fits_slack(told(an_alert(facts=facts, summary=summary, steps=steps)))


def test_the_longest_alert_fits_slack_and_keeps_its_sentence() -> None:
    big = "\U0001f9e8" * 10_000
    body = told(
        an_alert(facts={f"{n}{big}": big for n in range(32)}, summary=big, steps={f"{n}": big for n in range(8)})
    )

    assert fits_slack(body)
    assert len(body["blocks"][1]["text"]["text"]) == 1_000


def test_the_weekly_report_says_what_was_spent_stopped_and_by_whom() -> None:
    body = msgspec.json.decode(weekly_message(REPORT, "2026-11-09"))

    assert [block["text"]["text"] for block in body["blocks"]] == [
        "Week of 2026-11-09: $12.35 in 1200 requests ($0.00 the week before).",
        "Refused: 7. Streams cut at their budget: 2.",
        "Dearest sessions\n• agent-7: $9.00 in 800 requests",
        "Models\n• openai/gpt-5: $12.35 in 1200 requests",
    ]


def test_the_longest_report_fits_slacks_block() -> None:
    longest = tuple(Share("x" * 512, 10**16, 10**9) for _ in range(5))
    body = msgspec.json.decode(weekly_message(msgspec.structs.replace(REPORT, models=longest), "2026-11-09"))

    assert max(len(block["text"]["text"]) for block in body["blocks"]) <= 3_000


def test_the_weekly_report_shows_names_harmlessly() -> None:
    shares = tuple(Share(name, 1, 1) for name in EVIL.values())
    body = msgspec.json.decode(
        weekly_message(msgspec.structs.replace(REPORT, teams=shares[:5], models=shares[5:]), "w")
    )

    assert fits_slack(body)
    assert not any("://" in text["text"] or CONTROLS.search(text["text"]) for text in texts_of(body))
