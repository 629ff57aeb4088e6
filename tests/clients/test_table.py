"""The table of the frameworks' README tells of every page, and of the releases that are pinned now."""

import re

import pytest

from tests.clients.pins import NAMES, PAGES, versions_of

README = (PAGES / "README.md").read_text()


def test_every_page_has_a_row_and_every_row_a_page() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README", "python-sdk"}

    assert pages == set(NAMES)
    assert re.findall(r"^\| \[[^]]+\]\(([\w-]+)\.md\)", README, re.MULTILINE) == list(NAMES)


@pytest.mark.parametrize("page", NAMES)
def test_a_row_is_of_the_release_that_is_pinned(page: str) -> None:
    row = f"| [{NAMES[page]}]({page}.md) {versions_of(page)} |"

    assert row in README, "another release is pinned than the table tells of: run `python -m tests.clients.table`"
