"""Reports on their way to AgentWatch: a bounded queue, and one daemon thread that sends it in batches.

Theory of operation. A call may end in a finaliser, which runs between any two steps of any thread, maybe of this very
file. So `add` waits for no lock: it appends to an inbox (one atomic step) and frees the gate that the thread sleeps at.
Whoever gets the lock of the queue without waiting moves the inbox into it; whoever does not leaves that to its holder
or to the thread. Waiting for a flush is a gate too, of the one who waits.

Rules easy to break: `add` starts no thread (`start` did, when the call began), since that takes locks of the
interpreter's. And nothing here is asyncio: clients live in many loops, and loops end before the process does.
"""

from __future__ import annotations

import gzip
import logging
import random
import threading
import time
from collections import deque
from typing import Protocol

from ..protocol.question import Heard, Question, Unheard
from ..protocol.reports import batch_of
from ..protocol.verdicts import STOPPED_SECONDS, Fate, Verdict, batch_verdict, delay_seconds, reason_of
from .workers import daemon_thread

RECORDS_MAX = 10_000
BYTES_MAX = 8_000_000
"""What waits while AgentWatch is away; a report has some five hundred bytes."""
BATCH_RECORDS_MAX = 500
BATCH_BYTES_MAX = 900_000
GZIP_BYTES_MIN = 1_000
LINGER_SECONDS = 0.2
"""How long the first report of a batch waits for others."""
EXCHANGE_SECONDS_MAX = 10.0
FLUSH_PAUSE_SECONDS = 0.25
"""Between attempts while somebody waits for them."""

logger = logging.getLogger("agentwatch")


class Asks(Protocol):
    def exchange(self, question: Question, *, deadline: float) -> Heard: ...


class _Flush:
    """Somebody who waits until `target` reports are finished. Its lock is a gate that the thread opens."""

    def __init__(self, target: int, *, is_patient: bool) -> None:
        self.target = target
        self.is_patient = is_patient
        self.has_seen_an_attempt = False
        self.is_gone = False
        self.done = threading.Lock()
        self.done.acquire()


