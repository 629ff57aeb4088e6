"""What one tenant's bodies do to another tenant, and to memory: the isolate is shared.

A neighbour makes small calls, one after the other. Its slowest answer while a hostile body of ten megabytes is being
read is set against its slowest alone, in the same run. Memory is that of the process that runs the Workers: what
strangers' bodies and a huge answer add to it.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from bench.hostile_bodies import HostileBody, hostile_bodies
from bench.measuring.http_client import Connection, Target
from bench.measuring.process_memory import read_process
from local.stack import Stack

ALONE_CALLS = 60
HOSTILE_CALLS = 3
STRANGERS = 12
STRANGER_BYTES = 10 * 1024 * 1024
ANSWER_BYTES = 82 * 1024 * 1024
PATIENCE_S = 120.0
"""A body that takes longer is a fault, not a figure."""

MEMORY_EVERY_S = 0.05
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """One kind of body: how the neighbour fared, and what became of the body."""

    name: str
    alone_slowest_ms: float
    beside_slowest_ms: float
    body_ms: float
    status: int

    @property
    def ratio(self) -> float:
        return self.beside_slowest_ms / self.alone_slowest_ms


@dataclass(frozen=True, slots=True)
class Weight:
    """What the process held before something, and at most while it lasted."""

    name: str
    before_bytes: int
    most_bytes: int
    answers: dict[str, int]


class PlainProvider:
    """Answers every request at once: embeddings with a huge list of numbers, anything else with a short refusal."""

    async def __aenter__(self) -> "PlainProvider":
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *fault: object) -> None:
        self._server.close()

    def __init__(self, port: int) -> None:
        self.port = port

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(_HEAD_END)).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            await reader.readexactly(length)
            if b"/embeddings" in head.split(b"\r\n", 1)[0]:
                await _send_numbers(writer)
            else:
                body = b'{"error":{"message":"no","type":"invalid_request_error"}}'
                writer.write(_head(400, len(body)) + body)
            await writer.drain()
        writer.close()


async def measure_neighbours(
    stack: Stack, provider_port: int, say: Callable[[str], None]
) -> tuple[list[Neighbourhood], list[Weight]]:
    """Needs a stack whose OpenAI, Anthropic and Gemini are at that port."""
    async with PlainProvider(provider_port):
        found = []
        for name, body in hostile_bodies().items():
            say(f"neighbours: beside a body of {name}")
            found.append(await _beside(stack, name, body))
        weights = []
        for name, ordeal in (("strangers", _strangers), ("a huge answer", _huge_answer)):
            say(f"neighbours: memory under {name}")
            weights.append(await _weighed(stack, name, ordeal))
    return found, weights


def neighbours_tables(found: list[Neighbourhood], weights: list[Weight]) -> list[Table]:
    beside = Table(title="A neighbour's slowest answer while a body of 10 MB is read, in ms")
    for column in ("the body is full of", "alone", "beside it", "ratio", "the body itself", "status"):
        beside.add_column(column, justify="left" if column == "the body is full of" else "right")
    for each in found:
        beside.add_row(
            each.name,
            f"{each.alone_slowest_ms:.1f}",
            f"{each.beside_slowest_ms:.1f}",
            f"{each.ratio:.1f}",
            f"{each.body_ms:.0f}",
            str(each.status),
        )
    memory = Table(title="Resident memory of the process, in MiB")
    for column in ("under", "before", "at most", "more", "answers"):
        memory.add_column(column, justify="left" if column in ("under", "answers") else "right")
    for weight in weights:
        before, most = weight.before_bytes / 2**20, weight.most_bytes / 2**20
        memory.add_row(weight.name, f"{before:.0f}", f"{most:.0f}", f"{most - before:.0f}", str(weight.answers))
    return [beside, memory]


def neighbours_json(found: list[Neighbourhood], weights: list[Weight]) -> dict[str, Any]:
    return {
        "neighbours": [{**asdict(each), "ratio": each.ratio} for each in found],
        "memory": [asdict(each) for each in weights],
    }


# The neighbour ----------------------------------------------------------------------------------------------


async def _beside(stack: Stack, name: str, body: HostileBody) -> Neighbourhood:
    neighbour = Target("", f"{stack.edge_url}/v1/budget-check", _token(stack, "other_tenant"))
    call = b"GET /v1/budget-check?session_id=small HTTP/1.1\r\nhost: agentwatch\r\nauthorization: "
    call += neighbour.headers["authorization"].encode() + _HEAD_END
    async with asyncio.timeout(PATIENCE_S), Connection(neighbour) as connection:
        alone = [await _answered_ms(connection, call) for _ in range(ALONE_CALLS)]
        hostile = asyncio.create_task(_hostile_calls(stack, body))
        beside = []
        while not hostile.done():
            beside.append(await _answered_ms(connection, call))
        body_ms, status = await hostile
    return Neighbourhood(name, max(alone), max(beside), body_ms, status)


async def _hostile_calls(stack: Stack, body: HostileBody) -> tuple[float, int]:
    target = Target("", stack.edge_url + body.path, _token(stack, "live"))
    request = target.request(body.body, {"connection": "close"})
    slowest_ms, status = 0.0, 0
    for _ in range(HOSTILE_CALLS):
        start_s = time.perf_counter()
        async with Connection(target) as connection:
            head = await connection.begin(request)
            async for _ in connection.rest(head):
                pass
        slowest_ms, status = max(slowest_ms, (time.perf_counter() - start_s) * 1_000), head.status
    return slowest_ms, status


async def _answered_ms(connection: Connection, call: bytes) -> float:
    start_s = time.perf_counter()
    async for _ in connection.chunks(call):
        pass
    return (time.perf_counter() - start_s) * 1_000


def _token(stack: Stack, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {stack.tokens[name]}"}


# Memory -----------------------------------------------------------------------------------------------------


async def _weighed(stack: Stack, name: str, ordeal: Callable[[Stack], Any]) -> Weight:
    pid = stack.workerd_pid()
    before = most = read_process(pid).resident_bytes
    task = asyncio.create_task(ordeal(stack))
    while not task.done():
        most = max(most, read_process(pid).resident_bytes)
        await asyncio.sleep(MEMORY_EVERY_S)
    return Weight(name, before, max(most, read_process(pid).resident_bytes), await task)


async def _strangers(stack: Stack) -> dict[str, int]:
    """All at once, each with a token that nobody knows and a body that it sends as fast as it is taken."""
    statuses = await asyncio.gather(*(_stranger(stack, number) for number in range(STRANGERS)))
    return {status: statuses.count(status) for status in set(statuses)}


async def _stranger(stack: Stack, number: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    token = f"aw_live_{number:048x}"
    writer.write(
        f"POST /v1/proxy/openai/v1/chat/completions HTTP/1.1\r\nhost: agentwatch\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {STRANGER_BYTES}\r\n\r\n".encode()
    )
    sending = asyncio.create_task(_send_body(writer))
    head = await reader.readuntil(_HEAD_END)
    sending.cancel()
    writer.close()
    return head.split(b" ", 2)[1].decode()


async def _send_body(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        for _ in range(STRANGER_BYTES // 65_536):
            writer.write(b"a" * 65_536)
            await writer.drain()
        await asyncio.Event().wait()


async def _huge_answer(stack: Stack) -> dict[str, int]:
    target = Target("", f"{stack.edge_url}/v1/proxy/openai/v1/embeddings", _token(stack, "live"))
    body = json.dumps({"model": "text-embedding-3-small", "input": "a"}).encode()
    received = 0
    async with Connection(target) as connection:
        head = await connection.begin(target.request(body, {"connection": "close"}))
        async for chunk in _patiently(connection.rest(head)):
            received += len(chunk)
    return {str(head.status): 1, "bytes": received}


async def _patiently(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with contextlib.suppress(asyncio.IncompleteReadError):
        async for chunk in chunks:
            yield chunk


async def _send_numbers(writer: asyncio.StreamWriter) -> None:
    start = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":['
    end = b'0.1]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":1,"total_tokens":1}}'
    piece = b"0.123," * 10_000
    pieces = ANSWER_BYTES // len(piece)
    writer.write(_head(200, len(start) + pieces * len(piece) + len(end)) + start)
    for _ in range(pieces):
        writer.write(piece)
        await writer.drain()
    writer.write(end)


def _head(status: int, length: int) -> bytes:
    lines = (f"HTTP/1.1 {status} Plain", "content-type: application/json", "connection: close")
    return "\r\n".join((*lines, f"content-length: {length}", "", "")).encode()
