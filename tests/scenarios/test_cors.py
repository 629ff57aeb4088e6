"""Web pages: which may read answers, by the configuration of the tenant whose token a call carries."""

import json
from typing import Any

import pytest

from core.tenant.cors import is_origin
from tests.support.api_client import ADMIN, ANSWER, CALL, CHAT, OTHER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World

PAGE = "https://app.example.com"


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


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1", "*"])
def test_an_origin_is_what_browsers_send(origin: str) -> None:
    assert is_origin(origin)
