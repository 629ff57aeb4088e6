"""Tokens become money once, whole, rounded up."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import price_book, pricing
from core.money.amount import NANOUSD_MAX
from core.money.price_book import Price
from core.money.usage import Usage

NOW_MS = 1_795_651_200_000
"""2026-11-26, UTC."""

COUNTS = [field.name for field in fields(Usage) if field.name not in ("billed_nanousd", "longest_prompt_tokens")]

counts = st.integers(0, 2_000_000)
usages = st.builds(Usage, **dict.fromkeys(COUNTS, counts))
tiers = st.sampled_from([None, "batch", "flex", "priority", "fast", "default", "nonsense"])
prices = st.sampled_from(
    [
        (provider, model)
        for provider in ("openai", "anthropic", "gemini", "groq", "xai")
        for model in price_book.models(provider)
    ]
).map(lambda key: price_of(*key))


def price_of(provider: str, model: str) -> Price:
    price = price_book.find(provider, model, at_ms=NOW_MS)
    assert isinstance(price, Price)
    return price


def test_each_class_of_units_costs_its_own_rate() -> None:
    price = price_of("anthropic", "claude-sonnet-4")
    usage = Usage(
        input_tokens=1_000_000,
        cached_input_tokens=1_000_000,
        cache_write_5m_tokens=1_000_000,
        cache_write_1h_tokens=1_000_000,
        output_tokens=1_000_000,
        reasoning_tokens=1_000_000,
        web_search_calls=3,
    )

    cost = pricing.cost_nanousd(usage, price)

    assert cost == 1_000_000_000 * (3 + 15 + 15 + 6) + 300_000_000 + 3_750_000_000 + 30_000_000


def test_audio_and_drawn_images_cost_their_own_rates() -> None:
    audio = price_of("openai", "gpt-audio")
    drawing = price_of("gemini", "gemini-3-pro-image")

    assert pricing.cost_nanousd(Usage(audio_input_tokens=1_000_000), audio) == 32_000_000_000
    assert pricing.cost_nanousd(Usage(audio_output_tokens=1_000_000), audio) == 64_000_000_000
    assert pricing.cost_nanousd(Usage(image_output_tokens=1_000_000), drawing) == 120_000_000_000


MEDIA = [
    ("openai", "gpt-4o-audio-preview", Usage(audio_input_tokens=1_000_000), "40"),
    ("openai", "gpt-4o-audio-preview", Usage(audio_output_tokens=1_000_000), "80"),
    ("openai", "gpt-4o-mini-audio-preview", Usage(audio_input_tokens=1_000_000), "10"),
    ("openai", "gpt-4o-mini-audio-preview", Usage(audio_output_tokens=1_000_000), "20"),
    ("gemini", "gemini-embedding-2", Usage(image_input_tokens=1_000_000), "0.45"),
    ("gemini", "gemini-embedding-2", Usage(video_input_tokens=1_000_000), "12"),
    ("gemini", "gemini-embedding-2", Usage(audio_input_tokens=2_500), "0.01625"),
    ("gemini", "gemini-2.5-flash", Usage(cached_audio_input_tokens=1_000_000), "0.1"),
    ("gemini", "gemini-2.5-flash", Usage(audio_input_tokens=1_000_000), "1"),
    ("gemini", "gemini-3.1-pro-preview", Usage(cached_audio_input_tokens=100_000), "0.02"),
    ("gemini", "gemini-2.5-flash-image", Usage(cached_audio_input_tokens=1_000_000), "1"),
    ("xai", "grok-4.6", Usage(document_search_calls=3), "0.03"),
    ("xai", "grok-4.6", Usage(web_search_calls=3), "0.015"),
    ("openai", "gpt-5", Usage(document_search_calls=2), "0.005"),
]


@pytest.mark.parametrize(("provider", "model", "usage", "usd"), MEDIA)
def test_each_medium_and_each_search_costs_what_its_provider_lists(
    provider: str, model: str, usage: Usage, usd: str
) -> None:
    assert pricing.cost_nanousd(usage, price_of(provider, model)) == Decimal(usd) * 10**9


def test_a_cost_is_rounded_up_once_for_the_whole() -> None:
    price = price_of("openai", "gpt-4.1-nano")

    one_each = pricing.cost_nanousd(Usage(cached_input_tokens=1, output_tokens=1), price)

    assert one_each == 425
    assert pricing.cost_nanousd(Usage(cached_input_tokens=1), price_of("openai", "gpt-5-nano")) == 5


def test_nothing_used_costs_nothing() -> None:
    assert pricing.cost_nanousd(Usage(), price_of("openai", "gpt-4o")) == 0


def test_the_whole_prompt_decides_the_band_cached_tokens_included() -> None:
    price = price_of("gemini", "gemini-2.5-pro")

    short = pricing.cost_nanousd(Usage(cached_input_tokens=199_999, output_tokens=1_000), price)
    long = pricing.cost_nanousd(Usage(cached_input_tokens=199_999, input_tokens=2, output_tokens=1_000), price)

    assert short == 199_999 * 125 + 1_000 * 10_000
    assert long == 199_999 * 250 + 2 * 2_500 + 1_000 * 15_000


@pytest.mark.parametrize("name", COUNTS)
@given(usage=usages, more=counts, price=prices, tier=tiers)
def test_more_of_anything_never_costs_less(name: str, usage: Usage, more: int, price: Price, tier: str | None) -> None:
    increased = replace(usage, **{name: getattr(usage, name) + more})

    before = pricing.cost_nanousd(usage, price, service_tier=tier)

    assert pricing.cost_nanousd(increased, price, service_tier=tier) >= before


@given(usage=usages, price=prices, tier=tiers)
def test_priced_in_slices_a_call_would_cost_no_less(usage: Usage, price: Price, tier: str | None) -> None:
    prompt = replace(usage, output_tokens=0)

    whole = pricing.cost_nanousd(usage, price, service_tier=tier)
    rates = pricing.rates_of(usage, price, service_tier=tier)
    output = -(-usage.output_tokens * rates.output_nanousd_per_mtok // 1_000_000)

    assert 0 <= pricing.cost_nanousd(prompt, price, service_tier=tier) + output - whole <= 1


SEARCHERS = [("gemini-2.5-pro", 1), ("gemini-3-pro-preview", 3)]


@pytest.mark.parametrize(("model", "billed"), SEARCHERS)
def test_gemini_bills_a_grounded_prompt_before_3_and_each_query_since(model: str, billed: int) -> None:
    price = price_of("gemini", model)
    fee = price.rates(prompt_tokens=0, service_tier=None).web_search_nanousd_per_call

    assert pricing.cost_nanousd(Usage(web_search_calls=3), price) == billed * fee


@given(usage=usages, bill=counts, price=prices, tier=tiers)
def test_a_provider_s_own_exact_bill_is_the_cost(usage: Usage, bill: int, price: Price, tier: str | None) -> None:
    assert pricing.cost_nanousd(replace(usage, billed_nanousd=bill), price, service_tier=tier) == bill


def test_the_long_band_goes_by_one_turn_and_not_by_what_a_search_read_in_all() -> None:
    price = price_of("anthropic", "claude-haiku-5-5")
    turns = Usage(input_tokens=150_000)

    short = pricing.cost_nanousd(replace(turns, longest_prompt_tokens=90_000), price)
    long = pricing.cost_nanousd(replace(turns, longest_prompt_tokens=110_000), price)

    assert pricing.cost_nanousd(Usage(input_tokens=75_000), price) * 2 == short
    assert long == pricing.cost_nanousd(turns, price) > short


def test_no_turn_is_longer_than_the_model_s_window() -> None:
    usage = Usage(input_tokens=401_468, output_tokens=792, web_search_calls=10)

    cost = pricing.cost_nanousd(usage, price_of("anthropic", "claude-sonnet-4-5-20250929"))

    assert cost == 401_468 * 3_000 + 792 * 15_000 + 10 * 10_000_000


def test_no_cost_is_beyond_what_a_ledger_can_hold() -> None:
    usage = Usage(output_tokens=10**14, web_search_calls=10**14)

    assert pricing.cost_nanousd(usage, price_of("openai", "o1-pro")) == NANOUSD_MAX
