"""The cron: whichever day it fires, each tenant is told of each finished week once."""

import asyncio
from datetime import date
from typing import Any

import msgspec
import pytest

from outside import Answer
from tests.queue_consumer.scripted_outside import ScriptedOutside
from weekly_report import last_week_start, run

MONDAY_MS = 1_795_420_800_000
"""2026-11-23T08:00:00Z."""

CONFIG = '{"slack_webhook_url":"https://hooks.example/T"}'
REPORT = Answer(
    200,
    '{"requests":2,"refused":0,"cut":0,"cost_nanousd":5,"previous_cost_nanousd":0,'
    '"sessions":[],"models":[],"teams":[]}',
)


def an_outside(**changes: Any) -> ScriptedOutside:
    answers = {
        "maintain_telemetry": Answer(200, '{"created_months":[]}'),
        "weekly_report_tenants": Answer(200, '[{"tenant":"acme"},{"tenant":"beta"}]'),
        "weekly_report": REPORT,
    }
    return ScriptedOutside(
        configs={"acme": CONFIG, "beta": CONFIG},
        rpc_answers=answers | changes.pop("rpc_answers", {}),
        **changes,
    )


def log_of(done: dict[str, object]) -> Any:
    return msgspec.json.decode(msgspec.json.encode(done))


@pytest.mark.parametrize(
    ("now_ms", "expected"),
    [
        (MONDAY_MS, date(2026, 11, 16)),
        (MONDAY_MS + 6 * 86_400_000, date(2026, 11, 16)),
        (MONDAY_MS - 9 * 3_600_000, date(2026, 11, 9)),
    ],
    ids=["Monday morning", "Sunday after", "Sunday night before"],
)
def test_the_week_reported_is_the_last_whole_one(now_ms: int, expected: date) -> None:
    assert last_week_start(now_ms) == expected


def test_every_due_tenant_is_told() -> None:
    outside = an_outside()

    done = asyncio.run(run(MONDAY_MS, outside))

    assert len(outside.told) == 2
    assert log_of(done) == {
        "upkeep": {"created_months": []},
        "week": "2026-11-16",
        "reports": {"sent": 2},
    }


def test_a_second_run_tells_nobody_again() -> None:
    outside = an_outside()

    asyncio.run(run(MONDAY_MS, outside))
    asyncio.run(run(MONDAY_MS + 86_400_000, outside))

    assert len(outside.told) == 2


def test_a_report_that_slack_does_not_take_is_sent_by_the_next_run() -> None:
    outside = an_outside(webhook_answers=[Answer(503, "")])

    first = asyncio.run(run(MONDAY_MS, outside))
    asyncio.run(run(MONDAY_MS + 86_400_000, outside))

    assert first["reports"] == {"sent": 1, "the webhook did not take it": 1}
    assert set(outside.dispatches.values()) == {"sent"}


def test_upkeep_that_fails_is_said_and_does_not_stop_the_reports() -> None:
    outside = an_outside(rpc_answers={"maintain_telemetry": Answer(500, '{"code":"55P03"}')})

    done = asyncio.run(run(MONDAY_MS, outside))

    assert done["upkeep"] == "500 55P03"
    assert len(outside.told) == 2


def test_an_unreachable_database_is_said() -> None:
    done = asyncio.run(run(MONDAY_MS, an_outside(is_database_away=True)))

    assert done == {"error": "the database did not answer"}
