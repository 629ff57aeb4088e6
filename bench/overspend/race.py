"""The headline experiment: does a hard cap hold against a thousand calls at once, and what does it refuse wrongly?

One session with a cap, all calls sent at the same moment, one client in ten killed in the middle of its stream. The
same calls go first straight to the mock provider, which says what each costs when nothing stops it, then through
AgentWatch, then through a strawman that checks before a call and deducts after it. The provider's journal judges.
"""

import asyncio
import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from rich.table import Table

from bench.measuring.http_client import Connection, LoadError, Target
from bench.measuring.processor import mock_pid, watched
from bench.overspend.calls import PlannedCall, plan_calls
from bench.overspend.verdict import CallTruth, false_refusals, outcome_sums, over_cap_nanousd
from local.stack import Stack

NANOUSD_PER_USD = 10**9
STRAWMAN_HOST = "strawman.test"
SESSION = "overspend"
WARM_UP_CALLS = 20
DIRECT_CONNECTIONS = 32
SETTLED_TIMEOUT_S = 120.0
OPEN_FILES = 8_192

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """One call as its client saw it. `status` is None where the connection broke."""

    tag: str
    status: int | None
    request_id: str | None
    answered_at_s: float


@dataclass(frozen=True, slots=True)
class Way:
    """How calls reach the provider: an address, the headers that it takes, and the path of a call there."""

    name: str
    url: str
    headers: Mapping[str, str]
    path_of: Callable[[PlannedCall], str]
    headers_of: Callable[[PlannedCall], Mapping[str, str]] = lambda call: {}

    def encoded(self, call: PlannedCall) -> bytes:
        fields = {
            "host": urlsplit(self.url).netloc,
            "content-length": str(len(call.body)),
            **call.headers,
            **self.headers,
            **self.headers_of(call),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self.path_of(call)} HTTP/1.1\r\n{head}\r\n".encode() + call.body


@dataclass(frozen=True, slots=True)
class WayResult:
    """One way's run, judged."""

    name: str
    took_s: float
    busy: dict[str, float]
    saturated_share: float
    calls: list[CallTruth]
    spent_nanousd: int | None = None
    held_nanousd: int | None = None


@dataclass(frozen=True, slots=True)
class Overspend:
    cap_nanousd: int
    pace_ms: float
    demand_nanousd: int
    ways: list[WayResult]


def strawman_worker() -> dict[str, Any]:
    """Miniflare's options for the strawman."""
    script = Path(__file__).parent.parent / "workers" / "strawman.mjs"
    return {
        "name": "bench-strawman",
        "compatibilityDate": "2025-09-01",
        "modules": [{"type": "ESModule", "path": script.name, "contents": script.read_text()}],
        "durableObjects": {"SPENT": {"className": "Spent", "useSQLite": True}},
        "routes": [f"{STRAWMAN_HOST}/*"],
    }


async def measure_overspend(stack: Stack, *, calls: int, cap_usd: str, pace_ms: float, say: Say) -> Overspend:
    """The three runs, one after the other, on one stack."""
    _allow_open_files()
    say(f"overspend: what {calls} calls cost when nothing stops them")
    full = await full_costs(stack, calls)
    await _burst(_agentwatch(stack, "warm-up", "1000"), plan_calls(WARM_UP_CALLS, "warm", pace_ms=0))
    say(f"overspend: {calls} calls at once through AgentWatch, cap ${cap_usd}")
    ways = [await run_agentwatch(stack, plan_calls(calls, "agentwatch", pace_ms=pace_ms), full, cap_usd)]
    say("overspend: the same through the strawman, which checks before a call and deducts after it")
    ways.append(await _run_strawman(stack, plan_calls(calls, "strawman", pace_ms=pace_ms), full, cap_usd))
    return Overspend(_nanousd(float(cap_usd)), pace_ms, sum(full.values()), ways)