class Sender:
    def __init__(self, edge: Asks, *, linger_seconds: float = LINGER_SECONDS) -> None:
        self._edge = edge
        self._linger_seconds = linger_seconds
        self._is_closing = False
        self.reset()

    def reset(self) -> None:
        """As new. In the child of a fork the parent's reports are the parent's to send, and its thread is not there."""
        self._inbox: deque[bytes] = deque()
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._gate = threading.Lock()
        self._queue_lock = threading.Lock()
        self._sending = threading.Lock()
        self._waiting: deque[_Flush] = deque()
        self._thread: threading.Thread | None = None
        self._batch_records_max = BATCH_RECORDS_MAX
        self._failures = 0
        self._not_before = 0.0
        self._is_stopped = False
        self._untold_dropped = 0
        self.taken = 0
        """Reports that came into the queue, ever; `finished` of them are sent, refused or dropped."""
        self.finished = 0
        self.dropped = 0

    # What calls do.

    def start(self) -> None:
        """Have the thread there before the first report. Where none can be started, the exit sends."""
        if self._thread is not None:
            return
        with self._queue_lock:
            if self._thread is None and not self._is_closing:
                thread = daemon_thread(self._run, "agentwatch-sender")
                try:
                    thread.start()
                except RuntimeError:
                    return
                self._thread = thread

    def add(self, record: bytes) -> None:
        """Never waits and never raises; for finalisers and every thread."""
        self._inbox.append(record)
        self._take_in()
        self._wake()

    def flush(self, timeout_seconds: float, *, is_patient: bool = True) -> bool:
        """Send what was added so far. True once all of that is sent, refused or dropped; False when time is up, or,
        without patience, when AgentWatch does not take it."""
        deadline = time.monotonic() + timeout_seconds
        self._take_in()
        target = self.taken + len(self._inbox)
        if self.finished >= target:
            return True
        if self._thread is None:
            return self._flushed_here(target, deadline)
        flush = _Flush(target, is_patient=is_patient)
        self._waiting.append(flush)
        self._wake()
        try:
            flush.done.acquire(timeout=max(0.0, deadline - time.monotonic()))
        finally:
            flush.is_gone = True
        return self.finished >= target

    def close(self) -> None:
        """The thread ends when the queue is empty or AgentWatch does not answer."""
        self._is_closing = True
        self._wake()

    @property
    def waiting_records(self) -> int:
        return len(self._inbox) + len(self._queue)

    @property
    def waiting_bytes(self) -> int:
        return self._queue_bytes

    # The queue.

    def _wake(self) -> None:
        try:
            self._gate.release()
        except RuntimeError:
            return  # it is open already

    def _take_in(self) -> None:
        if not self._queue_lock.acquire(blocking=False):
            return
        try:
            while self._inbox:
                record = self._inbox.popleft()
                self._queue.append(record)
                self._queue_bytes += len(record)
                self.taken += 1
                while len(self._queue) > RECORDS_MAX or self._queue_bytes > BYTES_MAX:
                    self._queue_bytes -= len(self._queue.popleft())
                    self._drop(1)
        finally:
            self._queue_lock.release()

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._untold_dropped += count
        self.finished += count

    def _next_batch(self) -> list[bytes]:
        self._take_in()
        batch: list[bytes] = []
        size = 0
        with self._queue_lock:
            while self._queue and len(batch) < self._batch_records_max:
                size += len(self._queue[0]) + 1
                if batch and size > BATCH_BYTES_MAX:
                    break
                batch.append(self._queue.popleft())
            self._queue_bytes -= sum(map(len, batch))
        return batch

    def _put_back(self, batch: list[bytes]) -> None:
        """To the front: they are the oldest, and the first to be dropped."""
        with self._queue_lock:
            self._queue.extendleft(reversed(batch))
            self._queue_bytes += sum(map(len, batch))

    # The thread.

    def _run(self) -> None:
        while True:
            self._sleep()
            self._take_in()
            if self._queue:
                self._send_batch(time.monotonic() + EXCHANGE_SECONDS_MAX)
            self._free_waiting()
            if self._is_closing and (not self.waiting_records or self._failures):
                self._thread = None
                return

    def _sleep(self) -> None:
        """Until there is something to do: a report that others may join, the end of a pause, or somebody who waits."""
        if not self.waiting_records and not self._is_closing:
            self._gate.acquire()
        began = time.monotonic()
        while (left := began + self._pause_seconds(began) - time.monotonic()) > 0:
            self._gate.acquire(timeout=left)
            self._take_in()

    def _pause_seconds(self, began: float) -> float:
        """From `began` on, as things are now."""
        flushes = [each for each in list(self._waiting) if not each.is_gone]
        if self._is_closing or any(not each.has_seen_an_attempt for each in flushes):
            return 0.0
        until_allowed = self._not_before - began
        if flushes and not self._is_stopped:
            return min(FLUSH_PAUSE_SECONDS, max(0.0, until_allowed))
        return max(until_allowed, 0.0 if len(self._queue) >= BATCH_RECORDS_MAX else self._linger_seconds)

    def _free_waiting(self) -> None:
        is_in_vain = self._failures > 0
        for _ in range(len(self._waiting)):
            flush = self._waiting.popleft()
            flush.has_seen_an_attempt = True
            if self.finished >= flush.target or (is_in_vain and (self._is_stopped or not flush.is_patient)):
                flush.done.release()
            elif not flush.is_gone:
                self._waiting.append(flush)

    def _flushed_here(self, target: int, deadline: float) -> bool:
        """Without the thread: in the child of a fork, or in an interpreter that starts none any more."""
        while self.finished < target and time.monotonic() < deadline:
            if not self._send_batch(min(deadline, time.monotonic() + EXCHANGE_SECONDS_MAX)):
                break
        return self.finished >= target

    # One batch.

    def _send_batch(self, deadline: float) -> bool:
        """False where AgentWatch did not take it: asking again at once is of no use."""
        if not self._sending.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return False
        try:
            batch = self._next_batch()
            if not batch:
                return True
            heard = self._heard(batch, deadline)
            return self._follow(batch_verdict(heard, len(batch)), batch, heard)
        finally:
            self._sending.release()

    def _heard(self, batch: list[bytes], deadline: float) -> Heard:
        try:
            return self._edge.exchange(_question(batch), deadline=deadline)
        except Exception as error:  # a mistake of ours may cost reports, never the thread that sends all others
            return Unheard(reason=type(error).__name__, is_sent=False)

    def _follow(self, verdict: Verdict, batch: list[bytes], heard: Heard) -> bool:
        if verdict.fate is Fate.HALVE:
            self._batch_records_max = max(1, len(batch) // 2)
            self._put_back(batch)
            return True
        if verdict.fate in (Fate.LATER, Fate.STOP):
            self._put_back(batch)
            self._pause(verdict, heard)
            return False
        again = [batch[index] for index in verdict.again]
        self._put_back(again)
        with self._queue_lock:
            self._drop(verdict.dropped)
            self.finished += len(batch) - len(again) - verdict.dropped
        # What was no good, or too much, was found by halving; from there on batches grow again.
        self._batch_records_max = min(BATCH_RECORDS_MAX, self._batch_records_max * 2)
        if again:
            self._pause(Verdict(fate=Fate.LATER), heard)
            return False
        self._failures, self._not_before, self._is_stopped = 0, 0.0, False
        self._tell_dropped()
        return True

    def _pause(self, verdict: Verdict, heard: Heard) -> None:
        self._failures += 1
        seconds = delay_seconds(self._failures, chance=random.random(), least=verdict.retry_after_seconds)
        if verdict.fate is Fate.STOP:
            seconds = STOPPED_SECONDS
            if not self._is_stopped:
                logger.warning("reports of calls are not taken, and wait: %s", reason_of(heard))
        self._is_stopped = verdict.fate is Fate.STOP
        self._not_before = time.monotonic() + seconds

    def _tell_dropped(self) -> None:
        count, self._untold_dropped = self._untold_dropped, 0
        if count:
            logger.warning("%d reports of calls were dropped: AgentWatch did not take them in time, or at all", count)


def _question(batch: list[bytes]) -> Question:
    body = batch_of(batch)
    headers = {"content-type": "application/json"}
    if len(body) >= GZIP_BYTES_MIN:
        body = gzip.compress(body, compresslevel=1)
        headers["content-encoding"] = "gzip"
    return Question(method="POST", path="/v1/ingest", body=body, headers=headers)
