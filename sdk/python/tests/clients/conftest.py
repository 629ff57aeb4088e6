"""A scripted provider with its AgentWatch, and the four watched clients of it."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import anthropic
import openai
import pytest
from clients.scripted_provider import Journal, served

import agentwatch

HELLO = [{"role": "user", "content": "hello"}]
KINDS = {
    "openai": (agentwatch.WatchedOpenAI, openai.OpenAI, "/provider/v1"),
    "openai async": (agentwatch.WatchedAsyncOpenAI, openai.AsyncOpenAI, "/provider/v1"),
    "anthropic": (agentwatch.WatchedAnthropic, anthropic.Anthropic, "/provider"),
    "anthropic async": (agentwatch.WatchedAsyncAnthropic, anthropic.AsyncAnthropic, "/provider"),
}


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def url(journal: Journal) -> Iterator[str]:
    with served(journal) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def make(url: str) -> Iterator[Callable[..., Any]]:
    made = []

    def of(kind: str = "openai", **options: Any) -> Any:
        watched, _, root = KINDS[kind]
        ours = {"agentwatch_api_key": "aw_test_token", "agentwatch_base_url": url, "agentwatch_session_id": "run-1"}
        client = watched(**{"api_key": "sk-own", "base_url": url + root, **ours, **options})
        made.append(client)
        return client

    yield of
    for client in made:
        client.agentwatch.flush(5)


def run(value: Any) -> Any:
    """What a call of either kind of client comes to."""
    return asyncio.run(value()) if inspect.iscoroutinefunction(value) else value()


def reported(client: Any, journal: Journal) -> list[dict[str, Any]]:
    assert client.agentwatch.flush(10)
    return journal.reports()
