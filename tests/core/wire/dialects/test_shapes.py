"""Shapes in which clients write requests: what providers take is taken, and what is refused says what to write instead."""

import json
import re
from typing import Any

import pytest

from core.refusals import InvalidRequest
from core.wire.dialects import DIALECTS
from core.wire.facts import ParsedCall

GEMINI_PATH = "v1beta/models/m:generateContent"
MESSAGES = [{"role": "user", "content": "Hi"}]
LEAST: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": MESSAGES},
    "openai_completions": {"model": "m", "prompt": "Hi"},
    "openai_responses": {"model": "m", "input": "Hi"},
    "openai_compaction": {"model": "m", "input": "Hi"},
    "openai_embeddings": {"model": "m", "input": "Hi"},
    "anthropic_messages": {"model": "m", "max_tokens": 9, "messages": MESSAGES},
    "gemini": {"contents": [{"parts": [{"text": "Hi"}]}]},
    "gemini_embed": {"content": {"parts": [{"text": "Hi"}]}},
}


def body_of(dialect: str, members: dict[str, Any]) -> bytes:
    return json.dumps(LEAST[dialect] | members).encode()


def parse(dialect: str, members: dict[str, Any]) -> ParsedCall:
    return DIALECTS[dialect].parse_request(body_of(dialect, members), path=GEMINI_PATH)


NOTHING = dict.fromkeys(("tools", "stream", "stop", "metadata", "user", "seed", "temperature"))
PLAIN = {
    "openai_chat": [
        NOTHING | dict.fromkeys(("functions", "n", "max_tokens", "max_completion_tokens", "stream_options", "logit_bias")),
        dict.fromkeys(("service_tier", "reasoning_effort", "web_search_options", "search_parameters", "prediction", "deferred")),
        dict.fromkeys(("thinking", "reasoning_format", "include_reasoning", "response_format", "modalities", "audio")),
        {"tools": [], "tool_choice": "auto", "stop": "END", "deferred": False, "search_parameters": {"mode": "off"}},
        {"stop": ["END"], "stream": False, "stream_options": {}, "n": 1.0, "store": True, "metadata": {"a": "b"}},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [], "refusal": None, "annotations": []}, *MESSAGES]},
        {"messages": [{"role": "user", "content": {"type": "text", "text": "Hi"}}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": None}]},
        {"messages": [{"role": "developer", "content": [{"type": "text", "text": "Hi"}]}, *MESSAGES]},
        {"reasoning": {"effort": "high"}, "verbosity": "low", "safety_identifier": "u", "parallel_tool_calls": None},
    ],
    "openai_completions": [
        NOTHING | dict.fromkeys(("best_of", "n", "max_tokens", "suffix", "logprobs", "stream_options")),
        {"prompt": None, "echo": True},
        {"prompt": ["Hi"]},
        {"prompt": [1, 2, 3]},
        {"prompt": [[1, 2, 3]]},
    ],
    "openai_responses": [
        NOTHING | dict.fromkeys(("instructions", "previous_response_id", "conversation", "store", "max_output_tokens")),
        dict.fromkeys(("reasoning", "text", "prompt", "include", "service_tier", "max_tool_calls", "context_management")),
        {"background": False, "reasoning": {"effort": None, "summary": None}, "truncation": "disabled", "tools": []},
        {"input": {"role": "user", "content": "Hi"}, "context_management": []},
        {"input": [{"role": "user", "content": "Hi"}]},
        {"input": [{"type": "message", "role": "user", "content": {"type": "input_text", "text": "Hi"}}]},
        {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]},
        {"input": None},
    ],
    "openai_compaction": [
        dict.fromkeys(("stream", "instructions", "previous_response_id", "service_tier", "prompt_cache_key", "tools")),
        {"input": [{"type": "compaction", "encrypted_content": "AAAA"}], "parallel_tool_calls": True},
    ],
    "openai_embeddings": [
        dict.fromkeys(("dimensions", "encoding_format", "user")),
        {"input": ["Hi", "there"], "dimensions": 64, "encoding_format": "base64", "user": "u"},
        {"input": [1, 2, 3], "encoding_format": "float"},
        {"input": [[1, 2], [3]]},
    ],
    "anthropic_messages": [
        NOTHING | dict.fromkeys(("system", "thinking", "stop_sequences", "container", "mcp_servers", "service_tier")),
        dict.fromkeys(("speed", "inference_geo", "context_management", "thread", "fallbacks", "tool_choice", "top_k")),
        {"system": "Be brief.", "tools": [], "mcp_servers": [], "context_management": {"edits": None}},
        {"system": [{"type": "text", "text": "Be brief."}], "metadata": {"user_id": None}},
        {"messages": [{"role": "user", "content": {"type": "text", "text": "Hi"}}], "max_tokens": 9.0},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "thinking": {"type": "disabled"}},
    ],
    "gemini": [
        dict.fromkeys(("tools", "toolConfig", "generationConfig", "safetySettings", "systemInstruction", "cachedContent")),
        {"contents": {"parts": {"text": "Hi"}}, "safetySettings": {"category": 7, "threshold": 1}},
        {"contents": {"role": "user", "parts": [{"text": "Hi"}]}, "system_instruction": {"parts": {"text": "Be brief."}}},
        {"tools": {"function_declarations": {"name": "f"}}, "tool_config": {"functionCallingConfig": {"mode": 1}}},
    ],
    "gemini_embed": [
        {"content": {"parts": {"text": "Hi"}}, "taskType": 3, "outputDimensionality": "64"},
        {"content": None, "requests": {"model": "models/m", "content": {"parts": {"text": "Hi"}}}},
    ],
}  # fmt: skip
SHAPES = [(dialect, members) for dialect, shapes in PLAIN.items() for members in shapes]


