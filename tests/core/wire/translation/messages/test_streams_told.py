"""Streams told as events of the Messages API; what the official client makes of them."""

from collections.abc import Sequence as Listed

import anthropic
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.translation.answer import (
    Answer,
    Argued,
    Began,
    Break,
    CallDone,
    Called,
    Counted,
    Failed,
    Finished,
    Heard,
    ProviderError,
    Said,
    Start,
    Stopped,
    Thought,
)
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.fitting.history import UNSIGNED
from core.wire.translation.messages.answer_writer import write_answer
from core.wire.translation.messages.stream_writer import StreamTelling
from tests.core.wire.translation.messages.writing import (
    ARGUMENTS,
    IDENTITY,
    IDS,
    NAMES,
    USAGES,
    WORDS,
    check_grammar,
    client_of,
    created,
    events_in,
    final_message,
    members_of,
    told_of,
    written,
)

USAGE = Usage(input_tokens=30, cached_input_tokens=12, output_tokens=7, reasoning_tokens=5)
ENDING: tuple[Heard, ...] = (Counted(USAGE), Stopped("end"), Finished())
OVERLOADED = ProviderError(kind="overloaded", status=529, message="Overloaded\nTry later")

TEXT = (Began("m"), Said("Hel"), Said("lo"), *ENDING)
THINKING = (Began("m"), Thought("H"), Thought("m"), Said("Hello"), *ENDING)
TWO_CALLS = (
    Began("m"),
    Called("0", "call_1", "f"),
    Called("1", "call_2", "g"),
    Argued("1", '{"b"'),
    Argued("0", '{"a":'),
    Argued("1", ":2}"),
    Argued("0", "1}"),
    *ENDING,
)
A_CALL_FIRST = (Called("0", "call_1", "f"), Argued("0", '{"a":1}'), *ENDING)
NO_ARGUMENTS = (Began("m"), Said("Look:"), Called("0", "call_1", "f"), CallDone("0"), *ENDING)

ANSWERS: dict[str, tuple[Listed[Heard], Answer]] = {
    "text": (TEXT, Answer(model="m", parts=(Text(text="Hello"),), stop="end", usage=USAGE)),
    "thinking": (
        THINKING,
        Answer(model="m", parts=(Thinking(text="Hm"), Text(text="Hello")), stop="end", usage=USAGE),
    ),
    "two calls that come in turns": (
        TWO_CALLS,
        Answer(
            model="m",
            parts=(
                ToolCall(id="call_1", name="f", arguments='{"a":1}'),
                ToolCall(id="call_2", name="g", arguments='{"b":2}'),
            ),
            stop="tool_calls",
            usage=USAGE,
        ),
    ),
    "a call before anything else": (
        A_CALL_FIRST,
        Answer(
            model="m",
            parts=(ToolCall(id="call_1", name="f", arguments='{"a":1}'),),
            stop="tool_calls",
            usage=USAGE,
        ),
    ),
    "a call without arguments": (
        NO_ARGUMENTS,
        Answer(
            model="m",
            parts=(Text(text="Look:"), ToolCall(id="call_1", name="f", arguments="{}")),
            stop="tool_calls",
            usage=USAGE,
        ),
    ),
    "nothing": (ENDING, Answer(model="m", parts=(), stop="end", usage=USAGE)),
}


@pytest.mark.parametrize(("heard", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
def test_the_official_client_makes_of_a_stream_what_it_reads_in_the_whole_answer(
    heard: Listed[Heard], answer: Answer
) -> None:
    stream = written(told_of(heard))

    check_grammar(events_in(stream))
    assert members_of(final_message(stream)) == members_of(created(write_answer(answer, IDENTITY)))


CALLS = st.lists(st.tuples(NAMES, ARGUMENTS), min_size=1, max_size=3)
PIECES = st.one_of(st.builds(Said, WORDS), st.builds(Thought, WORDS), IDS)


def _heard(pieces: list[Heard | str], arguments: str, usage: Usage | None) -> tuple[list[Heard], list[object]]:
    """A stream of these, and the parts that a whole answer of the same would have. A text stands for a call."""
    heard: list[Heard] = []
    parts: list[object] = []
    for number, piece in enumerate(pieces):
        match piece:
            case Said(text=text):
                parts.append(Text(text=text))
            case Thought(text=text):
                parts.append(Thinking(text=text))
        if isinstance(piece, str):
            key, half = f"{number}", len(arguments) // 2
            heard += [Called(key, f"{piece}_{number}", "f"), Argued(key, arguments[:half])]
            heard += [Argued(key, arguments[half:]), CallDone(key)]
            parts.append(ToolCall(id=f"{piece}_{number}", name="f", arguments=arguments))
        else:
            heard.append(piece)
    counted = [] if usage is None else [Counted(usage)]
    return [*heard, *counted, Stopped("end"), Finished()], parts


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=6), ARGUMENTS, st.none() | USAGES)
def test_any_stream_keeps_to_the_grammar_and_says_what_the_whole_answer_says(
    pieces: list[Heard | str], arguments: str, usage: Usage | None
) -> None:
    heard, parts = _heard(pieces, arguments, usage)
    has_called = any(isinstance(part, ToolCall) for part in parts)
    answer = Answer(
        model="m",
        parts=tuple(parts),  # type: ignore[arg-type]
        stop="tool_calls" if has_called else "end",
        usage=usage,
    )

    stream = written(told_of(heard))

    check_grammar(events_in(stream))
    accumulated, whole = final_message(stream), created(write_answer(answer, IDENTITY))
    whole.usage.cache_creation = None  # the client does not take it from a message's delta
    assert members_of(accumulated) == members_of(whole)


