"""Requests, answers, streams and errors from one dialect into another and back, as a call takes them: every caller's
dialect with every provider that can stand in for it."""

import contextlib
import copy
import json
import re
import time

import pytest
from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from core.money.usage import Usage
from core.wire.translation.answer import Identity
from core.wire.translation.conversation import Untranslatable
from core.wire.translation.errors import read_error
from core.wire.translation.translate import Translation, translated

IDENTITY = Identity(request_id="req_1", created_at_s=1_700_000_000)
GEMINI_PATH = "v1beta/models/gemini-2.5-pro:streamGenerateContent"

ASKED: dict[str, dict[str, object]] = {
    "openai_chat": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
    "openai_responses": {"model": "gpt-4o", "input": "Hi"},
    "anthropic_messages": {
        "model": "claude-sonnet-4-5",
        "max_tokens": 900,
        "messages": [{"role": "user", "content": "Hi"}],
    },
    "gemini": {"contents": [{"parts": [{"text": "Hi"}]}]},
}
TARGETS = {
    "openai_chat": ("groq", "llama-3.3-70b-versatile"),
    "openai_responses": ("openai", "gpt-5.4-pro"),
    "anthropic_messages": ("anthropic", "claude-sonnet-4-5"),
}
PAIRS = [(spoken, target) for spoken in ASKED for target in TARGETS]


def sent(spoken: str, provider: str, model: str, **more: object) -> tuple[dict, Translation]:
    """What a provider is sent of a caller's request, and the way back."""
    body = json.dumps({**ASKED[spoken], **more}).encode()
    said, translation = translated(
        body,
        spoken=spoken,
        path=GEMINI_PATH,
        provider=provider,
        model=model,
        output_tokens_default=32_000,
        user_key=b"key",
    )
    return json.loads(said), translation


def way_back(spoken: str, target: str) -> Translation:
    """Of an answer in the target's dialect."""
    return sent(spoken, *TARGETS[target])[1]


def streamed(translation: Translation, *events: bytes) -> bytes:
    stream = translation.stream(IDENTITY, input_usage=Usage(), is_sse=True)
    return b"".join(map(stream.feed, events)) + stream.finish()


# Requests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoken", ASKED)
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "groq", "xai"])
def test_every_provider_is_asked_in_a_dialect_that_is_written(spoken, provider):
    body, translation = sent(spoken, provider, "unheard-of")

    assert body["model"] == "unheard-of"
    assert translation.target.dialect in TARGETS


# Errors ---------------------------------------------------------------------------------------------------

ERRORS_IN_STREAMS = [
    ({"type": "invalid_request_error", "message": "m"}, 400),
    ({"status": "INVALID_ARGUMENT", "code": 400, "message": "m"}, 400),
    ({"status": "FAILED_PRECONDITION", "code": 400, "message": "m"}, 400),
    ({"status": "UNAVAILABLE", "code": 503, "message": "m"}, 503),
    ({"status": "UNAVAILABLE", "message": "m"}, 503),
    ({"type": "overloaded_error", "message": "m"}, 529),
    ({"type": "timeout_error", "message": "m"}, 504),
    ({"type": "request_too_large", "message": "m"}, 413),
    ({"type": "requests", "code": "rate_limit_exceeded", "message": "m"}, 429),
    ({"type": "insufficient_quota", "code": "insufficient_quota", "message": "m"}, 429),
    ({"message": "m"}, 500),
]


@pytest.mark.parametrize("error, status", ERRORS_IN_STREAMS)
def test_an_error_without_a_status_has_the_one_that_its_words_mean(error, status):
    assert read_error(json.dumps({"error": error}).encode()).status == status


@pytest.mark.parametrize("spoken, target", PAIRS)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[" * 100_000 + b"]" * 100_000, b'{"error":' * 100_000 + b"1" + b"}" * 100_000]
)
def test_any_bytes_of_an_error_are_told_as_an_error(spoken, target, body):
    told = json.loads(way_back(spoken, target).error(body, 503, "req_1"))

    assert "503" in told["error"]["message"]


# Tool calls -----------------------------------------------------------------------------------------------

