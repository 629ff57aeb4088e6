"""What a call costs on Cloudflare's bill: the platform's operations, counted on the running stack, times their prices.

Processor time, the time that a Ledger stays awake, and what a Worker answers to strangers are not in it: they depend on
the traffic more than on the call.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table

from local.stack import Stack

LANES = 16
SETTLED_S = 75
"""Past the checkpoint and the mirrors that wait a minute."""

COUNTED_EDGE = Path(__file__).parent / "workers" / "counted_edge.py"

PRICES_USD_PER_MILLION = {
    "worker requests": 0.30,
    "ledger requests": 0.15,
    "rows written": 1.00,
    "rows read": 0.001,
    "kv reads": 0.50,
    "kv writes": 5.00,
    "queue operations": 0.40,
}
"""Cloudflare's Workers Paid plan beyond what it includes (developers.cloudflare.com/workers/platform/pricing, .../kv,
.../queues and .../durable-objects, November 2026). Each 64 KB of a message are three queue operations: written, read,
deleted. An alarm that rings is a Ledger request, and setting it a row written."""

QUEUE_OPERATIONS_PER_PIECE = 3
_chat = "/v1/proxy/openai/v1/chat/completions"
_numbers = count()


@dataclass(frozen=True, slots=True)
class Load:
    """A way of calling: the model list is a free call; a session has so many calls and a limit or none."""

    name: str
    is_streaming: bool = False
    is_free: bool = False
    calls: int = 1_000
    calls_per_session: int = 200
    budget_usd: str | None = "0.0135"
    output_tokens: int = 50


LOADS = (
    Load("JSON, sessions of 200 calls that spend half of their limit"),
    Load("JSON, sessions of 10 calls that spend most of it", calls_per_session=10, budget_usd="0.00042"),
    Load("JSON, sessions without a limit", budget_usd=None),
    Load("JSON, every call its own session", calls_per_session=1, budget_usd="1"),
    Load("stream, held in full", is_streaming=True),
    Load("stream, in slices", is_streaming=True, calls=100, calls_per_session=5, budget_usd="0.005", output_tokens=900),
    Load("free call", is_free=True),
)


@dataclass(frozen=True, slots=True)
class Bill:
    """Operations per thousand calls, and dollars per million."""

    name: str
    per_1000_calls: dict[str, float]
    usd_per_million_calls: float
    calls_per_message: float | None
    """On their way through the queue; None where there was no message."""


async def measure_cost(stack: Stack, say: Callable[[str], None]) -> list[Bill]:
    """Each load by itself, with all that follows from it: checkpoints, mirrors, deliveries."""
    bills = []
    async with httpx.AsyncClient(timeout=120, base_url=stack.edge_url) as client:
        await _call(client, stack, LOADS[0], "warm")
        for load in LOADS:
            say(f"cost: {load.name}")
            await _counts(client, stack)
            await _run(client, stack, load)
            await asyncio.sleep(SETTLED_S)
            bills.append(_bill(load, await _counts(client, stack)))
    return bills


def cost_table(bills: Sequence[Bill]) -> Table:
    table = Table(title="Operations per 1,000 calls, and dollars per million calls")
    table.add_column("load")
    for column in (*PRICES_USD_PER_MILLION, "calls a message", "$ per million"):
        table.add_column(column, justify="right")
    for bill in bills:
        table.add_row(
            bill.name,
            *(f"{bill.per_1000_calls[name]:.0f}" for name in PRICES_USD_PER_MILLION),
            "" if bill.calls_per_message is None else f"{bill.calls_per_message:.0f}",
            f"{bill.usd_per_million_calls:.2f}",
        )
    return table


def cost_json(bills: Sequence[Bill]) -> dict[str, Any]:
    return {"prices_usd_per_million": PRICES_USD_PER_MILLION, "bills": [asdict(bill) for bill in bills]}


async def _run(client: httpx.AsyncClient, stack: Stack, load: Load) -> None:
    run = next(_numbers)
    sessions = [f"cost-{run}-{number // load.calls_per_session}" for number in range(load.calls)]

    async def lane(first: int) -> None:
        for session in sessions[first::LANES]:
            await _call(client, stack, load, session)

    await asyncio.gather(*(lane(first) for first in range(LANES)))


async def _call(client: httpx.AsyncClient, stack: Stack, load: Load, session: str) -> None:
    headers = {"authorization": f"Bearer {stack.tokens['live']}", "x-mock": f"output_tokens={load.output_tokens}"}
    if load.is_free:
        answer = await client.get("/v1/proxy/openai/v1/models", headers=headers)
        answer.raise_for_status()
        return
    headers["x-agentwatch-session-id"] = session
    if load.budget_usd is not None:
        headers["x-agentwatch-budget-usd"] = load.budget_usd
    body = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": [{"role": "user", "content": "Say something."}]}
    if load.is_streaming:
        body |= {"stream": True, "max_tokens": 1_000}
    answer = await client.post(_chat, json=body, headers=headers)
    if answer.status_code not in (200, 402):
        answer.raise_for_status()


async def _counts(client: httpx.AsyncClient, stack: Stack) -> dict[str, int]:
    """What was counted since this was last asked, the telemetry Worker's batches with it."""
    counted: dict[str, int] = (await client.get("/bench/counts")).json()
    log = stack.log_dir / "workers.log"
    batches = log.read_text().count('"telemetry_batch"')
    before, _seen["batches"] = _seen.get("batches", 0), batches
    return {**counted, "consumer.requests": batches - before}


_seen: dict[str, int] = {}


def _bill(load: Load, counted: dict[str, int]) -> Bill:
    ledger = sum(number for key, number in counted.items() if key.startswith("ledger."))
    operations = {
        "worker requests": counted.get("worker.requests", 0) + counted["consumer.requests"],
        "ledger requests": ledger + counted.get("alarm.rings", 0),
        "rows written": counted.get("rows.written", 0),
        "rows read": counted.get("rows.read", 0),
        "kv reads": counted.get("kv.get", 0),
        "kv writes": counted.get("kv.put", 0),
        "queue operations": QUEUE_OPERATIONS_PER_PIECE * counted.get("queue.pieces", 0),
    }
    per_1000 = {key: number * 1_000 / load.calls for key, number in operations.items()}
    # Operations per thousand calls are thousands of operations per million calls.
    usd = sum(per_1000[key] / 1_000 * price for key, price in PRICES_USD_PER_MILLION.items())
    messages = counted.get("queue.send", 0)
    return Bill(load.name, per_1000, usd, load.calls / messages if messages else None)
