"""Gemini's native API as google-genai sees it, and its OpenAI-style one."""

import json
from typing import Any

import openai
import pytest
from google.genai import errors, types

from tests.mock_providers.running_mock import Mock

FLASH = "gemini-2.5-flash"
PLAIN: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Rivers?"}]}]}


def test_content_has_geminis_full_usage(mock: Mock) -> None:
    client = mock.gemini(
        input_tokens=1000,
        cached_tokens=400,
        audio_input_tokens=50,
        tool_use_prompt_tokens=30,
        reasoning_tokens=20,
        output_tokens=5,
    )

    answer = client.models.generate_content(model=FLASH, contents="Rivers?")

    usage = answer.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count == 1000
    assert usage.cached_content_token_count == 400
    assert usage.tool_use_prompt_token_count == 30
    assert usage.thoughts_token_count == 20
    assert usage.candidates_token_count == 5
    assert usage.total_token_count == 1055
    modalities: Any = usage.prompt_tokens_details
    assert {one.modality: one.token_count for one in modalities} == {"TEXT": 950, "AUDIO": 50}


def test_a_long_prompt_moves_the_whole_call_to_the_dearer_rates(mock: Mock) -> None:
    client = mock.gemini(input_tokens=200_001, output_tokens=1)

    client.models.generate_content(model="gemini-2.5-pro", contents="Rivers?")

    assert mock.entry()["billed_nanousd"] == 200_001 * 2_500 + 15_000


def test_a_prompt_on_the_border_stays_at_the_low_rates(mock: Mock) -> None:
    client = mock.gemini(input_tokens=200_000, output_tokens=1)

    client.models.generate_content(model="gemini-2.5-pro", contents="Rivers?")

    assert mock.entry()["billed_nanousd"] == 200_000 * 1_250 + 10_000


def test_a_stream_counts_as_it_goes(mock: Mock) -> None:
    client = mock.gemini(content="one two three", pace_ms=0)

    chunks = list(client.models.generate_content_stream(model=FLASH, contents="Rivers?"))

    usages = [chunk.usage_metadata for chunk in chunks]
    assert [usage.candidates_token_count for usage in usages if usage] == [1, 2, 3, 3]
    assert "".join(chunk.text or "" for chunk in chunks) == "one two three"
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_without_alt_sse_a_stream_is_one_json_array(mock: Mock) -> None:
    path = f"/gemini/v1beta/models/{FLASH}:streamGenerateContent"

    answer = mock.post(path, PLAIN, content="one two", pace_ms=0)

    elements = answer.json()
    texts = [one["candidates"][0]["content"]["parts"][0]["text"] for one in elements]
    assert answer.headers["content-type"].startswith("application/json")
    assert texts == ["one", " two", ""]


def test_both_versions_answer(mock: Mock) -> None:
    statuses = [
        mock.post(f"/gemini/{version}/models/{FLASH}:generateContent", PLAIN).status_code
        for version in ("v1", "v1beta")
    ]

    assert statuses == [200, 200]


@pytest.mark.parametrize("name", ["maxOutputTokens", "max_output_tokens"])
def test_the_limit_holds_in_either_spelling(mock: Mock, name: str) -> None:
    group = "generationConfig" if name == "maxOutputTokens" else "generation_config"

    answer = mock.post(f"/gemini/v1beta/models/{FLASH}:generateContent", {**PLAIN, group: {name: 4}})

    assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert mock.entry()["generated_tokens"] == 4


def test_thoughts_show_only_when_asked_for(mock: Mock) -> None:
    client = mock.gemini(reasoning_tokens=5, output_tokens=5, pace_ms=0)
    thinking = types.ThinkingConfig(include_thoughts=True)
    config = types.GenerateContentConfig(thinking_config=thinking)

    hidden = client.models.generate_content(model=FLASH, contents="Rivers?")
    shown = client.models.generate_content(model=FLASH, contents="Rivers?", config=config)

    def thoughts(answer: types.GenerateContentResponse) -> list[bool | None]:
        assert answer.candidates and answer.candidates[0].content
        return [part.thought for part in answer.candidates[0].content.parts or ()]

    assert thoughts(hidden) == [None]
    assert thoughts(shown) == [True, None]


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_function_call_comes_whole(mock: Mock, is_stream: bool) -> None:
    client = mock.gemini(tool_calls=2, pace_ms=0)
    declared = types.FunctionDeclaration(
        name="weather",
        parameters=types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}),
    )
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    asked: Any = {"model": FLASH, "contents": "Rivers?", "config": config}

    chunks = (
        list(client.models.generate_content_stream(**asked)) if is_stream else [client.models.generate_content(**asked)]
    )

    calls = [call for chunk in chunks for call in chunk.function_calls or ()]
    assert [call.name for call in calls] == ["weather", "weather"]
    assert all(set(call.args or ()) == {"city"} for call in calls)


