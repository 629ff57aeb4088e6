"""OpenAI's APIs as its official client sees them, whole and streamed alike."""

import json

import openai
import pytest

from tests.mock_providers.running_mock import ASK, both_ways, cases, has

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
WEATHER = {"name": "weather", "parameters": SCHEMA}
TOOLS = {"tools": [{"type": "function", "function": WEATHER}]}
JSON_MODE = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
ODD_TEXT = "One two\nthree — 四五 \u2028 six"
PREDICTED = {"prediction": {"type": "content", "content": "one two 3 4 5"}}


def usage(**more):
    return {"usage": more}


def ends(reason, **message):
    return {"choices": [{"finish_reason": reason, "message": message}]}


CHATS = [
    ("thirty tokens", "gpt-4o-mini", {}, {}, {**ends("stop"), **usage(completion_tokens=30)}),
    ("served name", "gpt-4o-mini", {}, {}, {"model": "gpt-4o-mini-2024-07-18", "service_tier": "default"}),
    ("the text", "gpt-4o", {"content": ODD_TEXT}, {}, ends("stop", content=ODD_TEXT)),
    (
        "stop sequence",
        "gpt-4o",
        {"content": "alpha beta gamma"},
        {"stop": ["gam"]},
        ends("stop", content="alpha beta "),
    ),
    ("limit", "gpt-4o-mini", {}, {"max_tokens": 7}, {**ends("length"), **usage(completion_tokens=7)}),
    (
        "choices",
        "gpt-4o-mini",
        {"output_tokens": 4},
        {"n": 3},
        {"choices": [{}, {}, {}], **usage(completion_tokens=12)},
    ),
    ("tier", "gpt-4o-mini", {}, {"service_tier": "priority"}, {"service_tier": "priority"}),
    (
        "reasoning and cache",
        "o4-mini",
        {"input_tokens": 1000, "cached_tokens": 600, "output_tokens": 5, "reasoning_tokens": 20},
        {},
        usage(
            prompt_tokens=1000,
            completion_tokens=25,
            total_tokens=1025,
            prompt_tokens_details={"cached_tokens": 600},
            completion_tokens_details={"reasoning_tokens": 20},
        ),
    ),
    (
        "the limit counts reasoning",
        "o4-mini",
        {"reasoning_tokens": 90},
        {"max_completion_tokens": 100},
        {**ends("length"), **usage(completion_tokens=100, completion_tokens_details={"reasoning_tokens": 90})},
    ),
    (
        "a wrong prediction",
        "gpt-4o",
        {"content": "one two three four"},
        PREDICTED,
        usage(
            completion_tokens=7,
            completion_tokens_details={"accepted_prediction_tokens": 2, "rejected_prediction_tokens": 3},
        ),
    ),
    (
        "audio",
        "gpt-audio",
        {"audio_input_tokens": 40, "audio_output_tokens": 7},
        {},
        usage(prompt_tokens_details={"audio_tokens": 40}, completion_tokens_details={"audio_tokens": 7}),
    ),
    (
        "cache writes",
        "gpt-6-luna",
        {"input_tokens": 900, "cache_write_5m_tokens": 500},
        {},
        usage(prompt_tokens_details={"cache_write_tokens": 500}),
    ),
]


def joined(chunks):
    """The answer that a stream of chunks amounts to."""
    written = {one.index: {"message": {"content": ""}} for chunk in chunks for one in chunk.choices}
    for one in (choice for chunk in chunks for choice in chunk.choices):
        written[one.index]["message"]["content"] += one.delta.content or ""
        written[one.index]["finish_reason"] = one.finish_reason
    return {**chunks[-1].to_dict(), "choices": list(written.values())}


@both_ways
@cases(("model", "script", "asked", "expected"), CHATS)
def test_a_chat_is_answered_as_openai_does(mock, is_stream, model, script, asked, expected):
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
    answer = mock.openai(**script).chat.completions.create(model=model, messages=ASK, **asked, **streaming)

    assert has(joined(list(answer)) if is_stream else answer.to_dict(), expected)


@both_ways
def test_tools_and_json_fit_their_schemas(mock, is_stream):
    answering = mock.openai(tool_calls=2, output_tokens=40).chat.completions
    call = {"model": "gpt-4o", "messages": ASK, **TOOLS}
    if is_stream:
        with answering.stream(**call) as stream:
            choice = stream.get_final_completion().choices[0]
    else:
        choice = answering.create(**call).choices[0]
    written = mock.openai().chat.completions.create(model="gpt-4o", messages=ASK, **JSON_MODE)

    arguments = [json.loads(called.function.arguments) for called in choice.message.tool_calls]
    assert choice.finish_reason == "tool_calls"
    assert [one["days"] for one in arguments] == [7, 7]
    assert json.loads(written.choices[0].message.content)["city"]


