"""The clients that install in seconds, run with the lines of their pages: what each does is what the tables say.

The others are run in the same way by `make clients` (`tests/clients`).
"""

from pathlib import Path

import pytest

from local.stack import Stack
from tests.clients.coding_agents import AGENTS, run
from tests.clients.libraries import LIBRARIES
from tests.clients.matrix import Row, limit, rows
from tests.clients.pins import PAGES
from tests.runtime.conftest import Edge

pytestmark = pytest.mark.stack

LIGHT = [library for library in LIBRARIES if library.environment.is_light]
(LLM,) = [agent for agent in AGENTS if agent.client == "llm"]


@pytest.fixture(scope="module")
def found(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """A row of each: they are counted once all have run, for no more calls are known to come only after a while."""
    return {row.client: row for row in rows(stack, LIGHT, tmp_path_factory.mktemp("light-clients"))}


@pytest.mark.parametrize("client", [library.client for library in LIGHT])
def test_the_table_says_what_the_library_does(client: str, found: dict[str, Row]) -> None:
    assert found[client].of_matrix() in (PAGES / "README.md").read_text()


def test_llm_answers_through_its_page_s_lines_and_says_why_it_stops(stack: Stack, edge: Edge, tmp_path: Path) -> None:
    limit(stack, "llm.stopped", "0.000001")

    said = run(LLM, stack, "llm.said", tmp_path / "said", command=LLM.structured)
    stopped = run(LLM, stack, "llm.stopped", tmp_path / "stopped")

    assert (said.code, said.printed) == (0, '{"a":7}\n')
    assert edge.session("llm.said")["spent_usd"] > 0
    assert stopped.code == 1 and "the budget of session 'llm.stopped' does not cover this call" in stopped.printed
