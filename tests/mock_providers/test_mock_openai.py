"""OpenAI's APIs as its official client sees them."""

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.mock_providers.running_mock import Mock

ASK: list[Any] = [{"role": "user", "content": "Say something about rivers."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
}


def streamed_text(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    choices = [one for chunk in chunks for one in chunk.choices if one.index == index]
    return "".join(one.delta.content or "" for one in choices)


def test_a_chat_answer_is_thirty_tokens_with_openais_full_usage(mock: Mock) -> None:
    answer = mock.openai().chat.completions.create(model="gpt-4o-mini", messages=ASK)

    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.service_tier == "default"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 30
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 30
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.accepted_prediction_tokens == 0


def test_the_same_request_gets_the_same_words(mock: Mock) -> None:
    client = mock.openai()

    answers = {
        client.chat.completions.create(model="gpt-4o-mini", messages=ASK).choices[0].message.content for _ in range(3)
    }

    assert len(answers) == 1


def test_scripted_usage_classes_reach_the_usage_object(mock: Mock) -> None:
    client = mock.openai(input_tokens=1000, cached_tokens=600, output_tokens=5, reasoning_tokens=20)

    answer = client.chat.completions.create(model="o4-mini", messages=ASK)

    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 1000
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 600
    assert answer.usage.completion_tokens == 25
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 20


def test_audio_is_counted_apart_in_and_out(mock: Mock) -> None:
    client = mock.openai(audio_input_tokens=40, audio_output_tokens=7, output_tokens=3)

    answer = client.chat.completions.create(model="gpt-audio", messages=ASK)

    assert answer.choices[0].message.audio is not None
    assert answer.choices[0].message.audio.transcript
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.audio_tokens == 40
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.audio_tokens == 7
    assert mock.entry()["usage"]["audio_output_tokens"] == 7


def test_cache_writes_show_where_the_model_sells_them(mock: Mock) -> None:
    client = mock.openai(input_tokens=900, cache_write_5m_tokens=500)

    answer = client.chat.completions.create(model="gpt-6-luna", messages=ASK)

    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cache_write_tokens == 500


def test_a_stream_has_the_text_of_the_whole_answer(mock: Mock) -> None:
    client = mock.openai(content="One two\nthree — 四五 \u2028 six", pace_ms=0)

    chunks = list(client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True))

    assert streamed_text(chunks) == "One two\nthree — 四五 \u2028 six"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_include_usage_adds_one_last_chunk_without_choices(mock: Mock) -> None:
    stream = mock.openai(pace_ms=0).chat.completions.create(
        model="gpt-4o-mini", messages=ASK, stream=True, stream_options={"include_usage": True}
    )

    *before, last = list(stream)

    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 30
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in before)


def test_without_include_usage_chunks_do_not_mention_usage(mock: Mock) -> None:
    stream = mock.openai(pace_ms=0).chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)

    assert all("usage" not in chunk.model_fields_set for chunk in stream)


@pytest.mark.parametrize("is_stream", [False, True])
def test_the_callers_limit_ends_the_answer_as_length(mock: Mock, is_stream: bool) -> None:
    answer: Any = mock.openai(pace_ms=0).chat.completions.create(
        model="gpt-4o-mini", messages=ASK, max_tokens=7, stream=is_stream
    )

    last = list(answer)[-1] if is_stream else answer

    assert last.choices[0].finish_reason == "length"
    assert mock.entry()["generated_tokens"] == 7


def test_the_limit_counts_reasoning_too(mock: Mock) -> None:
    client = mock.openai(reasoning_tokens=90, output_tokens=30)

    answer = client.chat.completions.create(model="o4-mini", messages=ASK, max_completion_tokens=100)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 100
    assert mock.entry()["usage"]["output_tokens"] == 10


def test_a_reasoning_model_refuses_max_tokens(mock: Mock) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        mock.openai().chat.completions.create(model="o4-mini", messages=ASK, max_tokens=10)

    assert caught.value.code == "unsupported_parameter"


def test_a_limit_above_the_models_own_is_refused(mock: Mock) -> None:
    with pytest.raises(openai.BadRequestError, match="at most 16384"):
        mock.openai().chat.completions.create(model="gpt-4o-mini", messages=ASK, max_tokens=20_000)


def test_a_stop_sequence_ends_the_text_before_it(mock: Mock) -> None:
    client = mock.openai(content="alpha beta gamma delta")

    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stop=["gam"])

    assert answer.choices[0].message.content == "alpha beta "
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("is_stream", [False, True])
def test_every_one_of_n_choices_is_generated(mock: Mock, is_stream: bool) -> None:
    answer: Any = mock.openai(output_tokens=4, pace_ms=0).chat.completions.create(
        model="gpt-4o-mini", messages=ASK, n=3, stream=is_stream
    )

    chunks = list(answer) if is_stream else [answer]

    assert {one.index for chunk in chunks for one in chunk.choices} == {0, 1, 2}
    assert mock.entry()["usage"]["output_tokens"] == 12


def test_tool_calls_have_arguments_that_fit_the_schema(mock: Mock) -> None:
    client = mock.openai(tool_calls=2, output_tokens=40)

    answer = client.chat.completions.create(model="gpt-4o", messages=ASK, tools=[WEATHER])

    calls: Any = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in calls] == ["weather", "weather"]
    assert all(json.loads(call.function.arguments)["days"] == 7 for call in calls)


