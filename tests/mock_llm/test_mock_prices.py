"""The mock's own price list, written by hand, against the product's table, built from two sources: two readers of the
same price pages, so that a mistake of either shows."""

import pytest

from core.money import price_book
from core.money.price_book import Price
from mock_llm.selling.models import MODELS, Kind, Model, Rates

NOW_MS = 1_795_651_200_000
"""2026-11-26, UTC."""

CLASSES = {
    "input": "input_nanousd_per_mtok",
    "cached_input": "cached_input_nanousd_per_mtok",
    "cache_write_5m": "cache_write_5m_nanousd_per_mtok",
    "cache_write_1h": "cache_write_1h_nanousd_per_mtok",
    "audio_input": "audio_input_nanousd_per_mtok",
    "output": "output_nanousd_per_mtok",
    "audio_output": "audio_output_nanousd_per_mtok",
}
NAMES = [(model, name) for model in MODELS for name in sorted({model.name, model.answers_as, *model.aliases})]
IDS = [f"{model.provider}-{name}" for model, name in NAMES]


def price_of(model: Model, name: str) -> Price:
    price = price_book.find(model.provider, name, at_ms=NOW_MS)
    assert isinstance(price, Price)
    return price


def rate_lists(model: Model) -> list[tuple[str, int, Rates]]:
    """Every list of rates the mock states: service tier, a prompt size it applies to, rates. The bound itself is left
    out: "from 200,000" and "above 200,000" are one price list read by two people."""
    lists = [("standard", 0, model.rates)]
    if model.long_context_rates is not None and model.long_context_above_tokens is not None:
        lists.append(("standard", model.long_context_above_tokens - 1, model.rates))
        lists.append(("standard", model.long_context_above_tokens + 1, model.long_context_rates))
    tiers = (("flex", model.flex_rates), ("priority", model.priority_rates))
    return lists + [(tier, 0, rates) for tier, rates in tiers if rates is not None]


@pytest.mark.parametrize(("model", "name"), NAMES, ids=IDS)
def test_the_table_charges_what_the_mock_bills(model: Model, name: str) -> None:
    price = price_of(model, name)

    differing = []
    for tier, prompt_tokens, rates in rate_lists(model):
        listed = price.rates(prompt_tokens=prompt_tokens, service_tier=tier)
        for ours, theirs in CLASSES.items():
            billed = getattr(rates, ours)
            is_generated = ours in ("output", "audio_output")
            if billed is not None and not (is_generated and model.kind is Kind.EMBEDDING):
                charged = getattr(listed, theirs)
                if charged != billed:
                    differing.append((tier, prompt_tokens, ours, billed, charged))
    assert differing == []


@pytest.mark.parametrize(("model", "name"), NAMES, ids=IDS)
def test_the_table_allows_for_as_long_an_answer_as_the_mock_writes(model: Model, name: str) -> None:
    if model.kind is not Kind.EMBEDDING:
        assert price_of(model, name).output_tokens_max == model.output_tokens_max


SEARCHERS = [case for case in NAMES if case[0].web_search_nanousd is not None]


@pytest.mark.parametrize(("model", "name"), SEARCHERS, ids=[name for _, name in SEARCHERS])
def test_the_table_charges_searches_as_the_mock_bills_them(model: Model, name: str) -> None:
    price = price_of(model, name)

    fee = price.rates(prompt_tokens=0, service_tier=None).web_search_nanousd_per_call

    assert (fee, price.bills_search_once) == (model.web_search_nanousd, model.is_search_billed_once)
