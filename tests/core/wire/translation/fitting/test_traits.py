"""Which family a model's name means, and what its members are known to take."""

import pytest

from core.wire.translation.fitting.traits import LEAST, Traits, traits_of

THINKING = [
    # provider, model, thinking style, sampling
    ("openai", "gpt-4o", "none", "any"),
    ("openai", "gpt-4o-2024-11-20", "none", "any"),
    ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::abc", "none", "any"),
    ("openai", "chatgpt-4o-latest", "none", "any"),
    ("openai", "gpt-3.5-turbo-0125", "none", "any"),
    ("openai", "o3-2025-04-16", "effort", "none"),
    ("openai", "o4-mini", "effort", "none"),
    ("openai", "gpt-5", "effort", "none"),
    ("openai", "gpt-5-mini-2025-08-07", "effort", "none"),
    ("openai", "gpt-5-chat-latest", "none", "none"),
    ("openai", "gpt-5.1", "effort", "without_thinking"),
    ("openai", "gpt-5.4-nano", "effort", "without_thinking"),
    ("openai", "gpt-5.5-2026-04-23", "effort", "without_thinking"),
    ("openai", "gpt-6.1-terra", "effort", "without_thinking"),
    ("openai", "gpt-4o-audio-preview", "none", "none"),
    ("openai", "gpt-4o-search-preview", "none", "none"),
    ("anthropic", "claude-2.1", "none", "one_without_thinking"),
    ("anthropic", "claude-3-5-haiku-latest", "none", "one_without_thinking"),
    ("anthropic", "claude-3-7-sonnet-20250219", "budget", "one_without_thinking"),
    ("anthropic", "claude-opus-4-20250514", "budget", "one_without_thinking"),
    ("anthropic", "claude-opus-4-1", "budget", "one_without_thinking"),
    ("anthropic", "claude-haiku-4-5-20251001", "budget", "one_without_thinking"),
    ("anthropic", "claude-sonnet-4-6", "both", "one_without_thinking"),
    ("anthropic", "claude-opus-4-7-20260416", "adaptive", "none"),
    ("anthropic", "claude-opus-4-8", "adaptive", "none"),
    ("anthropic", "claude-sonnet-5-5", "adaptive", "none"),
    ("anthropic", "claude-fable-5", "adaptive", "none"),
    ("anthropic", "claude-mythos-preview", "adaptive", "none"),
    ("gemini", "gemini-2.0-flash", "none", "any"),
    ("gemini", "models/gemini-2.5-flash", "effort", "any"),
    ("gemini", "gemini-3.1-pro-preview", "effort", "any"),
    ("gemini", "gemini-4-argon", "effort", "any"),
    ("gemini", "gemini-3-pro-image", "none", "any"),
    ("groq", "openai/gpt-oss-20b", "effort", "any"),
    ("groq", "llama-3.3-70b-versatile", "none", "any"),
    ("xai", "grok-3-mini-fast-beta", "effort", "any"),
    ("xai", "grok-4-0709", "none", "any"),
    ("xai", "grok-4.5-latest", "effort", "any"),
    ("xai", "grok-4.20-multi-agent-0309", "none", "any"),
]


@pytest.mark.parametrize(("provider", "model", "thinking", "sampling"), THINKING)
def test_a_name_means_its_family(provider: str, model: str, thinking: str, sampling: str) -> None:
    traits = traits_of(provider, model)

    assert (traits.thinking, traits.sampling) == (thinking, sampling)


EFFORTS = [
    ("openai", "o3", "low medium high"),
    ("openai", "gpt-5", "minimal low medium high"),
    ("openai", "gpt-5-pro", "high"),
    ("openai", "gpt-5.1", "none low medium high"),
    ("openai", "gpt-5.2", "none low medium high xhigh"),
    ("openai", "gpt-5.6-luna", "none low medium high xhigh"),
    ("openai", "gpt-5.1-codex-max", "low medium high xhigh"),
    ("anthropic", "claude-opus-4-5", ""),
    ("anthropic", "claude-opus-4-6", "low medium high max"),
    ("anthropic", "claude-opus-4-7", "low medium high xhigh max"),
    ("gemini", "gemini-2.5-flash", "none low medium high"),
    ("gemini", "gemini-2.5-pro", "low medium high"),
    ("groq", "qwen/qwen3-32b", "none"),
    ("groq", "openai/gpt-oss-120b", "low medium high"),
    ("xai", "grok-3-mini", "low high"),
    ("xai", "grok-4.3", "none low medium high"),
    ("xai", "grok-4.6", "low medium high"),
    ("xai", "grok-4-1-fast-reasoning", ""),
]


@pytest.mark.parametrize(("provider", "model", "efforts"), EFFORTS)
def test_a_model_has_its_levels_of_effort(provider: str, model: str, efforts: str) -> None:
    assert " ".join(traits_of(provider, model).efforts) == efforts


