"""A tenant's own provider keys: chosen before the Worker's, behind the caller's, sealed at rest, and never replaced by
another key when they do not open."""

import json
from typing import Any

import pytest

from core.ledger.document_messages import WriteRequest
from core.tenant.documents import copy_text
from isolate import Isolate
from tests.support.aes_sealing import FIRST, SECOND, AesSealing
from tests.support.api_client import ADMIN, ANSWER, CALL, CHAT, OTHER, Client, a_world_with_administrators
from tests.support.failover import an_error, an_isolate_with_keys, chat_answer, write_chain
from tests.support.memory_ports import START_MS, ScriptedAnswer, World

KEY = "sk-proj-T3nantsOwnK3yForOpenAI0"
KEY_ANTHROPIC = "sk-ant-api03-T3nantsOwnK3yForAnthropic"
CALLERS = "sk-proj-C4llersOwnK3yForOpenAI0"
WORKERS = "sk-openai"
FILES = "/v1/proxy/openai/v1/files"


@pytest.fixture
def world() -> World:
    world = a_world_with_administrators({"requests_per_minute": 1_000_000})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate_with_keys()


@pytest.fixture
def admin(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate, ADMIN)


@pytest.fixture
def member(world: World, isolate: Isolate) -> Client:
    return Client(world, isolate)


def set_key(admin: Client, key: str = KEY, provider: str = "openai") -> Any:
    answer = admin.ask("PUT", f"/v1/provider-keys/{provider}", {"key": key})
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def shown(world: World) -> str:
    """The key of the last call that a provider got."""
    headers = world.sent[-1].headers
    return headers.get("authorization", "").removeprefix("Bearer ") or headers.get("x-api-key", "")


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["error"]["code"]


def stored(world: World, tenant: str = "acme") -> str:
    """The copy of the tenant's documents, as KV and every isolate get it."""
    return str(world.ledger_of(tenant).service.documents.present().text)


def put_stored(world: World, **sealed: str) -> None:
    """Have the Ledger and KV hold other sealed texts, as whoever may write there could."""
    entry = {"last_four": "AI0", "set_at": 0, "set_by": "key:x"}
    text = json.dumps({"keys": {provider: {**entry, "sealed": each} for provider, each in sealed.items()}})
    world.ledger_of("acme").service.documents.write(WriteRequest(kind="provider_keys", text=text), START_MS)
    world.kv["t:acme:config"] = stored(world)


def sealed_of(world: World, tenant: str = "acme", provider: str = "openai") -> str:
    documents = json.loads(stored(world, tenant))["documents"]
    return str(documents["provider_keys"]["keys"][provider]["sealed"])


# Whose key a call is made with ----------------------------------------------------------------------------


def test_the_tenant_s_key_goes_before_the_worker_s_until_it_is_taken_away(
    world: World, admin: Client, member: Client
) -> None:
    keys = []
    for step in (lambda: None, lambda: set_key(admin), lambda: admin.ask("DELETE", "/v1/provider-keys/openai")):
        step()
        assert member.call().status == 200
        keys.append(shown(world))

    assert keys == [WORKERS, KEY, WORKERS]


def test_the_caller_s_own_key_goes_before_the_tenant_s(world: World, admin: Client, member: Client) -> None:
    set_key(admin)

    member.call(x_agentwatch_key=f"{'aw_live_' + 'ab' * 24}:{CALLERS}")

    assert shown(world) == CALLERS


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", CHAT, CALL),
        ("POST", "/v1/chat/completions", {**CALL, "model": "openai/gpt-4o-mini"}),
        ("GET", "/v1/proxy/openai/v1/models", None),
    ],
)
def test_every_kind_of_call_is_made_with_it(
    world: World, admin: Client, member: Client, method: str, path: str, body: Any
) -> None:
    set_key(admin)

    assert member.ask(method, path, body).status == 200
    assert shown(world) == KEY


def test_tokens_are_counted_with_it(world: World, admin: Client, member: Client) -> None:
    set_key(admin, KEY_ANTHROPIC, "anthropic")
    body = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "hi"}]}

    assert member.ask("POST", "/v1/messages/count_tokens", body).status == 200
    assert shown(world) == KEY_ANTHROPIC


def test_another_isolate_learns_of_it_with_its_next_metered_call(world: World, admin: Client, member: Client) -> None:
    elsewhere = Client(world, an_isolate_with_keys())
    elsewhere.call()

    set_key(admin)
    elsewhere.call()

    assert shown(world) == KEY