def test_a_stream_mentions_usage_only_when_asked_and_then_at_its_end(mock):
    create = mock.openai().chat.completions.create
    asked = list(create(model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}))
    unasked = list(create(model="gpt-4o", messages=ASK, stream=True))

    assert not [chunk for chunk in unasked if "usage" in chunk.model_fields_set]
    assert [chunk.usage for chunk in asked[:-1]] == [None] * (len(asked) - 1)
    assert (asked[-1].choices, asked[-1].usage.completion_tokens) == ([], 30)


FUNCTION = {"tools": [{"type": "function", **WEATHER}]}
RESPONSES = [
    ("a message", {"output_tokens": 5}, {}, ["message"], {"status": "completed", **usage(output_tokens=5)}),
    (
        "search and reasoning",
        {"reasoning_tokens": 10, "output_tokens": 5, "web_searches": 1},
        {"reasoning": {"summary": "auto"}},
        ["web_search_call", "reasoning", "message"],
        usage(output_tokens=15, output_tokens_details={"reasoning_tokens": 10}),
    ),
    ("a function", {"tool_calls": 1, "content": "First. "}, FUNCTION, ["message", "function_call"], {}),
    (
        "the limit",
        {},
        {"max_output_tokens": 16},
        ["message"],
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    ),
]


@both_ways
@cases(("script", "asked", "items", "expected"), RESPONSES)
def test_a_response_has_its_items_and_its_usage(mock, is_stream, script, asked, items, expected):
    answering = mock.openai(**script).responses
    call = {"model": "o4-mini", "input": "Rivers?", **asked}
    if is_stream:
        events = list(answering.create(**call, stream=True))
        answer = events[-1].response
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert [event.item.type for event in events if event.type == "response.output_item.done"] == items
    else:
        answer = answering.create(**call)

    assert [item.type for item in answer.output] == items
    assert has(answer.to_dict(), expected)


def test_legacy_completions_answer_every_prompt(mock):
    create = mock.openai(content="a b c").completions.create
    whole = create(model="gpt-3.5-turbo-instruct", prompt=["one", "two"], max_tokens=2)
    stream = create(model="gpt-3.5-turbo-instruct", prompt="x", stream=True)

    assert [(choice.text, choice.finish_reason) for choice in whole.choices] == [("a b", "length")] * 2
    assert whole.usage.completion_tokens == 4
    assert "".join(chunk.choices[0].text for chunk in stream) == "a b c"


def test_embeddings_are_unit_vectors_of_the_asked_size(mock):
    answer = mock.openai().embeddings.create(model="text-embedding-3-small", input=["a river", "a road"], dimensions=64)

    first, second = (one.embedding for one in answer.data)
    assert (len(first), round(sum(value * value for value in first), 2)) == (64, 1)
    assert first != second
    assert answer.usage.prompt_tokens == mock.entry()["usage"]["input_tokens"] > 0


REFUSED = [
    ("unknown model", {"model": "gpt-nope", "messages": ASK}, openai.NotFoundError, "model_not_found", None),
    ("no model", {"messages": ASK}, openai.BadRequestError, None, "model"),
    ("no messages", {"model": "gpt-4o"}, openai.BadRequestError, "missing_required_parameter", "messages"),
    ("not a number", {"model": "gpt-4o", "messages": ASK, "n": "x"}, openai.BadRequestError, None, "n"),
    ("beyond the model's limit", {"model": "gpt-4o", "messages": ASK, "max_tokens": 20_000}, openai.BadRequestError, "invalid_value", "max_tokens"),
    ("max_tokens of a reasoning model", {"model": "o4-mini", "messages": ASK, "max_tokens": 9}, openai.BadRequestError, "unsupported_parameter", "max_tokens"),
]  # fmt: skip


@cases(("body", "error", "code", "param"), REFUSED)
def test_a_bad_request_is_refused_by_name_and_free(mock, body, error, code, param):
    with pytest.raises(error) as caught:
        mock.openai().post("/chat/completions", body=body, cast_to=object)

    assert (caught.value.code, caught.value.param) == (code, param)
    assert mock.entry()["billed_nanousd"] == 0


@pytest.mark.parametrize("base", ["/openai/v1", "/xai/v1", "/groq/openai/v1", "/gemini/v1beta/openai"])
def test_the_models_sold_are_listed(mock, base):
    assert len(list(mock.openai(base).models.list())) >= 3
