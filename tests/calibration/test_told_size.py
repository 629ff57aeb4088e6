"""What a request comes to by its number of bytes alone, against the estimate of its text: high on what people send, to
models of every kind of vocabulary."""

from pathlib import Path

import pytest

from core.call.told import tokens_of_bytes
from tests.calibration.figures import KINDS, TEXT_KINDS, told_figures, told_row

ORDINARY = (
    "English",
    "chat bodies",
    "agents' histories",
    "tool schemas",
    "JSON",
    "code",
    "German",
    "Spanish",
    "Chinese",
)


@pytest.mark.parametrize("kind", ORDINARY)
@pytest.mark.parametrize(("_kind", "model", "vocabulary"), KINDS)
def test_the_estimate_by_bytes_is_high_on_what_people_send(_kind: str, model: str, vocabulary: str, kind: str) -> None:
    assert told_figures(kind, model, vocabulary).low == 0


def test_more_is_held_for_a_model_that_makes_more_tokens_of_a_text() -> None:
    models = ("gpt-4o", "claude-sonnet-4-5", "anthropic/claude-opus-5")

    assert [tokens_of_bytes(1_000, model) for model in models] == [500, 625, 825]


def test_the_prices_page_states_the_figures_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs/prices.md").read_text()

    assert [row for row in map(told_row, TEXT_KINDS) if row not in page] == []
