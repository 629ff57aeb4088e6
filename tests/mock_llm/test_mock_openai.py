"""OpenAI's APIs as its official client sees them, whole and streamed alike."""

import json

import openai
import pytest

from tests.mock_llm.running_mock import ASK, CITY, both_ways, cases, has

WEATHER = {"name": "weather", "parameters": CITY}
JSON_MODE = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": CITY}}}
ODD_TEXT = "One two\nthree — 四五 \u2028 six"
PREDICTED = {"prediction": {"type": "content", "content": "one two 3 4 5"}}
THINKING = {"input_tokens": 1000, "cached_tokens": 600, "reasoning_tokens": 20, "output_tokens": 5}


def ends(reason, **message):
    return {"choices": [{"finish_reason": reason, "message": message}]}


def counts(completion_tokens, **details):
    return {"usage": {"completion_tokens": completion_tokens, "completion_tokens_details": details}}


CHATS = [
    ("thirty tokens", "gpt-4o-mini", {}, {}, {**ends("stop"), **counts(30), "model": "gpt-4o-mini-2024-07-18"}),
    ("the text", "gpt-4o", {"content": ODD_TEXT}, {}, ends("stop", content=ODD_TEXT)),
    ("stop", "gpt-4o", {"content": "alpha beta gamma"}, {"stop": ["gam"]}, ends("stop", content="alpha beta ")),
    ("limit", "gpt-4o-mini", {}, {"max_tokens": 7}, {**ends("length"), **counts(7)}),
    ("limit of reasoning", "o4-mini", {"reasoning_tokens": 90}, {"max_completion_tokens": 100}, ends("length")),
    ("choices", "gpt-4o-mini", {"output_tokens": 4}, {"n": 3}, {"choices": [{}, {}, {}], **counts(12)}),
    ("tier", "gpt-4o-mini", {}, {"service_tier": "priority"}, {"service_tier": "priority"}),
    ("reasoning", "o4-mini", THINKING, {}, counts(25, reasoning_tokens=20)),
    ("cache", "o4-mini", THINKING, {}, {"usage": {"prompt_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 600}}}),
    ("cache writes", "gpt-6-luna", {"cache_write_5m_tokens": 5}, {}, {"usage": {"prompt_tokens_details": {"cache_write_tokens": 5}}}),
    ("prediction", "gpt-4o", {"content": "one two three four"}, PREDICTED, counts(7, accepted_prediction_tokens=2, rejected_prediction_tokens=3)),
    ("speech", "gpt-audio", {"audio_output_tokens": 7}, {}, counts(37, audio_tokens=7)),
    ("hearing", "gpt-audio", {"audio_input_tokens": 40}, {}, {"usage": {"prompt_tokens_details": {"audio_tokens": 40}}}),
]  # fmt: skip


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
    tools = [{"type": "function", "function": WEATHER}]
    answering = mock.openai(tool_calls=2, output_tokens=40).chat.completions
    if is_stream:
        with answering.stream(model="gpt-4o", messages=ASK, tools=tools) as stream:
            choice = stream.get_final_completion().choices[0]
    else:
        choice = answering.create(model="gpt-4o", messages=ASK, tools=tools).choices[0]
    written = mock.openai().chat.completions.create(model="gpt-4o", messages=ASK, **JSON_MODE)

    assert [set(json.loads(one.function.arguments)) for one in choice.message.tool_calls] == [{"city"}] * 2
    assert json.loads(written.choices[0].message.content)["city"]


def test_a_stream_mentions_usage_only_when_asked_and_then_at_its_end(mock):
    create = mock.openai().chat.completions.create
    asked = list(create(model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}))
    unasked = create(model="gpt-4o", messages=ASK, stream=True)

    assert not [chunk for chunk in unasked if "usage" in chunk.model_fields_set]
    assert [chunk.usage for chunk in asked[:-1]] == [None] * (len(asked) - 1)
    assert (asked[-1].choices, asked[-1].usage.completion_tokens) == ([], 30)


SEARCHING = {"reasoning_tokens": 10, "output_tokens": 5, "web_searches": 1}
RESPONSES = [
    ("search and reasoning", SEARCHING, {"reasoning": {"summary": "auto"}}, ["web_search_call", "reasoning", "message"],
     {"usage": {"output_tokens": 15, "output_tokens_details": {"reasoning_tokens": 10}}}),
    ("function", {"tool_calls": 1, "content": "First. "}, {"tools": [{"type": "function", **WEATHER}]},
     ["message", "function_call"], {"status": "completed"}),
    ("limit", {}, {"max_output_tokens": 16}, ["message"], {"incomplete_details": {"reason": "max_output_tokens"}}),
]  # fmt: skip


@both_ways
@cases(("script", "asked", "items", "expected"), RESPONSES)
def test_a_response_has_its_items_and_its_usage(mock, is_stream, script, asked, items, expected):
    answer = mock.openai(**script).responses.create(model="o4-mini", input="Rivers?", stream=is_stream, **asked)
    events = list(answer) if is_stream else []
    response = events[-1].response if is_stream else answer

    assert [item.type for item in response.output] == items
    assert has(response.to_dict(), expected)
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_legacy_completions_answer_every_prompt(mock):
    create = mock.openai(content="a b c").completions.create
    whole = create(model="gpt-3.5-turbo-instruct", prompt=["one", "two"], max_tokens=2)
    stream = create(model="gpt-3.5-turbo-instruct", prompt="x", stream=True)

    assert [(choice.text, choice.finish_reason) for choice in whole.choices] == [("a b", "length")] * 2
    assert whole.usage.completion_tokens == 4
    assert "".join(chunk.choices[0].text for chunk in stream) == "a b c"


def test_a_compaction_is_one_item_and_its_usage(mock):
    answer = mock.openai(output_tokens=40).responses.compact(model="gpt-4o-mini", input=ASK)

    assert (answer.object, [item.type for item in answer.output]) == ("response.compaction", ["compaction"])
    assert answer.usage.output_tokens == 40
    assert mock.entry()["usage"]["output_tokens"] == 40


def test_embeddings_are_vectors_of_the_asked_size(mock):
    answer = mock.openai().embeddings.create(model="text-embedding-3-small", input=["a river", "a road"], dimensions=64)

    first, second = (one.embedding for one in answer.data)
    assert (len(first), first == second) == (64, False)
    assert answer.usage.prompt_tokens > 0


REFUSED = [
    ("unknown model", {"model": "gpt-nope", "messages": ASK}, 404, "model_not_found", None),
    ("no model", {"messages": ASK}, 400, None, "model"),
    ("no messages", {"model": "gpt-4o"}, 400, "missing_required_parameter", "messages"),
    ("not a number", {"model": "gpt-4o", "messages": ASK, "n": "x"}, 400, None, "n"),
    ("too long", {"model": "gpt-4o", "messages": ASK, "max_tokens": 20_000}, 400, "invalid_value", "max_tokens"),
    ("max_tokens", {"model": "o4-mini", "messages": ASK, "max_tokens": 9}, 400, "unsupported_parameter", "max_tokens"),
]


@cases(("body", "status", "code", "param"), REFUSED)
def test_a_bad_request_is_refused_by_name(mock, body, status, code, param):
    with pytest.raises(openai.APIStatusError) as caught:
        mock.openai().post("/chat/completions", body=body, cast_to=object)

    assert (caught.value.status_code, caught.value.code, caught.value.param) == (status, code, param)


@pytest.mark.parametrize("base", ["/openai/v1", "/xai/v1", "/groq/openai/v1", "/gemini/v1beta/openai"])
def test_the_models_sold_are_listed(mock, base):
    assert len(list(mock.openai(base).models.list())) >= 3
