"""The table of `docs/clients/README.md`, written from a run: `python -m tests.clients.table`.

Nothing in it is typed by hand but the names: what a framework makes of a refusal or a cut is what it did, just now, with the
lines of its page. It takes the environments of `make clients`, and about six minutes.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from local.paths import ROOT
from local.stack import Stack
from tests.clients import test_pages
from tests.clients.coding_agents import AGENTS, CodingAgent, run
from tests.clients.pins import NAMES, PAGES, versions_of
from tests.clients.test_coding_agents import in_one_line, limit, queue, refused

README = PAGES / "README.md"
BEGIN, END = "<!-- from a run: python -m tests.clients.table -->\n", "<!-- end of the run -->\n"
HEAD = """\
| framework | JSON | stream | tools | a budget stop | a cut stream | refused calls, stop and cut |
| --- | --- | --- | --- | --- | --- | --- |
"""
NO_MONEY_USD = "0.000001"
CUT_LIMIT_USD = "0.0008"
LONG_ANSWER = {"output_tokens": 16_000, "pace_ms": 1}
QUIET_S = 3.0
"""No row has come for so long: all have."""


@dataclass(frozen=True)
class Told:
    """How one asking ended, in a cell's words, and whether it ended well."""

    is_ok: bool
    words: str


Ask = Callable[[str, str], Told]
"""Does an action (`ask`, `stream`, `tools`) in a session."""


def main() -> None:
    """Run everything and put the table into the page."""
    with TemporaryDirectory() as folder, Stack(Path(folder) / "state") as stack:
        rows = [_row(stack, page, tool_turn, cut_usd, ask) for page, tool_turn, cut_usd, ask in _all(stack, folder)]
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(f"{before}{BEGIN}{HEAD}{''.join(rows)}{END}{rest.partition(END)[2]}")


def _all(stack: Stack, folder: str) -> Iterator[tuple[str, dict[str, Any], str, Ask]]:
    for framework in test_pages.FRAMEWORKS:
        yield framework.page, {"tool_calls": 1}, CUT_LIMIT_USD, _framework(stack, framework, Path(folder))
    for agent in AGENTS:
        yield agent.page, agent.tool_turn, agent.cut_limit_usd, _coding_agent(stack, agent, Path(folder))


def _row(stack: Stack, page: str, tool_turn: dict[str, Any], cut_usd: str, ask: Ask) -> str:
    def session(name: str, limit_usd: str | None = None, script: dict[str, Any] | None = None) -> str:
        httpx.delete(f"{stack.mock_url}/_mock/scripts", timeout=30).raise_for_status()
        if script is not None:
            queue(stack, script)
        if limit_usd is not None:
            limit(stack, f"{page}.{name}", limit_usd)
        return f"{page}.{name}"

    whole, streamed = ask("ask", session("ask")), ask("stream", session("stream"))
    tools = ask("tools", session("tools", script=tool_turn))
    stopped = ask("stream", session("stop", NO_MONEY_USD))
    cut = ask("stream", session("cut", cut_usd, LONG_ANSWER))
    counts = [_refusals(stack, f"{page}.{name}") for name in ("stop", "cut")]
    works = [("yes" if told.is_ok else told.words) for told in (whole, streamed, tools)]
    print(page, works, stopped, cut, counts, flush=True)
    cells = [f"[{NAMES[page]}]({page}.md) {versions_of(page)}", *works, stopped.words, cut.words]
    return f"| {' | '.join(cells)} | {counts[0]}, {counts[1]} |\n"


def _framework(stack: Stack, framework: test_pages.Framework, folder: Path) -> Ask:
    match = test_pages.RUN_BLOCK.search((PAGES / f"{framework.page}.md").read_text())
    assert match is not None, "the page has no lines to run"

    def ask(action: str, session_id: str) -> Told:
        environment = {**os.environ, "AGENTWATCH_URL": stack.edge_url, "AGENTWATCH_TOKEN": stack.tokens["live"]}
        ran = subprocess.run(
            test_pages._command(framework, match[2], folder, action),
            env={**environment, "RUN_ID": session_id},
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        seen = json.loads(ran.stdout.splitlines()[-1])
        if "error" not in seen:
            is_told = "answer_cut" in ran.stderr
            return Told(not is_told, "the text ends; `onError` is told" if is_told else "nothing")
        status = f", status {seen['status']}" if seen["status"] else ""
        return Told(False, f"`{seen['error'][0]}`{status}")

    return ask


def _coding_agent(stack: Stack, agent: CodingAgent, folder: Path) -> Ask:
    def ask(action: str, session_id: str) -> Told:
        if action == "ask" and agent.whole is None:
            return Told(False, "it always streams")
        ran = run(agent, stack, session_id, folder / session_id, is_streaming=action != "ask")
        is_named = f"the budget of session '{session_id}'" in in_one_line(ran.printed)
        is_done = ran.code == 0 and not is_named and (action != "tools" or (ran.folder / "answer.txt").exists())
        return Told(is_done, f"it {'says so' if is_named else 'says something else'}; exit code {ran.code}")

    return ask


def _refusals(stack: Stack, session_id: str) -> int:
    """Rows of refused calls, once no more of them come."""
    count, since = refused(stack, session_id), time.monotonic()
    while time.monotonic() - since < QUIET_S:
        time.sleep(0.2)
        if (now := refused(stack, session_id)) != count:
            count, since = now, time.monotonic()
    return count


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
