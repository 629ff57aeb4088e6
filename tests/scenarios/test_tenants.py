"""Tenants as their operator has them: made once, by steps that can be gone on with; written like any document; suspended."""

import json
from typing import Any

import pytest

from core.ledger.document_messages import WriteRequest
from core.ledger.lists.tenants import RegisterTenantRequest, TenantRequest
from core.ledger.mirror import mirror_key, mirror_text
from core.roles import OPERATOR as OPERATOR_ROLE
from core.roles import PLATFORM
from core.tenant.etag import etag
from exchange import Answer
from isolate import Isolate
from tests.support.api_client import (
    ADMIN,
    CALL,
    CHAT,
    OPERATOR,
    Client,
    a_world_with_administrators,
    an_isolate,
)
from tests.support.memory_ports import START_MS, TOKEN, Killed, World

REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}
HOLD = {"hold_id": "h", "model": "gpt-4o-mini", "dialect": "openai_chat", "input_bytes": 100}
SUSPENDED = (403, "tenant_suspended")


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate()


@pytest.fixture
def operator(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate, OPERATOR)


def body_of(answer: Answer) -> Any:
    return json.loads(answer.body)


def error_of(answer: Answer) -> tuple[int, str]:
    return answer.status, body_of(answer)["error"]["code"]


def registered(world: World, tenant: str = "acme") -> None:
    world.ledger_of(PLATFORM).service.answer(RegisterTenantRequest(tenant=tenant), world.now_ms())


def write(operator: Client, **document: Any) -> None:
    answer = operator.ask("PUT", "/v1/tenants/acme", document, if_match="*")
    assert answer.status == 200, answer.body


def copied_to_kv(world: World) -> None:
    """What the alarm of the tenant's Ledger does."""
    world.kv["t:acme:config"] = world.ledger_of("acme").service.documents.present().text


# Made -----------------------------------------------------------------------------------------------------


def test_a_tenant_is_made_with_a_key_that_opens_it(world: World, operator: Client) -> None:
    made = operator.ask("POST", "/v1/tenants", {"tenant": "new", "name": "New Ltd", "budget_max_usd": "10"})

    assert made.status == 201
    told = body_of(made)
    assert (told["tenant"], told["name"], told["version"]) == ("new", "New Ltd", 1)
    key = told["admin_key"]
    assert (key["role"], key["calls"], key["created_by"], key["state"]) == ("admin", False, OPERATOR_ROLE, "active")
    admin = Client(world, an_isolate(), key["token"])
    assert admin.read("/v1/whoami")["tenant"] == "new"
    assert next(each for each in admin.read("/v1/budget")["accounts"] if each["window"] == "month")["limit_usd"] == "10"
    agent = body_of(admin.ask("POST", "/v1/keys", {"name": "agent"}))
    assert Client(world, an_isolate(), agent["token"]).call().status == 200
    assert operator.read("/v1/tenants")["data"] == [{"tenant": "new", "created_at": START_MS}]
    assert operator.read("/v1/tenants/new")["budget_max_usd"] == "10"


def test_a_tenant_that_is_there_is_not_made_again(world: World, operator: Client) -> None:
    operator.ask("POST", "/v1/tenants", {"tenant": "new"})

    again = operator.ask("POST", "/v1/tenants", {"tenant": "new", "suspended": True})

    assert error_of(again) == (409, "already_exists")
    assert body_of(again)["error"]["param"] == "tenant"
    assert operator.read("/v1/tenants/new")["suspended"] is False
    assert len(world.ledger_of("new").service.keys.rows.page("", 10)) == 1


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({}, "tenant"),
        *(({"tenant": name}, "tenant") for name in ("", "a:b", PLATFORM, "x" * 65, "a\n", "ä", 5, None)),
        ({"tenant": "new", "session_budget_max_usd": "-1"}, "session_budget_max_usd"),
        ({"tenant": "new", "budget_max_usd": "1e3"}, "budget_max_usd"),
        ({"tenant": "new", "suspended": "no"}, "suspended"),
        ({"tenant": "new", "name": ""}, "name"),
        ({"tenant": "new", "nonsense": 1}, None),
    ],
    ids=str,
)
def test_a_tenant_that_cannot_be_is_refused_by_its_field(
    world: World, operator: Client, asked: dict[str, Any], param: str | None
) -> None:
    refused = operator.ask("POST", "/v1/tenants", asked)

    assert error_of(refused) == (400, "invalid_request")
    assert param is None or param in (body_of(refused)["error"]["param"] or body_of(refused)["error"]["message"])
    assert operator.read("/v1/tenants")["data"] == []


