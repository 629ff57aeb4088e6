"""What one Ledger object can do, and what it writes: admissions a second and rows a call, empty and full.

The object is called by RPC from a small Worker beside it, so the edge is not in the figures. Rows are counted by SQLite
in a second copy of the object that differs in nothing else. Neither figure may grow with sessions or open holds.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.table import Table

from bench.http_client import LoadError
from local.paths import ROOT
from local.stack import Stack
from local.worker_config import LocalLimits, worker_options

SESSIONS = 10_000
OPEN_HOLDS = 1_000
ROUNDS = 7
CALLS_PER_ROUND = 400
LANES = 16
TTL_MS = 600_000
COST_NANOUSD = 1_000
CALLER_HOST = "ledger-caller.test"
_BINDINGS = {"timed": "LEDGER", "counted": "COUNTED"}
_numbers = count()


@dataclass
class Figures:
    """One object's figures: per second, one sample a round; and rows by kind of call and cause."""

    name: str
    sessions: int
    open_holds: int
    admits_per_s: list[float] = field(default_factory=list)
    settles_per_s: list[float] = field(default_factory=list)
    rows_per_admit: float = 0
    rows_per_settle: float = 0
    upkeep_rows_per_call: float = 0
    """Written by the alarm, and for setting it, over admits and settles together."""


def ledger_workers() -> list[dict[str, Any]]:
    """Miniflare's options for the counted copy and for the caller of both."""
    subprocess.run([sys.executable, ROOT / "tools" / "stage.py"], check=True)
    folder = Path(__file__).parent
    edge = worker_options(ROOT / "wrangler.toml", {}, LocalLimits())
    entry = {"type": "PythonModule", "path": edge["modules"][0]["path"], "file": str(folder / "counted_ledger.py")}
    counted = {
        **edge,
        "name": "bench-counted-ledger",
        "modules": [entry, *edge["modules"][1:]],
        "durableObjects": {"LEDGER": {"className": "CountedLedger", "useSQLite": True}},
    }
    caller = {
        "name": "bench-ledger-caller",
        "compatibilityDate": edge["compatibilityDate"],
        "modules": [
            {"type": "ESModule", "path": "ledger_caller.mjs", "contents": (folder / "ledger_caller.mjs").read_text()}
        ],
        "durableObjects": {
            "LEDGER": {"className": "Ledger", "scriptName": edge["name"], "useSQLite": True},
            "COUNTED": {"className": "CountedLedger", "scriptName": counted["name"], "useSQLite": True},
        },
        "routes": [f"{CALLER_HOST}/*"],
    }
    return [counted, caller]


async def measure_ledger(stack: Stack, say: Callable[[str], None]) -> list[Figures]:
    """An empty and a full object in turns, so that whatever else the machine does falls on both alike."""
    figures = [Figures("empty", 0, 0), Figures("full", SESSIONS, OPEN_HOLDS)]
    async with httpx.AsyncClient(timeout=300, headers={"host": CALLER_HOST}) as client:
        caller = _Caller(client, stack.edge_url)
        say(f"ledger: {SESSIONS} sessions and {OPEN_HOLDS} open holds")
        for kind in _BINDINGS:
            await _fill(caller, kind)
        say("ledger: admissions")
        for turn in range(ROUNDS + 1):
            for each in figures:
                admits_per_s, settles_per_s = await _time(caller, each.name)
                if turn:  # the first turn warms up
                    each.admits_per_s.append(admits_per_s)
                    each.settles_per_s.append(settles_per_s)
        say("ledger: rows")
        for each in figures:
            await _count_rows(caller, each)
    return figures


def ledger_table(figures: Sequence[Figures]) -> Table:
    table = Table(title=f"One Ledger object, {LANES} calls at a time, median of {ROUNDS} rounds")
    for column in ("", *(f"{each.sessions} sessions, {each.open_holds} open holds" for each in figures)):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("admissions a second", *(f"{median(each.admits_per_s):.0f}" for each in figures))
    table.add_row("settlements a second", *(f"{median(each.settles_per_s):.0f}" for each in figures))
    table.add_row("rows written to admit", *(f"{each.rows_per_admit:.2f}" for each in figures))
    table.add_row("rows written to settle", *(f"{each.rows_per_settle:.2f}" for each in figures))
    table.add_row("upkeep rows per operation", *(f"{each.upkeep_rows_per_call:.2f}" for each in figures))
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

    async def run(self, kind: str, tenant: str, questions: Sequence[str]) -> float:
        """Seconds that the answers took. Raises `LoadError` on an answer of the wrong kind."""
        seconds, answers = await self._send(kind, tenant, questions)
        for text in answers:
            if json.loads(text)["type"] not in ("granted", "settled", "recorded"):
                raise LoadError(f"the ledger answered {text}")
        return seconds

    async def rows(self, tenant: str) -> dict[str, int]:
        """Rows that the counted object wrote since this was last asked."""
        _, (text,) = await self._send("counted", tenant, ["rows_written"])
        return dict(json.loads(text))

    async def _send(self, kind: str, tenant: str, questions: Sequence[str]) -> tuple[float, list[str]]:
        lanes = [questions[lane::LANES] for lane in range(min(LANES, len(questions)))]
        body = {"binding": _BINDINGS[kind], "tenant": tenant, "lanes": lanes}
        answer = await self._client.post(self._url, json=body)
        if answer.status_code != 200:
            raise LoadError(f"the caller answered {answer.status_code}: {answer.text[:300]}")
        found = answer.json()
        return found["ms"] / 1_000, found["answers"]


async def _fill(caller: _Caller, kind: str) -> None:
    sessions = [_record(f"session-{number}") for number in range(SESSIONS)]
    for start in range(0, SESSIONS, 1_000):
        await caller.run(kind, "full", sessions[start : start + 1_000])
    holds = [_admit(_hold_id(), f"session-{number}") for number in range(OPEN_HOLDS)]
    await caller.run(kind, "full", holds)


async def _time(caller: _Caller, tenant: str) -> tuple[float, float]:
    """Admissions and settlements a second."""
    hold_ids = [_hold_id() for _ in range(CALLS_PER_ROUND)]
    admitted_s = await caller.run("timed", tenant, [_admit(each, f"run-{each[-2:]}") for each in hold_ids])
    settled_s = await caller.run("timed", tenant, [_settle(each) for each in hold_ids])
    return CALLS_PER_ROUND / admitted_s, CALLS_PER_ROUND / settled_s


async def _count_rows(caller: _Caller, figures: Figures) -> None:
    """Rows per call of one kind, and what the alarm wrote meanwhile and in the seconds after."""
    hold_ids = [_hold_id() for _ in range(CALLS_PER_ROUND)]
    await caller.rows(figures.name)
    await caller.run("counted", figures.name, [_admit(each, "run") for each in hold_ids])
    admitted = await caller.rows(figures.name)
    await caller.run("counted", figures.name, [_settle(each) for each in hold_ids])
    settled = await caller.rows(figures.name)
    await asyncio.sleep(5)  # the alarm checkpoints what has changed
    after = await caller.rows(figures.name)
    figures.rows_per_admit = admitted["calls"] / CALLS_PER_ROUND
    figures.rows_per_settle = settled["calls"] / CALLS_PER_ROUND
    upkeep = sum(each["upkeep"] + each["alarms_set"] for each in (admitted, settled, after))
    figures.upkeep_rows_per_call = upkeep / (2 * CALLS_PER_ROUND)


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
