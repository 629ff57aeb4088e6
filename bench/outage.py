"""What an outage of the Ledger costs: what is answered, what passes against the allowance, what is charged after.

A steady load runs while the Ledger is taken away and given back: the binding throws, as it does when the object is
being moved. The provider's journal says what passed; the Ledger must come to the same sum afterwards.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from rich.table import Table

from bench.calls import PROMPT
from bench.http_client import Connection, Head, LoadError, Target
from local.stack import Stack

NANOUSD_PER_USD = 10**9
ALLOWANCE_USD = "0.05"
CONNECTIONS = 8
PHASE_S = 10.0
OUTPUT_TOKENS = 200
MAX_TOKENS = 400
RECONCILED_TIMEOUT_S = 120.0
SESSION = "outage"

PHASES = ("before", "away", "back")


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of the run: how calls were answered, and what the provider billed for them."""

    name: str
    answers: dict[str, int]
    """By status and error code."""
    billed_nanousd: int
    slowest_s: float


@dataclass(frozen=True, slots=True)
class Outage:
    phases: list[Phase]
    allowance_nanousd: int
    billed_nanousd: int
    spent_nanousd: int
    held_nanousd: int
    reconciled_after_s: float


def outage_config() -> dict[str, Any]:
    """The KV entries that the experiment needs: an allowance that its load uses up."""
    return {"t:demo:config": {"requests_per_minute": 1_000_000, "outage_allowance_usd": ALLOWANCE_USD}}


async def measure_outage(stack: Stack, say: Callable[[str], None]) -> Outage:
    """Three phases under the same load, on a stack with gates."""
    phases = []
    for name in PHASES:
        say(f"outage: {name}")
        if name != "before":
            stack.set_gate("ledger", is_open=name == "back")
        phases.append(await _phase(stack, name))
    billed = sum(phase.billed_nanousd for phase in phases)
    began_s = time.monotonic()
    say("outage: waiting for what is owed")
    account = await _reconciled(stack, billed)
    return Outage(
        phases=phases,
        allowance_nanousd=round(float(ALLOWANCE_USD) * NANOUSD_PER_USD),
        billed_nanousd=billed,
        spent_nanousd=account[0],
        held_nanousd=account[1],
        reconciled_after_s=round(time.monotonic() - began_s, 1),
    )


def outage_table(found: Outage) -> Table:
    table = Table(title="The Ledger taken away under load")
    for column in ("", *PHASES):
        table.add_column(column, justify="right" if column else "left")
    for answer in sorted({answer for phase in found.phases for answer in phase.answers}):
        table.add_row(f"answered {answer}", *(str(phase.answers.get(answer, 0)) for phase in found.phases))
    table.add_row("slowest answer, s", *(f"{phase.slowest_s:.2f}" for phase in found.phases))
    table.add_row("billed by the provider", *(f"${_usd(phase.billed_nanousd)}" for phase in found.phases))
    table.add_row("allowance", "", f"${_usd(found.allowance_nanousd)}", "")
    table.add_section()
    table.add_row("billed in all", "", "", f"${_usd(found.billed_nanousd)}")
    table.add_row("spent, by the Ledger", "", "", f"${_usd(found.spent_nanousd)}")
    table.add_row("held, by the Ledger", "", "", f"${_usd(found.held_nanousd)}")
    table.add_row("equal after, s", "", "", f"{found.reconciled_after_s:.1f}")
    return table


def outage_json(found: Outage) -> dict[str, Any]:
    return asdict(found)


async def _phase(stack: Stack, name: str) -> Phase:
    ends_s = time.monotonic() + PHASE_S
    results = await asyncio.gather(*(_load(stack, name, ends_s) for _ in range(CONNECTIONS)))
    answers = Counter(answer for found, _ in results for answer in found)
    return Phase(name, dict(answers), await _billed(stack, name), round(max(slowest for _, slowest in results), 3))


async def _load(stack: Stack, tag: str, ends_s: float) -> tuple[list[str], float]:
    """Calls one after the other until the phase ends: how each was answered, and the longest time one took."""
    headers = {
        "authorization": f"Bearer {stack.tokens['live']}",
        "x-agentwatch-session-id": SESSION,
        "x-agentwatch-budget-usd": "1000",
        "x-mock": f"output_tokens={OUTPUT_TOKENS};pace_ms=0.5",
        "x-mock-tag": tag,
    }
    target = Target("agentwatch", f"{stack.edge_url}/v1/proxy/openai/v1/chat/completions", headers)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": MAX_TOKENS}
    request = target.request(json.dumps(body).encode(), {})
    answers, slowest_s = [], 0.0
    async with Connection(target) as connection:
        while (began_s := time.monotonic()) < ends_s:
            head = await connection.begin(request)
            answers.append(_named(head, b"".join([chunk async for chunk in connection.rest(head)])))
            slowest_s = max(slowest_s, time.monotonic() - began_s)
    return answers, slowest_s


def _named(head: Head, body: bytes) -> str:
    return "200" if head.status == 200 else f"{head.status} {json.loads(body)['error'].get('code')}"


async def _billed(stack: Stack, tag: str) -> int:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(f"{stack.mock_url}/_mock/journal/summary", params={"tag": tag})
    totals = answer.json()["totals"]
    if totals["running"]:
        raise LoadError("a call of the phase is still running")
    return int(totals["billed_nanousd"])


async def _reconciled(stack: Stack, billed_nanousd: int) -> tuple[int, int]:
    """The session's spent and held, once they are what was billed and nothing, or as they are after a while."""
    deadline_s = time.monotonic() + RECONCILED_TIMEOUT_S
    headers = {"authorization": f"Bearer {stack.tokens['live']}"}
    async with httpx.AsyncClient(timeout=60, headers=headers) as client:
        while True:
            check = (await client.get(f"{stack.edge_url}/v1/budget-check?session_id={SESSION}")).json()
            account = (_nanousd(check["spent_usd"]), _nanousd(check["held_usd"]))
            if account == (billed_nanousd, 0) or time.monotonic() > deadline_s:
                return account
            await asyncio.sleep(0.2)


def _nanousd(usd: float) -> int:
    return round(usd * NANOUSD_PER_USD)


def _usd(nanousd: int) -> str:
    return f"{nanousd / NANOUSD_PER_USD:.6f}"
