"""The choke point on the genuine runtime: whatever is tried, the provider bills nothing that the Ledger does not know.

Paths are sent as written, past any client that would tidy them up; how the runtime itself reads them is the point.
"""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.stack

MESSAGES = {"max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
BODIES = {
    "openai": {"model": "gpt-4o-mini", **MESSAGES},
    "anthropic": {"model": "claude-haiku-4-5", **MESSAGES},
    "gemini": {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 10}},
    "groq": {"model": "llama-3.1-8b-instant", **MESSAGES},
    "xai": {"model": "grok-3-mini", "input": "hi", "max_output_tokens": 20},
}
GENERATING = [
    ("openai", "v1/chat/completions"),
    ("anthropic", "v1/messages"),
    ("gemini", "v1beta/models/gemini-2.5-flash:generateContent"),
    ("groq", "openai/v1/chat/completions"),
    ("xai", "v1/responses"),
]
COSTLY = [
    ("openai", "v1/images/generations"), ("openai", "v1/audio/speech"), ("openai", "v1/batches"),
    ("openai", "v1/threads/runs"), ("openai", "v1/realtime/sessions"), ("openai", "v1/responses/compact/x"),
    ("anthropic", "v1/messages/batches"), ("anthropic", "v1/complete"), ("anthropic", "v1/sessions"),
    ("gemini", "v1beta/models/x:batchGenerateContent"), ("gemini", "v1beta/models/veo:predictLongRunning"),
    ("gemini", "v1beta/cachedContents"), ("groq", "openai/v1/audio/transcriptions"), ("xai", "v1/images/generations"),
]  # fmt: skip
WEBSOCKET = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def attempts() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Method, path and headers of each request."""
    for provider, rest in GENERATING + COSTLY:
        root = f"/v1/proxy/{provider}/"
        for path in (
            root + rest,
            root + rest + "/",
            root + "v1/v1/" + rest,
            root + rest.replace("/", "//"),
            root + "models/%2e%2e/" + rest,
            root + "models/../../" + provider + "/" + rest,
            root + rest.replace("/", "%2F"),
            root + rest + ";a=b",
            root + rest.upper(),
            root + rest + "?alt=sse",
        ):
            yield "POST", path, {}
        yield "PUT", root + rest, {}
        yield "GET", root + rest, {}
        yield "HEAD", root + rest, {}
        yield "GET", root + rest + "?%24httpMethod=POST&_method=POST", {"x-http-method-override": "POST"}
        yield "GET", root + rest, WEBSOCKET
    yield "GET", "/v1/proxy/openai/v1/realtime?model=gpt-realtime", WEBSOCKET


def send(edge_url: str, method: str, path: str, headers: dict[str, str]) -> int:
    body = json.dumps(BODIES[path.split("/")[3]])
    connection = http.client.HTTPConnection(urlsplit(edge_url).netloc, timeout=60)
    try:
        connection.request(method, path, None if method in ("GET", "HEAD") else body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_nothing_is_billed_that_the_ledger_does_not_know(edge, run):
    headers = edge.headers(x_agentwatch_session_id=run, x_mock_tag=run, anthropic_version="2023-06-01")

    statuses = [send(edge.stack.edge_url, method, path, {**headers, **more}) for method, path, more in attempts()]
    check = edge.session(run)
    journal = edge.billed(run)

    assert set(statuses) <= {200, 400, 403, 404, 405, 426}
    assert sum(entry["billed_nanousd"] for entry in journal) == round(check["spent_usd"] * 1e9) > 0
    assert {entry["provider"] for entry in journal if entry["billed_nanousd"]} == set(BODIES)
    assert not [entry for entry in journal if entry["method"] != "POST" and entry["body_bytes"]]
    assert not [entry for entry in journal if "x-http-method-override" in entry["header_names"]]
    assert not [entry for entry in journal if "ethod" in entry["query"]]


def test_what_cannot_be_metered_never_reaches_a_provider(edge, run):
    headers = edge.headers(x_mock_tag=run)

    statuses = {
        send(edge.stack.edge_url, method, f"/v1/proxy/{provider}/{rest}", headers)
        for provider, rest in COSTLY
        for method in ("POST", "PUT", "PATCH")
    }

    assert statuses == {403}
    assert edge.billed(run) == []


def test_a_tool_that_cannot_be_metered_never_reaches_a_provider(edge, run):
    body = {"model": "gpt-4o", "input": "hi", "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}

    answer = edge.post("/v1/proxy/openai/v1/responses", body, x_mock_tag=run)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unmetered_path")
    assert answer.json()["error"]["param"] == "tools"
    assert edge.billed(run) == []


@pytest.mark.parametrize("depth", [1_000, 10_000, 1_000_000])
def test_a_body_nested_so_deeply_that_it_would_end_the_interpreter_is_refused(edge, run, depth):
    body = b'{"model":"gpt-4o-mini","messages":[{"content":%b}]}' % (b"[" * depth + b"]" * depth)

    answer = edge.post("/v1/proxy/openai/v1/chat/completions", body, x_mock_tag=run)
    report = edge.post("/v1/ingest", b'{"model":%b}' % (b"[" * min(depth, 400_000)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert (report.status_code, report.json()["error"]["code"]) == (400, "invalid_request")
    assert edge.post("/v1/proxy/openai/v1/chat/completions", BODIES["openai"], x_mock_tag=run).status_code == 200
    assert len(edge.billed(run)) == 1
