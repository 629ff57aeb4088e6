"""Growth, scale and falls of one agent's prompts."""

import pytest

from core.ledger.loops.sizes import (
    Point,
    Sizes,
    current_size,
    falls_until,
    growth_ratio,
    is_runaway,
    recent,
    with_point,
)
from core.ledger.loops.turns import Turn

MINUTE_MS = 60_000
LATE_MS = 1_790_000_000_000


def sizes_of_points(*points: Point) -> Sizes:
    sizes = Sizes()
    for point in points:
        sizes = with_point(sizes, point, Turn())
    return sizes


def in_turn(*tokens: int, every_ms: int = 10_000) -> Sizes:
    return sizes_of_points(*[Point(LATE_MS + n * every_ms, n, each, 5_000) for n, each in enumerate(tokens)])


RUNAWAYS = {
    "nothing": ((), False),
    "three sizes": ((100, 150, 225), False),
    "four that grow by half": ((100, 150, 225, 338), True),
    "exactly 1.4 is not above it": ((1_000, 1_400, 1_960, 2_744), False),
    "one below": ((100, 150, 200, 300), False),
    "only the last four count": ((1_000, 100, 150, 225, 338), True),
    "a fall at the end": ((100, 150, 225, 338, 90), False),
}


@pytest.mark.parametrize(("sizes", "is_one"), RUNAWAYS.values(), ids=RUNAWAYS)
def test_a_runaway_is_three_growths_above_1_4(sizes: tuple[int, ...], is_one: bool) -> None:
    assert is_runaway(sizes) is is_one


def test_a_floor_is_met_by_the_last_size() -> None:
    assert is_runaway((100, 150, 225, 338), floor_tokens=338)
    assert not is_runaway((100, 150, 225, 338), floor_tokens=339)


def test_the_growth_ratio_is_the_least_of_the_last_three() -> None:
    assert growth_ratio((9, 100, 150, 300, 420)) == 1.4
    assert growth_ratio((100, 150, 300)) is None


def test_calls_count_in_the_order_in_which_they_began() -> None:
    sizes = sizes_of_points(Point(LATE_MS + 20_000, 1, 30), Point(LATE_MS + 10_000, 2, 20), Point(LATE_MS, 3, 10))

    assert recent(sizes) == (10, 20, 30)


def test_a_call_that_began_before_all_that_are_kept_is_none_of_the_last() -> None:
    sizes = with_point(in_turn(1, 2, 3, 4, 5), Point(LATE_MS - 50_000, 9, 77), Turn())

    assert recent(sizes) == (1, 2, 3, 4, 5)


def test_calls_that_ran_at_once_are_one_size() -> None:
    burst = [Point(LATE_MS + 50 * n, n, tokens, 4_000 + tokens) for n, tokens in enumerate((100, 200, 400, 800))]

    assert recent(sizes_of_points(*burst)) == (800,)


def test_calls_are_one_size_in_whatever_order_they_end() -> None:
    burst = [Point(LATE_MS + 50 * n, 9 - n, tokens, 9_000 - tokens) for n, tokens in enumerate((100, 200, 400, 800))]

    assert recent(sizes_of_points(*reversed(burst))) == (800,)


def test_a_settlement_that_comes_after_the_next_call_makes_them_none() -> None:
    quick = [Point(LATE_MS + 30 * n, n, tokens, 400) for n, tokens in enumerate((100, 200, 400, 800))]
    slow = [Point(LATE_MS + 5_000 * n, n, tokens, 7_000) for n, tokens in enumerate((100, 200, 400, 800))]

    assert recent(sizes_of_points(*quick)) == recent(sizes_of_points(*slow)) == (100, 200, 400, 800)


def test_an_estimate_counts_as_the_last_one_came_to() -> None:
    sizes = with_point(Sizes(), Point(LATE_MS, 1, 800), Turn(prompt_tokens=1_000))

    assert current_size(sizes, Turn(prompt_tokens=1_500), None) == 1_200


def test_a_first_call_counts_as_its_estimate() -> None:
    assert current_size(Sizes(), Turn(prompt_tokens=1_500), None) == 1_500


def test_an_estimate_beside_counts_alone_is_on_no_scale() -> None:
    assert current_size(in_turn(100, 150, 225), Turn(prompt_tokens=400), None) is None


def test_reports_do_not_end_a_scale() -> None:
    sizes = with_point(Sizes(), Point(LATE_MS, 1, 800), Turn(prompt_tokens=1_000))

    reported = with_point(sizes, Point(LATE_MS + 9_000, 2, 1_200), Turn())

    assert current_size(reported, Turn(prompt_tokens=2_000), None) == 1_600


def test_what_continues_an_answer_adds_to_it() -> None:
    turn = Turn(prompt_tokens=100, is_continued=True)

    assert current_size(in_turn(5_000), turn, 5_400) == 5_500
    assert current_size(in_turn(5_000), turn, None) is None


def test_new_items_alone_make_no_scale() -> None:
    sizes = with_point(Sizes(), Point(LATE_MS, 1, 50_000), Turn(prompt_tokens=100, is_continued=True))

    assert sizes.estimated == 0


def test_a_fall_to_less_than_half_is_a_compaction_for_a_quarter_of_an_hour() -> None:
    sizes = in_turn(150_000, 20_000, 60_000)

    assert falls_until(sizes, None, LATE_MS + MINUTE_MS) == 1
    assert falls_until(sizes, None, LATE_MS + 16 * MINUTE_MS) == 0


def test_the_call_being_decided_may_be_one() -> None:
    assert falls_until(in_turn(150_000), 20_000, LATE_MS) == 1
    assert falls_until(in_turn(150_000), 75_000, LATE_MS) == 0


def test_thrash_counts_each_time() -> None:
    sizes = in_turn(150_000, 20_000, 80_000, 140_000, 25_000, 90_000, 155_000, 22_000)

    assert falls_until(sizes, None, LATE_MS + MINUTE_MS) == 3


def test_a_side_call_under_the_same_name_is_no_compaction() -> None:
    sizes = in_turn(100_000, 1_000, 101_000, 900, 102_000, 1_200, 1_100, 104_000)

    assert falls_until(sizes, None, LATE_MS + MINUTE_MS) == 0


def test_conversations_of_several_sizes_in_turn_are_one_fall_at_most() -> None:
    sizes = in_turn(100_000, 40_000, 15_000, 6_000)

    assert falls_until(sizes, None, LATE_MS + MINUTE_MS) == 1


def test_small_prompts_that_differ_are_no_compactions() -> None:
    assert falls_until(in_turn(31_000, 500, 30_000, 800, 29_000, 900), None, LATE_MS + MINUTE_MS) == 0


def test_a_burst_that_ends_small_first_has_not_fallen() -> None:
    before = Point(LATE_MS, 0, 60_000, 5_000)
    burst = [Point(LATE_MS + 9_000 + 50 * n, n + 1, tokens, 4_000) for n, tokens in enumerate((5_000, 9_000, 55_000))]

    assert falls_until(sizes_of_points(before, *burst), None, LATE_MS + MINUTE_MS) == 0


def test_falls_of_one_millisecond_are_as_many_as_there_were() -> None:
    points = [
        Point(LATE_MS, number, tokens) for number, tokens in enumerate((150_000, 20_000, 70_000, 140_000, 20_000))
    ]

    assert falls_until(sizes_of_points(*points), None, LATE_MS) == 2
