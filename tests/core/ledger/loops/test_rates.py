"""How much came in the last sixty units of time."""

from hypothesis import given
from hypothesis import strategies as st

from core.ledger.loops.rates import UNITS_KEPT, Window, total, with_amount


def filled(*amounts: tuple[int, int]) -> Window:
    window = Window()
    for unit, amount in amounts:
        window = with_amount(window, unit, amount)
    return window


def test_a_unit_counts_for_sixty_units_with_its_own() -> None:
    window = filled((1_000, 3))

    assert [total(window, 1_000), total(window, 1_059), total(window, 1_060)] == [3, 3, 0]


def test_what_comes_late_finds_its_place() -> None:
    window = filled((1_000, 1), (1_030, 2), (990, 4), (1_000, 8))

    assert [total(window, 1_030), total(window, 1_050), total(window, 1_060)] == [15, 11, 2]


def test_what_is_older_than_the_window_is_not_kept() -> None:
    assert filled((1_000, 1), (940, 5)) == filled((1_000, 1))


def test_a_clock_that_steps_back_a_little_loses_nothing() -> None:
    window = filled((1_000, 2), (995, 1))

    assert total(window, 995) == 3


def test_what_a_wrong_clock_dates_far_ahead_does_not_count_now() -> None:
    assert total(filled((5_000, 7)), 1_000) == 0


def test_an_amount_that_was_too_high_is_taken_back_in_its_unit() -> None:
    window = filled((1_000, 50), (1_001, 5), (1_000, -30))

    assert total(window, 1_001) == 25


def test_nothing_falls_below_zero() -> None:
    assert total(filled((1_000, 5), (1_000, -30), (1_001, 4)), 1_001) == 4


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9)), max_size=50))
def test_units_that_ascend_are_counted_as_one_would_by_hand(amounts: list[tuple[int, int]]) -> None:
    amounts = sorted(amounts)
    now = amounts[-1][0] if amounts else 0

    window = filled(*amounts)

    assert total(window, now) == sum(amount for unit, amount in amounts if unit > now - UNITS_KEPT)
    assert len(window.amounts) <= UNITS_KEPT


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 9)), min_size=1, max_size=30), st.randoms())
def test_the_order_within_a_window_makes_no_difference(amounts: list[tuple[int, int]], random: object) -> None:
    shuffled = list(amounts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert total(filled(*shuffled), 59) == total(filled(*amounts), 59)
