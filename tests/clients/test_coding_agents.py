"""Claude Code, Codex, Aider and the other programs of the command line themselves, set up by their pages' lines, against the stack.

`make clients` installs them; one that is not there is skipped, and says so. Whatever a page says of a stop is here: the words
that are printed, how the program ends, and how often it asks again.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.stack import Stack
from tests.clients.coding_agents import AGENTS, BINARIES, CODEX_EXEC, OWN_KEY, CodingAgent, Run, Script, run, tool_call
from tests.clients.matrix import in_one_line, limit, queue
from tests.runtime.conftest import Edge, eventually

pytestmark = [pytest.mark.stack, pytest.mark.clients]

REFUSED = "the budget of session '{}' does not cover this call: limit"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("coding-agents") / "state") as running:
        yield running


@pytest.fixture(autouse=True)
def _no_scripts_of_others(stack: Stack) -> None:
    for what in ("scripts", "journal"):
        httpx.delete(f"{stack.mock_url}/_mock/{what}", timeout=30).raise_for_status()


@pytest.fixture
def edge(stack: Stack) -> Edge:
    return Edge(stack, stack.tokens["live"])


@pytest.fixture
def run_id(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^A-Za-z0-9_.:-]", ".", request.node.name)[-60:]


@pytest.fixture(params=AGENTS, ids=lambda agent: agent.client)
def agent(request: pytest.FixtureRequest) -> CodingAgent:
    return _installed(request.param)


@pytest.fixture
def asked(stack: Stack, agent: CodingAgent, run_id: str, tmp_path: Path) -> Callable[..., Run]:
    return lambda **how: run(agent, stack, run_id, tmp_path, **how)


def _installed(agent: CodingAgent) -> CodingAgent:
    if not agent.place.exists():
        pytest.skip(f"`make clients` has not installed {agent.client}")
    return agent


def test_an_answer_comes_through_agentwatch_and_costs_what_the_provider_bills(
    asked: Callable[..., Run], stack: Stack, edge: Edge, run_id: str
) -> None:
    queue(stack, {"content": "Hello there."})

    said = asked()

    assert said.code == 0 and "Hello there." in said.printed, said.printed
    calls = journal(stack)
    assert calls[0]["stream"] is True
    assert round(edge.session(run_id)["spent_usd"] * 1e9) == sum(call["billed_nanousd"] for call in calls) > 0


def test_an_answer_that_is_not_streamed_comes_through_as_well(
    asked: Callable[..., Run], agent: CodingAgent, stack: Stack, edge: Edge, run_id: str
) -> None:
    if agent.whole is None:
        pytest.skip("it always asks for a stream")
    queue(stack, {"content": "Hello there."})

    said = asked(command=agent.whole)

    assert said.code == 0 and "Hello there." in said.printed, said.printed
    assert [call["stream"] for call in journal(stack)] == [False]
    assert edge.session(run_id)["spent_usd"] > 0


def test_a_tool_is_called_and_the_model_hears_what_came_of_it(
    asked: Callable[..., Run], agent: CodingAgent, stack: Stack
) -> None:
    queue(stack, agent.tool_turn)
    queue(stack, {"content": "It is written."})

    said = asked()

    assert said.code == 0, said.printed
    assert (said.folder / "answer.txt").read_text() == "42\n"
    told = heard(stack, journal(stack)[-1])
    assert agent.shown_by_tool in told
    assert "It is written." in said.printed or agent.client == "aider"  # there it is the commit's message


def test_a_budget_stop_is_told_in_words_and_repeated_as_often_as_the_page_says(
    asked: Callable[..., Run], agent: CodingAgent, stack: Stack, run_id: str
) -> None:
    limit(stack, run_id, "0.000001")

    stopped = asked()

    assert stopped.code == agent.stop_code
    assert REFUSED.format(run_id) in in_one_line(stopped.printed), stopped.printed
    assert journal(stack) == []
    assert eventually(lambda: refused(stack, run_id), lambda rows: rows >= agent.refusals) == agent.refusals


def test_a_stream_that_outgrows_the_budget_is_cut_and_the_program_says_why(
    asked: Callable[..., Run], agent: CodingAgent, stack: Stack, edge: Edge, run_id: str
) -> None:
    limit(stack, run_id, agent.cut_limit_usd)
    queue(stack, {"output_tokens": 16_000, "pace_ms": 1})

    stopped = asked()

    assert stopped.code == agent.stop_code
    assert re.search(agent.says_of_cut.format(run_id), in_one_line(stopped.printed)), stopped.printed
    assert [call["ended"] for call in journal(stack)] == ["client_disconnected"]
    assert edge.session(run_id)["exceeded"] is True
    after = agent.refusals_after_cut
    assert eventually(lambda: refused(stack, run_id), lambda rows: rows >= after) == after


def test_claude_code_may_bring_the_provider_s_key_and_name_agentwatch_s_token_beside_it(
    stack: Stack, edge: Edge, run_id: str, tmp_path: Path
) -> None:
    claude = _installed(AGENTS[0])
    queue(stack, {"content": "Hello there."})
    ours = run(claude, stack, f"{run_id}.ours", tmp_path / "ours")
    queue(stack, {"content": "Hello there."})

    own = run(claude, stack, run_id, tmp_path / "own", marker="run: own key")

    assert (ours.code, own.code) == (0, 0), own.printed
    keys = [call["key_sha256"] for call in journal(stack)]
    assert len(set(keys)) == 2 and hashlib.sha256(OWN_KEY.encode()).hexdigest().startswith(keys[-1])
    assert edge.session(run_id)["spent_usd"] > 0


def journal(stack: Stack) -> list[dict[str, Any]]:
    """The provider's calls, once all have ended."""
    return eventually(
        lambda: httpx.get(f"{stack.mock_url}/_mock/journal", timeout=30).json()["entries"],
        lambda entries: all(entry["ended"] != "running" for entry in entries),
    )


