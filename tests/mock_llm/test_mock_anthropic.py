"""Anthropic's messages API as its official client sees it, whole and streamed alike."""

import json

import anthropic
import pytest

from tests.mock_llm.running_mock import ASK, CITY, both_ways, cases, has

TOOLS = {"tools": [{"name": "weather", "input_schema": CITY}]}
CALL = {"model": "claude-haiku-4-5", "max_tokens": 1000, "messages": ASK}
CLASSES = {"input_tokens": 1000, "cached_tokens": 300, "cache_write_5m_tokens": 200, "cache_write_1h_tokens": 100}
WRITTEN = {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100}
EVERYTHING = {"reasoning_tokens": 4, "content": "Let me look.", "tool_calls": 1, "web_searches": 1}
SEARCH = ["server_tool_use", "web_search_tool_result"]
MESSAGES = [
    ("text", {"content": "Two words"}, {}, ["text"], {"stop_reason": "end_turn", "usage": {"output_tokens": 2}}),
    ("limit", {}, {"max_tokens": 5}, ["text"], {"stop_reason": "max_tokens", "usage": {"output_tokens": 5}}),
    ("stop", {"content": "one two"}, {"stop_sequences": ["two"]}, ["text"], {"stop_sequence": "two"}),
    ("every block", EVERYTHING, TOOLS, [*SEARCH, "thinking", "text", "tool_use"], {"stop_reason": "tool_use"}),
    ("every class", CLASSES, {}, ["text"],
     {"usage": {"input_tokens": 400, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 300,
                "cache_creation": WRITTEN, "service_tier": "standard"}}),
    ("turns", {"input_tokens": 900, "output_tokens": 30, "web_searches": 2}, {}, [*SEARCH, *SEARCH, "text"],
     {"usage": {"input_tokens": 900, "server_tool_use": {"web_search_requests": 2},
                "iterations": [{"type": "message", "input_tokens": 300, "output_tokens": 10}] * 3}}),
]  # fmt: skip


@both_ways
@cases(("script", "asked", "blocks", "expected"), MESSAGES)
def test_a_message_is_answered_as_anthropic_does(mock, is_stream, script, asked, blocks, expected):
    answering = mock.anthropic(**script).beta.messages
    if is_stream:
        with answering.stream(**{**CALL, **asked}) as stream:
            message = stream.get_final_message()
    else:
        message = answering.create(**{**CALL, **asked})

    assert [block.type for block in message.content] == blocks
    assert has(message.to_dict(), expected)


def test_a_stream_has_the_native_event_sequence(mock):
    text = mock.post("/anthropic/v1/messages", {**CALL, "stream": True}, content="Two words", pace_ms=0).text

    kinds = " ".join(line[7:] for line in text.splitlines() if line.startswith("event: "))
    assert kinds == (
        "message_start content_block_start ping content_block_delta content_block_delta content_block_stop "
        "message_delta message_stop"
    )


def test_tools_and_json_fit_their_schemas(mock):
    called = mock.anthropic(tool_calls=1).messages.create(**CALL, **TOOLS)
    wanted = {"format": {"type": "json_schema", "schema": CITY}}
    written = mock.anthropic().messages.create(**CALL, output_config=wanted)

    assert set(called.content[0].input) == {"city"}
    assert json.loads(written.content[0].text)["city"]


def test_counting_tokens_says_what_a_message_would(mock):
    counted = mock.anthropic().messages.count_tokens(model="claude-haiku-4-5", messages=ASK)

    assert counted.input_tokens == mock.anthropic().messages.create(**CALL).usage.input_tokens


REFUSED = [
    ("too long", {"max_tokens": 64_001}, {}, "64001 > 64000"),
    ("no limit", {"max_tokens": None}, {}, "max_tokens: Field required"),
    ("no version", {}, {"anthropic-version": anthropic.Omit()}, "anthropic-version"),
]


@cases(("asked", "headers", "message"), REFUSED)
def test_a_bad_request_is_refused_by_name(mock, asked, headers, message):
    with pytest.raises(anthropic.BadRequestError, match=message):
        mock.anthropic().with_options(default_headers=headers).messages.create(**{**CALL, **asked}, timeout=9)


def test_the_openai_style_api_counts_thinking_without_details(mock):
    client = mock.openai("/anthropic/v1", output_tokens=8, reasoning_tokens=4)

    answer = client.chat.completions.create(model="claude-haiku-4-5", messages=ASK)

    assert (answer.usage.completion_tokens, answer.usage.completion_tokens_details) == (12, None)


def test_the_models_sold_are_listed(mock):
    assert "claude-haiku-4-5" in {model.id for model in mock.anthropic().models.list()}
