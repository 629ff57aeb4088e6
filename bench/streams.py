"""What AgentWatch adds to a stream: before its first token and between its tokens, on both ways through it; and whether
memory grows with streams, however they end.

A token's lateness is how much longer than the provider's pace it took since the token before it. The provider, the
stream that passes as it is (its worst case held in full) and the metered one take turns within one run.
"""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.measuring.calls import EDGE_WORKER, agentwatch, streamed_call, targets
from bench.measuring.figures import LEAK_BYTES_PER_REQUEST, Latency, grows, growth_per_request, latency, mib
from bench.measuring.http_client import Connection, LoadError, Target
from bench.measuring.js_heap import live_heap_bytes
from bench.measuring.process_memory import Reading, read_process
from bench.overhead import opened
from local.stack import Stack

LOADS = (1, 16)
PACE_MS = 20
STREAM_TOKENS = 100
TOKENS_MAX = 2_000
METERED_BUDGET_USD = "0.005"
"""The worst case of a stream here is a quarter of it: too much to be held in full."""
CUT_BUDGET_USD = "0.0005"
FLAT_OUT_TOKENS = 2_000
FIRST_TOKEN_SAMPLES = 64
LATENESS_ROUNDS = {1: 6, 16: 2}
MEMORY_STREAMS = 500
MORE_STREAMS = 250
MEMORY_CONNECTIONS = 10
SETTLED_S = 3.0

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the provider: its target, and the headers of its next stream."""

    name: str
    target: Target
    budget_usd: str | None = None
    sessions: int = 1_000_000
    """How many sessions its streams take turns in; each of a million is a new one."""

    def request(self, tokens: int, pace_ms: float) -> bytes:
        target = self.target
        if self.budget_usd is not None:
            headers = {
                **target.headers,
                "x-agentwatch-session-id": f"bench-{self.name}-{next(_numbers) % self.sessions}",
                "x-agentwatch-budget-usd": self.budget_usd,
            }
            target = Target(target.name, target.url, headers)
        return streamed_call(target, tokens, pace_ms, ceiling=TOKENS_MAX)


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """So many streams at once, by way."""

    streams: int
    first_token: dict[str, Latency]
    lateness: dict[str, Latency]
    flat_out_us_per_token: dict[str, float]


@dataclass(frozen=True, slots=True)
class StreamMemory:
    """The process before and after the streams; what lives on the Worker's JavaScript heap after, and after more."""

    streams: int
    before: Reading
    after: Reading
    course: tuple[tuple[int, Reading], ...]
    live_js_bytes: int
    more_streams: int
    live_js_bytes_later: int

    @property
    def wasm_bytes_per_stream(self) -> float:
        return growth_per_request([(served, reading.heaps_bytes) for served, reading in self.course])

    @property
    def live_js_bytes_per_stream(self) -> float:
        return (self.live_js_bytes_later - self.live_js_bytes) / self.more_streams


