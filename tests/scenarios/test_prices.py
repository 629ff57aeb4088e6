"""Prices as documents of tenant and platform: on hold, charge and record of the next call, and of nobody else's."""

import json
from typing import Any

import pytest

from access.identity import FRESH_MS
from core.ledger.document_messages import WriteRequest
from core.ledger.messages import StatusRequest
from core.money import price_book
from core.roles import PLATFORM
from core.tenant.etag import etag
from isolate import Isolate
from tests.support.api_client import (
    ADMIN,
    ANSWER,
    BILLED_NANOUSD,
    CALL,
    OPERATOR,
    OTHER,
    SSE,
    Client,
    a_world_with_administrators,
    an_isolate,
    sse,
)
from tests.support.memory_ports import ScriptedAnswer, World

THEIR_TOKEN = "aw_live_" + "77" * 24
"""A member of another tenant."""

TABLE = price_book.VERSION
MINI = "openai/gpt-4o-mini"
TENFOLD = {"models": {MINI: {"input_usd_per_mtok": "1.5", "output_usd_per_mtok": "6"}}}
FREE = {"free_models": [MINI]}
HALF = {"discount_percent": {"openai": "50"}}
REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}
TOLD = {
    "hold_id": "evt_1",
    "model": "gpt-4o-mini",
    "dialect": "openai_chat",
    "input_bytes": 400,
    "output_tokens_max": 10,
}
KV_KEY = f"t:{PLATFORM}:config"


@pytest.fixture
def world() -> World:
    world = a_world_with_administrators()
    world.knows(THEIR_TOKEN, tenant="other", key_id="key_member")
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate()


@pytest.fixture
def client(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate)


@pytest.fixture
def admin(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate, ADMIN)


def put(client: Client, document: Any, path: str = "/v1/prices", if_match: str = "*") -> tuple[int, Any]:
    answer = client.ask("PUT", path, document, if_match=if_match)
    return answer.status, json.loads(answer.body)


def put_platform_s(world: World, document: Any, isolate: Isolate | None = None) -> int:
    """Written, and copied by the Ledger's alarm."""
    status, receipt = put(Client(world, isolate or an_isolate(), OPERATOR), document, "/v1/platform/prices")
    assert status == 200, receipt
    world.kv[KV_KEY] = world.ledger_of(PLATFORM).service.documents.present().text
    return int(receipt["version"])


def made(world: World, client: Client, body: Any = CALL) -> tuple[int, int, str]:
    """A call: what was held for it, what it cost, and by which prices its record says."""
    held: list[int] = []
    world.upstream_also = lambda: held.append(spend(world)[1])
    before = spend(world)[0]
    answer = client.call(body, x_agentwatch_session_id="s1")
    assert answer.status == 200, answer.body
    row = rows(world)[-1]
    cost = row.get("cost_nanousd", 0)
    assert (spend(world)[0] - before, spend(world)[1]) == (cost, 0)
    return held[-1], cost, row["price_version"]


def spend(world: World) -> tuple[int, int]:
    """What the session has spent, and what is held."""
    (account, *_) = world.ledger_of("acme").service.status(StatusRequest(session_id="s1"), world.now_ms()).accounts
    return account.spent_nanousd, account.held_nanousd


def rows(world: World) -> list[Any]:
    return [record for record in world.records if record["type"] == "call"]


# A tenant's -------------------------------------------------------------------------------------------------


def test_prices_are_written_read_and_rolled_back(admin: Client) -> None:
    assert admin.read("/v1/prices") == {}

    assert put(admin, TENFOLD, if_match=etag(0))[0] == 200
    assert admin.read("/v1/prices") == TENFOLD
    assert put(admin, {}, if_match=etag(0))[0] == 412
    assert put(admin, FREE, if_match=etag(1))[0] == 200
    assert put(admin, admin.read("/v1/prices?version=1"))[0] == 200

    assert admin.read("/v1/prices") == TENFOLD
    assert [each["version"] for each in admin.read("/v1/prices/history")["versions"]] == [3, 2, 1]


