"""The breaker by a clock that the test turns."""

from __future__ import annotations

import threading

from agentwatch.edge.breaker import PAUSE_SECONDS_MAX, PROBE_SECONDS_MAX, Breaker


def test_a_failure_closes_the_way_for_everybody() -> None:
    breaker = Breaker()

    breaker.failed(0.0)

    assert not any(breaker.may_ask(0.5) for _ in range(1000))


def test_after_the_pause_one_asks_while_the_others_wait() -> None:
    breaker = Breaker()
    breaker.failed(0.0)

    assert [breaker.may_ask(1.0) for _ in range(50)].count(True) == 1


def test_of_fifty_threads_one_probes() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    start, granted = threading.Barrier(50), []

    def ask() -> None:
        start.wait()
        granted.append(breaker.may_ask(1.0))

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert granted.count(True) == 1


def test_pauses_double_up_to_half_a_minute() -> None:
    breaker = Breaker()
    now, pauses = 0.0, []
    for _ in range(9):
        breaker.failed(now)
        wait = next(each / 4 for each in range(1000) if breaker.may_ask(now + each / 4))
        pauses.append(wait)
        now += wait

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert pauses[-1] == PAUSE_SECONDS_MAX


def test_failures_of_questions_that_were_asked_together_are_one() -> None:
    breaker = Breaker()
    for _ in range(50):
        breaker.failed(0.0)

    assert breaker.may_ask(1.0)


def test_success_opens_the_way_at_once() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    assert breaker.may_ask(1.0)

    breaker.succeeded()

    assert all(breaker.may_ask(1.0) for _ in range(10))


def test_a_probe_that_is_never_heard_of_is_followed_by_another() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    assert breaker.may_ask(1.0)

    assert not breaker.may_ask(2.0)
    assert breaker.may_ask(1.0 + PROBE_SECONDS_MAX)


def test_a_server_may_ask_for_a_longer_pause() -> None:
    breaker = Breaker()
    breaker.failed(0.0, least_seconds=50.0)

    assert not breaker.may_ask(49.0)
    assert breaker.may_ask(50.0)