async def measure_streams(stack: Stack, say: Callable[[str], None]) -> list[StreamLoad]:
    """First tokens, lateness and the cost of a token at full speed, at each load."""
    ways = _ways(stack)
    loads = []
    for streams in LOADS:
        say(f"streams: {streams} at once")
        loads.append(
            StreamLoad(
                streams,
                await _in_turns(ways, streams, FIRST_TOKEN_SAMPLES // streams, _first_token),
                await _in_turns(ways, streams, LATENESS_ROUNDS[streams], _lateness),
                {way.name: await _flat_out_us(way, streams) for way in ways},
            )
        )
    return loads


async def measure_stream_memory(stack: Stack, say: Callable[[str], None]) -> StreamMemory:
    """Memory over streams on both ways that are finished, cut and abandoned by turns."""
    say(f"memory: {MEMORY_STREAMS} streams, finished, cut and abandoned, and {MORE_STREAMS} more")
    pid = stack.workerd_pid()
    await _round_of_endings(stack)
    before = read_process(pid)
    course = [(served, read_process(pid)) async for served in _served(stack, MEMORY_STREAMS)]
    await asyncio.sleep(SETTLED_S)
    after = read_process(pid)
    live_js_bytes = await live_heap_bytes(stack.inspector_port, EDGE_WORKER)
    _ = [served async for served in _served(stack, MORE_STREAMS)]
    await asyncio.sleep(SETTLED_S)
    return StreamMemory(
        MEMORY_STREAMS,
        before,
        after,
        tuple(course),
        live_js_bytes,
        MORE_STREAMS,
        await live_heap_bytes(stack.inspector_port, EDGE_WORKER),
    )


async def _served(stack: Stack, streams: int) -> AsyncIterator[int]:
    """How many streams have ended, after each round of them."""
    for served in range(MEMORY_CONNECTIONS, streams + 1, MEMORY_CONNECTIONS):
        await _round_of_endings(stack)
        yield served


def streams_table(loads: list[StreamLoad]) -> Table:
    table = Table(title="Streams: ms, and what AgentWatch adds to the provider's own")
    columns = ("streams", "way", "first token p50", "p99", "added p50", "added p99", "late p50", "p99")
    for column in (*columns, "added p50", "added p99", "flat out, us a token"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for load in loads:
        for way in load.first_token:
            cells = []
            for found in (load.first_token, load.lateness):
                ours, direct = found[way], found["direct"]
                cells += [f"{ours.p50_ms:.2f}", f"{ours.p99_ms:.2f}"]
                cells += [f"{ours.p50_ms - direct.p50_ms:+.2f}", f"{ours.p99_ms - direct.p99_ms:+.2f}"]
            table.add_row(str(load.streams), way, *cells, f"{load.flat_out_us_per_token[way]:.0f}")
        table.add_section()
    return table


def stream_memory_table(memory: StreamMemory) -> Table:
    table = Table(title="Memory of streams, MiB")
    for column in ("moment", "resident", "wasm heaps", "live JavaScript heap"):
        table.add_column(column, justify="left" if column == "moment" else "right")
    moments = (
        (f"before {memory.streams} streams", memory.before, ""),
        ("after them", memory.after, mib(memory.live_js_bytes)),
    )
    for moment, reading, live in moments:
        table.add_row(moment, mib(reading.resident_bytes), " + ".join(map(mib, reading.wasm_heap_bytes)), live)
    table.add_row(f"after {memory.more_streams} more", "", "", mib(memory.live_js_bytes_later))
    per_stream = (memory.wasm_bytes_per_stream, memory.live_js_bytes_per_stream)
    table.add_row("bytes a stream", "", *(f"{each:.0f}" for each in per_stream))
    verdicts = ("yes" if grows(each) else "no" for each in per_stream)
    table.add_row(f"grows with streams (> {LEAK_BYTES_PER_REQUEST} B each)", "", *verdicts)
    return table


def streams_json(loads: list[StreamLoad], memory: StreamMemory) -> dict[str, Any]:
    return {"loads": [asdict(load) for load in loads], "memory": asdict(memory)}


def _ways(stack: Stack) -> list[Way]:
    direct = next(target for target in targets(stack) if target.name == "direct")
    return [
        Way("direct", direct),
        Way("as it is", agentwatch(stack)),
        Way("metered", agentwatch(stack), METERED_BUDGET_USD, max(LOADS)),
    ]


Measure = Callable[[Way, Connection], Any]


async def _in_turns(ways: list[Way], streams: int, rounds: int, measure: Measure) -> dict[str, Latency]:
    samples: dict[str, list[float]] = {way.name: [] for way in ways}
    for turn in range(rounds + 1):
        for way in ways:
            async with opened(way.target, streams) as connections:
                found = await asyncio.gather(*(measure(way, connection) for connection in connections))
            if turn:  # the first turn warms up
                samples[way.name] += [sample for each in found for sample in each]
    return {name: latency(found) for name, found in samples.items()}


async def _first_token(way: Way, connection: Connection) -> list[float]:
    return [await connection.first_chunk_s(way.request(5, 2))]


async def _lateness(way: Way, connection: Connection) -> list[float]:
    """Streams begin at any time of a second: real ones do not march in step."""
    await asyncio.sleep(random.random())
    arrivals = [at_s async for at_s in _arrivals(connection, way.request(STREAM_TOKENS, PACE_MS))]
    return [later - earlier - PACE_MS / 1_000 for earlier, later in itertools.pairwise(arrivals)]


async def _arrivals(connection: Connection, request: bytes) -> AsyncIterator[float]:
    """When each of the paced tokens came. What opens and ends a stream has no pace."""
    seen = 0
    async for chunk in connection.chunks(request):
        for _ in range(chunk.count(b'"content"')):
            seen += 1
            if 1 < seen <= STREAM_TOKENS + 1:
                yield time.perf_counter()


async def _flat_out_us(way: Way, streams: int) -> float:
    """Microseconds of a token when the provider does not pause, all streams together."""
    tokens = FLAT_OUT_TOKENS // streams
    async with opened(way.target, streams) as connections:
        start_s = time.perf_counter()
        await asyncio.gather(*(connection.call_s(way.request(tokens, 0)) for connection in connections))
        return round((time.perf_counter() - start_s) * 1e6 / (tokens * streams), 1)


async def _round_of_endings(stack: Stack) -> None:
    """Streams at once, each ending in another way on one of the ways."""
    as_it_is, metered = _ways(stack)[1:]
    cut = Way("cut", metered.target, CUT_BUDGET_USD)
    endings = itertools.cycle([(as_it_is, None), (cut, None), (metered, None), (as_it_is, 5), (metered, 5)])
    each = itertools.islice(endings, MEMORY_CONNECTIONS)
    await asyncio.gather(*(_end_one(way, leaves_after) for way, leaves_after in each))


async def _end_one(way: Way, leaves_after: int | None) -> None:
    async with Connection(way.target) as connection:
        chunks = 0
        async for _ in connection.chunks(way.request(TOKENS_MAX if way.name == "cut" else STREAM_TOKENS, 1)):
            chunks += 1
            if chunks == leaves_after:
                return
    if not chunks:
        raise LoadError("the stream was empty")
