"""Whole answers, read and written; what the official client makes of what is written."""

from contextlib import suppress
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response

from core.money.usage import Usage
from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.json_body import InvalidAnswer
from core.wire.streams.responses_usage import usage_object
from core.wire.translation.answer import Answer, Stop
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.responses.answer_reader import read_answer
from core.wire.translation.responses.answer_writer import write_answer
from tests.core.wire.translation.responses.strategies import ARGUMENTS, IDS, JUNK, NAMES, WORDS
from tests.core.wire.translation.responses.streams import IDENTITY

USAGE = {
    "input_tokens": 320,
    "input_tokens_details": {"cached_tokens": 256},
    "output_tokens": 700,
    "output_tokens_details": {"reasoning_tokens": 640},
    "total_tokens": 1020,
}


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(parts)}


def said(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


REFUSED = message({"type": "refusal", "refusal": "No."})
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}],
    "encrypted_content": "gAAAA",
}


def read(*items: Any, **members: Any) -> Answer:
    body = {"id": "resp_1", "model": "gpt-5.5", "status": "completed", "output": list(items), "usage": USAGE, **members}
    return read_answer(msgspec.json.encode(body))


READ: dict[str, tuple[tuple[Any, ...], tuple[Any, ...], Stop]] = {
    "text": ((message(said("Hello"), said(" there")),), (Text(text="Hello there"),), "end"),
    "two messages": ((message(said("A")), message(said("B"))), (Text(text="A\n\nB"),), "end"),
    "thinking, text, call": (
        (THOUGHT, message(said("Look:")), CALL),
        (Thinking(text="A\n\nB"), Text(text="Look:"), ToolCall(id="call_1", name="f", arguments='{"a":1}')),
        "tool_calls",
    ),
    "encrypted thinking that shows nothing": (
        (THOUGHT | {"summary": []}, message(said("A"))),
        (Text(text="A"),),
        "end",
    ),
    "thinking in its own words": (
        (THOUGHT | {"content": [{"type": "reasoning_text", "text": "Hm"}]},),
        (Thinking(text="Hm"),),
        "end",
    ),
    "a refusal": ((REFUSED,), (Text(text="No."),), "refusal"),
    "a search of OpenAI's": (({"type": "web_search_call", "id": "ws_1"}, message(said("A"))), (Text(text="A"),), "end"),
    "a call without arguments": (
        (CALL | {"arguments": ""},),
        (ToolCall(id="call_1", name="f", arguments="{}"),),
        "tool_calls",
    ),
    "a call whose arguments are an object": (
        (CALL | {"arguments": {"a": 1}},),
        (ToolCall(id="call_1", name="f", arguments='{"a":1}'),),
        "tool_calls",
    ),
    "calls that share an id": (
        (CALL, CALL),
        (
            ToolCall(id="call_1", name="f", arguments='{"a":1}'),
            ToolCall(id="call_1_2", name="f", arguments='{"a":1}'),
        ),
        "tool_calls",
    ),
    "nothing": ((), (), "end"),
}


@pytest.mark.parametrize(("items", "parts", "stop"), READ.values(), ids=READ.keys())
def test_items_are_read_as_parts(items: tuple[Any, ...], parts: tuple[Any, ...], stop: Stop) -> None:
    answer = read(*items)

    assert (answer.model, answer.parts, answer.stop) == ("gpt-5.5", parts, stop)
    assert answer.usage == Usage(input_tokens=64, cached_input_tokens=256, output_tokens=60, reasoning_tokens=640)


@pytest.mark.parametrize(
    ("reason", "items", "stop"),
    [
        ("max_output_tokens", [THOUGHT], "length"),
        ("max_output_tokens", [CALL], "length"),
        ("content_filter", [message(said("A"))], "refusal"),
        ("steered", [message(said("A"))], "end"),
        ("steered", [CALL], "tool_calls"),
        (None, [message(said("A"))], "end"),
    ],
)
def test_an_incomplete_answer_says_why(reason: str | None, items: list[Any], stop: Stop) -> None:
    assert read(*items, status="incomplete", incomplete_details={"reason": reason}).stop == stop


@pytest.mark.parametrize(
    "members", [{"status": "failed"}, {"status": "cancelled"}, {"error": {"code": "server_error"}, "status": None}]
)
def test_an_answer_that_failed_is_no_empty_answer(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswer):
        read(**members)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b'{"output":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_what_is_no_answer_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(body)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["model", "status", "error", "incomplete_details", "usage"]) | NAMES, JUNK, max_size=4
    ),
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "content", "summary", "call_id", "id", "name", "arguments"]),
            JUNK
            | st.sampled_from(["message", "reasoning", "function_call"])
            | st.lists(st.just(said("A")), max_size=2),
            max_size=6,
        ),
        max_size=4,
    ),
)
def test_an_answer_of_any_shape_raises_nothing_else(members: dict[str, Any], items: list[Any]) -> None:
    for body in (members, {**members, "output": items}):
        with suppress(InvalidAnswer):
            write_answer(read_answer(msgspec.json.encode(body)), IDENTITY)