def heard(stack: Stack, call: dict[str, Any]) -> str:
    """The bytes that the provider was sent."""
    return httpx.get(f"{stack.mock_url}/_mock/journal/{call['id']}/body", timeout=30).text


def refused(stack: Stack, session_id: str) -> int:
    query = "select count(*) from llm_request_logs where session_id = %s and outcome = 'refused'"
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        row = connection.execute(query, (session_id,)).fetchone()
    assert row is not None, "an aggregate has one row"
    return int(row[0])


@dataclass(frozen=True)
class Task:
    """A small job, step by step, and how a program takes it up again where it stopped."""

    steps: tuple[Script, ...]
    resume: str
    short_usd: str
    """Covers the first step, and not the second."""


CHECK = "python3 -c 'from sums import add; assert add(2, 3) == 5' && echo checked > checked.txt"
TASKS = {
    "claude-code": Task(
        (
            tool_call("Read", file_path="sums.py"),
            tool_call("Edit", file_path="sums.py", old_string="a - b", new_string="a + b"),
            tool_call("Bash", command=CHECK, description="Check it"),
            {"content": "It adds now."},
        ),
        resume=f'"{BINARIES}/claude" --continue -p "$PROMPT" --allowedTools Bash,Edit,Read',
        short_usd="0.06",
    ),
    "codex": Task(
        (
            tool_call("exec_command", cmd="cat sums.py"),
            tool_call("exec_command", cmd="sed -i 's/a - b/a + b/' sums.py"),
            tool_call("exec_command", cmd=CHECK),
            {"content": "It adds now."},
        ),
        resume=f'{CODEX_EXEC} -c model=gpt-4o-mini resume --last "$PROMPT"',
        short_usd="0.0035",
    ),
}


@pytest.mark.parametrize("client", TASKS)
def test_a_task_that_a_budget_stopped_is_taken_up_and_finished_once_it_is_raised(
    client: str, stack: Stack, edge: Edge, run_id: str, tmp_path: Path
) -> None:
    (agent,) = [_installed(agent) for agent in AGENTS if agent.client == client]
    task, folder = TASKS[client], tmp_path / "agent"
    for step in task.steps:
        queue(stack, step)
    limit(stack, run_id, task.short_usd)
    files = {"sums.py": "def add(a, b):\n    return a - b\n"}

    stopped = run(agent, stack, run_id, folder, prompt="Mend add in sums.py, and check it.", files=files)
    halfway = (stopped.folder / "sums.py").read_text()
    calls_by_then = len(journal(stack))
    limit(stack, run_id, "5")
    finished = run(agent, stack, run_id, folder, command=task.resume, prompt="Go on.")

    assert stopped.code == agent.stop_code and REFUSED.format(run_id) in in_one_line(stopped.printed), stopped.printed
    assert (halfway, calls_by_then) == (files["sums.py"], 1)
    assert finished.code == 0 and "It adds now." in finished.printed, finished.printed
    assert (finished.folder / "sums.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert (finished.folder / "checked.txt").exists()
    calls = journal(stack)
    assert len(calls) == len(task.steps)
    assert "Mend add in sums.py" in heard(stack, calls[-1]), "the conversation went on"
    assert round(edge.session(run_id)["spent_usd"] * 1e9) == sum(call["billed_nanousd"] for call in calls)


def test_claude_code_s_own_choice_of_a_model_has_a_price(stack: Stack, edge: Edge, run_id: str, tmp_path: Path) -> None:
    claude = _installed(AGENTS[0])
    queue(stack, {"content": "Hello there."})

    said = run(claude, stack, run_id, tmp_path / "agent", command=f"unset ANTHROPIC_MODEL; {claude.command}")

    assert said.code == 0 and "Hello there." in said.printed, said.printed
    calls = journal(stack)
    assert calls[0]["model"] == "claude-opus-5-5"
    assert round(edge.session(run_id)["spent_usd"] * 1e9) == sum(call["billed_nanousd"] for call in calls)