@pytest.mark.parametrize(("dialect", "members"), SHAPES, ids=str)
def test_what_means_nothing_more_than_the_plain_request_is_read_like_it(dialect: str, members: dict[str, Any]) -> None:
    read, plain = parse(dialect, members), parse(dialect, {})

    for fact in (
        "output_tokens_max",
        "answers",
        "is_streaming",
        "service_tier",
        "unmetered_tools",
        "web_search_calls_max",
    ):
        assert getattr(read, fact) == getattr(plain, fact), fact
    assert read.prompt.hidden_inputs == 0


@pytest.mark.parametrize(("dialect", "members"), SHAPES, ids=str)
def test_it_is_sent_as_it_came_or_with_a_ceiling(dialect: str, members: dict[str, Any]) -> None:
    body = body_of(dialect, members)

    prepared = DIALECTS[dialect].prepare(body)

    assert prepared.to_send(None) == body
    assert json.loads(prepared.to_send(7)).keys() >= json.loads(body).keys()


CEILINGS = [
    *[("openai_chat", name) for name in ("max_tokens", "max_completion_tokens")],
    ("openai_completions", "max_tokens"),
    ("openai_responses", "max_output_tokens"),
    ("anthropic_messages", "max_tokens"),
]


@pytest.mark.parametrize("written", [100, 100.0, 1e2, "100"])
@pytest.mark.parametrize(("dialect", "name"), CEILINGS)
def test_a_whole_number_is_one_however_it_is_written(dialect: str, name: str, written: object) -> None:
    assert parse(dialect, {name: written}).output_tokens_max == 100


def test_every_dialect_has_its_shapes() -> None:
    assert LEAST.keys() == PLAIN.keys() == DIALECTS.keys()


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("openai_chat", {"max_tokens": 0}, "max_tokens", r"Expected `int` >= 1 - at `max_tokens`; or leave max_tokens out$"),
    ("openai_chat", {"max_completion_tokens": 1.5}, "max_completion_tokens", r"or leave max_completion_tokens out$"),
    ("openai_chat", {"n": 129}, "n", r"`int` <= 128 .* or leave n out$"),
    ("openai_chat", {"messages": {"role": "user"}}, "messages", r"Expected `array`, got `object` - at `messages`$"),
    ("openai_chat", {"messages": []}, "messages", r"`array` of length >= 1 - at `messages`$"),
    ("openai_chat", {"thinking": True}, "thinking", r"`object \| null`.* or leave thinking out$"),
    ("openai_chat", {"stream_options": {"include_usage": []}}, "stream_options.include_usage", r"or leave stream_options.include_usage out$"),
    ("openai_chat", {"deferred": True}, "deferred", r"leave deferred out, and stream the answer"),
    ("openai_chat", {"tools": "all"}, "tools", r"must be a list of objects: leave it out where there are none$"),
    ("openai_chat", {"tools": [{"type": 7}]}, "tools[].type", r"got `int` - at `tools\[\].type`; or leave tools\[\].type out$"),
    ("openai_chat", {"Model": "m"}, "model", r"'Model' has a second spelling: write it once, as the provider's pages do$"),
    ("openai_completions", {"prompt": {"a": 1}}, "prompt", r"at `prompt`; or leave prompt out$"),
    ("openai_responses", {"background": True}, "background", r"leave background out, and stream the answer"),
    ("openai_responses", {"max_tool_calls": 0}, "max_tool_calls", r"or leave max_tool_calls out$"),
    ("openai_compaction", {"stream": True}, "stream", r"leave stream out$"),
    ("openai_embeddings", {"input": {"a": 1}}, "input", r"Expected `str \| array`, got `object` - at `input`$"),
    ("anthropic_messages", {"max_tokens": None}, "max_tokens", r"Expected `int`, got `null` - at `max_tokens`$"),
    ("anthropic_messages", {"tools": [{"type": "web_search_1", "max_uses": 0}]}, "tools[].max_uses", r"or leave tools\[\].max_uses out$"),
    ("gemini", {"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens", r">= 1 - at `generationConfig.maxOutputTokens`; or leave"),
    ("gemini", {"model": "models/other"}, "model", r"leave model out of it, or write 'm' there$"),
    ("gemini_embed", {"content": None}, "content", r"one text is content, a batch is requests$"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "members", "param", "words"), REFUSED, ids=str)
def test_a_refusal_names_the_member_and_says_what_to_write(
    dialect: str, members: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(dialect, members)

    assert refused.value.param == param
    assert re.search(words, refused.value.message), refused.value.message
