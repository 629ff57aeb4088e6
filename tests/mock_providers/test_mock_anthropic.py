"""Anthropic's messages API as its official client sees it."""

import json
from typing import Any

import anthropic
import pytest

from tests.mock_providers.running_mock import Mock

ASK: Any = [{"role": "user", "content": "Say something about rivers."}]
WEATHER: Any = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def create(client: anthropic.Anthropic, **more: Any) -> anthropic.types.Message:
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 1000, "messages": ASK, **more}
    message: anthropic.types.Message = client.messages.create(**asked)
    return message


def test_a_message_has_anthropics_full_usage(mock: Mock) -> None:
    client = mock.anthropic(
        input_tokens=1000,
        cached_tokens=300,
        cache_write_5m_tokens=200,
        cache_write_1h_tokens=100,
        output_tokens=12,
        web_searches=2,
    )

    message = create(client)

    usage = message.usage
    assert usage.input_tokens == 400
    assert usage.cache_read_input_tokens == 300
    assert usage.cache_creation_input_tokens == 300
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_5m_input_tokens == 200
    assert usage.cache_creation.ephemeral_1h_input_tokens == 100
    assert usage.output_tokens == 12
    assert usage.server_tool_use is not None
    assert usage.server_tool_use.web_search_requests == 2
    assert usage.service_tier == "standard"


def test_every_class_of_a_message_is_billed_at_its_own_rate(mock: Mock) -> None:
    client = mock.anthropic(
        input_tokens=1000,
        cached_tokens=300,
        cache_write_5m_tokens=200,
        cache_write_1h_tokens=100,
        output_tokens=12,
        web_searches=2,
    )

    create(client)

    tokens = 400 * 1_000 + 300 * 100 + 200 * 1_250 + 100 * 2_000 + 12 * 5_000
    assert mock.entry()["billed_nanousd"] == tokens + 2 * 10_000_000


def test_a_stream_has_the_native_event_sequence(mock: Mock) -> None:
    events = create(mock.anthropic(content="Two words", pace_ms=0), stream=True)

    kinds: list[str] = [event.type for event in events]  # type: ignore[attr-defined]
    assert kinds == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_a_stream_pings(mock: Mock) -> None:
    body = {"model": "claude-haiku-4-5", "max_tokens": 9, "stream": True, "messages": ASK}

    answer = mock.post("/anthropic/v1/messages", body, pace_ms=0)

    assert "event: ping\n" in answer.text


def test_a_streamed_message_is_the_whole_one(mock: Mock) -> None:
    client = mock.anthropic(reasoning_tokens=4, content="Let me look.", tool_calls=1, web_searches=1, pace_ms=0)

    asked: Any = {"model": "claude-opus-4-5", "max_tokens": 500, "messages": ASK}
    with client.messages.stream(**asked, tools=[WEATHER]) as stream:
        message = stream.get_final_message()

    assert [block.type for block in message.content] == [
        "server_tool_use",
        "web_search_tool_result",
        "thinking",
        "text",
        "tool_use",
    ]
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens == mock.entry()["generated_tokens"]


def test_tool_input_fits_the_schema(mock: Mock) -> None:
    message = create(mock.anthropic(tool_calls=1), tools=[WEATHER])

    (block,) = message.content
    assert block.type == "tool_use"
    assert set(block.input) == {"city"}


@pytest.mark.parametrize("is_stream", [False, True])
def test_the_limit_ends_a_message_as_max_tokens(mock: Mock, is_stream: bool) -> None:
    answer: Any = create(mock.anthropic(pace_ms=0), max_tokens=5, stream=is_stream)

    ends = [event.delta for event in answer if event.type == "message_delta"] if is_stream else [answer]

    assert [end.stop_reason for end in ends] == ["max_tokens"]
    assert mock.entry()["generated_tokens"] == 5


def test_a_stop_sequence_is_named(mock: Mock) -> None:
    message = create(mock.anthropic(content="one two three"), stop_sequences=["two"])

    assert message.stop_reason == "stop_sequence"
    assert message.stop_sequence == "two"


def test_structured_output_fits_the_schema(mock: Mock) -> None:
    schema = {"type": "object", "properties": {"river": {"type": "string"}}}
    wanted = {"format": {"type": "json_schema", "schema": schema}}

    message = create(mock.anthropic(), output_config=wanted)

    (block,) = message.content
    assert block.type == "text"
    assert json.loads(block.text)["river"]


def test_counting_tokens_says_what_a_message_would_and_is_free(mock: Mock) -> None:
    client = mock.anthropic()

    counted = client.messages.count_tokens(model="claude-haiku-4-5", messages=ASK)

    assert mock.entry()["billed_nanousd"] == 0
    assert counted.input_tokens == create(client).usage.input_tokens


def test_a_limit_above_the_models_own_is_refused(mock: Mock) -> None:
    with pytest.raises(anthropic.BadRequestError, match="64001 > 64000"):
        create(mock.anthropic(), max_tokens=64_001, stream=True)


def test_a_message_needs_its_limit(mock: Mock) -> None:
    body = {"model": "claude-haiku-4-5", "messages": ASK}

    answer = mock.post("/anthropic/v1/messages", body)

    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "type": "invalid_request_error",
        "message": "max_tokens: Field required",
    }


def test_the_version_header_is_required(mock: Mock) -> None:
    answer = mock.http.post(mock.url + "/anthropic/v1/messages", json={}, headers={"x-api-key": "k"})

    assert answer.status_code == 400
    assert "anthropic-version" in answer.json()["error"]["message"]


def test_an_overloaded_stream_raises_in_the_client(mock: Mock) -> None:
    events = create(mock.anthropic(error_after_tokens=3, pace_ms=0), stream=True)

    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        list(events)


def test_anthropics_openai_style_api_answers_the_openai_client(mock: Mock) -> None:
    client = mock.openai("/anthropic/v1", output_tokens=8)

    answer = client.chat.completions.create(model="claude-haiku-4-5", messages=ASK)

    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8
    assert mock.entry()["provider"] == "anthropic"


def test_the_model_list_has_the_models_sold(mock: Mock) -> None:
    assert "claude-haiku-4-5" in {model.id for model in mock.anthropic().models.list()}
