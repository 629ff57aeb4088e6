"""Answers that a script writes out itself: the failures for which one set of words per status is not enough."""

import json

import httpx
import openai
import pytest

from tests.mock_llm.running_mock import ASK, KEYS, cases
from tests.mock_llm.test_mock_faults import CHAT, GEMINI, GEMINI_BODY, PROVIDERS, STREAM, whole_and_stream

MESSAGES, MESSAGES_BODY = PROVIDERS[1][1:]
GROQ, GROQ_BODY = PROVIDERS[3][1:]
XAI, XAI_BODY = PROVIDERS[4][1:]

TOLD = [
    (
        "openai, an empty account", CHAT, STREAM, 429, "",
        {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}},
    ),
    (
        "openai, a verdict on the prompt", CHAT, STREAM, 400, "",
        {"error": {"message": "Your request was rejected.", "type": "invalid_request_error", "code": "content_policy_violation"}},
    ),
    (
        "openai, our location", CHAT, STREAM, 403, "",
        {"error": {"message": "Country not supported", "type": "request_forbidden", "code": "unsupported_country_region_territory"}},
    ),
    (
        "anthropic, an empty account", MESSAGES, MESSAGES_BODY, 400, "x-should-retry: false",
        {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API."}},
    ),
    (
        "gemini, its location", f"{GEMINI}:generateContent", GEMINI_BODY, 400, "",
        {"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "User location is not supported for the API use."}},
    ),
    (
        "gemini, a quota of a day", f"{GEMINI}:generateContent", GEMINI_BODY, 429, "",
        {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906194s"}]}},
    ),
    ("groq, no capacity", GROQ, GROQ_BODY, 498, "", {"error": {"message": "flex capacity exceeded", "type": "capacity_exceeded"}}),
    (
        "groq, a call larger than a minute's tokens", GROQ, GROQ_BODY, 413, "",
        {"error": {"message": "Request too large on tokens per minute (TPM)", "type": "tokens", "code": "rate_limit_exceeded"}},
    ),
    ("xai, an empty account", XAI, XAI_BODY, 403, "", {"code": "permission-denied", "error": "Your team has no credits or licenses."}),
    ("xai, a model retired", XAI, XAI_BODY, 410, "", {"code": "gone", "error": "The model was retired."}),
    ("an error in a 200", MESSAGES, MESSAGES_BODY, 200, "", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
]  # fmt: skip


@cases(("path", "body", "status", "headers", "document"), TOLD)
def test_an_answer_arrives_as_it_was_told_and_is_free(mock, path, body, status, headers, document):
    text = json.dumps(document)

    answer = mock.post(path, body, status=status, headers=headers, body=text)

    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["content-type"] == "application/json"
    assert "retry-after" not in answer.headers
    entry = mock.entry()
    assert (entry["status"], entry["ended"], entry["billed_nanousd"]) == (status, "error", 0)


def test_a_page_of_a_server_in_between_is_no_json(mock):
    page = "<html><head><title>502 Bad Gateway</title></head></html>"

    answer = mock.post(CHAT, STREAM, status=502, body=page, headers="Content-Type: text/html\nServer: cloudflare")

    assert (answer.text, answer.headers["content-type"], answer.headers["server"]) == (page, "text/html", "cloudflare")
    assert len(answer.headers.get_list("content-type")) == 1


def test_a_stream_may_begin_with_an_error_under_a_200(mock):
    event = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

    answer = mock.post(
        MESSAGES, {**MESSAGES_BODY, "stream": True}, body=event, headers="content-type: text/event-stream"
    )

    assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, "text/event-stream", event)


RETRY_AFTER = ["5", "0.5", "-3", "", "Thu, 26 Nov 2026 12:00:00 GMT", "Thursday, 26-Nov-26 12:00:00 GMT", "soon", "568157"]  # fmt: skip


@pytest.mark.parametrize("value", RETRY_AFTER)
def test_when_to_come_back_may_be_said_in_any_form(mock, value):
    answer = mock.post(CHAT, STREAM, status=429, headers=f"retry-after: {value}\nx-ratelimit-reset-requests: 2m59s")

    assert answer.status_code == 429
    assert answer.headers.get_list("retry-after") == [value]
    assert answer.headers.get_list("x-ratelimit-reset-requests") == ["2m59s"]
    assert answer.json()["error"]["message"]


def test_an_answer_that_succeeds_has_the_headers_told_too(mock):
    answer = mock.post(CHAT, STREAM, headers="x-ratelimit-remaining-requests: 0", pace_ms=0)

    assert answer.headers.get_list("x-ratelimit-remaining-requests") == ["0"]
    assert answer.text.endswith("data: [DONE]\n\n")


RESPONSES_BODY = {"model": "gpt-4o-mini", "input": "?", "stream": True}
PRELUDES = [
    ("chat", CHAT, STREAM, ['"role":"assistant"']),
    ("responses", "/openai/v1/responses", RESPONSES_BODY, ["response.created", "response.in_progress"]),
    ("anthropic", MESSAGES, {**MESSAGES_BODY, "stream": True}, ["message_start", "ping"]),
    ("groq", GROQ, {**GROQ_BODY, "stream": True}, ['"role":"assistant"']),
    ("xai", XAI, {**XAI_BODY, "stream": True}, []),
    ("gemini", f"{GEMINI}:streamGenerateContent?alt=sse", GEMINI_BODY, []),
]
FIRST = {"output_tokens": 20, "pace_ms": 0, "after_prelude": True}


@cases(("path", "body", "prelude"), PRELUDES)
def test_an_error_may_come_after_the_prelude_in_the_script_s_words(mock, path, body, prelude):
    event = 'data: {"error":{"message":"told","code":"insufficient_quota"}}\n\n'

    answer = mock.post(path, body, error_after_tokens=0, error_event=event, **FIRST)

    assert answer.text.endswith(event)
    assert all(part in answer.text for part in prelude)
    assert not any(mark in answer.text for mark in ("text_delta", "output_text.delta", 'finish_reason":"', "[DONE]"))
    entry = mock.entry()
    assert (entry["ended"], entry["generated_tokens"], entry["delivered_tokens"]) == ("fault_cut", 0, 0)


@cases(("path", "body", "prelude"), PRELUDES)
def test_a_stream_may_break_off_after_its_prelude(mock, path, body, prelude):
    received = b""
    headers = {**KEYS, "anthropic-version": "2023-06-01", **mock.headers(cut_after_tokens=0, **FIRST)}

    with (
        pytest.raises(httpx.TransportError),
        mock.http.stream("POST", mock.url + path, json=body, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        for part in answer.iter_raw():
            received += part

    assert len(received) > 0 or not prelude
    assert mock.entry()["generated_tokens"] == 0


def test_a_stream_may_fall_silent_after_its_prelude(mock):
    headers = {**KEYS, **mock.headers(hang_after_tokens=0, **FIRST)}

    with pytest.raises(httpx.ReadTimeout):
        mock.http.post(mock.url + CHAT, json=STREAM, headers=headers, timeout=0.2)

    entry = mock.entry()
    assert (entry["status"], entry["ended"], entry["generated_tokens"]) == (200, "client_disconnected", 0)


def test_the_openai_client_raises_what_was_told(mock):
    body = json.dumps({"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}})
    client = mock.openai(status=429, body=body)

    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASK)

    assert raised.value.code == "insufficient_quota"


IMPOSSIBLE = [
    ("status", STREAM, {"status": 498}),
    ("status", STREAM, {"status": 600, "body": "x"}),
    ("headers", STREAM, {"headers": "no colon"}),
    ("headers", STREAM, {"headers": "x-a: \u00fc"}),
    ("headers", STREAM, {"headers": "Content-Length: 5"}),
    ("after_prelude", STREAM, {"after_prelude": True}),
    ("after_prelude", STREAM, {"after_prelude": True, "cut_after_tokens": 3}),
    ("after_prelude", PROVIDERS[0][2], {"after_prelude": True, "cut_after_tokens": 0}),
    ("error_event", STREAM, {"error_event": "data: {}"}),
    ("error_event", PROVIDERS[0][2], {"error_event": "data: {}", "error_after_tokens": 2}),
]


@pytest.mark.parametrize(("key", "body", "script"), IMPOSSIBLE)
def test_what_cannot_be_told_is_named(mock, key, body, script):
    answer = mock.post(CHAT, body, **script)

    assert answer.status_code == 400
    assert key in answer.json()["error"]["message"]


@whole_and_stream
def test_an_answer_told_may_wait_in_the_queue_for_its_provider(mock, body):
    told = {"status": 402, "body": '{"error":"pay"}', "headers": "retry-after: 7"}
    queued = {"script": told, "provider": "openai", "tag": mock.tag}
    mock.http.post(f"{mock.url}/_mock/scripts", json=queued).raise_for_status()

    answers = [mock.post(CHAT, body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [402, 200]
    assert (answers[0].text, answers[0].headers["retry-after"]) == ('{"error":"pay"}', "7")
