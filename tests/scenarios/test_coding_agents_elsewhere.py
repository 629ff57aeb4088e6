"""Claude Code's kind of traffic, served by another provider: what travels, what stays alike from turn to turn, and what
becomes of the history on its way back."""

import json
from typing import Any

import pytest

from tests.scenarios.test_failover import Caller
from tests.support.failover import (
    SSE,
    an_error,
    chat_answer,
    chat_stream,
    messages_answer,
    responses_answer,
    responses_stream,
)
from tests.support.memory_ports import ScriptedAnswer

UNIFIED = "/v1/messages?beta=true"
HEADERS = {
    "anthropic_version": "2023-06-01",
    "anthropic_beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
    "x_app": "cli",
    "user_agent": "claude-cli/2.1",
}
TOOLS = [
    {
        "name": name,
        "description": f"{name} it.",
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"value": {"type": "string"}, "timeout": {"type": "number", "exclusiveMinimum": 0}},
            "required": ["value"],
            "additionalProperties": False,
        },
    }
    for name in ("Bash", "Read", "Edit", "TodoWrite")
]
STEP = [
    {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "made-by-claude"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"value": "a"}},
        {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {"value": "ls"}},
    ]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "file"}]},
        {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": "no"},
        {"type": "text", "text": "<system-reminder>Go on.</system-reminder>"},
    ]},
]  # fmt: skip


def a_turn(model: str, number: int, steps: int) -> dict[str, Any]:
    """Each request has a hash of its own in its first system block."""
    first = {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1; cch={number:05d};"}
    rules = {"type": "text", "text": "You are Claude Code. " * 50, "cache_control": {"type": "ephemeral"}}
    return {
        "model": model,
        "max_tokens": 2_000,
        "system": [first, rules],
        "metadata": {"user_id": json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": "s" * 36})},
        "tools": TOOLS,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Fix it."}]}, *STEP * steps],
    }


def sent(caller: Caller, number: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(caller.world.sent[number].body or b"")
    return body


@pytest.mark.parametrize(
    ("model", "scripted"),
    [
        ("openai/gpt-4o-mini", chat_answer()),
        ("openai/gpt-4o-mini", chat_stream()),
        ("openai/gpt-5-mini", responses_answer()),
        ("openai/gpt-5-mini", responses_stream()),
    ],
    ids=["chat", "chat, streamed", "responses", "responses, streamed"],
)
def test_nothing_of_anthropic_s_travels_elsewhere(model: str, scripted: ScriptedAnswer) -> None:
    caller = Caller()
    caller.answers(scripted)
    is_streaming = scripted.headers == SSE

    answer = caller.call(UNIFIED, {**a_turn(model, 1, 1), "stream": is_streaming}, **HEADERS)

    (request,) = caller.world.sent
    text = (request.body or b"").decode()
    assert answer.status == 200
    assert (b"event: message_stop" in answer.body) is is_streaming
    assert [name for name in request.headers if name.startswith(("anthropic", "x-app", "x-api-key"))] == []
    assert "?" not in request.url
    assert not any(word in text for word in ("billing-header", "cache_control", "made-by-claude", "device_id"))
    assert len(sent(caller, 0)["safety_identifier"]) == 64


def test_two_turns_begin_with_the_same_bytes() -> None:
    caller = Caller()
    caller.answers(chat_answer())

    for number in (1, 2):
        caller.call(UNIFIED, a_turn("openai/gpt-4o-mini", number, number), **HEADERS)

    first, second = (sent(caller, number) for number in (0, 1))
    assert first["tools"] == second["tools"]
    assert json.dumps(second["messages"]).startswith(json.dumps(first["messages"])[:-1])


def test_results_come_first_and_together_and_errors_are_told() -> None:
    caller = Caller()
    caller.answers(chat_answer())

    caller.call(UNIFIED, a_turn("openai/gpt-4o-mini", 1, 1), **HEADERS)

    messages = sent(caller, 0)["messages"]
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert messages[4]["content"] == "Error: no"


def test_a_model_that_refuses_tools_with_reasoning_on_chat_is_asked_by_responses() -> None:
    caller = Caller()
    caller.answers(responses_answer())

    answer = caller.call(UNIFIED, a_turn("openai/gpt-5-mini", 1, 1), **HEADERS)

    assert caller.world.sent[0].url.endswith("/v1/responses")
    assert json.loads(answer.body)["content"][0]["text"] == "hello"


def test_what_another_provider_thought_does_not_come_back_to_anthropic() -> None:
    caller = Caller(("openai", "gpt-4o-mini"))
    thinking = json.loads(chat_answer().chunks[0])
    thinking["choices"][0]["message"] |= {
        "reasoning_content": "let me see",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "Read", "arguments": '{"value":"b"}'}}
        ],
    }
    elsewhere = chat_answer()
    elsewhere.chunks = (json.dumps(thinking).encode(),)
    caller.answers(an_error(529), messages_answer(), provider="anthropic")
    caller.answers(elsewhere)
    ask = {**a_turn("claude-haiku-4-5", 1, 0), "thinking": {"type": "enabled", "budget_tokens": 1_024}}

    first = json.loads(caller.call("/v1/proxy/anthropic/v1/messages", ask, **HEADERS).body)
    (call,) = [block for block in first["content"] if block["type"] == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "file"}
    ask["messages"] += [{"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
    second = caller.call("/v1/proxy/anthropic/v1/messages", ask, **HEADERS)

    body = sent(caller, 2)
    assert first["content"][0]["type"] == "thinking"
    assert second.status == 200
    assert "let me see" not in json.dumps(body)
    assert body["thinking"] == {"type": "disabled"}