async def full_costs(stack: Stack, calls: int) -> dict[str, int]:
    """Nano-dollars per call number, from calls made straight to the provider that all run to their end."""
    planned = plan_calls(calls, "full", pace_ms=0)
    await _burst(_direct(stack), planned, connections=DIRECT_CONNECTIONS, lets_clients_leave=False)
    return {_number(tag): entry["billed_nanousd"] for tag, entry in (await _journal(stack, "full")).items()}


async def run_agentwatch(stack: Stack, calls: list[PlannedCall], full: Mapping[str, int], cap_usd: str) -> WayResult:
    """All calls at once on one session; then its account, every call's record and the provider's bill for it."""
    started_s = time.monotonic()
    async with watched(_pids(stack)) as business:
        seen = await _burst(_agentwatch(stack, SESSION, cap_usd), calls)
    took_s = time.monotonic() - started_s
    billed = await _journal(stack, _run_of(calls))
    records = await asyncio.to_thread(_records, stack, len(calls))
    account = await _account(stack)
    truths = [
        _truth_of(each, streamed, records.get(each.request_id or ""), billed.get(each.tag), full)
        for each, streamed in zip(seen, (call.is_streaming for call in calls), strict=True)
    ]
    return WayResult(
        "AgentWatch", took_s, business.mean(), business.saturated_share(), truths,
        spent_nanousd=_nanousd(account["spent_usd"]),
        held_nanousd=_nanousd(account["held_usd"]),
    )  # fmt: skip


async def _run_strawman(stack: Stack, calls: list[PlannedCall], full: Mapping[str, int], cap_usd: str) -> WayResult:
    started_s = time.monotonic()
    async with watched(_pids(stack)) as business:
        seen = await _burst(_strawman(stack, cap_usd), calls)
    took_s = time.monotonic() - started_s
    billed = await _journal(stack, _run_of(calls))
    truths = []
    for each, call in zip(seen, calls, strict=True):
        entry = billed.get(each.tag)
        cost = 0 if entry is None else entry["billed_nanousd"]
        outcome = "refused" if entry is None else entry["ended"]
        truths.append(
            CallTruth(each.tag, outcome, call.is_streaming, each.answered_at_s, full[_number(each.tag)], cost, cost)
        )
    return WayResult("check, then deduct", took_s, business.mean(), business.saturated_share(), truths)


def overspend_table(found: Overspend) -> Table:
    """Both ways side by side, dollars by the provider's journal."""
    demand, cap = _usd(found.demand_nanousd), _usd(found.cap_nanousd)
    calls = len(found.ways[0].calls)
    table = Table(title=f"{calls} calls at once on one session; they would cost ${demand}, the cap is ${cap}")
    table.add_column("")
    rows = [_column(way, found.cap_nanousd) for way in found.ways]
    for way in found.ways:
        table.add_column(way.name, justify="right")
    for label in rows[0]:
        table.add_row(label, *(row.get(label, "") for row in rows))
    return table


def overspend_json(found: Overspend) -> dict[str, Any]:
    return {
        "calls": len(found.ways[0].calls),
        "cap_nanousd": found.cap_nanousd,
        "demand_nanousd": found.demand_nanousd,
        "pace_ms": found.pace_ms,
        "ways": [_way_json(way, found.cap_nanousd) for way in found.ways],
    }