def test_streamed_tool_arguments_join_to_json(mock: Mock) -> None:
    client = mock.openai(tool_calls=1, pace_ms=0)

    with client.chat.completions.stream(model="gpt-4o", messages=ASK, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()

    calls: Any = final.choices[0].message.tool_calls
    assert set(json.loads(calls[0].function.arguments)) == {"city", "days"}
    assert final.choices[0].finish_reason == "tool_calls"


def test_json_mode_writes_json_that_fits_the_schema(mock: Mock) -> None:
    schema = {"type": "object", "properties": {"river": {"type": "string"}}}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    answer = mock.openai().chat.completions.create(model="gpt-4o-mini", messages=ASK, response_format=wanted)

    assert json.loads(answer.choices[0].message.content or "")["river"]


def test_priority_calls_say_so_and_cost_more(mock: Mock) -> None:
    client = mock.openai(input_tokens=1_000_000, output_tokens=0)

    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, service_tier="priority")

    assert answer.service_tier == "priority"
    assert mock.entry()["billed_nanousd"] == 250_000_000


def test_legacy_completions_answer_every_prompt(mock: Mock) -> None:
    answer = mock.openai().completions.create(model="gpt-3.5-turbo-instruct", prompt=["one", "two"], max_tokens=5)

    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 10


def test_legacy_completions_stream(mock: Mock) -> None:
    stream = mock.openai(pace_ms=0, content="a b c").completions.create(
        model="gpt-3.5-turbo-instruct", prompt="x", stream=True
    )

    assert "".join(chunk.choices[0].text for chunk in stream) == "a b c"


def test_embeddings_are_unit_vectors_of_the_asked_size(mock: Mock) -> None:
    answer = mock.openai().embeddings.create(model="text-embedding-3-small", input=["a river", "a road"], dimensions=64)

    first, second = (one.embedding for one in answer.data)
    assert len(first) == 64
    assert abs(sum(value * value for value in first) - 1) < 1e-3
    assert first != second
    assert answer.usage.prompt_tokens == mock.entry()["usage"]["input_tokens"] > 0


def test_a_response_has_its_items_in_order(mock: Mock) -> None:
    client = mock.openai(reasoning_tokens=10, output_tokens=5, web_searches=1)

    answer = client.responses.create(model="o4-mini", input="Rivers?", reasoning={"summary": "auto"})

    assert [item.type for item in answer.output] == ["web_search_call", "reasoning", "message"]
    assert answer.usage is not None
    assert answer.usage.output_tokens == 15
    assert answer.usage.output_tokens_details.reasoning_tokens == 10
    assert answer.usage.input_tokens_details.cached_tokens == 0
    assert mock.entry()["usage"]["web_search_calls"] == 1


def test_a_response_over_its_limit_is_incomplete(mock: Mock) -> None:
    answer = mock.openai().responses.create(model="gpt-4o-mini", input="Rivers?", max_output_tokens=16)

    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_a_response_streams_the_full_event_sequence(mock: Mock) -> None:
    client = mock.openai(reasoning_tokens=2, content="Two words", pace_ms=0)

    events = list(client.responses.create(model="o4-mini", input="Rivers?", stream=True, reasoning={"summary": "auto"}))

    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_streamed_response_ends_with_the_whole_one(mock: Mock) -> None:
    client = mock.openai(tool_calls=1, content="First this. ", pace_ms=0)
    tool: Any = {"type": "function", **WEATHER["function"]}

    with client.responses.stream(model="gpt-4o", input="Rivers?", tools=[tool]) as stream:
        final = stream.get_final_response()

    assert final.output_text == "First this. "
    assert final.output[-1].type == "function_call"
    assert set(json.loads(final.output[-1].arguments)) == {"city", "days"}
    assert final.usage is not None
    assert final.usage.output_tokens == mock.entry()["generated_tokens"]


def test_the_model_list_has_the_models_sold(mock: Mock) -> None:
    listed = {model.id for model in mock.openai().models.list()}

    assert {"gpt-4o-mini", "text-embedding-3-small"} <= listed


def test_an_unknown_model_is_the_native_404(mock: Mock) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        mock.openai().chat.completions.create(model="gpt-nope", messages=ASK)

    assert caught.value.code == "model_not_found"
    assert mock.entry()["billed_nanousd"] == 0


def test_an_unpriced_model_is_served_and_billed(mock: Mock) -> None:
    client = mock.openai(input_tokens=1_000_000, output_tokens=0)

    client.chat.completions.create(model="unpriced-thing", messages=ASK)

    assert mock.entry()["billed_nanousd"] == 5_000_000_000


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"messages": ASK}, "model"),
        ({"model": "gpt-4o-mini"}, "messages"),
        ({"model": "gpt-4o-mini", "messages": ASK, "max_tokens": "many"}, "max_tokens"),
        ({"model": "gpt-4o-mini", "messages": ASK, "n": 0}, "n"),
    ],
)
def test_a_bad_request_names_the_field(mock: Mock, body: dict[str, Any], named: str) -> None:
    answer = mock.post("/openai/v1/chat/completions", body)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == named
