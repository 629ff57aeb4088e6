"""What one Ledger object can do: admissions and settlements a second, empty and full.

The object is called by RPC from a small Worker beside it, so the edge is not in the figures. Neither figure may grow
with sessions or open holds. What it writes is counted by `bench.cost`, and held by the tests of the runtime.
"""

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.table import Table

from bench.measuring.http_client import LoadError
from local.paths import ROOT
from local.stack import Stack

SESSIONS = 10_000
OPEN_HOLDS = 1_000
ROUNDS = 7
CALLS_PER_ROUND = 400
LANES = 16
TTL_MS = 600_000
COST_NANOUSD = 1_000
CALLER_HOST = "ledger-caller.test"
_numbers = count()


@dataclass
class Figures:
    """One object's figures per second, one sample a round."""

    name: str
    sessions: int
    open_holds: int
    admits_per_s: list[float] = field(default_factory=list)
    settles_per_s: list[float] = field(default_factory=list)


def ledger_caller() -> dict[str, Any]:
    """Miniflare's options for the Worker that asks the edge's Ledgers."""
    edge = tomllib.loads((ROOT / "wrangler.toml").read_text())
    script = Path(__file__).parent / "workers" / "ledger_caller.mjs"
    return {
        "name": "bench-ledger-caller",
        "compatibilityDate": edge["compatibility_date"],
        "modules": [{"type": "ESModule", "path": script.name, "contents": script.read_text()}],
        "durableObjects": {"LEDGER": {"className": "Ledger", "scriptName": edge["name"], "useSQLite": True}},
        "routes": [f"{CALLER_HOST}/*"],
    }


async def measure_ledger(stack: Stack, say: Callable[[str], None]) -> list[Figures]:
    """An empty and a full object in turns, so that whatever else the machine does falls on both alike."""
    figures = [Figures("empty", 0, 0), Figures("full", SESSIONS, OPEN_HOLDS)]
    async with httpx.AsyncClient(timeout=300, headers={"host": CALLER_HOST}) as client:
        caller = _Caller(client, stack.edge_url)
        say(f"ledger: {SESSIONS} sessions and {OPEN_HOLDS} open holds")
        await _fill(caller)
        say("ledger: admissions")
        for turn in range(ROUNDS + 1):
            for each in figures:
                admits_per_s, settles_per_s = await _time(caller, each.name)
                if turn:  # the first turn warms up
                    each.admits_per_s.append(admits_per_s)
                    each.settles_per_s.append(settles_per_s)
    return figures


def ledger_table(figures: Sequence[Figures]) -> Table:
    table = Table(title=f"One Ledger object, {LANES} calls at a time, median of {ROUNDS} rounds")
    for column in ("", *(f"{each.sessions} sessions, {each.open_holds} open holds" for each in figures)):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("admissions a second", *(f"{median(each.admits_per_s):.0f}" for each in figures))
    table.add_row("settlements a second", *(f"{median(each.settles_per_s):.0f}" for each in figures))
    return table


def ledger_json(figures: Sequence[Figures]) -> list[dict[str, Any]]:
    return [
        {**asdict(each), "admissions_per_s": median(each.admits_per_s), "settlements_per_s": median(each.settles_per_s)}
        for each in figures
    ]


class _Caller:
    """Sends batches of questions to the Worker that asks them."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def run(self, tenant: str, questions: Sequence[str]) -> float:
        """Seconds that the answers took. Raises `LoadError` on an answer of the wrong kind."""
        seconds, answers = await self._send(tenant, questions)
        for text in answers:
            if json.loads(text)["type"] not in ("granted", "settled", "recorded"):
                raise LoadError(f"the ledger answered {text}")
        return seconds

    async def _send(self, tenant: str, questions: Sequence[str]) -> tuple[float, list[str]]:
        lanes = [questions[lane::LANES] for lane in range(min(LANES, len(questions)))]
        body = {"tenant": tenant, "lanes": lanes}
        answer = await self._client.post(self._url, json=body)
        if answer.status_code != 200:
            raise LoadError(f"the caller answered {answer.status_code}: {answer.text[:300]}")
        found = answer.json()
        return found["ms"] / 1_000, found["answers"]


async def _fill(caller: _Caller) -> None:
    sessions = [_record(f"session-{number}") for number in range(SESSIONS)]
    for start in range(0, SESSIONS, 1_000):
        await caller.run("full", sessions[start : start + 1_000])
    holds = [_admit(_hold_id(), f"session-{number}") for number in range(OPEN_HOLDS)]
    await caller.run("full", holds)


async def _time(caller: _Caller, tenant: str) -> tuple[float, float]:
    """Admissions and settlements a second."""
    hold_ids = [_hold_id() for _ in range(CALLS_PER_ROUND)]
    admitted_s = await caller.run(tenant, [_admit(each, f"run-{each[-2:]}") for each in hold_ids])
    settled_s = await caller.run(tenant, [_settle(each) for each in hold_ids])
    return CALLS_PER_ROUND / admitted_s, CALLS_PER_ROUND / settled_s


def _hold_id() -> str:
    return f"rsv_{next(_numbers):032x}"


def _admit(hold_id: str, session_id: str) -> str:
    message = {
        "type": "admit",
        "hold_id": hold_id,
        "want_nanousd": COST_NANOUSD,
        "least_nanousd": COST_NANOUSD,
        "floor_nanousd": 0,
        "ttl_ms": TTL_MS,
        "session_id": session_id,
        "team": "research",
        "session_limit_nanousd": 10**12,
        "rate_limits": {"tenant_requests_per_minute": 10_000_000},
    }
    return json.dumps(message)


def _settle(hold_id: str) -> str:
    message = {"type": "settle", "hold_id": hold_id, "actual_nanousd": COST_NANOUSD // 2, "prompt_tokens": 10}
    return json.dumps(message)


def _record(session_id: str) -> str:
    message = {
        "type": "record",
        "event_id": _hold_id(),
        "cost_nanousd": COST_NANOUSD,
        "prompt_tokens": 10,
        "completion_tokens": 10,
        "session_id": session_id,
    }
    return json.dumps(message)
