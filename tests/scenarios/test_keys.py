"""Keys over HTTP: a token is shown once, and what is taken from a key is gone at once, in every isolate."""

import json
from typing import Any

import pytest

from core.bounds import KEYS_PER_PAGE_MAX
from core.ledger.keys.messages import RevokeKeyRequest, Writer
from isolate import Isolate
from ports import AttemptFailed
from tests.support.api_client import (
    BILLED_NANOUSD,
    CALL,
    CHAT,
    OTHER,
    Client,
    an_isolate,
)
from tests.support.memory_ports import World

OPERATOR = "aw_live_" + "0f" * 24


def make(admin: Client, status: int = 201, **terms: Any) -> Any:
    headers = {"idempotency_key": terms.pop("once")} if "once" in terms else {}
    answer = admin.ask("POST", "/v1/keys", {"name": "agent", **terms}, **headers)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def write(admin: Client, key: Any, status: int = 200, **terms: Any) -> Any:
    answer = admin.ask("PUT", f"/v1/keys/{key['key_id']}", {"name": "agent", **terms})
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def rotate(admin: Client, key: Any, overlap_s: int = 0) -> Any:
    return json.loads(admin.ask("POST", f"/v1/keys/{key['key_id']}/rotate", {"overlap_s": overlap_s}).body)


def statuses(world: World, isolates: tuple[Isolate, Isolate], token: str, path: str = CHAT) -> list[int]:
    method = "POST" if path == CHAT else "GET"
    body = CALL if path == CHAT else None
    return [Client(world, isolate, token).ask(method, path, body).status for isolate in isolates]


def test_a_key_is_made_used_and_shown_with_what_it_spent(admin: Client, world: World, isolates: Any) -> None:
    made = make(admin, team="search", budget_usd="5.50", requests_per_minute=60, tokens_per_minute=100_000)
    assert made["token"].startswith(made["prefix"]) and made["token"].endswith(made["last_four"])

    assert statuses(world, isolates, made["token"]) == [200, 200]

    key = admin.read(f"/v1/keys/{made['key_id']}")
    assert key.items() >= {
        "name": "agent", "team": "search", "role": "developer", "state": "active", "calls": True,
        "budget_usd": "5.5", "requests_per_minute": 60, "tokens_per_minute": 100_000, "rotated_until": None,
        "created_by": "key:key_acme", "version": 1,
    }.items()  # fmt: skip
    assert float(key["spent_usd"]) * 10**9 == pytest.approx(2 * BILLED_NANOUSD)
    assert key["last_used_at"] is not None
    assert "token" not in key
    assert [each["key_id"] for each in admin.read("/v1/keys")["data"]] == [made["key_id"]]
    calls = [each for each in world.records if each["type"] == "call"]
    assert {each["key_id"] for each in calls} == {made["key_id"]}


def test_a_token_is_in_one_answer_and_nowhere_else(admin: Client, world: World, isolates: Any) -> None:
    token = make(admin)["token"]
    statuses(world, isolates, token)
    rotated = rotate(admin, admin.read("/v1/keys")["data"][0])["token"]
    admin.ask("GET", f"/v1/keys/{token}")

    everything = [
        json.dumps(world.kv),
        json.dumps([each for each in world.records if each.get("path") != f"/v1/keys/{token}"]),
        *world.ledger_of("acme").rows.connection.iterdump(),
        *world.ledger_of("acme").outbox,
        json.dumps(admin.read("/v1/keys")),
    ]
    for secret in (token, rotated):
        assert not [text for text in everything if secret in text or secret[8:] in text]


TAKEN = {
    "revoked": lambda admin, key: admin.ask("DELETE", f"/v1/keys/{key['key_id']}"),
    "disabled": lambda admin, key: write(admin, key, disabled=True),
    "rotated": lambda admin, key: rotate(admin, key),
}


