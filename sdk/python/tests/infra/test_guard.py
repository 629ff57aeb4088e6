"""What stands before a call and after it, against an edge that answers, refuses, errs or is not there."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest
from calls_made import CANARY, a_guard, some_end, some_facts
from scripted_edge import FINE, HANG_UP, MUTE, Reply, ScriptedEdge, budget_refusal, refusal

import agentwatch
from agentwatch import AgentBudgetCheckUnavailable, AgentBudgetExceeded
from agentwatch.edge import registry
from agentwatch.guard import Guard, OpenCall

NOBODY = "http://127.0.0.1:9"
EXCEEDED = Reply(200, FINE | {"exceeded": True, "spent_usd": 5.25, "limit_usd": 5.0})


def begin(guard: Guard, **facts: Any) -> OpenCall:
    return guard.begin(some_facts(**facts))


def begin_in_loop(guard: Guard, **facts: Any) -> OpenCall:
    return asyncio.run(guard.begin_async(some_facts(**facts)))


both_ways = pytest.mark.parametrize("start", [begin, begin_in_loop], ids=["sync", "async"])


@both_ways
def test_without_enforcement_nothing_is_asked(edge: ScriptedEdge, start: Any) -> None:
    call = start(a_guard(edge.url))

    assert call.reports
    assert not edge.received


@both_ways
def test_a_session_with_money_goes_on_after_one_check(edge: ScriptedEdge, start: Any) -> None:
    start(a_guard(edge.url, enforcement_mode=True, session_id="run-1", session_budget_usd=0.5))

    assert [each.path for each in edge.received] == ["/v1/budget-check?session_id=run-1&limit_usd=0.5"]
    assert edge.received[0].headers["authorization"] == f"Bearer {CANARY}"


@both_ways
def test_a_session_without_money_is_stopped(edge: ScriptedEdge, start: Any) -> None:
    edge.on_check = lambda _: EXCEEDED

    with pytest.raises(AgentBudgetExceeded) as caught:
        start(a_guard(edge.url, enforcement_mode=True, session_id="run-1"))

    assert (caught.value.session_id, caught.value.spent, caught.value.limit) == ("run-1", 5.25, 5.0)


@both_ways
def test_whoever_repeats_a_refused_call_is_refused_without_asking(edge: ScriptedEdge, start: Any) -> None:
    edge.on_check = lambda _: EXCEEDED
    guard = a_guard(edge.url, enforcement_mode=True)

    for _ in range(5):
        with pytest.raises(AgentBudgetExceeded):
            start(guard)

    assert len(edge.checks) == 1


def test_another_session_is_asked_about_anew(edge: ScriptedEdge) -> None:
    edge.on_check = lambda received: EXCEEDED if "run-1" in received.path else Reply(200, FINE)
    guard = a_guard(edge.url, enforcement_mode=True, session_id="run-1")
    with pytest.raises(AgentBudgetExceeded):
        begin(guard)

    with agentwatch.session(session_id="run-2"):
        begin(guard)

    assert len(edge.checks) == 2


def test_a_refusal_is_forgotten_after_a_moment(edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentwatch.guard.REMEMBERED_SECONDS", 0.0)
    edge.on_check = lambda _: EXCEEDED if len(edge.checks) == 1 else Reply(200, FINE)
    guard = a_guard(edge.url, enforcement_mode=True)
    with pytest.raises(AgentBudgetExceeded):
        begin(guard)

    begin(guard)


# Holds.


@both_ways
def test_a_hold_is_the_calls_event_and_may_lower_its_output(edge: ScriptedEdge, start: Any) -> None:
    edge.on_hold = lambda each: Reply(200, {"hold_id": each.document["hold_id"], "output_tokens_max": 64})
    guard = a_guard(edge.url, holds=True, session_id="run-1", agent="planner", session_budget_usd="0.50")

    call = start(guard, output_tokens_max=1000)
    call.end(some_end())

    assert guard.flush(5)
    asked = edge.holds[0].document
    assert (asked["hold_id"], asked["session_id"], asked["agent"]) == (call.event_id, "run-1", "planner")
    assert (asked["session_budget_usd"], asked["iteration_index"]) == ("0.50", 1)
    assert call.output_tokens_max == 64
    assert [each["event_id"] for each in edge.reports] == [call.event_id]
    assert not edge.checks


@both_ways
@pytest.mark.parametrize("code", ["budget_exhausted", "scope_paused"])
def test_a_hold_without_money_stops_the_call(edge: ScriptedEdge, start: Any, code: str) -> None:
    edge.on_hold = lambda _: budget_refusal(spent="4.75", limit="5.00", code=code)
    guard = a_guard(edge.url, holds=True)

    for _ in range(3):
        with pytest.raises(AgentBudgetExceeded) as caught:
            start(guard)

    assert (caught.value.spent, caught.value.limit) == (4.75, 5.0)
    assert len(edge.holds) == 1
    assert guard.flush(1) and not edge.reports


def test_a_smaller_call_is_asked_for_though_a_larger_one_was_refused(edge: ScriptedEdge) -> None:
    edge.on_hold = lambda each: (
        budget_refusal() if each.document["input_bytes"] > 1_000 else Reply(200, {"hold_id": each.document["hold_id"]})
    )
    guard = a_guard(edge.url, holds=True)
    with pytest.raises(AgentBudgetExceeded):
        begin(guard, input_bytes=10_000)

    begin(guard, input_bytes=10)


def test_a_call_that_was_never_made_releases_its_hold(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, holds=True)

    call = begin(guard)
    call.end(some_end(outcome="failed", usage=None))

    assert guard.flush(5)
    report = edge.reports[0]
    assert (report["event_id"], report["outcome"]) == (call.event_id, "failed")
    assert (report["prompt_tokens"], report["completion_tokens"]) == (0, 0)


def test_a_hold_that_nobody_waited_for_is_released_once_it_is_answered(edge: ScriptedEdge) -> None:
    may_answer = threading.Event()
    edge.on_hold = lambda each: (may_answer.wait(5), Reply(200, {"hold_id": each.document["hold_id"]}))[1]
    guard = a_guard(edge.url, holds=True, timeout_seconds=5)

    async def cancelled() -> None:
        beginning = asyncio.ensure_future(guard.begin_async(some_facts()))
        while not edge.holds:
            await asyncio.sleep(0.005)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        assert guard.connection.sender.taken == 0

    asyncio.run(cancelled())
    may_answer.set()

    assert _until(lambda: guard.connection.sender.taken == 1) and guard.flush(5)
    assert edge.reports[0]["event_id"] == edge.holds[0].document["hold_id"]


def _until(is_so: Any) -> bool:
    over = threading.Event()
    return any(is_so() or over.wait(0.01) for _ in range(500)) and bool(is_so())


def test_a_hold_whose_answer_was_lost_is_released_where_nothing_goes_unasked(edge: ScriptedEdge) -> None:
    edge.on_hold = lambda _: HANG_UP
    guard = a_guard(edge.url, holds=True, enforcement_fail_open=False)

    with pytest.raises(AgentBudgetCheckUnavailable):
        begin(guard)

    assert guard.flush(5)
    assert [each["event_id"] for each in edge.reports] == [edge.holds[0].document["hold_id"]]


def test_a_hold_that_was_refused_for_its_token_is_none_and_not_reported(edge: ScriptedEdge) -> None:
    edge.on_hold = lambda _: refusal(401)
    guard = a_guard(edge.url, holds=True, enforcement_fail_open=False)

    with pytest.raises(AgentBudgetCheckUnavailable, match="agentwatch_api_key"):
        begin(guard)

    assert guard.flush(5) and not edge.reports


# AgentWatch away, wrong, or odd.

ODD = {
    "401": lambda _: refusal(401),
    "403": lambda _: refusal(403),
    "404": lambda _: refusal(404),
    "400": lambda _: refusal(400),
    "429": lambda _: refusal(429, retry_after="1"),
    "500": lambda _: refusal(500),
    "503": lambda _: refusal(503),
    "another's 402": lambda _: Reply(402, {"error": {"code": "insufficient_quota"}}),
    "a page": lambda _: Reply(200, body=b"<html>"),
    "a list": lambda _: Reply(200, []),
    "nesting": lambda _: Reply(200, body=b"[" * 100_000),
    "hung up": lambda _: HANG_UP,
    "mute": lambda _: MUTE,
}


@both_ways
@pytest.mark.parametrize("enforcement", ["enforcement_mode", "holds"])
@pytest.mark.parametrize("odd", ODD)
def test_what_cannot_be_checked_goes_on_or_is_stopped_as_its_user_said(
    edge: ScriptedEdge, start: Any, enforcement: str, odd: str
) -> None:
    edge.on_check = edge.on_hold = ODD[odd]
    told = {enforcement: True, "timeout_seconds": 0.1}

    start(a_guard(edge.url, **told))
    registry._process.connections.clear()
    with pytest.raises(AgentBudgetCheckUnavailable):
        start(a_guard(edge.url, **told, enforcement_fail_open=False))


@pytest.mark.parametrize("status", [401, 404, 403])
def test_a_wrong_token_is_said_once_and_is_no_outage(
    edge: ScriptedEdge, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    edge.on_check = lambda _: refusal(status)
    guard = a_guard(edge.url, enforcement_mode=True)
    with caplog.at_level(logging.DEBUG):
        for _ in range(10):
            begin(guard)

    assert len(edge.checks) == 10
    assert len(caplog.records) == 1
    assert CANARY not in caplog.text


def test_an_outage_costs_one_time_out_for_a_thousand_calls(
    edge: ScriptedEdge, caplog: pytest.LogCaptureFixture
) -> None:
    edge.on_check = lambda _: MUTE
    guards = [a_guard(edge.url, enforcement_mode=True, timeout_seconds=0.3) for _ in range(4)]
    began = time.monotonic()

    for number in range(1_000):
        begin(guards[number % 4])

    assert time.monotonic() - began < 2 * 0.3 + 1.0
    assert len(edge.checks) <= 2
    assert len(caplog.records) == 1


def test_after_an_outage_checks_come_back(edge: ScriptedEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentwatch.edge.breaker.PAUSE_SECONDS_FIRST", 0.0)
    edge.on_check = lambda _: refusal(503) if len(edge.checks) == 1 else EXCEEDED
    guard = a_guard(edge.url, enforcement_mode=True)

    begin(guard)

    with pytest.raises(AgentBudgetExceeded):
        begin(guard)


def test_an_edge_that_is_not_there_stops_no_call(caplog: pytest.LogCaptureFixture) -> None:
    guard = a_guard(NOBODY, enforcement_mode=True)

    for _ in range(100):
        begin(guard).end(some_end())

    assert guard.connection.sender.waiting_records <= 100
    assert len(caplog.records) == 1


@both_ways
def test_a_mistake_of_ours_is_agentwatch_being_unavailable(
    edge: ScriptedEdge, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr("agentwatch.guard.check_question", broken)

    assert start(a_guard(edge.url, enforcement_mode=True)).reports
    with pytest.raises(AgentBudgetCheckUnavailable, match="AssertionError"):
        start(a_guard(edge.url, enforcement_mode=True, enforcement_fail_open=False))


# The end of a call.


def test_a_call_ends_once(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url)
    call = begin(guard)
    ends = [threading.Thread(target=call.end, args=(some_end(attempts=each),)) for each in range(1, 20)]
    for each in ends:
        each.start()
    for each in ends:
        each.join()

    assert guard.flush(5)
    assert len(edge.reports) == 1


def test_an_end_never_raises(edge: ScriptedEdge, caplog: pytest.LogCaptureFixture) -> None:
    call = begin(a_guard(edge.url))

    call.end(None)  # type: ignore[arg-type]

    assert len(caplog.records) == 1


def test_a_report_carries_session_labels_and_time(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, session_id="own", project="p", team="t")
    with agentwatch.session(session_id="run-9", agent="planner"):
        first, second = begin(guard), begin(guard)
    second.end(some_end())
    first.end(some_end())

    assert guard.flush(5)
    reports = edge.reports
    assert [each["iteration_index"] for each in reports] == [2, 1]
    assert {each["session_id"] for each in reports} == {"run-9"}
    assert (reports[0]["project"], reports[0]["team"], reports[0]["agent"]) == ("p", "t", "planner")
    assert abs(reports[0]["started_at_ms"] - time.time() * 1000) < 60_000
    assert reports[0]["event_id"].startswith("evt_")


def test_outside_any_session_the_clients_own_counts(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, enforcement_mode=True)
    started = []
    thread = threading.Thread(target=lambda: started.append(begin(guard)))
    thread.start()
    thread.join()

    assert started[0].session.id == guard.settings.session_id
    assert guard.settings.session_id in edge.checks[0].path


# Through AgentWatch.


@both_ways
def test_a_call_through_agentwatch_asks_and_reports_nothing(edge: ScriptedEdge, start: Any) -> None:
    guard = a_guard(edge.url, primary_provider="agentwatch", enforcement_mode=True, holds=True)
    call = start(guard)
    call.end(some_end())

    assert not call.reports
    assert guard.flush(1) and not edge.received


def test_a_call_that_went_direct_after_all_is_reported(edge: ScriptedEdge) -> None:
    guard = a_guard(edge.url, primary_provider="agentwatch", fallback_provider="direct")
    call = begin(guard)
    call.reports = True
    call.end(some_end())

    assert guard.flush(5)
    assert len(edge.reports) == 1


def test_headers_tell_the_proxy_whose_call_it_is() -> None:
    guard = a_guard(NOBODY, primary_provider="agentwatch", session_id="run-1", session_budget_usd=2, project="p")
    call = begin(guard)

    assert guard.proxy_headers(call) == {
        "x-agentwatch-session-id": "run-1",
        "x-agentwatch-budget-usd": "2",
        "x-agentwatch-project": "p",
        "x-agentwatch-iteration": "1",
    }
