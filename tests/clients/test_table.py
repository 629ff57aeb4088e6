"""The tables of the clients tell of every page, and of the releases that are pinned now."""

import re

import pytest

from local.paths import ROOT
from tests.clients.coding_agents import AGENTS
from tests.clients.libraries import LIBRARIES
from tests.clients.pins import LISTED, PAGES, page_of, settings_of, versions_of

MATRIX, README = (PAGES / "README.md").read_text(), (ROOT / "README.md").read_text()
AGAIN = "run `python -m tests.clients.table`"


def test_every_page_has_a_row_and_every_row_a_page_and_somebody_to_run_it() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README", "python-sdk"}

    assert pages == {page_of(client) for client in LISTED}
    assert {client.client for client in (*LIBRARIES, *AGENTS)} == set(LISTED)


def test_both_tables_have_the_same_clients_in_order() -> None:
    names = [listed.name for listed in LISTED.values()]

    assert re.findall(r"^\| \[([^]]+)\]\([\w-]+\.md\)", MATRIX, re.MULTILINE) == names
    assert re.findall(r"^\| \[([^]]+)\]\(docs/clients/[\w-]+\.md\)", README, re.MULTILINE) == names


@pytest.mark.parametrize("client", LISTED)
def test_a_row_is_of_the_release_and_the_lines_that_are_there_now(client: str) -> None:
    name = LISTED[client].name

    assert f"| [{name}]({page_of(client)}.md) {versions_of(client)} |" in MATRIX, AGAIN
    assert f"| [{name}](docs/clients/{page_of(client)}.md) | {settings_of(client)} |" in README, AGAIN


@pytest.mark.parametrize("client", LISTED)
def test_both_tables_say_the_same_of_a_refusal_and_of_a_cut(client: str) -> None:
    in_matrix, in_readme = (
        [line.split(" | ")[-2:] for line in table.splitlines() if line.startswith(f"| [{LISTED[client].name}](")]
        for table in (MATRIX, README)
    )

    assert in_matrix == in_readme, AGAIN


@pytest.mark.parametrize("client", LISTED)
def test_a_page_names_the_errors_that_its_row_names(client: str) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| [{LISTED[client].name}](docs/")]
    page = (PAGES / f"{page_of(client)}.md").read_text()

    for error in re.findall(r"`(\w+Error|\w+Exception)`", row):
        assert error in page
