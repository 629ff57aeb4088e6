"""What Claude says in a stream, heard; and brought into order, the same that a whole answer has."""

from itertools import accumulate, pairwise
from typing import Any

import anthropic
import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.sse import SSEEvent, SSEParser
from core.wire.translation.answer import (
    Answer,
    Argued,
    Began,
    CallDone,
    Called,
    Close,
    Counted,
    End,
    Failed,
    Finished,
    Heard,
    Open,
    Said,
    Stopped,
    Thought,
    Write,
)
from core.wire.translation.call_arguments import object_text
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.messages.answer_reader import read_answer
from core.wire.translation.messages.stream_reader import StreamHearing
from core.wire.translation.sequence import Sequence
from tests.core.wire.translation.messages.junk import JUNK

MESSAGE: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "content": [],
    "stop_reason": None, "stop_sequence": None,
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 5, "output_tokens": 1},
}  # fmt: skip
START = {"type": "message_start", "message": MESSAGE}
STOP = {"type": "message_stop"}
EMPTY: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
    "tool_use": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
}
PIECES = {"text": "text", "thinking": "thinking", "tool_use": "partial_json"}
DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}


def opened(index: int, kind: str, **members: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": EMPTY[kind] | members}


def piece(index: Any, kind: str, said: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": DELTAS[kind], PIECES[kind]: said}}


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str | None = "end_turn", sequence: str | None = None, **usage: int) -> dict[str, Any]:
    said = {"stop_reason": reason, "stop_sequence": sequence}
    return {"type": "message_delta", "delta": said, "usage": usage or {"output_tokens": 9}}


def block(index: int, kind: str, *said: str, **members: Any) -> list[dict[str, Any]]:
    return [opened(index, kind, **members), *(piece(index, kind, each) for each in said), closed(index)]


def event(happened: Any) -> SSEEvent:
    data = happened if isinstance(happened, bytes) else msgspec.json.encode(happened)
    name = happened.get("type") if isinstance(happened, dict) else None
    return SSEEvent(raw=data, data=data, event=name if isinstance(name, str) else None)


def heard(*events: Any) -> list[Heard]:
    hearing = StreamHearing()
    return [each for happened in events for each in hearing.hear(event(happened))]


def told(heard_steps: list[Heard]) -> Answer:
    """What a stream amounts to once it is in order."""
    sequence = Sequence(model="")
    parts: list[Any] = []
    for step in (step for each in heard_steps for step in sequence.hear(each)):
        match step:
            case Open(kind="tool_call", call=ToolCall() as call):
                parts.append(call)
            case Open(kind=kind):
                parts.append(Text(text="") if kind == "text" else Thinking())
            case Write(kind="tool_call", text=text):
                parts[-1] = msgspec.structs.replace(parts[-1], arguments=parts[-1].arguments + text)
            case Write(text=text):
                parts[-1] = msgspec.structs.replace(parts[-1], text=parts[-1].text + text)
            case Close(kind="tool_call"):
                parts[-1] = msgspec.structs.replace(parts[-1], arguments=object_text(parts[-1].arguments))
            case End(stop=stop, stop_sequence=sequence_said, usage=usage):
                return Answer(
                    model="claude-opus-4-6", parts=tuple(parts), stop=stop, stop_sequence=sequence_said, usage=usage
                )
    raise AssertionError("the stream has no end")


def test_a_stream_is_heard_event_by_event() -> None:
    events = [
        START,
        {"type": "ping"},
        *block(0, "thinking", "H", "m"),
        *block(1, "text", "Hi"),
        *block(2, "tool_use", "", '{"a":', "1}"),
        ended("tool_use"),
        STOP,
    ]

    assert heard(*events) == [
        Began("claude-opus-4-6", Usage(input_tokens=3, cached_input_tokens=5, output_tokens=1)),
        Thought("H"),
        Thought("m"),
        Said("Hi"),
        Called("3", "toolu_1", "f"),
        Argued("3", '{"a":'),
        Argued("3", "1}"),
        CallDone("3"),
        Counted(Usage(input_tokens=3, cached_input_tokens=5, output_tokens=9)),
        Stopped("tool_calls"),
        Finished(),
    ]


STREAMS: dict[str, list[dict[str, Any]]] = {
    "text": block(0, "text", "A", "B"),
    "nothing": [],
    "thinking, then text": [*block(0, "thinking", "A"), *block(1, "text", "B")],
    "two thoughts": [*block(0, "thinking", "A"), *block(1, "thinking", "B")],
    "texts that cite": [*block(0, "text", "A "), *block(1, "text", ""), *block(2, "text", "B")],
    "two calls of one tool": [
        *block(0, "text", "Look:"),
        *block(1, "tool_use", '{"a":', "1}", id="a"),
        *block(2, "tool_use", '{"a":2}', id="b"),
    ],
    "a call without arguments": block(0, "tool_use"),
    "a call whose first piece is empty": block(0, "tool_use", "", "{}"),
    "calls with one id": [*block(0, "tool_use", "{}"), *block(1, "tool_use", "{}")],
}


@pytest.mark.parametrize("blocks", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_is_the_answer_that_the_official_client_makes_of_it(blocks: list[dict[str, Any]]) -> None:
    events = [START, *blocks, ended("max_tokens", output_tokens=4), STOP]
    body = b"".join(b"event: %b\ndata: %b\n\n" % (each["type"].encode(), msgspec.json.encode(each)) for each in events)
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})
    )
    client = anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream:
        message = stream.get_final_message()
    hearing = StreamHearing()
    steps = [each for happened in SSEParser().feed(body) for each in hearing.hear(happened)]

    assert told(steps) == read_answer(msgspec.json.encode(message.to_dict(mode="json")))


