"""The curl examples of all pages say that their bodies are JSON: curl says that a body is a form, which is a 415."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import ROOT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "sdk").glob("*/README.md"), *ROOT.glob("*.md")])
FENCED = re.compile(r"^[ ]*```\w*\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)
A_BODY = re.compile(r"\s(-d|--data\S*)\s")
A_SUBSTITUTION = re.compile(r"\$\([^)]*\)")
SAYS_JSON = ("content-type: application/json", '-H "$json"')


def commands(block: str) -> Iterator[str]:
    """Each curl with its arguments, which may go on over lines in quotes or behind a backslash."""
    command = ""
    for line in block.splitlines():
        command += f"{line}\n"
        if command.count("'") % 2 or line.endswith("\\"):
            continue
        if "curl " in command:
            yield command
        command = ""


def with_a_body(page: Path) -> list[str]:
    found = [command for block in FENCED.findall(page.read_text()) for command in commands(block)]
    return [command for command in found if A_BODY.search(A_SUBSTITUTION.sub("", command.partition("curl ")[2]))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_an_example_with_a_body_says_that_it_is_json(page: Path) -> None:
    assert [each for each in with_a_body(page) if not any(said in each for said in SAYS_JSON)] == []


def test_there_are_such_examples() -> None:
    assert sum(len(with_a_body(page)) for page in PAGES) > 20
