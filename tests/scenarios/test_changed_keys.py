"""Keys and operators while a part is away or another isolate knows more: nobody does what he may not, and who may, can."""

import json
from typing import Any

import pytest

from tests.support.api_client import (
    ADMIN,
    CALL,
    OPERATOR,
    Client,
    an_isolate,
)
from tests.support.memory_ports import START_MS, World


@pytest.fixture
def admin(world: World) -> Client:
    return Client(world, an_isolate(), ADMIN)


def make(admin: Client, **terms: Any) -> Any:
    return json.loads(admin.ask("POST", "/v1/keys", {"name": "agent", **terms}).body)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/config", {"fail_closed": True}),
        ("POST", "/v1/keys", {"name": "mine", "role": "admin"}),
        ("PUT", "/v1/budget", {"limit_usd": "5"}),
        ("POST", "/v1/webhooks/test", None),
    ],
)
def test_who_cannot_be_confirmed_changes_nothing_though_the_ledger_is_back_a_moment_later(
    world: World, admin: Client, method: str, path: str, body: Any
) -> None:
    key = make(admin, role="admin")
    demoted = Client(world, an_isolate(), key["token"])
    assert demoted.ask("GET", "/v1/keys").status == 200
    assert admin.ask("PUT", f"/v1/keys/{key['key_id']}", {"name": "agent", "role": "developer"}).status == 200

    world.hanging.add("ledger.standing_request")

    assert demoted.ask(method, path, body, if_match="*").status == 503


def test_an_operator_is_known_while_kv_is_away(world: World, admin: Client) -> None:
    operator = Client(world, an_isolate(), OPERATOR)
    assert operator.ask("POST", "/v1/tenants", {"tenant": "acme"}).status == 201
    world.is_kv_away = True

    suspension = operator.ask("GET", "/v1/tenants/acme")

    assert suspension.status == 200


def test_a_call_without_a_session_counts_its_input_as_it_comes(world: World, admin: Client) -> None:
    client = Client(world, an_isolate(), make(admin, tokens_per_minute=1_000)["token"])
    long = {**CALL, "messages": [{"role": "user", "content": "hello world " * 3_000}]}
    meanwhile = []

    def another() -> None:
        world.upstream_also = lambda: None
        state = world.ledger_of("acme").service._state
        meanwhile.append({name: moment // 1_000 - START_MS for name, moment in state.arrivals.moments().items()})

    world.upstream_also = another
    assert client.call(long).status == 200

    (ahead_ms,) = (ahead for name, ahead in meanwhile[0].items() if name.startswith("tokens:key:"))
    assert ahead_ms > 60_000


def test_a_key_that_makes_no_calls_holds_no_money_for_any(world: World, admin: Client) -> None:
    held = {"hold_id": "h", "model": "gpt-4o-mini", "dialect": "openai_chat", "input_bytes": 100}

    statuses = [
        Client(world, an_isolate(), make(admin, role="admin", calls=calls)["token"])
        .ask("POST", "/v1/holds", held)
        .status
        for calls in (False, True)
    ]

    assert statuses == [403, 200]