def test_where_the_making_of_a_tenant_ends_half_way_the_operator_goes_on() -> None:
    killed = set()
    for death in range(1, 30):
        world = a_world_with_administrators()
        operator = Client(world, an_isolate(), OPERATOR)
        world.dies_at = world.awaits + death
        try:
            answer = operator.ask("POST", "/v1/tenants", {"tenant": "new", "budget_max_usd": "10"})
        except Killed:
            world.dies_at = None
            again = operator.ask("POST", "/v1/tenants", {"tenant": "new", "budget_max_usd": "10"})
            killed.add(again.status)
            answer = again
            if again.status == 409:
                assert operator.ask("PUT", "/v1/tenants/new", {"budget_max_usd": "10"}, if_match="*").status == 200
                answer = operator.ask("POST", "/v1/tenants/new/admin-key")
            assert answer.status == 201
        world.dies_at = None
        made = body_of(answer)
        token = made["token"] if "token" in made else made["admin_key"]["token"]
        admin = Client(world, an_isolate(), token)
        assert admin.read("/v1/whoami")["role"] == "admin"
        assert operator.read("/v1/tenants/new")["budget_max_usd"] == "10"
    assert killed == {201, 409}


def test_a_tenant_made_by_hand_is_adopted_with_all_that_it_has(world: World, operator: Client) -> None:
    world.kv["t:acme:config"] = json.dumps({"unpriced_models": "block"})

    made = operator.ask("POST", "/v1/tenants", {"tenant": "acme"})

    assert made.status == 201
    copied_to_kv(world)
    client = Client(world, an_isolate())
    assert error_of(client.call({**CALL, "model": "unheard-of"})) == (400, "unpriced_model")
    assert client.call().status == 200
    assert Client(world, an_isolate(), ADMIN).read("/v1/config") == {"unpriced_models": "block"}


# Read and written -----------------------------------------------------------------------------------------


ROUTES = [
    ("GET", ""),
    ("PUT", ""),
    ("GET", "/history"),
    ("POST", "/admin-key"),
]


@pytest.mark.parametrize(("method", "rest"), ROUTES)
def test_a_tenant_on_no_list_is_nobody(world: World, operator: Client, method: str, rest: str) -> None:
    bodies = set()
    for name in ("unknown", "acme", "a:b", "@platform", "x" * 300):
        path = f"/v1/tenants/{name}{rest}"
        answer = operator.ask(method, path, {} if method == "PUT" else None, if_match="*")
        assert error_of(answer) == (404, "not_found")
        bodies.add(json.dumps({**body_of(answer)["error"], "request_id": ""}))
    assert len(bodies) == 1
    assert not world.ledger_of("acme").service.keys.rows.page("", 10)


def test_a_tenant_is_written_like_any_document(world: World, operator: Client) -> None:
    registered(world)
    nothing = operator.ask("GET", "/v1/tenants/acme")
    assert (nothing.headers["etag"], body_of(nothing)) == (etag(0), {})

    first = operator.ask("PUT", "/v1/tenants/acme", {"require_session": True}, if_match=etag(0))
    assert (first.status, first.headers["etag"]) == (200, etag(1))
    late = operator.ask("PUT", "/v1/tenants/acme", {}, if_match=etag(0))
    assert error_of(late) == (412, "version_changed")
    assert error_of(operator.ask("PUT", "/v1/tenants/acme", {})) == (428, "version_required")
    bad = operator.ask("PUT", "/v1/tenants/acme", {"budget_max_usd": "0"}, if_match="*")
    assert body_of(bad)["error"]["param"] == "budget_max_usd"

    (version,) = operator.read("/v1/tenants/acme/history")["versions"]
    assert (version["version"], version["written_by"]) == (1, OPERATOR_ROLE)
    assert operator.read("/v1/tenants/acme") == {"require_session": True}


def test_what_an_operator_does_is_in_the_log_of_that_tenant(world: World, operator: Client) -> None:
    registered(world)
    write(operator, suspended=True)

    (row,) = [each for each in world.records if each["type"] == "access"]

    assert (row["tenant"], row["actor"], row["method"], row["status"]) == ("acme", OPERATOR_ROLE, "PUT", 200)


