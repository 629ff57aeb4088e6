"""The TypeScript SDK against the genuine stack: budgets stop its calls, every call has a row, an outage stops nobody."""

import json
import subprocess
from pathlib import Path

import psycopg
import pytest

from local.paths import NODE
from local.processes import free_port
from local.stack import Stack
from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

PROGRAM = Path(__file__).with_name("typescript_calls.ts")


@pytest.fixture
def calls(stack: Stack, run: str):
    """Runs a scenario in this test's session; how its calls ended."""

    def of(scenario: str, calls: int = 1, script: str = "output_tokens=40", **options) -> list[str]:
        plan = {
            "scenario": scenario,
            "mockURL": stack.mock_url,
            "tag": run,
            "calls": calls,
            "script": script,
            "options": {
                "agentwatchApiKey": stack.tokens["live"],
                "agentwatchBaseURL": stack.edge_url,
                "agentwatchSessionId": run,
                "agentwatchTimeoutSeconds": 20,
                **options,
            },
        }
        ran = subprocess.run(
            [str(NODE), str(PROGRAM), json.dumps(plan)], capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return of


def rows(stack: Stack, session_id: str) -> list[tuple[str, int, str]]:
    query = "select outcome, cost_nanousd, source from llm_request_logs where session_id = %s order by started_at"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        return list(connection.execute(query, (session_id,)))


def billed_nanousd(edge, tag: str) -> int:
    return sum(entry["billed_nanousd"] for entry in edge.billed(tag))


def test_a_loop_is_stopped_by_its_session_s_budget(calls, edge, run):
    ends = calls("loop", 50, agentwatchHolds=True, agentwatchSessionBudgetUsd="0.0002")

    assert ends[-1] == "AgentBudgetExceeded" and len(ends) > 2
    assert 0 < billed_nanousd(edge, run) <= 200_000


def test_calls_at_once_that_hold_cannot_overspend_their_session(calls, edge, run):
    ends = calls("atOnce", 60, agentwatchHolds=True, agentwatchSessionBudgetUsd="0.001")

    assert "AgentBudgetExceeded" in ends and len(set(ends)) > 1
    assert 0 < billed_nanousd(edge, run) <= 1_000_000
    assert round(edge.session(run)["spent_usd"] * 1e9) == billed_nanousd(edge, run)


def test_streams_are_charged_whether_read_or_left(calls, stack, run):
    calls("streams")

    found = eventually(lambda: rows(stack, run), lambda found: len(found) == 2)
    assert [row[0] for row in found] == ["complete", "client_disconnected"]
    assert all(row[1] > 0 for row in found)


def test_every_way_to_call_has_its_row(calls, stack, run):
    assert "Error" not in "".join(calls("everyWay"))

    assert [row[0] for row in eventually(lambda: rows(stack, run), lambda found: len(found) == 5)] == ["complete"] * 5


def test_through_agentwatch_a_budget_stop_is_the_same_error(calls, stack, run):
    ends = calls("loop", 50, agentwatchPrimaryProvider="agentwatch", agentwatchSessionBudgetUsd="0.0002")

    assert ends[-1] == "AgentBudgetExceeded"
    assert {row[2] for row in eventually(lambda: rows(stack, run), bool)} == {"proxy"}


def test_with_agentwatch_away_calls_go_on_or_are_refused_as_the_client_was_told(calls, edge, run):
    away = {"agentwatchBaseURL": f"http://127.0.0.1:{free_port()}", "agentwatchTimeoutSeconds": 1}

    going_on = calls("loop", 3, agentwatchEnforcementMode=True, **away)
    refused = calls("loop", 3, agentwatchEnforcementMode=True, agentwatchEnforcementFailOpen=False, **away)

    assert len(edge.billed(run)) == len(going_on) == 3
    assert set(refused) == {"AgentBudgetCheckUnavailable"}


def test_with_agentwatch_away_the_provider_is_asked_directly(calls, edge, run):
    away = {"agentwatchBaseURL": f"http://127.0.0.1:{free_port()}", "agentwatchTimeoutSeconds": 1}

    calls("loop", 3, agentwatchPrimaryProvider="agentwatch", agentwatchFallbackProvider="direct", **away)

    assert len(edge.billed(run)) == 3
