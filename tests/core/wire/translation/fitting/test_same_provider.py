"""A caller's own body for another model of the same provider."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire.translation.fitting.same_provider import with_traits
from core.wire.translation.fitting.target import Target

CHAT, RESPONSES, MESSAGES, GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini"
TOOLS = [{"type": "function", "function": {"name": "Bash"}}]
ENABLED = {"type": "enabled", "budget_tokens": 10_000}
ADAPTIVE = {"type": "adaptive"}
OFF = {"type": "disabled"}


def changed(dialect: str, provider: str, model: str, members: dict[str, object]) -> dict[str, object]:
    return json.loads(with_traits(dialect, json.dumps(members).encode(), Target(provider, model, dialect)))  # type: ignore[no-any-return]


CASES: list[tuple[str, str, str, dict[str, object], dict[str, object]]] = [
    # dialect, provider, model, asked, sent
    (CHAT, "openai", "gpt-5", {"temperature": 0.5, "top_p": 1, "stop": ["a"], "seed": 1, "logprobs": True, "presence_penalty": 1}, {}),
    (CHAT, "openai", "gpt-5", {"max_tokens": 9}, {"max_completion_tokens": 9}),
    (CHAT, "openai", "gpt-5", {"max_tokens": 9, "max_completion_tokens": 8}, {"max_completion_tokens": 8}),
    (CHAT, "openai", "gpt-5", {"reasoning_effort": "none"}, {"reasoning_effort": "minimal"}),
    (CHAT, "openai", "gpt-5.1", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}),
    (CHAT, "openai", "gpt-5.1", {"reasoning_effort": "none", "temperature": 0.5}, {"reasoning_effort": "none", "temperature": 0.5}),
    (CHAT, "openai", "gpt-5.1", {"temperature": 0.5}, {}),
    (CHAT, "openai", "gpt-5.4", {"reasoning_effort": "high", "tools": TOOLS}, {"reasoning_effort": "none", "tools": TOOLS}),
    (CHAT, "openai", "gpt-5.6", {"tools": TOOLS}, {"tools": TOOLS, "reasoning_effort": "none"}),
    (CHAT, "openai", "gpt-5.6", {"verbosity": "low"}, {"verbosity": "low"}),
    (CHAT, "openai", "gpt-4o", {"reasoning_effort": "high", "verbosity": "low", "max_tokens": 9}, {"max_tokens": 9}),
    (CHAT, "openai", "gpt-4o", {"parallel_tool_calls": False}, {}),
    (CHAT, "openai", "gpt-4o", {"parallel_tool_calls": False, "tools": TOOLS}, {"parallel_tool_calls": False, "tools": TOOLS}),
    (CHAT, "openai", "o3", {"parallel_tool_calls": False, "tools": TOOLS}, {"tools": TOOLS}),
    (CHAT, "openai", "unheard-of", {"temperature": 1, "reasoning_effort": "low", "stop": "a", "user": "u"}, {"user": "u"}),
    (CHAT, "groq", "llama-3.3-70b-versatile", {"reasoning_effort": "low", "logprobs": True, "temperature": 0}, {"temperature": 0}),
    (CHAT, "groq", "qwen/qwen3-32b", {"reasoning_effort": "high"}, {}),
    (CHAT, "groq", "openai/gpt-oss-20b", {"reasoning_effort": "none", "max_tokens": 9}, {"reasoning_effort": "low", "max_tokens": 9}),
    (CHAT, "xai", "grok-4.5", {"stop": ["a"], "frequency_penalty": 1, "reasoning_effort": "none", "temperature": 2}, {"reasoning_effort": "low", "temperature": 2}),
    (CHAT, "xai", "grok-4-0709", {"reasoning_effort": "low"}, {}),
    (CHAT, "gemini", "gemini-2.5-pro", {"stop": list("abcdefg"), "reasoning_effort": "minimal", "seed": 1}, {"stop": list("abcde"), "reasoning_effort": "low"}),
    (RESPONSES, "openai", "gpt-5", {"temperature": 0.5, "reasoning": {"effort": "none", "summary": "auto"}}, {"reasoning": {"effort": "minimal", "summary": "auto"}}),
    (RESPONSES, "openai", "gpt-4o", {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content", "x"], "text": {"verbosity": "low", "format": 1}}, {"include": ["x"], "text": {"format": 1}}),
    (RESPONSES, "openai", "gpt-4o", {"include": ["reasoning.encrypted_content"], "text": {"verbosity": "low"}, "temperature": 1}, {"temperature": 1}),
    (RESPONSES, "openai", "gpt-5.6", {"reasoning": {"summary": "auto"}, "tools": TOOLS}, {"reasoning": {"summary": "auto"}, "tools": TOOLS}),
    (MESSAGES, "anthropic", "claude-opus-4-7", {"temperature": 0.5, "top_k": 5, "thinking": ENABLED}, {"thinking": ADAPTIVE, "output_config": {"effort": "medium"}}),
    (MESSAGES, "anthropic", "claude-opus-4-7", {"thinking": {**ENABLED, "display": "omitted"}, "output_config": {"effort": "max", "format": 1}}, {"thinking": {**ADAPTIVE, "display": "omitted"}, "output_config": {"effort": "max", "format": 1}}),
    (MESSAGES, "anthropic", "claude-opus-4-7", {"thinking": OFF}, {}),
    (MESSAGES, "anthropic", "claude-opus-5", {"thinking": OFF}, {"thinking": OFF}),
    (MESSAGES, "anthropic", "claude-fable-5", {"thinking": OFF}, {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}),
    (MESSAGES, "anthropic", "claude-opus-4-6", {"thinking": ENABLED, "output_config": {"effort": "low"}, "max_tokens": 20_000}, {"thinking": ENABLED, "output_config": {"effort": "low"}, "max_tokens": 20_000}),
    (MESSAGES, "anthropic", "claude-opus-4-6", {"output_config": {"effort": "xhigh"}}, {"output_config": {"effort": "high"}}),
    (MESSAGES, "anthropic", "claude-sonnet-4-5", {"thinking": ADAPTIVE, "output_config": {"effort": "high"}, "max_tokens": 32_000}, {"thinking": {"type": "enabled", "budget_tokens": 16_384}, "max_tokens": 32_000}),
    (MESSAGES, "anthropic", "claude-sonnet-4-5", {"thinking": ADAPTIVE, "max_tokens": 4_096}, {"thinking": {"type": "enabled", "budget_tokens": 3_072}, "max_tokens": 4_096}),
    (MESSAGES, "anthropic", "claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_k": 5}),
    (MESSAGES, "anthropic", "claude-sonnet-4-5", {"thinking": ENABLED, "temperature": 1}, {"thinking": ENABLED}),
    (MESSAGES, "anthropic", "claude-3-haiku", {"thinking": ENABLED, "temperature": 1}, {"temperature": 1}),
    (MESSAGES, "anthropic", "claude-opus-5", {"tool_choice": {"type": "any"}, "tools": TOOLS}, {"tool_choice": {"type": "any"}, "tools": TOOLS, "thinking": OFF}),
    (MESSAGES, "anthropic", "claude-sonnet-4-5", {"thinking": ADAPTIVE, "messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]}, {"thinking": OFF, "messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]}),
    (MESSAGES, "anthropic", "claude-3-haiku", {"thinking": ENABLED, "context_management": {"edits": [{"type": "clear_thinking_20251015"}]}}, {"context_management": {"edits": []}}),
    (GEMINI, "gemini", "gemini-2.5-pro", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": True}, "seed": 1}}, {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 16_384}, "seed": 1}}),
    (GEMINI, "gemini", "gemini-3.1-pro-preview", {"generation_config": {"thinking_config": {"thinking_budget": 0}}}, {"generation_config": {"thinking_config": {"thinkingLevel": "low"}}}),
    (GEMINI, "gemini", "gemini-3.1-pro-preview", {"generationConfig": {"thinkingConfig": {"thinkingBudget": "0"}}}, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}),
    (GEMINI, "gemini", "gemini-3.1-pro-preview", {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}, {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}),
    (GEMINI, "gemini", "gemini-2.0-flash", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}, "presencePenalty": 1, "topK": 1}}, {"generationConfig": {"topK": 1}}),
    (GEMINI, "gemini", "gemini-2.0-flash", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "provider", "model", "asked", "sent"), CASES)
def test_members_that_the_model_refuses_are_taken_out_or_rewritten(
    dialect: str, provider: str, model: str, asked: dict[str, object], sent: dict[str, object]
) -> None:
    assert changed(dialect, provider, model, asked) == sent
    assert changed(dialect, provider, model, sent) == sent


def test_a_body_that_the_model_takes_is_the_same_bytes() -> None:
    body = b'{ "temperature":0.50, "messages": [], "max_tokens":9 }'

    assert with_traits(CHAT, body, Target("openai", "gpt-4o", CHAT)) is body
    assert with_traits("openai_embeddings", body, Target("openai", "gpt-5", CHAT)) is body


def test_every_other_member_keeps_its_bytes_and_its_place() -> None:
    body = b'{ "messages": [ {"content":"\\u00e9"} ], "temperature":0.50, "max_tokens": 9e0, "x":{"a" : 1.50} }'

    sent = with_traits(CHAT, body, Target("openai", "gpt-5", CHAT))

    assert sent == b'{"messages":[ {"content":"\\u00e9"} ],"x":{"a" : 1.50},"max_completion_tokens":9e0}'


_names = st.sampled_from([
    "temperature", "top_p", "stop", "thinking", "type", "budget_tokens", "output_config", "effort", "reasoning", "tools", "include",
    "reasoning_effort", "max_tokens", "messages", "text", "verbosity", "tool_choice", "generationConfig", "thinkingConfig",
    "thinkingLevel", "thinkingBudget", "context_management", "edits",
])  # fmt: skip
_words = st.sampled_from(["none", "high", "enabled", "adaptive", "disabled", "any", "LOW"])
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_names, inner, max_size=4)),
    max_leaves=15,
)
TARGETS = [
    (CHAT, "openai", "gpt-5.6"), (CHAT, "xai", "grok-4.5"), (RESPONSES, "openai", "gpt-4o"), (RESPONSES, "openai", "gpt-5"),
    (MESSAGES, "anthropic", "claude-sonnet-4-5"), (MESSAGES, "anthropic", "claude-opus-4-6"), (MESSAGES, "anthropic", "claude-opus-4-7"),
    (MESSAGES, "anthropic", "claude-fable-5"), (GEMINI, "gemini", "gemini-2.5-pro"), (GEMINI, "gemini", "gemini-3.1-pro-preview"),
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(_names, _values, max_size=6), st.sampled_from(TARGETS))
def test_nonsense_raises_nothing_and_what_was_fitted_stays(
    members: dict[str, object], row: tuple[str, str, str]
) -> None:
    dialect, provider, model = row
    target = Target(provider, model, dialect)
    text = json.dumps(members).encode()

    once = with_traits(dialect, text, target)

    assert with_traits(dialect, once, target) == once
    assert with_traits(dialect, text[:-1], target) == text[:-1]
    assert with_traits(dialect, b"[" * 100_000, target) == b"[" * 100_000
