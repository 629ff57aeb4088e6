"""How the memory benchmark reads its course."""

from bench.measuring.process_memory import Reading
from bench.memory import Course, Moment, live_bytes, memory_table, resident_bytes


def a_moment(requests: int, *, resident: int = 0, live: int = 0) -> Moment:
    return Moment(f"after {requests} requests", requests, Reading(resident, (0,)), live)


def test_growth_is_told_of_the_second_half_of_the_requests() -> None:
    course = Course("edge", tuple(a_moment(served, resident=max(served, 500) * 10) for served in range(0, 1_100, 100)))

    assert round(course.growth(resident_bytes)) == 10


def test_what_streams_hold_open_is_not_growth_with_requests() -> None:
    served = [a_moment(served, live=1_000) for served in range(0, 1_100, 100)]
    course = Course("edge", (*served, a_moment(1_000, live=9_000)))

    assert course.growth(live_bytes) == 0


def test_the_table_shows_every_target_and_its_verdicts() -> None:
    course = Course("edge", tuple(a_moment(served) for served in range(0, 1_300, 100)))

    assert memory_table([course, course]).row_count == 12
