"""The crons: upkeep in parts, and each tenant is told of each finished week once, whenever they fire."""

import asyncio
from datetime import date
from typing import Any

import msgspec
import pytest

import upkeep
from services import Answer
from tests.queue_consumer.scripted_services import ScriptedServices
from weekly_report import last_week_start, run

MONDAY_MS = 1_795_420_800_000
"""2026-11-23T08:00:00Z."""

CONFIG = '{"slack_webhook_url":"https://hooks.example/T"}'
REPORT = Answer(
    200,
    '{"requests":2,"refused":0,"cut":0,"cost_nanousd":5,"previous_cost_nanousd":0,'
    '"sessions":[],"models":[],"teams":[]}',
)


def the_services(**changes: Any) -> ScriptedServices:
    answers = {
        "take_weekly_report_tenants": Answer(200, '[{"tenant":"acme"},{"tenant":"beta"}]'),
        "weekly_report": REPORT,
    }
    return ScriptedServices(
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
        (MONDAY_MS - 1, date(2026, 11, 9)),
    ],
    ids=["Monday morning", "Sunday after", "before that morning"],
)
def test_the_week_reported_is_the_last_whole_one(now_ms: int, expected: date) -> None:
    assert last_week_start(now_ms) == expected


def test_every_due_tenant_is_told() -> None:
    services = the_services()

    done = asyncio.run(run(MONDAY_MS, services))

    assert len(services.told) == 2
    assert log_of(done) == {"week": "2026-11-16", "reports": {"sent": 2}}


def test_a_second_run_tells_nobody_again() -> None:
    services = the_services()

    asyncio.run(run(MONDAY_MS, services))
    asyncio.run(run(MONDAY_MS + 86_400_000, services))

    assert len(services.told) == 2


def test_a_report_that_slack_does_not_take_is_sent_by_the_next_run() -> None:
    services = the_services(webhook_answers=[Answer(503, "")])

    first = asyncio.run(run(MONDAY_MS, services))
    asyncio.run(run(MONDAY_MS + 86_400_000, services))

    assert first["reports"] == {"sent": 1, "the webhook did not take it": 1}
    assert set(services.dispatches.values()) == {"sent"}


@pytest.mark.parametrize("failing", upkeep.STEPS)
def test_a_part_of_upkeep_that_fails_is_said_and_does_not_stop_the_other(failing: str) -> None:
    answers = {step: Answer(200, '{"done":1}') for step in upkeep.STEPS}
    services = the_services(rpc_answers={**answers, failing: Answer(500, '{"code":"55P03"}')})

    done = log_of(asyncio.run(upkeep.run(services)))

    assert done == {step: "500 55P03" if step == failing else {"done": 1} for step in upkeep.STEPS}


def test_months_are_made_before_anything_is_forgotten() -> None:
    assert upkeep.STEPS == ("make_months_ahead", "forget_old_records")


def test_an_unreachable_database_is_said() -> None:
    away = the_services(is_database_away=True)

    assert asyncio.run(run(MONDAY_MS, away))["reports"] == {"the database did not answer": 1}
    assert set(asyncio.run(upkeep.run(away)).values()) == {"the database did not answer"}
