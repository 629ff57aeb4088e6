"""What is written as Messages and read again, and what is read and written again: nothing of it is lost on the way."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire.sse import SSEParser
from core.wire.translation.answer import Answer
from core.wire.translation.conversation import Conversation, Text, Thinking, ToolCall, Untranslatable
from core.wire.translation.fitting.history import UNSIGNED
from core.wire.translation.messages.answer_reader import read_answer
from core.wire.translation.messages.answer_writer import write_answer
from core.wire.translation.messages.request_reader import read_request
from core.wire.translation.messages.request_writer import write_request
from core.wire.translation.messages.stream_reader import StreamHearing
from tests.core.wire.translation.messages.writing import (
    IDENTITY,
    check_grammar,
    events_in,
    final_message,
    told_of,
    written,
)
from tests.support.conversations import CONVERSATIONS, SAYABLE_AS_MESSAGES, faults

STREAMS = sorted((Path(__file__).parents[4] / "golden/anthropic_messages").glob("*/upstream.sse"))
WHOLE = [path for path in STREAMS if path.parent.name not in ("truncated", "overloaded")]


@settings(deadline=None)
@given(SAYABLE_AS_MESSAGES)
def test_a_conversation_comes_back_as_it_was(conversation: Conversation) -> None:
    assert read_request(write_request(conversation, "anthropic")) == conversation


@settings(deadline=None)
@given(CONVERSATIONS, st.integers(1, 100_000))
def test_what_comes_back_of_any_conversation_is_canonical_and_comes_back_again(
    conversation: Conversation, ceiling_tokens: int
) -> None:
    schema_or_none = conversation.format if conversation.format and conversation.format.schema is not None else None
    asked = msgspec.structs.replace(conversation, output_tokens_max=ceiling_tokens, format=schema_or_none)

    once = read_request(write_request(asked, "anthropic"))

    assert faults(once) == [] and once.beyond == ()
    assert read_request(write_request(once, "anthropic")) == once


BLOCKS = st.lists(
    st.sampled_from(
        [
            {"type": "text", "text": ""},
            {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}},
            {"type": "thinking", "thinking": "Hm", "signature": UNSIGNED},
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            {"type": "thinking", "thinking": "Hm", "signature": ""},
            {"type": "thinking", "thinking": "", "signature": "sig"},
            {"type": "redacted_thinking", "data": "seal"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": "not json"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": [1]},
            {"type": "tool_result", "tool_use_id": "toolu_1"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "", "is_error": True},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": ""}]},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": ""}},
            {"type": "document", "title": "", "source": {"type": "url", "url": "https://example.com/a"}},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        ]
    ),
    max_size=4,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]), "content": BLOCKS | st.sampled_from(["", "Hi"])}
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(MESSAGES, st.none() | st.sampled_from(["", "Be brief."]) | BLOCKS)
def test_whatever_is_read_is_canonical(messages: list[Any], system: Any) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": messages} | ({} if system is None else {"system": system})
    try:
        conversation = read_request(msgspec.json.encode(body))
    except Untranslatable:
        return

    assert faults(conversation) == []


def shown(message: Message) -> list[tuple[str, ...]]:
    """What a caller of another provider's may see of it: neighbours of one kind as one."""
    blocks: list[tuple[str, ...]] = []
    for block in message.content:
        match block.type:
            case "text" if block.text:
                joined = blocks.pop()[1] if blocks and blocks[-1][0] == "text" else ""
                blocks.append(("text", joined + block.text))
            case "thinking" if block.thinking:
                blocks.append(("thinking", block.thinking))
            case "tool_use":
                blocks.append(("tool_use", block.id, block.name, msgspec.json.encode(block.input).decode()))
    return blocks


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.parent.name)
def test_the_official_client_makes_the_same_of_a_stream_that_was_read_and_written_again(path: Path) -> None:
    upstream = path.read_bytes()
    hearing = StreamHearing()

    again = written(told_of([heard for event in SSEParser().feed(upstream) for heard in hearing.hear(event)]))

    check_grammar(events_in(again))
    before, after = final_message(upstream), final_message(again)
    assert shown(after) == shown(before)
    assert (after.model, after.stop_reason, after.stop_sequence) == (
        before.model,
        before.stop_reason,
        before.stop_sequence,
    )
    counts = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert [getattr(after.usage, name) or 0 for name in counts] == [getattr(before.usage, name) or 0 for name in counts]
    assert {block.signature for block in after.content if block.type == "thinking"} <= {UNSIGNED}


@settings(deadline=None)
@given(SAYABLE_AS_MESSAGES)
def test_an_answer_comes_back_as_it_was_and_a_later_turn_repeats_it_without_the_thinking(
    conversation: Conversation,
) -> None:
    parts = [part for turn in conversation.turns if turn.role == "assistant" for part in turn.parts]
    texts = {type(part): part for part in parts if isinstance(part, Text | ToolCall)}
    answer = Answer(
        model="m", parts=(Thinking(text="Hm"), *texts.values()), stop="tool_calls" if ToolCall in texts else "end"
    )

    body = write_answer(answer, IDENTITY)

    again = read_answer(body)
    assert (again.parts, again.stop) == (answer.parts, answer.stop)
    repeated = {"role": "assistant", "content": msgspec.json.decode(body)["content"]}
    asking = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}, repeated]}
    turns = read_request(msgspec.json.encode(asking)).turns
    assert [part.arguments if isinstance(part, ToolCall) else part for turn in turns[1:] for part in turn.parts] == [
        msgspec.json.encode(msgspec.json.decode(part.arguments)).decode() if isinstance(part, ToolCall) else part
        for part in texts.values()
    ]
