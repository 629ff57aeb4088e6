"""What memory does with requests served and with open streams, each target in a process of its own.

Three measures. The wasm heap is one Python interpreter's; the live heap is what is alive in one isolate after a full
collection (`bench.measuring.js_heap`): these two are what the platform counts against 128 MB. Resident memory is that
of the whole local process: every isolate in it, the runtime's own pools, and the parts of the platform that it imitates
(front door, queue, KV, object storage). Serving the same requests by a Worker without AgentWatch tells its share.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.measuring.calls import agentwatch, json_call, streamed_call
from bench.measuring.figures import LEAK_BYTES_PER_REQUEST, grows, growth_per_request, mib
from bench.measuring.http_client import Connection, Target
from bench.measuring.js_heap import live_heap_bytes
from bench.measuring.process_memory import Reading, read_process
from bench.overhead import opened
from local.stack import Stack

CONNECTIONS = 16
SAMPLES = 12
SAMPLES_PER_ROW = 4
OPEN_STREAMS = 50
STREAM_TOKENS = 400
STREAM_PACE_MS = 20
SETTLED_S = 3.0
INSPECTOR_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Moment:
    """After so many requests (or as `name` says): the process from outside, and the isolate that serves them."""

    name: str
    requests: int
    process: Reading
    live_heap_bytes: int


@dataclass(frozen=True, slots=True)
class Course:
    """How memory went with the requests that one target served."""

    target: str
    moments: tuple[Moment, ...]

    def growth(self, read: Callable[[Moment], int]) -> float:
        """Bytes per request over the second half of the requests."""
        served = {moment.requests: read(moment) for moment in reversed(self.moments)}
        return growth_per_request(sorted(served.items()))


def resident_bytes(moment: Moment) -> int:
    return moment.process.resident_bytes


def wasm_bytes(moment: Moment) -> int:
    return moment.process.heaps_bytes


def live_bytes(moment: Moment) -> int:
    return moment.live_heap_bytes


async def measure_memory(
    stack: Stack, target: Target, worker: str, requests: int, say: Callable[[str], None]
) -> Course:
    """Serve `requests` JSON calls by one Worker; AgentWatch then holds streams open as well."""
    say(f"memory: {requests} requests by {target.name}")
    moments = [moment async for moment in _serve(stack, target, worker, requests)]
    if target.name == agentwatch(stack).name:
        say(f"memory: {OPEN_STREAMS} open streams")
        moments += await _hold_streams(stack, target, worker, moments[-1].requests)
    return Course(target.name, tuple(moments))


def memory_table(courses: list[Course]) -> Table:
    table = Table(title="Memory in MiB, each target in a process of its own")
    for column in ("target", "moment", "resident", "wasm heaps", "live heap"):
        table.add_column(column, justify="left" if column in ("target", "moment") else "right")
    for course in courses:
        for moment in (*course.moments[: SAMPLES + 1 : SAMPLES_PER_ROW], *course.moments[SAMPLES + 1 :]):
            heaps = " + ".join(map(mib, moment.process.wasm_heap_bytes))
            table.add_row(course.target, moment.name, mib(resident_bytes(moment)), heaps, mib(live_bytes(moment)))
        per_request = [course.growth(read) for read in (resident_bytes, wasm_bytes, live_bytes)]
        table.add_row("", "bytes a request, 2nd half", *(f"{each:.0f}" for each in per_request))
        verdicts = ["yes" if grows(each) else "no" for each in per_request]
        table.add_row("", f"grows (> {LEAK_BYTES_PER_REQUEST} B each)", *verdicts, end_section=True)
    return table


def memory_json(courses: list[Course]) -> list[dict[str, Any]]:
    return [
        {
            **asdict(course),
            "bytes_per_request": {
                "resident": round(course.growth(resident_bytes), 1),
                "wasm": round(course.growth(wasm_bytes), 1),
                "live": round(course.growth(live_bytes), 1),
            },
        }
        for course in courses
    ]


async def _serve(stack: Stack, target: Target, worker: str, requests: int) -> AsyncIterator[Moment]:
    request = json_call(target)
    per_connection = -(-requests // (SAMPLES * CONNECTIONS))
    async with opened(target, CONNECTIONS) as connections:
        await connections[0].call_s(request)
        yield await _moment(stack, connections[0], request, worker, "after start", 0)
        for sample in range(1, SAMPLES + 1):
            await asyncio.gather(*(_repeat(connection, request, per_connection) for connection in connections))
            served = sample * per_connection * CONNECTIONS
            yield await _moment(stack, connections[0], request, worker, f"after {served} requests", served)


async def _repeat(connection: Connection, request: bytes, times: int) -> None:
    for _ in range(times):
        await connection.call_s(request)


async def _moment(
    stack: Stack, connection: Connection, request: bytes, worker: str, name: str, requests: int
) -> Moment:
    """A reading, the isolate kept awake by a few calls that are not counted."""
    asking = asyncio.create_task(live_heap_bytes(stack.inspector_port, worker, is_busy=True))
    async with asyncio.timeout(INSPECTOR_TIMEOUT_S):
        while not asking.done():
            await connection.call_s(request)
            await asyncio.sleep(0.05)
    return Moment(name, requests, read_process(stack.workerd_pid()), await asking)


async def _hold_streams(stack: Stack, target: Target, worker: str, requests: int) -> list[Moment]:
    """Once every stream has begun and none has ended; and when all have been read to their end."""
    request, call = streamed_call(target, STREAM_TOKENS, STREAM_PACE_MS), json_call(target)
    async with opened(target, OPEN_STREAMS + 1) as (spare, *connections):
        streams = [connection.chunks(request) for connection in connections]
        await asyncio.gather(*(anext(stream) for stream in streams))
        during = await _moment(stack, spare, call, worker, f"with {OPEN_STREAMS} open streams", requests)
        await asyncio.gather(*(_drain(stream) for stream in streams))
        await asyncio.sleep(SETTLED_S)
        after = await _moment(stack, spare, call, worker, "after the streams", requests)
    return [during, after]


async def _drain(stream: AsyncIterator[bytes]) -> None:
    async for _ in stream:
        pass
