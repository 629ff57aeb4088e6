"""A model name finds its own price, and no name finds a cheaper model's."""

from datetime import UTC, datetime

import pytest

from core import price_book
from core.price_book import Price, Unpriced

MATCHES = [
    ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
    ("openai", "gpt-4o-mini-2029-01-31", "gpt-4o-mini"),
    ("openai", "gpt-4o-2029-01-31", "gpt-4o"),
    ("openai", "gpt-4-0314", "gpt-4-0314"),
    ("openai", "gpt-4-0914", "gpt-4"),
    ("openai", "GPT-4o", "gpt-4o"),
    ("openai", "gpt-5-latest", "gpt-5"),
    ("openai", "gpt-5-pro-2025-10-06", "gpt-5-pro-2025-10-06"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::9xY", "ft:gpt-4o-mini-2024-07-18"),
    ("openai", "ft:gpt-3.5-turbo-0125:acme:support:1:ckpt-step-90", "ft:gpt-3.5-turbo-0125"),
    ("openai", "gpt-3.5-turbo-instruct:20230824-v2", "gpt-3.5-turbo-instruct"),
    ("openai", "text-embedding-3-small", "text-embedding-3-small"),
    ("anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku"),
    ("anthropic", "claude-opus-4-5@20251101", "claude-opus-4-5"),
    ("anthropic", "claude-opus-5-5", "claude-opus-5-5"),
    ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4"),
    ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
    ("gemini", "gemini-2.5-flash-001", "gemini-2.5-flash"),
    ("gemini", "gemini-2.5-flash-lite-09-2025", "gemini-2.5-flash-lite"),
    ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
    ("xai", "grok-4.6-20260901", "grok-4.6"),
]


@pytest.mark.parametrize(("provider", "model", "listed"), MATCHES)
def test_a_model_is_priced_by_the_longest_listed_name_it_versions(provider: str, model: str, listed: str) -> None:
    price = price_book.find(provider, model, at_ms=None)

    assert isinstance(price, Price)
    assert price.model == listed


OTHER_MODELS = [
    ("openai", "gpt-5-ultra"),
    ("openai", "gpt-4o-mini-high"),
    ("openai", "gpt-4o-2024"),
    ("openai", "gpt-4o-2024-13-01"),
    ("openai", "gpt-40"),
    ("openai", "gpt-4o-"),
    ("openai", "gpt-4-32768"),
    ("openai", "gpt-3.5-turbo-instruct:20230824-vision"),
    ("openai", "gpt-4o-v2"),
    ("openai", "o1-pro-max"),
    ("openai", "ft:gpt-5:acme::1"),
    ("openai", "ft:"),
    ("openai", ""),
    ("openai", "claude-opus-5"),
    ("anthropic", "claude-opus-4-9"),
    ("anthropic", "claude-opus-5-5-5"),
    ("anthropic", "claude-opus-5-20"),
    ("gemini", "tunedModels/gemini-2.5-flash"),
    ("gemini", "gemini-2.5-flash-ultra"),
    ("gemini", "gemma-3-27b-it"),
    ("groq", "gpt-oss-120b"),
    ("nobody", "gpt-4o"),
]


@pytest.mark.parametrize(("provider", "model"), OTHER_MODELS)
def test_a_longer_name_is_another_model_and_has_no_price(provider: str, model: str) -> None:
    assert price_book.find(provider, model, at_ms=None) == Unpriced(provider, model)


DEARER_VARIANTS = [
    ("openai", "gpt-5-pro", "gpt-5"),
    ("openai", "o1-pro", "o1"),
    ("openai", "o3-pro", "o3"),
    ("openai", "gpt-4", "gpt-4o"),
    ("openai", "gpt-4o-2024-05-13", "gpt-4o"),
    ("openai", "ft:gpt-4o-2024-08-06", "gpt-4o"),
    ("anthropic", "claude-opus-4-1", "claude-opus-4-5"),
    ("gemini", "gemini-2.5-pro", "gemini-2.5-flash"),
]


@pytest.mark.parametrize(("provider", "dearer", "cheaper"), DEARER_VARIANTS)
def test_a_dearer_variant_is_not_priced_as_its_cheaper_relative(provider: str, dearer: str, cheaper: str) -> None:
    assert _output_rate(provider, dearer) > _output_rate(provider, cheaper)


def _output_rate(provider: str, model: str) -> int:
    price = price_book.find(provider, model, at_ms=None)
    assert isinstance(price, Price)
    return price.rates(prompt_tokens=1, service_tier=None).output_nanousd_per_mtok


KNOWN_RATES = [
    ("openai", "gpt-4o-mini", None, 1, (150, 75, 600)),
    ("openai", "gpt-5", None, 1, (1_250, 125, 10_000)),
    ("openai", "gpt-5", "flex", 1, (625, 63, 5_000)),
    ("openai", "gpt-5", "priority", 1, (2_500, 250, 20_000)),
    ("openai", "gpt-5.4", None, 272_000, (2_500, 250, 15_000)),
    ("openai", "gpt-5.4", None, 272_001, (5_000, 500, 22_500)),
    ("anthropic", "claude-opus-4-5", None, 1, (5_000, 500, 25_000)),
    ("anthropic", "claude-opus-4-5", "batch", 1, (2_500, 250, 12_500)),
    ("anthropic", "claude-opus-5", "fast", 1, (10_000, 1_000, 50_000)),
    ("anthropic", "claude-opus-5", "us", 1, (5_500, 550, 27_500)),
    ("gemini", "gemini-2.5-pro", None, 200_000, (1_250, 125, 10_000)),
    ("gemini", "gemini-2.5-pro", None, 200_001, (2_500, 250, 15_000)),
    ("xai", "grok-4.6", None, 199_999, (2_000, 500, 6_000)),
    ("xai", "grok-4.6", None, 200_000, (4_000, 1_000, 12_000)),
]


@pytest.mark.parametrize(("provider", "model", "tier", "prompt_tokens", "per_thousand"), KNOWN_RATES)
def test_published_rates_are_read_as_published(
    provider: str, model: str, tier: str | None, prompt_tokens: int, per_thousand: tuple[int, ...]
) -> None:
    price = price_book.find(provider, model, at_ms=None)
    assert isinstance(price, Price)

    rates = price.rates(prompt_tokens=prompt_tokens, service_tier=tier)

    read = (
        rates.input_nanousd_per_mtok,
        rates.cached_input_nanousd_per_mtok,
        rates.output_nanousd_per_mtok,
    )
    assert tuple(-(-rate // 1_000_000) for rate in read) == per_thousand


def test_an_announced_price_applies_from_its_day_on() -> None:
    day_ms = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 1000

    before = price_book.find("gemini", "gemini-4-argon", at_ms=day_ms - 1)
    after = price_book.find("gemini", "gemini-4-argon", at_ms=day_ms)

    assert isinstance(before, Price) and isinstance(after, Price)
    old = before.rates(prompt_tokens=1, service_tier=None)
    new = after.rates(prompt_tokens=1, service_tier=None)
    assert new.output_nanousd_per_mtok == 2 * old.output_nanousd_per_mtok


TIERS = [
    ("default", "standard"),
    ("auto", "standard"),
    ("on_demand", "standard"),
    ("batch", "standard"),
    ("priority", "priority"),
    ("SERVICE_TIER_PRIORITY", "priority"),
    ("SERVICE_TIER_UNSPECIFIED", "standard"),
    ("an unheard-of tier", "priority"),
]


@pytest.mark.parametrize(("named", "read_as"), TIERS)
def test_a_tier_that_is_not_listed_is_read_as_the_dearer_one(named: str, read_as: str) -> None:
    price = price_book.find("openai", "gpt-5.3-codex", at_ms=None)
    assert isinstance(price, Price)
    assert set(price.tiers) == {"standard", "priority", "fast"}

    rates = price.rates(prompt_tokens=1, service_tier=named)

    assert rates == price.tiers[read_as][0].rates


def test_every_rate_of_every_listed_model_is_above_zero() -> None:
    listed = [
        price_book.find(provider, model, at_ms=None)
        for provider in ("openai", "anthropic", "gemini", "groq", "xai")
        for model in price_book.models(provider)
    ]

    assert len(listed) > 300
    for price in listed:
        assert isinstance(price, Price)
        for bands in price.tiers.values():
            for band in bands:
                assert all(getattr(band.rates, field) > 0 for field in band.rates.__struct_fields__)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "groq", "xai"])
def test_a_stand_in_is_no_cheaper_than_any_model_of_its_provider(provider: str) -> None:
    stand_in = price_book.stand_in(provider)
    assert stand_in.is_estimate
    dearest = stand_in.rates(prompt_tokens=1, service_tier="priority")

    for model in price_book.models(provider):
        price = price_book.find(provider, model, at_ms=None)
        assert isinstance(price, Price)
        for bands in price.tiers.values():
            for field in dearest.__struct_fields__:
                assert getattr(dearest, field) >= getattr(bands[-1].rates, field)


def test_an_unknown_provider_is_stood_in_for_at_three_dollars_a_million() -> None:
    rates = price_book.stand_in("nobody").rates(prompt_tokens=1, service_tier=None)

    assert rates.input_nanousd_per_mtok == rates.output_nanousd_per_mtok == 3_000_000_000


def test_a_bare_name_leads_to_the_providers_that_list_it() -> None:
    assert price_book.providers_of("claude-opus-5") == ("anthropic",)
    assert price_book.providers_of("gpt-4o-mini-2024-07-18") == ("openai",)
    assert price_book.providers_of("openai/gpt-oss-20b") == ("groq",)
    assert price_book.providers_of("no-such-model") == ()


def test_the_version_names_the_day_and_the_contents() -> None:
    day, _, digest = price_book.VERSION.rpartition("-")

    assert datetime.fromisoformat(day)
    assert len(digest) == 8


CEILINGS = [
    ("anthropic", "claude-opus-4-1", 32_000),
    ("anthropic", "claude-3-5-haiku-20241022", 8_192),
    ("gemini", "gemini-2.0-flash-001", 8_192),
    ("groq", "llama-3.3-70b-versatile", 32_768),
    ("groq", "llama-3.1-8b-instant", 131_072),
]


@pytest.mark.parametrize(("provider", "model", "output_tokens_max"), CEILINGS)
def test_a_limit_that_no_source_states_is_the_provider_s_own(provider: str, model: str, output_tokens_max: int) -> None:
    price = price_book.find(provider, model, at_ms=None)

    assert isinstance(price, Price)
    assert price.output_tokens_max == output_tokens_max
