"""Every door of both packages: what a request there costs is known, whatever method of theirs makes it.

Read from the packages' own sources, so that a path which a new version brings fails here until somebody has looked at it.
"""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import anthropic
import openai
import pytest
from clients.conftest import reported
from clients.scripted_provider import Journal

import agentwatch
from agentwatch.clients.reading.paths import bare_path, kind_of

WRITES = re.compile(r'\.(?:_post|_put|_patch)\(\s*(?:#.*\s*)?(?:path_template\(\s*)?f?"([^"]+)"')
ANY_WRITE = re.compile(r"\.(?:_post|_put|_patch)\(")


@pytest.mark.parametrize("package", [openai, anthropic], ids=["openai", "anthropic"])
def test_every_path_that_a_client_writes_to_has_a_kind(package: ModuleType) -> None:
    sources = [each.read_text() for each in (Path(package.__file__ or "").parent / "resources").rglob("*.py")]
    paths = {re.sub(r"\{[^}]*\}", "id", path) for source in sources for path in WRITES.findall(source)}

    calls, named = (sum(len(each.findall(source)) for source in sources) for each in (ANY_WRITE, WRITES))
    assert named == calls > 50, "a path is written in a way that this test does not read"
    assert sorted(path for path in paths if kind_of("post", bare_path(path)) == "unknown") == []


@pytest.mark.parametrize("opens", [
    lambda client: client.responses.connect().enter(),
    lambda client: client.realtime.connect(model="gpt-realtime").enter(),
    lambda client: client.with_options(timeout=3).responses.connect().enter(),
])  # fmt: skip
def test_a_web_socket_is_opened_nowhere_where_nothing_goes_unasked(make: Any, journal: Journal, opens: Any) -> None:
    closed = make(agentwatch_enforcement_mode=True, agentwatch_enforcement_fail_open=False)

    with pytest.raises(agentwatch.AgentBudgetCheckUnavailable):
        opens(closed)

    assert journal.calls() == []


async def test_an_async_client_opens_none_either(make: Any, journal: Journal) -> None:
    closed = make("openai async", agentwatch_enforcement_mode=True, agentwatch_enforcement_fail_open=False)

    with pytest.raises(agentwatch.AgentBudgetCheckUnavailable):
        await closed.responses.connect().enter()

    assert journal.calls() == []


def test_elsewhere_a_web_socket_is_counted_and_a_copy_of_the_client_is_none(make: Any, journal: Journal) -> None:
    client = make()
    address = client.with_options(timeout=3).agentwatch.unmetered_paths
    assert address == {}

    with pytest.raises(Exception):  # noqa: B017  the scripted provider speaks no web sockets
        client.responses.connect().enter()

    assert list(client.agentwatch.unmetered_paths) == ["a web socket"]
    assert reported(client, journal) == []
