"""Streams, heard and told; what the official client makes of what is told."""

from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from core.money.usage import Usage
from core.refusals import AnswerCut
from core.wire.dialects import DIALECTS
from core.wire.sse import SSEEvent
from core.wire.translation.answer import (
    Answer,
    Argued,
    Began,
    Break,
    CallDone,
    Called,
    Close,
    Counted,
    End,
    Failed,
    Finished,
    Heard,
    Open,
    ProviderError,
    Said,
    Start,
    Stop,
    Stopped,
    Thought,
    Told,
    Write,
)
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.responses.answer_reader import read_answer
from core.wire.translation.responses.answer_writer import write_answer
from core.wire.translation.responses.stream_reader import StreamHearing
from core.wire.translation.responses.stream_writer import StreamTelling
from tests.core.wire.streams.sdk_clients import openai_client, openai_responses
from tests.core.wire.translation.responses.strategies import ARGUMENTS, IDS, JUNK, NAMES, WORDS
from tests.core.wire.translation.responses.streams import (
    IDENTITY,
    event,
    events_of,
    final_response,
    heard_in,
    told_of,
    written,
)
from tests.core.wire.translation.responses.test_answers import ANSWERS, CALL, REFUSED, USAGE, message, said

GOLDEN = Path("tests/golden/openai_responses")
CREATED = event("response.created", response={"id": "resp_1", "model": "gpt-5.5", "status": "in_progress"})
IN_PROGRESS = event("response.in_progress", response={"id": "resp_1", "model": "gpt-5.5"})


def ended(kind: str = "completed", **members: Any) -> SSEEvent:
    return event(f"response.{kind}", response={"model": "gpt-5.5", "status": kind, "usage": USAGE, **members})


def delta(kind: str, text: str, output_index: int = 0, **members: Any) -> SSEEvent:
    return event(f"response.{kind}.delta", delta=text, output_index=output_index, item_id=f"i{output_index}", **members)


def done(kind: str, output_index: int = 0, **members: Any) -> SSEEvent:
    return event(f"response.{kind}.done", output_index=output_index, item_id=f"i{output_index}", **members)


def added(item: dict[str, Any], output_index: int = 0, step: str = "added") -> SSEEvent:
    return event(f"response.output_item.{step}", output_index=output_index, item={**item, "id": f"i{output_index}"})


BARE_CALL = CALL | {"arguments": ""}
COUNTED = Counted(Usage(input_tokens=64, cached_input_tokens=256, output_tokens=60, reasoning_tokens=640))


def end(stop: Stop) -> list[Heard]:
    return [COUNTED, Stopped(stop), Finished()]


def answer_in(told: list[Told]) -> tuple[Any, ...]:
    """The blocks as they were told, each as what it is and holds."""
    blocks: dict[int, list[str]] = {}
    for step in told:
        if isinstance(step, Open):
            blocks[step.index] = [step.kind if step.call is None else f"{step.call.id} {step.call.name}", ""]
        elif isinstance(step, Write):
            blocks[step.index][1] += step.text
    return tuple(tuple(block) for block in blocks.values())


