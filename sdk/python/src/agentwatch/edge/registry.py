"""One connection to AgentWatch for a process, base URL and token, whichever clients use it, and what happens to it when
the process forks or ends.

A client for each request would otherwise be a thread, a queue and a TLS context for each. The rule easy to break: a
forked child has neither the parent's threads nor its locks' holders, and the reports in its copy of the queue are not
its own.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from dataclasses import dataclass

from ..settings import Settings
from .breaker import Breaker
from .http import Edge
from .sender import LINGER_SECONDS, Sender

UNUSED_CONNECTIONS_MAX = 16
REMEMBERED_MAX = 1_000
EXIT_SECONDS_MAX = 2.0
"""The exit waits for reports for `timeout_seconds`, and never longer than this."""

logger = logging.getLogger("agentwatch")


@dataclass(frozen=True)
class Exceeded:
    """That a question was answered with no, and until when that need not be asked again."""

    until: float
    spent_usd: float
    limit_usd: float


class Connection:
    """Shared by the guards of one place. Its token is in `edge` alone."""

    def __init__(self, settings: Settings) -> None:
        self.edge = Edge(
            base_url=settings.base_url,
            api_key=settings.api_key,
            environment_proxies=settings.environment_proxies,
        )
        self.breaker = Breaker()
        self.is_in_lambda = bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))
        self.sender = Sender(self.edge, linger_seconds=0.0 if self.is_in_lambda else LINGER_SECONDS)
        self.timeout_seconds = settings.timeout_seconds
        self.users: weakref.WeakSet[object] = weakref.WeakSet()
        self._exceeded: dict[object, Exceeded] = {}
        self._warned: set[str] = set()

    def warn_once(self, subject: str, message: str, *arguments: object) -> None:
        if subject not in self._warned:
            self._warned.add(subject)
            logger.warning(message, *arguments)

    def warn_again(self, subject: str) -> None:
        """It was well again since: the next time is news."""
        self._warned.discard(subject)

    def exceeded(self, key: object) -> Exceeded | None:
        found = self._exceeded.get(key)
        if found is None or time.monotonic() < found.until:
            return found
        self._exceeded.pop(key, None)
        return None

    def remember(self, key: object, exceeded: Exceeded) -> None:
        if len(self._exceeded) >= REMEMBERED_MAX:
            self._exceeded = {}
        self._exceeded[key] = exceeded

    def reset(self) -> None:
        self.edge.reset()
        self.breaker.reset()
        self.sender.reset()


class _Process:
    """What this process has; reset in the child of a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connections: dict[tuple[str, str, bool], Connection] = {}
        self.exits_at: float | None = None
        self.has_child_exit = False


_process = _Process()


def connection_for(settings: Settings, user: object) -> Connection:
    """The connection of these settings, kept for as long as `user` lives, and then while there are not too many."""
    key = (settings.base_url, settings.api_key, settings.environment_proxies)
    with _process.lock:
        # The latest used ones come last, so that the first are those to part with.
        connection = _process.connections.pop(key, None) or Connection(settings)
        connection.timeout_seconds = settings.timeout_seconds
        connection.users.add(user)
        _process.connections[key] = connection
        unused = [each for each, there in _process.connections.items() if not there.users]
        parted = [_process.connections.pop(each) for each in unused[: max(0, len(unused) - UNUSED_CONNECTIONS_MAX)]]
    for each in parted:
        each.sender.close()
        each.edge.close()
    return connection


def prepare(connection: Connection) -> None:
    """Before a call: have its thread there. A child of `multiprocessing` runs no `atexit`, so it is told otherwise."""
    connection.sender.start()
    if _process.has_child_exit:
        return
    _process.has_child_exit = True
    module = sys.modules.get("multiprocessing.process")
    if module is not None and module.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, flush_at_exit, exitpriority=0)


def flush_at_exit() -> None:
    """Send what waits, within the time that the exit has in all; once more for what comes after it."""
    connections = list(_process.connections.values())
    if _process.exits_at is None:
        longest = max((each.timeout_seconds for each in connections), default=0.0)
        _process.exits_at = time.monotonic() + min(EXIT_SECONDS_MAX, longest)
    try:
        for connection in connections:
            connection.sender.flush(max(0.0, _process.exits_at - time.monotonic()), is_patient=False)
    except KeyboardInterrupt:
        return  # whoever presses it now wants the end, not a traceback


def is_exiting() -> bool:
    return _process.exits_at is not None


def _reset_in_child() -> None:
    _process.lock = threading.Lock()
    _process.exits_at = None
    _process.has_child_exit = False
    for connection in _process.connections.values():
        connection.reset()


atexit.register(flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
