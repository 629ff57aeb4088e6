"""What changed between two price lists, in lines for a person."""

import json

import msgspec

from tests.core.money.price_builders import (
    BANDED,
    DEARER,
    NO_REVIEWS,
    PLAIN,
    TODAY,
    a_model,
    a_source,
    flat,
    two_models,
)
from tools import build_prices, price_changes, price_table, price_text
from tools.price_siblings import Listing
from tools.price_sources import Period

# What changed


def test_what_changed_names_models_that_came_and_went_and_each_rate() -> None:
    before = a_source("l", m=a_model(PLAIN), old=a_model(PLAIN))
    after = a_source("l", m=a_model(BANDED), new=a_model({"standard": flat(input=10**9, output=25 * 10**8)}))

    assert price_changes.source_changes(before, after) == [
        "new    openai new: input $1, output $2.5",
        "gone   openai old",
        "change openai m",
        "         standard.output: $0.0000004 → $0.0000004, above 9,000 tokens $0.0000005",
    ]


def test_changes_of_the_table_are_shown_once_for_models_and_rates_that_change_alike() -> None:
    genai, litellm = two_models()
    before = price_table.build(genai, litellm, NO_REVIEWS)
    for source in (genai, litellm):
        for name, tiers in (("m", PLAIN), ("n", DEARER)):
            dearer = {"standard": tiers["standard"] | flat(web_search=70, document_search=70)}
            source.models["openai"][name] = msgspec.structs.replace(
                source.models["openai"][name], periods=[Period(TODAY, dearer)]
            )

    changes = price_changes.table_changes(before, price_table.build(genai, litellm, NO_REVIEWS))

    assert changes == [
        "change openai m, openai n",
        "         standard.web_search: $0.000000007 a call → $0.00000007 a call",
        "         standard.document_search: $0.000000003 a call → $0.00000007 a call",
    ]


def test_a_table_is_read_back_as_it_was_rendered() -> None:
    genai, litellm = (build_prices.load_extract(path) for path in (build_prices.GENAI, build_prices.LITELLM))
    table = price_table.build(genai, litellm, build_prices.load_reviews())

    again = price_text.read_table(json.loads(price_text.render_table(table, genai, litellm)))

    assert price_changes.table_changes(table, again) == price_changes.table_changes(again, table) == []
    assert {type(listing) for models in again.values() for listing in models.values()} == {Listing}
