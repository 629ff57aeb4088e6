"""Each framework's page is run: its lines as they stand there, in the framework's own environment, against the stack.

The environments are made by `make clients`; a page whose environment is not there is skipped, and says so. What each
framework makes of a refusal is told by the tables at the end of `docs/clients/README.md`.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.paths import NODE, ROOT
from local.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.clients]

PAGES = ROOT / "docs" / "clients"
PROGRAMS = Path(__file__).parent / "programs"
PLACES = ROOT / ".local" / "clients"
RUN_BLOCK = re.compile(r"<!-- run -->\n```(\w+)\n(.*?)\n```", re.DOTALL)

PYTHON_RUNNER = """
import json, os, sys
names = {"__name__": "page"}
exec(compile(open(sys.argv[1]).read(), "page", "exec"), names)
exec(compile(open(sys.argv[2]).read(), "program", "exec"), names)
try:
    print(json.dumps({"said": names[sys.argv[3]]()}))
except Exception as error:
    chain, each = [], error
    while each is not None:
        chain.append(type(each).__name__)
        status = getattr(each, "status_code", None)
        each = each.__cause__ or each.__context__
    print(json.dumps({"error": chain, "status": status or getattr(error, "status_code", None)}))
"""
NODE_RUNNER = """
try {
  console.log(JSON.stringify({ said: await actions[process.argv[2]]() }));
} catch (error) {
  console.log(JSON.stringify({ error: [error.name], status: error.statusCode ?? null }));
}
"""


@dataclass(frozen=True)
class Framework:
    page: str
    program: str
    environment: str
    stop: str
    """The error that a budget stop arrives as."""


FRAMEWORKS = [
    Framework("langchain", "langchain.py", "python", "PaymentRequiredError|APIStatusError"),
    Framework("langgraph", "langgraph.py", "python", "PaymentRequiredError|APIStatusError"),
    Framework("openai-agents", "openai_agents.py", "python", "PaymentRequiredError|APIStatusError"),
    Framework("pydantic-ai", "pydantic_ai.py", "python", "ModelQuotaExceededError"),
    Framework("llama-index", "llama_index.py", "llama-index", "APIStatusError"),
    Framework("vercel-ai", "vercel_ai.mjs", "node", "AI_APICallError"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Stack(tmp_path_factory.mktemp("clients") / "state") as running:
        yield running


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.page)
def framework(request: pytest.FixtureRequest) -> Framework:
    if not (PLACES / request.param.environment).exists():
        pytest.skip(f"`make clients` has not installed the environment {request.param.environment!r}")
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def act(stack: Stack, framework: Framework, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """Runs one action of the framework in a session of this test's own."""
    run_id = re.sub(r"[^A-Za-z0-9_.:-]", ".", request.node.name)[-100:]

    def acted(action: str) -> Any:
        match = RUN_BLOCK.search((PAGES / f"{framework.page}.md").read_text())
        assert match is not None, "the page has no lines to run"
        environment = {
            **os.environ,
            "AGENTWATCH_URL": stack.edge_url,
            "AGENTWATCH_TOKEN": stack.tokens["live"],
            "RUN_ID": run_id,
        }
        command = _command(framework, match[2], tmp_path, action)
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr[-3_000:]
        return json.loads(ran.stdout.splitlines()[-1])

    acted.run_id = run_id
    return acted


def _command(framework: Framework, lines: str, folder: Path, action: str) -> list[str]:
    place, program = PLACES / framework.environment, PROGRAMS / framework.program
    if framework.environment == "node":
        whole = place / f"run-{framework.page}.mjs"
        whole.write_text("\n".join((lines, program.read_text(), NODE_RUNNER)))
        return [str(NODE), str(whole), action]
    page, runner = folder / "page.py", folder / "runner.py"
    page.write_text(lines)
    runner.write_text(PYTHON_RUNNER)
    return [str(place / "bin" / "python"), str(runner), str(page), str(program), action]


def queue(stack: Stack, script: str) -> None:
    httpx.post(f"{stack.mock_url}/_mock/scripts", json={"script": script}, timeout=30).raise_for_status()


def spent_nanousd(stack: Stack, session_id: str) -> int:
    url = f"{stack.edge_url}/v1/budget-check?session_id={session_id}"
    check = httpx.get(url, headers={"authorization": f"Bearer {stack.tokens['live']}"}, timeout=30).json()
    return round(check["spent_usd"] * 1e9)


@pytest.mark.parametrize("action", ["ask", "stream"])
def test_an_answer_comes_through_agentwatch(act: Any, stack: Stack, action: str) -> None:
    assert act(action)["said"]
    assert spent_nanousd(stack, act.run_id) > 0


def test_a_tool_is_called(act: Any, stack: Stack) -> None:
    queue(stack, "tool_calls=1")

    assert "multiply" in act("tools")["said"]


@pytest.mark.parametrize("action", ["ask", "stream"])
def test_a_budget_stop_is_the_error_that_the_page_names(
    act: Any, stack: Stack, framework: Framework, action: str
) -> None:
    admin = {"authorization": f"Bearer {stack.tokens['admin']}"}
    url = f"{stack.edge_url}/v1/sessions/{act.run_id}"
    httpx.put(url, json={"limit_usd": "0.000001"}, headers=admin, timeout=30).raise_for_status()

    stopped = act(action)

    if framework.page == "vercel-ai" and action == "stream":
        assert stopped == {"said": ""}  # its streams end, and tell `onError`
        return
    assert re.fullmatch(framework.stop, stopped["error"][0]), stopped
    assert stopped["status"] == 402
