"""What Claude answers, read whole."""

from typing import Any

import msgspec
import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.json_body import InvalidAnswer
from core.wire.translation.answer import Answer
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.messages.answer_reader import read_answer
from tests.core.wire.translation.messages.junk import JUNK

USAGE = {
    "input_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 7, "output_tokens": 11,
}  # fmt: skip


def body_of(*blocks: Any, **members: Any) -> bytes:
    whole = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "content": list(blocks),
        "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE,
    }  # fmt: skip
    return msgspec.json.encode(whole | members)


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def thought(said: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": said, "signature": "EqQB"}


def call(id: str = "toolu_1", **members: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "f", "input": {}, **members}


def read(*blocks: Any, **members: Any) -> Answer:
    return read_answer(body_of(*blocks, **members))


def test_an_answer_of_the_official_type_is_read() -> None:
    body = body_of(thought("Hm"), text("Hi"), call(input={"a": 1}), stop_reason="tool_use")
    Message.model_validate_json(body)

    assert read_answer(body) == Answer(
        model="claude-opus-4-6",
        parts=(Thinking(text="Hm"), Text(text="Hi"), ToolCall(id="toolu_1", name="f", arguments='{"a":1}')),
        stop="tool_calls",
        usage=Usage(input_tokens=3, cached_input_tokens=5, cache_write_5m_tokens=7, output_tokens=11),
    )


PARTS: dict[str, tuple[list[Any], tuple[Any, ...]]] = {
    "nothing": ([], ()),
    "texts that cite are one": ([text("A "), text(""), text("B")], (Text(text="A B"),)),
    "thoughts stand apart": ([thought("A"), thought("B"), thought("")], (Thinking(text="A\n\nB"),)),
    "what is sealed, or run by Anthropic, is nobody's": (
        [
            {"type": "redacted_thinking", "data": "Emww"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            text("A"),
        ],
        (Text(text="A"),),
    ),
    "calls with one id, or none": (
        [call(""), call("a"), call("a")],
        tuple(ToolCall(id=id, name="f", arguments="{}") for id in ("call_0", "a", "a_2")),
    ),
}


@pytest.mark.parametrize(("blocks", "parts"), PARTS.values(), ids=PARTS.keys())
def test_blocks_are_read_in_their_order(blocks: list[Any], parts: tuple[Any, ...]) -> None:
    assert read(*blocks).parts == parts


INPUTS: dict[str, tuple[bytes, str]] = {
    "an object as it stands": (b'{ "a": [1.50] }', '{ "a": [1.50] }'),
    "nothing": (b"null", "{}"),
    "a text": (b'"{\\"a\\":1}"', '{"a":1}'),
    "an empty text": (b'""', "{}"),
    "half a character": (b'{"a":"\\ud83d"}', '{"a":"\\ufffd"}'),
    "bytes that are no characters": (b'{"a":"\xff"}', '{"a":"\ufffd"}'),
}


@pytest.mark.parametrize(("said", "arguments"), INPUTS.values(), ids=INPUTS.keys())
def test_the_input_of_a_call_is_the_text_of_an_object(said: bytes, arguments: str) -> None:
    [part] = read(call(input=msgspec.Raw(said))).parts

    assert part == ToolCall(id="toolu_1", name="f", arguments=arguments)


STOPS = {
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "length",
    "a_new_one": "end",
    None: "end",
}


@pytest.mark.parametrize(("reason", "stop"), STOPS.items())
def test_reasons_to_stop_are_read(reason: str | None, stop: str) -> None:
    assert read(text("A"), stop_reason=reason).stop == stop


def test_the_sequence_that_stopped_an_answer_is_named() -> None:
    answer = read(text("A"), stop_reason="stop_sequence", stop_sequence="X")

    assert (answer.stop, answer.stop_sequence) == ("stop_sequence", "X")


def test_an_answer_with_a_call_stops_for_it_whatever_it_says() -> None:
    assert read(call()).stop == "tool_calls"


def test_an_answer_without_usage_has_none() -> None:
    assert read(text("A"), usage=None).usage is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"type":"error","error":{"type":"api_error"}}'])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(body)


ODD_BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "tool_use"]) | JUNK},
    optional=dict.fromkeys(("text", "thinking", "id", "name", "input"), JUNK),
)


@given(
    st.one_of(
        st.fixed_dictionaries(
            {"content": st.lists(ODD_BLOCKS, max_size=4) | JUNK},
            optional=dict.fromkeys(("model", "stop_reason", "stop_sequence", "usage", "error"), JUNK),
        ).map(msgspec.json.encode),
        JUNK.map(msgspec.json.encode),
        st.binary(max_size=30),
    )
)
def test_nonsense_is_read_or_refused_and_nothing_else(body: bytes) -> None:
    try:
        answer = read_answer(body)
    except InvalidAnswer:
        return
    for part in answer.parts:
        if isinstance(part, ToolCall):
            assert isinstance(msgspec.json.decode(part.arguments), dict)