@pytest.mark.parametrize("taken", TAKEN)
@pytest.mark.parametrize("role", ["developer", "admin", "member"])
def test_the_first_metered_call_afterwards_is_refused_in_every_isolate(
    admin: Client, world: World, isolates: Any, taken: str, role: str
) -> None:
    key = make(admin, role=role, calls=True)
    assert statuses(world, isolates, key["token"]) == [200, 200]
    sent = len(world.sent)

    TAKEN[taken](admin, key)
    world.kv = {name: text for name, text in world.kv.items() if not name.startswith("key:")} | {
        name: json.dumps({**json.loads(text), "disabled": False, "version": 1, "expires_at_ms": None})
        for name, text in world.kv.items()
        if name.startswith("key:")
    }  # as a reader far away still has it

    assert statuses(world, isolates, key["token"]) == [401, 401]
    assert len(world.sent) == sent


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/keys", "/v1/whoami", "/v1/config"])
def test_a_revoked_administrator_administers_nothing_from_then_on(
    admin: Client, world: World, isolates: Any, path: str
) -> None:
    key = make(admin, role="admin")
    assert statuses(world, isolates, key["token"], path) == [200, 200]

    TAKEN["revoked"](admin, key)

    assert statuses(world, isolates, key["token"], path) == [401, 401]


def test_a_role_that_was_taken_away_is_gone_at_once(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin, role="admin")
    assert statuses(world, isolates, key["token"], "/v1/keys") == [200, 200]

    write(admin, key, role="ingest")

    assert statuses(world, isolates, key["token"], "/v1/keys") == [403, 403]
    assert statuses(world, isolates, key["token"]) == [403, 403]


def test_what_costs_nothing_is_for_whom_the_ledger_knows_too(admin: Client, world: World, isolates: Any) -> None:
    models = "/v1/proxy/openai/v1/models"
    key = make(admin)
    assert statuses(world, isolates, key["token"], models) == [200, 200]

    write(admin, key, calls=False)
    assert statuses(world, isolates, key["token"], models) == [403, 403]
    write(admin, key, calls=True)
    world.pass_time(10_000)  # what is given may take as long as a record is believed
    assert statuses(world, isolates, key["token"], models) == [200, 200]
    TAKEN["revoked"](admin, key)
    assert statuses(world, isolates, key["token"], models) == [401, 401]


def test_a_path_that_is_let_through_no_longer_is_refused_in_every_isolate(
    admin: Client, world: World, isolates: Any
) -> None:
    batches = "/v1/proxy/openai/v1/batches"
    token = make(admin)["token"]
    admin.ask("PUT", "/v1/config", {"allow_unmetered_paths": True}, if_match="*")
    clients = [Client(world, isolate, token) for isolate in isolates]
    assert [client.ask("POST", batches, {}).status for client in clients] == [200, 200]
    sent = len(world.sent)

    admin.ask("PUT", "/v1/config", {}, if_match="*")

    assert [client.ask("POST", batches, {}).status for client in clients] == [403, 403]
    assert len(world.sent) == sent


def test_a_key_that_moved_to_another_team_spends_that_team_s_money(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin, team="search")
    assert statuses(world, isolates, key["token"]) == [200, 200]

    write(admin, key, team="ads")
    assert statuses(world, isolates, key["token"]) == [200, 200]

    calls = [each["team"] for each in world.records if each["type"] == "call"]
    assert calls == ["search", "search", "ads", "ads"]


def test_the_old_token_goes_on_for_the_overlap_and_then_ends(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin)
    new = rotate(admin, key, overlap_s=60)

    assert statuses(world, isolates, key["token"]) == [200, 200]
    assert statuses(world, isolates, new["token"]) == [200, 200]
    assert new["rotated_until"] == world.now_ms() + 60_000
    world.pass_time(60_000)
    assert statuses(world, isolates, key["token"]) == [401, 401]
    assert statuses(world, isolates, new["token"]) == [200, 200]


def test_an_expired_key_is_refused_and_told_of(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin, expires_at=world.now_ms() + 1_000)
    assert statuses(world, isolates, key["token"]) == [200, 200]

    world.pass_time(1_000)

    assert statuses(world, isolates, key["token"]) == [401, 401]
    assert "expired" in {each["outcome"] for each in world.records if each["type"] == "auth"}


