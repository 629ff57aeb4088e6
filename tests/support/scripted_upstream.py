"""A provider that answers byte for byte what a test tells it to, and remembers what it received.

    with ScriptedUpstream() as provider, Stack(state, env=provider.env("OPENAI", "/v1")) as stack:
        provider.plays(*an_answer({"model": "gpt-4o-mini", "choices": [], "usage": {...}}))
        ...                                     # every request from now on is answered so
        provider.plays(Pause(6), RESET)         # reads the request, works six seconds, resets the connection
        provider.plays(*a_stream(b"data: {}\\n\\n", Pause(0.1), b'data: {"x":"h\\xffllo"}\\n\\n'))
        provider.plays(*a_stream_head(), b"data: {", RESET)          # half an answer
        provider.plays(*an_answer(b"", Repeated(b"0.1,", 20_000_000)))  # huge, and never in one piece here
        provider.replies(lambda request: an_answer(request.body))   # an answer made for each request that has no script
        provider.plays(b"HTTP/1.1 200 OK\\r\\n", HANG, when=b"s7")    # only requests with `s7` in their head or body
        assert provider.received[-1].body == b"..."

A script is a sequence of steps: bytes are sent as they are, head and framing included. After the last step the
connection is closed. Requests are read whole first, so a script that begins with `RESET` resets after the request.
`refused_url` is an address at which nobody listens, so that no connection is made.
"""

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType


@dataclass(frozen=True)
class Pause:
    """Let time pass. Noticed and ended when the client leaves meanwhile."""

    seconds: float


@dataclass(frozen=True)
class Repeated:
    """The same bytes many times, written as fast as they are read at the other end."""

    data: bytes
    times: int


class Ending(Enum):
    """How a connection ends before its script does."""

    RESET = "reset"
    HANG = "hang"


RESET, HANG = Ending.RESET, Ending.HANG
Step = bytes | Pause | Repeated | Ending
HANG_S = 600.0


@dataclass
class Received:
    """One request as it arrived, and what became of its connection."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case; a name given twice has its values joined by a comma."""
    body: bytes
    at_s: float
    left_after_s: float | None = None
    """When the client closed the connection before the script was over; None where it did not."""
    over: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set once the script has been played, or the client has left; wait for it before asking what became of it."""


@dataclass
class ScriptedUpstream:
    """Serves from a thread of its own between `__enter__` and `__exit__`."""

    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> "ScriptedUpstream":
        self._scripts: list[tuple[bytes, tuple[Step, ...]]] = []
        self._reply: Callable[[Received], tuple[Step, ...]] | None = None
        self._silent = socket.socket()
        self._silent.bind(("127.0.0.1", 0))
        self.refused_url = f"http://127.0.0.1:{self._silent.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        is_up = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(is_up,), daemon=True)
        self._thread.start()
        assert is_up.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._silent.close()

    def env(self, provider: str, path: str = "") -> dict[str, str]:
        """The variables that lead a Worker's calls of this provider (in capitals) here."""
        return {f"{provider}_BASE_URL": self.url + path, f"{provider}_API_KEY": "sk-scripted"}

    def plays(self, *steps: Step, when: bytes = b"") -> None:
        """Answer the requests to come with this script: all of them, or those that contain `when` somewhere.

        The script told last wins. Without `when` it replaces all others.
        """
        self._scripts = [(when, steps), *(self._scripts if when else ())]

    def replies(self, reply: Callable[[Received], tuple[Step, ...]]) -> None:
        """Answer the requests to come with what this makes of each; it runs in the server's thread."""
        self._reply = reply

    def _serve(self, is_up: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._converse, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        is_up.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            request = _request_of(head)
            request.body = await _body(reader, request.headers)
        except asyncio.IncompleteReadError:
            writer.close()
            return
        self.received.append(request)
        gone = asyncio.ensure_future(_gone(reader))
        with contextlib.suppress(ConnectionError):
            await _play(self._script_for(request, head), writer, gone)
        if gone.done():
            request.left_after_s = time.monotonic() - request.at_s
        gone.cancel()
        request.over.set()
        writer.close()

    def _script_for(self, request: Received, head: bytes) -> tuple[Step, ...]:
        told = (steps for mark, steps in self._scripts if mark in head + request.body)
        return next(told, ()) or (self._reply(request) if self._reply else ())


async def _play(steps: tuple[Step, ...], writer: asyncio.StreamWriter, gone: "asyncio.Future[None]") -> None:
    for step in steps:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case Repeated(data=data, times=times):
                many = max(1, 65_536 // len(data))
                for left in range(times, 0, -many):
                    writer.write(data * min(many, left))
                    await writer.drain()
            case Pause(seconds=seconds):
                await asyncio.wait({gone}, timeout=seconds)
            case Ending.HANG:
                await asyncio.wait({gone}, timeout=HANG_S)
            case Ending.RESET:
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return
        if gone.done():
            return


async def _gone(reader: asyncio.StreamReader) -> None:
    """Done when the client closes its side, whatever it sends before."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65_536):
            pass


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join([part async for part in _chunks(reader)])
    return await reader.readexactly(int(headers.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


def _request_of(head: bytes) -> Received:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Received(method, target, headers, b"", time.monotonic())


# Scripts -------------------------------------------------------------------------------------------------------------


def a_head(status: int = 200, **headers: str) -> bytes:
    """A head; underscores in header names for dashes. The body after it ends with the connection."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Scripted", "connection: close", *lines, "", ""]).encode()


def an_answer(body: object, *more: Step, status: int = 200, **headers: str) -> tuple[Step, ...]:
    """A complete answer: bytes as they are, anything else as JSON; perhaps with more steps behind it."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (a_head(status, **{"content_type": "application/json", **headers}), data, *more)


def a_stream_head(**headers: str) -> tuple[Step, ...]:
    return (a_head(200, **{"content_type": "text/event-stream", **headers}),)


def a_stream(*steps: Step, **headers: str) -> tuple[Step, ...]:
    """A stream of server-sent events, as given."""
    return (*a_stream_head(**headers), *steps)


def event(document: object, name: str | None = None) -> bytes:
    """One event with this JSON as its data."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(document).encode() + b"\n\n"
