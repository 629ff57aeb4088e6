"""Holds against what calls really cost, on the mix of `call_mix`."""

from pathlib import Path

import pytest

from tests.calibration import call_mix, real_counts

USD = 1_000_000_000

HOLDS = call_mix.holds(real_counts.kept("calls"))

SIZE_NOT_IN_THE_CALL = {"stored file"}
"""The whole window is held for it."""

REFUSED_WITH_TEN_CENTS_LEFT = {
    "agent, 30 turns, 40 tools": 4,
    "agent, 60 turns, 60 tools": 1,
    "web search": 4,
    "web search, bounded": 1,
    "PDF of 10 pages": 2,
    "stored file": 2,
}
"""Of calls that $0.10 would pay for, by kind; of every other kind none."""


@pytest.mark.parametrize("kind", HOLDS)
def test_the_prices_page_states_the_holds_as_they_are(kind: str) -> None:
    page = (Path(__file__).parents[2] / "docs/prices.md").read_text()

    assert call_mix.holds_row(kind, HOLDS[kind]) in page


@pytest.mark.parametrize("kind", HOLDS)
def test_no_input_is_held_for_below_its_true_cost(kind: str) -> None:
    assert HOLDS[kind].low == 0


@pytest.mark.parametrize("kind", sorted(HOLDS.keys() - SIZE_NOT_IN_THE_CALL))
def test_no_call_that_a_dollar_pays_for_is_refused_for_a_dollar(kind: str) -> None:
    assert HOLDS[kind].refused_falsely(USD) == 0


@pytest.mark.parametrize("kind", HOLDS)
def test_no_more_calls_than_stated_are_refused_falsely_for_ten_cents(kind: str) -> None:
    assert HOLDS[kind].refused_falsely(USD // 10) <= REFUSED_WITH_TEN_CENTS_LEFT.get(kind, 0)


@pytest.mark.parametrize("kind", sorted(HOLDS.keys() - SIZE_NOT_IN_THE_CALL))
def test_no_call_holds_more_than_sixteen_times_its_cost_before_it_is_sent(kind: str) -> None:
    assert max(HOLDS[kind].ratios, default=0) < 16