BROUGHT_ALONG: dict[str, tuple[list[dict[str, Any]], tuple[Any, ...]]] = {
    "text": ([opened(0, "text", text="A"), piece(0, "text", "B"), closed(0)], (Text(text="AB"),)),
    "thinking": ([opened(0, "thinking", thinking="A"), closed(0)], (Thinking(text="A"),)),
    "arguments": (
        [opened(0, "tool_use", input={"a": 1}), closed(0)],
        (ToolCall(id="toolu_1", name="f", arguments='{"a":1}'),),
    ),
    "arguments, never closed": (
        [opened(0, "tool_use", input={"a": 1})],
        (ToolCall(id="toolu_1", name="f", arguments='{"a":1}'),),
    ),
    "arguments that come in pieces as well": (
        [opened(0, "tool_use", input={"a": 1}), piece(0, "tool_use", '{"a":1}'), closed(0)],
        (ToolCall(id="toolu_1", name="f", arguments='{"a":1}'),),
    ),
    "another call at the same index": (
        [opened(0, "tool_use"), opened(0, "tool_use", id="b"), piece(0, "tool_use", '{"b":1}'), closed(0)],
        (ToolCall(id="toolu_1", name="f", arguments="{}"), ToolCall(id="b", name="f", arguments='{"b":1}')),
    ),
    "calls in turns": (
        [
            opened(0, "tool_use"),
            opened(1, "tool_use", id="b"),
            piece(0, "tool_use", '{"a":'),
            piece(1, "tool_use", "{"),
            piece(0, "tool_use", "1}"),
            piece(1, "tool_use", "}"),
            closed(0),
            closed(1),
        ],
        (ToolCall(id="toolu_1", name="f", arguments='{"a":1}'), ToolCall(id="b", name="f", arguments="{}")),
    ),
    "thinking in a block of text": (
        [opened(0, "text"), piece(0, "thinking", "A"), piece(0, "text", "B"), closed(0)],
        (Thinking(text="A"), Text(text="B")),
    ),
    "text without a block": ([piece(7, "text", "A"), piece(None, "text", "B")], (Text(text="AB"),)),
    "the arguments of nobody's call": ([piece(3, "tool_use", "{}"), piece([], "tool_use", "{}")], ()),
    "what Anthropic runs": (
        [
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            },
            piece(0, "tool_use", '{"query":"q"}'),
            closed(0),
            *block(1, "text", "A"),
        ],
        (Text(text="A"),),
    ),
    "pieces that are empty, or no text": (
        [opened(0, "text"), piece(0, "text", ""), piece(0, "text", 5), piece(0, "thinking", "")],
        (),
    ),
}