HEARD: dict[str, tuple[list[SSEEvent], list[Heard]]] = {
    "text": (
        [
            CREATED, IN_PROGRESS, added(message()), delta("output_text", "He"), delta("output_text", "llo"),
            done("output_text", text="Hello"), added(message(said("Hello")), step="done"), ended(),
        ],
        [Began("gpt-5.5"), Said("He"), Said("llo"), *end("end")],
    ),
    "a call, its arguments in pieces": (
        [
            CREATED, added(BARE_CALL), delta("function_call_arguments", '{"a"'),
            delta("function_call_arguments", ":1}"), done("function_call_arguments", arguments='{"a":1}'),
            added(CALL, step="done"), ended(),
        ],
        [
            Began("gpt-5.5"), Called("0", "call_1", "f"), Argued("0", '{"a"'), Argued("0", ":1}"), CallDone("0"),
            CallDone("0"), *end("tool_calls"),
        ],
    ),
    "a refusal": (
        [CREATED, delta("refusal", "N"), delta("refusal", "o."), done("refusal", refusal="No."), ended()],
        [Began("gpt-5.5"), Said("N"), Said("o."), *end("refusal")],
    ),
    "a summary in two parts": (
        [
            CREATED, delta("reasoning_summary_text", "A", summary_index=0), done("reasoning_summary_text", text="A"),
            delta("reasoning_summary_text", "B", summary_index=1), delta("output_text", "C", 1), ended(),
        ],
        [Began("gpt-5.5"), Thought("A"), Thought("\n\nB"), Said("C"), *end("end")],
    ),
    "thinking in its own words, repeated as a summary": (
        [
            CREATED, delta("reasoning_text", "Hm", content_index=0),
            delta("reasoning_summary_text", "It thought", summary_index=0), ended(),
        ],
        [Began("gpt-5.5"), Thought("Hm"), *end("end")],
    ),
    "two messages": (
        [CREATED, delta("output_text", "A", 0), delta("output_text", "B", 0, content_index=1), delta("output_text", "C", 1), ended()],
        [Began("gpt-5.5"), Said("A"), Said("B"), Said("\n\nC"), *end("end")],
    ),
    "cut off by its length": (
        [CREATED, delta("output_text", "A"), ended("incomplete", incomplete_details={"reason": "max_output_tokens"})],
        [Began("gpt-5.5"), Said("A"), *end("length")],
    ),
    "cut off by a filter": (
        [CREATED, delta("output_text", "A"), ended("incomplete", incomplete_details={"reason": "content_filter"})],
        [Began("gpt-5.5"), Said("A"), *end("refusal")],
    ),
    "without a usage": (
        [CREATED, delta("output_text", "A"), ended(usage=None)],
        [Began("gpt-5.5"), Said("A"), Stopped("end"), Finished()],
    ),
    "a part that is only told when it is done": (
        [CREATED, done("output_text", text="Hello"), ended()],
        [Began("gpt-5.5"), Said("Hello"), *end("end")],
    ),
    "an item that is only told when it is done": (
        [CREATED, added(message(said("Hello")), step="done"), ended(output=[message(said("Hello"))])],
        [Began("gpt-5.5"), Said("Hello"), *end("end")],
    ),
    "an answer that is only told at the end": (
        [CREATED, added({"type": "web_search_call"}, step="done"), ended(output=[REFUSED, CALL])],
        [
            Began("gpt-5.5"), Said("No."), Called("whole_1", "call_1", "f"), Argued("whole_1", '{"a":1}'),
            CallDone("whole_1"), *end("refusal"),
        ],
    ),
    "arguments that come with the announcement": (
        [CREATED, added(CALL), added(CALL, step="done"), ended()],
        [Began("gpt-5.5"), Called("0", "call_1", "f"), Argued("0", '{"a":1}'), CallDone("0"), *end("tool_calls")],
    ),
    "arguments that come with the announcement and again in pieces": (
        [CREATED, added(CALL), delta("function_call_arguments", '{"a":1}'), ended()],
        [Began("gpt-5.5"), Called("0", "call_1", "f"), Argued("0", '{"a":1}'), *end("tool_calls")],
    ),
    "arguments that begin with the announcement": (
        [CREATED, added(CALL | {"arguments": '{"a"'}), delta("function_call_arguments", ":1}"), ended()],
        [Began("gpt-5.5"), Called("0", "call_1", "f"), Argued("0", '{"a":1}'), *end("tool_calls")],
    ),
    "arguments before their call": (
        [CREATED, delta("function_call_arguments", '{"a":1}'), added(BARE_CALL), ended()],
        [Began("gpt-5.5"), Called("0", "call_1", "f"), Argued("0", '{"a":1}'), *end("tool_calls")],
    ),
    "arguments that only come when they are done": (
        [CREATED, added(BARE_CALL), done("function_call_arguments", arguments='{"a":1}'), ended()],
        [Began("gpt-5.5"), Called("0", "call_1", "f"), Argued("0", '{"a":1}'), CallDone("0"), *end("tool_calls")],
    ),
    "no beginning": ([delta("output_text", "A"), ended()], [Said("A"), Began("gpt-5.5"), *end("end")]),
    "a line of nonsense between": (
        [CREATED, SSEEvent(b"", b"{nonsense"), SSEEvent(b"", b"[1]"), delta("output_text", "A"), SSEEvent(b"", None), ended()],
        [Began("gpt-5.5"), Said("A"), *end("end")],
    ),
    "after its end": ([CREATED, ended(), delta("output_text", "A"), ended()], [Began("gpt-5.5"), *end("end")]),
}  # fmt: skip