def _column(way: WayResult, cap_nanousd: int) -> dict[str, str]:
    wrong = false_refusals(way.calls, cap_nanousd)
    column = {
        "billed by the provider": f"${_usd(sum(each.billed_nanousd for each in way.calls))}",
        "billed over the cap": f"${_usd(over_cap_nanousd(way.calls, cap_nanousd))}",
    }
    for outcome, sums in outcome_sums(way.calls).items():
        column[f"calls {outcome.replace('_', ' ')}"] = str(sums.calls)
        if outcome != "refused":
            column[f"{outcome}: shorter than unstopped"] = str(sums.shortened_calls)
            column[f"{outcome}: billed, not charged"] = f"${_usd(sums.uncharged_nanousd)}"
            column[f"{outcome}: charged - billed"] = f"${_usd(sums.charged_nanousd - sums.billed_nanousd)}"
            column[f"{outcome}: charged beyond the hold"] = f"${_usd(sums.overrun_nanousd)}"
    column |= {
        "left of the cap": f"${_usd(wrong.left_nanousd)}",
        "refused falsely": f"{wrong.refused} ({100 * wrong.refused / len(way.calls):.1f} %)",
        "cut falsely": str(wrong.cut),
        "seconds": f"{way.took_s:.1f}",
        "machine busy": f"{100 * way.busy['machine']:.0f} %, saturated {100 * way.saturated_share:.0f} % of the time",
    }
    if way.spent_nanousd is not None and way.held_nanousd is not None:
        charged = sum(each.charged_nanousd for each in way.calls)
        column["ledger: spent - sum of charges"] = f"{way.spent_nanousd - charged} nano-dollars"
        column["ledger: held after the run"] = f"${_usd(way.held_nanousd)}"
    return column


def _way_json(way: WayResult, cap_nanousd: int) -> dict[str, Any]:
    return {
        "name": way.name,
        "took_s": round(way.took_s, 1),
        "processor": way.busy,
        "saturated_share": way.saturated_share,
        "billed_nanousd": sum(each.billed_nanousd for each in way.calls),
        "over_cap_nanousd": over_cap_nanousd(way.calls, cap_nanousd),
        "spent_nanousd": way.spent_nanousd,
        "held_nanousd": way.held_nanousd,
        "outcomes": {outcome: asdict(sums) for outcome, sums in outcome_sums(way.calls).items()},
        "false_refusals": asdict(false_refusals(way.calls, cap_nanousd)),
    }


def _nanousd(usd: float) -> int:
    return round(usd * NANOUSD_PER_USD)


def _usd(nanousd: int) -> str:
    return f"{nanousd / NANOUSD_PER_USD:.6f}"


# The ways ---------------------------------------------------------------------------------------------------


def _direct(stack: Stack) -> Way:
    keys = {"authorization": "Bearer sk-bench", "x-api-key": "sk-bench", "x-goog-api-key": "sk-bench"}
    return Way("direct", stack.mock_url, keys, lambda call: f"/{call.provider}/{call.path}")


def _agentwatch(stack: Stack, session: str, cap_usd: str) -> Way:
    headers = {
        "authorization": f"Bearer {stack.tokens['live']}",
        "x-agentwatch-session-id": session,
        "x-agentwatch-budget-usd": cap_usd,
    }
    return Way("agentwatch", stack.edge_url, headers, lambda call: f"/v1/proxy/{call.provider}/{call.path}")


def _strawman(stack: Stack, cap_usd: str) -> Way:
    direct = _direct(stack)
    headers = {
        **direct.headers,
        "host": STRAWMAN_HOST,
        "x-strawman-session": SESSION,
        "x-strawman-limit-nanousd": str(_nanousd(float(cap_usd))),
    }
    return Way(
        "strawman", stack.edge_url, headers, direct.path_of,
        lambda call: {"x-strawman-upstream": stack.mock_url + direct.path_of(call)},
    )  # fmt: skip


# Clients ----------------------------------------------------------------------------------------------------


async def _burst(
    way: Way, calls: list[PlannedCall], *, connections: int | None = None, lets_clients_leave: bool = True
) -> list[Seen]:
    """All calls at once, each on a connection that is open already; or over so many at a time."""
    gate = asyncio.Semaphore(connections or len(calls))
    start = asyncio.Event()
    opened = asyncio.Semaphore(0)

    async def one(call: PlannedCall) -> Seen:
        async with gate, Connection(Target(way.name, way.url, {})) as connection:
            opened.release()
            await start.wait()
            return await _seen(connection, call, way.encoded(call), lets_clients_leave)

    tasks = [asyncio.create_task(one(call)) for call in calls]
    for _ in range(min(connections or len(calls), len(calls))):
        await opened.acquire()
    start.set()
    return await asyncio.gather(*tasks)