def test_a_budget_of_a_key_stops_it_and_nobody_else(admin: Client, world: World, isolates: Any) -> None:
    key, other = make(admin, budget_usd="0.000000001"), make(admin)

    answer = Client(world, isolates[0], key["token"]).call()

    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["scope"], error["scope_id"]) == (
        402, "budget_exhausted", "key", key["key_id"],
    )  # fmt: skip
    assert "x-should-retry" in answer.headers
    assert statuses(world, isolates, other["token"]) == [200, 200]


def test_a_key_that_asks_too_much_waits_and_is_told_of_what(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin, tokens_per_minute=100)
    client = Client(world, isolates[0], key["token"])
    long = {**CALL, "messages": [{"role": "user", "content": "word " * 500}]}
    assert client.call(long).status == 200

    answer = client.call(long)

    assert answer.status == 429
    assert "tokens a minute" in json.loads(answer.body)["error"]["message"]
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_who_administers_makes_no_calls_unless_that_was_said(admin: Client, world: World, isolates: Any) -> None:
    quiet, loud = make(admin, role="admin"), make(admin, role="admin", calls=True)

    assert statuses(world, isolates, quiet["token"]) == [403, 403]
    assert statuses(world, isolates, loud["token"]) == [200, 200]


def test_a_key_that_reports_makes_no_calls_and_reads_nothing(admin: Client, world: World, isolates: Any) -> None:
    client = Client(world, isolates[0], make(admin, role="ingest")["token"])
    report = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}

    assert client.ask("POST", "/v1/ingest", report).status == 200
    assert [client.call().status, client.ask("GET", "/v1/budget").status] == [403, 403]
    assert client.read("/v1/whoami").items() >= {"role": "ingest", "how": "key", "tenant": "acme"}.items()


def test_the_same_request_again_makes_no_other_key_and_shows_no_token(admin: Client) -> None:
    first = make(admin, once="one")
    again = admin.ask("POST", "/v1/keys", {"name": "agent"}, idempotency_key="one")

    said = json.loads(again.body)
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert (said["key_id"], said["token"], said["code"]) == (first["key_id"], None, "token_already_shown")
    assert make(admin, 422, once="one", team="ads")["error"]["code"] == "idempotency_key_reused"
    assert len(admin.read("/v1/keys")["data"]) == 1


def test_another_administrator_s_request_of_that_name_is_another(admin: Client, world: World, isolates: Any) -> None:
    second = Client(world, isolates[1], make(admin, role="admin")["token"])

    assert make(admin, once="one")["key_id"] != make(second, once="one")["key_id"]


def test_pages_end_and_their_cursors_are_for_this_list(admin: Client) -> None:
    made = {make(admin)["key_id"] for _ in range(5)}
    seen, after = [], ""
    while after is not None:
        page = admin.read(f"/v1/keys?limit=2&after={after}")
        seen += [each["key_id"] for each in page["data"]]
        after = page["next"]

    assert (len(seen), set(seen)) == (5, made)
    for bad in ("x", "WyJvdGhlciIsImEiXQ", "%00", "A" * 401):
        assert admin.ask("GET", f"/v1/keys?after={bad}").status == 400, bad
    assert admin.ask("GET", f"/v1/keys?limit={KEYS_PER_PAGE_MAX + 1}").status == 400


