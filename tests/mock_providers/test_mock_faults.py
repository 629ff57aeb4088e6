"""Scripts: what a test can make a provider do, and what the official clients make of it."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.mock_providers.running_mock import Mock

ASK: list[Any] = [{"role": "user", "content": "Rivers?"}]
CHAT = "/openai/v1/chat/completions"
BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": ASK}
STREAM = {**BODY, "stream": True}
STATUSES = (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529)
GEMINI = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": (CHAT, BODY),
    "anthropic": (
        "/anthropic/v1/messages",
        {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": ASK},
    ),
    "gemini": (GEMINI, {"contents": [{"parts": [{"text": "Rivers?"}]}]}),
    "groq": ("/groq/openai/v1/chat/completions", {**BODY, "model": "llama-3.1-8b-instant"}),
    "xai": ("/xai/v1/chat/completions", {**BODY, "model": "grok-3-mini"}),
}


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_provider_fails_in_its_own_words(mock: Mock, provider: str, status: int) -> None:
    path, body = CALLS[provider]

    answer = mock.post(path, body, status=status)

    error = answer.json()["error"]
    assert answer.status_code == status
    assert error if provider == "xai" else error["message"]
    assert ("retry-after" in answer.headers) == (status == 429)


def test_retry_after_is_as_scripted(mock: Mock) -> None:
    answer = mock.post(CHAT, BODY, status=503, retry_after_s=2.5)

    assert answer.headers["retry-after"] == "2.5"
    assert answer.headers["retry-after-ms"] == "2500"


def test_a_cut_stream_has_no_clean_end(mock: Mock) -> None:
    client = mock.openai(cut_after_tokens=5, pace_ms=1)
    seen = []

    with pytest.raises((openai.APIConnectionError, httpx.TransportError)):
        for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True):
            seen.append(chunk.choices[0].delta.content)

    entry = mock.entry()
    assert len([text for text in seen if text]) == 5
    assert entry["ended"] == "fault_cut"
    assert entry["generated_tokens"] == 5
    assert entry["billed_nanousd"] == entry["usage"]["input_tokens"] * 150 + 5 * 600


@pytest.mark.parametrize("after", [0, 5])
def test_a_cut_whole_answer_never_arrives(mock: Mock, after: int) -> None:
    with pytest.raises(httpx.TransportError):
        mock.post(CHAT, BODY, cut_after_tokens=after)

    assert mock.entry()["generated_tokens"] == after


def test_a_fault_beyond_the_end_happens_at_the_end(mock: Mock) -> None:
    with pytest.raises(httpx.TransportError):
        mock.post(CHAT, STREAM, cut_after_tokens=999, output_tokens=4, pace_ms=0)

    assert mock.entry()["generated_tokens"] == 4


def test_an_error_in_an_openai_stream_raises_in_the_client(mock: Mock) -> None:
    stream = mock.openai(error_after_tokens=3, pace_ms=0).chat.completions.create(
        model="gpt-4o-mini", messages=ASK, stream=True
    )

    with pytest.raises(openai.APIError, match="server had an error"):
        list(stream)


def test_an_error_in_a_responses_stream_raises_in_the_client(mock: Mock) -> None:
    stream = mock.openai(error_after_tokens=3, pace_ms=0).responses.create(
        model="gpt-4o-mini", input="Rivers?", stream=True
    )

    with pytest.raises(openai.APIError, match="server had an error"):
        list(stream)


@pytest.mark.parametrize("query", ["", "?alt=sse"])
def test_an_error_in_a_gemini_stream_is_an_error_element(mock: Mock, query: str) -> None:
    path = GEMINI.replace("generateContent", "streamGenerateContent") + query

    answer = mock.post(path, CALLS["gemini"][1], error_after_tokens=2, pace_ms=0)

    elements = (
        [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        if query
        else answer.json()
    )
    assert len(elements) == 3
    assert elements[-1]["error"]["status"] == "UNAVAILABLE"


def test_an_error_in_a_whole_answer_is_a_500(mock: Mock) -> None:
    answer = mock.post(CHAT, BODY, error_after_tokens=3)

    assert answer.status_code == 500
    assert mock.entry()["billed_nanousd"] == 0


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("after", [0, 3])
def test_a_hanging_call_ends_when_the_client_leaves(mock: Mock, body: dict[str, Any], after: int) -> None:
    headers = {"authorization": "Bearer k", **mock.headers(hang_after_tokens=after, pace_ms=1)}

    with pytest.raises(httpx.ReadTimeout):
        mock.http.post(mock.url + CHAT, json=body, headers=headers, timeout=0.2)

    entry = mock.entry()
    assert entry["ended"] == "client_disconnected"
    assert entry["generated_tokens"] == after


def test_malformed_json_is_not_json(mock: Mock) -> None:
    answer = mock.post(CHAT, BODY, malformed=True)

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_one_malformed_event_leaves_the_stream_around_it_whole(mock: Mock) -> None:
    answer = mock.post(CHAT, STREAM, malformed=True, output_tokens=4, pace_ms=0)

    events = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
    broken = [event for event in events if not event.endswith(("}", "[DONE]"))]
    assert len(broken) == 1
    assert events[-1] == "[DONE]"


@pytest.mark.parametrize("provider", CALLS)
def test_missing_usage_is_billed_all_the_same(mock: Mock, provider: str) -> None:
    path, body = CALLS[provider]

    answer = mock.post(path, body, usage="missing").json()

    assert "usage" not in answer
    assert "usageMetadata" not in answer
    assert mock.entry()["billed_nanousd"] > 0


@pytest.mark.parametrize("provider", CALLS)
def test_zero_usage_is_reported_and_billed_as_zero(mock: Mock, provider: str) -> None:
    path, body = CALLS[provider]

    answer = mock.post(path, body, usage="zero").json()

    usage = answer.get("usage") or answer["usageMetadata"]
    assert not any(value for value in usage.values() if isinstance(value, int))
    assert mock.entry()["billed_nanousd"] == 0
    assert mock.entry()["generated_tokens"] == 30


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_recut_chunks_carry_the_same_bytes(mock: Mock, size: int) -> None:
    script: dict[str, object] = {"content": "añ 四 \u2028", "pace_ms": 0, "chunk_bytes": size}

    answer = mock.post(CHAT, STREAM, **script)

    events = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
    entry = mock.entry()
    assert text == "añ 四 \u2028"
    assert entry["delivered_tokens"] == entry["generated_tokens"]


def test_an_unknown_script_key_is_named(mock: Mock) -> None:
    answer = mock.post(CHAT, BODY, ouput_tokens=5)

    assert answer.status_code == 400
    assert "ouput_tokens" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ({"tool_calls": 1}, "tool_calls"),
        ({"web_searches": 1}, "web_searches"),
        ({"cache_write_1h_tokens": 5}, "cache_write_1h_tokens"),
        ({"audio_output_tokens": 5}, "audio_output_tokens"),
        ({"status": 418}, "status"),
        ({"output_tokens": -1}, "output_tokens"),
    ],
)
def test_a_script_that_cannot_be_followed_is_named(mock: Mock, script: dict[str, object], named: str) -> None:
    answer = mock.post(CHAT, BODY, **script)

    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]


def test_a_queued_script_serves_as_many_calls_as_it_says(mock: Mock) -> None:
    queued = {"script": {"status": 429}, "tag": mock.tag, "times": 2}
    mock.http.post(f"{mock.url}/_mock/scripts", json=queued)

    statuses = [mock.post(CHAT, BODY).status_code for _ in range(3)]

    assert statuses == [429, 429, 200]


def test_a_queued_script_waits_for_its_provider_and_model(mock: Mock) -> None:
    queued = {"script": "output_tokens=2", "tag": mock.tag, "provider": "openai", "model": "gpt-4o"}
    mock.http.post(f"{mock.url}/_mock/scripts", json=queued)

    mock.post(CHAT, BODY)
    mock.post(CHAT, {**BODY, "model": "gpt-4o"})

    assert [entry["generated_tokens"] for entry in mock.entries()] == [30, 2]


def test_a_header_leaves_the_queue_alone(mock: Mock) -> None:
    queued = {"script": {"status": 500}, "tag": mock.tag}
    mock.http.post(f"{mock.url}/_mock/scripts", json=queued)

    statuses = [
        mock.post(CHAT, BODY, output_tokens=1).status_code,
        mock.post(CHAT, BODY).status_code,
    ]

    assert statuses == [200, 500]


@pytest.mark.parametrize("queued", [{}, {"script": {"nope": 1}}, {"script": "nope=1"}, {"script": {}, "tims": 1}])
def test_a_bad_queued_script_is_refused(mock: Mock, queued: dict[str, Any]) -> None:
    assert mock.http.post(f"{mock.url}/_mock/scripts", json=queued).status_code == 400


def test_an_unknown_path_is_the_providers_404(mock: Mock) -> None:
    answer = mock.post("/openai/v1/images/generations", {"prompt": "x"})

    assert answer.status_code == 404
    assert mock.entry()["billed_nanousd"] == 0


def test_a_wrong_method_is_a_405(mock: Mock) -> None:
    headers = {"authorization": "Bearer k", **mock.headers()}

    assert mock.http.get(mock.url + CHAT, headers=headers).status_code == 405


def test_json_that_is_not_json_is_a_400(mock: Mock) -> None:
    headers = {"authorization": "Bearer k", **mock.headers()}

    answer = mock.http.post(mock.url + CHAT, content=b"{nope", headers=headers)

    assert answer.status_code == 400


def test_a_body_beyond_the_limit_is_a_413(mock: Mock) -> None:
    headers = {"authorization": "Bearer k", **mock.headers()}

    answer = mock.http.post(mock.url + CHAT, content=b"x" * (32 * 2**20 + 1), headers=headers)

    assert answer.status_code == 413
