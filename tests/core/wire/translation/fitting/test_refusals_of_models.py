"""Each class of models against an upstream that refuses exactly what it is known to refuse.

The refusals are written down here again, in the words of the wire, so that a wrong row in the table of traits is found.
"""

import collections
import itertools
import json
from collections.abc import Callable, Iterator

import msgspec
import pytest

from core.wire.translation.conversation import (
    Conversation,
    OutputFormat,
    Reasoning,
    Text,
    Tool,
    ToolChoice,
    Turn,
    Untranslatable,
)
from core.wire.translation.fitting.fit import fit
from core.wire.translation.fitting.same_provider import with_traits
from core.wire.translation.fitting.target import Target

Sent = dict[str, object]
"""What is said of a conversation, member by member, as far as refusals go."""

Refuses = Callable[[Sent], Iterator[str]]


def openai_reasoning(levels: set[str], is_free_without_thinking: bool, tools: str) -> Refuses:
    def refuses(sent: Sent) -> Iterator[str]:
        is_off = sent["effort"] == "none"
        if not (is_off and is_free_without_thinking):
            yield from _given(sent, "temperature", "top_p")
        yield from _given(sent, "stop", "frequency_penalty", "presence_penalty", "top_k", "budget", "adaptive", "seed")
        if sent["effort"] not in {None, *levels}:
            yield "effort"
        is_chat = sent["dialect"] == "openai_chat"
        if is_chat and sent["tools"] and tools == "unless none" and sent["effort"] not in (None, "none"):
            yield "tools with effort"
        if is_chat and sent["tools"] and tools == "say none" and not is_off:
            yield "tools without none"
        if isinstance(sent["user"], str) and len(sent["user"]) > 64:
            yield "user"

    return refuses


def claude(version: float, size: str = "opus") -> Refuses:
    def refuses(sent: Sent) -> Iterator[str]:
        is_adaptive_only = version >= 4.7
        is_thinking = bool(sent["budget"] or sent["adaptive"])
        yield from _given(sent, "frequency_penalty", "presence_penalty", "seed", "cache_key", "verbosity")
        if is_adaptive_only or is_thinking:
            yield from _given(sent, "temperature", "top_p", "top_k")
        if sent["temperature"] is not None and sent["top_p"] is not None:
            yield "both"
        if isinstance(sent["temperature"], float) and sent["temperature"] > 1:
            yield "temperature"
        if sent["budget"] is not None and (is_adaptive_only or version < 3.7):
            yield "budget"
        if isinstance(sent["budget"], int) and not 1_024 <= sent["budget"] < int(str(sent["max_tokens"])):
            yield "size of the budget"
        if sent["adaptive"] and version < 4.6:
            yield "adaptive"
        if sent["effort"] not in {None, "none", "low", "medium", "high", "max"} | (
            {"xhigh"} if is_adaptive_only else set()
        ):
            yield "effort"
        if sent["effort"] not in (None, "none") and version < 4.6:
            yield "effort"
        if sent["effort"] == "none" and (size == "fable" or version < 3.7):
            yield "disabled"
        if is_thinking and sent["forced"]:
            yield "forced tool"
        if sent["forced"] and size == "fable" and version >= 5.1:
            yield "forced tool"
        if sent["json"] and version < 4.5:
            yield "format"
        if sent["max_tokens"] is None:
            yield "max_tokens"

    return refuses


def gemini(sent: Sent) -> Iterator[str]:
    yield from _given(
        sent, "frequency_penalty", "presence_penalty", "seed", "cache_key", "top_k", "verbosity", "budget", "adaptive"
    )
    if sent["effort"] == "minimal":
        yield "effort"
    if sent["json"] and sent["tools"]:
        yield "format beside tools"


def groq(levels: set[str]) -> Refuses:
    def refuses(sent: Sent) -> Iterator[str]:
        yield from _given(sent, "cache_key", "top_k", "verbosity", "budget", "adaptive")
        if sent["effort"] not in {None, *levels}:
            yield "effort"

    return refuses


def xai(levels: set[str]) -> Refuses:
    def refuses(sent: Sent) -> Iterator[str]:
        yield from _given(sent, "stop", "frequency_penalty", "presence_penalty", "top_k", "budget", "adaptive")
        if sent["effort"] not in {None, *levels}:
            yield "effort"

    return refuses


