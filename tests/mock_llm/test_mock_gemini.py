"""Gemini's native API as google-genai sees it, whole and streamed alike, and its OpenAI-style one."""

import json

import openai
import pytest
from google.genai import errors, types

from tests.mock_llm.running_mock import ASK, CITY, both_ways, cases, has

FLASH = "gemini-2.5-flash"
PATH = f"/gemini/v1beta/models/{FLASH}"
OPENAI_STYLE = "/gemini/v1beta/openai/"
BODY = {"contents": [{"parts": [{"text": "Rivers?"}]}]}
TOOLS = {"tools": [{"function_declarations": [{"name": "weather", "parameters": CITY}]}]}
JSON_MODE = {"response_mime_type": "application/json", "response_schema": CITY}
COUNTS = {
    "input_tokens": 1000,
    "cached_tokens": 400,
    "audio_input_tokens": 50,
    "tool_use_prompt_tokens": 30,
    "reasoning_tokens": 20,
    "output_tokens": 5,
}
COUNTED = {
    "prompt_token_count": 1000,
    "cached_content_token_count": 400,
    "prompt_tokens_details": [{"modality": "TEXT", "token_count": 950}, {"modality": "AUDIO", "token_count": 50}],
    "tool_use_prompt_token_count": 30,
    "thoughts_token_count": 20,
    "candidates_token_count": 5,
    "total_token_count": 1055,
}
ANSWERS = [
    ("text", {"content": "one two"}, {}, {"candidates_token_count": 2}, "STOP"),
    ("limit", {}, {"max_output_tokens": 4}, {"candidates_token_count": 4}, "MAX_TOKENS"),
    ("functions", {"tool_calls": 2}, TOOLS, {}, "STOP"),
    ("every count", COUNTS, {}, COUNTED, "STOP"),
]


@both_ways
@cases(("script", "config", "usage", "reason"), ANSWERS)
def test_content_is_generated_as_gemini_does(mock, is_stream, script, config, usage, reason):
    client = mock.gemini(**script)
    generate = client.models.generate_content_stream if is_stream else client.models.generate_content
    answer = generate(model=FLASH, contents="Rivers?", config=config)
    chunks = list(answer) if is_stream else [answer]

    assert has(chunks[-1].usage_metadata.model_dump(mode="json"), usage)
    assert chunks[-1].candidates[0].finish_reason == reason
    calls = [call for chunk in chunks for call in chunk.function_calls or ()]
    assert [set(call.args) for call in calls] == [{"city"}] * script.get("tool_calls", 0)


def test_without_alt_sse_a_stream_is_one_json_array_that_counts_as_it_goes(mock):
    answer = mock.post(f"{PATH}:streamGenerateContent", BODY, content="one two", pace_ms=0)

    assert [one["candidates"][0]["content"]["parts"][0]["text"] for one in answer.json()] == ["one", " two", ""]
    assert [one["usageMetadata"]["candidatesTokenCount"] for one in answer.json()] == [1, 2, 2]


TOTAL = {"usageMetadata": {"totalTokenCount": 8}}
NUMBERS = {"candidates": [{"finishReason": 1}], "usageMetadata": {"promptTokensDetails": [{"modality": 1}]}}
MASKS = [
    ("members", "fields=candidates", {}, {"candidates"}, {}),
    ("dollar", "$fields=modelVersion", {}, {"modelVersion"}, {}),
    ("encoded", "%24fields=modelVersion", {}, {"modelVersion"}, {}),
    ("slashes", "fields=usageMetadata/totalTokenCount,responseId", {}, {"responseId", "usageMetadata"}, TOTAL),
    ("parentheses", "fields=usageMetadata(totalTokenCount)", {}, {"usageMetadata"}, TOTAL),
    ("header", "", {"x-goog-fieldmask": "usageMetadata.totalTokenCount"}, {"usageMetadata"}, TOTAL),
    ("numbers", "$alt=json;enum-encoding=int&fields=candidates,usageMetadata", {}, {*NUMBERS}, NUMBERS),
]


