"""The Python SDK against the genuine stack: budgets stop its calls, every call has a row, and an outage stops nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import agentwatch
import httpx2
import psycopg
import pytest

from local.processes import free_port
from local.provider_addresses import AsyncMockProviders, MockProviders
from local.stack import Stack
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

SDK = Path(agentwatch.__file__).parent.parent
MODEL = "gpt-4o-mini"
HELLO = [{"role": "user", "content": "hello"}]
FINISHED_NANOUSD = 30_000
"""At least what one of the calls here costs."""


@pytest.fixture
def watched(stack: Stack, run: str):
    """Makes watched clients of OpenAI whose provider is the mock, each in this test's session."""
    made = []

    def make(kind=agentwatch.WatchedOpenAI, **options):
        given = {
            "agentwatch_api_key": stack.tokens["live"],
            "agentwatch_base_url": stack.edge_url,
            "agentwatch_session_id": run,
            "agentwatch_timeout_seconds": 10,
            **options,
        }
        is_async = kind is agentwatch.WatchedAsyncOpenAI
        client = kind(
            api_key="sk-mock",
            http_client=(
                httpx2.AsyncClient(transport=AsyncMockProviders(stack.mock_url), timeout=120)
                if is_async
                else httpx2.Client(transport=MockProviders(stack.mock_url), timeout=120)
            ),
            default_headers={"x-mock-tag": run, "x-mock": "output_tokens=40"},
            **given,
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.agentwatch.flush(10)


def chat(client, **more):
    return client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=60, **more)


def rows(stack: Stack, session_id: str) -> list[tuple[str, int, str]]:
    query = "select outcome, cost_nanousd, source from llm_request_logs where session_id = %s order by started_at"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        return list(connection.execute(query, (session_id,)))


def billed_nanousd(edge: Edge, tag: str) -> int:
    return sum(entry["billed_nanousd"] for entry in edge.billed(tag))


def test_a_loop_that_holds_is_stopped_by_its_session_s_budget(watched, edge, run):
    client = watched(agentwatch_session_budget_usd="0.0002", agentwatch_holds=True)

    with pytest.raises(agentwatch.AgentBudgetExceeded) as stopped:
        for _ in range(50):
            chat(client)
    client.agentwatch.flush(10)

    assert stopped.value.session_id == run
    assert 0 < billed_nanousd(edge, run) <= 200_000
    assert len(edge.billed(run)) == len(eventually(lambda: edge.outcomes(run), lambda found: len(found) >= 2)) - 1


def test_a_checked_loop_is_stopped_once_its_budget_is_spent(watched, edge, run):
    client = watched(agentwatch_session_budget_usd="0.0002", agentwatch_enforcement_mode=True)

    with pytest.raises(agentwatch.AgentBudgetExceeded):
        for _ in range(50):
            chat(client)
            client.agentwatch.flush(10)

    assert 200_000 <= billed_nanousd(edge, run) < 200_000 + 2 * FINISHED_NANOUSD


@pytest.mark.parametrize("is_read_to_the_end", [True, False])
def test_a_stream_is_charged_what_it_came_to(watched, edge, stack, run, is_read_to_the_end):
    client = watched()

    with chat(client, stream=True) as stream:
        for count, _ in enumerate(stream):
            if count == 5 and not is_read_to_the_end:
                break
    client.agentwatch.flush(10)
    (row,) = eventually(lambda: rows(stack, run), bool)

    expected = "complete" if is_read_to_the_end else "client_disconnected"
    assert (row[0], row[2]) == (expected, "sdk")
    if is_read_to_the_end:
        assert row[1] == billed_nanousd(edge, run)
    assert row[1] > 0


def test_each_way_to_call_has_its_row(watched, stack, run):
    client = watched()

    chat(client)
    client.responses.create(model=MODEL, input="hello", max_output_tokens=60)
    client.embeddings.create(model="text-embedding-3-small", input="hello")
    client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, max_tokens=60).parse()
    client.with_options(timeout=20).chat.completions.create(model=MODEL, messages=HELLO, max_tokens=60)
    client.agentwatch.flush(10)

    assert [row[0] for row in eventually(lambda: rows(stack, run), lambda found: len(found) >= 5)] == ["complete"] * 5


def test_with_agentwatch_away_calls_go_on_and_are_not_slowed_each(watched):
    client = watched(
        agentwatch_base_url=f"http://127.0.0.1:{free_port()}",
        agentwatch_enforcement_mode=True,
        agentwatch_session_budget_usd="1",
    )

    assert [chat(client).choices[0].finish_reason for _ in range(10)]


def test_with_agentwatch_away_a_closed_client_lets_nothing_through(watched, edge, run):
    client = watched(
        agentwatch_base_url=f"http://127.0.0.1:{free_port()}",
        agentwatch_enforcement_mode=True,
        agentwatch_enforcement_fail_open=False,
    )

    with pytest.raises(agentwatch.AgentBudgetCheckUnavailable):
        chat(client)
    assert edge.billed(run) == []