@pytest.mark.parametrize(("events", "heard"), HEARD.values(), ids=HEARD.keys())
def test_a_stream_is_heard_in_its_order(events: list[SSEEvent], heard: list[Heard]) -> None:
    assert heard_in(events) == heard


FAILURES: dict[str, tuple[SSEEvent, ProviderError]] = {
    "an error event": (
        event("error", code="rate_limit_exceeded", message="Slow down", param=None, sequence_number=2),
        ProviderError(kind="rate_limit", status=429, message="Slow down", code="rate_limit_exceeded"),
    ),
    "an error event around an error": (
        event("error", error={"type": "server_error", "code": "server_error", "message": "Oops"}),
        ProviderError(kind="api", status=500, message="Oops", code="server_error"),
    ),
    "an error without a type": (
        SSEEvent(b"", b'{"error":{"message":"Oops","type":"overloaded_error"}}'),
        ProviderError(kind="overloaded", status=529, message="Oops", code="overloaded_error"),
    ),
    "a response that failed": (
        event("response.failed", response={"status": "failed", "error": {"code": "server_error", "message": "Oops"}}),
        ProviderError(kind="api", status=500, message="Oops", code="server_error"),
    ),
}


@pytest.mark.parametrize(("failure", "error"), FAILURES.values(), ids=FAILURES.keys())
def test_an_error_after_the_prelude_is_heard_before_any_content(failure: SSEEvent, error: ProviderError) -> None:
    assert heard_in([CREATED, IN_PROGRESS, failure, ended()]) == [Began("gpt-5.5"), Failed(error)]


def test_an_error_that_is_no_json_is_an_error_all_the_same() -> None:
    [began, failed] = heard_in([CREATED, SSEEvent(b"", b"upstream broke", "error")])

    assert isinstance(began, Began) and isinstance(failed, Failed)


def test_a_cut_stream_has_no_end() -> None:
    heard = heard_in([CREATED, delta("output_text", "A")])

    assert not any(isinstance(each, Finished | Failed) for each in heard)


def test_calls_in_turns_keep_their_own_arguments() -> None:
    other = BARE_CALL | {"call_id": "call_2", "name": "g"}
    pieces = [delta("function_call_arguments", text, index) for text in ('{"n"', ":1}") for index in (0, 1)]

    told = told_of(heard_in([CREATED, added(BARE_CALL, 0), added(other, 1), *pieces, ended()]))

    assert answer_in(told) == (("call_1 f", '{"n":1}'), ("call_2 g", '{"n":1}'))


def test_another_call_at_a_taken_place_is_another_call() -> None:
    other = BARE_CALL | {"call_id": "call_2"}
    events = [
        added(BARE_CALL),
        delta("function_call_arguments", "{}"),
        added(other),
        delta("function_call_arguments", "{}"),
    ]

    assert answer_in(told_of(heard_in([*events, ended()]))) == (("call_1 f", "{}"), ("call_2 f", "{}"))


