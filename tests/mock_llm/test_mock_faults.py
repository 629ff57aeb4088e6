"""Scripts: what a test can make a provider do, and what the official clients make of it."""

import json

import httpx
import pytest

from tests.mock_llm.running_mock import ASK, KEYS, cases

CHAT = "/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": ASK}
STREAM = {**BODY, "stream": True}
GEMINI = "/gemini/v1beta/models/gemini-2.5-flash"
GEMINI_BODY = {"contents": [{"parts": [{"text": "Rivers?"}]}]}
PROVIDERS = [
    ("openai", CHAT, BODY),
    ("anthropic", "/anthropic/v1/messages", {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": ASK}),
    ("gemini", f"{GEMINI}:generateContent", GEMINI_BODY),
    ("groq", "/groq/openai/v1/chat/completions", {**BODY, "model": "llama-3.1-8b-instant"}),
    ("xai", "/xai/v1/chat/completions", {**BODY, "model": "grok-3-mini"}),
]
STATUSES = (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529)
whole_and_stream = pytest.mark.parametrize("body", [BODY, STREAM], ids=["json", "stream"])


@cases(("path", "body"), PROVIDERS)
def test_every_provider_fails_in_its_own_words(mock, path, body):
    answers = {status: mock.post(path, body, status=status) for status in STATUSES}

    errors = [answer.json()["error"] for answer in answers.values()]
    assert [answer.status_code for answer in answers.values()] == list(STATUSES)
    assert all(error if isinstance(error, str) else error["message"] for error in errors)
    assert [status for status in STATUSES if "retry-after" in answers[status].headers] == [429]
    assert mock.post(path, body, status=503, retry_after_s=2.5).headers["retry-after"] == "2.5"
    assert mock.post(path, body, error_after_tokens=3).status_code == 500


@whole_and_stream
@pytest.mark.parametrize(("after", "generated"), [(0, 0), (5, 5), (999, 30)])
def test_a_cut_breaks_the_connection_and_what_was_written_is_billed(mock, body, after, generated):
    with pytest.raises(httpx.TransportError):
        mock.post(CHAT, body, cut_after_tokens=after, pace_ms=0)

    entry = mock.entry()
    assert (entry["ended"], entry["generated_tokens"]) == ("fault_cut", generated)
    assert entry["billed_nanousd"] == entry["usage"]["input_tokens"] * 150 + generated * 600


@whole_and_stream
@pytest.mark.parametrize("after", [0, 3])
def test_a_hanging_call_ends_when_the_client_leaves(mock, body, after):
    headers = {**KEYS, **mock.headers(hang_after_tokens=after, pace_ms=1)}

    with pytest.raises(httpx.ReadTimeout):
        mock.http.post(mock.url + CHAT, json=body, headers=headers, timeout=0.2)

    entry = mock.entry()
    assert (entry["ended"], entry["generated_tokens"]) == ("client_disconnected", after)


ERRORS = [
    ("chat", CHAT, STREAM, "The server had an error"),
    ("responses", "/openai/v1/responses", {"model": "gpt-4o-mini", "input": "?", "stream": True}, "server_error"),
    ("anthropic", PROVIDERS[1][1], {**PROVIDERS[1][2], "stream": True}, "overloaded_error"),
    ("gemini events", f"{GEMINI}:streamGenerateContent?alt=sse", GEMINI_BODY, "UNAVAILABLE"),
    ("gemini array", f"{GEMINI}:streamGenerateContent", GEMINI_BODY, "UNAVAILABLE"),
]


@cases(("path", "body", "error"), ERRORS)
def test_an_error_ends_a_stream_in_the_apis_own_form(mock, path, body, error):
    text = mock.post(path, body, error_after_tokens=3, pace_ms=0).text

    assert error in text.strip().splitlines()[-1]
    assert mock.entry()["generated_tokens"] == 3


def test_malformed_json_is_not_json_and_one_event_of_a_whole_stream(mock):
    whole = mock.post(CHAT, BODY, malformed=True)
    stream = mock.post(CHAT, STREAM, malformed=True, pace_ms=0)

    with pytest.raises(json.JSONDecodeError):
        whole.json()
    events = [line[6:] for line in stream.text.split("\n") if line.startswith("data: ")]
    assert len([event for event in events if not event.endswith(("}", "[DONE]"))]) == 1
    assert events[-1] == "[DONE]"


@cases(("path", "body"), PROVIDERS)
def test_usage_may_be_missing_or_zero(mock, path, body):
    missing = mock.post(path, body, usage="missing").json()
    zero = mock.post(path, body, usage="zero").json()

    counted = zero.get("usage") or zero["usageMetadata"]
    billed = [entry["billed_nanousd"] for entry in mock.entries()]
    assert not {"usage", "usageMetadata"} & missing.keys()
    assert not any(count for count in counted.values() if isinstance(count, int))
    assert billed[0] > 0 == billed[1]


IMPOSSIBLE = [
    {"ouput_tokens": 5},
    {"tool_calls": 1},
    {"web_searches": 1},
    {"cache_write_1h_tokens": 5},
    {"audio_output_tokens": 5},
    {"status": 418},
    {"output_tokens": -1},
]


@pytest.mark.parametrize("script", IMPOSSIBLE, ids=lambda script: next(iter(script)))
def test_a_script_that_cannot_be_followed_is_named(mock, script):
    answer = mock.post(CHAT, BODY, **script)

    assert answer.status_code == 400
    assert next(iter(script)) in answer.json()["error"]["message"]


def test_queued_scripts_serve_the_calls_they_are_for(mock):
    for queued in (
        {"script": {"status": 429}, "times": 2},
        {"script": "output_tokens=2", "provider": "openai", "model": "gpt-4o"},
    ):
        mock.http.post(f"{mock.url}/_mock/scripts", json={"tag": mock.tag, **queued})

    with_a_script_of_its_own = mock.post(CHAT, BODY, output_tokens=1)
    statuses = [mock.post(CHAT, BODY).status_code for _ in range(3)]
    other_model = mock.post(CHAT, {**BODY, "model": "gpt-4o"})

    assert with_a_script_of_its_own.status_code == 200
    assert statuses == [429, 429, 200]
    assert other_model.json()["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize("queued", [{}, {"script": {"nope": 1}}, {"script": "nope=1"}, {"script": {}, "tims": 1}])
def test_a_bad_queued_script_is_refused(mock, queued):
    assert mock.http.post(f"{mock.url}/_mock/scripts", json=queued).status_code == 400


NO_CALLS = [
    ("unknown path", "POST", "/openai/v1/images/generations", b"{}", KEYS, 404),
    ("wrong method", "GET", CHAT, b"", KEYS, 405),
    ("no key", "POST", CHAT, b"{}", {}, 401),
    ("not JSON", "POST", CHAT, b"{nope", KEYS, 400),
    ("too large", "POST", CHAT, b"x" * (32 * 2**20 + 1), KEYS, 413),
]


@cases(("method", "path", "content", "keys", "status"), NO_CALLS)
def test_what_is_no_call_is_refused(mock, method, path, content, keys, status):
    answer = mock.http.request(method, mock.url + path, content=content, headers={**keys, **mock.headers()})

    assert answer.status_code == status
    assert mock.entry()["billed_nanousd"] == 0
