"""Nothing of ours, and nothing of the caller's network, reaches a provider."""

import pytest

from core.forwarding import downstream_headers, upstream_headers, upstream_query
from core.providers import PROVIDERS

OURS = {
    "x-agentwatch-key": "aw_live_x",
    "x-agentwatch-session-id": "s",
    "helicone-session-id": "s",
    "authorization": "Bearer aw_live_x",
    "x-api-key": "aw_live_x",
    "api-key": "aw_live_x",
    "cookie": "a=b",
    "cf-connecting-ip": "192.0.2.1",
    "x-forwarded-for": "192.0.2.1",
    "connection": "close",
    "host": "edge.example",
    "content-length": "3",
    "x-http-method-override": "POST",
}


def test_only_the_callers_own_headers_travel() -> None:
    kept = upstream_headers(
        {**OURS, "content-type": "application/json", "openai-organization": "org"},
        PROVIDERS["openai"],
        path="chat/completions",
        key="sk-real",
        key_header=None,
    )

    assert kept == {
        "content-type": "application/json",
        "openai-organization": "org",
        "authorization": "Bearer sk-real",
    }


PLACES = [
    ("openai", "chat/completions", None, {"authorization": "Bearer k"}),
    ("anthropic", "messages", None, {"x-api-key": "k"}),
    ("anthropic", "messages", "authorization", {"authorization": "Bearer k"}),
    ("anthropic", "chat/completions", None, {"authorization": "Bearer k"}),
    ("gemini", "v1beta/models/g:generateContent", None, {"x-goog-api-key": "k"}),
    ("gemini", "v1beta/models/g:generateContent", "authorization", {"authorization": "Bearer k"}),
    ("gemini", "v1beta/openai/chat/completions", None, {"authorization": "Bearer k"}),
    ("groq", "chat/completions", None, {"authorization": "Bearer k"}),
    ("xai", "responses", None, {"authorization": "Bearer k"}),
]


@pytest.mark.parametrize(("provider", "path", "key_header", "expected"), PLACES)
def test_the_key_stands_where_the_provider_wants_it(
    provider: str, path: str, key_header: str | None, expected: dict[str, str]
) -> None:
    assert upstream_headers({}, PROVIDERS[provider], path=path, key="k", key_header=key_header) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [("alt=sse", "alt=sse"), ("key=aw_live_x&alt=sse", "alt=sse"), ("a=%41&key=aw%5Flive_x", "a=%41"), ("", "")],
)
def test_a_token_in_the_query_does_not_travel(query: str, expected: str) -> None:
    assert upstream_query(query) == expected


def test_a_providers_answer_loses_what_belongs_to_its_connection() -> None:
    kept = downstream_headers(
        {
            "content-type": "text/event-stream",
            "x-request-id": "r",
            "set-cookie": "a",
            "transfer-encoding": "chunked",
        }
    )

    assert kept == {"content-type": "text/event-stream", "x-request-id": "r"}


QUERIES = [
    ("alt=sse&key=AIza", "alt=sse&key=AIza"),
    ("$httpMethod=POST&alt=sse", "alt=sse"),
    ("%24httpHeaders=X-HTTP-Method-Override%3APOST", ""),
    ("a=1&_method=post&X-HTTP-Method-Override=POST&$req=%7B%7D", "a=1"),
]


@pytest.mark.parametrize(("query", "sent"), QUERIES)
def test_no_parameter_overrides_the_method(query: str, sent: str) -> None:
    assert upstream_query(query) == sent
