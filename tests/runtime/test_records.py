"""Every call is one row in PostgreSQL, by way of the queue and the consumer."""

import psycopg
import pytest

from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}


def rows_of(edge, session_id: str, count: int) -> list[tuple]:
    with psycopg.connect(edge.stack.postgres_dsn, autocommit=True) as connection:
        return eventually(
            lambda: connection.execute(
                "select outcome, provider, cost_nanousd, is_streaming, status from llm_request_logs where session_id = %s order by started_at",
                (session_id,),
            ).fetchall(),
            lambda rows: len(rows) == count,
        )


def test_each_call_is_one_row_at_the_provider_s_price(edge, run):
    edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_mock_tag=run)
    edge.post(CHAT, {**BODY, "stream": True}, x_agentwatch_session_id=run, x_mock_tag=run)

    rows = rows_of(edge, run, 2)

    assert [(row[0], row[1], row[3]) for row in rows] == [("complete", "openai", False), ("complete", "openai", True)]
    assert sum(row[2] for row in rows) == sum(entry["billed_nanousd"] for entry in edge.billed(run))


def test_a_refused_call_is_a_row_that_cost_nothing(edge, run):
    edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.00000001")

    assert rows_of(edge, run, 1) == [("refused", "openai", 0, False, 402)]


def test_a_report_sent_twice_is_one_row(edge, run):
    report = {"model": "gpt-4o-mini", "prompt_tokens": 9, "completion_tokens": 1, "latency_ms": 5, "session_id": run}
    for _ in range(2):
        edge.post("/v1/ingest", {**report, "event_id": run})
    edge.post("/v1/ingest", report)

    rows = rows_of(edge, run, 2)

    assert [row[:3] for row in rows] == [("complete", "openai", 9 * 150 + 600)] * 2
