"""What AgentWatch adds to a call: latency and processor time, against the provider itself, a minimal JavaScript Worker,
and Python Workers that do one thing after the other of what AgentWatch does (`bench.ladder`).

The targets take turns in short rounds, so that whatever else the machine does falls on all of them alike. Processor
time is that of the whole workerd process, front door and deferred work included; a busy machine distorts it less.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.ladder import rungs
from bench.measuring.calls import json_call, streamed_call, targets
from bench.measuring.figures import Latency, latency
from bench.measuring.http_client import Connection, Target
from bench.measuring.processor import process_s
from local.stack import Stack

ROUNDS = 20
WARM_UP_CALLS = 30
STREAM_TOKENS = 5
STREAM_PACE_MS = 2
DEFERRED_S = 0.1
"""Work after the answer belongs to the target that caused it: nothing else starts before it is done."""

Measure = Callable[[Connection, bytes], Awaitable[float]]
Encode = Callable[[Target], bytes]


@dataclass(frozen=True, slots=True)
class Load:
    """One way of calling, and what it took per target: how long, and how much processor time of workerd (ms a call)."""

    name: str
    connections: int
    latencies: dict[str, Latency]
    processor_ms: dict[str, float]


async def measure_overhead(stack: Stack, samples: int, say: Callable[[str], None]) -> list[Load]:
    """`samples` JSON calls per target at 1 and at 16 connections; a quarter as many streams at one."""
    direct, baseline, ours = targets(stack)
    ladder = [direct, baseline, *rungs(stack), ours]
    loads = []
    for name, connections, count, encode, measure, compared in (
        ("JSON", 1, samples, json_call, Connection.call_s, ladder),
        ("JSON", 16, samples, json_call, Connection.call_s, ladder),
        ("first chunk", 1, samples // 4, _short_stream, Connection.first_chunk_s, [direct, baseline, ours]),
    ):
        say(f"overhead: {name}, connections: {connections}")
        turns = await in_turns(compared, connections, count, encode, measure, pid=stack.workerd_pid())
        loads.append(Load(name, connections, turns.latencies(), turns.processor_ms()))
    return loads


def overhead_table(loads: list[Load]) -> Table:
    table = Table(title="Milliseconds a call, what AgentWatch adds to each target's, and processor time of workerd")
    for column in ("load", "target", "p50", "p99", "added p50", "added p99", "ratio", "cpu"):
        table.add_column(column, justify="left" if column in ("load", "target") else "right")
    for load in loads:
        ours = load.latencies["agentwatch"]
        for target, found in load.latencies.items():
            added = ("", "", "") if found is ours else _added(ours, found)
            row = (f"{load.name} x{load.connections}", target, f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}")
            table.add_row(*row, *added, f"{load.processor_ms[target]:.2f}", end_section=found is ours)
    return table


def overhead_json(loads: list[Load]) -> list[dict[str, Any]]:
    return [asdict(load) for load in loads]


def _added(ours: Latency, theirs: Latency) -> tuple[str, str, str]:
    return (
        f"{ours.p50_ms - theirs.p50_ms:+.2f}",
        f"{ours.p99_ms - theirs.p99_ms:+.2f}",
        f"{ours.p50_ms / theirs.p50_ms:.2f}x",
    )


def _short_stream(target: Target) -> bytes:
    return streamed_call(target, STREAM_TOKENS, STREAM_PACE_MS)


@dataclass
class Turns:
    """Seconds of each call and processor seconds of all, per target."""

    calls_s: dict[str, list[float]]
    processor_s: dict[str, float]

    def latencies(self) -> dict[str, Latency]:
        return {name: latency(found) for name, found in self.calls_s.items()}

    def processor_ms(self) -> dict[str, float]:
        return {name: round(self.processor_s[name] / len(found) * 1000, 3) for name, found in self.calls_s.items()}


async def in_turns(
    all_targets: list[Target], connections: int, count: int, encode: Encode, measure: Measure, *, pid: int
) -> Turns:
    """So many calls to each target in short rounds, the first of which warms up."""
    per_connection = max(count // (ROUNDS * connections), 1)
    turns = Turns({target.name: [] for target in all_targets}, {target.name: 0.0 for target in all_targets})
    for turn in range(ROUNDS + 1):
        for target in all_targets:
            repeat = per_connection if turn else max(WARM_UP_CALLS // connections, 1)
            before_s = process_s(pid)
            found = await _burst(target, connections, repeat, encode(target), measure)
            await asyncio.sleep(DEFERRED_S)
            if turn:
                turns.calls_s[target.name] += found
                turns.processor_s[target.name] += process_s(pid) - before_s
    return turns


async def _burst(target: Target, connections: int, repeat: int, request: bytes, measure: Measure) -> list[float]:
    """Seconds of each call, `repeat` on each of so many connections at once."""

    async def one(connection: Connection) -> list[float]:
        return [await measure(connection, request) for _ in range(repeat)]

    async with opened(target, connections) as all_connections:
        found = await asyncio.gather(*map(one, all_connections))
    return [sample for each in found for sample in each]


@asynccontextmanager
async def opened(target: Target, connections: int) -> AsyncIterator[list[Connection]]:
    """So many connections to a target, closed at the end."""
    async with AsyncExitStack() as exits:
        yield [await exits.enter_async_context(Connection(target)) for _ in range(connections)]
