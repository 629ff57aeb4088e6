"""Web pages: which may read answers, by the configuration of the tenant whose token a call carries."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.tenant.cors import answer_headers, is_origin
from tests.support.api_client import (
    ADMIN,
    ANSWER,
    CALL,
    CHAT,
    OTHER,
    SSE,
    Client,
    a_world_with_administrators,
    an_isolate,
    sse,
)
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

PAGE = "https://app.example.com"

SOURCES = sorted((Path(__file__).parents[2] / "src" / "call").glob("*.py"))
OF_OURS = re.compile(r'"(x-agentwatch-[a-z-]+)')
SENT_BY_CALLERS = {"x-agentwatch-session-id", "x-agentwatch-failover"}


@pytest.fixture
def world() -> World:
    world = a_world_with_administrators({"cors_origins": [PAGE]})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


@pytest.mark.parametrize(
    ("path", "method"),
    [(CHAT, "POST"), ("/v1/chat/completions", "POST"), ("/v1/ingest", "POST"), ("/v1/budget-check", "GET")],
)
def test_a_browser_may_ask_before_it_has_a_token(world: World, path: str, method: str) -> None:
    answer = Client(world, an_isolate(), None).ask(
        "OPTIONS", path, origin="https://any.example", access_control_request_method=method,
        access_control_request_headers="authorization, content-type, x-stainless-lang",
    )  # fmt: skip

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type, x-stainless-lang"
    assert "access-control-allow-credentials" not in answer.headers
    assert world.ledger_calls == 0


@pytest.mark.parametrize("asked", ["x\r\nset-cookie: a", "é", "", "a, , b", "x" * 10 + " y"])
def test_only_names_of_headers_are_said_back(world: World, asked: str) -> None:
    answer = Client(world, an_isolate(), None).ask(
        "OPTIONS", CHAT, origin=PAGE, access_control_request_method="POST", access_control_request_headers=asked
    )

    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/config", "/v1/budget"])
def test_what_administers_is_for_no_other_page(world: World, path: str) -> None:
    preflight = Client(world, an_isolate(), None).ask("OPTIONS", path, origin=PAGE, access_control_request_method="GET")
    answer = Client(world, an_isolate(), ADMIN).ask("GET", path, origin=PAGE)

    assert preflight.status == 405
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("origin", "is_readable"),
    [(PAGE, True), ("https://app.example.com.evil.example", False), ("http://app.example.com", False), ("null", False)],
)
def test_a_page_that_the_tenant_has_named_reads_answers_and_refusals(
    world: World, origin: str, is_readable: bool
) -> None:
    client = Client(world, an_isolate())

    answers = [client.call(origin=origin), client.call({"model": 5}, origin=origin), client.call(CALL, CHAT)]

    assert [answer.status for answer in answers] == [200, 400, 200]
    readable = [answer.headers.get("access-control-allow-origin") for answer in answers]
    assert readable == ([origin, origin, None] if is_readable else [None, None, None])
    if is_readable:
        assert "x-agentwatch-cost-usd" in answers[0].headers["access-control-expose-headers"]
        assert answers[0].headers["vary"] == "origin"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [(PAGE, {PAGE}), ("https://evil.example", set()), (None, set())],
    ids=["named", "foreign", "no"],
)
@pytest.mark.parametrize(("method", "path"), [("POST", CHAT), ("GET", "/v1/proxy/openai/v1/models")])
def test_which_pages_a_provider_lets_read_is_not_passed_on(
    world: World, method: str, path: str, origin: str | None, allowed: set[str]
) -> None:
    lets_all = {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}
    body = json.dumps(ANSWER).encode()
    world.answer = ScriptedAnswer(headers={"content-type": "application/json", **lets_all}, chunks=(body,))
    client = Client(world, an_isolate())

    answer = client.ask(
        method, path, CALL if method == "POST" else None, **({} if origin is None else {"origin": origin})
    )

    said = {name: value for name, value in answer.headers.items() if name.startswith("access-control-allow")}
    assert answer.status == 200
    assert set(said.values()) == allowed


def test_no_provider_hears_of_the_page(world: World) -> None:
    """Anthropic refuses what a page asks for, and which page it is has nobody to know."""
    Client(world, an_isolate()).ask("GET", "/v1/proxy/openai/v1/models", origin=PAGE, referer=f"{PAGE}/secret")

    assert len(world.sent) == 1
    assert {"origin", "referer"}.isdisjoint(world.sent[0].headers)


def test_one_tenant_s_pages_are_no_other_s(world: World) -> None:
    answer = Client(world, an_isolate(), OTHER).call(origin=PAGE)

    assert "access-control-allow-origin" not in answer.headers


BAD_ORIGINS: list[Any] = [
    "https://app.example.com/", "app.example.com", "HTTPS://APP.EXAMPLE.COM", "https://*.example.com", "null", "",
    "https://a b.example", "ftp://x.example", "https://user@x.example", 5,
]  # fmt: skip


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_what_is_no_origin_is_refused_with_its_place(world: World, origin: Any) -> None:
    answer = Client(world, an_isolate(), ADMIN).ask("PUT", "/v1/config", {"cors_origins": [PAGE, origin]}, if_match="*")

    assert answer.status == 400
    assert json.loads(answer.body)["error"]["param"] == "cors_origins[1]"


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1"])
def test_an_origin_is_what_browsers_send(origin: str) -> None:
    assert is_origin(origin)


def test_a_configuration_may_let_every_page_read(world: World) -> None:
    written = Client(world, an_isolate(), ADMIN).ask("PUT", "/v1/config", {"cors_origins": ["*"]}, if_match="*")
    open_world = a_world_with_administrators({"cors_origins": ["*"]})

    answer = Client(open_world, an_isolate()).call(origin="https://any.example")

    assert written.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://any.example"


# What the official clients cause in a browser -------------------------------------------------------------

OPENAI_HEADERS = (
    "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-package-version,"
    "x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout"
)
ANTHROPIC_HEADERS = (
    "anthropic-dangerous-direct-browser-access,anthropic-version,content-type,x-api-key,x-stainless-arch,"
    "x-stainless-lang,x-stainless-os,x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,"
    "x-stainless-runtime-version,x-stainless-timeout"
)
PREFLIGHTS = [
    ("/v1/chat/completions", OPENAI_HEADERS),
    ("/v1/proxy/openai/v1/responses", OPENAI_HEADERS),
    ("/v1/messages", ANTHROPIC_HEADERS),
    ("/v1/proxy/anthropic/v1/messages", ANTHROPIC_HEADERS + ",x-agentwatch-session-id,x-agentwatch-budget-usd"),
]


@pytest.mark.parametrize(("path", "asked"), PREFLIGHTS)
def test_an_official_client_may_send_all_of_its_headers(world: World, path: str, asked: str) -> None:
    answer = Client(world, an_isolate(), None).ask(
        "OPTIONS", path, origin=PAGE, access_control_request_method="POST", access_control_request_headers=asked,
        access_control_request_private_network="true",
    )  # fmt: skip

    assert answer.status == 204
    assert answer.headers["access-control-allow-headers"] == asked
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-private-network" not in answer.headers


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/v1/nowhere", "POST", 404), ("/v1/proxy/nobody/v1/messages", "POST", 404), ("/v1/chat/completions", "GET", 405),
     ("/v1/budget-check", "DELETE", 405), ("/v1/chat/completions", "TRACE\r\nx: y", 405)],
)  # fmt: skip
def test_a_browser_is_told_that_nothing_answers_there(world: World, path: str, method: str, status: int) -> None:
    """No browser goes on after that, whatever else is said."""
    answer = Client(world, an_isolate(), None).ask("OPTIONS", path, origin=PAGE, access_control_request_method=method)

    assert answer.status == status
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_stream_is_readable_too(world: World) -> None:
    chunk = {"choices": [{"delta": {"content": "hi"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    world.answer = ScriptedAnswer(headers=SSE, chunks=(sse(chunk), b"data: [DONE]\n\n"))

    answer = Client(world, an_isolate()).call({**CALL, "stream": True}, origin=PAGE)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["access-control-allow-origin"] == PAGE


def test_every_header_of_ours_on_an_answer_is_shown_to_the_page() -> None:
    written = {name for path in SOURCES for name in OF_OURS.findall(path.read_text())} - SENT_BY_CALLERS

    exposed = set(answer_headers({"origin": PAGE}, {PAGE})["access-control-expose-headers"].split(", "))

    assert written <= exposed
    assert len(written) > 15
    assert {"request-id", "retry-after", "x-agentwatch-ratelimit-remaining-requests"} <= exposed


# Refusals before anybody is known -------------------------------------------------------------------------

NOBODY = [
    (None, CHAT, 401),
    ("aw_live_" + "00" * 24, CHAT, 401),
    (None, "/v1/nowhere", 404),
    (None, "/v1/chat/completions/", 401),
    (None, "/v1/budget-check", 405),
]


@pytest.mark.parametrize(("token", "path", "status"), NOBODY)
def test_a_page_can_read_why_it_was_not_let_in(world: World, token: str | None, path: str, status: int) -> None:
    """Else a wrong token is a broken network to it: no client would say what is wrong."""
    client = Client(world, an_isolate(), token)

    answer, elsewhere = client.call(path=path, origin="https://any.example"), client.call(path=path)

    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-should-retry" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in elsewhere.headers


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/config", "/v1/whoami"])
@pytest.mark.parametrize("token", [None, "aw_live_" + "00" * 24, TOKEN])
def test_no_page_reads_a_refusal_of_the_administration(world: World, path: str, token: str | None) -> None:
    answer = Client(world, an_isolate(), token).ask("GET", path, origin=PAGE)

    assert answer.status == (200 if (token, path) == (TOKEN, "/v1/whoami") else 403 if token == TOKEN else 401)
    assert not [name for name in answer.headers if name.startswith("access-control")]


REFUSED_BY = [
    ({"require_session": True}, {}, 400),
    ({"requests_per_minute": 1}, {}, 429),
    ({}, {"x_agentwatch_budget_usd": "0.0000001"}, 402),
]


@pytest.mark.parametrize(("config", "headers", "status"), REFUSED_BY)
def test_a_page_reads_every_refusal_of_its_own_tenant(
    config: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    world = a_world_with_administrators({"cors_origins": [PAGE], **config})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    client = Client(world, an_isolate())

    answers = [client.call(origin=PAGE, **headers) for _ in range(2)]

    assert answers[-1].status == status
    assert answers[-1].headers["access-control-allow-origin"] == PAGE
