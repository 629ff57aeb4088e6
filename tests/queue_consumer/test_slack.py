"""What a tenant reads: amounts to the cent, and callers' names that can mention nobody."""

import msgspec
import pytest

from slack import Share, WeeklyReport, alert_message, dollars, webhook_in, weekly_message
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


@pytest.mark.parametrize(
    ("amount_nanousd", "expected"),
    [
        (0, "$0.00"),
        (1, "under $0.01"),
        (9_999_999, "under $0.01"),
        (10_000_000, "$0.01"),
        (14_999_999, "$0.01"),
        (15_000_000, "$0.02"),
        (1_234_567_890_000_000, "$1,234,567.89"),
    ],
)
def test_amounts_are_read_in_cents(amount_nanousd: int, expected: str) -> None:
    assert dollars(amount_nanousd) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, None),
        ("", None),
        ("broken", None),
        ("[]", None),
        ('{"slack_webhook_url":null}', None),
        ('{"slack_webhook_url":7}', None),
        ('{"slack_webhook_url":"file:///etc/passwd"}', None),
        (
            '{"stream_cut":"error","slack_webhook_url":"https://hooks.example/T"}',
            "https://hooks.example/T",
        ),
    ],
)
def test_the_webhook_is_found_in_a_tenants_document(document: str | None, expected: str) -> None:
    assert webhook_in(document) == expected


def test_an_alert_mentions_nobody_whatever_a_caller_named_its_session() -> None:
    message = alert_message(an_alert(summary="Session <!channel> & co", facts={"a": "<@U1>"}))

    body = msgspec.json.decode(message)
    assert body["text"] == "AgentWatch: Session &lt;!channel&gt; &amp; co"
    assert {block["text"]["type"] for block in body["blocks"] if "text" in block} == {"plain_text"}
    assert body["blocks"][1]["fields"][0] == {
        "type": "plain_text",
        "text": "a: <@U1>",
        "emoji": False,
    }


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
