"""The cron against the real database: last week's numbers, each tenant once."""

import asyncio

import msgspec
import psycopg
import pytest

import weekly_report
from services import Answer
from tests.database.rest_services import RestServices, store
from tests.queue_consumer.records import AT_MS, a_call
from weekly_report import run

pytestmark = pytest.mark.stack

DAY_MS = 86_400_000
NEXT_WEEK_MS = AT_MS + 7 * DAY_MS
CONFIG = '{"slack_webhook_url":"https://hooks.example/T1"}'


def texts_told(services: RestServices) -> list[str]:
    return [block["text"]["text"] for _, body in services.told for block in msgspec.json.decode(body)["blocks"]]


def test_a_tenant_is_told_its_last_week_and_no_one_elses(services: RestServices) -> None:
    services.configs["acme"] = CONFIG
    store(
        [
            a_call(
                1,
                session_id="big",
                team="search",
                provider="openai",
                model="gpt-5",
                cost_nanousd=3_000_000_000,
            ),
            a_call(
                2,
                session_id="big",
                team="search",
                provider="openai",
                model="gpt-5",
                cost_nanousd=1_000_000_000,
            ),
            a_call(3, session_id="small", outcome="refused", cost_nanousd=0),
            a_call(4, session_id="small", outcome="cut", is_cut=True, cost_nanousd=500_000_000),
            a_call(5, started_at_ms=AT_MS - 7 * DAY_MS, cost_nanousd=2_000_000_000),
            a_call(6, started_at_ms=AT_MS + 7 * DAY_MS, cost_nanousd=7_000_000_000),
            a_call(7, tenant="beta", session_id="foreign", cost_nanousd=9_000_000_000),
        ],
        services,
    )

    done = asyncio.run(run(NEXT_WEEK_MS, services))

    assert done["reports"] == {"sent": 1, "no_webhook": 1}
    assert texts_told(services) == [
        "Week of 2026-11-16: $4.50 in 4 requests ($2.00 the week before).",
        "Refused: 1. Streams cut at their budget: 1.",
        "Dearest sessions\n• big: $4.00 in 2 requests\n• small: $0.50 in 2 requests",
        "Models\n• openai/gpt-5: $4.00 in 2 requests\n• (no model): $0.50 in 2 requests",
        "Teams\n• search: $4.00 in 2 requests\n• (no team): $0.50 in 2 requests",
    ]


def test_a_week_is_told_once_however_often_the_cron_fires(services: RestServices) -> None:
    services.configs["acme"] = CONFIG
    store([a_call()], services)

    for hour in range(3):
        asyncio.run(run(NEXT_WEEK_MS + hour * 3_600_000, services))

    assert len(services.told) == 1


def test_a_tenant_that_wants_no_report_gets_none(services: RestServices, sql: psycopg.Connection) -> None:
    services.configs["acme"] = CONFIG
    store([a_call()], services)
    sql.execute("update tenants set wants_weekly_report = false")

    done = asyncio.run(run(NEXT_WEEK_MS, services))

    assert (done["reports"], services.told) == ({}, [])


def test_a_tenant_that_made_no_call_that_week_gets_no_report(services: RestServices) -> None:
    services.configs["acme"] = CONFIG
    store([a_call()], services)

    done = asyncio.run(run(NEXT_WEEK_MS + 7 * DAY_MS, services))

    assert (done["reports"], services.told) == ({}, [])


def test_more_tenants_than_one_run_serves_are_all_told_by_the_next_runs(
    services: RestServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weekly_report, "TENANTS_PER_RUN_MAX", 10)
    store([a_call(number, tenant=f"tenant-{number:02}") for number in range(25)], services)

    told = [asyncio.run(run(NEXT_WEEK_MS + 600_000 * turn, services))["reports"] for turn in range(4)]

    assert told == [{"no_webhook": 10}, {"no_webhook": 10}, {"no_webhook": 5}, {}]


def test_tenants_whose_report_fails_do_not_stand_in_the_way_of_those_behind_them(
    services: RestServices, monkeypatch: pytest.MonkeyPatch, sql: psycopg.Connection
) -> None:
    """However they fail: their claim handed back, or never come so far."""
    monkeypatch.setattr(weekly_report, "TENANTS_PER_RUN_MAX", 2)
    for tenant in ("a", "b"):
        services.configs[tenant] = CONFIG
    services.webhook_answers = [Answer(503, "")] * 8
    store([a_call(number, tenant=tenant) for number, tenant in enumerate("abcd")], services)

    asyncio.run(run(NEXT_WEEK_MS, services))
    sql.execute("update report_dispatches set tried_at = tried_at - interval '1 hour'")
    asyncio.run(run(NEXT_WEEK_MS, services))
    sql.execute("update report_dispatches set tried_at = tried_at - interval '1 hour'")
    asyncio.run(run(NEXT_WEEK_MS, services))

    rows = sql.execute("select tenant, attempts, result from report_dispatches order by tenant").fetchall()
    assert rows == [("a", 2, None), ("b", 2, None), ("c", 1, "no_webhook"), ("d", 1, "no_webhook")]


def test_a_report_says_in_the_table_what_was_told(services: RestServices, sql: psycopg.Connection) -> None:
    store([a_call()], services)

    asyncio.run(run(NEXT_WEEK_MS, services))

    assert str(sql.execute("select summary from report_dispatches").fetchone()).startswith("('Week of 2026-11-16")
