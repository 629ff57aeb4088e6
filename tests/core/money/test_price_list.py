"""Prices with what platform and tenant have stated over them: total, in their order, and never rounded down."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import price_book
from core.money.derived_price import UNCACHED
from core.money.price_book import STANDARD, Price, Rates, Unpriced
from core.money.price_list import SPELLINGS_MAX, TABLE, PriceList, price_list
from core.money.price_terms import FREE, NO_TERMS, PARTS, PriceTerms, StatedModel
from core.money.pricing import cost_nanousd
from core.money.usage import Usage
from core.providers import PROVIDERS

NOW_MS = 1_795_478_400_000
USD = 1_000_000_000
MINI, LARGE = "gpt-4o-mini", "gpt-4o"
LISTED = [(provider, model) for provider in PROVIDERS for model in price_book.models(provider)]
RATES = Rates.__struct_fields__
TIERS = (None, "flex", "priority", "batch", "fast", "unheard-of")


def a_model(**rates: int) -> StatedModel:
    """Rates by the beginning of their name, such as `output`."""
    return StatedModel({next(each for each in RATES if each.startswith(name)): rate for name, rate in rates.items()})


def terms(
    provider: str = "openai",
    models: dict[str, StatedModel] | None = None,
    aliases: dict[str, str] | None = None,
    discount: int | None = None,
) -> PriceTerms:
    return PriceTerms(
        {provider: models} if models else {},
        {provider: aliases} if aliases else {},
        {} if discount is None else {provider: discount},
    )


def found(prices: PriceList, model: str, provider: str = "openai") -> Price:
    price = prices.find(provider, model, at_ms=NOW_MS)
    assert isinstance(price, Price), price
    return price


def rates_of(price: Price, tier: str | None = None, prompt_tokens: int = 0) -> Rates:
    return price.rates(prompt_tokens=prompt_tokens, service_tier=tier)


def all_rates(price: Price) -> list[tuple[str, int, Rates]]:
    return [(tier, band.above_prompt_tokens, band.rates) for tier, bands in price.tiers.items() for band in bands]


# Over the table ---------------------------------------------------------------------------------------------


@given(st.sampled_from(LISTED))
def test_without_documents_a_price_list_is_the_table(model: tuple[str, str]) -> None:
    assert TABLE.find(*model, at_ms=NOW_MS) == price_book.find(*model, at_ms=NOW_MS)
    assert TABLE.providers_of(model[1]) == price_book.providers_of(model[1])


@given(
    st.sampled_from(LISTED),
    st.dictionaries(st.sampled_from(RATES), st.integers(0, 10**13), min_size=1),
    st.sampled_from(TIERS),
    st.integers(0, 2_000_000),
)
def test_a_stated_rate_stands_before_the_table_and_all_others_are_there(
    model: tuple[str, str], stated: dict[str, int], tier: str | None, prompt_tokens: int
) -> None:
    provider, name = model
    price = found(PriceList(tenant=terms(provider, {name: StatedModel(stated)})), name, provider)

    standard = rates_of(price)
    for each, rate in stated.items():
        assert getattr(standard, each) == rate or each in UNCACHED
    rates = rates_of(price, tier, prompt_tokens)
    assert all(isinstance(rate, int) and rate >= 0 for rate in msgspec.structs.astuple(rates))
    for cached, uncached in UNCACHED.items():
        assert getattr(rates, cached) <= getattr(rates, uncached)


@given(st.sampled_from(LISTED), st.sets(st.sampled_from(RATES)))
def test_stating_the_listed_price_changes_nothing(model: tuple[str, str], members: set[str]) -> None:
    provider, name = model
    listed = found(TABLE, name, provider)
    stated = StatedModel({each: getattr(rates_of(listed), each) for each in members})

    assert found(PriceList(tenant=terms(provider, {name: stated})), name, provider) == listed


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_a_model_that_nobody_lists_has_a_rate_for_every_count(input_rate: int, output_rate: int) -> None:
    price = found(PriceList(tenant=terms(models={"ours": a_model(input=input_rate, output=output_rate)})), "ours")

    rates = rates_of(price)
    searches = rates_of(price_book.stand_in("openai", ""))
    as_input = {each for each in RATES if "input" in each or "write" in each}
    as_output = {each for each in RATES if "output" in each or "reasoning" in each}
    assert {getattr(rates, each) for each in as_input} == {input_rate}
    assert {getattr(rates, each) for each in as_output} == {output_rate}
    assert rates.web_search_nanousd_per_call == searches.web_search_nanousd_per_call > 0
    assert as_input | as_output | {"web_search_nanousd_per_call", "document_search_nanousd_per_call"} == set(RATES)


def test_what_is_listed_as_another_rate_goes_on_following_it() -> None:
    listed = rates_of(found(TABLE, MINI))
    assert listed.reasoning_nanousd_per_mtok == listed.output_nanousd_per_mtok
    assert listed.cached_input_nanousd_per_mtok < listed.input_nanousd_per_mtok

    rates = rates_of(found(PriceList(tenant=terms(models={MINI: a_model(input=USD, output=9 * USD)})), MINI))

    assert rates.reasoning_nanousd_per_mtok == 9 * USD
    assert rates.image_input_nanousd_per_mtok == USD
    assert rates.cached_input_nanousd_per_mtok == listed.cached_input_nanousd_per_mtok


def test_what_comes_from_a_cache_never_costs_more_than_what_does_not() -> None:
    rates = rates_of(found(PriceList(tenant=terms(models={MINI: a_model(input=10)})), MINI))

    assert rates.cached_input_nanousd_per_mtok == 10


def test_a_stated_rate_moves_with_tiers_and_bands_as_the_listed_one_does() -> None:
    listed = found(TABLE, "gemini-2.5-pro", "gemini")
    long, short = rates_of(listed, None, 300_000), rates_of(listed)
    assert long.input_nanousd_per_mtok == 2 * short.input_nanousd_per_mtok
    flex = rates_of(listed, "flex")
    assert flex.input_nanousd_per_mtok * 2 == short.input_nanousd_per_mtok

    price = found(PriceList(tenant=terms("gemini", {"gemini-2.5-pro": a_model(input=USD)})), "gemini-2.5-pro", "gemini")

    assert rates_of(price).input_nanousd_per_mtok == USD
    assert rates_of(price, None, 300_000).input_nanousd_per_mtok == 2 * USD
    assert rates_of(price, "flex").input_nanousd_per_mtok == USD // 2


def test_limits_are_stated_without_rates() -> None:
    price = found(PriceList(tenant=terms(models={MINI: StatedModel(output_tokens_max=100)})), MINI)

    assert (price.output_tokens_max, price.input_tokens_max) == (100, found(TABLE, MINI).input_tokens_max)
    assert price.tiers == found(TABLE, MINI).tiers


def test_a_free_model_costs_nothing_whatever_is_used() -> None:
    price = found(PriceList(tenant=terms(models={LARGE: FREE})), LARGE)

    everything = Usage(*[1_000] * 14)
    assert cost_nanousd(everything, price) == cost_nanousd(everything, price, service_tier="priority") == 0
    assert not price.is_estimate


# Names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "is_stated"),
    [
        ("gpt-4o-mini", True),
        ("GPT-4o-mini", True),
        ("gpt-4o-mini-2024-07-18", True),
        ("gpt-4o-mini-latest", True),
        ("gpt-4o", False),
        ("gpt-4o-mini-high", False),
    ],
)
def test_a_stated_name_stands_for_itself_and_one_version(asked: str, is_stated: bool) -> None:
    price = PriceList(tenant=terms(models={MINI: a_model(output=7)})).find("openai", asked, at_ms=NOW_MS)

    assert (isinstance(price, Price) and rates_of(price).output_nanousd_per_mtok == 7) == is_stated


def test_a_version_that_is_listed_at_a_price_of_its_own_is_another_model() -> None:
    dated = "gpt-4o-2024-05-13"
    assert rates_of(found(TABLE, dated)) != rates_of(found(TABLE, LARGE))

    prices = PriceList(tenant=terms(models={LARGE: a_model(output=7)}))

    assert found(prices, dated) == found(TABLE, dated)
    assert rates_of(found(prices, "gpt-4o-2024-11-20")).output_nanousd_per_mtok == 7


def test_an_alias_is_billed_as_the_model_that_it_leads_to() -> None:
    prices = PriceList(tenant=terms(aliases={"my-model": MINI}))

    assert found(prices, "my-model") == found(TABLE, MINI)
    assert found(prices, "My-Model-2026-01-01") == found(TABLE, MINI)
    assert prices.providers_of("my-model") == ("openai",)
    assert "my-model" in prices.models("openai")
    assert prices.find("groq", "my-model", at_ms=NOW_MS) == Unpriced("groq", "my-model")


def test_an_alias_that_leads_nowhere_any_more_is_a_model_without_a_price() -> None:
    prices = PriceList(tenant=terms(aliases={"my-model": "gone"}))

    assert prices.find("openai", "my-model", at_ms=NOW_MS) == Unpriced("openai", "my-model")


def test_a_report_s_spelling_finds_what_is_stated() -> None:
    prices = PriceList(tenant=terms(models={"ours": a_model(input=1, output=2)}))

    for provider, model in (
        ("OpenAI", "ours"),
        (None, "openai/ours"),
        (None, "gateway/openai/ours"),
        ("azure", "ours"),
    ):
        price = prices.find_reported(provider, model, at_ms=NOW_MS)
        assert (price.model, price.is_estimate) == ("ours", False)
    assert prices.find_reported("openai", "theirs", at_ms=NOW_MS).is_estimate


# Who stands before whom ---------------------------------------------------------------------------------------


def test_the_tenant_stands_before_the_platform_and_the_platform_before_the_table() -> None:
    platform = terms(models={MINI: a_model(input=5, output=6), LARGE: a_model(output=8)})
    tenant = terms(models={MINI: a_model(output=7)})
    prices = PriceList(platform=platform, tenant=tenant)

    mini, large = rates_of(found(prices, MINI)), rates_of(found(prices, LARGE))
    assert (mini.input_nanousd_per_mtok, mini.output_nanousd_per_mtok) == (5, 7)
    assert large.output_nanousd_per_mtok == 8
    assert large.input_nanousd_per_mtok == rates_of(found(TABLE, LARGE)).input_nanousd_per_mtok


def test_a_tenant_s_alias_may_lead_to_what_the_platform_states_or_bills_as_another() -> None:
    platform = terms(models={"theirs": a_model(input=3, output=4)}, aliases={"old": MINI})
    prices = PriceList(platform=platform, tenant=terms(aliases={"mine": "theirs", "ours": "old"}))

    assert rates_of(found(prices, "mine")).output_nanousd_per_mtok == 4
    assert found(prices, "ours") == found(TABLE, MINI)


@given(st.sampled_from(LISTED), st.integers(0, PARTS - 1))
def test_a_discount_is_taken_off_every_rate_and_never_rounded_down(model: tuple[str, str], parts_off: int) -> None:
    provider, name = model
    listed = found(TABLE, name, provider)

    price = found(PriceList(tenant=terms(provider, discount=parts_off)), name, provider)

    kept = Fraction(PARTS - parts_off, PARTS)
    for (tier, above, rates), (_, _, before) in zip(all_rates(price), all_rates(listed), strict=True):
        for rate, whole in zip(msgspec.structs.astuple(rates), msgspec.structs.astuple(before), strict=True):
            assert 0 <= rate - whole * kept < 1, (tier, above)


def test_the_tenant_s_discount_takes_the_place_of_the_platform_s() -> None:
    platform = terms(discount=PARTS // 2)
    whole = rates_of(found(TABLE, MINI)).output_nanousd_per_mtok

    def output(tenant: PriceTerms) -> int:
        return rates_of(found(PriceList(platform=platform, tenant=tenant), MINI)).output_nanousd_per_mtok

    assert output(NO_TERMS) == whole // 2
    assert output(terms(discount=PARTS // 10)) == whole * 9 // 10
    assert output(terms(discount=0)) == whole


def test_what_somebody_states_costs_that_without_his_own_discount() -> None:
    stated = {"ours": a_model(input=100, output=200)}
    own = PriceList(tenant=terms(models=stated, discount=PARTS // 2))
    platform_s = PriceList(platform=terms(models=stated, discount=PARTS // 4), tenant=terms(discount=PARTS // 2))

    assert rates_of(found(own, "ours")).output_nanousd_per_mtok == 200
    assert rates_of(found(platform_s, "ours")).output_nanousd_per_mtok == 100
    assert rates_of(found(PriceList(platform=terms(models=stated, discount=1)), "ours")).output_nanousd_per_mtok == 200


def test_a_stand_in_is_as_dear_as_the_table_s_less_the_discount() -> None:
    prices = PriceList(tenant=terms(discount=PARTS // 2))

    price, whole = (each.stand_in("openai", "gpt-99") for each in (prices, TABLE))
    assert price.is_estimate
    assert rates_of(price).output_nanousd_per_mtok * 2 == rates_of(whole).output_nanousd_per_mtok
    assert prices.stand_in("anthropic", "claude-99") == TABLE.stand_in("anthropic", "claude-99")


# What is kept -------------------------------------------------------------------------------------------------


def test_no_spelling_of_a_caller_s_makes_the_list_grow() -> None:
    prices = PriceList(tenant=terms(models={MINI: a_model(output=7)}, discount=PARTS // 2))
    for model in (MINI, LARGE, "unheard-of"):
        prices.find("openai", model, at_ms=NOW_MS)
    kept = len(prices._derived)

    for number in range(SPELLINGS_MAX):
        prices.find("openai", f"made-up-{number}", at_ms=NOW_MS)
        prices.find("openai", f"{number}" * 1_001, at_ms=NOW_MS)
        prices.find("openai", f"{MINI}-2024-{1 + number % 12:02}-01", at_ms=NOW_MS)
        prices.stand_in("openai", f"made-up-{number}")

    assert len(prices._derived) <= kept + 1
    assert len(prices._ways) <= SPELLINGS_MAX
    assert not any(len(spelling) > 1_000 for _, spelling in prices._ways)
    assert found(prices, MINI) is found(prices, MINI)


@pytest.mark.parametrize(
    ("platform", "tenant", "mark"),
    [
        (NO_TERMS, NO_TERMS, ""),
        (terms(discount=1), NO_TERMS, "+p3"),
        (NO_TERMS, terms(discount=1), "+t5"),
        (terms(discount=1), terms(discount=1), "+p3+t5"),
    ],
)
def test_a_version_names_the_table_and_each_document_that_says_something(
    platform: PriceTerms, tenant: PriceTerms, mark: str
) -> None:
    prices = price_list(platform, 3, tenant, 5)

    assert prices.version == price_book.VERSION + mark
    assert price_list(platform, 3, tenant, 5) is prices


def test_a_later_period_of_the_table_is_not_mistaken_for_this_one() -> None:
    listings = [
        (provider, name, period.starts_at_ms)
        for provider, models in price_book._MODELS.items()
        for name, listing in models.items()
        for period in listing.periods[1:]
    ]
    for provider, name, starts_at_ms in listings:
        prices = PriceList(tenant=terms(provider, discount=0))
        for at_ms in (starts_at_ms - 1, starts_at_ms):
            assert prices.find(provider, name, at_ms=at_ms) == TABLE.find(provider, name, at_ms=at_ms)
    assert listings and STANDARD in found(TABLE, MINI).tiers
