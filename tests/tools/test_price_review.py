"""What a person has decided about prices stands, is asked for where it is missing, and goes when it is not needed."""

from dataclasses import replace

import msgspec
import pytest

from tests.core.money.price_builders import (
    BANDED,
    DEARER,
    NO_REVIEWS,
    PLAIN,
    a_model,
    a_source,
    both,
    disagreeing,
    flat,
    rows_of,
    two_models,
)
from tools import price_table
from tools.price_review import Alias, Cheaper, Exclusion, Free, Limit, Retired, Reviews, StatedRates, UnreviewedPrices
from tools.price_sources import RATES, Tiers

# What a person states


def stated(models: list[str], **rates: str) -> Reviews:
    named = {place.replace("__", "."): usd for place, usd in rates.items()}
    return Reviews(state=[StatedRates("openai", models, named, "the provider's page", "because")])


def test_a_stated_rate_stands_where_both_sources_lack_it() -> None:
    rows = rows_of(*both(PLAIN), stated(["m*"], standard__audio_input="40"))

    assert (rows["standard"][0]["audio_input"], rows["standard"][0]["input"]) == (40 * 10**9, 100)


def test_a_stated_rate_stands_where_the_sources_differ_or_are_wrong() -> None:
    assert rows_of(*disagreeing(), stated(["m"], standard__output="1"))["standard"][0]["output"] == 10**9


def test_a_stated_fee_is_that_of_every_model_it_names() -> None:
    rows = rows_of(*both(PLAIN), stated(["*"], standard__web_search="0.005"))

    assert rows["standard"][0]["web_search"] == 5_000_000


def test_a_model_that_no_source_lists_is_listed_by_what_is_stated_of_it() -> None:
    reviews = stated(["brand-new"], standard__input="1.25", standard__output="2.5")
    reviews = msgspec.structs.replace(reviews, limit=[Limit("openai", ["brand-new"], "because", 9_000, 100)])

    listing = price_table.build(*both(PLAIN), reviews)["openai"]["brand-new"]

    row = dict(zip(RATES, listing.periods[0][1]["standard"][0], strict=True))
    assert (row["input"], row["reasoning"], row["web_search"]) == (1_250_000_000, 2_500_000_000, 7)
    assert (listing.is_current, listing.input_tokens_max, listing.output_tokens_max) == (True, 9_000, 100)


BAD_STATEMENTS = [
    (stated(["m"], standard__output="0.0000004"), "stale statement: a source states standard.output of openai m"),
    (stated(["gone-*"], standard__output="1"), "stale statement: nothing listed is openai gone-"),
    (
        stated(["brand-new"], standard__output="1"),
        "nothing listed is openai brand-new, and a new model needs standard.input",
    ),
]


@pytest.mark.parametrize(("reviews", "complaint"), BAD_STATEMENTS, ids=lambda value: str(value)[:30])
def test_a_statement_that_is_stale_or_says_too_little_stops_the_build(reviews: Reviews, complaint: str) -> None:
    with pytest.raises(UnreviewedPrices, match=complaint):
        price_table.build(*both(PLAIN), reviews)


@pytest.mark.parametrize("usd", ["0", "-1", "1e3", "free", "", "1_0", "NaN"])
def test_a_stated_rate_is_a_plain_decimal_above_zero(usd: str) -> None:
    with pytest.raises(ValueError, match="must be a decimal number of dollars above zero"):
        stated(["m"], standard__input=usd)


def test_a_stated_rate_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"standard\.inptu is not tier\.rate"):
        stated(["m"], standard__inptu="1")


def an_alias(*models: str, of: str) -> Reviews:
    return Reviews(alias=[Alias("openai", list(models), of, "because")])


def test_a_name_is_billed_as_the_model_it_is_an_alias_of() -> None:
    table = price_table.build(*two_models(), an_alias("m", "unlisted", of="n"))["openai"]

    assert table["m"] == table["unlisted"] == replace(table["n"], is_current=False)


def test_an_alias_settles_what_the_sources_make_of_its_name() -> None:
    genai, litellm = disagreeing()
    for source in (genai, litellm):
        source.models["openai"]["n"] = a_model(DEARER)

    assert price_table.build(genai, litellm, an_alias("m", of="n"))


BAD_ALIASES = [
    (an_alias("m", of="gone"), "bad alias: openai gone is not listed"),
    (an_alias("m2", of="m"), "stale alias: openai m2 is priced as m without it"),
    (Reviews(alias=[*an_alias("n", of="m").alias, *an_alias("x", of="n").alias]), "bad alias: openai n is an alias"),
    (Reviews(alias=[*an_alias("n", of="m").alias, *an_alias("n", of="m2").alias]), "bad alias: openai n has two"),
]


@pytest.mark.parametrize(("reviews", "complaint"), BAD_ALIASES, ids=lambda value: str(value)[:40])
def test_an_alias_that_leads_nowhere_or_changes_nothing_stops_the_build(reviews: Reviews, complaint: str) -> None:
    genai, litellm = two_models()
    for source in (genai, litellm):
        source.models["openai"]["m2"] = source.models["openai"]["m"]

    with pytest.raises(UnreviewedPrices, match=complaint):
        price_table.build(genai, litellm, reviews)


