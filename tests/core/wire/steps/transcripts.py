"""One conversation of an agent, written as each dialect's SDK writes it, with ids of its own each time."""

import base64
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

KEY = b"k" * 32
_IDS = itertools.count()


@dataclass(frozen=True)
class Call:
    """A tool call and what came of it."""

    result: str
    arguments: dict
    name: str = "bash"
    is_error: bool = False


Turn = list[Call] | str
"""The calls of one turn of the model; a text is a person's."""


def ran(command: str, result: str = "", *, is_error: bool = False) -> Turn:
    return [Call(result, {"command": command}, is_error=is_error)]


def an_id(prefix: str) -> str:
    return f"{prefix}_{next(_IDS):08}"


def chat(turns: Sequence[Turn]) -> dict:
    messages: list[dict] = [{"role": "system", "content": "You are an agent."}]
    for turn in turns:
        if isinstance(turn, str):
            messages.append({"role": "user", "content": turn})
            continue
        ids = [an_id("call") for _ in turn]
        calls = [
            {"id": id_, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
            for id_, call in zip(ids, turn, strict=True)
        ]
        messages.append({"role": "assistant", "content": an_id("I think"), "tool_calls": calls})
        messages += [
            {"role": "tool", "tool_call_id": id_, "content": json_result(call)}
            for id_, call in zip(ids, turn, strict=True)
        ]
    return {"model": "gpt-5.1", "messages": messages}


def legacy_chat(turns: Sequence[Turn]) -> dict:
    messages: list[dict] = []
    for turn in turns:
        if isinstance(turn, str):
            messages.append({"role": "user", "content": [{"type": "text", "text": turn}]})
            continue
        for call in turn:
            said = {"name": call.name, "arguments": json.dumps(call.arguments)}
            messages.append({"role": "assistant", "content": None, "function_call": said})
            messages.append({"role": "function", "name": call.name, "content": json_result(call)})
    return {"model": "gpt-4o", "messages": messages}


def responses(turns: Sequence[Turn]) -> dict:
    items: list[dict] = []
    for turn in turns:
        if isinstance(turn, str):
            items.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": turn}]})
            continue
        items.append({"type": "reasoning", "id": an_id("rs"), "summary": [], "encrypted_content": an_id("secret")})
        ids = [an_id("call") for _ in turn]
        items += [
            {
                "type": "function_call",
                "id": an_id("fc"),
                "call_id": id_,
                "status": "completed",
                "name": call.name,
                "arguments": json.dumps(call.arguments),
            }
            for id_, call in zip(ids, turn, strict=True)
        ]
        items += [
            {"type": "function_call_output", "id": an_id("fco"), "call_id": id_, "output": json_result(call)}
            for id_, call in zip(ids, turn, strict=True)
        ]
    return {"model": "gpt-5.1-codex", "instructions": "You are an agent.", "input": items, "store": False}


def messages(turns: Sequence[Turn]) -> dict:
    written: list[dict] = []
    for turn in turns:
        if isinstance(turn, str):
            written.append({"role": "user", "content": turn})
            continue
        ids = [an_id("toolu") for _ in turn]
        calls = [
            {"type": "tool_use", "id": id_, "name": call.name, "input": call.arguments}
            for id_, call in zip(ids, turn, strict=True)
        ]
        results = [
            {"type": "tool_result", "tool_use_id": id_, "content": call.result}
            | ({"is_error": True} if call.is_error else {})
            for id_, call in zip(ids, turn, strict=True)
        ]
        thinking = {"type": "thinking", "thinking": an_id("I think"), "signature": an_id("sig")}
        written.append({"role": "assistant", "content": [thinking, {"type": "text", "text": an_id("So")}, *calls]})
        written.append({"role": "user", "content": results})
    return {"model": "claude-opus-5", "max_tokens": 100, "system": "You are an agent.", "messages": written}


def gemini(turns: Sequence[Turn]) -> dict:
    return {"contents": _contents(turns, "functionCall", "functionResponse", "thoughtSignature")}


def gemini_in_snake_case(turns: Sequence[Turn]) -> dict:
    return {"contents": _contents(turns, "function_call", "function_response", "thought_signature")}


def _contents(turns: Sequence[Turn], call_name: str, response_name: str, signature: str) -> list[dict]:
    contents: list[dict] = []
    for turn in turns:
        if isinstance(turn, str):
            contents.append({"role": "user", "parts": [{"text": turn}]})
            continue
        thought = {"text": an_id("I think"), "thought": True}
        calls = [
            {
                call_name: {"id": an_id("f"), "name": call.name, "args": call.arguments},
                signature: base64.b64encode(an_id("s").encode()).decode(),
            }
            for call in turn
        ]
        responses = [
            {response_name: {"name": call.name, "response": {"error" if call.is_error else "output": call.result}}}
            for call in turn
        ]
        contents += [{"role": "model", "parts": [thought, *calls]}, {"role": "user", "parts": responses}]
    return contents


def json_result(call: Call) -> str:
    """Where a dialect has no mark for errors, tools write one into what they return."""
    return json.dumps({"error": call.result}) if call.is_error else call.result


DIALECTS = {
    "openai_chat": ("openai_chat", chat),
    "openai_chat, legacy": ("openai_chat", legacy_chat),
    "openai_responses": ("openai_responses", responses),
    "anthropic_messages": ("anthropic_messages", messages),
    "gemini": ("gemini", gemini),
    "gemini in snake_case": ("gemini", gemini_in_snake_case),
}
