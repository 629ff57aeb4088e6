"""The connection to one client: waits that end when it leaves, writes, and a reset that is no clean
end.

While `watch` is on, a task waits for the server's disconnect message, so that a paced stream
notices at once and not at its next write. Nothing else may read from `receive` meanwhile: the
request's body has been read before.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

RESET_EXTENSION = "mock.reset"
"""Where the server leaves the function that resets this connection (see `server`)."""


class Client:
    """One request's client."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._reset: Callable[[], None] = scope["extensions"][RESET_EXTENSION]
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.is_gone = False

    def now_s(self) -> float:
        """The clock that `pause_until` goes by."""
        return self._loop.time()

    def watch(self) -> None:
        self._watcher = self._loop.create_task(self._wait_for_disconnect())

    def unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()

    async def pause_until(self, when_s: float | None) -> None:
        """Waits until then, or for ever when there is no then; sooner when the client leaves."""
        if self.is_gone:
            return
        self._waiter = self._loop.create_future()
        alarm = None if when_s is None else self._loop.call_at(when_s, _wake, self._waiter)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if alarm is not None:
                alarm.cancel()

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, is_last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": not is_last})

    async def reset(self) -> None:
        """Breaks the connection off and waits until the server knows."""
        watched = self._watcher
        self._reset()
        if watched is not None:
            await watched
        else:
            await self._wait_for_disconnect()

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        if self._waiter is not None:
            _wake(self._waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