ODD_ID = "functions.Bash:0"
CALLED = {"index": 0, "id": ODD_ID, "type": "function", "function": {"name": "Bash", "arguments": "{}"}}


def test_an_id_that_the_callers_own_provider_would_refuse_is_told_as_one_that_it_takes():
    translation = way_back("anthropic_messages", "openai_chat")
    whole = {"model": "m", "choices": [{"message": {"tool_calls": [CALLED]}, "finish_reason": "tool_calls"}]}
    chunk = {"model": "m", "choices": [{"delta": {"tool_calls": [CALLED]}, "finish_reason": "tool_calls"}]}

    [block] = json.loads(translation.answer(json.dumps(whole).encode(), IDENTITY))["content"]
    stream = streamed(translation, b"data: " + json.dumps(chunk).encode() + b"\n\n", b"data: [DONE]\n\n")

    assert re.fullmatch(r"functions_Bash_0_[0-9a-f]{8}", block["id"])
    assert json.dumps(block["id"]).encode() in stream


def test_an_id_that_the_caller_can_repeat_stays():
    translation = way_back("openai_chat", "openai_chat")
    whole = {"model": "m", "choices": [{"message": {"tool_calls": [CALLED]}, "finish_reason": "tool_calls"}]}

    [choice] = json.loads(translation.answer(json.dumps(whole).encode(), IDENTITY))["choices"]

    assert choice["message"]["tool_calls"][0]["id"] == ODD_ID


def test_arguments_in_many_pieces_take_no_more_time_each_than_in_few():
    def seconds(pieces: int) -> float:
        stream = way_back("anthropic_messages", "openai_chat").stream(IDENTITY, input_usage=Usage(), is_sse=True)
        piece = b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"abcdefg}"}}]}}]}\n\n'
        stream.feed(
            b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"a","arguments":"{\\"a\\":\\""}}]}}]}\n\n'
        )
        begun = time.process_time()
        for _ in range(pieces):
            stream.feed(piece)
        return time.process_time() - begun

    assert min(seconds(20_000) for _ in range(2)) < 20 * max(seconds(2_000) for _ in range(2))


# Streams --------------------------------------------------------------------------------------------------

LAST_WORDS = {
    "openai_chat": b"data: [DONE]\n\n",
    "openai_responses": b"event: response.completed\n",
    "anthropic_messages": b"event: message_stop\n",
    "gemini": b'"finishReason":"STOP"',
}


@pytest.mark.parametrize("spoken", ASKED)
def test_a_stream_without_a_last_word_of_its_own_has_the_callers(spoken):
    stream = way_back(spoken, "openai_chat").stream(IDENTITY, input_usage=Usage(), is_sse=True)
    heard = stream.feed(b'data: {"model":"m","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n')
    heard += stream.finish()

    assert LAST_WORDS[spoken] not in heard
    assert LAST_WORDS[spoken] in stream.ended()
    assert stream.ended() == stream.broken(b"{}") == b""


@pytest.mark.parametrize("spoken", ["openai_chat", "openai_responses"])
def test_an_empty_name_of_a_user_is_none(spoken):
    assert "metadata" not in sent(spoken, "anthropic", "claude-sonnet-4-5", user="")[0]


# Answers --------------------------------------------------------------------------------------------------

SAID = {
    "openai_chat": {
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm.", "tool_calls": [CALLED]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}},
    },
    "openai_responses": {
        "model": "m",
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]},
            {"type": "function_call", "call_id": ODD_ID, "name": "Bash", "arguments": "{}"},
        ],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 3}, "output_tokens": 5},
    },
    "anthropic_messages": {
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "text", "text": "Yes."},
            {"type": "tool_use", "id": ODD_ID, "name": "Bash", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 5},
    },
}
"""One answer in every dialect that providers speak."""

CLIENTS_TYPES = {
    "openai_chat": ChatCompletion.model_validate,
    "openai_responses": Response.model_validate,
    "anthropic_messages": Message.model_validate,
    "gemini": GenerateContentResponse.model_validate,
}