def _given(sent: Sent, *names: str) -> Iterator[str]:
    return (name for name in names if sent[name])


LEVELS = {"none", "low", "medium", "high"}
UPSTREAMS: dict[tuple[str, str, str], Refuses] = {
    ("openai", "o3", "openai_chat"): openai_reasoning({"low", "medium", "high"}, False, "any"),
    ("openai", "gpt-5", "openai_chat"): openai_reasoning({"minimal", "low", "medium", "high"}, False, "any"),
    ("openai", "gpt-5", "openai_responses"): openai_reasoning({"minimal", "low", "medium", "high"}, False, "any"),
    ("openai", "gpt-5.1", "openai_chat"): openai_reasoning(LEVELS, True, "any"),
    ("openai", "gpt-5.4", "openai_chat"): openai_reasoning({*LEVELS, "xhigh"}, True, "unless none"),
    ("openai", "gpt-5.6-luna", "openai_chat"): openai_reasoning({*LEVELS, "xhigh"}, True, "say none"),
    ("openai", "gpt-5.6-luna", "openai_responses"): openai_reasoning({*LEVELS, "xhigh"}, True, "any"),
    ("openai", "gpt-6.1-terra", "openai_responses"): openai_reasoning({*LEVELS, "xhigh"}, True, "any"),
    ("openai", "unheard-of", "openai_responses"): openai_reasoning(set(), False, "any"),
    ("anthropic", "claude-3-5-haiku-20241022", "anthropic_messages"): claude(3.5),
    ("anthropic", "claude-opus-4-1", "anthropic_messages"): claude(4.1),
    ("anthropic", "claude-sonnet-4-5", "anthropic_messages"): claude(4.5),
    ("anthropic", "claude-opus-4-6", "anthropic_messages"): claude(4.6),
    ("anthropic", "claude-opus-4-7", "anthropic_messages"): claude(4.7),
    ("anthropic", "claude-opus-5", "anthropic_messages"): claude(5.0),
    ("anthropic", "claude-fable-5", "anthropic_messages"): claude(5.0, "fable"),
    ("anthropic", "claude-fable-5-1", "anthropic_messages"): claude(5.1, "fable"),
    ("gemini", "gemini-2.5-flash", "openai_chat"): gemini,
    ("gemini", "gemini-3.1-pro-preview", "openai_chat"): gemini,
    ("groq", "openai/gpt-oss-120b", "openai_chat"): groq({"low", "medium", "high"}),
    ("groq", "qwen/qwen3-32b", "openai_chat"): groq({"none"}),
    ("groq", "llama-3.3-70b-versatile", "openai_chat"): groq(set()),
    ("xai", "grok-4-0709", "openai_chat"): xai(set()),
    ("xai", "grok-4.3", "openai_chat"): xai(LEVELS),
    ("xai", "grok-4.5", "openai_chat"): xai({"low", "medium", "high"}),
}

PLAIN = Conversation(model="m", turns=(Turn("user", (Text(text="Some JSON, please"),)),))
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
FIELDS: dict[str, list[dict[str, object]]] = {
    "temperature": [{"temperature": value} for value in (0.0, 0.7, 1.7)],
    "top_p": [{"top_p": 0.5}, {"top_p": 0.5, "temperature": 0.5}],
    "top_k": [{"top_k": 5}],
    "stop": [{"stop": ("END",)}],
    "penalties": [{"frequency_penalty": 0.5, "presence_penalty": 0.5}],
    "seed": [{"seed": 7}],
    "keys": [{"cache_key": "k", "user": "u" * 150, "verbosity": "low"}],
    "effort": [
        {"reasoning": Reasoning(effort=level)} for level in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    ],  # type: ignore[arg-type]
    "budget": [{"reasoning": Reasoning(budget_tokens=tokens)} for tokens in (0, 500, 1_024, 60_000)],
    "adaptive": [{"reasoning": Reasoning(is_adaptive=True)}],
    "max_tokens": [{"output_tokens_max": tokens} for tokens in (1, 1_024, 2_000, 32_000)],
    "tools": [{"tools": (Tool(name="Bash"),)}],
    "forced": [{"tools": (Tool(name="Bash"),), "tool_choice": ToolChoice(mode="required")}],
    "json": [{"format": OutputFormat(schema=SCHEMA)}],
}


