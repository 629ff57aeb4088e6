"""Groq as its official client sees it, and xAI as OpenAI's client does."""

from typing import Any

import groq
import openai
import pytest

from tests.mock_providers.running_mock import Mock

ASK: list[Any] = [{"role": "user", "content": "Say something about rivers."}]
LLAMA = "llama-3.3-70b-versatile"


def test_groq_answers_its_own_client(mock: Mock) -> None:
    answer = mock.groq(output_tokens=9).chat.completions.create(model=LLAMA, messages=ASK)

    assert answer.usage is not None
    assert answer.usage.completion_tokens == 9
    assert answer.usage.total_time is not None


def test_groqs_stream_carries_usage_in_x_groq_unasked(mock: Mock) -> None:
    stream = mock.groq(output_tokens=9, pace_ms=0).chat.completions.create(model=LLAMA, messages=ASK, stream=True)

    first, *_, last = list(stream)

    assert first.x_groq is not None and first.x_groq.id
    assert last.choices[0].finish_reason == "stop"
    assert last.x_groq is not None and last.x_groq.usage is not None
    assert last.x_groq.usage.completion_tokens == 9


def test_groqs_stream_also_honours_include_usage(mock: Mock) -> None:
    client = mock.openai("/groq/openai/v1", output_tokens=9, pace_ms=0)

    *_, last = client.chat.completions.create(
        model=LLAMA, messages=ASK, stream=True, stream_options={"include_usage": True}
    )

    assert last.choices == []
    assert last.usage is not None and last.usage.completion_tokens == 9


def test_groq_streams_reasoning_in_its_own_field(mock: Mock) -> None:
    stream = mock.groq(reasoning_tokens=4, pace_ms=0).chat.completions.create(
        model="openai/gpt-oss-20b", messages=ASK, stream=True
    )

    reasoning = [chunk.choices[0].delta.reasoning for chunk in stream if chunk.choices]

    assert len([text for text in reasoning if text]) == 4


def test_groqs_error_raises_in_its_client(mock: Mock) -> None:
    with pytest.raises(groq.RateLimitError) as caught:
        mock.groq(status=429, retry_after_s=7).chat.completions.create(model=LLAMA, messages=ASK)

    assert caught.value.response.headers["retry-after"] == "7"


def test_xais_completion_tokens_leave_reasoning_out(mock: Mock) -> None:
    client = mock.openai("/xai/v1", reasoning_tokens=40, output_tokens=10)

    answer = client.chat.completions.create(model="grok-3-mini", messages=ASK)

    assert answer.usage is not None
    assert answer.usage.completion_tokens == 10
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 50


def test_xai_states_its_bill_in_ticks(mock: Mock) -> None:
    client = mock.openai("/xai/v1", input_tokens=1000, reasoning_tokens=40, output_tokens=10)

    answer = client.chat.completions.create(model="grok-4", messages=ASK)

    usage: Any = answer.usage
    assert usage.cost_in_usd_ticks == mock.entry()["billed_nanousd"] * 10


def test_xai_streams_reasoning_content(mock: Mock) -> None:
    stream = mock.openai("/xai/v1", reasoning_tokens=4, pace_ms=0).chat.completions.create(
        model="grok-3-mini", messages=ASK, stream=True
    )

    deltas: list[Any] = [chunk.choices[0].delta for chunk in stream if chunk.choices]

    assert len([one for one in deltas if getattr(one, "reasoning_content", None)]) == 4


def test_xais_responses_answer(mock: Mock) -> None:
    answer = mock.openai("/xai/v1", output_tokens=6).responses.create(model="grok-4", input="Rivers?")

    assert answer.usage is not None
    assert answer.usage.output_tokens == 6


def test_xais_error_is_two_texts(mock: Mock) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        mock.openai("/xai/v1").chat.completions.create(model="grok-nope", messages=ASK)

    body: Any = caught.value.response.json()
    assert set(body) == {"code", "error"}
    assert isinstance(body["error"], str)