def test_tenants_are_listed_page_by_page(world: World, operator: Client) -> None:
    for name in ("a", "b", "c"):
        registered(world, name)

    first = operator.read("/v1/tenants?limit=2")
    rest = operator.read(f"/v1/tenants?limit=2&after={first['next']}")

    assert [[each["tenant"] for each in page["data"]] for page in (first, rest)] == [["a", "b"], ["c"]]
    assert rest["next"] is None
    assert error_of(operator.ask("GET", "/v1/tenants?after=nonsense")) == (400, "invalid_request")


def test_a_tenant_s_administrator_cannot_write_what_its_operator_has(world: World, operator: Client) -> None:
    registered(world)
    write(operator, suspended=False, budget_max_usd="5")
    admin = Client(world, an_isolate(), ADMIN)

    assert error_of(admin.ask("PUT", "/v1/tenants/acme", {}, if_match="*")) == (403, "not_permitted")
    assert error_of(admin.ask("GET", "/v1/tenants/acme")) == (403, "not_permitted")
    assert error_of(admin.ask("PUT", "/v1/tenant", {}, if_match="*")) == (404, "route_not_found")


# Suspended ------------------------------------------------------------------------------------------------

CALLS = [
    (CHAT, CALL),
    ("/v1/chat/completions", CALL),
    ("/v1/responses", {"model": "gpt-4o-mini", "input": "hi", "max_output_tokens": 9}),
    ("/v1/messages", {**CALL, "model": "claude-haiku-4-5"}),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hi"}),
    ("/v1/proxy/openai/v1/responses", {"model": "gpt-4o-mini", "input": "hi", "max_output_tokens": 9}),
    ("/v1/proxy/anthropic/v1/messages", {**CALL, "model": "claude-haiku-4-5"}),
    ("/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}),
    ("/v1/proxy/groq/openai/v1/chat/completions", {**CALL, "model": "llama-3.1-8b-instant"}),
]
KEYS = {f"{name}_API_KEY": "k" for name in ("ANTHROPIC", "GEMINI", "GROQ")}


@pytest.mark.parametrize(("path", "call"), CALLS, ids=[path for path, _ in CALLS])
@pytest.mark.parametrize("knows", ["has just read", "has read nothing"])
def test_a_suspended_tenant_makes_no_call_in_any_isolate(
    world: World, operator: Client, path: str, call: Any, knows: str
) -> None:
    registered(world)
    client = Client(world, an_isolate(**KEYS))
    if knows == "has just read":
        client.ask("GET", "/v1/models")
    write(operator, suspended=True)

    refused = client.call(call, path)

    assert refused.status == 403
    assert b"tenant is suspended" in refused.body and refused.headers["x-should-retry"] == "false"
    assert world.sent == [] and world.month() == (0, 0)
    asked = world.ledger_calls
    assert client.call(call, path).status == 403
    assert world.ledger_calls == asked, "the isolate knows it now"


def test_a_suspended_tenant_holds_no_money_for_calls_of_an_sdk(world: World, operator: Client) -> None:
    registered(world)
    client = Client(world, an_isolate())
    client.ask("GET", "/v1/models")
    write(operator, suspended=True)

    assert error_of(client.ask("POST", "/v1/holds", HOLD)) == SUSPENDED
    assert world.month() == (0, 0)


def test_a_suspended_tenant_administers_nothing_from_then_on_and_it_is_in_the_log(
    world: World, operator: Client
) -> None:
    registered(world)
    admin = Client(world, an_isolate(), ADMIN)
    assert admin.ask("GET", "/v1/config").status == 200
    write(operator, suspended=True)

    for method, path, body in (
        ("GET", "/v1/config", None),
        ("PUT", "/v1/config", {}),
        ("PUT", "/v1/budget", {"limit_usd": "5"}),
        ("GET", "/v1/whoami", None),
        ("POST", "/v1/keys", {"name": "x"}),
        ("GET", "/v1/teams", None),
    ):
        assert error_of(admin.ask(method, path, body, if_match="*")) == SUSPENDED, path

    refused = [each for each in world.records if each["type"] == "access" and each["status"] == 403]
    assert {each["error_code"] for each in refused} == {"tenant_suspended"}


def test_what_costs_nothing_stops_when_the_isolate_reads_again(world: World, operator: Client) -> None:
    registered(world)
    client = Client(world, an_isolate())
    client.ask("GET", "/v1/models")
    write(operator, suspended=True)
    copied_to_kv(world)

    world.pass_time(10_000)

    assert error_of(client.ask("GET", "/v1/proxy/openai/v1/models")) == SUSPENDED
    assert error_of(client.ask("GET", "/v1/models")) == SUSPENDED
    assert error_of(client.ask("GET", "/v1/budget-check?session_id=s")) == SUSPENDED


def test_what_was_spent_before_is_still_reported(world: World, operator: Client) -> None:
    registered(world)
    client = Client(world, an_isolate())
    assert client.ask("POST", "/v1/holds", HOLD).status == 200
    write(operator, suspended=True)
    copied_to_kv(world)
    world.pass_time(10_000)

    assert client.ask("POST", "/v1/holds/h/settle", REPORT).status == 200
    assert client.ask("POST", "/v1/ingest", REPORT).body == b"Success"
    assert world.month() == (2 * (100 * 150 + 10 * 600), 0)


def test_a_suspension_is_lifted_by_the_operator_whom_it_does_not_stop(world: World, operator: Client) -> None:
    registered(world)
    client, admin = Client(world, an_isolate()), Client(world, an_isolate(), ADMIN)
    write(operator, suspended=True)
    assert client.call().status == 403
    assert operator.read("/v1/tenants/acme") == {"suspended": True}
    assert operator.ask("POST", "/v1/tenants/acme/admin-key").status == 201

    write(operator, suspended=False)
    copied_to_kv(world)

    assert admin.ask("GET", "/v1/config").status == 200
    world.pass_time(10_000)
    assert client.call().status == 200


def test_another_tenant_is_not_suspended_with_it(world: World, operator: Client) -> None:
    registered(world)
    other = "aw_live_" + "56" * 24
    world.knows(other, tenant="other", key_id="key_1")
    write(operator, suspended=True)

    assert Client(world, an_isolate(), other).call().status == 200


# A session for every call ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["operator", "tenant"])
@pytest.mark.parametrize(("path", "call"), CALLS, ids=[path for path, _ in CALLS])
def test_calls_that_cost_money_name_their_session_where_they_have_to(
    world: World, operator: Client, path: str, call: Any, by: str
) -> None:
    registered(world)
    client = Client(world, an_isolate(**KEYS))
    client.ask("GET", "/v1/models")
    kind = "tenant" if by == "operator" else "config"
    world.ledger_of("acme").service.answer(WriteRequest(kind=kind, text='{"require_session":true}'), START_MS)

    refused = client.call(call, path)

    assert refused.status == 400
    assert b"every call of this tenant names its session: send x-agentwatch-session-id" in refused.body
    assert world.sent == []
    client.call(call, path, x_agentwatch_session_id="s")
    assert len(world.sent) == 1


def test_a_hold_names_its_session_too_and_what_costs_nothing_does_not(world: World, operator: Client) -> None:
    registered(world)
    client = Client(world, an_isolate())
    client.ask("GET", "/v1/models")
    write(operator, require_session=True)

    refused = client.ask("POST", "/v1/holds", HOLD)

    assert error_of(refused) == (400, "session_required")
    assert body_of(refused)["error"]["param"] == "session_id"
    assert client.ask("POST", "/v1/holds", {**HOLD, "session_id": "s"}).status == 200
    assert client.ask("GET", "/v1/proxy/openai/v1/models").status == 200


# Ceilings -------------------------------------------------------------------------------------------------


def test_a_session_s_budget_stays_within_the_ceiling_whoever_states_it(world: World, operator: Client) -> None:
    registered(world)
    admin, client = Client(world, an_isolate(), ADMIN), Client(world, an_isolate())
    write(operator, session_budget_max_usd="0.01")

    called = client.call(x_agentwatch_session_id="s", x_agentwatch_budget_usd="5")
    held = client.ask("POST", "/v1/holds", {**HOLD, "session_id": "t", "session_budget_usd": "5"})

    spent = (100 * 150 + 10 * 600) / 1e9
    assert float(called.headers["x-agentwatch-session-remaining-usd"]) == pytest.approx(0.01 - spent)
    assert body_of(held)["budget"]["limit_usd"] == 0.01
    assert client.read("/v1/budget-check?session_id=unused")["limit_usd"] == 0.01
    for change in ({"limit_usd": "0.02"}, {"limit_usd": None}):
        refused = admin.ask("PUT", "/v1/sessions/s", change)
        error = body_of(refused)["error"]
        assert (refused.status, error["param"], error["ceiling_usd"]) == (400, "limit_usd", "0.01")
    assert error_of(admin.ask("PUT", "/v1/sessions/s", {"hard": False})) == (400, "invalid_request")
    assert admin.put("/v1/sessions/s", {"limit_usd": "0.005"})["accounts"][0]["limit_usd"] == "0.005"


def test_a_session_that_a_ceiling_has_stopped_may_go_on_under_a_higher_one(world: World, operator: Client) -> None:
    registered(world)
    write(operator, session_budget_max_usd="0.00002")
    Client(world, an_isolate()).ask("POST", "/v1/ingest", {**REPORT, "session_id": "s"})
    ledger = world.ledger_of("acme").service
    world.kv[mirror_key("acme", "s")] = mirror_text(ledger.session_views(["s"])[0])
    copied_to_kv(world)
    stopped = Client(world, an_isolate()).read("/v1/budget-check?session_id=s")
    assert (stopped["exceeded"], stopped["source"]) == (True, "kv")

    write(operator, session_budget_max_usd="1")
    copied_to_kv(world)

    goes_on = Client(world, an_isolate()).read("/v1/budget-check?session_id=s")
    assert (goes_on["exceeded"], goes_on["limit_usd"], goes_on["source"]) == (False, 1, "ledger")


def test_a_tenant_s_month_is_set_below_its_ceiling_and_no_higher(world: World, operator: Client) -> None:
    registered(world)
    admin = Client(world, an_isolate(), ADMIN)
    write(operator, budget_max_usd="10")

    refused = {
        member: admin.put("/v1/budget", {member: value})
        for member, value in (("limit_usd", "10.01"), ("limit_usd", None), ("hard", False), ("reset", True))
    }

    assert {name: (error["param"], error["ceiling_usd"]) for name, error in refused.items()} == {
        "limit_usd": ("limit_usd", "10"),
        "hard": ("hard", "10"),
        "reset": ("reset", "10"),
    }
    changed = admin.put("/v1/budget", {"limit_usd": "4"})["accounts"]
    assert next(each for each in changed if each["window"] == "month")["limit_usd"] == "4"
    assert admin.ask("PUT", "/v1/budget", {"window": "day", "limit_usd": "99"}).status == 200


def test_a_default_above_the_tenant_s_own_ceiling_is_odd_and_told(world: World) -> None:
    admin = Client(world, an_isolate(), ADMIN)

    document = {"session_budget_usd": "5", "session_budget_max_usd": "2", "require_session": False}
    written = admin.ask("PUT", "/v1/config", document, if_match="*")

    assert [each["code"] for each in body_of(written)["warnings"]] == ["above_ceiling"]
    bad = admin.ask("PUT", "/v1/config", {"session_budget_max_usd": "x"}, if_match="*")
    assert body_of(bad)["error"]["param"] == "session_budget_max_usd"


def test_the_list_of_tenants_is_away_with_its_ledger(world: World, operator: Client) -> None:
    registered(world)
    world.is_ledger_away = True

    assert error_of(operator.ask("GET", "/v1/tenants")) == (503, "budget_unavailable")
    assert error_of(operator.ask("GET", "/v1/tenants/acme")) == (503, "budget_unavailable")
    world.is_ledger_away = False
    assert world.ledger_of(PLATFORM).service.answer(TenantRequest(tenant="acme"), START_MS).tenant == "acme"
    assert Client(world, an_isolate(), TOKEN).ask("GET", "/v1/tenants").status == 403


def test_what_tenants_share_at_a_provider_is_reached_by_the_operator_s_word_alone(
    world: World, operator: Client, isolate: Isolate
) -> None:
    files = "/v1/proxy/openai/v1/files"
    member, admin = Client(world, isolate), Client(world, isolate, ADMIN)
    assert admin.ask("PUT", "/v1/config", {"allow_unmetered_paths": True}, if_match="*").status == 200
    assert member.ask("GET", files).status == 200, "a tenant without an operator is its own"

    registered(world)
    write(operator, name="Acme")
    world.pass_time(60_000)
    copied_to_kv(world)
    refused = error_of(member.ask("GET", files))
    write(operator, name="Acme", reaches_shared_accounts=True)
    world.pass_time(60_000)
    copied_to_kv(world)

    assert refused == (403, "shared_account")
    assert member.ask("GET", files).status == 200