def test_the_input_is_estimated_at_the_start_and_counted_at_the_end() -> None:
    start, *_, delta, _ = events_in(written(told_of(TEXT, input_usage=Usage(input_tokens=40))))

    assert start["message"]["usage"]["input_tokens"] == 40
    assert delta["usage"] == {
        "input_tokens": 30,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 12,
        "output_tokens": 12,
        "output_tokens_details": {"thinking_tokens": 5},
    }


@pytest.mark.parametrize(
    "heard",
    [
        (Said("A"), Counted(USAGE), Stopped("end"), Finished()),
        (Said("A"), Stopped("end"), Counted(USAGE), Finished()),
        (Counted(Usage(input_tokens=30)), Said("A"), Counted(USAGE), Stopped("end"), Finished()),
    ],
    ids=["before the stop", "after it", "twice"],
)
def test_the_usage_is_said_once_before_the_stop_whenever_it_came(heard: Listed[Heard]) -> None:
    events = events_in(written(told_of(heard)))

    check_grammar(events)
    assert events[-2]["usage"]["output_tokens"] == 12


def test_a_usage_that_never_came_is_what_was_known_at_the_start() -> None:
    told = told_of((Said("A"), Stopped("end"), Finished()), input_usage=Usage(input_tokens=40))

    assert events_in(written(told))[-2]["usage"]["input_tokens"] == 40


def test_thinking_is_signed_with_our_mark_before_its_block_closes() -> None:
    events = events_in(written(told_of(THINKING)))

    closing = next(number for number, event in enumerate(events) if event["type"] == "content_block_stop")
    assert events[closing - 1]["delta"] == {"type": "signature_delta", "signature": UNSIGNED}


def test_a_stop_sequence_is_named_where_the_provider_named_it() -> None:
    stream = written(told_of((Said("A"), Stopped("stop_sequence", "END"), Finished())))

    message = final_message(stream)
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


@pytest.mark.parametrize("heard", [(), (Began("m"), Said("Hel")), (Called("0", "c", "f"), Argued("0", '{"a'))])
def test_the_official_client_raises_on_a_stream_that_broke_and_is_told_why(heard: Listed[Heard]) -> None:
    stream = written(told_of((*heard, Failed(OVERLOADED))))

    with pytest.raises(anthropic.APIStatusError) as raised:
        final_message(stream)
    assert raised.value.body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded\nTry later", "code": None},
        "request_id": IDENTITY.request_id,
    }
    assert b"message_stop" not in stream


def test_an_error_s_body_is_one_event_on_one_line_whatever_it_is() -> None:
    telling = StreamTelling(IDENTITY)

    assert telling.broken(b'{"type":\r\n"error"}') == b'event: error\ndata: {"type":  "error"}\n\n'
    with pytest.raises(anthropic.APIStatusError):
        final_message(telling.tell(Start("m")) + telling.broken(b"<html>\n\n"))


def test_events_are_read_one_by_one_by_the_official_client() -> None:
    client = client_of(written(told_of(TWO_CALLS)), "text/event-stream")

    stream = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=True)

    deltas = [event.delta for event in stream if event.type == "content_block_delta"]
    pieces = [delta.partial_json for delta in deltas if delta.type == "input_json_delta"]
    assert msgspec.json.decode("[" + "".join(pieces).replace("}{", "},{") + "]") == [{"a": 1}, {"b": 2}]


def test_a_break_is_written_as_the_error_that_it_is() -> None:
    assert StreamTelling(IDENTITY).tell(Break(OVERLOADED)).startswith(b'event: error\ndata: {"type":"error"')


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_an_error_of_any_bytes_is_one_event(body: bytes) -> None:
    broken = StreamTelling(IDENTITY).broken(body)

    assert broken.startswith(b"event: error\ndata: ") and broken.endswith(b"\n\n")
    assert broken.count(b"\n") == 3 and b"\r" not in broken


HEARD = st.one_of(
    st.builds(Began, st.text(max_size=5), st.none() | USAGES),
    st.builds(Said, WORDS),
    st.builds(Thought, WORDS),
    st.builds(Called, st.sampled_from("ab"), st.text(max_size=5), st.text(max_size=5)),
    st.builds(Argued, st.sampled_from("ab"), st.text(min_size=1, max_size=5)),
    st.builds(CallDone, st.sampled_from("ab")),
    st.builds(Counted, USAGES),
    st.builds(Stopped, st.sampled_from(["end", "length", "refusal"]), st.none() | WORDS),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(HEARD, max_size=12))
def test_whatever_a_provider_says_keeps_to_the_grammar(heard: list[Heard]) -> None:
    check_grammar(events_in(written(told_of((*heard, Finished())))))
