"""What reaches a provider: on metered paths what is listed, and nowhere anything of ours or of the caller's network."""

import re
from typing import get_args

import pytest
from anthropic.types import AnthropicBetaParam

from core.providers import PROVIDERS
from core.routing.forwarding import downstream_headers, may_be_let_pass, upstream_headers, upstream_query
from core.tenant.provider_keys import KeyToShow

SHARED = KeyToShow("k", "worker")
OWN = KeyToShow("k", "caller")
STATED = {"content-type": "application/json", "accept": "*/*"}
METERED = [
    ("openai", "responses"),
    ("anthropic", "messages"),
    ("gemini", "v1beta/models/g:streamGenerateContent"),
    ("gemini", "v1beta/openai/chat/completions"),
    ("groq", "chat/completions"),
    ("xai", "messages"),
]


def sent(
    headers: dict[str, str],
    provider: str = "openai",
    *,
    is_metered: bool = True,
    key: KeyToShow = SHARED,
    path: str = "x",
) -> dict[str, str]:
    """The headers that travel, without the key."""
    kept = upstream_headers(headers, PROVIDERS[provider], path=path, is_metered=is_metered, key=key)
    del kept["authorization" if PROVIDERS[provider].key_place not in kept else PROVIDERS[provider].key_place]
    return kept


NEVER = {
    "x-agentwatch-key": "aw_live_x",
    "x-agentwatch-session-id": "s",
    "helicone-session-id": "s",
    "x-litellm-trace-id": "s",
    "authorization": "Bearer aw_live_x",
    "x-api-key": "aw_live_x",
    "api-key": "aw_live_x",
    "cookie": "a=b",
    "cf-connecting-ip": "192.0.2.1",
    "x-forwarded-for": "192.0.2.1",
    "forwarded": "for=192.0.2.1",
    "x-real-ip": "192.0.2.1",
    "x-client-ip": "192.0.2.1",
    "x-cluster-client-ip": "192.0.2.1",
    "true-client-ip": "192.0.2.1",
    "via": "1.1 proxy",
    "connection": "close",
    "te": "trailers",
    "host": "edge.example",
    "content-length": "3",
    "content-encoding": "gzip",
    "accept-encoding": "br",
    "range": "bytes=0-1",
    "if-none-match": "x",
    "if-modified-since": "x",
    "if-range": "x",
    "prefer": "respond-async",
    "expect": "100-continue",
    "x-http-method-override": "POST",
    "openai-organization": "org-other",
    "openai-project": "proj_other",
    "x-goog-user-project": "other",
    "anthropic-workspace-id": "wrkspc_other",
    "anthropic-user-profile-id": "up_other",
    "idempotency-key": "k",
}


@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("is_metered", [True, False])
def test_a_header_of_ours_or_the_callers_network_or_another_payer_never_travels(name: str, is_metered: bool) -> None:
    for provider in PROVIDERS:
        assert name not in sent({name: NEVER[name]}, provider, is_metered=is_metered)


MASKS = {
    "x-claude-code-session-id": "0199d6f4",
    "session-id": "0199d6f4",
    "session_id": "0199d6f4",
    "x-session-affinity": "ses_1",
    "x-goog-fieldmask": "candidates",
    "x-goog-request-params": "model=x",
    "x-goog-ext-1-bin": "AA==",
    "accept": "application/x-protobuf",
    "accept-language": "de",
    "content-type": "application/x-protobuf",
    "openai-beta": "agents=v1",
    "groq-beta": "x",
    "x-something-new": "1",
    "anthropic-beta": "inline-tools-2026-09-15",
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("key", [SHARED, OWN], ids=["shared", "own"])
@pytest.mark.parametrize(("provider", "path"), METERED)
def test_no_header_changes_what_the_meter_reads(provider: str, path: str, key: KeyToShow, name: str) -> None:
    assert sent({name: MASKS[name]}, provider, path=path, key=key) == STATED


OF_CLIENTS = [
    ("openai", {"user-agent": "OpenAI/Python", "x-stainless-lang": "python", "x-client-request-id": "r"}),
    ("anthropic", {"anthropic-version": "2023-06-01", "anthropic-dangerous-direct-browser-access": "true", "x-app": "cli"}),
    ("anthropic", {"anthropic-beta": "claude-code-20250219,context-1m-2025-08-07"}),
    ("gemini", {"x-goog-api-client": "google-genai-sdk/1", "x-server-timeout": "60"}),
    ("xai", {"x-grok-conv-id": "c", "anthropic-version": "2023-06-01"}),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "headers"), OF_CLIENTS)
