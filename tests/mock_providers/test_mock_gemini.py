"""Gemini's native API as google-genai sees it, whole and streamed alike, and its OpenAI-style one."""

import json

import openai
import pytest
from google.genai import errors, types

from tests.mock_providers.running_mock import ASK, both_ways, cases, has

FLASH = "gemini-2.5-flash"
PATH = f"/gemini/v1beta/models/{FLASH}"
BODY = {"contents": [{"parts": [{"text": "Rivers?"}]}]}
CITY = types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)})
WEATHER = types.FunctionDeclaration(name="weather", parameters=CITY)

ANSWERS = [
    ("the text", {"content": "one two three"}, {}, {"candidates_token_count": 3}, "STOP"),
    ("the limit", {}, {"max_output_tokens": 4}, {"candidates_token_count": 4}, "MAX_TOKENS"),
    ("functions", {"tool_calls": 2}, {"tools": [types.Tool(function_declarations=[WEATHER])]}, {}, "STOP"),
    (
        "every count",
        {
            "input_tokens": 1000,
            "cached_tokens": 400,
            "audio_input_tokens": 50,
            "tool_use_prompt_tokens": 30,
            "reasoning_tokens": 20,
            "output_tokens": 5,
        },
        {},
        {
            "prompt_token_count": 1000,
            "cached_content_token_count": 400,
            "tool_use_prompt_token_count": 30,
            "thoughts_token_count": 20,
            "candidates_token_count": 5,
            "total_token_count": 1055,
            "prompt_tokens_details": [
                {"modality": "TEXT", "token_count": 950},
                {"modality": "AUDIO", "token_count": 50},
            ],
        },
        "STOP",
    ),
]


@both_ways
@cases(("script", "config", "usage", "reason"), ANSWERS)
def test_content_is_generated_as_gemini_does(mock, is_stream, script, config, usage, reason):
    client = mock.gemini(**script)
    models = client.models
    asked = {"model": FLASH, "contents": "Rivers?", "config": types.GenerateContentConfig(**config)}
    chunks = list(models.generate_content_stream(**asked)) if is_stream else [models.generate_content(**asked)]

    assert has(chunks[-1].usage_metadata.model_dump(mode="json"), usage)
    assert chunks[-1].candidates[0].finish_reason == reason
    assert "".join(chunk.text or "" for chunk in chunks) or chunks[0].function_calls
    calls = [call for chunk in chunks for call in chunk.function_calls or ()]
    assert [set(call.args) for call in calls] == [{"city"}] * script.get("tool_calls", 0)


def test_a_stream_counts_as_it_goes(mock):
    client = mock.gemini(content="one two three")

    chunks = client.models.generate_content_stream(model=FLASH, contents="Rivers?")

    assert [chunk.usage_metadata.candidates_token_count for chunk in chunks] == [1, 2, 3, 3]


def test_without_alt_sse_a_stream_is_one_json_array(mock):
    answer = mock.post(f"{PATH}:streamGenerateContent", BODY, content="one two", pace_ms=0)

    texts = [one["candidates"][0]["content"]["parts"][0]["text"] for one in answer.json()]
    assert answer.headers["content-type"].startswith("application/json")
    assert texts == ["one", " two", ""]


TOTAL = {"usageMetadata": {"totalTokenCount": 8}}
MASKS = [
    ("whole members", "fields=candidates", {}, ["candidates"], {}),
    ("with a dollar", "$fields=modelVersion", {}, ["modelVersion"], {}),
    ("encoded", "%24fields=modelVersion", {}, ["modelVersion"], {}),
    ("below", "fields=usageMetadata/totalTokenCount,responseId", {}, ["responseId", "usageMetadata"], TOTAL),
    ("in parentheses", "fields=usageMetadata(totalTokenCount)", {}, ["usageMetadata"], TOTAL),
    ("by header", "", {"x-goog-fieldmask": "usageMetadata.totalTokenCount"}, ["usageMetadata"], TOTAL),
    (
        "enums by number",
        "$alt=json;enum-encoding=int",
        {},
        ["candidates", "modelVersion", "responseId", "usageMetadata"],
        {"candidates": [{"finishReason": 1}], "usageMetadata": {"promptTokensDetails": [{"modality": 1}]}},
    ),
]


