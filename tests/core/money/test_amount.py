"""Money enters as decimal text, stays whole, and leaves exact."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money.amount import (
    NANOUSD_MAX,
    InvalidAmount,
    Usd,
    UsdOrNothing,
    cost_of_units,
    dollars,
    format_usd,
    parse_usd,
    parse_usd_or_nothing,
)

ACCEPTED = [
    ("5", 5_000_000_000),
    ("0.10", 100_000_000),
    ("12.50", 12_500_000_000),
    ("007", 7_000_000_000),
    ("0.000000001", 1),
    ("0.0000000019", 1),
    ("0." + "9" * 37, 999_999_999),
    ("8999999." + "9" * 32, NANOUSD_MAX - 1),
    ("9000000", NANOUSD_MAX),
]

REFUSED = [
    "",
    "0",
    "0.0",
    "-1",
    "+5",
    " 5",
    "5 ",
    "5\n",
    "\t5",
    "1_0",
    "1e3",
    "1e-3",
    "5.",
    ".5",
    "1.2.3",
    "0x5",
    "１２",
    "1٫5",
    "²",
    "nan",
    "inf",
    "-Infinity",
    "1,5",
    "$5",
    "9000000.000000001",
    "9000001",
    "0.0000000001",
    "1" * 41,
    "٥٥",
]


@pytest.mark.parametrize(("text", "nanousd"), ACCEPTED)
def test_a_positive_decimal_is_read_exactly(text: str, nanousd: int) -> None:
    assert parse_usd(text) == nanousd


@pytest.mark.parametrize("text", REFUSED)
def test_anything_but_a_positive_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_usd(text)


@given(st.integers(min_value=1, max_value=NANOUSD_MAX))
def test_what_is_written_is_read_back_as_the_same_amount(amount_nanousd: int) -> None:
    assert parse_usd(format_usd(amount_nanousd)) == amount_nanousd


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=50))
def test_pricing_the_total_never_costs_more_than_pricing_slices(slices: list[int]) -> None:
    assert cost_of_units(sum(slices)) <= sum(cost_of_units(each) for each in slices)


@pytest.mark.parametrize(("units", "nanousd"), [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2)])
def test_a_cost_is_rounded_up_once(units: int, nanousd: int) -> None:
    assert cost_of_units(units) == nanousd


@pytest.mark.parametrize(
    ("amount_nanousd", "expected"),
    [
        (0, "$0.00"),
        (1, "under $0.01"),
        (9_999_999, "under $0.01"),
        (10_000_000, "$0.01"),
        (14_999_999, "$0.01"),
        (15_000_000, "$0.02"),
        (1_234_567_890_000_000, "$1,234,567.89"),
    ],
)
def test_amounts_are_read_in_cents(amount_nanousd: int, expected: str) -> None:
    assert dollars(amount_nanousd) == expected


def fits(text: str, kind: Any) -> bool:
    """By the form that the API's own document shows."""
    form = msgspec.json.schema(kind)
    return len(text) <= form["maxLength"] and re.search(form["pattern"], text) is not None


def is_read(text: str, read: Any) -> bool:
    try:
        read(text)
    except InvalidAmount:
        return False
    return True


AMOUNTS = st.from_regex(r"\A0{0,3}[0-9]{0,8}(\.[0-9]{0,12})?\n?\Z") | st.sampled_from(
    [*REFUSED, *(text for text, _ in ACCEPTED)]
)


@given(AMOUNTS)
def test_the_form_of_an_amount_is_what_is_read(text: str) -> None:
    assert fits(text, Usd) == is_read(text, parse_usd)
    assert fits(text, UsdOrNothing) == is_read(text, parse_usd_or_nothing)


@pytest.mark.parametrize("text", ["0", "0.0", "000.000000000000"])
def test_nothing_may_be_said_where_it_means_something(text: str) -> None:
    assert parse_usd_or_nothing(text) == 0


@pytest.mark.parametrize("text", ["", ".", "-0", "0.", ".0", "0" * 41, "0.0000000001"])
def test_what_is_no_amount_is_not_nothing_either(text: str) -> None:
    with pytest.raises(InvalidAmount):
        parse_usd_or_nothing(text)
