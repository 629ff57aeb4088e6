"""Which streams must be held in full because they bill thinking that they do not show."""

import json

import pytest

from core.call.plan import plan_call
from core.call.reasoning import hides_reasoning
from core.money.price_list import TABLE
from core.routing.paths import UpstreamPath
from core.tenant.policy import TenantPolicy

SHOWN, HIDDEN = False, True

MODELS = [
    ("openai", "gpt-4o-mini", "unset", SHOWN),
    ("openai", "ft:gpt-4o:acme::1", "unset", SHOWN),
    ("openai", "o4-mini", "unset", HIDDEN),
    ("openai", "gpt-5", "unset", HIDDEN),
    ("openai", "gpt-5", "off", HIDDEN),
    ("openai", "gpt-5.1", "off", SHOWN),
    ("openai", "gpt-9", "unset", HIDDEN),
    ("anthropic", "claude-3-5-haiku-latest", "unset", SHOWN),
    ("anthropic", "claude-3-7-sonnet-20250219", "on", SHOWN),
    ("anthropic", "claude-3-7-sonnet-20250219", "hidden", HIDDEN),
    ("anthropic", "claude-sonnet-4-5-20250929", "unset", SHOWN),
    ("anthropic", "claude-sonnet-4-5-20250929", "on", HIDDEN),
    ("anthropic", "claude-opus-4-8", "unset", SHOWN),
    ("anthropic", "claude-opus-5", "unset", HIDDEN),
    ("anthropic", "claude-opus-5", "off", SHOWN),
    ("anthropic", "claude-mythos-preview", "unset", HIDDEN),
    ("gemini", "gemini-2.0-flash", "unset", SHOWN),
    ("gemini", "gemini-2.5-flash", "unset", HIDDEN),
    ("gemini", "gemini-2.5-flash", "off", SHOWN),
    ("gemini", "gemini-2.5-pro", "off", HIDDEN),
    ("gemini", "gemini-3-pro-preview", "unset", HIDDEN),
    ("groq", "openai/gpt-oss-120b", "unset", SHOWN),
    ("groq", "openai/gpt-oss-120b", "hidden", HIDDEN),
    ("xai", "grok-3", "unset", SHOWN),
    ("xai", "grok-4-fast-non-reasoning", "unset", SHOWN),
    ("xai", "grok-4-fast-reasoning", "unset", HIDDEN),
    ("xai", "grok-4", "unset", HIDDEN),
]

MESSAGES = [{"role": "user", "content": "Hi"}]
CHAT = {"messages": MESSAGES, "stream": True}
NATIVE = {"messages": MESSAGES, "max_tokens": 9_000, "stream": True}
GEMINI = "v1beta/models/gemini-2.5-flash:streamGenerateContent"

REQUESTS = {
    "a summary of Claude's thinking": (
        "anthropic",
        UpstreamPath("messages", "metered", "anthropic_messages"),
        {**NATIVE, "model": "claude-sonnet-4-5", "thinking": {"type": "enabled", "budget_tokens": 2_000}},
        HIDDEN,
    ),
    "Claude told not to think": (
        "anthropic",
        UpstreamPath("messages", "metered", "anthropic_messages"),
        {**NATIVE, "model": "claude-opus-5", "thinking": {"type": "disabled"}},
        SHOWN,
    ),
    "Claude thinking in a dialect without a place for it": (
        "anthropic",
        UpstreamPath("chat/completions", "metered", "openai_chat"),
        {**CHAT, "model": "claude-3-7-sonnet-latest", "thinking": {"type": "enabled"}},
        HIDDEN,
    ),
    "Groq told to leave reasoning out": (
        "groq",
        UpstreamPath("chat/completions", "metered", "openai_chat"),
        {**CHAT, "model": "qwen/qwen3-32b", "reasoning_format": "hidden"},
        HIDDEN,
    ),
    "GPT told not to think": (
        "openai",
        UpstreamPath("responses", "metered", "openai_responses"),
        {"model": "gpt-5.1", "input": "Hi", "stream": True, "reasoning": {"effort": "none"}},
        SHOWN,
    ),
    "Gemini given no budget to think": (
        "gemini",
        UpstreamPath(GEMINI, "metered", "gemini"),
        {"contents": [], "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
        SHOWN,
    ),
    "Gemini left to itself": ("gemini", UpstreamPath(GEMINI, "metered", "gemini"), {"contents": []}, HIDDEN),
}


@pytest.mark.parametrize(("provider", "model", "asked", "is_hidden"), MODELS)
def test_a_model_hides_its_thinking_unless_it_is_known_to_show_it(provider, model, asked, is_hidden) -> None:
    assert hides_reasoning(provider, model, asked) is is_hidden


@pytest.mark.parametrize(("provider", "path", "body", "is_hidden"), REQUESTS.values(), ids=REQUESTS)
def test_a_stream_is_held_in_full_where_its_request_makes_it_hide_thinking(provider, path, body, is_hidden) -> None:
    plan, _ = plan_call(provider, path, json.dumps(body).encode(), TenantPolicy(), 0, TABLE)

    assert plan.hides_reasoning is is_hidden
    assert (plan.slice_nanousd is None) is is_hidden


def test_a_ceiling_is_never_lowered_below_the_thinking_that_the_request_pays_for() -> None:
    """Anthropic refuses a `max_tokens` that does not exceed the budget of thinking."""
    body = {**NATIVE, "model": "claude-sonnet-4-5", "thinking": {"type": "enabled", "budget_tokens": 2_000}}
    path = UpstreamPath("messages", "metered", "anthropic_messages")

    plan, _ = plan_call("anthropic", path, json.dumps(body).encode(), TenantPolicy(), 0, TABLE)

    ceiling = plan.output_ceiling_within(plan.costing.least_nanousd)
    assert ceiling is not None and ceiling > 2_000