def test_a_hop_of_a_chain_is_asked_with_the_tenant_s_key_for_its_provider(
    world: World, isolate: Isolate, admin: Client, member: Client
) -> None:
    write_chain(world, isolate, ("anthropic", "claude-haiku-4-5"))
    set_key(admin, KEY_ANTHROPIC, "anthropic")
    world.answers = {"openai": [an_error(500)], "anthropic": [chat_answer("anthropic")]}

    assert member.call().status == 200

    assert [each.headers.get("authorization", "") for each in world.sent[:1]] == [f"Bearer {WORKERS}"]
    assert shown(world) == KEY_ANTHROPIC


def test_a_tenant_s_key_is_no_other_tenant_s(world: World, isolate: Isolate, admin: Client) -> None:
    set_key(admin)
    world.knows("aw_live_" + "77" * 24, tenant="other", key_id="key_7")

    Client(world, isolate, "aw_live_" + "77" * 24).call()

    assert shown(world) == WORKERS


def test_what_is_stored_under_the_tenant_s_account_is_within_reach(world: World, admin: Client, member: Client) -> None:
    call = {**CALL, "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}
    refused = [error_of(member.ask("GET", FILES)), error_of(member.call(call))]

    set_key(admin)

    assert refused == [(403, "shared_account")] * 2
    assert [member.ask("GET", FILES).status, member.call(call).status] == [200, 200]
    assert shown(world) == KEY


def test_who_pays_among_the_tenant_s_projects_is_not_the_caller_s_choice(
    world: World, admin: Client, member: Client
) -> None:
    set_key(admin)

    member.call(openai_project="proj_other")

    assert "openai-project" not in world.sent[-1].headers


def test_a_tenant_s_key_that_its_provider_does_not_take_is_told(
    world: World, isolate: Isolate, admin: Client, member: Client
) -> None:
    write_chain(world, isolate, ("anthropic", "claude-haiku-4-5"))
    set_key(admin)
    world.answers = {"openai": [an_error(401)], "anthropic": [chat_answer("anthropic")]}

    member.call()

    assert [each["alert_key"].split(":")[:3] for each in world.records if each["type"] == "alert"] == [
        ["provider_account", "openai", "key"]
    ]


def test_a_key_is_opened_once_however_often_it_is_used(world: World, admin: Client, member: Client) -> None:
    set_key(admin)

    for _ in range(5):
        member.call()
    admin.ask("PUT", "/v1/config", {"budget_wait_s": 4}, if_match="*")
    member.call()

    assert isinstance(world.sealing, AesSealing) and world.sealing.opened == 1
    assert shown(world) == KEY


# Keys that do not open ------------------------------------------------------------------------------------


def spoilt(sealed: str) -> str:
    return sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]


@pytest.mark.parametrize(
    "how", ["changed", "moved here from another tenant", "moved from another provider", "key gone"]
)
@pytest.mark.parametrize(("method", "path"), [("POST", CHAT), ("GET", "/v1/proxy/openai/v1/models")])
def test_a_key_that_does_not_open_stops_the_call(
    world: World, isolate: Isolate, admin: Client, how: str, method: str, path: str
) -> None:
    set_key(admin)
    set_key(admin, KEY_ANTHROPIC, "anthropic")
    set_key(Client(world, isolate, OTHER))
    texts = {
        "changed": spoilt(sealed_of(world)),
        "moved here from another tenant": sealed_of(world, "other"),
        "moved from another provider": sealed_of(world, provider="anthropic"),
        "key gone": sealed_of(world),
    }
    put_stored(world, openai=texts[how])
    if how == "key gone":
        world.sealing = AesSealing(SECOND)

    answer = Client(world, an_isolate_with_keys()).ask(method, path, CALL if method == "POST" else None)

    assert error_of(answer) == (503, "invalid_configuration")
    assert json.loads(answer.body)["error"]["provider"] == "openai"
    assert world.sent == []
    (alert,) = [each for each in world.records if each["type"] == "alert"]
    assert alert["alert_key"].startswith("provider_account:openai:sealed") and "openai" in alert["summary"]


def test_another_provider_is_asked_all_the_same(world: World, admin: Client) -> None:
    put_stored(world, anthropic="v1.k9.AAAA")

    assert Client(world, an_isolate_with_keys()).call().status == 200
    assert shown(world) == WORKERS


def test_a_caller_with_a_key_of_its_own_needs_none_of_the_tenant_s(world: World) -> None:
    put_stored(world, openai="v1.k9.AAAA")
    member = Client(world, an_isolate_with_keys())

    assert member.call(x_agentwatch_key=f"{'aw_live_' + 'ab' * 24}:{CALLERS}").status == 200


