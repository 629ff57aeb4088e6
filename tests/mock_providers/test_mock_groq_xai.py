"""Groq as its official client sees it, and xAI as OpenAI's client does."""

import openai
import pytest

from tests.mock_providers.running_mock import ASK, both_ways, has

GPT_OSS = "openai/gpt-oss-20b"
THINKING = {"input_tokens": 32, "reasoning_tokens": 94, "output_tokens": 9}


def test_groq_answers_its_own_client(mock):
    answer = mock.groq(**THINKING).chat.completions.create(model=GPT_OSS, messages=ASK)

    assert answer.choices[0].message.reasoning
    assert has(
        answer.usage.to_dict(), {"completion_tokens": 103, "completion_tokens_details": {"reasoning_tokens": 94}}
    )
    assert answer.usage.total_time is not None


def test_groq_streams_reasoning_and_gives_usage_in_x_groq_unasked(mock):
    chunks = list(mock.groq(**THINKING).chat.completions.create(model=GPT_OSS, messages=ASK, stream=True))

    assert chunks[0].x_groq.id
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.reasoning]) == 94
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].x_groq.usage.completion_tokens == 103


def test_groq_streams_usage_in_a_last_chunk_when_asked(mock):
    create = mock.openai("/groq/openai/v1", **THINKING).chat.completions.create

    *_, last = create(model=GPT_OSS, messages=ASK, stream=True, stream_options={"include_usage": True})

    assert (last.choices, last.usage.completion_tokens) == ([], 103)


@both_ways
def test_xai_counts_reasoning_on_top_and_states_its_bill_in_ticks(mock, is_stream):
    create = mock.openai("/xai/v1", **THINKING).chat.completions.create
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
    answer = create(model="grok-4", messages=ASK, **streaming)

    chunks = list(answer) if is_stream else [answer]

    assert has(
        chunks[-1].usage.to_dict(),
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
            "num_sources_used": 0,
            "cost_in_usd_ticks": mock.entry()["billed_nanousd"] * 10,
        },
    )
    if is_stream:
        assert (
            len([1 for chunk in chunks if chunk.choices and hasattr(chunk.choices[0].delta, "reasoning_content")]) == 94
        )


@both_ways
@pytest.mark.parametrize(("base", "model"), [("/xai/v1", "grok-4"), ("/groq/openai/v1", GPT_OSS)])
def test_responses_count_reasoning_within(mock, is_stream, base, model):
    answer = mock.openai(base, **THINKING).responses.create(model=model, input="Rivers?", stream=is_stream)

    response = list(answer)[-1].response if is_stream else answer

    assert has(
        response.usage.to_dict(),
        {"input_tokens": 32, "output_tokens": 103, "output_tokens_details": {"reasoning_tokens": 94}},
    )


def test_xais_searches_are_counted_and_part_of_its_ticks(mock):
    answer = mock.openai("/xai/v1", **THINKING, web_searches=2).responses.create(model="grok-4", input="Rivers?")

    bill = 32 * 3_000 + 103 * 15_000 + 2 * 5_000_000
    ran = {"web_search_calls": 2, "x_search_calls": 0}
    stated = {"cost_in_usd_ticks": bill * 10, "server_side_tool_usage_details": ran, "num_server_side_tools_used": 2}
    assert has(answer.usage.to_dict(), stated)
    assert mock.entry()["billed_nanousd"] == bill


def test_a_retired_name_is_served_as_the_model_that_took_its_place(mock):
    answer = mock.openai("/xai/v1").chat.completions.create(model="grok-4-fast-reasoning", messages=ASK)

    assert answer.model == "grok-4.3"


def test_xais_error_is_two_texts(mock):
    with pytest.raises(openai.NotFoundError) as caught:
        mock.openai("/xai/v1").chat.completions.create(model="grok-nope", messages=ASK)

    assert set(caught.value.response.json()) == {"code", "error"}