@both_ways
@cases(("query", "headers", "members", "expected"), MASKS)
def test_the_answer_has_the_form_that_was_asked_for_and_the_same_bill(
    mock, is_stream, query, headers, members, expected
):
    method = "streamGenerateContent" if is_stream else "generateContent"
    script = mock.headers(input_tokens=1, reasoning_tokens=5, output_tokens=2, pace_ms=0)
    answer = mock.http.post(
        f"{mock.url}{PATH}:{method}?{query}", json=BODY, headers={"x-goog-api-key": "k", **script, **headers}
    )

    last = answer.json()[-1] if is_stream else answer.json()
    assert sorted(last) == members
    assert has(last, expected)
    assert mock.entry()["billed_nanousd"] == 1 * 300 + 7 * 2_500


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("config", [{"generationConfig": {"maxOutputTokens": 4}}, {"generation_config": {"max_output_tokens": 4}}])  # fmt: skip
def test_both_versions_and_spellings_are_taken(mock, version, config):
    answer = mock.post(f"/gemini/{version}/models/{FLASH}:generateContent", {**BODY, **config})

    assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_thoughts_show_only_when_asked_for(mock):
    client = mock.gemini(reasoning_tokens=5)
    thinking = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))

    answers = [client.models.generate_content(model=FLASH, contents="?", config=one) for one in (None, thinking)]

    assert [[part.thought for part in one.candidates[0].content.parts] for one in answers] == [[None], [True, None]]


def test_json_mode_fits_the_schema_and_a_search_shows_its_queries(mock):
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=CITY)
    client = mock.gemini(web_searches=3)

    answer = client.models.generate_content(model=FLASH, contents="?", config=config)

    assert json.loads(answer.text)["city"]
    assert len(answer.candidates[0].grounding_metadata.web_search_queries) == 3


def test_the_other_methods_answer(mock):
    client = mock.gemini()
    models = client.models
    config = types.EmbedContentConfig(output_dimensionality=32)

    embedded = models.embed_content(model="gemini-embedding-001", contents=["one", "two"], config=config)

    assert [len(one.values) for one in embedded.embeddings] == [32, 32]
    assert models.count_tokens(model=FLASH, contents="one two three").total_tokens == 3
    assert f"models/{FLASH}" in {model.name for model in models.list()}


def test_refusals_are_native(mock):
    client = mock.gemini()

    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-nope", contents="Rivers?")
    without_key = mock.http.post(f"{mock.url}{PATH}:generateContent", json=BODY)

    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert (without_key.status_code, without_key.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


@both_ways
def test_the_openai_style_api_has_thoughts_in_the_total_alone(mock, is_stream):
    client = mock.openai("/gemini/v1beta/openai/", input_tokens=9, reasoning_tokens=93, output_tokens=3)
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
    answer = client.chat.completions.create(model=FLASH, messages=ASK, **streaming)

    usages = [one.usage.to_dict() for one in answer if one.usage] if is_stream else [answer.usage.to_dict()]

    assert usages[-1] == {"completion_tokens": 3, "prompt_tokens": 9, "total_tokens": 105}
    assert [one["completion_tokens"] for one in usages if one["completion_tokens"]] == (
        [1, 2, 3, 3] if is_stream else [3]
    )


def test_the_openai_style_api_embeds_and_refuses_in_a_list(mock):
    embedded = mock.openai("/gemini/v1beta/openai/").embeddings.create(
        model="gemini-embedding-001", input="one", dimensions=16
    )
    with pytest.raises(openai.RateLimitError) as caught:
        mock.openai("/gemini/v1beta/openai/", status=429).chat.completions.create(model=FLASH, messages=ASK)

    assert len(embedded.data[0].embedding) == 16
    assert caught.value.response.json()[0]["error"]["status"] == "RESOURCE_EXHAUSTED"