def test_a_stated_price_is_held_charged_and_named_from_the_next_call_on(world: World, admin: Client) -> None:
    elsewhere = Client(world, an_isolate())
    held, cost, version = made(world, elsewhere)
    assert (cost, version) == (BILLED_NANOUSD, TABLE)

    put(admin, TENFOLD)

    assert made(world, elsewhere) == (10 * held, 10 * BILLED_NANOUSD, f"{TABLE}+t1")


def test_a_stream_is_priced_alike(world: World, client: Client, admin: Client) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "hello"}}]}
    end = {"choices": [], "usage": ANSWER["usage"]}
    world.answer = ScriptedAnswer(headers=SSE, chunks=(sse(chunk), sse(end), b"data: [DONE]\n\n"))
    body = {**CALL, "stream": True}
    held, cost, _ = made(world, client, body)
    assert cost == BILLED_NANOUSD

    put(admin, TENFOLD)
    dearer_held, dearer_cost, version = made(world, client, body)

    assert (dearer_cost, version) == (10 * BILLED_NANOUSD, f"{TABLE}+t1")
    assert dearer_held == 10 * held


def test_a_discount_is_taken_off_hold_and_charge(world: World, client: Client, admin: Client) -> None:
    held, cost, _ = made(world, client)

    put(admin, HALF)

    assert made(world, client) == (held // 2, cost // 2, f"{TABLE}+t1")


def test_a_free_model_holds_nothing_and_costs_nothing(world: World, client: Client, admin: Client) -> None:
    put(admin, FREE)

    assert made(world, client) == (0, 0, f"{TABLE}+t1")


def test_an_alias_is_held_and_charged_as_what_it_leads_to_and_sent_as_it_is(
    world: World, client: Client, admin: Client
) -> None:
    held, cost, _ = made(world, client)
    put(admin, {"aliases": {"openai/my-model": MINI}})

    aliased_held, *charged = made(world, client, {**CALL, "model": "my-model"})

    assert charged == [cost, f"{TABLE}+t1"]
    assert held <= aliased_held < 1.01 * held, "its text is sized for any vocabulary"
    assert json.loads(world.sent[-1].body or b"")["model"] == "my-model"
    assert "is_estimated" not in rows(world)[-1]


def test_a_name_that_only_a_document_knows_finds_its_provider(world: World, client: Client, admin: Client) -> None:
    body = {**CALL, "model": "my-model"}
    assert client.call(body, "/v1/chat/completions").status == 400
    put(admin, {"models": {"openai/my-model": {"input_usd_per_mtok": "1.5", "output_usd_per_mtok": "6"}}})

    assert client.call(body, "/v1/chat/completions").status == 200

    assert rows(world)[-1]["cost_nanousd"] == 10 * BILLED_NANOUSD
    assert "openai/my-model" in {each["id"] for each in client.read("/v1/models")["data"]}


def test_prices_of_another_document_s_version_stay_named_by_their_own(
    world: World, client: Client, admin: Client
) -> None:
    put(admin, TENFOLD)
    admin.ask("PUT", "/v1/config", {"budget_wait_s": 1}, if_match="*")

    assert made(world, client)[2] == f"{TABLE}+t1"
    assert json.loads(admin.ask("GET", "/v1/prices?version=1").body) == TENFOLD


def test_a_call_is_charged_by_the_prices_it_was_held_by(world: World, client: Client, admin: Client) -> None:
    held, cost, _ = made(world, client)

    def meanwhile() -> None:
        write = WriteRequest(kind="prices", text=json.dumps(TENFOLD))
        world.ledger_of("acme").service.documents.write(write, world.now_ms())

    world.upstream_also = meanwhile
    client.call(x_agentwatch_session_id="s1")

    row = rows(world)[-1]
    assert (row["cost_nanousd"], row["price_version"]) == (cost, TABLE)
    assert made(world, client) == (10 * held, 10 * cost, f"{TABLE}+t1")


def test_what_an_sdk_tells_and_reports_goes_by_the_tenant_s_prices(world: World, client: Client, admin: Client) -> None:
    held = json.loads(client.ask("POST", "/v1/holds", TOLD).body)["held_usd"]
    put(admin, TENFOLD)

    dearer = json.loads(client.ask("POST", "/v1/holds", TOLD | {"hold_id": "evt_2"}).body)["held_usd"]
    client.ask("POST", "/v1/holds/evt_2/settle", REPORT)
    client.ask("POST", "/v1/ingest", REPORT)

    assert dearer == pytest.approx(10 * held)
    told = [(row["cost_nanousd"], row["price_version"]) for row in rows(world)]
    assert told == [(10 * BILLED_NANOUSD, f"{TABLE}+t1")] * 2


def test_a_price_that_is_nonsense_is_refused_and_the_old_one_holds(world: World, client: Client, admin: Client) -> None:
    put(admin, TENFOLD)

    status, answer = put(admin, {"models": {MINI: {"input_usd_per_mtok": "-1"}}})

    assert (status, answer["error"]["param"]) == (400, f'models["{MINI}"].input_usd_per_mtok')
    assert made(world, client)[1:] == (10 * BILLED_NANOUSD, f"{TABLE}+t1")
    assert admin.read("/v1/prices") == TENFOLD


def test_what_is_odd_about_prices_comes_with_the_receipt(admin: Client) -> None:
    status, receipt = put(admin, {"discount_percent": {"openai": "60"}})

    assert (status, [each["code"] for each in receipt["warnings"]]) == (200, ["large_discount"])


def test_a_tenant_s_prices_touch_nobody_else(world: World, isolate: Isolate, admin: Client) -> None:
    put(admin, FREE)

    Client(world, isolate, THEIR_TOKEN).call()

    (row,) = rows(world)
    assert (row["tenant"], row["cost_nanousd"], row["price_version"]) == ("other", BILLED_NANOUSD, TABLE)
    assert Client(world, isolate, OTHER).read("/v1/prices") == {}


def test_the_provider_s_own_bill_stays_the_charge(world: World, admin: Client) -> None:
    bill = {"usage": ANSWER["usage"] | {"cost_in_usd_ticks": 123_450_000}, "model": "grok-4", "choices": [{}]}
    world.answer = ScriptedAnswer(chunks=(json.dumps(bill).encode(),))
    put(admin, {"discount_percent": {"xai": "50"}})
    client = Client(world, an_isolate(XAI_API_KEY="sk"))

    answer = client.call({**CALL, "model": "grok-4"}, "/v1/proxy/xai/v1/chat/completions")

    assert answer.status == 200
    assert rows(world)[-1]["cost_nanousd"] == 12_345_000


# What is judged by the tenant's prices ---------------------------------------------------------------------------


def test_rules_and_chains_may_name_what_the_tenant_s_prices_know(admin: Client) -> None:
    rules = {"rules": [{"id": "a", "condition": {"model": "my-model"}, "action": {"type": "block"}}]}
    chains = {"chains": [{"match": {"model": "my-model"}, "hops": [{"provider": "openai", "model": "other-model"}]}]}
    assert put(admin, rules, "/v1/rules")[1]["warnings"][0]["code"] == "unknown_model"
    assert put(admin, chains, "/v1/failover")[0] == 400

    put(admin, {"aliases": {"openai/my-model": MINI, "openai/other-model": MINI}})

    assert "warnings" not in put(admin, rules, "/v1/rules")[1]
    assert "warnings" not in put(admin, chains, "/v1/failover")[1]


def test_a_rule_about_a_model_meets_its_aliases_too(client: Client, admin: Client) -> None:
    rule = {"id": "a", "condition": {"model": MINI}, "action": {"type": "block"}}
    put(admin, {"rules": [rule]}, "/v1/rules")
    put(admin, {"aliases": {"openai/my-model": MINI}})

    tried = admin.ask("POST", "/v1/rules/test", {"call": {"provider": "openai", "model": "my-model"}})
    answer = client.call({**CALL, "model": "my-model"})

    assert json.loads(tried.body)["ruling"]["done"]["action"] == "block"
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (403, "rule_blocked")


# The platform's ---------------------------------------------------------------------------------------------------


def test_the_platform_s_prices_are_the_operator_s_alone(world: World, isolate: Isolate, admin: Client) -> None:
    operator = Client(world, isolate, OPERATOR)
    for client, status in ((admin, 403), (Client(world, isolate), 403), (Client(world, isolate, None), 401)):
        for method, path in (("GET", ""), ("PUT", ""), ("GET", "/history")):
            assert client.ask(method, f"/v1/platform/prices{path}", {}, if_match="*").status == status
    assert operator.ask("GET", "/v1/prices").status == 403

    assert operator.read("/v1/platform/prices") == {}
    put_platform_s(world, HALF)

    assert operator.read("/v1/platform/prices") == HALF
    (version,) = operator.read("/v1/platform/prices/history")["versions"]
    assert (version["version"], version["written_by"]) == (1, "operator")
    assert admin.read("/v1/prices") == {}


def test_the_platform_s_price_reaches_every_tenant_once_the_cache_is_stale(world: World, client: Client) -> None:
    held, cost, _ = made(world, client)

    put_platform_s(world, HALF)
    assert made(world, client) == (held, cost, TABLE)
    world.pass_time(FRESH_MS)

    assert made(world, client) == (held // 2, cost // 2, f"{TABLE}+p1")
    Client(world, an_isolate(), THEIR_TOKEN).call()
    assert rows(world)[-1]["price_version"] == f"{TABLE}+p1"


def test_an_isolate_in_use_learns_of_it_behind_an_answer(world: World, client: Client) -> None:
    made(world, client)
    put_platform_s(world, HALF)

    world.pass_time(FRESH_MS - 1)
    assert made(world, client)[2] == TABLE

    assert made(world, client)[2] == f"{TABLE}+p1"


def test_whoever_took_the_write_knows_it_at_once(world: World, isolate: Isolate, client: Client) -> None:
    made(world, client)

    put_platform_s(world, HALF, isolate)

    assert made(world, client)[2] == f"{TABLE}+p1"


def test_a_tenant_s_prices_stand_before_the_platform_s(world: World, client: Client, admin: Client) -> None:
    cost = made(world, client)[1]
    put_platform_s(world, FREE)
    put(admin, TENFOLD)
    world.pass_time(FRESH_MS)

    _, dearer, version = made(world, client)

    assert (dearer, version) == (10 * cost, f"{TABLE}+p1+t1")


def test_a_tenant_s_alias_may_lead_to_what_the_platform_states(world: World, admin: Client) -> None:
    document = {"aliases": {"openai/mine": "openai/theirs"}}
    assert put(admin, document)[0] == 400
    put_platform_s(world, {"models": {"openai/theirs": {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2"}}})
    world.pass_time(FRESH_MS)

    assert put(admin, document) == (200, {"version": 1})


@pytest.mark.parametrize(
    "text", ["{}", "nonsense", '{"number":1,"digest":"x","documents":{"prices":{"free_models":[]}}}']
)
def test_what_cannot_be_read_of_the_platform_stops_nobody(world: World, client: Client, text: str) -> None:
    world.kv[KV_KEY] = text

    assert made(world, client)[1:] == (BILLED_NANOUSD, TABLE)
    assert PLATFORM not in world.ledgers


def test_while_kv_is_away_the_last_good_ones_hold(world: World, client: Client) -> None:
    held, cost, _ = made(world, client)
    put_platform_s(world, HALF)
    world.pass_time(FRESH_MS)
    made(world, client)

    world.failing_keys.add(KV_KEY)
    for _ in range(3):
        world.pass_time(FRESH_MS)
        assert made(world, client) == (held // 2, cost // 2, f"{TABLE}+p1")

    assert made(world, Client(world, an_isolate()))[2] == TABLE


def test_not_every_call_waits_for_a_part_that_does_not_answer(world: World, client: Client) -> None:
    reads: list[str] = []
    read = world._kv

    async def counted(key: str) -> str | None:
        reads.append(key)
        return await read(key)

    world._kv = counted  # type: ignore[method-assign]
    world.failing_keys.add(KV_KEY)
    for _ in range(5):
        made(world, client)

    assert reads.count(KV_KEY) == 1