@pytest.mark.parametrize(("events", "parts"), BROUGHT_ALONG.values(), ids=BROUGHT_ALONG.keys())
def test_odd_orders_lose_nothing(events: list[dict[str, Any]], parts: tuple[Any, ...]) -> None:
    assert told(heard(START, *events, ended(), STOP)).parts == parts


def test_later_counts_replace_earlier_ones_one_by_one() -> None:
    steps = heard(START, ended(None, input_tokens=4, output_tokens=2), ended(output_tokens=8), STOP)

    assert steps[1:] == [
        Counted(Usage(input_tokens=4, cached_input_tokens=5, output_tokens=2)),
        Counted(Usage(input_tokens=4, cached_input_tokens=5, output_tokens=8)),
        Stopped("end"),
        Finished(),
    ]


def test_a_stream_without_usage_counts_nothing() -> None:
    start = {"type": "message_start", "message": {"model": "m"}}

    assert heard(start, {"type": "message_delta", "delta": {"stop_reason": "refusal"}}) == [
        Began("m"),
        Stopped("refusal"),
    ]


def test_the_sequence_that_stopped_a_stream_is_named() -> None:
    assert Stopped("stop_sequence", "X") in heard(ended("stop_sequence", "X"))


@pytest.mark.parametrize(
    ("type_said", "kind", "status"),
    [
        ("overloaded_error", "overloaded", 503), ("rate_limit_error", "rate_limit", 429), ("api_error", "api", 500),
        ("a_new_one", "api", 500),
    ],
)  # fmt: skip
def test_an_error_ends_a_stream(type_said: str, kind: str, status: int) -> None:
    error = {"type": "error", "error": {"type": type_said, "message": "No."}}
    [*_, failed] = heard(START, *block(0, "text", "A"), error, STOP)

    assert isinstance(failed, Failed)
    assert (failed.error.kind, failed.error.message) == (kind, "No.")
    assert failed.error.status in (status, 529)


def test_an_error_that_cannot_be_read_is_one_all_the_same() -> None:
    [failed] = StreamHearing().hear(SSEEvent(raw=b"", data=b"<html>", event="error"))

    assert isinstance(failed, Failed)


def test_a_line_that_cannot_be_read_ends_nothing() -> None:
    steps = heard(START, b"<html>", b"[DONE]", b"[" * 5000, *block(0, "text", "A"), ended(), STOP)

    assert Said("A") in steps
    assert steps[-1] == Finished()


def test_nothing_is_heard_after_the_end() -> None:
    assert heard(STOP, *block(0, "text", "A"), STOP) == [Finished()]


CUTS = st.lists(st.integers(1, 5), max_size=5)


@given(CUTS)
def test_pieces_of_any_size_are_the_same_call(sizes: list[int]) -> None:
    whole = '{"city":"Paris","n":[1]}'
    places = [0, *(place for place in accumulate(sizes) if place < len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]

    answer = told(heard(START, *block(0, "tool_use", *pieces), ended("tool_use"), STOP))

    assert answer.parts == (ToolCall(id="toolu_1", name="f", arguments=whole),)


ODD_EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"]
        )
        | JUNK
    },
    optional={
        "index": JUNK,
        "message": JUNK,
        "delta": st.fixed_dictionaries(
            {"type": st.sampled_from(list(DELTAS.values())) | JUNK},
            optional=dict.fromkeys(("text", "thinking", "partial_json", "stop_reason", "stop_sequence"), JUNK),
        )
        | JUNK,
        "content_block": st.fixed_dictionaries(
            {"type": st.sampled_from(list(EMPTY)) | JUNK},
            optional=dict.fromkeys(("id", "name", "text", "thinking", "input"), JUNK),
        )
        | JUNK,
        "usage": JUNK,
        "error": JUNK,
    },
)


@given(st.lists(st.one_of(ODD_EVENTS, JUNK, st.binary(max_size=20)), max_size=8))
def test_nothing_escapes_whatever_comes(events: list[Any]) -> None:
    steps = heard(*events)

    if not any(isinstance(each, Failed) for each in steps):
        told([*steps, Finished()])
