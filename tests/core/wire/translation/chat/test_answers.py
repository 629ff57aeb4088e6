"""Whole chat answers, read as providers send them, and written as the official client reads them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from core.money.usage import Usage
from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.json_body import InvalidAnswer
from core.wire.translation.answer import Answer, Stop
from core.wire.translation.chat.answer_reader import read_answer
from core.wire.translation.chat.answer_writer import FINISH_REASONS, usage_object, write_answer
from core.wire.translation.conversation import Text, Thinking, ToolCall
from tests.core.wire.translation.chat.strategies import ANSWERS, JUNK, NAMES, USAGES
from tests.core.wire.translation.chat.streams import IDENTITY

GOLDEN = Path("tests/golden/openai_chat")
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
THE_CALL = ToolCall(id="call_1", name="f", arguments='{"a":1}')


def read(message: dict[str, Any], finish: str | None = "stop", **members: Any) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return read_answer(msgspec.json.encode({"model": "gpt-5.5", "choices": [choice], **members}))


PARTS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "text": ({"content": "Hello"}, [Text(text="Hello")]),
    "text in parts": ({"content": [{"type": "text", "text": "He"}, {"type": "text", "text": "llo"}]}, [Text(text="Hello")]),
    "nothing": ({"content": None, "tool_calls": []}, []),
    "thinking as xAI has it": (
        {"content": "A", "reasoning_content": "Hm"}, [Thinking(text="Hm"), Text(text="A")],
    ),
    "thinking as Groq has it": ({"content": "A", "reasoning": "Hm"}, [Thinking(text="Hm"), Text(text="A")]),
    "a refusal": ({"content": None, "refusal": "No."}, [Text(text="No.")]),
    "text and a call": ({"content": "A", "tool_calls": [CALL]}, [Text(text="A"), THE_CALL]),
    "a call without arguments": (
        {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": ""}}]}, [ToolCall(id="call_1", name="f", arguments="{}")],
    ),
    "a call with an object": ({"tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"a": 1}}}]}, [THE_CALL]),
    "a call with broken arguments": (
        {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]},
        [ToolCall(id="call_1", name="f", arguments='{"arguments":"{"}')],
    ),
    "calls of one id and of none": (
        {"tool_calls": [CALL, CALL, {**CALL, "id": ""}, {**CALL, "id": None}]},
        [THE_CALL, *(ToolCall(id=id, name="f", arguments='{"a":1}') for id in ("call_1_2", "call_2", "call_3"))],
    ),
    "Gemini's signature of a call": (
        {"tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "sig"}}}]},
        [msgspec.structs.replace(THE_CALL, signature="sig")],
    ),
    "a function called the old way": (
        {"function_call": {"name": "f", "arguments": '{"a":1}'}}, [ToolCall(id="call_0", name="f", arguments='{"a":1}')],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("message", "parts"), PARTS.values(), ids=PARTS.keys())
def test_a_message_is_read_for_what_it_holds(message: dict[str, Any], parts: list[Any]) -> None:
    assert read(message).parts == tuple(parts)


STOPS: list[tuple[str | None, dict[str, Any], Stop]] = [
    ("stop", {"content": "A"}, "end"),
    ("length", {"content": "A"}, "length"),
    ("tool_calls", {"tool_calls": [CALL]}, "tool_calls"),
    ("function_call", {"function_call": {"name": "f", "arguments": ""}}, "tool_calls"),
    ("content_filter", {"content": "A"}, "refusal"),
    ("content_filter: SAFETY", {"content": None}, "refusal"),
    ("PROHIBITED_CONTENT", {"content": None}, "refusal"),
    ("stop", {"refusal": "No."}, "refusal"),
    ("stop", {"tool_calls": [CALL]}, "tool_calls"),
    ("length", {"tool_calls": [CALL]}, "length"),
    ("tool_calls", {"content": "A", "tool_calls": []}, "end"),
    ("who knows", {"content": "A"}, "end"),
    (None, {"content": "A"}, "end"),
]


@pytest.mark.parametrize(("finish", "message", "stop"), STOPS, ids=str)
def test_why_an_answer_ended_is_read(finish: str | None, message: dict[str, Any], stop: Stop) -> None:
    assert read(message, finish).stop == stop


@pytest.mark.parametrize(
    "finish", ["MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"]
)
def test_a_call_that_the_model_got_wrong_is_no_answer(finish: str) -> None:
    with pytest.raises(InvalidAnswer):
        read({"content": None}, finish)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"null", b"{}", b'{"choices":[]}', b'{"choices":null}', b'{"error":{"message":"Oops"}}',
        b'[{"error":{"code":429}}]', b'{"a":' * 5000,
    ],
    ids=lambda body: body[:20].decode(),
)  # fmt: skip
def test_an_error_or_nonsense_is_no_answer(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(body)


def test_the_first_choice_is_the_answer_wherever_it_stands() -> None:
    choices = [{"index": index, "message": {"content": str(index)}} for index in (1, 0)]

    assert read_answer(msgspec.json.encode({"choices": choices})).parts == (Text(text="0"),)


USAGE_READ: dict[str, tuple[dict[str, Any], Usage | None]] = {
    "OpenAI's": (
        {"usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
                   "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
                   "completion_tokens_details": {"reasoning_tokens": 20}}},
        Usage(input_tokens=30, cached_input_tokens=60, cache_write_5m_tokens=10, output_tokens=30, reasoning_tokens=20),
    ),
    "xAI's, without reasoning in the completion": (
        {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45,
                   "completion_tokens_details": {"reasoning_tokens": 30}}},
        Usage(input_tokens=10, output_tokens=5, reasoning_tokens=30),
    ),
    "Groq's, aside": (
        {"x_groq": {"usage": {"prompt_tokens": 10, "completion_tokens": 5}}}, Usage(input_tokens=10, output_tokens=5),
    ),
    "zero": ({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, Usage()),
    "none": ({"usage": None}, None),
}  # fmt: skip


@pytest.mark.parametrize(("members", "usage"), USAGE_READ.values(), ids=USAGE_READ.keys())
def test_a_usage_is_read_in_each_provider_s_counting(members: dict[str, Any], usage: Usage | None) -> None:
    assert read({"content": "A"}, **members).usage == usage


@given(USAGES)
def test_a_written_usage_counts_the_same(usage: Usage) -> None:
    written = usage_object(usage)

    assert read_openai_usage(msgspec.Raw(msgspec.json.encode(written))) == usage
    assert written["total_tokens"] == usage.total_tokens


@pytest.mark.parametrize("case", sorted(path.parent.name for path in GOLDEN.glob("*/answer.json")))
def test_a_provider_s_answer_passes_as_it_was(case: str) -> None:
    body = (GOLDEN / case / "answer.json").read_bytes()
    answer, original = read_answer(body), ChatCompletion.construct(**msgspec.json.decode(body))

    again = ChatCompletion.model_validate_json(write_answer(answer, IDENTITY))

    [choice] = again.choices
    first = original.choices[0]
    finish = "tool_calls" if first.message.tool_calls else first.finish_reason  # "stop" where the tool was forced
    assert (again.model, choice.finish_reason) == (original.model, finish)
    assert (choice.message.content or "") == (first.message.content or "")
    calls = [call.to_dict() for call in first.message.tool_calls or ()]
    assert [call.to_dict() for call in choice.message.tool_calls or ()] == calls
    assert (again.usage is None) == (answer.usage is None)


# Writing --------------------------------------------------------------------------------------------------


def test_an_answer_is_a_completion() -> None:
    parts = (Thinking(text="Hm"), Text(text="A"), THE_CALL)
    answer = Answer(model="claude", parts=parts, stop="tool_calls", usage=Usage(input_tokens=3, output_tokens=2))

    assert msgspec.json.decode(write_answer(answer, IDENTITY)) == {
        "id": "chatcmpl-req_0123456789abcdef",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "claude",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant", "content": "A", "refusal": None, "reasoning_content": "Hm", "tool_calls": [CALL],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }  # fmt: skip


def test_thinking_is_never_text_of_the_answer() -> None:
    parts = (Thinking(text="secret"), Text(text="A"), Thinking(text="more"), Text(text="B"))

    [choice] = msgspec.json.decode(write_answer(Answer(model="m", parts=parts, stop="end"), IDENTITY))["choices"]

    assert (choice["message"]["content"], choice["message"]["reasoning_content"]) == ("AB", "secretmore")


FINISHES = [
    ("end", "stop"), ("stop_sequence", "stop"), ("length", "length"), ("tool_calls", "tool_calls"), ("refusal", "content_filter"),
]  # fmt: skip


@pytest.mark.parametrize(("stop", "finish"), FINISHES)
def test_each_stop_has_its_reason(stop: Stop, finish: str) -> None:
    assert FINISH_REASONS[stop] == finish


def test_a_call_s_signature_comes_with_it() -> None:
    answer = Answer(model="m", parts=(msgspec.structs.replace(THE_CALL, signature="sig"),), stop="tool_calls")

    assert read_answer(write_answer(answer, IDENTITY)).parts == answer.parts


def test_a_caller_of_the_old_way_gets_its_function_call() -> None:
    answer = Answer(model="m", parts=(THE_CALL,), stop="tool_calls")

    [choice] = msgspec.json.decode(write_answer(answer, IDENTITY, calls_as_functions=True))["choices"]

    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert "tool_calls" not in choice["message"]


@settings(max_examples=100, deadline=None)
@given(ANSWERS)
def test_what_is_written_is_read_as_the_same_answer(answer: Answer) -> None:
    body = write_answer(answer, IDENTITY)
    ChatCompletion.model_validate_json(body, strict=True)

    again = read_answer(body)

    for kind in (Text, Thinking):
        assert _joined(again, kind) == _joined(answer, kind)
    assert [(call.name, call.arguments) for call in _calls(again)] == [
        (call.name, call.arguments) for call in _calls(answer)
    ]
    assert (again.model, again.usage) == (answer.model, answer.usage)


def _joined(answer: Answer, kind: type[Text] | type[Thinking]) -> str:
    return "".join(part.text for part in answer.parts if isinstance(part, kind))


def _calls(answer: Answer) -> list[ToolCall]:
    return [part for part in answer.parts if isinstance(part, ToolCall)]


PART_NAMES = st.sampled_from(
    [
        "index",
        "message",
        "finish_reason",
        "content",
        "refusal",
        "reasoning",
        "tool_calls",
        "function",
        "function_call",
        "name",
        "arguments",
        "id",
        "text",
        "extra_content",
        "google",
        "thought_signature",
    ]
)
NESTED = st.recursive(
    JUNK, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PART_NAMES, inner, max_size=6), max_leaves=25
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.dictionaries(PART_NAMES, NESTED, max_size=4), max_size=2) | NESTED,
    st.dictionaries(st.sampled_from(["model", "usage", "x_groq", "error"]) | NAMES, NESTED, max_size=4),
)
def test_a_hostile_answer_raises_nothing_else(choices: Any, members: dict[str, Any]) -> None:
    try:
        answer = read_answer(msgspec.json.encode({**members, "choices": choices}))
    except InvalidAnswer:
        return
    write_answer(answer, IDENTITY)


@given(st.binary(max_size=60))
def test_bytes_of_no_sense_raise_nothing_else(body: bytes) -> None:
    for text in (body, b'{"choices":[{"message":{"content":"' + body + b'"}}]}'):
        try:
            read_answer(text)
        except InvalidAnswer:
            continue
