"""V8's inspector of one Worker, as the local stack offers it: a question, its answer, and nothing else."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from bench.measuring.http_client import LoadError

A = TypeVar("A")

_NO_PARAMETERS: Mapping[str, Any] = {}


class _Target(msgspec.Struct):
    id: str
    webSocketDebuggerUrl: str


class _Message(msgspec.Struct):
    id: int = 0
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: dict[str, Any] | None = None


class Inspector:
    """Made by `inspected`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._number = connection, 0

    async def ask(self, method: str, kind: type[A], parameters: Mapping[str, Any] = _NO_PARAMETERS) -> A:
        """What the inspector answers to this; what it tells besides is dropped."""
        self._number += 1
        question = {"id": self._number, "method": method, "params": parameters}
        await self._connection.send(msgspec.json.encode(question).decode())
        while True:
            message = msgspec.json.decode(await self._connection.recv(), type=_Message)
            if message.id == self._number:
                break
        if message.error is not None:
            raise LoadError(f"the inspector refuses {method}: {message.error.get('message')}")
        return msgspec.json.decode(message.result, type=kind)


@asynccontextmanager
async def inspected(inspector_port: int, worker: str) -> AsyncIterator[Inspector]:
    """The inspector of a Worker by its name."""
    async with httpx.AsyncClient() as client:
        listing = await client.get(f"http://127.0.0.1:{inspector_port}/json")
    targets = msgspec.json.decode(listing.content, type=list[_Target])
    (url,) = [target.webSocketDebuggerUrl for target in targets if target.id == f"core:user:{worker}"]
    async with connect(url, max_size=None) as connection:
        yield Inspector(connection)
