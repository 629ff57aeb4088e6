"""Whole answers written as messages; what the official client makes of them."""

from typing import Any

import msgspec
import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.dialects.anthropic_usage import read_anthropic_usage
from core.wire.translation.answer import Answer, Stop
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.fitting.history import UNSIGNED
from core.wire.translation.messages.answer_writer import usage_object, write_answer, write_token_count
from tests.core.wire.translation.messages.writing import ARGUMENTS, IDENTITY, IDS, NAMES, USAGES, WORDS, created

PARTS = st.lists(
    st.one_of(
        st.builds(Text, text=WORDS),
        st.builds(Thinking, text=WORDS),
        st.builds(ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS),
    ),
    max_size=6,
).map(tuple)
STOPS = st.sampled_from(["end", "stop_sequence", "length", "tool_calls", "refusal"])
ANSWERS = st.builds(Answer, model=NAMES, parts=PARTS, stop=STOPS, usage=st.none() | USAGES)


def content_of(*parts: Text | Thinking | ToolCall) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = msgspec.json.decode(
        write_answer(Answer(model="m", parts=parts, stop="end"), IDENTITY)
    )["content"]
    return content


@settings(max_examples=200, deadline=None)
@given(ANSWERS)
def test_what_is_written_fits_the_official_client_s_types(answer: Answer) -> None:
    message = Message.model_validate(msgspec.json.decode(write_answer(answer, IDENTITY)))

    assert (message.id, message.model) == ("msg_0123456789abcdef", answer.model)
    assert message.stop_reason is not None
    assert [block.type for block in message.content].count("tool_use") == sum(
        isinstance(part, ToolCall) for part in answer.parts
    )


@pytest.mark.parametrize(
    ("stop", "reason", "sequence"),
    [
        ("end", "end_turn", None),
        ("stop_sequence", "stop_sequence", "END"),
        ("length", "max_tokens", None),
        ("tool_calls", "tool_use", None),
        ("refusal", "refusal", None),
    ],
)
def test_why_it_ended_is_said_in_anthropic_s_words(stop: Stop, reason: str, sequence: str | None) -> None:
    answer = Answer(model="m", parts=(Text(text="A"),), stop=stop, stop_sequence="END")

    message = created(write_answer(answer, IDENTITY))

    assert (message.stop_reason, message.stop_sequence) == (reason, sequence)


def test_the_official_client_reads_thinking_text_and_calls_with_and_without_arguments() -> None:
    parts = (
        Thinking(text="Hm"),
        Text(text="Look:"),
        ToolCall(id="call_1", name="f", arguments='{"a":1}'),
        ToolCall(id="call_2", name="g", arguments=""),
    )
    usage = Usage(input_tokens=3, output_tokens=4)

    message = created(write_answer(Answer(model="gpt-5.5", parts=parts, stop="tool_calls", usage=usage), IDENTITY))

    thought, text, first, second = message.content
    assert thought.type == "thinking" and (thought.thinking, thought.signature) == ("Hm", UNSIGNED)
    assert text.type == "text" and text.text == "Look:"
    assert first.type == "tool_use" and (first.id, first.name, first.input) == ("call_1", "f", {"a": 1})
    assert second.type == "tool_use" and second.input == {}
    assert (message.model, message.usage.input_tokens, message.usage.output_tokens) == ("gpt-5.5", 3, 4)


def test_no_signature_or_seal_of_another_provider_is_handed_on() -> None:
    signed = Thinking(text="Hm", signature="sig", maker="gemini")
    sealed = Thinking(sealed="gAAAA", maker="openai")

    assert content_of(signed) == [{"type": "thinking", "thinking": "Hm", "signature": UNSIGNED}]
    assert content_of(sealed) == []


def test_neighbours_that_are_texts_are_one_block_and_empty_ones_are_none() -> None:
    assert content_of(Text(text="A"), Text(text="B"), Thinking(), Text(text="C")) == [
        {"type": "text", "text": "AB"},
        {"type": "text", "text": "C"},
    ]


def test_arguments_that_broke_off_are_wrapped_in_an_object() -> None:
    assert content_of(ToolCall(id="c", name="f", arguments='{"a'))[0]["input"] == {"arguments": '{"a'}


def test_numbers_in_arguments_keep_all_their_digits() -> None:
    body = write_answer(
        Answer(
            model="m",
            parts=(ToolCall(id="c", name="f", arguments='{"a":123456789012345678901234567890.10}'),),
            stop="tool_calls",
        ),
        IDENTITY,
    )

    assert b'"input":{"a":123456789012345678901234567890.10}' in body


def test_cached_and_written_input_is_apart_from_the_input_and_thinking_is_part_of_the_output() -> None:
    usage = Usage(
        input_tokens=1,
        image_input_tokens=2,
        cached_input_tokens=10,
        cache_write_5m_tokens=100,
        cache_write_1h_tokens=200,
        output_tokens=5,
        reasoning_tokens=50,
    )

    assert usage_object(usage) == {
        "input_tokens": 3,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 10,
        "output_tokens": 55,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens_details": {"thinking_tokens": 50},
    }


@settings(max_examples=100, deadline=None)
@given(USAGES)
def test_a_usage_that_is_written_is_read_as_the_same_counts(usage: Usage) -> None:
    assert read_anthropic_usage(msgspec.Raw(msgspec.json.encode(usage_object(usage)))) == usage


def test_a_usage_that_nobody_stated_is_written_as_zeros() -> None:
    message = created(write_answer(Answer(model="m", parts=(), stop="end"), IDENTITY))

    assert (message.usage.input_tokens, message.usage.output_tokens) == (0, 0)


def test_a_token_count_is_what_the_official_client_reads() -> None:
    assert write_token_count(1_234) == b'{"input_tokens":1234}'


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20) | st.recursive(st.just("1"), lambda inner: inner.map(lambda text: f'{{"a":{text}}}')))
def test_arguments_of_any_text_are_an_object(arguments: str) -> None:
    assert isinstance(content_of(ToolCall(id="c", name="f", arguments=arguments))[0]["input"], dict)
