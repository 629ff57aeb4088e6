"""The client that was published before this SDK, unmodified, against the genuine stack.

Its package has the name of ours, so it is installed into a folder of its own and runs in a process of its own.
"""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from local.paths import ROOT
from local.stack import Stack
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

REQUIREMENTS = ROOT / "requirements/published-client.txt"

PROGRAM = textwrap.dedent(
    """
    import json, sys

    import agentwatch
    from agentwatch import WatchedOpenAI, wrap
    from agentwatch.wrapper import AgentBudgetExceeded
    from openai import OpenAI

    asked = json.load(sys.stdin)
    watch = {
        "agentwatch_api_key": asked["token"], "agentwatch_session_id": asked["session"], "agentwatch_project": "shop",
        "agentwatch_team": "payments", "agentwatch_session_budget_usd": asked["budget_usd"],
        "agentwatch_enforcement_mode": True, "agentwatch_enforcement_fail_open": False,
        "ingest_url": asked["edge"] + "/v1/ingest", "timeout_seconds": 20.0,
    }
    provider = {"api_key": "sk-mock", "base_url": asked["provider"]}
    if asked["is_wrapped"]:
        client = wrap(OpenAI(**provider), **watch)
        kept = [cell.cell_contents for cell in client.chat.completions.create.__closure__]
        (logger,) = [each for each in kept if type(each).__name__ == "_AsyncLogger"]
    else:
        client = WatchedOpenAI(**provider, **watch)
        logger = client._logger
    told = {"file": agentwatch.__file__, "calls": 0, "stopped": None}
    try:
        for _ in range(asked["calls"]):
            client.chat.completions.create(
                model="gpt-4o-mini", max_tokens=40, messages=[{"role": "user", "content": "write to ann@mail.de"}]
            )
            told["calls"] += 1
            logger._queue.join()  # the report is sent; it has no flush
    except AgentBudgetExceeded as stop:
        told["stopped"] = [stop.session_id, stop.spent, stop.limit]
    sys.stdout.write(json.dumps(told))
    """
)


@pytest.fixture(scope="module")
def published() -> Path:
    """The folder that the client is installed in."""
    folder = ROOT / ".local/published-client"
    if not (folder / "agentwatch").exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "--no-deps",
             "--target", str(folder), "-r", str(REQUIREMENTS)],
            check=True,
        )  # fmt: skip
    return folder


@pytest.fixture
def loop(published: Path, stack: Stack, run: str):
    """Has the client call in a loop, and returns what became of it."""

    def looped(calls: int, budget_usd: float, *, is_wrapped: bool = False):
        asked = {
            "token": stack.tokens["live"],
            "session": run,
            "budget_usd": budget_usd,
            "edge": stack.edge_url,
            "provider": f"{stack.mock_url}/openai/v1",
            "calls": calls,
            "is_wrapped": is_wrapped,
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps(asked),
            env={"PYTHONPATH": str(published)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert Path(told["file"]).is_relative_to(published)
        return told

    return looped


def rows(stack: Stack, session_id: str) -> list[tuple[object, ...]]:
    query = (
        "select source, model, prompt_tokens, project, iteration, risks, cost_nanousd"
        " from llm_request_logs where session_id = %s order by iteration"
    )
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        return list(connection.execute(query, (session_id,)))


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_its_calls_are_checked_and_become_rows(loop, stack, run, is_wrapped):
    told = loop(2, 1.0, is_wrapped=is_wrapped)
    found = eventually(lambda: rows(stack, run), lambda found: len(found) == 2)

    assert (told["calls"], told["stopped"]) == (2, None)
    assert [row[:2] for row in found] == [("sdk", "gpt-4o-mini")] * 2
    assert [row[3:6] for row in found] == [("shop", number, ["PII_EMAIL"]) for number in (1, 2)]
    assert all(row[2] and row[6] for row in found)


def test_its_loop_is_stopped_by_the_budget_that_it_names(loop, edge: Edge, run):
    told = loop(50, 0.0001)

    session_id, spent, limit = told["stopped"]
    assert 1 <= told["calls"] < 50
    assert (session_id, limit) == (run, 0.0001)
    assert spent == edge.session(run)["spent_usd"] >= 0.0001
