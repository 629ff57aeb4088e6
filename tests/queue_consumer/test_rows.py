"""A message's row: the tables of the migrations, uniform keys, and the same key for the same message."""

import re
from pathlib import Path

import pytest

from core.money.usage import Usage
from core.telemetry import AccessRecord, AuthEvent, BudgetEvent, CallRecord, from_wire, to_wire
from rows import CONFLICT_TARGETS, row_of
from tests.queue_consumer.records import ACCESS, AUTH, BUDGET, a_call

MIGRATIONS = Path(__file__).parents[2] / "migrations"
WRITTEN_BY_THE_DATABASE = {"stored_at"}

MESSAGES: list[CallRecord | AuthEvent | AccessRecord | BudgetEvent] = [
    a_call(),
    AUTH,
    ACCESS,
    BUDGET,
]


def columns_of(table: str) -> set[str]:
    """The columns that the migrations give a table: each has a comment."""
    text = "".join(path.read_text() for path in MIGRATIONS.glob("*.sql"))
    return set(re.findall(rf"comment on column public\.{table}\.(\w+) is", text))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_row_has_every_column_of_its_table(message: CallRecord) -> None:
    row = row_of(message)

    assert set(row.cells) == columns_of(row.table) - WRITTEN_BY_THE_DATABASE


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_redelivery_has_the_same_key(message: CallRecord) -> None:
    first, again = row_of(message), row_of(from_wire(to_wire(message)))

    key = CONFLICT_TARGETS[first.table].split(",")
    assert [first.cells[column] for column in key] == [again.cells[column] for column in key]
    assert None not in [first.cells[column] for column in key]


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_795_000_000_123, "2026-11-18T11:06:40.123+00:00"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999+00:00"),
    ],
)
def test_a_moment_is_written_to_the_millisecond(at_ms: int, expected: str) -> None:
    assert row_of(a_call(started_at_ms=at_ms)).cells["started_at"] == expected


def test_usage_is_laid_out_in_disjoint_counts_beside_their_sums() -> None:
    usage = Usage(input_tokens=1, cached_input_tokens=2, output_tokens=4, reasoning_tokens=8)

    cells = row_of(a_call(usage=usage)).cells

    assert (cells["prompt_tokens"], cells["completion_tokens"]) == (3, 12)
    assert (cells["cached_input_tokens"], cells["reasoning_tokens"]) == (2, 8)
