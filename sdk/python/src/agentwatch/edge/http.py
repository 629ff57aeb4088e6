"""Questions to AgentWatch over HTTP: kept connections, one deadline for everything, no exception for what can happen.

Sockets and the standard library, because the clients' own transport is another one in each of their versions, and
because whoever traces the user's calls must not trace these. The rule easy to break: a kept connection may have been
closed by its other end; only a question that went out on such a one, and was answered by nothing, is asked again.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import importlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import cast

from ..protocol.question import Answer, Heard, Question, Unheard
from .sockets import Proxy, TimedSocket, UnusableProxy, address_of, connected, left_until, proxy_for
from .workers import Workers

ANSWER_BYTES_MAX = 1_000_000
IDLE_CONNECTIONS_MAX = 32
IDLE_SECONDS_MAX = 45.0
"""Load balancers close what was idle for a minute."""
GRACE_SECONDS = 0.05
"""A worker ends by itself at the deadline; its caller waits so much longer to hear why."""


class _Line:
    """One connection, and since when it is idle."""

    def __init__(self, wire: TimedSocket) -> None:
        self.wire = wire
        self.idle_since = 0.0
        self.is_used = False

    def close(self) -> None:
        self.wire.close()


class Edge:
    """Every question of one base URL and token."""

    def __init__(self, *, base_url: str, api_key: str, environment_proxies: bool = True) -> None:
        self._address = address_of(base_url)
        self._authorization = f"Bearer {api_key}"
        self._environment_proxies = environment_proxies
        self._workers: Workers[Heard] = Workers()
        self._lock = threading.Lock()
        self._idle: list[_Line] = []

    def reset(self) -> None:
        """In the child of a fork: no connection is shared with the parent, and no lock is held."""
        self._lock = threading.Lock()
        # Closing this process's end leaves the parent's open: nothing is said to the other side.
        self.close()
        self._workers.reset()

    def start(self, question: Question, *, timeout_seconds: float) -> Asking:
        """Ask in another thread, so that not even a name that is not resolved keeps the caller longer."""
        deadline = time.monotonic() + timeout_seconds
        return Asking(self._workers.submit(functools.partial(self.exchange, question, deadline=deadline)), deadline)

    def exchange(self, question: Question, *, deadline: float) -> Heard:
        """Ask in this thread. `deadline` is of `time.monotonic()`."""
        while True:
            line: _Line | None = None
            is_sent = False
            try:
                left_until(deadline)
                proxy = proxy_for(self._address) if self._environment_proxies else None
                line = self._kept() or _Line(connected(self._address, proxy, deadline))
                line.wire.deadline = deadline
                is_sent = True
                answer = self._spoken(line, question, proxy)
            except (OSError, http.client.HTTPException) as error:
                if line is not None:
                    line.close()
                    if line.is_used and _is_hung_up(error):
                        continue
                return Unheard(reason=_reason(error), is_sent=is_sent)
            except BaseException:
                if line is not None:
                    line.close()
                raise
            return answer

    def _spoken(self, line: _Line, question: Question, proxy: Proxy | None) -> Heard:
        line.wire.sendall(self._written(question, proxy))
        # Of the standard library's client the reading half alone: tracers of all that a process sends hook the other.
        response = http.client.HTTPResponse(cast("socket.socket", line.wire), method=question.method)
        with response:
            response.begin()
            body = response.read(ANSWER_BYTES_MAX + 1)
            is_cut = bool(response.length)
            is_whole = response.isclosed()
            names = {name.lower(): value for name, value in response.getheaders()}
        if is_cut or len(body) > ANSWER_BYTES_MAX:
            line.close()
            return Unheard(reason="the answer is cut or too long", is_sent=True)
        if is_whole and not response.will_close:
            self._keep(line)
        else:
            line.close()
        return Answer(status=response.status, headers=names, body=body)

    def _written(self, question: Question, proxy: Proxy | None) -> bytes:
        """The request in one piece, so that it leaves in one packet where it fits one."""
        target = self._address.path + question.path
        headers = {"Host": self._address.authority, "Authorization": self._authorization, "Accept": "application/json"}
        headers |= {"User-Agent": "agentwatch-python", "Accept-Encoding": "identity", **question.headers}
        if proxy is not None and not self._address.is_tls:
            target = f"http://{self._address.authority}{target}"
            if proxy.authorization is not None:
                headers["Proxy-Authorization"] = proxy.authorization
        if question.body is not None:
            headers["Content-Length"] = str(len(question.body))
        lines = [f"{question.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (question.body or b"")

    def _kept(self) -> _Line | None:
        now = time.monotonic()
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None or now - line.idle_since <= IDLE_SECONDS_MAX:
                return line
            line.close()

    def _keep(self, line: _Line) -> None:
        line.idle_since = time.monotonic()
        line.is_used = True
        with self._lock:
            self._idle.append(line)
            surplus = self._idle.pop(0) if len(self._idle) > IDLE_CONNECTIONS_MAX else None
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.close()


class Asking:
    """A question on its way. Waiting for it never takes longer than its time."""

    def __init__(self, future: Future[Heard], deadline: float) -> None:
        self._future = future
        self._deadline = deadline

    def wait(self) -> Heard:
        try:
            return self._future.result(max(0.0, self._deadline - time.monotonic()) + GRACE_SECONDS)
        except FutureTimeoutError:
            self._future.cancel()
            return Unheard(reason="time-out", is_sent=True)

    async def wait_async(self) -> Heard:
        """The same in an event loop, which is never kept. Cancelling it is passed on."""
        if _runs_in_trio():
            return await _waited_in_trio(self.wait)
        future = asyncio.wrap_future(self._future)
        patience = max(0.0, self._deadline - time.monotonic()) + GRACE_SECONDS
        try:
            done, _ = await asyncio.wait({future}, timeout=patience)
            return future.result() if done else Unheard(reason="time-out", is_sent=True)
        finally:
            self._future.cancel()

    def when_over(self, tell: Callable[[], None]) -> None:
        """Once nothing of the question is on its way any more; not at all where it was never begun."""
        self._future.add_done_callback(lambda future: None if future.cancelled() else tell())


def _runs_in_trio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return "trio" in sys.modules
    return False


async def _waited_in_trio(wait: Callable[[], Heard]) -> Heard:
    trio = importlib.import_module("trio")
    heard: Heard = await trio.to_thread.run_sync(wait, abandon_on_cancel=True)
    return heard


def _is_hung_up(error: Exception) -> bool:
    return isinstance(error, (ConnectionError, http.client.BadStatusLine, ssl.SSLEOFError, ssl.SSLZeroReturnError))


def _reason(error: Exception) -> str:
    """For people, and without a word that the other end said."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate could not be verified ({error.verify_message})"
    if isinstance(error, UnusableProxy):
        return str(error)
    strerror = getattr(error, "strerror", None)
    return f"{type(error).__name__}: {strerror}" if strerror else type(error).__name__