PARTS = st.lists(
    st.one_of(
        st.builds(Text, text=WORDS),
        st.builds(Thinking, text=WORDS),
        st.builds(ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS),
    ),
    max_size=6,
).map(tuple)
COUNTS = st.integers(0, 10_000)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cached_input_tokens=COUNTS,
    cache_write_5m_tokens=COUNTS,
    cache_write_1h_tokens=COUNTS,
    output_tokens=COUNTS,
    reasoning_tokens=COUNTS,
)
STOPS = st.sampled_from(["end", "stop_sequence", "length", "tool_calls", "refusal"])
ANSWERS = st.builds(Answer, model=NAMES, parts=PARTS, stop=STOPS, usage=st.none() | USAGES)


@settings(max_examples=200, deadline=None)
@given(ANSWERS)
def test_what_is_written_fits_the_official_client_s_types(answer: Answer) -> None:
    response = Response.model_validate(msgspec.json.decode(write_answer(answer, IDENTITY)))

    assert response.id == "resp_0123456789abcdef"
    assert response.model == answer.model
    assert len({item.id for item in response.output}) == len(response.output)
    assert all(len(item.id or "") <= 64 for item in response.output)


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        ("end", "completed", None),
        ("stop_sequence", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
    ],
)
def test_why_it_ended_is_the_status_and_its_reason(stop: Stop, status: str, reason: str | None) -> None:
    body = msgspec.json.decode(write_answer(Answer(model="m", parts=(Text(text="A"),), stop=stop), IDENTITY))

    assert (body["status"], (body["incomplete_details"] or {}).get("reason")) == (status, reason)


@settings(max_examples=100, deadline=None)
@given(USAGES.filter(lambda usage: usage.total_tokens > 0))
def test_a_usage_that_is_written_is_read_as_the_same_counts(usage: Usage) -> None:
    assert read_openai_usage(msgspec.Raw(msgspec.json.encode(usage_object(usage)))) == usage


def test_cached_and_written_input_is_part_of_the_input_and_thinking_of_the_output() -> None:
    usage = Usage(
        input_tokens=1, cached_input_tokens=10, cache_write_5m_tokens=100, output_tokens=5, reasoning_tokens=50
    )

    assert usage_object(usage) == {
        "input_tokens": 111,
        "input_tokens_details": {
            "cached_tokens": 10,
            "cache_write_tokens": 100,
            "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 0},
        },
        "output_tokens": 55,
        "output_tokens_details": {"reasoning_tokens": 50},
        "total_tokens": 166,
    }


def test_the_official_client_reads_text_calls_thinking_and_the_model_that_served() -> None:
    parts = (Thinking(text="Hm"), Text(text="Look:"), ToolCall(id="toolu_1", name="f", arguments='{"a":1}'))
    usage = Usage(input_tokens=3, output_tokens=4)
    body = write_answer(Answer(model="claude-opus-4-7", parts=parts, stop="tool_calls", usage=usage), IDENTITY)
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, content=body, headers={"content-type": "application/json"})
    )
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport))

    response = client.responses.create(model="gpt-5.5", input="Hi")

    thought, _, call = response.output
    assert (response.output_text, response.model, response.status) == ("Look:", "claude-opus-4-7", "completed")
    assert thought.type == "reasoning" and thought.summary[0].text == "Hm"
    assert call.type == "function_call" and (call.call_id, call.arguments) == ("toolu_1", '{"a":1}')
    assert response.usage is not None and response.usage.total_tokens == 7


def test_thinking_is_written_without_a_seal_and_under_an_id_that_can_be_told_from_openai_s() -> None:
    sealed = Thinking(text="Hm", sealed="gAAAA", signature="sig", maker="anthropic")

    body = msgspec.json.decode(write_answer(Answer(model="m", parts=(sealed,), stop="end"), IDENTITY))

    assert body["output"] == [
        {
            "id": "rs_agentwatch_0123456789abcdef_0",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm"}],
        }
    ]


def test_a_call_that_was_cut_off_is_not_said_to_be_complete() -> None:
    parts = (ToolCall(id="c", name="f", arguments='{"a'),)

    body = msgspec.json.decode(write_answer(Answer(model="m", parts=parts, stop="length"), IDENTITY))

    assert body["output"][0]["status"] == "incomplete"
