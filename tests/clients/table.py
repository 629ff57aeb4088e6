"""The tables of `docs/clients/README.md` and of the README, written from a run: `python -m tests.clients.table`.

With names of clients behind it only their rows are written again. Nothing in them is typed by hand but the names: what a client makes of a refusal or a cut is what it did, just now, with the lines
of its page. It takes the environments of `make clients`, and about five minutes, most of which Aider spends on asking again.
"""

import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from local.paths import ROOT
from local.stack import Stack
from tests.clients.coding_agents import AGENTS, CodingAgent
from tests.clients.libraries import LIBRARIES, Library
from tests.clients.matrix import Row, rows
from tests.clients.pins import LISTED, PAGES

BEGIN, END = "<!-- from a run: python -m tests.clients.table -->\n", "<!-- end of the run -->\n"
MATRIX_HEAD = """\
| client | JSON | stream | tools | structured output | embeddings | a refusal | a cut |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
README_HEAD = """\
| client | settings | a refusal | a cut |
| --- | --- | --- | --- |
"""


def main() -> None:
    """Run every client and put the tables into their pages."""
    wanted = set(sys.argv[1:]) or set(LISTED)
    lanes = [[client for client in lane if client.client in wanted] for lane in (LIBRARIES, AGENTS)]
    missing = [client.client for lane in lanes for client in lane if not _place(client).exists()]
    if missing or not wanted <= set(LISTED):
        sys.exit(f"`make clients` has to install these first: {missing}; known are {list(LISTED)}")
    with TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        # Each with a stack of its own, for what the mock is told next is told to whoever asks next.
        running = [pool.submit(_lane, lane, Path(folder) / str(number)) for number, lane in enumerate(lanes) if lane]
        found = {row.client: row for each in running for row in each.result()}
    _write(PAGES / "README.md", MATRIX_HEAD, {client: row.of_matrix() for client, row in found.items()})
    _write(ROOT / "README.md", README_HEAD, {client: row.of_readme() for client, row in found.items()})


def _place(client: Library | CodingAgent) -> Path:
    return client.environment.place if isinstance(client, Library) else client.place


def _lane(clients: Sequence[Library | CodingAgent], folder: Path) -> list[Row]:
    with Stack(folder / "state") as stack:
        return rows(stack, clients, folder)


def _write(page: Path, head: str, found: dict[str, str]) -> None:
    before, begins, rest = page.read_text().partition(BEGIN)
    assert begins, f"{page} has no place for the table"
    table, _, after = rest.partition(END)
    standing = {match[1]: match[0] for match in re.finditer(r"(?m)^\| \[([^]]+)\]\(.*\n", table)}
    lines = (found.get(client) or standing.get(listed.name, "") for client, listed in LISTED.items())
    page.write_text(f"{before}{BEGIN}{head}{''.join(lines)}{END}{after}")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
