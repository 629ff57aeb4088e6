"""The Python SDK's watched clients inside the frameworks: the page's lines as they stand, each in its framework's environment.

The call goes to the provider itself, is held for before and reported after, whole and streamed; a stop is the SDK's own
exception, and the provider hears of nothing.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from local.paths import ROOT
from local.stack import Stack
from tests.clients.libraries import LIBRARIES
from tests.clients.matrix import limit
from tests.clients.pins import PAGES
from tests.clients.test_coding_agents import journal
from tests.runtime.conftest import Edge, eventually

pytestmark = [pytest.mark.stack, pytest.mark.clients]

LIBRARY_OF = {library.client: library for library in LIBRARIES}
FRAMEWORKS = ("langchain", "langgraph", "openai-agents", "pydantic-ai", "llama-index")

STREAMS = {
    "langchain": """
        print(*(piece.content for piece in model.stream("hello")))
        async def streamed():
            return [piece.content async for piece in model.astream("hello")]
        print(*asyncio.run(streamed()))
    """,
    "langgraph": """
        asked = {"messages": [{"role": "user", "content": "hello"}]}
        print(*(piece.content for piece, _ in agent.stream(asked, stream_mode="messages")))
        async def streamed():
            return [piece.content async for piece, _ in agent.astream(asked, stream_mode="messages")]
        print(*asyncio.run(streamed()))
    """,
    "openai-agents": """
        async def streamed():
            result = Runner.run_streamed(agent, "hello")
            return [event.type async for event in result.stream_events()]
        print(*asyncio.get_event_loop().run_until_complete(streamed()))
    """,
    "pydantic-ai": """
        async def streamed():
            async with agent.run_stream("hello") as result:
                return [text async for text in result.stream_text(delta=True)]
        print(*asyncio.get_event_loop().run_until_complete(streamed()))
    """,
    "llama-index": """
        print(*(piece.delta for piece in model.stream_complete("hello")))
        async def streamed():
            return [piece.delta async for piece in await model.astream_complete("hello")]
        print(*asyncio.run(streamed()))
    """,
}
"""Every way to stream, behind the page's lines and in their session."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("watched-clients") / "state") as running:
        yield running


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest, stack: Stack) -> str:
    name: str = request.param
    if not LIBRARY_OF[name].environment.place.exists():
        pytest.skip(f"`make clients` has not installed {name}")
    httpx.delete(f"{stack.mock_url}/_mock/journal", timeout=30).raise_for_status()
    return name


@pytest.fixture
def run_id(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^A-Za-z0-9_.:-]", ".", request.node.name)[-60:]


@pytest.fixture
def execute(stack: Stack, framework: str, run_id: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Runs the page's lines, and more behind them in the same session."""

    def executed(more: str = "") -> subprocess.CompletedProcess:
        found = re.search(
            rf"<!-- run: {framework} -->\n```python\n(.*?)\n```", (PAGES / "python-sdk.md").read_text(), re.DOTALL
        )
        assert found is not None, f"the page has no lines for {framework}"
        path = tmp_path / "page.py"
        path.write_text("import asyncio\n" + found[1].replace("run-42", run_id) + more.replace("\n    ", "\n"))
        mock, library = f"{stack.mock_url}/openai/v1", LIBRARY_OF[framework]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join([str(ROOT / "sdk/python/src"), *library.python_path()]),
            "OPENAI_API_KEY": "sk-mock-of-my-own",
            "OPENAI_BASE_URL": mock,
            "OPENAI_API_BASE": mock,
            "AGENTWATCH_BASE_URL": stack.edge_url,
            "AGENTWATCH_API_KEY": stack.tokens["live"],
        }
        command = [library.python(), str(path)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return executed


def test_a_call_is_reported_in_its_session_at_the_provider_s_price(
    execute: Callable[..., subprocess.CompletedProcess], stack: Stack, run_id: str
) -> None:
    ran = execute()

    assert ran.returncode == 0, ran.stderr[-3_000:]
    (call,) = journal(stack)
    assert call["stream"] is False
    assert spent_nanousd(stack, run_id, least=call["billed_nanousd"]) == call["billed_nanousd"]


def test_streams_are_reported_in_their_session_each_once(
    execute: Callable[..., subprocess.CompletedProcess], framework: str, stack: Stack, run_id: str
) -> None:
    ran = execute(STREAMS[framework])

    assert ran.returncode == 0, ran.stderr[-3_000:]
    calls = journal(stack)
    assert {call["stream"] for call in calls[1:]} == {True}
    # Nobody asks a provider of unknown address for the usage of a stream, so it is estimated.
    rows = eventually(lambda: Edge(stack, "").outcomes(run_id), lambda rows: len(rows) >= len(calls))
    assert rows == ["complete"] * len(calls)
    billed = sum(call["billed_nanousd"] for call in calls)
    assert 0.8 * billed < spent_nanousd(stack, run_id, least=1) < 1.6 * billed


def test_a_stop_is_the_sdk_s_own_exception_and_the_provider_hears_of_nothing(
    execute: Callable[..., subprocess.CompletedProcess], stack: Stack, run_id: str
) -> None:
    limit(stack, run_id, "0.000001")

    stopped = execute()

    assert stopped.returncode == 1
    raised = [line for line in stopped.stderr.splitlines() if re.match(r"[\w.]+(Error|Exception|Exceeded): ", line)]
    assert raised[-1].startswith("agentwatch.errors.AgentBudgetExceeded: "), stopped.stderr
    assert journal(stack) == []


def spent_nanousd(stack: Stack, session_id: str, *, least: int) -> int:
    edge = Edge(stack, stack.tokens["live"])
    return eventually(lambda: round(edge.session(session_id)["spent_usd"] * 1e9), lambda spent: spent >= least)