def test_what_the_official_clients_need_passes(provider: str, headers: dict[str, str]) -> None:
    assert sent(headers, provider) == {**STATED, **headers}


@pytest.mark.parametrize(
    ("provider", "name"),
    [("openai", "openai-organization"), ("openai", "openai-project"), ("gemini", "x-goog-user-project"),
     ("anthropic", "anthropic-workspace-id"), ("openai", "idempotency-key")],
)  # fmt: skip
@pytest.mark.parametrize("is_metered", [True, False])
def test_with_its_own_key_the_caller_says_who_pays(provider: str, name: str, is_metered: bool) -> None:
    assert sent({name: "mine"}, provider, is_metered=is_metered, key=OWN)[name] == "mine"


BETAS = [
    ("fast-mode-2026-02-01", "fast-mode-2026-02-01"),
    ("inline-tools-2026-09-15,interleaved-thinking-2025-05-14", "interleaved-thinking-2025-05-14"),
    (" pdfs-2024-09-25 , what-comes-next-2027-01-01", "pdfs-2024-09-25"),
    ("user-profiles-billing-2026-10-01", None),
    ("context-1m", "context-1m"),
    ("context-1m-2025-08-07-inline-tools-2026-09-15", None),
    ("", None),
]


@pytest.mark.parametrize(("asked", "passed"), BETAS)
def test_only_betas_that_were_judged_pass(asked: str, passed: str | None) -> None:
    assert sent({"anthropic-beta": asked}, "anthropic", path="messages").get("anthropic-beta") == passed


UNJUDGED = """
    inline-tools fallback-credit user-profiles user-profiles-billing managed-agents dreaming agent-memory mcp-tunnels
    ce-plugins ce-user-management ce-claude-code-managed-settings spend-limit-reads telemetry-destinations webhooks
    admin-user-sign-out analytics-usage-cost experimental-claude-tag message-batches
"""


def test_the_official_client_names_no_beta_that_nobody_looked_at() -> None:
    """A new release of the client shows its new betas here."""
    named = {beta for each in get_args(AnthropicBetaParam) for beta in get_args(each)}

    held_back = {
        re.sub(r"-\d{4}-\d\d-\d\d$", "", beta)
        for beta in named
        if "anthropic-beta" not in sent({"anthropic-beta": beta}, "anthropic")
    }

    assert held_back == set(UNJUDGED.split())
    assert len(named) > 40


def test_an_operator_may_let_a_header_pass_to_its_own_gateway() -> None:
    kept = upstream_headers(
        {"x-gateway-route": "eu", "x-other": "1"},
        PROVIDERS["openai"],
        path="responses",
        is_metered=True,
        key=SHARED,
        also=frozenset(("x-gateway-route",)),
    )

    assert kept == {**STATED, "x-gateway-route": "eu", "authorization": "Bearer k"}


@pytest.mark.parametrize("name", [*NEVER, "accept", "content-type", "anthropic-beta", "X-Upper", "a b", ""])
def test_no_operator_can_let_pass_what_is_decided_here(name: str) -> None:
    assert not may_be_let_pass(name)


def test_on_a_free_path_the_callers_other_headers_travel() -> None:
    assert sent({"accept": "text/plain", "content-type": "multipart/form-data", "x-new": "1"}, is_metered=False) == {
        "accept": "text/plain",
        "content-type": "multipart/form-data",
        "x-new": "1",
    }


PLACES = [
    ("openai", "chat/completions", False, {"authorization": "Bearer k"}),
    ("anthropic", "messages", False, {"x-api-key": "k"}),
    ("anthropic", "messages", True, {"authorization": "Bearer k"}),
    ("anthropic", "chat/completions", False, {"authorization": "Bearer k"}),
    ("gemini", "v1beta/models/g:generateContent", False, {"x-goog-api-key": "k"}),
    ("gemini", "v1beta/models/g:generateContent", True, {"authorization": "Bearer k"}),
    ("gemini", "v1beta/openai/chat/completions", False, {"authorization": "Bearer k"}),
    ("groq", "chat/completions", False, {"authorization": "Bearer k"}),
    ("xai", "responses", False, {"authorization": "Bearer k"}),
]