def said(conversation: Conversation, target: Target) -> Sent:
    reasoning = conversation.reasoning or Reasoning()
    return {
        **msgspec.structs.asdict(conversation),
        "dialect": target.dialect,
        "effort": reasoning.effort,
        "budget": reasoning.budget_tokens,
        "adaptive": reasoning.is_adaptive,
        "forced": conversation.tool_choice is not None and conversation.tool_choice.mode in ("required", "named"),
        "json": conversation.format,
        "max_tokens": conversation.output_tokens_max,
    }


@pytest.mark.parametrize("first", FIELDS)
@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda row: f"{row[1]}-{row[2]}")
def test_no_request_of_ours_is_refused(upstream: tuple[str, str, str], first: str) -> None:
    target, served = Target(*upstream), 0
    for one in FIELDS[first]:
        for other in itertools.chain(*FIELDS.values()):
            conversation = msgspec.structs.replace(PLAIN, **(one | other))
            try:
                sent = fit(conversation, target, output_tokens_default=8_192).conversation
            except Untranslatable:
                continue
            served += 1
            assert list(UPSTREAMS[upstream](said(sent, target))) == []
    assert served or LACKS[first] & {target.dialect, target.provider, target.model}


LACKS: dict[str, set[str]] = collections.defaultdict(set) | {
    "stop": {"openai", "xai"},
    "forced": {"claude-fable-5-1"},
    "json": {"claude-3-5-haiku-20241022", "claude-opus-4-1", "unheard-of", "qwen/qwen3-32b", "llama-3.3-70b-versatile"},
}
"""Where a field leaves the hop out whatever else is asked."""


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda row: f"{row[1]}-{row[2]}")
def test_of_one_provider_s_models_neither(upstream: tuple[str, str, str]) -> None:
    target = Target(*upstream)
    for members in BODIES[target.dialect]:
        sent = json.loads(with_traits(target.dialect, json.dumps(members).encode(), target))
        assert list(UPSTREAMS[upstream](read(sent, target))) == []


EVERYTHING_ON_CHAT: dict[str, object] = {
    "temperature": 0.5, "top_p": 0.5, "stop": ["END"], "frequency_penalty": 1, "presence_penalty": 1, "seed": 7,
}  # fmt: skip
BODIES: dict[str, list[dict[str, object]]] = {
    "openai_chat": [
        {**EVERYTHING_ON_CHAT, "reasoning_effort": level, "tools": tools}
        for level in (None, "none", "minimal", "low", "medium", "high", "xhigh", "max")
        for tools in ([], ["Bash"])
    ],
    "openai_responses": [
        {"temperature": 0.5, "top_p": 0.5, "reasoning": {"effort": level}, "tools": ["Bash"]}
        for level in (None, "none", "minimal", "low", "medium", "high", "xhigh", "max")
    ],
    "anthropic_messages": [
        {"temperature": 0.5, "top_p": 0.5, "top_k": 5, "max_tokens": 4_096, "thinking": thinking, "output_config": {"effort": effort}}
        for thinking in ({"type": "enabled", "budget_tokens": 2_000}, {"type": "enabled", "budget_tokens": 9_000}, {"type": "adaptive"}, {"type": "disabled"}, None)
        for effort in (None, "low", "xhigh", "max")
    ],
}  # fmt: skip


def read(sent: dict[str, object], target: Target) -> Sent:
    """The same of a body."""
    thinking = sent.get("thinking") or {}
    assert isinstance(thinking, dict)
    nested = [inner for inner in (sent.get("reasoning"), sent.get("output_config")) if isinstance(inner, dict)]
    effort = sent.get("reasoning_effort") or next((inner.get("effort") for inner in nested), None)
    absent = dict.fromkeys(
        (
            "temperature",
            "top_p",
            "top_k",
            "stop",
            "frequency_penalty",
            "presence_penalty",
            "seed",
            "tools",
            "max_tokens",
        )
    )
    return {
        **absent,
        **sent,
        **dict.fromkeys(("cache_key", "verbosity", "user", "forced", "json")),
        "dialect": target.dialect,
        "effort": "none" if thinking.get("type") == "disabled" else effort,
        "budget": thinking.get("budget_tokens"),
        "adaptive": thinking.get("type") == "adaptive",
    }
