"""An answer that serves nobody: refused, or empty; and what only looks empty."""

import msgspec
import pytest
from hypothesis import given

from core.routing.answer_faults import fault_at_end, fault_in_answer
from tests.core.routing.test_failure import BODY

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}


def chat(message, finish="stop"):
    return {"choices": [{"message": message, "finish_reason": finish}]}


def messages(content, stop="end_turn"):
    return {"type": "message", "content": content, "stop_reason": stop}


def responses(*output, status="completed", reason=None):
    details = None if reason is None else {"reason": reason}
    return {"object": "response", "status": status, "output": list(output), "incomplete_details": details}


def gemini(*parts, finish="STOP"):
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish}]}


SERVED = {
    "chat text": chat({"content": "hi"}),
    "chat tool call without text": chat({"content": None, "tool_calls": [CALL]}, "tool_calls"),
    "chat cut while thinking": chat({"content": "", "reasoning_content": "hm"}, "length"),
    "chat sound": chat({"content": None, "audio": {"id": "a"}}),
    "one of two choices": {"choices": [*chat({"content": ""})["choices"], *chat({"content": "hi"})["choices"]]},
    "messages text": messages([{"type": "text", "text": "hi"}]),
    "messages tool use": messages([{"type": "tool_use", "id": "t", "name": "f", "input": {}}], "tool_use"),
    "messages cut while thinking": messages([{"type": "thinking", "thinking": "hm"}], "max_tokens"),
    "messages paused": messages([], "pause_turn"),
    "responses text": responses({"type": "message", "content": [{"type": "output_text", "text": "hi"}]}),
    "responses call": responses({"type": "function_call", "name": "f", "arguments": "{}"}),
    "responses cut": responses({"type": "reasoning"}, status="incomplete", reason="max_output_tokens"),
    "responses under way": responses(status="in_progress"),
    "gemini text": gemini({"text": "hi"}),
    "gemini call": gemini({"functionCall": {"name": "f"}}),
    "gemini picture": gemini({"inlineData": {"mimeType": "image/png", "data": ""}}),
    "gemini not thought": gemini({"text": "hi", "thought": False}),
    "gemini cut while thinking": gemini({"text": "hm", "thought": True}, finish="MAX_TOKENS"),
    "embeddings": {"object": "list", "data": [{"embedding": [0.1]}]},
    "text completion": {"choices": [{"text": "", "finish_reason": "stop"}]},
    "nothing": {},
}
EMPTY = {
    "chat": chat({"content": ""}),
    "chat null": chat({"content": None, "tool_calls": []}),
    "chat thought only": chat({"content": "\n", "reasoning_content": "hm"}),
    "messages": messages([]),
    "messages thought only": messages([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": ""}]),
    "responses": responses({"type": "reasoning"}),
    "gemini": gemini(),
    "gemini thought only": gemini({"text": "hm", "thought": True}),
    "gemini malformed call": gemini({"text": "call"}, finish="MALFORMED_FUNCTION_CALL"),
    "gemini without content": {"candidates": [{"finishReason": "STOP"}]},
}
REFUSED = {
    "chat filter": chat({"content": "so"}, "content_filter"),
    "chat refusal": chat({"content": None, "refusal": "I can't."}),
    "messages": messages([], "refusal"),
    "responses filter": responses(status="incomplete", reason="content_filter"),
    "responses refusal": responses({"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}),
    "gemini safety": gemini(finish="SAFETY"),
    "gemini prompt": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
}
CASES = [
    *((name, answer, None) for name, answer in SERVED.items()),
    *((name, answer, "empty_answer") for name, answer in EMPTY.items()),
    *((name, answer, "verdict") for name, answer in REFUSED.items()),
]


@pytest.mark.parametrize(("name", "answer", "fault"), CASES, ids=[f"{case[2]}: {case[0]}" for case in CASES])
def test_an_answer_is_refused_or_empty_or_neither(name, answer, fault) -> None:
    assert fault_in_answer(msgspec.json.encode(answer)) == fault


@pytest.mark.parametrize(
    ("stop", "has_said", "fault"),
    [
        ("stop", True, None),
        ("stop", False, "empty_answer"),
        (None, False, "empty_answer"),
        ("tool_calls", True, None),
        ("length", False, None),
        ("MAX_TOKENS", False, None),
        ("refusal", True, "verdict"),
        ("RECITATION", False, "verdict"),
    ],
)
def test_a_stream_s_end_is_judged_alike(stop, has_said, fault) -> None:
    assert fault_at_end(stop, has_said=has_said) == fault


@given(BODY)
def test_nothing_but_a_fault_comes_of_any_bytes(body: bytes) -> None:
    assert fault_in_answer(body) in (None, "verdict", "empty_answer")


def test_a_deep_answer_has_no_fault() -> None:
    assert fault_in_answer(b'{"choices":' + b"[" * 9_000 + b"]" * 9_000 + b"}") is None
