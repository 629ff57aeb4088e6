"""What the memory of the Workers' process does: at rest, over thousands of requests, under open streams.

The process is read from outside, through /proc. It holds both Workers, so its resident memory is above that of one
isolate; the wasm heaps are each isolate's own.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.calls import agentwatch, json_call, streamed_call
from bench.figures import LEAK_BYTES_PER_REQUEST, grows, growth_per_request
from bench.http_client import Connection
from bench.overhead import opened
from bench.process_memory import Reading, read_process
from local.stack import Stack

CONNECTIONS = 4
SAMPLES = 40
OPEN_STREAMS = 50
STREAM_TOKENS = 400
STREAM_PACE_MS = 20
SETTLED_S = 5.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The process at each moment, and how it went with the requests served."""

    requests: int
    open_streams: int
    after_start: Reading
    after_requests: Reading
    with_open_streams: Reading
    after_streams: Reading
    course: tuple[tuple[int, Reading], ...]

    @property
    def resident_bytes_per_request(self) -> float:
        return growth_per_request([(served, reading.resident_bytes) for served, reading in self.course])

    @property
    def heap_bytes_per_request(self) -> float:
        return growth_per_request([(served, reading.heaps_bytes) for served, reading in self.course])


async def measure_memory(stack: Stack, requests: int, say: Callable[[str], None]) -> Memory:
    """Memory after start, over `requests` JSON calls, with open streams and after them."""
    pid = stack.workerd_pid()
    after_start = read_process(pid)
    say(f"memory: {requests} requests")
    course = await _serve(stack, requests, pid)
    await asyncio.sleep(SETTLED_S)  # the last telemetry batches leave
    after_requests = read_process(pid)
    say(f"memory: {OPEN_STREAMS} open streams")
    with_open_streams = await _hold_streams(stack, pid)
    await asyncio.sleep(SETTLED_S)
    return Memory(
        requests=course[-1][0],
        open_streams=OPEN_STREAMS,
        after_start=after_start,
        after_requests=after_requests,
        with_open_streams=with_open_streams,
        after_streams=read_process(pid),
        course=tuple(course),
    )


def memory_table(memory: Memory) -> Table:
    table = Table(title="Memory of the process that runs both Workers, MiB")
    for column in ("moment", "resident", "wasm heap of each Worker"):
        table.add_column(column, justify="left" if column == "moment" else "right")
    for moment, reading in (
        ("after start", memory.after_start),
        (f"after {memory.requests} requests", memory.after_requests),
        (f"with {memory.open_streams} open streams", memory.with_open_streams),
        ("after the streams", memory.after_streams),
    ):
        heaps = " + ".join(map(_mib, reading.wasm_heap_bytes))
        table.add_row(moment, _mib(reading.resident_bytes), heaps)
    table.add_section()
    per_request = (memory.resident_bytes_per_request, memory.heap_bytes_per_request)
    table.add_row("bytes per request, second half", *(f"{each:.0f}" for each in per_request))
    table.add_row(f"grows with requests (> {LEAK_BYTES_PER_REQUEST} B each)", *map(_verdict, per_request))
    return table


def memory_json(memory: Memory) -> dict[str, Any]:
    return {
        **asdict(memory),
        "resident_bytes_per_request": round(memory.resident_bytes_per_request, 1),
        "heap_bytes_per_request": round(memory.heap_bytes_per_request, 1),
        "resident_grows_with_requests": _verdict(memory.resident_bytes_per_request),
        "heap_grows_with_requests": _verdict(memory.heap_bytes_per_request),
    }


def _verdict(bytes_per_request: float) -> str:
    return "yes" if grows(bytes_per_request) else "no"


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f}"


async def _serve(stack: Stack, requests: int, pid: int) -> list[tuple[int, Reading]]:
    """Serve at least so many requests over a few connections; what was read along the way."""
    target = agentwatch(stack)
    request = json_call(target)
    per_burst = math.ceil(requests / (SAMPLES * CONNECTIONS))
    course = []
    async with opened(target, CONNECTIONS) as connections:
        for burst in range(1, SAMPLES + 1):
            await asyncio.gather(*(_repeat(connection, request, per_burst) for connection in connections))
            course.append((burst * per_burst * CONNECTIONS, read_process(pid)))
    return course


async def _repeat(connection: Connection, request: bytes, times: int) -> None:
    for _ in range(times):
        await connection.call_s(request)


async def _hold_streams(stack: Stack, pid: int) -> Reading:
    """The process once every stream has begun and none has ended; then all are read to their end."""
    target = agentwatch(stack)
    request = streamed_call(target, STREAM_TOKENS, STREAM_PACE_MS)
    async with opened(target, OPEN_STREAMS) as connections:
        streams = [connection.chunks(request) for connection in connections]
        await asyncio.gather(*(anext(stream) for stream in streams))
        reading = read_process(pid)
        await asyncio.gather(*(_drain(stream) for stream in streams))
    return reading


async def _drain(stream: AsyncIterator[bytes]) -> None:
    async for _ in stream:
        pass