def test_fifty_threads_of_one_session_that_hold_cannot_overspend_it(watched, edge, run):
    client = watched(agentwatch_session_budget_usd="0.001", agentwatch_holds=True)
    barrier = threading.Barrier(50)

    def call(_: int) -> str:
        barrier.wait()
        try:
            return chat(client).choices[0].finish_reason
        except agentwatch.AgentBudgetExceeded:
            return "refused"

    with ThreadPoolExecutor(50) as pool:
        ends = list(pool.map(call, range(50)))
    client.agentwatch.flush(20)

    assert "refused" in ends and len(set(ends)) > 1
    assert 0 < billed_nanousd(edge, run) <= 1_000_000
    assert round(edge.session(run)["spent_usd"] * 1e9) == billed_nanousd(edge, run)


def test_five_hundred_tasks_of_one_session_that_hold_cannot_overspend_it(watched, edge, run):
    client = watched(
        agentwatch.WatchedAsyncOpenAI, agentwatch_session_budget_usd="0.002", agentwatch_holds=True,
        agentwatch_timeout_seconds=60,
    )  # fmt: skip

    async def call() -> str:
        try:
            return (await chat(client)).choices[0].finish_reason
        except agentwatch.AgentBudgetExceeded:
            return "refused"

    async def all_at_once() -> list[str]:
        async with client:
            return await asyncio.gather(*(call() for _ in range(500)))

    ends = asyncio.run(all_at_once())
    client.agentwatch.flush(30)

    assert "refused" in ends and len(set(ends)) > 1
    assert 0 < billed_nanousd(edge, run) <= 2_000_000
    assert round(edge.session(run)["spent_usd"] * 1e9) == billed_nanousd(edge, run)


def test_a_process_that_is_killed_in_the_middle_leaves_no_hold_behind_its_time(edge, stack, run):
    program = f"""
        import agentwatch
        from concurrent.futures import ThreadPoolExecutor

        client = agentwatch.WatchedOpenAI(
            api_key="sk-mock", base_url={stack.mock_url + "/openai/v1"!r}, agentwatch_api_key={stack.tokens["live"]!r},
            agentwatch_base_url={stack.edge_url!r}, agentwatch_session_id={run!r}, agentwatch_holds=True,
            agentwatch_session_budget_usd="1", agentwatch_timeout_seconds=10,
            default_headers={{"x-mock": "output_tokens=4000;pace_ms=20", "x-mock-tag": {run!r}}},
        )
        def call(_):
            for chunk in client.chat.completions.create(model={MODEL!r}, messages={HELLO!r}, max_tokens=4000, stream=True):
                print("x", flush=True)
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(call, range(10)))
    """
    environment = {**os.environ, "PYTHONPATH": str(SDK)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, env=environment
    ) as caller:
        assert caller.stdout is not None and caller.stdout.readline()
        held = edge.get(f"/v1/budget-check?session_id={run}").json()["held_usd"]
        caller.send_signal(signal.SIGKILL)

    assert held > 0
    assert edge.session(run)["held_usd"] == 0


@pytest.mark.parametrize("is_streaming", [False, True])
def test_through_agentwatch_a_call_is_recorded_there_and_not_twice(watched, stack, run, is_streaming):
    client = watched(agentwatch_primary_provider="agentwatch", agentwatch_session_budget_usd="1")

    answer = chat(client, stream=True) if is_streaming else chat(client)
    if is_streaming:
        assert list(answer)
    client.agentwatch.flush(10)

    assert [row[::2] for row in eventually(lambda: rows(stack, run), bool)] == [("complete", "proxy")]


def test_through_agentwatch_a_budget_stop_raises_the_same_exception(watched, run):
    client = watched(agentwatch_primary_provider="agentwatch", agentwatch_session_budget_usd="0.0002")

    with pytest.raises(agentwatch.AgentBudgetExceeded) as stopped:
        for _ in range(50):
            chat(client)

    assert (stopped.value.session_id, stopped.value.limit) == (run, 0.0002)


def test_through_agentwatch_a_stream_that_is_cut_raises_the_same_exception(watched, run):
    client = watched(agentwatch_primary_provider="agentwatch", agentwatch_session_budget_usd="0.0006")

    with pytest.raises(agentwatch.AgentBudgetExceeded):
        for _ in client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=4_000, stream=True, extra_headers={"x-mock": "output_tokens=3000"}
        ):
            pass


def test_with_agentwatch_away_a_client_asks_its_provider_directly(watched, edge, run):
    client = watched(
        agentwatch_base_url=f"http://127.0.0.1:{free_port()}",
        agentwatch_primary_provider="agentwatch",
        agentwatch_fallback_provider="direct",
    )

    assert [chat(client).choices[0].finish_reason for _ in range(3)]
    assert len(edge.billed(run)) == 3
