"""The same calls to each contender in turns, in short rounds: whatever else the machine does falls on all alike."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from bench.measuring.calls import PROMPT
from bench.measuring.figures import Latency, latency
from bench.measuring.http_client import Connection, LoadError
from bench.measuring.processor import process_s
from bench.overhead import DEFERRED_S, WARM_UP_CALLS, opened
from bench.peers.gateways import Contender

ROUNDS_MIN, ROUNDS_MAX = 2, 20
REPEAT_MIN = 4
"""Calls one after the other on each connection: a single one would measure only how a crowd is let in."""

WARM_CALLS, WARM_CONNECTIONS = 1_600, 16
"""What is interpreted in WebAssembly is compiled by and by: the first thousand calls of an isolate are its slowest, and
servers live longer than that. Everybody has as many."""

ROUND_TIMEOUT_S = 300.0
OUTPUT_TOKENS = 50
STREAM_TOKENS = 20
STREAM_PACE_MS = 5
_CONTENT = re.compile(rb'"content": ?"[^"]')


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of calling, and the provider's script for it."""

    name: str
    is_streaming: bool
    output_tokens: int
    script: str

    def body(self, model: str) -> bytes:
        """A chat completion whose ceiling is what it will be answered."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": self.output_tokens,
        }
        return json.dumps({**body, "stream": True} if self.is_streaming else body).encode()


JSON = Kind("JSON", False, OUTPUT_TOKENS, f"output_tokens={OUTPUT_TOKENS}")
STREAM = Kind("stream", True, STREAM_TOKENS, f"output_tokens={STREAM_TOKENS};pace_ms={STREAM_PACE_MS}")


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender under one load. `first` is until a stream's first token; processor time is its own process's, in
    milliseconds a call, None for the provider's."""

    whole: Latency
    first: Latency | None
    calls_a_second: float
    processor_ms: float | None


@dataclass
class _Samples:
    first_s: list[float] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    taken_s: float = 0.0
    processor_s: float = 0.0

    def figures(self, kind: Kind, contender: Contender) -> Figures:
        count = len(self.whole_s)
        return Figures(
            latency(self.whole_s),
            latency(self.first_s) if kind.is_streaming else None,
            round(count / self.taken_s, 1),
            None if contender.pid is None else round(self.processor_s / count * 1000, 3),
        )


def shares(count: int, connections: int) -> tuple[int, int]:
    """Rounds, and calls on each connection in each: about `count` calls in all, more where that would be too few."""
    rounds = min(max(count // (connections * REPEAT_MIN), ROUNDS_MIN), ROUNDS_MAX)
    return rounds, max(count // (connections * rounds), REPEAT_MIN)


async def warm(contenders: list[Contender]) -> None:
    """So many calls to each before anything is measured."""
    for contender in contenders:
        await _turn(contender, JSON, WARM_CONNECTIONS, WARM_CALLS // WARM_CONNECTIONS, _Samples())


async def in_rounds(contenders: list[Contender], kind: Kind, connections: int, count: int) -> dict[str, Figures]:
    """So many calls to each, after a round that warms up."""
    rounds, repeat = shares(count, connections)
    for contender in contenders:
        await _turn(contender, kind, connections, max(WARM_UP_CALLS // connections, 1), _Samples())
    found = {contender.name: _Samples() for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            await _turn(contender, kind, connections, repeat, found[contender.name])
    return {contender.name: found[contender.name].figures(kind, contender) for contender in contenders}


async def _turn(contender: Contender, kind: Kind, connections: int, repeat: int, samples: _Samples) -> None:
    """Work after the answers is the contender's: nothing else starts before most of it is done."""
    request = contender.target.request(kind.body("gpt-4o-mini"), {})

    async def calls(connection: Connection) -> None:
        for _ in range(repeat):
            first_s, whole_s = await timed(connection, request)
            samples.first_s.append(first_s)
            samples.whole_s.append(whole_s)

    before_s = 0.0 if contender.pid is None else process_s(contender.pid)
    try:
        async with asyncio.timeout(ROUND_TIMEOUT_S), opened(contender.target, connections) as all_connections:
            start_s = time.perf_counter()
            await asyncio.gather(*map(calls, all_connections))
            samples.taken_s += time.perf_counter() - start_s
    except (LoadError, OSError, EOFError) as error:
        raise LoadError(f"{contender.name}, {kind.name} x{connections}: {error or type(error).__name__}") from error
    await asyncio.sleep(DEFERRED_S)
    samples.processor_s += 0.0 if contender.pid is None else process_s(contender.pid) - before_s


async def timed(connection: Connection, request: bytes) -> tuple[float, float]:
    """Seconds until the first token and until the end of the answer."""
    start_s = time.perf_counter()
    first_s: float | None = None
    async for chunk in connection.chunks(request):
        if first_s is None and _CONTENT.search(chunk):
            first_s = time.perf_counter() - start_s
    if first_s is None:
        raise LoadError("the answer has no text")
    return first_s, time.perf_counter() - start_s
