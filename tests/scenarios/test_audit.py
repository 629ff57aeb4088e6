"""Who came in, who was turned away, who changed what: told once, bounded, and never in anybody's way."""

import json
from typing import Any

import pytest

from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import ADMIN, CHAT, Client, an_isolate
from tests.support.memory_ports import TOKEN, World

DISABLED = "aw_live_" + "ef" * 24
UNKNOWN = "aw_live_" + "00" * 24
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}


@pytest.fixture
def world() -> World:
    world = World()
    world.knows(ADMIN, tenant="acme", role="admin", key_id="key_admin")
    world.knows(DISABLED, tenant="acme", key_id="key_old", disabled=True)
    return world


@pytest.fixture
def isolate() -> Isolate:
    return Isolate(parse_settings({}))


def ask(
    world: World,
    isolate: Isolate,
    token: str | None,
    method: str,
    path: str,
    body: Any = None,
    address: str = "192.0.2.1",
) -> Answer:
    return Client(world, isolate, token).ask(method, path, body, cf_connecting_ip=address)


def told(world: World, kind: str, *names: str) -> list[Any]:
    records = [record for record in world.records if record["type"] == kind]
    return [tuple(record.get(name) for name in names) for record in records]


def test_each_way_of_being_turned_away_is_told(world: World, isolate: Isolate) -> None:
    for token in (None, UNKNOWN, DISABLED):
        assert ask(world, isolate, token, "GET", "/v1/sessions").status == 401
    assert ask(world, isolate, TOKEN, "PUT", "/v1/sessions/s", {"paused": True}).status == 403

    assert told(world, "auth", "outcome", "tenant", "key_id", "client_address") == [
        ("missing", None, None, "192.0.2.1"),
        ("unknown", None, None, "192.0.2.1"),
        ("disabled", "acme", "key_old", "192.0.2.1"),
        ("not_permitted", "acme", "key_1", "192.0.2.1"),
    ]


def test_a_flood_of_bad_tokens_is_one_message_a_minute_and_address(world: World, isolate: Isolate) -> None:
    for _ in range(50):
        ask(world, isolate, UNKNOWN, "POST", CHAT, BODY)
    assert len(world.records) == 1

    world.pass_time(60_000)
    ask(world, isolate, UNKNOWN, "POST", CHAT, BODY)
    assert len(world.records) == 2


def test_a_flood_from_everywhere_is_sixty_messages_a_minute(world: World, isolate: Isolate) -> None:
    for number in range(200):
        ask(world, isolate, None, "POST", CHAT, BODY, address=f"198.51.100.{number}")

    assert len(world.records) == 60


def test_an_administrator_at_work_is_told_once_an_hour(world: World, isolate: Isolate) -> None:
    for _ in range(3):
        ask(world, isolate, ADMIN, "GET", "/v1/budget")

    assert told(world, "auth", "outcome", "key_id", "role") == [("accepted", "key_admin", "admin")]


def test_strangers_of_one_address_are_slowed_while_its_customer_is_not(world: World, isolate: Isolate) -> None:
    world.strangers_max = 2

    statuses = [ask(world, isolate, UNKNOWN, "POST", "/v1/proxy/anthropic/v1/messages").status for _ in range(4)]
    slowed = ask(world, isolate, None, "POST", "/v1/proxy/anthropic/v1/messages")

    assert statuses == [401, 401, 429, 429]
    assert json.loads(slowed.body)["type"] == "error"
    assert json.loads(slowed.body)["error"]["type"] == "rate_limit_error"
    assert int(slowed.headers["retry-after"]) <= 60
    assert ask(world, isolate, TOKEN, "GET", "/v1/sessions").status == 200


def test_a_valid_token_is_never_counted_as_a_stranger_s(world: World, isolate: Isolate) -> None:
    ask(world, isolate, TOKEN, "GET", "/v1/sessions")

    assert world.strangers == []


def test_one_ipv6_network_is_one_stranger(world: World, isolate: Isolate) -> None:
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"):
        ask(world, isolate, None, "GET", "/v1/sessions", address=address)

    assert world.strangers == ["2001:db8:1:2::/64", "2001:db8:1:2::/64", "2001:db8:1:3::/64"]


def test_administration_is_logged_with_what_became_of_it(world: World, isolate: Isolate) -> None:
    ask(world, isolate, TOKEN, "GET", "/v1/sessions")
    ask(world, isolate, TOKEN, "PUT", "/v1/budget", {"limit_usd": "5"})
    ask(world, isolate, ADMIN, "PUT", "/v1/budget", {"limit_usd": 5})
    ask(world, isolate, ADMIN, "PUT", "/v1/budget", {"limit_usd": "5"})

    assert told(world, "access", "method", "path", "status", "error_code", "key_id") == [
        ("GET", "/v1/sessions", 200, None, "key_1"),
        ("PUT", "/v1/budget", 403, "not_permitted", "key_1"),
        ("PUT", "/v1/budget", 400, "invalid_request", "key_admin"),
        ("PUT", "/v1/budget", 200, None, "key_admin"),
    ]


def test_what_every_call_of_an_sdk_asks_is_not_logged(world: World, isolate: Isolate) -> None:
    ask(world, isolate, TOKEN, "GET", "/v1/models")
    ask(world, isolate, TOKEN, "GET", "/v1/budget-check")

    assert world.records == []


def test_each_change_of_a_budget_is_told_with_who_made_it(world: World, isolate: Isolate) -> None:
    changes = {"limit_usd": "2", "paused": True, "hard": False, "alert_percent": 50, "reset": True}
    ask(world, isolate, ADMIN, "PUT", "/v1/teams/search/budget", changes)
    ask(world, isolate, ADMIN, "PUT", "/v1/sessions/s1", {"paused": False})

    assert told(world, "budget_event", "change", "scope_kind", "scope_id", "window", "limit_nanousd", "key_id") == [
        ("limit_changed", "team", "search", "month", 2_000_000_000, "key_admin"),
        ("paused", "team", "search", "month", 2_000_000_000, "key_admin"),
        ("made_warning", "team", "search", "month", 2_000_000_000, "key_admin"),
        ("alert_changed", "team", "search", "month", 2_000_000_000, "key_admin"),
        ("spent_reset", "team", "search", "month", 2_000_000_000, "key_admin"),
        ("resumed", "session", "s1", "session", None, "key_admin"),
    ]


def test_a_ledger_that_is_away_is_told_once_an_hour(world: World) -> None:
    isolate = an_isolate()
    world.is_ledger_away = True
    for _ in range(3):
        ask(world, isolate, TOKEN, "POST", CHAT, BODY)

    ((key, kind),) = told(world, "alert", "alert_key", "kind")
    assert kind == "ledger_away"
    assert key.startswith("ledger_away:let_through:")

    world.pass_time(3_600_000)
    ask(world, isolate, TOKEN, "POST", CHAT, BODY)
    assert len(told(world, "alert", "kind")) == 2


def test_a_missing_provider_key_is_told_once_an_hour(world: World, isolate: Isolate) -> None:
    for _ in range(3):
        assert ask(world, isolate, TOKEN, "POST", CHAT, BODY).status == 401

    assert told(world, "alert", "kind") == [("provider_key_missing",)]
    assert "OPENAI_API_KEY" in told(world, "alert", "summary")[0][0]
