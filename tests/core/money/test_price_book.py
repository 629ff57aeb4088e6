"""A model name finds its own price, and no name finds a cheaper model's."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.call.costing import cost_call
from core.call.plan import plan_call
from core.money import price_book
from core.money.model_names import family_of
from core.money.price_book import Price, Rates, Unpriced
from core.money.price_list import TABLE
from core.money.pricing import cost_nanousd
from core.money.usage import Usage
from core.providers import PROVIDERS as PROVIDERS_BY_NAME
from core.providers import canonical_provider
from core.routing.paths import resolve_upstream_path
from core.tenant.policy import TenantPolicy
from core.wire.facts import ParsedCall, PromptSize

PROVIDERS = tuple(PROVIDERS_BY_NAME)
RATES = Rates.__struct_fields__

NOW_MS = 1_795_651_200_000
"""2026-11-26, UTC."""

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
    price = price_book.find(provider, model, at_ms=NOW_MS)

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
    ("gemini", "gemma-5-27b-it"),
    ("groq", "gpt-oss-120b"),
    ("nobody", "gpt-4o"),
]


@pytest.mark.parametrize(("provider", "model"), OTHER_MODELS)
def test_a_longer_name_is_another_model_and_has_no_price(provider: str, model: str) -> None:
    assert price_book.find(provider, model, at_ms=NOW_MS) == Unpriced(provider, model)


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
    price = price_book.find(provider, model, at_ms=NOW_MS)
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
    ("anthropic", "claude-opus-4-5", "batch", 1, (5_000, 500, 25_000)),
    ("anthropic", "claude-opus-5", "fast", 1, (10_000, 1_000, 50_000)),
    ("anthropic", "claude-opus-5", "us", 1, (5_500, 550, 27_500)),
    ("gemini", "gemini-2.5-pro", None, 200_000, (1_250, 125, 10_000)),
    ("gemini", "gemini-2.5-pro", None, 200_001, (2_500, 250, 15_000)),
    ("xai", "grok-4-fast-reasoning", None, 1, (1_250, 200, 2_500)),
    ("xai", "grok-4.6", None, 199_999, (2_000, 500, 6_000)),
    ("xai", "grok-4.6", None, 200_000, (4_000, 1_000, 12_000)),
]


@pytest.mark.parametrize(("provider", "model", "tier", "prompt_tokens", "per_thousand"), KNOWN_RATES)
def test_published_rates_are_read_as_published(
    provider: str, model: str, tier: str | None, prompt_tokens: int, per_thousand: tuple[int, ...]
) -> None:
    price = price_book.find(provider, model, at_ms=NOW_MS)
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
    price = price_book.find("openai", "gpt-5.3-codex", at_ms=NOW_MS)
    assert isinstance(price, Price)
    assert set(price.tiers) == {"standard", "priority", "fast"}

    rates = price.rates(prompt_tokens=1, service_tier=named)

    assert rates == price.tiers[read_as][0].rates


FREE = ("gemma-3-27b-it", "gemma-3-4b-it", "gemma-4-26b-a4b-it", "gemma-4-31b-it")


def test_every_rate_of_every_listed_model_that_is_not_free_is_above_zero() -> None:
    listed = [
        price_book.find(provider, model, at_ms=NOW_MS)
        for provider in PROVIDERS
        for model in price_book.models(provider)
        if not model.startswith("gemma-")
    ]

    assert len(listed) > 300
    for price in listed:
        assert isinstance(price, Price)
        for bands in price.tiers.values():
            for band in bands:
                assert all(getattr(band.rates, field) > 0 for field in RATES)


@pytest.mark.parametrize("model", FREE)
def test_a_model_listed_at_zero_holds_nothing_and_costs_nothing(model: str) -> None:
    price = price_book.find("gemini", model, at_ms=NOW_MS)
    assert isinstance(price, Price)
    call = ParsedCall(model, False, PromptSize(50_000, images=3), None)

    costing = cost_call(call, price)

    assert (costing.prompt_nanousd, costing.least_nanousd, costing.want_nanousd) == (0, 0, 0)
    assert cost_nanousd(Usage(input_tokens=50_000, image_input_tokens=9, output_tokens=8_000), price) == 0


def test_a_grant_of_nothing_buys_a_free_model_its_whole_answer() -> None:
    plan, _ = plan_call(
        "gemini",
        resolve_upstream_path("gemini", "v1beta/models/gemma-4-31b-it:generateContent", "POST"),
        b'{"contents":[{"parts":[{"text":"hello"}]}]}',
        TenantPolicy(),
        NOW_MS,
        TABLE,
    )

    assert (plan.costing.want_nanousd, plan.price.is_estimate) == (0, False)


# Stand-ins

STAND_INS = [
    ("openai", "gpt-6", (10, 50)),
    ("openai", "gpt-9-quasar-preview", (10, 50)),
    ("openai", "gpt-6-pro", (30, 180)),
    ("openai", "gpt-7-mini", (0.75, 4.5)),
    ("openai", "gpt-6-astra-2029-01-01-x", (10, 50)),
    ("openai", "gpt-7-cyber", (20, 100)),
    ("openai", "o5", (2, 8)),
    ("openai", "o5-pro", (20, 80)),
    ("openai", "ft:gpt-6:acme::1", (3.75, 15)),
    ("openai", "text-embedding-4", (0.13, 0.13)),
    ("anthropic", "claude-opus-6", (5, 25)),
    ("anthropic", "claude-haiku-6", (1, 5)),
    ("anthropic", "claude-7", (10, 50)),
    ("anthropic", "claude-opus-9@20290101-v3", (5, 25)),
    ("gemini", "gemini-4-pro", (2, 12)),
    ("gemini", "models/gemini-5-flash-lite", (0.3, 2.5)),
    ("gemini", "gemini-9-flash", (1.5, 9)),
    ("xai", "grok-6", (2, 6)),
    ("xai", "grok-6-fast-reasoning", (2, 6)),
    ("groq", "meta-llama/llama-5-70b-versatile", (0.59, 0.79)),
    ("groq", "openai/gpt-oss-240b", (0.15, 0.6)),
    ("groq", "qwen/qwen4-32b", (0.8, 4)),
]


@pytest.mark.parametrize(("provider", "model", "usd"), STAND_INS)
def test_an_unlisted_model_is_priced_as_the_dearest_current_model_of_its_family(
    provider: str, model: str, usd: tuple[float, float]
) -> None:
    assert isinstance(price_book.find(provider, model, at_ms=NOW_MS), Unpriced)

    price = price_book.stand_in(provider, model)

    rates = price.rates(prompt_tokens=1, service_tier=None)
    assert price.is_estimate
    assert (rates.input_nanousd_per_mtok, rates.output_nanousd_per_mtok) == tuple(int(rate * 10**9) for rate in usd)


WITHOUT_A_FAMILY = [
    ("openai", "lyra-1"),
    ("openai", ""),
    ("openai", "gpt-9/gpt-5-nano"),
    ("gemini", "tunedModels/my-gemini-flash-lite"),
    ("gemini", "gemma-5-27b-it"),
    ("anthropic", "cloud-haiku"),
    ("groq", "acme/nano-1"),
    ("xai", "colossus-2"),
]


@pytest.mark.parametrize(("provider", "model"), WITHOUT_A_FAMILY)
def test_a_name_of_no_listed_brand_is_priced_as_its_provider_s_dearest_current_model(provider: str, model: str) -> None:
    assert price_book.stand_in(provider, model) == price_book.stand_in(provider, "")

    for current in _current(provider):
        _assert_never_below(price_book.stand_in(provider, model), current)


def test_what_its_provider_has_retired_stands_in_for_nothing() -> None:
    retired = price_book.find("openai", "o1-pro", at_ms=NOW_MS)
    assert isinstance(retired, Price)
    price_of_o1_pro = retired.rates(prompt_tokens=1, service_tier=None).output_nanousd_per_mtok

    for model in ("gpt-6", "o5", "o5-pro", "o5-mini", "lyra-1"):
        rates = price_book.stand_in("openai", model).rates(prompt_tokens=1, service_tier=None)
        assert rates.output_nanousd_per_mtok < price_of_o1_pro


names = st.one_of(
    st.sampled_from([(provider, model) for provider in PROVIDERS for model in price_book.models(provider)]).flatmap(
        lambda listed: st.sampled_from(["", "-x", "-ultra", "-mini", "-pro", "-2029-01-01", "-x-2"]).map(
            lambda more: (listed[0], listed[1] + more)
        )
    ),
    st.tuples(
        st.sampled_from(PROVIDERS),
        st.from_regex(r"(gpt|claude|gemini|grok|llama|o)-?[0-9.]{0,4}(-[a-z]{1,9}){0,3}", fullmatch=True),
    ),
    st.tuples(st.sampled_from(PROVIDERS), st.text(max_size=30)),
)


@given(named=names)
def test_a_stand_in_is_never_below_a_current_sibling_in_any_rate(named: tuple[str, str]) -> None:
    provider, model = named
    family = family_of(provider, model)

    price = price_book.stand_in(provider, model)

    for sibling in _current(provider):
        theirs = family_of(provider, sibling)
        if family and theirs and family.includes(theirs):
            _assert_never_below(price, sibling)


def _current(provider: str) -> list[str]:
    document = json.loads(Path(price_book.__file__).with_name("prices.json").read_text())
    return [name for entry in document["models"][provider] if entry["is_current"] for name in entry["names"]]


def _assert_never_below(stand_in: Price, sibling: str) -> None:
    for at_ms in (NOW_MS, NOW_MS + 400 * 86_400_000):
        price = price_book.find(stand_in.provider, sibling, at_ms=at_ms)
        assert isinstance(price, Price)
        bounds = {band.above_prompt_tokens for bands in price.tiers.values() for band in bands}
        for tier in (*stand_in.tiers, "batch", "unheard-of"):
            for prompt_tokens in (0, *(bound + 1 for bound in bounds), 10**7):
                ours = stand_in.rates(prompt_tokens=prompt_tokens, service_tier=tier)
                theirs = price.rates(prompt_tokens=prompt_tokens, service_tier=tier)
                assert all(getattr(ours, field) >= getattr(theirs, field) for field in RATES), (sibling, tier)


def test_made_up_names_do_not_grow_what_is_remembered() -> None:
    price_book.stand_in("openai", "gpt-6")
    before = price_book._dearest.cache_info().currsize

    for number in range(100):
        price_book.stand_in("openai", f"made{'x' * number}-up")

    assert price_book._dearest.cache_info().currsize <= before + 1


def test_an_unknown_provider_is_stood_in_for_at_three_dollars_a_million() -> None:
    rates = price_book.stand_in("nobody", "gpt-6").rates(prompt_tokens=1, service_tier=None)

    assert rates.input_nanousd_per_mtok == rates.output_nanousd_per_mtok == 3_000_000_000


# Reported calls

REPORTED = [
    ("OpenAI", "gpt-4o-mini", "openai", "gpt-4o-mini"),
    ("openai.responses", "o3", "openai", "o3"),
    ("azure", "gpt-4o-2024-08-06", "openai", "gpt-4o-2024-08-06"),
    (None, "openai/gpt-4o-mini", "openai", "gpt-4o-mini"),
    (None, "openai:gpt-4o-mini", "openai", "gpt-4o-mini"),
    ("openrouter", "openai/o1-pro", "openai", "o1-pro"),
    ("openrouter", "openrouter/anthropic/claude-opus-5", "anthropic", "claude-opus-5"),
    ("openai", "anthropic/claude-opus-5", "anthropic", "claude-opus-5"),
    ("Google", "gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
    ("google-genai", "models/gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
    ("vertex_ai", "publishers/google/models/gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
    ("google.generative-ai", "gemini-2.5-flash", "gemini", "gemini-2.5-flash"),
    ("gcp.vertex_ai", "claude-opus-4-5@20251101", "anthropic", "claude-opus-4-5"),
    (None, "google/gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
    ("x.ai", "grok-4.6", "xai", "grok-4.6"),
    ("Grok", "xai/grok-4.6", "xai", "grok-4.6"),
    ("Claude", "claude-opus-5", "anthropic", "claude-opus-5"),
    ("bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", "anthropic", "claude-opus-4-5-20251101"),
    ("groq", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
    ("Groq", "groq/openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
    (None, "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
]


@pytest.mark.parametrize(("provider", "model", "billed_by", "listed"), REPORTED)
def test_a_reported_call_finds_its_price_in_any_usual_spelling(
    provider: str | None, model: str, billed_by: str, listed: str
) -> None:
    price = price_book.find_reported(provider, model, at_ms=NOW_MS)

    assert (price.provider, price.model, price.is_estimate) == (billed_by, listed, False)


REPORTED_UNLISTED = [
    ("OpenAI", "gpt-9-pro", "openai", "gpt-9-pro"),
    (None, "openai/gpt-9-pro", "openai", "gpt-9-pro"),
    ("openrouter", "anthropic/claude-opus-9", "anthropic", "claude-opus-9"),
    (None, "claude-opus-9", "anthropic", "claude-opus-9"),
    ("bedrock", "anthropic.claude-opus-9-v1:0", "anthropic", "claude-opus-9"),
    ("gemini", "tunedModels/gemini-flash-lite", "gemini", ""),
    ("mistral", "mistral-large", "mistral", "mistral-large"),
    (None, "a/b/c/d/e/f/g/h/i", "", ""),
]


@pytest.mark.parametrize(("provider", "model", "billed_by", "as_if"), REPORTED_UNLISTED)
def test_a_reported_call_of_an_unlisted_model_is_stood_in_for_by_its_family(
    provider: str | None, model: str, billed_by: str, as_if: str
) -> None:
    assert price_book.find_reported(provider, model, at_ms=NOW_MS) == price_book.stand_in(billed_by, as_if)


NO_PROVIDERS = ["", "mistral", "openrouter", "bedrock", "open", "ai", "chat", "x", "openai2", "groc"]


@pytest.mark.parametrize("name", NO_PROVIDERS)
def test_a_name_that_is_no_provider_s_is_not_taken_for_one(name: str) -> None:
    assert canonical_provider(name) is None


def test_a_report_is_priced_at_the_period_of_its_moment() -> None:
    before, after = (
        price_book.find_reported("Google", "gemini-4-argon", at_ms=at_ms).rates(prompt_tokens=1, service_tier=None)
        for at_ms in (NOW_MS, NOW_MS + 30 * 86_400_000)
    )

    assert after.output_nanousd_per_mtok == 2 * before.output_nanousd_per_mtok


# Names billed as another, and rates that a person states

BILLED_AS = [
    ("xai", "grok-4-fast-reasoning", "grok-4.3"),
    ("xai", "grok-4-1-fast-non-reasoning-latest", "grok-4.3"),
    ("xai", "grok-4", "grok-4.3"),
    ("xai", "grok-3-mini", "grok-4.3"),
    ("xai", "grok-code-fast-1", "grok-build-0.1"),
    ("openai", "gpt-4o-audio-preview", "gpt-4o-audio-preview-2025-06-03"),
    ("openai", "gpt-4o-mini-audio-preview", "gpt-4o-mini-audio-preview-2024-12-17"),
    ("anthropic", "claude-opus-5-latest", "claude-opus-5"),
]


@pytest.mark.parametrize(("provider", "name", "other"), BILLED_AS)
def test_a_name_that_is_billed_as_another_has_that_one_s_rates(provider: str, name: str, other: str) -> None:
    ours, theirs = (price_book.find(provider, model, at_ms=NOW_MS) for model in (name, other))
    assert isinstance(ours, Price) and isinstance(theirs, Price)

    assert {tier: ours.tiers[tier] for tier in theirs.tiers} == theirs.tiers


LISTED_FEES = [
    ("xai", "grok-4.6", 5_000_000, 10_000_000),
    ("xai", "grok-4-fast-reasoning", 5_000_000, 10_000_000),
    ("openai", "gpt-5", 10_000_000, 2_500_000),
    ("anthropic", "claude-opus-5", 10_000_000, 10_000_000),
]


@pytest.mark.parametrize(("provider", "model", "web", "document"), LISTED_FEES)
def test_a_search_costs_what_its_provider_lists(provider: str, model: str, web: int, document: int) -> None:
    price = price_book.find(provider, model, at_ms=NOW_MS)
    assert isinstance(price, Price)

    rates = price.rates(prompt_tokens=1, service_tier=None)

    assert (rates.web_search_nanousd_per_call, rates.document_search_nanousd_per_call) == (web, document)


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
    price = price_book.find(provider, model, at_ms=NOW_MS)

    assert isinstance(price, Price)
    assert price.output_tokens_max == output_tokens_max
