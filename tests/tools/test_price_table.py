"""The price table is what two agreeing sources state, and what is made of what nobody states."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Literal

import msgspec
import pytest

from tests.core.money.price_builders import (
    NO_REVIEWS,
    PLAIN,
    TODAY,
    a_model,
    a_source,
    both,
    disagreeing,
    flat,
    rows_of,
)
from tools import build_prices, price_sources, price_table, price_text
from tools.price_review import (
    Exclusion,
    Limit,
    Review,
    Reviews,
    UnreviewedPrices,
    problems,
)
from tools.price_sources import RATES, Period, SourceExtract, Tiers


def test_the_committed_table_is_what_its_inputs_give() -> None:
    assert build_prices.TABLE.read_text() == build_prices.committed_table()


def test_the_committed_sources_agree_or_are_reviewed() -> None:
    genai = build_prices.load_extract(build_prices.GENAI)
    litellm = build_prices.load_extract(build_prices.LITELLM)

    assert problems(genai, litellm, build_prices.load_reviews()) == []


def test_without_its_reviews_the_committed_sources_would_be_refused() -> None:
    genai = build_prices.load_extract(build_prices.GENAI)
    litellm = build_prices.load_extract(build_prices.LITELLM)

    with pytest.raises(UnreviewedPrices) as caught:
        price_table.build(genai, litellm, NO_REVIEWS)

    assert len(caught.value.problems) > 20
    assert not any("batch" in problem for problem in caught.value.problems)


CHEAP_AS_LISTED = [
    "gpt-4o-audio-preview",
    "gpt-4o-mini-audio-preview",
    "claude-opus-5-latest",
    "gemini-2.5-flash-latest",
]


@pytest.mark.parametrize("name", CHEAP_AS_LISTED)
def test_without_its_alias_a_name_that_the_sources_list_too_cheap_would_be_refused(name: str) -> None:
    genai = build_prices.load_extract(build_prices.GENAI)
    litellm = build_prices.load_extract(build_prices.LITELLM)
    reviews = build_prices.load_reviews()
    others = [alias for alias in reviews.alias if name not in alias.models]

    _, undecided = price_table.draft(genai, litellm, msgspec.structs.replace(reviews, alias=others))

    assert any(line.startswith("too cheap:") and f" {name} " in line for line in undecided)


@pytest.mark.parametrize("path", [build_prices.GENAI, build_prices.LITELLM])
def test_an_extract_is_kept_in_the_form_in_which_it_is_written(path: Any) -> None:
    assert price_text.render_extract(build_prices.load_extract(path)) == path.read_text()


# The gate


def a_review(believe: Literal["genai-prices", "litellm", "dearer"]) -> Reviews:
    return Reviews([Review("openai", ["m"], ["standard.output"], believe, "because")], [])


def test_an_unreviewed_disagreement_stops_the_build() -> None:
    with pytest.raises(UnreviewedPrices, match=r"m standard\.output .* 400, litellm 450"):
        price_table.build(*disagreeing(), NO_REVIEWS)


@pytest.mark.parametrize(("believe", "rate"), [("genai-prices", 400), ("litellm", 450), ("dearer", 450)])
def test_a_reviewed_disagreement_takes_the_side_believed(believe: Any, rate: int) -> None:
    assert rows_of(*disagreeing(), a_review(believe))["standard"][0]["output"] == rate


def test_a_review_of_what_no_longer_differs_stops_the_build() -> None:
    with pytest.raises(UnreviewedPrices, match="stale review"):
        price_table.build(*both(PLAIN), a_review("dearer"))


def test_a_review_excuses_no_other_rate() -> None:
    genai, litellm = disagreeing()
    both_differ = a_model({"standard": flat(input=101, output=450, web_search=7)})
    litellm = msgspec.structs.replace(litellm, models={"openai": {"m": both_differ}})

    with pytest.raises(UnreviewedPrices, match=r"standard\.input"):
        price_table.build(genai, litellm, a_review("dearer"))


def test_one_token_between_two_readings_of_a_bound_is_no_disagreement() -> None:
    from_bound: Tiers = {"standard": {"input": {0: 1, 199_999: 2}, "output": {0: 4}}}
    above_bound: Tiers = {"standard": {"input": {0: 1, 200_000: 2}, "output": {0: 4}}}
    genai, litellm = a_source("g", m=a_model(from_bound)), a_source("l", m=a_model(above_bound))
    litellm.models["openai"]["other"] = a_model(PLAIN)

    assert list(rows_of(genai, litellm)["standard"]) == [0, 199_999]


def test_a_band_that_one_source_leaves_out_is_a_disagreement() -> None:
    banded: Tiers = {"standard": {"input": {0: 100, 200_000: 200}, "output": {0: 400}}}
    genai, litellm = a_source("g", m=a_model(banded)), a_source("l", m=a_model(PLAIN))

    with pytest.raises(UnreviewedPrices, match=r"standard\.input from 200002"):
        price_table.build(genai, litellm, NO_REVIEWS)


def test_an_excluded_name_is_not_in_the_table() -> None:
    reviews = Reviews([], [Exclusion("openai", "m|n", "because")])

    assert price_table.build(*both(PLAIN), reviews) == {"openai": {}}


def a_limit(**limits: int) -> Reviews:
    return Reviews([], [], [Limit("openai", ["m"], "the provider's page", **limits)])


def without_limits(*sources: SourceExtract) -> tuple[SourceExtract, ...]:
    for source in sources:
        model = source.models["openai"]["m"]
        source.models["openai"]["m"] = msgspec.structs.replace(model, output_tokens_max=None)
    return sources


def test_a_limit_that_nobody_states_is_the_reviewed_one() -> None:
    genai, litellm = without_limits(*both(PLAIN))

    listing = price_table.build(genai, litellm, a_limit(output_tokens_max=4_096))["openai"]["m"]

    assert listing.output_tokens_max == 4_096


def test_a_reviewed_limit_that_a_source_has_come_to_state_stops_the_build() -> None:
    with pytest.raises(UnreviewedPrices, match="stale limit: a source states output_tokens_max"):
        price_table.build(*both(PLAIN), a_limit(output_tokens_max=4_096))


def test_a_reviewed_limit_of_a_model_that_is_not_listed_any_more_stops_the_build() -> None:
    reviews = Reviews([], [], [Limit("openai", ["gone"], "because", output_tokens_max=1)])

    with pytest.raises(UnreviewedPrices, match="no source lists openai gone"):
        price_table.build(*both(PLAIN), reviews)


ABSURD = [
    (flat(input=100, audio_input=50, cached_audio_input=60, output=400, web_search=7), "cached audio_input is dearer"),
    (flat(input=100, cached_input=101, output=400, web_search=7), "cached input is dearer"),
    ({**flat(output=400, web_search=7), "input": {0: 100, 9_000: 90}}, "a rate falls"),
]


@pytest.mark.parametrize(("standard", "complaint"), ABSURD)
def test_rates_that_make_no_sense_stop_the_build(standard: Any, complaint: str) -> None:
    with pytest.raises(UnreviewedPrices, match=complaint):
        price_table.build(*both({"standard": standard}), NO_REVIEWS)


# What nobody states


def test_what_is_not_stated_falls_back_by_name() -> None:
    row = rows_of(*both(PLAIN))["standard"][0]

    unstated_input = ("cached_input", "cache_write_5m", "cache_write_1h", "audio_input", "image_input", "video_input")
    assert {row[kind] for kind in unstated_input} == {100}
    assert {row[kind] for kind in ("reasoning", "audio_output", "image_output")} == {400}


def test_a_search_is_never_free() -> None:
    unpriced = a_model({"standard": flat(input=100, output=400)})
    genai, litellm = both(PLAIN)
    genai.models["openai"]["n"] = unpriced

    listing = price_table.build(genai, litellm, NO_REVIEWS)["openai"]["n"]

    assert listing.periods[0][1]["standard"][0][RATES.index("web_search")] == 7


CACHED_AUDIO = [
    (flat(), 100),
    (flat(cached_input=10), 10),
    (flat(cached_input=10, audio_input=300), 300),
    (flat(cached_input=10, audio_input=300, cached_audio_input=30), 30),
]


@pytest.mark.parametrize(("stated", "rate"), CACHED_AUDIO)
def test_cached_audio_is_audio_unless_the_model_has_one_price_for_all_it_reads(stated: Any, rate: int) -> None:
    row = rows_of(*both({"standard": PLAIN["standard"] | stated}))["standard"][0]

    assert row["cached_audio_input"] == rate


def test_a_rate_that_repeats_the_input_rises_with_it() -> None:
    standard = PLAIN["standard"] | {"input": {0: 100, 9_000: 200}, "image_input": {0: 100}}

    assert rows_of(*both({"standard": standard}))["standard"][9_000]["image_input"] == 200


def test_a_discount_that_states_no_cached_rate_leaves_it_at_the_standard_one() -> None:
    standard = flat(input=100, cached_input=10, output=400, web_search=7)

    rows = rows_of(*both({"standard": standard, "flex": flat(input=50, output=200)}))

    assert rows["flex"][0]["cached_input"] == 10
    assert rows["flex"][0]["reasoning"] == 200


def test_a_premium_that_states_no_cached_rate_raises_it_like_the_input() -> None:
    standard = flat(input=100, cached_input=10, output=400, web_search=7)

    rows = rows_of(*both({"standard": standard, "priority": flat(input=200, output=800)}))

    assert rows["priority"][0]["cached_input"] == 20
    assert rows["priority"][0]["web_search"] == 7


def test_a_tier_without_bands_of_its_own_rises_with_the_standard_ones() -> None:
    standard = {**flat(web_search=7), "input": {0: 100, 9_000: 200}, "output": {0: 400, 9_000: 600}}

    rows = rows_of(*both({"standard": standard, "flex": flat(input=50, output=200)}))

    assert (rows["flex"][9_000]["input"], rows["flex"][9_000]["output"]) == (100, 300)


def test_an_announced_price_moves_what_only_the_other_source_states() -> None:
    later = Period("2027-01-01", {"standard": flat(input=200, output=800, web_search=7)})
    genai = a_source("g", m=a_model(PLAIN, later))
    litellm = a_source("l", m=a_model({**PLAIN, "priority": flat(input=180, output=720)}))

    periods = price_table.build(genai, litellm, NO_REVIEWS)["openai"]["m"].periods

    assert [day for day, _ in periods] == [TODAY, "2027-01-01"]
    after = dict(zip(RATES, periods[1][1]["priority"][0], strict=True))
    assert (after["input"], after["output"], after["web_search"]) == (360, 1_440, 7)


# The text


def test_the_version_changes_with_the_contents_alone() -> None:
    genai, litellm = both(PLAIN)
    table = price_table.build(genai, litellm, NO_REVIEWS)
    listing = table["openai"]["m"]
    changed = {"openai": {"m": replace(listing, output_tokens_max=1)}}

    versions = [
        json.loads(price_text.render_table(one, genai, litellm))["version"] for one in (table, dict(table), changed)
    ]

    assert versions[0] == versions[1] != versions[2]


def test_names_that_cost_the_same_are_listed_together() -> None:
    genai, litellm = both(PLAIN)
    litellm.models["openai"]["n"] = litellm.models["openai"]["m"]
    table = price_table.build(genai, litellm, NO_REVIEWS)

    models = json.loads(price_text.render_table(table, genai, litellm))["models"]

    assert [entry["names"] for entry in models["openai"]] == [["m", "n"]]


# The sources


def test_litellm_fields_become_rates_by_tier_and_band() -> None:
    entry = {
        "litellm_provider": "gemini",
        "mode": "chat",
        "max_input_tokens": 1_000,
        "max_output_tokens": 50,
        "input_cost_per_token": Decimal("1.25e-06"),
        "input_cost_per_token_above_200k_tokens": Decimal("2.5e-06"),
        "input_cost_per_token_batches": Decimal("6.25e-07"),
        "input_cost_per_token_flex": Decimal("6.25e-07"),
        "input_cost_per_audio_token": Decimal("3e-06"),
        "cache_read_input_audio_token_cost": Decimal("3e-07"),
        "input_cost_per_image_token": Decimal("4.5e-07"),
        "input_cost_per_video_token": Decimal("12e-06"),
        "deprecation_date": "2026-11-24",
        "cache_creation_input_token_cost_above_1hr": Decimal("4e-06"),
        "output_cost_per_token": Decimal("0.00001"),
        "output_cost_per_reasoning_token": 0,
        "search_context_cost_per_query": {"low": Decimal("0.01"), "high": Decimal("0.035")},
        "provider_specific_entry": {"fast": 2, "us": Decimal("1.1")},
    }

    model = price_sources.litellm_models({"gemini/g": entry}, date(2026, 11, 24))["gemini"]["g"]

    tiers = model.periods[0].tiers
    assert tiers["standard"] == {
        "input": {0: 1_250_000_000, 200_000: 2_500_000_000},
        "cache_write_1h": {0: 4_000_000_000},
        "audio_input": {0: 3_000_000_000},
        "cached_audio_input": {0: 300_000_000},
        "image_input": {0: 450_000_000},
        "video_input": {0: 12_000_000_000},
        "output": {0: 10_000_000_000},
        "web_search": {0: 35_000_000},
    }
    assert model.is_retired
    assert set(tiers) == {"standard", "flex", "fast", "us", "fast_us"}
    assert tiers["flex"] == {"input": {0: 625_000_000}}
    assert tiers["fast"]["output"] == {0: 20_000_000_000}
    assert tiers["fast_us"]["output"] == {0: 22_000_000_000}


NOT_TAKEN = [
    {"litellm_provider": "bedrock", "mode": "chat", "input_cost_per_token": Decimal("1e-06")},
    {"litellm_provider": "openai", "mode": "realtime", "input_cost_per_token": Decimal("1e-06")},
    {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": Decimal(1)},
    {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 0, "output_cost_per_image": Decimal("0.04")},
    {"litellm_provider": "openai", "mode": "chat", "input_cost_per_second": Decimal(1)},
]


@pytest.mark.parametrize("entry", NOT_TAKEN)
def test_what_cannot_be_metered_or_states_no_price_is_not_taken(entry: dict[str, Any]) -> None:
    models = price_sources.litellm_models({"m": entry}, date(2026, 11, 24))

    assert not any(models.values())


def test_genai_prices_are_resolved_by_its_own_matching_and_dates() -> None:
    later = SimpleNamespace(start_date=date(2027, 1, 1), active=lambda moment: moment.year >= 2027)
    old = SimpleNamespace(input_mtok=Decimal("0.75"), web_searches_kcount=Decimal(14))
    new = SimpleNamespace(
        input_mtok=SimpleNamespace(base=Decimal(1), tiers=[SimpleNamespace(start=9, price=Decimal(2))])
    )
    model = SimpleNamespace(
        id="g-1",
        match=SimpleNamespace(or_=[SimpleNamespace(equals="g-one"), SimpleNamespace(starts_with="g-1")]),
        is_match=lambda name: name == "g-one" or name.startswith("g-1"),
        context_window=500,
        deprecated=None,
        prices=[SimpleNamespace(constraint=None), SimpleNamespace(constraint=later)],
        price_variants=[
            SimpleNamespace(
                when={"service_tier": "flex"}, prices=SimpleNamespace(input_mtok=Decimal("0.5")), constraint=later
            ),
            SimpleNamespace(
                when={"processing": "batch"}, prices=SimpleNamespace(input_mtok=Decimal(1)), constraint=None
            ),
        ],
        get_prices=lambda moment: new if moment.year >= 2027 else old,
    )
    provider = SimpleNamespace(id="google", models=[model])

    read = price_sources.genai_models([provider], date(2026, 11, 24), {"gemini": ["g-1-x", "h"]})

    assert set(read["gemini"]) == {"g-1", "g-one", "g-1-x"}
    first, second = read["gemini"]["g-1-x"].periods
    assert first == Period("2026-11-24", {"standard": {"input": {0: 750_000_000}, "web_search": {0: 14_000_000}}})
    assert second.starts_on == "2027-01-01"
    assert second.tiers == {
        "standard": {"input": {0: 1_000_000_000, 9: 2_000_000_000}},
        "flex": {"input": {0: 500_000_000}},
    }


def test_a_model_that_costs_nothing_in_any_unit_is_stated_as_free() -> None:
    entry = {
        "litellm_provider": "gemini",
        "mode": "chat",
        "input_cost_per_token": Decimal(0),
        "output_cost_per_token": 0,
    }
    model = SimpleNamespace(
        id="g",
        match=SimpleNamespace(equals="g"),
        is_match=lambda name: name == "g",
        context_window=None,
        deprecated=None,
        prices=SimpleNamespace(),
        price_variants=None,
        get_prices=lambda moment: SimpleNamespace(),
    )

    ours = price_sources.genai_models([SimpleNamespace(id="google", models=[model])], date(2026, 11, 24), {})
    theirs = price_sources.litellm_models({"gemini/g": entry}, date(2026, 11, 24))

    for models in (ours, theirs):
        assert models["gemini"]["g"].periods[0].tiers == {"standard": {"input": {0: 0}, "output": {0: 0}}}