@pytest.mark.parametrize(("provider", "path", "is_bearer", "expected"), PLACES)
def test_the_key_stands_where_the_provider_wants_it(
    provider: str, path: str, is_bearer: bool, expected: dict[str, str]
) -> None:
    key = KeyToShow("k", "caller" if is_bearer else "worker", is_bearer=is_bearer)

    assert upstream_headers({}, PROVIDERS[provider], path=path, is_metered=False, key=key) == expected


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


STREAM, WHOLE = "v1beta/models/g:streamGenerateContent", "v1beta/models/g:generateContent"
METERED_QUERIES = [
    ("gemini", STREAM, "alt=sse", "alt=sse"),
    ("gemini", STREAM, "alt=json", "alt=json"),
    ("gemini", STREAM, "al%74=ss%65&key=AIza&key=aw_live_x", "alt=sse"),
    ("gemini", STREAM, "alt=sse&fields=candidates&$fields=x&%24fields=x&prettyPrint=false&callback=f", "alt=sse"),
    ("gemini", STREAM, "$alt=json;enum-encoding=int", ""),
    ("gemini", STREAM, "$alt=sse&%24alt=proto&alt=json;enum-encoding=int", ""),
    ("gemini", STREAM, "alt=proto", ""),
    ("gemini", STREAM, "alt=proto&alt=sse&alt=proto", ""),
    ("gemini", STREAM, "ALT=sse&alt =sse", ""),
    ("gemini", WHOLE, "alt=sse&fields=candidates", ""),
    ("gemini", "v1beta/openai/chat/completions", "fields=choices&alt=sse", ""),
    ("anthropic", "messages", "beta=true", "beta=true"),
    ("anthropic", "messages", "beta=true&x=1", "beta=true"),
    ("anthropic", "messages", "x-agentwatch-session-id=run-42&beta=true", "beta=true"),
    ("anthropic", "chat/completions", "beta=true", ""),
    ("openai", "responses", "include[]=x&api-version=1&fields=id", ""),
    ("xai", "messages", "beta=true", ""),
    ("groq", "chat/completions", "a=b", ""),
]


@pytest.mark.parametrize(("provider", "path", "query", "expected"), METERED_QUERIES)
def test_on_a_metered_path_only_listed_parameters_travel(provider: str, path: str, query: str, expected: str) -> None:
    assert upstream_query(query, PROVIDERS[provider], path=path, is_metered=True) == expected


FREE_QUERIES = [
    ("pageSize=5&pageToken=a%2Fb", "pageSize=5&pageToken=a%2Fb"),
    ("a=%41&key=aw%5Flive_x", "a=%41"),
    ("b=aw_live_x&c=1", "c=1"),
    ("b=Bearer+aw_live_x&aw_live_x&aw_test_x=1&c=1", "c=1"),
    ("q=raw_test_file&after=draw_live_1", "q=raw_test_file&after=draw_live_1"),
    ("x-agentwatch-%0Asession=run-42&c=1", "c=1"),
    ("alt=sse&key=AIza&access_token=ya29.x&oauth_token=x", "alt=sse"),
    ("x-agentwatch-session-id=run-42&a=1", "a=1"),
    ("a=1&X%2DAgentWatch-Session-Id=run-42&x-agentwatch-budget-usd=5", "a=1"),
    ("a=aw_live_x~run-42&b=1", "b=1"),
    ("$httpMethod=POST&alt=sse", "alt=sse"),
    ("%24httpHeaders=X-HTTP-Method-Override%3APOST", ""),
    ("a=1&_method=post&X-HTTP-Method-Override=POST&$req=%7B%7D", "a=1"),
    ("", ""),
]


@pytest.mark.parametrize(("query", "expected"), FREE_QUERIES)
def test_on_a_free_path_no_parameter_holds_a_key_or_overrides_the_request(query: str, expected: str) -> None:
    assert upstream_query(query, PROVIDERS["gemini"], path="v1beta/models", is_metered=False) == expected
