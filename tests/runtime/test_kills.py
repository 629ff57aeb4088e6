"""workerd killed without warning while calls are under way: no hold stays, and nothing billed goes uncharged."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.runtime.conftest import Edge, eventually
from tests.runtime.test_budgets import BODY, CHAT, spent_nanousd

pytestmark = pytest.mark.stack

LIMIT_NANOUSD = 10_000_000
STREAM = {**BODY, "stream": True}


def headers_of(edge: Edge, run: str, script: str) -> dict[str, str]:
    return edge.headers(x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.01", x_mock_tag=run, x_mock=script)


def running(edge: Edge, run: str) -> list[dict]:
    journal = httpx.get(f"{edge.stack.mock_url}/_mock/journal", params={"tag": run})
    return journal.json()["entries"]


@contextmanager
def a_call_under_way(edge: Edge, run: str, body: dict, script: str) -> Iterator[None]:
    """A call whose client waits for its answer while the block runs, and sees it break off."""

    def wait() -> None:
        try:
            httpx.post(edge.stack.edge_url + CHAT, json=body, headers=headers_of(edge, run, script), timeout=60)
        except httpx.TransportError:
            return

    client = threading.Thread(target=wait)
    client.start()
    yield
    client.join()


def assert_the_books_are_right(edge: Edge, run: str) -> None:
    check = edge.session(run)
    billed = sum(entry["billed_nanousd"] for entry in edge.billed(run))

    assert check["held_usd"] == 0
    assert 0 < billed <= spent_nanousd(check) <= LIMIT_NANOUSD


MOMENTS = {
    "before_the_provider_answers": (BODY, "first_byte_delay_ms=60000", 0),
    "while_a_whole_answer_is_generated": (BODY, "hang_after_tokens=10", 10),
    "while_a_stream_passes": (STREAM, "hang_after_tokens=10", 10),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_in_the_middle_of_a_call_leaves_no_hold_and_no_unpaid_bill(edge, run, moment):
    body, script, tokens = MOMENTS[moment]

    with a_call_under_way(edge, run, body, script):
        eventually(
            lambda: running(edge, run), lambda entries: bool(entries) and entries[0]["generated_tokens"] >= tokens
        )
        edge.stack.restart_workers()

    assert_the_books_are_right(edge, run)


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "streamed"])
def test_a_worker_killed_right_after_its_answer_still_charges_it(edge, run, body):
    answer = httpx.post(edge.stack.edge_url + CHAT, json=body, headers=headers_of(edge, run, ""), timeout=60)

    edge.stack.restart_workers()

    assert answer.status_code == 200
    assert_the_books_are_right(edge, run)


def test_a_worker_killed_in_a_burst_at_any_of_its_steps_never_loses_a_charge(edge, run):
    headers = headers_of(edge, run, "first_byte_delay_ms=30")

    async def burst_until(answers_max: int) -> None:
        """Forty calls at once, each at another step when the Worker dies with the given answer."""
        answered = 0
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=40)) as client:

            async def call(place: int) -> None:
                nonlocal answered
                body = STREAM if place % 2 else BODY
                try:
                    await client.post(edge.stack.edge_url + CHAT, json=body, headers=headers)
                except httpx.TransportError:
                    return
                answered += 1
                if answered == answers_max:
                    edge.stack.kill_workers()

            await asyncio.gather(*(call(place) for place in range(40)))

    for answers_max in (1, 7, 23):
        asyncio.run(burst_until(answers_max))
        edge.stack.restart_workers()

    assert_the_books_are_right(edge, run)
