"""Holds and reports of SDKs on the genuine runtime: the routes, compressed bodies, and the alarm that ends what is left."""

import asyncio
import gzip
import json

import httpx
import psycopg
import pytest

from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

WORST_USD = (0.15 * (1_000 + 16) + 0.60 * 100) / 1e6
COST_USD = (0.15 * 500 + 0.60 * 40) / 1e6


def a_hold(run: str, number: int = 0, **changes):
    return {
        "hold_id": f"{run}.{number}",
        "model": "gpt-4o-mini",
        "dialect": "openai_chat",
        "input_bytes": 2_000,
        "output_tokens_max": 100,
        "session_id": run,
        **changes,
    }


def a_report(run: str, number: int = 0, **changes):
    return {
        "event_id": f"{run}.{number}",
        "model": "gpt-4o-mini",
        "prompt_tokens": 500,
        "completion_tokens": 40,
        "latency_ms": 5,
        "session_id": run,
        **changes,
    }


def check(edge: Edge, run: str):
    return edge.get(f"/v1/budget-check?session_id={run}").json()


def rows(edge: Edge, run: str) -> list[tuple[object, ...]]:
    query = "select request_id, outcome, source from llm_request_logs where session_id = %s order by request_id"
    with psycopg.connect(edge.stack.postgres_dsn, autocommit=True) as connection:
        return list(connection.execute(query, (run,)))


def test_money_is_held_and_a_report_takes_its_place(edge, run):
    held = edge.post("/v1/holds", a_hold(run)).json()
    during = check(edge, run)
    settled = edge.post(f"/v1/holds/{run}.0/settle", a_report(run)).json()

    assert held["held_usd"] == pytest.approx(WORST_USD)
    assert during["held_usd"] == held["budget"]["held_usd"] == held["held_usd"]
    assert settled["charged_usd"] == pytest.approx(COST_USD)
    assert (edge.session(run)["spent_usd"], settled["budget"]["held_usd"]) == (settled["charged_usd"], 0)
    assert eventually(lambda: rows(edge, run), bool) == [(f"{run}.0", "complete", "sdk")]


def test_many_holds_at_once_cannot_overspend_a_session(edge, run):
    async def burst() -> list[int]:
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(timeout=60, limits=limits, headers=edge.headers()) as client:
            asked = [a_hold(run, number, session_budget_usd="0.0025") for number in range(100)]
            answers = (client.post(edge.stack.edge_url + "/v1/holds", json=each) for each in asked)
            return [answer.status_code for answer in await asyncio.gather(*answers)]

    statuses = asyncio.run(burst())
    edge.post(
        "/v1/ingest",
        {"reports": [a_report(run, number, prompt_tokens=0, completion_tokens=0) for number in range(100)]},
    )

    assert set(statuses) == {200, 402}
    assert statuses.count(200) in (11, 12)  # the last may be of what is left
    assert edge.session(run)["spent_usd"] == 0


def test_a_hold_whose_process_was_killed_is_gone_after_its_time(edge, run):
    held = edge.post("/v1/holds", a_hold(run)).json()

    after = edge.session(run)

    assert after["spent_usd"] == held["held_usd"]
    assert edge.post("/v1/ingest", a_report(run)).text == "Success"
    assert edge.session(run)["spent_usd"] == pytest.approx(COST_USD)


def test_a_compressed_batch_is_read_and_its_rows_arrive(edge, run):
    batch = [a_report(run, number) for number in range(300)]
    batch[7]["prompt_tokens"] = -1
    body = gzip.compress(json.dumps({"reports": batch}).encode())

    taken = edge.post("/v1/ingest", body, content_encoding="gzip").json()

    assert taken["accepted"] == 299
    assert [(each["index"], each["error"]["param"]) for each in taken["refused"]] == [(7, "prompt_tokens")]
    assert edge.session(run)["spent_usd"] == pytest.approx(299 * COST_USD)
    eventually(lambda: len(rows(edge, run)), lambda count: count == 299)


def test_what_unpacks_to_more_than_its_bound_is_refused(edge):
    bomb = gzip.compress(b" " * 100_000_000)

    assert edge.post("/v1/ingest", bomb, content_encoding="gzip").status_code == 413