async def _seen(connection: Connection, call: PlannedCall, request: bytes, lets_clients_leave: bool) -> Seen:
    leaves_after = call.leaves_after_chunks if lets_clients_leave else None
    status = request_id = None
    try:
        head = await connection.begin(request)
        status, request_id = head.status, head.header("x-agentwatch-request-id")
        answered_at_s = time.monotonic()
        chunks = 0
        async for _ in connection.rest(head):
            chunks += 1
            if status == 200 and chunks == leaves_after:
                connection.leave()
                break
    except (asyncio.IncompleteReadError, OSError, ValueError):
        answered_at_s = time.monotonic()
    return Seen(call.tag, status, request_id, answered_at_s)


def _allow_open_files() -> None:
    """As many as the experiment needs, as far as the system lets an ordinary user go."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _pids(stack: Stack) -> dict[str, int]:
    return {"workers": stack.workerd_pid(), "mock": mock_pid(), "clients": os.getpid()}


# The truth afterwards ---------------------------------------------------------------------------------------


async def _journal(stack: Stack, run: str) -> dict[str, dict[str, Any]]:
    """The provider's entries of one run by tag, once none is running any more."""
    deadline_s = time.monotonic() + SETTLED_TIMEOUT_S
    async with httpx.AsyncClient(timeout=60) as client:
        while time.monotonic() < deadline_s:
            entries = (await client.get(f"{stack.mock_url}/_mock/journal")).json()["entries"]
            found = {entry["tag"]: entry for entry in entries if (entry["tag"] or "").startswith(f"{run}-")}
            if all(entry["ended"] != "running" for entry in found.values()):
                return found
            await asyncio.sleep(0.5)
    raise LoadError("the provider's calls did not end")


def _records(stack: Stack, count: int) -> dict[str, tuple[str, int, int]]:
    """Outcome, cost and overrun by request id, once every call has its row."""
    deadline_s = time.monotonic() + SETTLED_TIMEOUT_S
    query = "select request_id, outcome, cost_nanousd, overrun_nanousd from llm_request_logs where session_id = %s"
    with psycopg.connect(stack.postgres_dsn or "", autocommit=True) as connection:
        while True:
            rows = connection.execute(query, (SESSION,)).fetchall()
            if len(rows) >= count:
                return {row[0]: (row[1], row[2], row[3]) for row in rows}
            if time.monotonic() > deadline_s:
                raise LoadError(f"{len(rows)} of {count} calls have a record")
            time.sleep(0.5)


async def _account(stack: Stack) -> dict[str, Any]:
    """The session's numbers once nothing is held any more, or as they are after a while."""
    deadline_s = time.monotonic() + SETTLED_TIMEOUT_S
    headers = {"authorization": f"Bearer {stack.tokens['live']}"}
    async with httpx.AsyncClient(timeout=60, headers=headers) as client:
        while True:
            check: dict[str, Any] = (await client.get(f"{stack.edge_url}/v1/budget-check?session_id={SESSION}")).json()
            if check["held_usd"] == 0 or time.monotonic() > deadline_s:
                return check
            await asyncio.sleep(0.5)


def _truth_of(
    seen: Seen, is_streaming: bool, record: Any, entry: Mapping[str, Any] | None, full: Mapping[str, int]
) -> CallTruth:
    if record is None:
        raise LoadError(f"{seen.tag} was answered {seen.status} and has no record")
    outcome, cost, overrun = record
    billed = 0 if entry is None else entry["billed_nanousd"]
    return CallTruth(
        seen.tag, outcome, is_streaming, seen.answered_at_s, full[_number(seen.tag)], billed, cost, overrun
    )


def _number(tag: str) -> str:
    return tag.rpartition("-")[2]


def _run_of(calls: list[PlannedCall]) -> str:
    return calls[0].tag.rpartition("-")[0]