def test_json_mode_fits_the_schema(mock: Mock) -> None:
    schema = types.Schema(type=types.Type.OBJECT, properties={"river": types.Schema(type=types.Type.STRING)})
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema)
    client = mock.gemini()

    answer = client.models.generate_content(model=FLASH, contents="?", config=config)

    assert json.loads(answer.text or "")["river"]


def test_a_grounded_prompt_is_billed_once_however_often_it_searched(mock: Mock) -> None:
    client = mock.gemini(web_searches=3, input_tokens=0, output_tokens=0)

    answer = client.models.generate_content(model=FLASH, contents="Rivers?")

    assert answer.candidates is not None
    grounding = answer.candidates[0].grounding_metadata
    assert grounding is not None
    assert len(grounding.web_search_queries or ()) == 3
    assert mock.entry()["billed_nanousd"] == 35_000_000


def test_an_image_is_counted_by_modality(mock: Mock) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}

    answer = mock.post(f"/gemini/v1beta/models/{FLASH}:generateContent", {"contents": [{"parts": [image]}]})

    details = answer.json()["usageMetadata"]["promptTokensDetails"]
    assert [one["modality"] for one in details] == ["IMAGE"]


def test_counting_tokens_is_free(mock: Mock) -> None:
    client = mock.gemini()

    counted = client.models.count_tokens(model=FLASH, contents="one two three")

    assert counted.total_tokens == 3
    assert mock.entry()["billed_nanousd"] == 0


def test_embeddings_have_the_asked_size(mock: Mock) -> None:
    config = types.EmbedContentConfig(output_dimensionality=32)
    client = mock.gemini()

    answer = client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"], config=config)

    assert [len(one.values or ()) for one in answer.embeddings or ()] == [32, 32]


def test_a_missing_key_is_the_native_403(mock: Mock) -> None:
    answer = mock.http.post(f"{mock.url}/gemini/v1beta/models/{FLASH}:generateContent", json=PLAIN)

    assert answer.status_code == 403
    assert answer.json()["error"]["status"] == "PERMISSION_DENIED"


def test_a_key_in_the_query_is_taken_but_not_written_down(mock: Mock) -> None:
    path = f"{mock.url}/gemini/v1beta/models/{FLASH}:generateContent?key=AIza-secret"

    mock.http.post(path, json=PLAIN, headers=mock.headers())

    entry = mock.entry()
    assert entry["key_place"] == "query"
    assert "AIza-secret" not in json.dumps(entry)


def test_an_unknown_model_is_the_native_404(mock: Mock) -> None:
    client = mock.gemini()

    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-nope", contents="Rivers?")

    assert caught.value.code == 404
    assert caught.value.status == "NOT_FOUND"


def test_the_model_list_has_the_models_sold(mock: Mock) -> None:
    client = mock.gemini()

    assert f"models/{FLASH}" in {model.name for model in client.models.list()}


def test_the_openai_style_api_leaves_thoughts_out_of_completion_tokens(mock: Mock) -> None:
    client = mock.openai("/gemini/v1beta/openai/", reasoning_tokens=50, output_tokens=10)

    answer = client.chat.completions.create(model=FLASH, messages=[{"role": "user", "content": "Rivers?"}])

    assert answer.usage is not None
    assert answer.usage.completion_tokens == 10
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 60


def test_an_openai_style_error_is_googles_in_a_list(mock: Mock) -> None:
    client = mock.openai("/gemini/v1beta/openai/", status=429)

    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=FLASH, messages=[{"role": "user", "content": "Rivers?"}])

    body: Any = caught.value.response.json()
    assert body[0]["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_openai_style_embeddings_answer(mock: Mock) -> None:
    client = mock.openai("/gemini/v1beta/openai/")

    answer = client.embeddings.create(model="gemini-embedding-001", input="one", dimensions=16)

    assert len(answer.data[0].embedding) == 16
