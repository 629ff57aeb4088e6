"""A few threads that do what must not keep its caller: what waits for a name to be resolved cannot be interrupted, and
an event loop must not wait at all.

They are daemons that end when idle, so that no process waits for one at its exit. Where no thread can be started any
more (an interpreter that is going down) the caller does the work itself.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context
from typing import Generic, TypeVar

THREADS_MAX = 64
"""Questions at once. Further ones wait for a thread, each no longer than its own time."""
IDLE_SECONDS = 10.0

T = TypeVar("T")


def daemon_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """A thread with a context of its own: since 3.14 one may inherit that of whoever happens to start it."""
    if sys.version_info >= (3, 14):
        return threading.Thread(target=target, name=name, daemon=True, context=Context())
    return threading.Thread(target=target, name=name, daemon=True)


class Workers(Generic[T]):
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As new. In the child of a fork there are no threads, and a lock may be held by one that is not there."""
        self._changed = threading.Condition(threading.Lock())
        self._jobs: deque[tuple[Future[T], Callable[[], T]]] = deque()
        self._threads = 0
        self._idle = 0

    def submit(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._changed:
            is_staffed = self._idle > len(self._jobs) or self._threads >= THREADS_MAX or self._has_started()
            if is_staffed or self._threads:
                self._jobs.append((future, work))
                self._changed.notify()
                return future
        _do(future, work)
        return future

    def _has_started(self) -> bool:
        try:
            daemon_thread(self._run, "agentwatch-edge").start()
        except RuntimeError:  # the interpreter is going down, or the system has no more threads
            return False
        self._threads += 1
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                has_job = bool(self._jobs) or self._changed.wait_for(lambda: bool(self._jobs), IDLE_SECONDS)
                self._idle -= 1
                if not has_job:
                    self._threads -= 1
                    return
                future, work = self._jobs.popleft()
            _do(future, work)
            del future, work  # an idle thread keeps nobody's answer


def _do(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