FREE_TIERS: Tiers = {"standard": flat(input=0, output=0)}


def test_a_price_of_zero_is_believed_only_where_a_person_says_so() -> None:
    genai, litellm = two_models()
    litellm.models["openai"]["gift"] = a_model(FREE_TIERS)
    said = Reviews(free=[Free("openai", ["gift"], "because")])

    with pytest.raises(UnreviewedPrices, match="unreviewed: openai gift has a price of zero"):
        price_table.build(genai, litellm, NO_REVIEWS)
    row = price_table.build(genai, litellm, said)["openai"]["gift"].periods[0][1]["standard"][0]

    assert {rate for kind, rate in zip(RATES, row, strict=True) if "search" not in kind} == {0}


def test_a_model_said_to_be_free_that_has_a_price_by_now_stops_the_build() -> None:
    with pytest.raises(UnreviewedPrices, match="stale free: openai m is listed at no zero"):
        price_table.build(*both(PLAIN), Reviews(free=[Free("openai", ["m"], "because")]))


def test_what_a_source_or_a_person_calls_retired_stands_in_for_nothing() -> None:
    genai, litellm = two_models()
    litellm.models["openai"]["m"] = msgspec.structs.replace(litellm.models["openai"]["m"], is_retired=True)

    table = price_table.build(genai, litellm, Reviews(retired=[Retired("openai", ["n*"], "because")]))["openai"]

    assert (table["m"].is_current, table["n"].is_current) == (False, False)


def test_a_retirement_that_the_sources_know_of_stops_the_build() -> None:
    genai, litellm = two_models()
    genai.models["openai"]["n"] = msgspec.structs.replace(genai.models["openai"]["n"], is_retired=True)

    with pytest.raises(UnreviewedPrices, match="stale retirement: nothing that openai n names is current"):
        price_table.build(genai, litellm, Reviews(retired=[Retired("openai", ["n"], "because")]))


def test_an_exclusion_of_nothing_stops_the_build() -> None:
    with pytest.raises(UnreviewedPrices, match="stale exclusion"):
        price_table.build(*both(PLAIN), Reviews(exclude=[Exclusion("openai", "gone-.*", "because")]))


# No name is cheaper than what it leads to

CHEAPER = [
    ("m", "m-2026-01-31", PLAIN, DEARER, r"m standard\.input is 100 above 0 tokens, not the 900"),
    ("m-latest", "m-2026-01-31", PLAIN, DEARER, r"m-latest standard\.input is 100"),
    ("m-latest", "m", PLAIN, DEARER, r"m-latest standard\.input is 100"),
    ("m", "m-0613", PLAIN, {**PLAIN, "standard": {**PLAIN["standard"], **flat(audio_input=300)}}, "audio_input is 100"),
    ("m", "m-001", PLAIN, {**PLAIN, "us": flat(input=110, output=440)}, "m leaves out us"),
    ("m", "m-001", {**PLAIN, "flex": flat(input=50)}, {**PLAIN, "flex": flat(input=60)}, r"flex\.input is 50"),
    ("m", "m-2026-01-31", PLAIN, BANDED, r"standard\.output is 400 above 9000 tokens, not the 500"),
]


@pytest.mark.parametrize(("name", "sibling", "cheap", "dear", "complaint"), CHEAPER)
def test_an_undated_name_may_state_no_rate_below_its_dated_siblings(
    name: str, sibling: str, cheap: Tiers, dear: Tiers, complaint: str
) -> None:
    sources = [a_source(each, **{name: a_model(cheap), sibling: a_model(dear)}) for each in ("g", "l")]

    with pytest.raises(UnreviewedPrices, match=complaint):
        price_table.build(sources[0], sources[1], NO_REVIEWS)
    excused = Reviews(cheaper=[Cheaper("openai", name, [sibling], "because")])
    assert price_table.build(sources[0], sources[1], excused)


NOT_CHEAPER = [
    ("m-2026-01-31", "m", PLAIN, DEARER),
    ("m", "m-pro", PLAIN, DEARER),
    ("m", "m-2026-01-31", PLAIN, {**PLAIN, "flex": flat(input=50, output=200)}),
]


@pytest.mark.parametrize(("name", "other", "cheap", "dear"), NOT_CHEAPER)
def test_a_version_may_be_cheaper_than_its_name_as_may_another_model(
    name: str, other: str, cheap: Tiers, dear: Tiers
) -> None:
    sources = [a_source(each, **{name: a_model(cheap), other: a_model(dear)}) for each in ("g", "l")]

    assert price_table.build(sources[0], sources[1], NO_REVIEWS)


def test_an_excuse_that_is_not_needed_stops_the_build() -> None:
    with pytest.raises(UnreviewedPrices, match="stale excuse: openai m is not cheaper than m-"):
        price_table.build(*both(PLAIN), Reviews(cheaper=[Cheaper("openai", "m", ["m-*"], "because")]))
