"""What each client makes of AgentWatch, found out by running it: answers of every kind, a refusal, a cut, and what it asks afterwards.

A row holds what happened and nothing that was typed by hand. "yes" is an answer that came and was charged to its session.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local.stack import Stack
from tests.clients.coding_agents import CodingAgent, Script, run
from tests.clients.libraries import Library, running
from tests.clients.pins import LISTED, page_of, settings_of, versions_of

NO_MONEY_USD = "0.000001"
LONG_ANSWER: Script = {"output_tokens": 16_000, "pace_ms": 1}
QUIET_S = 3.0
"""No row has come for so long: all have."""

WORKS = ("ask", "stream", "tools", "structured", "embed")


@dataclass(frozen=True)
class Ended:
    """How one asking ended: well, or in a cell's words."""

    is_ok: bool
    words: str


Ask = Callable[[str, str], Ended | None]
"""Does an action in a session; None where the client has no such thing."""


@dataclass(frozen=True)
class Row:
    client: str
    works: tuple[str, ...]
    refusal: str
    cut: str

    def of_matrix(self) -> str:
        client = f"[{LISTED[self.client].name}]({page_of(self.client)}.md) {versions_of(self.client)}"
        return f"| {' | '.join((client, *self.works, self.refusal, self.cut))} |\n"

    def of_readme(self) -> str:
        client = f"[{LISTED[self.client].name}](docs/clients/{page_of(self.client)}.md)"
        return f"| {' | '.join((client, settings_of(self.client), self.refusal, self.cut))} |\n"


def rows(stack: Stack, clients: Sequence[Library | CodingAgent], folder: Path) -> list[Row]:
    """A row for each, in their order; how often each asked is counted once all have ended."""
    found = [_tried(stack, client, folder) for client in clients]
    outcomes = _outcomes(stack, [f"{row.client}.{name}" for row in found for name in ("refusal", "cut")])
    counted = []
    for row in found:
        refused, cut = (outcomes[f"{row.client}.{name}"] for name in ("refusal", "cut"))
        assert set(refused) == {"refused"}, f"what {row.client} showed was no refusal: {refused}"
        assert cut.count("cut") == 1 and set(cut) <= {"cut", "refused"}, f"what {row.client} showed was no cut: {cut}"
        counted.append(replace(row, refusal=row.refusal + _again(len(refused)), cut=row.cut + _again(len(cut))))
    return counted


def queue(stack: Stack, script: Script) -> None:
    httpx.post(f"{stack.mock_url}/_mock/scripts", json={"script": script}, timeout=30).raise_for_status()


def limit(stack: Stack, session_id: str, usd: str) -> None:
    url = f"{stack.edge_url}/v1/sessions/{session_id}"
    admin = {"authorization": f"Bearer {stack.tokens['admin']}"}
    httpx.put(url, json={"limit_usd": usd}, headers=admin, timeout=30).raise_for_status()


def in_one_line(printed: str) -> str:
    """Some programs fold their lines at the width of a terminal."""
    return " ".join(printed.split())


def _tried(stack: Stack, client: Library | CodingAgent, folder: Path) -> Row:
    name, began = client.client, time.monotonic()

    def session(action: str, script: Script | None = None, limit_usd: str | None = None) -> str:
        httpx.delete(f"{stack.mock_url}/_mock/scripts", timeout=30).raise_for_status()
        if script:
            queue(stack, script)
        if limit_usd is not None:
            limit(stack, f"{name}.{action}", limit_usd)
        return f"{name}.{action}"

    def works(action: str, script: Script | None) -> str:
        ended = ask(action, session(action, script))
        if ended is None:
            return "–"
        if not ended.is_ok:
            return ended.words
        return "yes" if _spent_usd(stack, f"{name}.{action}") > 0 else "not charged"

    scripts = _scripts(client)
    with _asking(stack, client, folder / name) as ask:
        told = tuple(works(action, scripts.get(action)) for action in WORKS)
        # Some have no answer but a stream.
        refusing = "ask" if told[0] != "–" else "stream"
        refused = ask(refusing, session("refusal", limit_usd=NO_MONEY_USD))
        cut = ask("stream", session("cut", LONG_ANSWER, client.cut_limit_usd))
    assert refused is not None and cut is not None, "every client streams"
    row = Row(name, told, refused.words, cut.words)
    print(f"{name}, {time.monotonic() - began:.0f} s:", *row.works, row.refusal, row.cut, sep=" | ", flush=True)
    return row


def _scripts(client: Library | CodingAgent) -> dict[str, Script]:
    if isinstance(client, Library):
        return {"tools": {"tool_calls": 1}}
    return {"tools": client.tool_turn, "structured": client.structured_turn}


@contextmanager
def _asking(stack: Stack, client: Library | CodingAgent, folder: Path) -> Iterator[Ask]:
    folder.mkdir(parents=True)
    if isinstance(client, CodingAgent):
        yield _agent(stack, client, folder)
        return
    with running(client, stack, folder) as told:
        yield lambda action, session_id: _ended(told.do(action, session_id))


def _ended(told: dict[str, Any] | None) -> Ended | None:
    if told is None:
        return None
    if "error" not in told:
        return Ended(bool(told["said"]), "the text ends, and nothing is raised")
    status = ", status 402" if told["status"] == 402 else ""
    return Ended(False, told.get("cell") or f"`{told['error']}`{status}")


def _agent(stack: Stack, agent: CodingAgent, folder: Path) -> Ask:
    commands = {"ask": agent.whole, "structured": agent.structured, "embed": None}

    def ask(action: str, session_id: str) -> Ended | None:
        command = commands.get(action, agent.command)
        if command is None:
            return None
        ran = run(agent, stack, session_id, folder / action / session_id, command=command)
        printed = in_one_line(ran.printed)
        is_named = f"the budget of session '{session_id}'" in printed
        is_done = ran.code == 0 and not is_named
        if action == "tools":
            is_done = is_done and (ran.folder / "answer.txt").exists()
        if action == "structured":
            is_done = is_done and '"a":7' in printed.replace("\\", "")
        said = "it says why" if is_named else "it does not say why"
        return Ended(is_done, f"{said}, exit code {ran.code}")

    return ask


def _again(calls: int) -> str:
    match calls:
        case 1:
            return ""
        case 2:
            return "; asks once more"
        case _:
            return f"; asks {calls - 1} times more"


def _spent_usd(stack: Stack, session_id: str) -> float:
    url = f"{stack.edge_url}/v1/budget-check?session_id={session_id}"
    spent: float = httpx.get(url, headers={"authorization": f"Bearer {stack.tokens['live']}"}, timeout=30).json()[
        "spent_usd"
    ]
    return spent


def _outcomes(stack: Stack, sessions: list[str]) -> dict[str, list[str]]:
    """How the calls of each session ended, once every one has a row and no more of them come."""
    query = """
        select session_id, array_agg(outcome order by outcome) from llm_request_logs
        where session_id = any(%s) group by session_id
    """
    seen: dict[str, list[str]] = {}
    since = time.monotonic()
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        while len(seen) < len(sessions) or time.monotonic() - since < QUIET_S:
            assert time.monotonic() - since < 60, f"no rows of {set(sessions) - set(seen)}"
            now = {str(name): list(outcomes) for name, outcomes in connection.execute(query, (sessions,))}
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.2)
    return seen
