"""Groq as its official client sees it, and xAI as OpenAI's client does."""

import openai
import pytest

from tests.mock_llm.running_mock import ASK, both_ways, cases, has

GPT_OSS = "openai/gpt-oss-20b"
THINKING = {"input_tokens": 32, "reasoning_tokens": 94, "output_tokens": 9}
INCLUDED = {"stream": True, "stream_options": {"include_usage": True}}


@both_ways
def test_groq_shows_reasoning_and_gives_usage_unasked(mock, is_stream):
    answer = mock.groq(**THINKING).chat.completions.create(model=GPT_OSS, messages=ASK, stream=is_stream)
    chunks = list(answer) if is_stream else [answer]

    shown = [choice.delta if is_stream else choice.message for chunk in chunks for choice in chunk.choices]
    usage = chunks[-1].x_groq.usage if is_stream else answer.usage
    assert len([one for one in shown if one.reasoning]) == (94 if is_stream else 1)
    assert has(usage.to_dict(), {"completion_tokens": 103, "completion_tokens_details": {"reasoning_tokens": 94}})


def test_groq_streams_usage_in_a_last_chunk_when_asked(mock):
    client = mock.openai("/groq/openai/v1", **THINKING)

    *_, last = client.chat.completions.create(model=GPT_OSS, messages=ASK, **INCLUDED)

    assert (last.choices, last.usage.completion_tokens) == ([], 103)


@both_ways
def test_xai_counts_reasoning_on_top_and_states_its_bill_in_ticks(mock, is_stream):
    client = mock.openai("/xai/v1", **THINKING)
    answer = client.chat.completions.create(model="grok-4", messages=ASK, **(INCLUDED if is_stream else {}))
    chunks = list(answer) if is_stream else [answer]

    stated = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "num_sources_used": 0}
    details = {"completion_tokens_details": {"reasoning_tokens": 94}}
    bill = {"cost_in_usd_ticks": mock.entry()["billed_nanousd"] * 10}
    shown = [choice.delta if is_stream else choice.message for chunk in chunks for choice in chunk.choices]
    assert has(chunks[-1].usage.to_dict(), {**stated, **details, **bill})
    assert len([one for one in shown if hasattr(one, "reasoning_content")]) == (94 if is_stream else 1)


RESPONDING = [
    ("groq", "/groq/openai/v1", GPT_OSS, 0, {}),
    ("xai", "/xai/v1", "grok-4", 2,
     {"cost_in_usd_ticks": (32 * 1_250 + 103 * 2_500 + 2 * 5_000_000) * 10, "num_server_side_tools_used": 2,
      "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 0}}),
]  # fmt: skip


@both_ways
@cases(("base", "model", "searches", "expected"), RESPONDING)
def test_responses_count_reasoning_within_and_xais_state_tools_and_bill(
    mock, is_stream, base, model, searches, expected
):
    client = mock.openai(base, **THINKING, web_searches=searches)
    answer = client.responses.create(model=model, input="Rivers?", stream=is_stream)

    usage = (list(answer)[-1].response if is_stream else answer).usage.to_dict()

    counted = {"input_tokens": 32, "output_tokens": 103, "output_tokens_details": {"reasoning_tokens": 94}}
    assert has(usage, {**counted, **expected})


def test_a_retired_name_is_served_as_the_model_that_took_its_place(mock):
    answer = mock.openai("/xai/v1").chat.completions.create(model="grok-4-fast-reasoning", messages=ASK)

    assert answer.model == "grok-4.3"


def test_xais_error_is_two_texts(mock):
    with pytest.raises(openai.NotFoundError) as caught:
        mock.openai("/xai/v1").chat.completions.create(model="grok-nope", messages=ASK)

    assert set(caught.value.response.json()) == {"code", "error"}


@both_ways
def test_groq_names_the_tier_that_served_beside_its_own_block(mock, is_stream):
    client = mock.openai("/groq/openai/v1")
    asked = {"model": GPT_OSS, "messages": ASK, **(INCLUDED if is_stream else {})}
    answers = [client.chat.completions.create(**asked, **tier) for tier in ({}, {"service_tier": "flex"})]

    documents = [(list(answer)[-1] if is_stream else answer).to_dict() for answer in answers]

    assert [document["service_tier"] for document in documents] == ["on_demand", "flex"]
    assert is_stream or documents[0]["x_groq"]["id"].startswith("req_")