def test_an_item_is_known_by_its_id_where_its_place_is_not_told() -> None:
    events = [
        event("response.output_item.added", item=BARE_CALL | {"id": "x"}),
        event("response.output_item.added", item=BARE_CALL | {"id": "y", "call_id": "call_2"}),
        event("response.function_call_arguments.delta", item_id="y", delta='{"y":1}'),
        event("response.function_call_arguments.delta", item_id="x", delta='{"x":1}'),
    ]

    assert answer_in(told_of(heard_in([*events, ended()]))) == (("call_1 f", '{"x":1}'), ("call_2 f", '{"y":1}'))


SOUND = [path.name for path in sorted(GOLDEN.iterdir()) if (path / "upstream.sse").exists()]


@pytest.mark.parametrize("case", [name for name in SOUND if name not in ("failed", "truncated")])
def test_a_stream_that_is_told_again_is_to_the_official_client_what_it_was(case: str) -> None:
    stream = (GOLDEN / case / "upstream.sse").read_bytes()
    original = final_response(stream)

    again = final_response(written(told_of(heard_in(events_of(stream)))))

    assert again.output_text == original.output_text
    assert (again.model, again.status, again.incomplete_details) == (
        original.model, original.status, original.incomplete_details,
    )  # fmt: skip
    assert again.usage is not None and original.usage is not None
    assert again.usage.total_tokens == original.usage.total_tokens
    ours = [item.type for item in original.output if item.type in ("message", "reasoning", "function_call")]
    assert [item.type for item in again.output] == ours
    calls = [(item.call_id, item.name, item.arguments) for item in original.output if item.type == "function_call"]
    assert [(item.call_id, item.name, item.arguments) for item in again.output if item.type == "function_call"] == calls


def steps_of(answer: Answer) -> list[Heard]:
    """An answer as a stream says it, in pieces."""
    heard: list[Heard] = [Began(answer.model)]
    for number, part in enumerate(answer.parts):
        match part:
            case Text(text=text):
                heard += [Said(text[:1]), *([Said(text[1:])] if text[1:] else [])]
            case Thinking(text=text):
                heard.append(Thought(text))
            case ToolCall():
                heard += [
                    Called(str(number), part.id, part.name),
                    Argued(str(number), part.arguments),
                    CallDone(str(number)),
                ]
    heard += [] if answer.usage is None else [Counted(answer.usage)]
    return [*heard, Stopped(answer.stop, answer.stop_sequence), Finished()]


def with_own_ids(answer: Answer) -> Answer:
    """Calls that share an id get one of their own in a stream."""
    parts = [
        msgspec.structs.replace(part, id=f"{part.id}{number}"[:64]) if isinstance(part, ToolCall) else part
        for number, part in enumerate(answer.parts)
    ]
    has_called = any(isinstance(part, ToolCall) for part in parts)
    stop = "tool_calls" if has_called and answer.stop == "end" else answer.stop
    return msgspec.structs.replace(answer, parts=tuple(parts), stop=stop)


EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@settings(max_examples=60, deadline=None)
@given(ANSWERS.map(with_own_ids))
def test_a_told_stream_ends_as_the_whole_answer(answer: Answer) -> None:
    stream = written(told_of(steps_of(answer)))

    whole = msgspec.json.decode(write_answer(answer, IDENTITY))
    documents = [msgspec.json.decode(each.data) for each in events_of(stream) if each.data]
    assert documents[-1]["response"] == whole
    assert [document["sequence_number"] for document in documents] == list(range(len(documents)))
    assert _unparsed(final_response(stream).to_dict(mode="json", exclude_unset=True)) == whole


def _unparsed(value: Any) -> Any:
    """Without what the official client adds when it looks into texts and arguments."""
    match value:
        case dict():
            return {name: _unparsed(each) for name, each in value.items() if not name.startswith("parsed")}
        case list():
            return [_unparsed(each) for each in value]
    return value


