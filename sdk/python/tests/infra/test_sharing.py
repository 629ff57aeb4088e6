"""What clients of a process share, what they count beside calls, and what nobody gets to see."""

from __future__ import annotations

import copy
import logging
import threading

import pytest
from calls_made import CANARY, a_guard, some_end, some_facts
from scripted_edge import HANG_UP, ScriptedEdge

from agentwatch import AgentBudgetCheckUnavailable
from agentwatch.edge import registry
from agentwatch.guard import Guard
from agentwatch.settings import read_settings

NOBODY = "http://127.0.0.1:9"


def test_an_unmetered_path_is_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    guard = a_guard(NOBODY, enforcement_mode=True)
    for _ in range(3):
        guard.unmetered("images/generations")

    assert guard.unmetered_paths == {"images/generations": 3}
    assert len(caplog.records) == 1


def test_an_unmetered_path_is_refused_where_nothing_goes_unasked() -> None:
    guard = a_guard(NOBODY, enforcement_mode=True, enforcement_fail_open=False)

    with pytest.raises(AgentBudgetCheckUnavailable, match="images/generations is not metered"):
        guard.unmetered("images/generations")


def test_an_unmetered_path_through_agentwatch_is_for_that_one_to_decide(caplog: pytest.LogCaptureFixture) -> None:
    guard = a_guard(NOBODY, primary_provider="agentwatch", enforcement_mode=True, enforcement_fail_open=False)
    guard.unmetered("images/generations")

    assert not guard.unmetered_paths and not caplog.records


def test_ten_thousand_clients_are_one_connection_and_no_thread() -> None:
    before = threading.active_count()
    for _ in range(10_000):
        a_guard(NOBODY)

    assert len(registry._process.connections) == 1
    assert len(next(iter(registry._process.connections.values())).users) <= 1
    assert threading.active_count() <= before + 1


def test_a_client_for_each_request_is_no_thread_for_each(edge: ScriptedEdge) -> None:
    before = {each.ident for each in threading.enumerate()}
    for _ in range(200):
        a_guard(edge.url).begin(some_facts()).end(some_end())
    started = [each.name for each in threading.enumerate() if each.ident not in before]

    assert a_guard(edge.url).flush(5)
    assert started.count("agentwatch-sender") == 1
    assert len(edge.reports) == 200


def test_a_process_with_a_token_for_each_tenant_keeps_a_bounded_number_of_connections() -> None:
    for number in range(100):
        Guard(read_settings({"agentwatch_api_key": f"aw_test_{number}", "agentwatch_base_url": NOBODY}, {}))

    assert len(registry._process.connections) <= registry.UNUSED_CONNECTIONS_MAX + 1


def test_a_copied_client_has_the_same_guard() -> None:
    guard = a_guard(NOBODY)

    assert copy.copy(guard) is guard
    assert copy.deepcopy({"guard": guard})["guard"] is guard


def test_the_token_is_in_no_repr_and_no_log(edge: ScriptedEdge, caplog: pytest.LogCaptureFixture) -> None:
    edge.on_check = lambda _: HANG_UP
    with caplog.at_level(logging.DEBUG):
        guard = a_guard(edge.url, enforcement_mode=True)
        call = guard.begin(some_facts())
        call.end(some_end())
        guard.flush(2)

    shown = [repr(each) for each in (guard, guard.settings, guard.connection, guard.connection.edge, call, vars(call))]
    assert not [each for each in shown if CANARY in each]
    assert CANARY not in caplog.text