def test_another_tenant_s_key_is_no_key_at_all(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin)
    stranger = Client(world, isolates[1], OTHER)
    ways = [("GET", "", None), ("PUT", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/rotate", {})]

    for method, rest, body in ways:
        foreign = stranger.ask(method, f"/v1/keys/{key['key_id']}{rest}", body)
        unknown = stranger.ask(method, f"/v1/keys/key_0000000000000000{rest}", body)
        assert (foreign.status, unknown.status) == (404, 404)
        assert without_id(foreign.body) == without_id(unknown.body)
    assert admin.read(f"/v1/keys/{key['key_id']}")["state"] == "active"


def without_id(body: Any) -> Any:
    error = json.loads(body)["error"]
    return {name: value for name, value in error.items() if name != "request_id"}


def test_of_two_who_change_a_key_at_once_one_is_told(admin: Client) -> None:
    path = f"/v1/keys/{make(admin)['key_id']}"
    read = admin.ask("GET", path).headers["etag"]

    first = admin.ask("PUT", path, {"name": "agent", "budget_usd": "3"}, if_match=read)
    second = admin.ask("PUT", path, {"name": "agent", "disabled": True}, if_match=read)

    assert (first.status, second.status) == (200, 412)
    assert json.loads(second.body)["error"]["present_version"] == json.loads(first.body)["version"] == 2
    assert admin.read(path).items() >= {"budget_usd": "3", "disabled": False}.items()
    again = admin.ask("PUT", path, {"name": "agent", "budget_usd": "3"})
    assert (again.status, again.headers["etag"]) == (200, '"2"')


BAD = [
    ({}, "name"),
    ({"name": ""}, "name"),
    ({"name": "x", "role": "operator"}, "role"),
    ({"name": "x", "expires_at": "2027-01-01"}, "expires_at"),
    ({"name": "x", "expires_at": -1}, "expires_at"),
    ({"name": "x", "budget_usd": "-1"}, "budget_usd"),
    ({"name": "x", "budget_usd": "1e3"}, "budget_usd"),
    ({"name": "x", "budget_usd": 5}, "budget_usd"),
    ({"name": "x", "requests_per_minute": 0}, "requests_per_minute"),
    ({"name": "x", "tokens_per_minute": 2**63}, "tokens_per_minute"),
    ({"name": "x", "calls": "yes"}, "calls"),
    ({"name": "x" * 129}, "name"),
]


@pytest.mark.parametrize(("body", "param"), BAD)
def test_what_is_wrong_with_a_key_is_named(admin: Client, body: Any, param: str) -> None:
    answer = admin.ask("POST", "/v1/keys", body)

    assert answer.status == 400
    assert param in (json.loads(answer.body)["error"]["param"] or json.loads(answer.body)["error"]["message"])


def test_whoever_steers_the_tenant_is_told_who_changed_what(admin: Client, world: World) -> None:
    key = make(admin)
    write(admin, key, disabled=True)
    admin.ask("DELETE", f"/v1/keys/{key['key_id']}")

    access = [(each["method"], each["status"], each["actor"]) for each in world.records if each["type"] == "access"]
    assert access == [("POST", 201, "key:key_acme"), ("PUT", 200, "key:key_acme"), ("DELETE", 200, "key:key_acme")]


def test_without_the_ledger_no_key_is_made_and_calls_go_on(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin)
    assert statuses(world, isolates, key["token"]) == [200, 200]
    world.is_ledger_away = True

    assert admin.ask("POST", "/v1/keys", {"name": "agent"}).status == 503
    assert statuses(world, isolates, key["token"]) == [200, 200]


def test_a_call_that_is_open_while_its_key_is_revoked_is_charged(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin)
    world.upstream_also = lambda: world.ledger_of("acme").service.answer(
        RevokeKeyRequest(key_id=key["key_id"], writer=Writer()), world.now_ms()
    )

    assert Client(world, isolates[0], key["token"]).call().status == 200

    world.upstream_also = lambda: None
    assert admin.read(f"/v1/keys/{key['key_id']}")["spent_usd"] != "0"
    assert statuses(world, isolates, key["token"]) == [401, 401]


def test_a_provider_that_fails_leaves_nothing_of_the_key_held(admin: Client, world: World, isolates: Any) -> None:
    key = make(admin, budget_usd="1")
    world.answer = AttemptFailed("connection_lost")

    Client(world, isolates[0], key["token"]).call()

    assert admin.read(f"/v1/keys/{key['key_id']}")["held_usd"] == "0"


def test_the_operator_is_nobody_s_tenant(world: World) -> None:
    client = Client(world, an_isolate(OPERATOR_TOKEN=OPERATOR), OPERATOR)

    assert client.read("/v1/whoami")["role"] == "operator"
    assert [client.call().status, client.ask("GET", "/v1/keys").status] == [403, 403]