@settings(max_examples=60, deadline=None)
@given(ANSWERS.map(with_own_ids))
def test_every_event_is_one_that_the_official_client_knows(answer: Answer) -> None:
    for each in events_of(written(told_of(steps_of(answer)))):
        document = msgspec.json.decode(each.data or b"")
        assert each.event == document["type"]
        EVENT.validate_python(document)


@settings(max_examples=100, deadline=None)
@given(ANSWERS.map(with_own_ids))
def test_a_told_stream_is_heard_as_the_answer_it_was(answer: Answer) -> None:
    told = told_of(steps_of(answer))

    again = told_of(heard_in(events_of(written(told))))

    assert answer_in(again) == answer_in(told)
    has_called = any(isinstance(part, ToolCall) for part in answer.parts)
    stop = answer.stop if answer.stop in ("length", "refusal") else "tool_calls" if has_called else "end"
    assert isinstance(again[-1], End) and again[-1].stop == stop
    assert read_answer(write_answer(answer, IDENTITY)).stop == again[-1].stop


GRAMMAR = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
]


def test_events_come_in_the_api_s_own_order() -> None:
    parts = (Thinking(text="Hm"), Text(text="Look"), ToolCall(id="c", name="f", arguments="{}"))

    stream = written(told_of(steps_of(Answer(model="m", parts=parts, stop="tool_calls"))))

    assert [each.event for each in events_of(stream)] == GRAMMAR


def test_a_call_without_arguments_has_an_empty_object() -> None:
    stream = written(told_of([Began("m"), Called("0", "c", "f"), CallDone("0"), Finished()]))

    [call] = final_response(stream).output
    assert call.type == "function_call" and call.arguments == "{}"


def test_arguments_that_were_cut_off_are_not_said_to_be_done() -> None:
    heard = [Began("m"), Called("0", "c", "f"), Argued("0", '{"a'), Stopped("length"), Finished()]

    stream = written(told_of(heard))

    assert b"function_call_arguments.done" not in stream
    response = final_response(stream)
    assert response.status == "incomplete"
    assert [(item.type, item.status) for item in response.output] == [("function_call", "incomplete")]


BREAKS: dict[str, list[Told]] = {
    "before its start": [],
    "after the prelude": [Start("m")],
    "inside a text": [Start("m"), Open(0, "text"), Write(0, "text", "A")],
    "between blocks": [Start("m"), Open(0, "text"), Write(0, "text", "A"), Close(0, "text")],
}
ERROR = ProviderError(kind="overloaded", status=529, message="Overloaded, sorry", code="overloaded_error")


@pytest.mark.parametrize("steps", BREAKS.values(), ids=BREAKS.keys())
def test_the_official_client_raises_on_a_stream_that_broke(steps: list[Told]) -> None:
    stream = written([*steps, Break(ERROR)])

    view = openai_responses([stream])

    assert isinstance(view.raised, openai.APIError)
    assert (view.raised.message, view.raised.code) == ("Overloaded, sorry", "overloaded_error")
    assert b"[DONE]" not in stream


@pytest.mark.parametrize("steps", BREAKS.values(), ids=BREAKS.keys())
def test_a_break_is_numbered_on_and_heard_as_what_it_was(steps: list[Told]) -> None:
    events = events_of(written([*steps, Break(ERROR)]))

    assert [msgspec.json.decode(each.data or b"")["sequence_number"] for each in events] == list(range(len(events)))
    [failed] = [each for each in heard_in(events) if isinstance(each, Failed)]
    assert (failed.error.message, failed.error.code) == (ERROR.message, ERROR.code)


