"""Chat requests both ways, and requests of no sense."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import completion_create_params
from pydantic import TypeAdapter

from core.wire.dialects import DIALECTS
from core.wire.translation.chat.request_reader import read_request
from core.wire.translation.chat.request_writer import write_request
from core.wire.translation.conversation import (
    Conversation,
    Untranslatable,
)
from tests.core.wire.translation.chat.requests import (
    PROVIDERS,
)
from tests.core.wire.translation.chat.strategies import JUNK, NAMES, conversations

PARAMS: TypeAdapter[Any] = TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming)


@settings(max_examples=150, deadline=None)
@given(conversations(), st.sampled_from(PROVIDERS))
def test_what_was_read_is_the_same_when_it_was_written(conversation: Conversation, provider: str) -> None:
    assert read_request(write_request(conversation, provider)) == conversation


@settings(max_examples=60, deadline=None)
@given(conversations())
def test_what_is_written_is_a_request_of_the_official_client_s(conversation: Conversation) -> None:
    body = write_request(conversation, "openai")

    PARAMS.validate_python({**msgspec.json.decode(body), "stream": False, "stream_options": None})
    if conversation.turns:
        parsed = DIALECTS["openai_chat"].parse_request(body, path="chat/completions")
        assert (parsed.model, parsed.is_streaming) == (conversation.model, conversation.is_streaming)


MEMBER_NAMES = st.sampled_from(
    [
        "model",
        "messages",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "max_tokens",
        "temperature",
        "seed",
        "stop",
        "response_format",
        "reasoning_effort",
        "thinking",
        "google",
        "extra_body",
        "n",
        "modalities",
        "search_parameters",
        "user",
        "logprobs",
    ]
)
PART_NAMES = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "image_url",
        "url",
        "file",
        "file_data",
        "filename",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "extra_content",
        "google",
        "refusal",
        "reasoning",
        "audio",
        "tool_call_id",
        "is_error",
        "json_schema",
        "schema",
        "thinking_config",
    ]
)
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "function", "text", "image_url", "file", "json_schema"])
NESTED = st.recursive(
    JUNK | ROLES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(PART_NAMES, inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(MEMBER_NAMES | NAMES, NESTED, max_size=6), st.lists(st.dictionaries(PART_NAMES, NESTED), max_size=3)
)
def test_a_hostile_request_raises_nothing_else(members: dict[str, Any], messages: list[Any]) -> None:
    body = {"model": "m", "messages": messages, **members}
    try:
        conversation = read_request(msgspec.json.encode(body))
        write_request(conversation, "openai")
    except Untranslatable as error:
        assert len(error.feature) < 80


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_a_body_that_is_no_json_raises_nothing_else(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        read_request(b"{" + body)
