"""Many calls at once: each asks once, none waits for another, and sessions stay apart."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from calls_made import a_guard, some_end, some_facts
from scripted_edge import FINE, MUTE, Reply, ScriptedEdge

import agentwatch
from agentwatch import in_session
from agentwatch.guard import OpenCall


def test_fifty_threads_at_once_are_one_check_each(edge: ScriptedEdge) -> None:
    """No call gets its answer before all have asked, so none can have waited for another."""
    threads_count = 50
    together = threading.Barrier(threads_count)
    edge.on_check = lambda _: (together.wait(10), Reply(200, FINE))[1]
    guard = a_guard(edge.url, enforcement_mode=True, timeout_seconds=10)
    with ThreadPoolExecutor(threads_count) as pool:
        calls = list(pool.map(lambda _: guard.begin(some_facts()), range(threads_count)))

    assert len({each.event_id for each in calls}) == threads_count
    assert sorted(each.iteration for each in calls) == list(range(1, threads_count + 1))
    assert len(edge.checks) == threads_count


def test_five_hundred_tasks_in_three_loops_are_one_check_and_one_report_each(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, enforcement_mode=True, timeout_seconds=20)

    async def call() -> None:
        (await guard.begin_async(some_facts())).end(some_end())

    async def main() -> None:
        await asyncio.gather(*(call() for _ in range(500)))

    for _ in range(3):
        asyncio.run(main())

    assert guard.flush(10)
    assert len(edge.checks) == 1_500
    assert len({each["event_id"] for each in edge.reports}) == 1_500


def test_another_task_runs_on_while_a_mute_edge_is_asked(edge: ScriptedEdge) -> None:
    edge.on_check = lambda _: MUTE
    guard = a_guard(edge.url, enforcement_mode=True, timeout_seconds=0.3)

    async def main() -> tuple[OpenCall, int]:
        turns = 0
        beginning = asyncio.ensure_future(guard.begin_async(some_facts()))
        while not beginning.done():
            await asyncio.sleep(0.005)
            turns += 1
        return beginning.result(), turns

    call, turns = asyncio.run(main())

    assert call.reports
    assert turns > 20


def test_sessions_of_tasks_at_once_stay_apart(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, enforcement_mode=True, timeout_seconds=10)

    async def agent(name: str) -> set[str]:
        with agentwatch.session(session_id=name):
            calls = await asyncio.gather(*(guard.begin_async(some_facts()) for _ in range(5)))
            await asyncio.sleep(0)
            calls.append(await guard.begin_async(some_facts()))
        return {each.session.id for each in calls}

    async def main() -> list[set[str]]:
        return list(await asyncio.gather(*(agent(f"run-{number}") for number in range(10))))

    assert asyncio.run(main()) == [{f"run-{number}"} for number in range(10)]


def test_tools_in_a_pool_are_in_the_session_that_they_are_taken_along_to(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url)
    with ThreadPoolExecutor(4) as pool, agentwatch.session(session_id="run-1"):
        tool = in_session(lambda _: guard.begin(some_facts()).session.id)
        sessions = list(pool.map(tool, range(20)))

    assert set(sessions) == {"run-1"}


def test_the_session_of_a_call_is_that_of_its_beginning(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url)
    with agentwatch.session(session_id="outer"):
        with agentwatch.session(session_id="inner"):
            stream = guard.begin(some_facts(is_streaming=True))
        ended = threading.Thread(target=stream.end, args=(some_end(),))
        ended.start()
        ended.join()

    assert guard.flush(5)
    assert edge.reports[0]["session_id"] == "inner"