@pytest.mark.parametrize("steps", BREAKS.values(), ids=BREAKS.keys())
def test_a_cut_is_a_response_that_has_failed_and_then_an_error(steps: list[Told]) -> None:
    telling = StreamTelling(IDENTITY)
    passed = b"".join(telling.tell(step) for step in steps)
    refusal = AnswerCut("no more", details={"charged_usd": "1"})

    passed += telling.cut(DIALECTS["openai_responses"].render_refusal(refusal, "req_1"), Usage(output_tokens=7))

    events = [msgspec.json.decode(each.data or b"") for each in events_of(passed)]
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    failed, error = events[-2:]
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"] == {"code": "insufficient_quota", "message": "no more"}
    assert failed["response"]["usage"]["output_tokens"] == 7
    assert failed["response"]["output"] == [
        each["item"] for each in events if each["type"] == "response.output_item.done"
    ]
    assert (error["type"], error["code"], error["error"]["charged_usd"]) == ("error", "answer_cut", "1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"error": 7}', b'{"error": {"message": 7}}'])
def test_any_error_body_ends_the_stream_in_a_form_that_raises(body: bytes) -> None:
    view = openai_responses([StreamTelling(IDENTITY).broken(body)])

    assert isinstance(view.raised, openai.APIError)


def test_line_ends_in_an_error_s_body_do_not_split_its_event() -> None:
    body = b'{\n "error": {\n  "message": "a\\nb"\n }\n}'

    [only] = events_of(StreamTelling(IDENTITY).broken(body))

    assert msgspec.json.decode(only.data or b"")["message"] == "a\nb"


def test_the_plain_client_reads_the_same_events() -> None:
    stream = written(told_of(steps_of(Answer(model="m", parts=(Text(text="Hello 🙂\u2028"),), stop="end"))))

    events = list(openai_client([stream]).responses.create(model="m", input="Hi", stream=True))

    assert "".join(each.delta for each in events if each.type == "response.output_text.delta") == "Hello 🙂\u2028"


KINDS = st.sampled_from(
    [
        "response.created", "response.in_progress", "response.completed", "response.incomplete", "response.failed",
        "response.output_item.added", "response.output_item.done", "response.output_text.delta",
        "response.output_text.done", "response.refusal.delta", "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
        "response.function_call_arguments.delta", "response.function_call_arguments.done", "error",
    ]
)  # fmt: skip
ODD_ITEMS = st.dictionaries(
    st.sampled_from(["type", "id", "call_id", "name", "arguments", "content", "summary"]),
    JUNK | st.sampled_from(["message", "reasoning", "function_call"]),
    max_size=6,
)
ODD_EVENTS = st.builds(
    lambda kind, members: event(kind, **members),
    KINDS,
    st.fixed_dictionaries(
        {},
        optional={
            "delta": JUNK | WORDS | ARGUMENTS, "text": JUNK, "arguments": JUNK | ARGUMENTS, "item": JUNK | ODD_ITEMS,
            "output_index": st.integers(0, 2) | JUNK, "item_id": IDS | JUNK, "content_index": JUNK,
            "summary_index": JUNK, "response": JUNK | st.builds(dict, output=st.lists(ODD_ITEMS, max_size=2)),
            "error": JUNK, "code": JUNK, "message": JUNK,
        },
    ),
)  # fmt: skip
BYTES = st.builds(SSEEvent, st.just(b""), st.binary(max_size=20), st.none() | NAMES | st.just("error"))


@settings(max_examples=300, deadline=None)
@given(st.lists(ODD_EVENTS | BYTES, max_size=12))
def test_events_of_any_shape_raise_nothing_and_can_be_told(events: list[SSEEvent]) -> None:
    told = told_of([*heard_in(events), Finished()])

    stream = written(told)

    if isinstance(told[-1], End):
        assert final_response(stream).status in ("completed", "incomplete")


def test_half_a_character_does_not_end_the_stream() -> None:
    half = SSEEvent(b"", b'{"type":"response.output_text.delta","delta":"A\\ud83d"}')

    told = told_of(heard_in([CREATED, half, ended()]))

    assert final_response(written(told)).output_text == "A\ufffd"


def test_an_event_nested_too_deeply_is_passed_over() -> None:
    deep = b'{"type":"response.output_text.delta","delta":"A","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert StreamHearing().hear(SSEEvent(b"", deep)) == []
