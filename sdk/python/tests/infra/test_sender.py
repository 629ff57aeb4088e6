"""The background sender: what becomes of reports for each answer, how many wait, and who waits for them."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
from collections import deque

import pytest
from calls_made import CANARY
from scripted_edge import Received, Reply, ScriptedEdge, refusal

from agentwatch.edge import sender as sender_file
from agentwatch.edge.http import Edge
from agentwatch.edge.sender import BYTES_MAX, RECORDS_MAX, Sender
from agentwatch.protocol.question import Answer, Heard, Question, Unheard


class ScriptedAnswers:
    """Answers in a row, the last one for ever, and what they were answers to."""

    def __init__(self, *answers: Heard) -> None:
        self.answers = deque(answers)
        self.sizes: list[int] = []

    def exchange(self, question: Question, *, deadline: float) -> Heard:
        import gzip

        body = question.body or b""
        if question.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.sizes.append(len(json.loads(body).get("reports", [0])))
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


def answered(status: int, document: object = None, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=names, body=json.dumps(document).encode())


AWAY = Unheard(reason="refused", is_sent=False)
TAKEN = answered(200)


def record(number: int) -> bytes:
    return b'{"event_id":"evt_%d"}' % number


def a_sender(edge: ScriptedEdge) -> Sender:
    sender = Sender(Edge(base_url=edge.url, api_key=CANARY))
    sender.start()
    return sender


def ids(edge: ScriptedEdge) -> list[str]:
    return [each["event_id"] for each in edge.reports]


def test_reports_arrive_in_order_in_few_requests(edge: ScriptedEdge) -> None:
    sender = a_sender(edge)
    for number in range(1_200):
        sender.add(record(number))

    assert sender.flush(5)

    assert ids(edge) == [f"evt_{number}" for number in range(1_200)]
    assert 3 <= len(edge.received) <= 5
    assert edge.received[1].headers["content-encoding"] == "gzip"


def test_a_report_goes_out_without_being_asked_for(edge: ScriptedEdge) -> None:
    arrived = threading.Event()
    edge.on_ingest = lambda _: (arrived.set(), Reply(200, body=b"Success"))[1]
    a_sender(edge).add(record(1))

    assert arrived.wait(5)


def test_no_batch_is_larger_than_the_server_takes(edge: ScriptedEdge) -> None:
    sender = a_sender(edge)
    for number in range(40):
        sender.add(b'{"event_id":"evt_%d","model":"%s"}' % (number, b"m" * 100_000))

    assert sender.flush(5)

    assert max(len(each.body) for each in edge.received) <= 900_100
    assert len(ids(edge)) == 40


def test_flush_of_nothing_is_done_at_once(edge: ScriptedEdge) -> None:
    sender = Sender(Edge(base_url=edge.url, api_key=CANARY))

    assert sender.flush(0)
    assert not edge.received


def test_flush_says_when_time_was_up(edge: ScriptedEdge) -> None:
    edge.on_ingest = lambda _: refusal(503)
    sender = a_sender(edge)
    sender.add(record(1))

    assert not sender.flush(0.2)
    assert sender.waiting_records == 1


def test_a_flush_outlasts_a_short_outage(edge: ScriptedEdge) -> None:
    edge.on_ingest = lambda _: Reply(200) if len(edge.received) > 2 else refusal(503)
    sender = a_sender(edge)
    sender.add(record(1))

    assert sender.flush(10)
    assert ids(edge) == ["evt_1"] * 3


def test_an_impatient_flush_tries_once(edge: ScriptedEdge) -> None:
    edge.on_ingest = lambda _: refusal(503)
    sender = a_sender(edge)
    sender.add(record(1))

    assert not sender.flush(10, is_patient=False)
    assert len(edge.received) <= 2


@pytest.mark.parametrize("status", [400, 422, 413])
def test_one_report_that_is_no_good_takes_no_other_with_it(edge: ScriptedEdge, status: int) -> None:
    edge.on_ingest = lambda received: refusal(status) if b'"evt_7"' in received.body else Reply(200)
    sender = a_sender(edge)
    for number in range(20):
        sender.add(record(number))

    assert sender.flush(5)

    taken = [each for each in edge.received if b'"evt_7"' not in each.body]
    arrived = {report["event_id"] for each in taken for report in each.document.get("reports", [each.document])}
    assert arrived == {f"evt_{number}" for number in range(20)} - {"evt_7"}
    assert sender.dropped == 1


def test_of_a_batch_the_refused_ones_are_dropped_or_sent_again(edge: ScriptedEdge) -> None:
    def some(received: Received) -> Reply:
        if len(edge.received) > 1:
            return Reply(200)
        refused = [{"index": 0, "event_id": "evt_0", "retryable": True, "error": {}}]
        refused.append({"index": 1, "event_id": "evt_1", "retryable": False, "error": {}})
        return Reply(200, {"accepted": 1, "refused": refused})

    edge.on_ingest = some
    sender = a_sender(edge)
    for number in range(3):
        sender.add(record(number))

    assert sender.flush(10)
    assert ids(edge) == ["evt_0", "evt_1", "evt_2", "evt_0"]
    assert sender.dropped == 1


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_wrong_token_or_address_is_said_once_and_stops(
    edge: ScriptedEdge, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    edge.on_ingest = lambda _: refusal(status)
    sender = a_sender(edge)
    with caplog.at_level(logging.DEBUG):
        for number in range(10):
            sender.add(record(number))
            assert not sender.flush(5)

    assert len([each for each in caplog.records if each.name == "agentwatch"]) == 1
    assert CANARY not in caplog.text
    assert sender.waiting_records == 10


def test_retry_after_is_waited_for() -> None:
    answers = ScriptedAnswers(answered(429, None, retry_after="30"))
    sender = Sender(answers)
    sender.add(record(1))
    began = time.monotonic()

    assert not sender._send_batch(began + 1)

    assert 30 <= sender._not_before - began < 40
    assert sender._pause_seconds(began) >= 30


def test_an_hour_without_an_edge_keeps_memory_and_counts_right() -> None:
    sender = Sender(ScriptedAnswers(AWAY, AWAY, TAKEN))
    calls = 30_000
    for number in range(calls):
        sender.add(record(number))
        if number in (1_000, 20_000):
            assert not sender._send_batch(time.monotonic() + 1)

    assert sender.waiting_records == RECORDS_MAX
    assert sender.waiting_bytes <= BYTES_MAX
    assert sender.dropped == calls - RECORDS_MAX
    assert sender.finished + sender.waiting_records == sender.taken == calls


def test_what_waits_is_bounded_in_bytes_too() -> None:
    sender = Sender(ScriptedAnswers(AWAY))
    for _ in range(100):
        sender.add(b"x" * 500_000)

    assert sender.waiting_bytes <= BYTES_MAX
    assert sender.waiting_records == BYTES_MAX // 500_000
    assert sender.dropped == 100 - sender.waiting_records


def test_the_oldest_are_dropped_and_the_next_batch_says_how_many(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(ScriptedAnswers(TAKEN))
    for number in range(RECORDS_MAX + 3):
        sender.add(record(number))

    assert sender._next_batch()[0] == record(3)
    sender._send_batch(time.monotonic() + 1)
    sender._send_batch(time.monotonic() + 1)

    assert [each.getMessage() for each in caplog.records] == [
        "3 reports of calls were dropped: AgentWatch did not take them in time, or at all"
    ]


def test_a_mistake_in_sending_costs_no_thread() -> None:
    class Broken:
        calls = 0

        def exchange(self, question: Question, *, deadline: float) -> Heard:
            self.calls += 1
            if self.calls == 1:
                raise AssertionError("ours")
            return TAKEN

    sender = Sender(Broken())
    sender.start()
    sender.add(record(1))

    assert sender.flush(10)


def test_a_report_from_a_finaliser_waits_for_no_lock(edge: ScriptedEdge) -> None:
    sender = a_sender(edge)

    class Ends:
        def __del__(self) -> None:
            sender.add(record(2))

    with sender._queue_lock:  # the finaliser runs in whoever holds it
        there = Ends()
        there.me = there  # type: ignore[attr-defined]
        del there
        gc.collect()

    sender.add(record(1))
    assert sender.flush(5)
    assert sorted(ids(edge)) == ["evt_1", "evt_2"]


def test_many_threads_lose_no_report(edge: ScriptedEdge) -> None:
    sender = a_sender(edge)

    def add_hundred(first: int) -> None:
        for number in range(first, first + 100):
            sender.add(record(number))

    threads = [threading.Thread(target=add_hundred, args=(each * 100,)) for each in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sender.flush(10)
    assert sorted(ids(edge)) == sorted(f"evt_{number}" for number in range(5_000))


def test_a_closed_sender_sends_what_waits_and_ends_its_thread(edge: ScriptedEdge) -> None:
    sender = a_sender(edge)
    thread = sender._thread
    assert thread is not None
    sender.add(record(1))

    sender.close()

    thread.join(5)
    assert not thread.is_alive()
    assert ids(edge) == ["evt_1"]


def test_without_a_thread_a_flush_sends_by_itself(edge: ScriptedEdge) -> None:
    sender = Sender(Edge(base_url=edge.url, api_key=CANARY))
    for number in range(600):
        sender.add(record(number))

    assert sender.flush(5)
    assert len(ids(edge)) == 600
    assert len(edge.received) == 2


def test_adding_costs_the_same_however_much_waits() -> None:
    def seconds(count: int) -> float:
        sender = Sender(ScriptedAnswers(AWAY))
        began = time.perf_counter()
        for number in range(count):
            sender.add(record(number))
        return time.perf_counter() - began

    seconds(1_000)
    assert seconds(40_000) < seconds(10_000) * 4 * 2.5 + 0.05


def test_the_limits_fit_what_the_server_takes() -> None:
    assert sender_file.BATCH_RECORDS_MAX <= 500
    assert sender_file.BATCH_BYTES_MAX < 1_000_000
