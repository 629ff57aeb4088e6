"""A keep-alive HTTP/1.1 client for load: one connection, one call at a time, little work per call.

General clients spend more processor time on a call than the servers under test, and share the processor with them.
It understands what those servers send: `Content-Length` and chunked bodies.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit


class LoadError(RuntimeError):
    """An answer that makes the measurement worthless."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how to send the same call; `headers` name the host when it is not the address."""

    name: str
    url: str
    headers: Mapping[str, str]

    def request(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The whole request, encoded once and sent many times."""
        parts = urlsplit(self.url)
        fields = {
            "host": parts.netloc,
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {parts.path} HTTP/1.1\r\n{head}\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of an answer, in lower case as they came."""

    raw: bytes

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    def header(self, name: str) -> str | None:
        _, found, rest = self.raw.partition(f"\r\n{name}: ".encode())
        return rest.split(b"\r\n", 1)[0].decode() if found else None


class Connection:
    """One TCP connection, opened on entry."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.url)
        self._host, self._port = parts.hostname, parts.port

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def call_s(self, request: bytes) -> float:
        """Seconds from sending a request to the last byte of its answer."""
        start_s = time.perf_counter()
        async for _ in self.chunks(request):
            pass
        return time.perf_counter() - start_s

    async def first_chunk_s(self, request: bytes) -> float:
        """Seconds from sending a request to the first bytes of its body; the rest is read and dropped."""
        start_s = time.perf_counter()
        first_s: float | None = None
        async for _ in self.chunks(request):
            first_s = first_s or time.perf_counter() - start_s
        if first_s is None:
            raise LoadError("the stream was empty")
        return first_s

    async def chunks(self, request: bytes) -> AsyncIterator[bytes]:
        """The answer's body as it comes. Anything but a 200 raises `LoadError`."""
        head = await self.begin(request)
        async for chunk in self.rest(head):
            if head.status != 200:
                raise LoadError(f"status {head.status}: {chunk[:300].decode(errors='replace')}")
            yield chunk

    async def begin(self, request: bytes) -> Head:
        """Send a request and read the head of its answer, whatever it says."""
        self._writer.write(request)
        return Head((await self._reader.readuntil(b"\r\n\r\n")).lower())

    def rest(self, head: Head) -> AsyncIterator[bytes]:
        """The body that follows a head, as it comes."""
        return self._chunked() if b"\r\ntransfer-encoding: chunked" in head.raw else self._sized(head.raw)

    def leave(self) -> None:
        """Drop the connection without a word, as a killed client does."""
        self._writer.transport.abort()

    async def _sized(self, head: bytes) -> AsyncIterator[bytes]:
        _, found, rest = head.partition(b"\r\ncontent-length: ")
        if not found:
            raise LoadError("the answer does not say how long it is")
        yield await self._reader.readexactly(int(rest.split(b"\r\n", 1)[0]))

    async def _chunked(self) -> AsyncIterator[bytes]:
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")