def test_a_hop_whose_key_does_not_open_is_left_out(world: World, isolate: Isolate, member: Client) -> None:
    write_chain(world, isolate, ("anthropic", "claude-haiku-4-5"), ("groq", "llama-3.3-70b-versatile"))
    put_stored(world, anthropic="v1.k9.AAAA")
    world.answers = {"openai": [an_error(500)], "groq": [chat_answer("groq")]}

    answer = member.call()

    assert (answer.status, answer.headers["x-agentwatch-provider"]) == (200, "groq")
    assert all("anthropic" not in each.url for each in world.sent)


# Administration -------------------------------------------------------------------------------------------


def test_a_key_is_listed_by_its_last_characters_and_nothing_more(world: World, admin: Client) -> None:
    entry = set_key(admin)

    assert entry == {
        "provider": "openai", "last_four": KEY[-4:], "set_at": START_MS, "set_by": "key:key_acme", "sealed_with": "k1",
    }  # fmt: skip
    assert admin.read("/v1/provider-keys") == {"data": [entry], "next": None}


def test_a_provider_that_is_none_is_not_found(admin: Client) -> None:
    for method in ("PUT", "DELETE"):
        assert error_of(admin.ask(method, "/v1/provider-keys/nobody", {"key": KEY})) == (404, "not_found")


@pytest.mark.parametrize(
    "body", [{"key": "a b" * 20}, {"key": "aw_live_" + "ab" * 24}, {"key": KEY_ANTHROPIC}, {"key": ""}, {"key": 7}]
)
def test_what_is_no_key_is_refused_naming_the_field_and_repeating_nothing(
    world: World, admin: Client, body: dict[str, Any]
) -> None:
    answer = admin.ask("PUT", "/v1/provider-keys/openai", body)

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "key")
    assert str(body["key"]) == "" or str(body["key"]).encode() not in answer.body or body["key"] == 7
    assert admin.read("/v1/provider-keys")["data"] == []


def test_without_a_key_to_seal_with_nothing_is_stored(world: World, admin: Client) -> None:
    world.sealing = AesSealing()
    world.sealing.keys = ()

    answer = admin.ask("PUT", "/v1/provider-keys/openai", {"key": KEY})

    assert error_of(answer) == (503, "invalid_configuration") and b"KEY_ENCRYPTION_KEY" in answer.body
    assert "provider_keys" not in stored(world)


def test_of_two_who_set_keys_at_once_neither_is_lost(world: World, admin: Client) -> None:
    ledger = world.ledger_of("acme")
    tell, meddled = ledger.tell, []

    async def meddling(question: Any) -> Any:
        if isinstance(question, WriteRequest) and not meddled:
            meddled.append(question)
            put_stored(world, groq="v1.k1.BBBB")
        return await tell(question)

    ledger.tell = meddling

    set_key(admin)

    assert meddled and [each["provider"] for each in admin.read("/v1/provider-keys")["data"]] == ["groq", "openai"]


def test_a_key_that_was_replaced_is_nowhere_any_more(world: World, admin: Client) -> None:
    set_key(admin)
    before = sealed_of(world)

    set_key(admin, CALLERS)

    assert before not in "\n".join(world.ledger_of("acme").rows.connection.iterdump())


def test_sealing_anew_leaves_nothing_under_the_old_key(world: World, admin: Client, member: Client) -> None:
    set_key(admin)
    admin.ask("POST", "/v1/webhooks/secret", {})
    world.sealing = AesSealing(SECOND, FIRST)

    answer = admin.ask("POST", "/v1/reseal")
    world.sealing = AesSealing(SECOND)

    assert json.loads(answer.body)["data"] == [
        {"what": "provider_key:openai", "sealed_with": "k2", "fault": None},
        {"what": "webhook_secret:webhook", "sealed_with": "k2", "fault": None},
    ]
    assert Client(world, an_isolate_with_keys()).call().status == 200
    assert shown(world) == KEY


def test_sealing_anew_what_is_sealed_with_the_present_key_writes_nothing(world: World, admin: Client) -> None:
    set_key(admin)
    number = json.loads(stored(world))["number"]

    admin.ask("POST", "/v1/reseal")

    assert json.loads(stored(world))["number"] == number


def test_what_cannot_be_opened_is_left_as_it_is_and_said(world: World, admin: Client) -> None:
    set_key(admin)
    before = sealed_of(world)
    world.sealing = AesSealing(SECOND)

    (entry,) = json.loads(admin.ask("POST", "/v1/reseal").body)["data"]

    assert (entry["sealed_with"], sealed_of(world)) == ("k1", before) and entry["fault"]


def test_a_copy_under_a_made_up_number_is_not_believed(world: World, admin: Client, member: Client) -> None:
    set_key(admin)
    world.kv["t:acme:config"] = copy_text(99, {"provider_keys": "{}"})

    Client(world, an_isolate_with_keys()).call()

    assert shown(world) == KEY