@both_ways
@cases(("query", "headers", "members", "expected"), MASKS)
def test_the_answer_has_the_form_asked_for_and_the_same_bill(mock, is_stream, query, headers, members, expected):
    url = f"{mock.url}{PATH}:{'streamGenerateContent' if is_stream else 'generateContent'}?{query}"
    script = mock.headers(input_tokens=1, reasoning_tokens=5, output_tokens=2, pace_ms=0)
    answer = mock.http.post(url, json=BODY, headers={"x-goog-api-key": "k", **script, **headers}).json()

    last = answer[-1] if is_stream else answer
    assert set(last) == members
    assert has(last, expected)
    assert mock.entry()["billed_nanousd"] == 1 * 300 + 7 * 2_500


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_versions_and_both_spellings_are_taken(mock, version):
    body = {**BODY, "generation_config": {"max_output_tokens": 4}}

    answer = mock.post(f"/gemini/{version}/models/{FLASH}:generateContent", body)

    assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_thoughts_show_only_when_asked_for(mock):
    client = mock.gemini(reasoning_tokens=5)
    thinking = {"thinking_config": {"include_thoughts": True}}

    answers = [client.models.generate_content(model=FLASH, contents="?", config=one) for one in (None, thinking)]

    assert [[part.thought for part in one.candidates[0].content.parts] for one in answers] == [[None], [True, None]]


def test_json_mode_fits_the_schema_and_a_search_shows_its_queries(mock):
    client = mock.gemini(web_searches=3)

    answer = client.models.generate_content(model=FLASH, contents="?", config=JSON_MODE)

    assert json.loads(answer.text)["city"]
    assert len(answer.candidates[0].grounding_metadata.web_search_queries) == 3


def test_the_other_methods_answer(mock):
    client = mock.gemini()
    config = types.EmbedContentConfig(output_dimensionality=32)

    embedded = client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"], config=config)

    assert [len(one.values) for one in embedded.embeddings] == [32, 32]
    assert client.models.count_tokens(model=FLASH, contents="one two three").total_tokens == 3
    assert f"models/{FLASH}" in {model.name for model in client.models.list()}


def test_refusals_are_native(mock):
    client = mock.gemini()
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-nope", contents="Rivers?")
    without_key = mock.http.post(f"{mock.url}{PATH}:generateContent", json=BODY)

    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert (without_key.status_code, without_key.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


@both_ways
def test_the_openai_style_api_has_thoughts_in_the_total_alone(mock, is_stream):
    client = mock.openai(OPENAI_STYLE, input_tokens=9, reasoning_tokens=93, output_tokens=3)
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
    answer = client.chat.completions.create(model=FLASH, messages=ASK, **streaming)

    usages = [one.usage.to_dict() for one in answer if one.usage] if is_stream else [answer.usage.to_dict()]

    assert usages[-1] == {"completion_tokens": 3, "prompt_tokens": 9, "total_tokens": 105}
    assert [one["completion_tokens"] for one in usages] == ([1, 2, 3, 3] if is_stream else [3])


def test_the_openai_style_api_embeds_and_refuses_in_a_list(mock):
    create = mock.openai(OPENAI_STYLE).embeddings.create
    with pytest.raises(openai.RateLimitError) as caught:
        mock.openai(OPENAI_STYLE, status=429).chat.completions.create(model=FLASH, messages=ASK)

    assert len(create(model="gemini-embedding-001", input="one", dimensions=16).data[0].embedding) == 16
    assert caught.value.response.json()[0]["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_one_alone_stands_for_a_list_and_a_string_for_a_number(mock):
    body = {
        "contents": {"parts": {"text": "Rivers?"}},
        "tools": {"codeExecution": {}, "functionDeclarations": {"name": "f"}},
        "generationConfig": {"maxOutputTokens": "3", "stop_sequences": "END"},
    }

    answer = mock.post("/gemini/v1beta/models/gemini-2.5-flash:generateContent", body, output_tokens=9).json()

    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert answer["usageMetadata"]["candidatesTokenCount"] == 3