@pytest.mark.parametrize(
    ("model", "chat_tools"),
    [("gpt-4o", "free"), ("gpt-5", "free"), ("gpt-5.2", "free"), ("gpt-5.4", "without_effort"), ("gpt-5.4-mini", "without_effort"),
     ("gpt-5.5", "effort_none"), ("gpt-5.6-sol", "effort_none"), ("gpt-6-luna", "effort_none"), ("gpt-5.10", "effort_none")],
)  # fmt: skip
def test_from_gpt_5_4_on_tools_go_with_no_effort_on_chat(model: str, chat_tools: str) -> None:
    assert traits_of("openai", model).chat_tools == chat_tools


@pytest.mark.parametrize(
    "model", ["o1-pro", "o3-pro", "gpt-5-pro", "gpt-5.5-pro", "gpt-5-codex", "gpt-5.3-codex", "o3-deep-research"]
)
def test_some_models_are_served_by_responses_only(model: str) -> None:
    assert traits_of("openai", model).is_responses_only


@pytest.mark.parametrize(
    ("model", "off"),
    [("claude-sonnet-4-5", "said"), ("claude-opus-4-6", "said"), ("claude-opus-4-8", "unsaid"), ("claude-opus-5", "said"),
     ("claude-fable-5", "never"), ("claude-mythos-5-1", "never")],
)  # fmt: skip
def test_claude_is_told_not_to_think_in_its_own_way(model: str, off: str) -> None:
    assert traits_of("anthropic", model).thinking_off == off


@pytest.mark.parametrize(
    ("provider", "model", "trait", "is_taken"),
    [
        ("openai", "gpt-4o", "pictures", True),
        ("openai", "gpt-3.5-turbo", "pictures", False),
        ("openai", "gpt-4", "pictures", False),
        ("openai", "o3-mini", "pictures", False),
        ("groq", "llama-3.3-70b-versatile", "pictures", False),
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct", "pictures", True),
        ("xai", "grok-3", "pictures", False),
        ("xai", "grok-4", "pictures", True),
        ("gemini", "gemini-2.5-pro", "picture_urls", False),
        ("openai", "gpt-5", "picture_urls", True),
        ("groq", "openai/gpt-oss-120b", "documents", False),
        ("xai", "grok-4.5", "documents", False),
        ("anthropic", "claude-3-haiku", "documents", False),
        ("anthropic", "claude-sonnet-4-5", "documents", True),
        ("anthropic", "claude-opus-4-1", "json_schema", False),
        ("anthropic", "claude-haiku-4-5", "json_schema", True),
        ("anthropic", "claude-haiku-4-5", "json_mode", False),
        ("openai", "gpt-4-turbo", "json_schema", False),
        ("gemini", "gemini-2.5-pro", "json_beside_tools", False),
        ("anthropic", "claude-sonnet-4-5", "prefill", True),
        ("anthropic", "claude-opus-4-6", "prefill", False),
        ("openai", "gpt-5", "prefill", False),
        ("anthropic", "claude-fable-5", "forced_tools", True),
        ("anthropic", "claude-fable-5-1", "forced_tools", False),
        ("openai", "gpt-5", "cache_key", True),
        ("groq", "openai/gpt-oss-120b", "cache_key", False),
        ("gemini", "gemini-2.5-pro", "cache_key", False),
        ("openai", "o3", "parallel_switch", False),
        ("openai", "gpt-5", "parallel_switch", True),
        ("gemini", "gemini-3-flash-preview", "signatures", True),
        ("gemini", "gemini-flash-latest", "signatures", True),
        ("gemini", "gemini-2.5-flash", "signatures", False),
        ("xai", "grok-4-fast-non-reasoning", "penalties", True),
        ("xai", "grok-4-fast-reasoning", "penalties", False),
    ],
)
def test_a_feature_is_taken_or_not(provider: str, model: str, trait: str, is_taken: bool) -> None:
    assert getattr(traits_of(provider, model), trait) is is_taken


@pytest.mark.parametrize(
    ("provider", "model", "stops_max"),
    [("openai", "gpt-4o", 4), ("openai", "o3", 0), ("openai", "gpt-5.6", 0), ("gemini", "gemini-2.5-pro", 5),
     ("groq", "llama-3.3-70b-versatile", 4), ("xai", "grok-4.5", 0), ("xai", "grok-3", 4)],
)  # fmt: skip
def test_stop_sequences_are_taken_up_to_a_number(provider: str, model: str, stops_max: int) -> None:
    assert traits_of(provider, model).stops_max == stops_max


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "unheard-of"),
        ("openai", ""),
        ("openai", "gpt-5o"),
        ("anthropic", "claude-next"),
        ("xai", "grok-next"),
        ("groq", "x/y"),
    ],
)
def test_an_unknown_model_is_sent_no_sampling_it_might_refuse_and_no_effort(provider: str, model: str) -> None:
    traits = traits_of(provider, model)

    assert traits.efforts == ()
    assert not traits.json_schema or provider == "xai"
    assert provider in ("groq", "xai") or traits.sampling == "none"


def test_an_unknown_provider_gets_the_least() -> None:
    assert traits_of("elsewhere", "gpt-4o") is LEAST
    assert Traits() == LEAST