@pytest.mark.parametrize("spoken", ASKED)
def test_an_answer_is_the_same_to_its_caller_whoever_gave_it(spoken):
    told = [way_back(spoken, target).answer(json.dumps(SAID[target]).encode(), IDENTITY) for target in TARGETS]

    CLIENTS_TYPES[spoken](json.loads(told[0]))
    assert told[0] == told[1] == told[2]


# Nonsense -------------------------------------------------------------------------------------------------

FULL: dict[str, dict[str, object]] = {
    "openai_chat": {
        "messages": [
            {"role": "developer", "content": "s"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
            {"role": "assistant", "content": None, "reasoning_content": "t", "tool_calls": [CALLED]},
            {"role": "tool", "tool_call_id": ODD_ID, "content": [{"type": "text", "text": "r"}]},
        ],
        "tools": [{"type": "function", "function": {"name": "Bash", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "Bash"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"properties": {}}}},
        "reasoning_effort": "low",
        "temperature": 0.5,
        "seed": 3,
        "user": "u",
    },
    "openai_responses": {
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"},
            {"type": "function_call", "call_id": "c", "name": "Bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "r"}]},
        ],
        "tools": [{"type": "function", "name": "Bash", "parameters": {"type": "object"}, "strict": True}],
        "tool_choice": {"type": "function", "name": "Bash"},
        "reasoning": {"effort": "high", "summary": "auto"},
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "include": ["reasoning.encrypted_content"],
    },
    "anthropic_messages": {
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "q"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "t", "signature": "s"},
                    {"type": "tool_use", "id": "c", "name": "Bash", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c", "is_error": True, "content": "r"}],
            },
        ],
        "tools": [{"name": "Bash", "input_schema": {"type": "object", "anyOf": [{"required": ["a"]}]}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u"},
    },
    "gemini": {
        "contents": [
            {"role": "user", "parts": [{"inlineData": {"mimeType": "application/pdf", "data": "aGk="}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": {}}, "thoughtSignature": "s"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "Bash", "response": {"output": "r"}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "Bash", "parameters": {"type": "OBJECT"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["Bash"]}},
        "generationConfig": {"thinkingConfig": {"thinkingBudget": 9_000}, "seed": 1, "topK": 4},
    },
}
MODELS = [
    *TARGETS.values(),
    ("openai", "gpt-4o"),
    ("anthropic", "claude-opus-4-7"),
    ("anthropic", "claude-3-haiku"),
    ("gemini", "gemini-3-pro"),
    ("xai", "grok-4.3"),
]
ODD_VALUES = st.sampled_from(
    [
        *(None, True, -1, 10**30, 0.5, "", "text", "none", "data:", [], {}, [None], ["a"], [[]], {"type": None}),
        *({"a": [1]}, {"$ref": "#"}, {"type": ["object", "null"]}, {"allOf": [{"$ref": "#"}]}, {"properties": []}),
    ]
)


def places_in(value: object) -> list[tuple[dict | list, str | int]]:
    """Every member of every object and list."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[dict | list, str | int]] = []
    for key, inner in members:
        found += [(value, key), *places_in(inner)]
    return found


@settings(max_examples=400)
@given(st.sampled_from(sorted(FULL)), st.sampled_from(MODELS), st.data())
def test_an_odd_request_raises_nothing_but_that_it_cannot_be_translated(spoken, asked, data):
    more = copy.deepcopy(FULL[spoken])
    for _ in range(data.draw(st.integers(0, 3))):
        within, key = data.draw(st.sampled_from(places_in(more)))
        within[key] = copy.deepcopy(data.draw(ODD_VALUES))

    with contextlib.suppress(Untranslatable):
        sent(spoken, *asked, **more)


@pytest.mark.parametrize("spoken", ["openai_chat", "openai_responses", "anthropic_messages"])
@pytest.mark.parametrize("effort", [["low"], {"a": 1}, 3])
def test_an_effort_of_no_kind_is_left_out(spoken, effort):
    member = {"openai_chat": "reasoning_effort", "openai_responses": "reasoning", "anthropic_messages": "output_config"}
    value = effort if spoken == "openai_chat" else {"effort": effort}

    assert sent(spoken, "groq", "llama-3.3-70b-versatile", **{member[spoken]: value})[1].changes
