"""The configuration as a document: nobody's change is lost, and a change holds from the next metered call on."""

import json
from typing import Any

import pytest

from core.bounds import DOCUMENT_CHARACTERS_MAX
from core.ledger.document_messages import WriteRequest
from core.ledger.messages import AdmitRequest
from core.tenant.credentials import digest
from core.tenant.documents import copy_text
from core.tenant.etag import etag
from isolate import Isolate
from settings import parse_settings
from tests.support.api_client import ADMIN, OTHER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

CHAT = "/v1/proxy/openai/v1/chat/completions"
CALL = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}
UNPRICED = {**CALL, "model": "unheard-of"}
REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}
STOLEN = "aw_live_" + "99" * 24
TOO_LONG = json.dumps({"disabled_keys": ["key_1"], "slack_webhook_url": "x" * DOCUMENT_CHARACTERS_MAX})
KV_KEY = "t:acme:config"


@pytest.fixture
def world() -> World:
    world = a_world_with_administrators()
    usage = {"prompt_tokens": 5, "completion_tokens": 1}
    world.answer = ScriptedAnswer(chunks=(json.dumps({"id": "c", "choices": [], "usage": usage}).encode(),))
    return world


def write(client: Client, document: Any, version: int) -> int:
    """Returns the version written."""
    answer = client.ask("PUT", "/v1/config", document, if_match=etag(version))
    assert answer.status == 200, answer.body
    assert answer.headers["etag"] == etag(json.loads(answer.body)["version"])
    return int(json.loads(answer.body)["version"])


def error_of(answer: Any) -> Any:
    return answer.status, json.loads(answer.body)["error"]


def admissions(world: World) -> list[int | None]:
    """By which number each admission was asked; filled as the Ledger is."""
    ledger, numbers = world.ledger_of("acme"), []
    tell = ledger.tell

    async def noted(question: Any) -> Any:
        if isinstance(question, AdmitRequest):
            numbers.append(question.documents_number)
        return await tell(question)

    ledger.tell = noted
    return numbers


# Writing ------------------------------------------------------------------------------------------------------


def test_of_two_administrators_who_write_at_once_one_is_told_and_nothing_is_lost(world: World) -> None:
    one, other = Client(world, an_isolate(), ADMIN), Client(world, an_isolate(), ADMIN)
    version = write(one, {"budget_wait_s": 5}, 0)
    read = [client.ask("GET", "/v1/config") for client in (one, other)]
    assert [answer.headers["etag"] for answer in read] == [etag(version)] * 2

    write(one, {**json.loads(read[0].body), "fail_closed": True}, version)
    late = other.ask(
        "PUT", "/v1/config", {**json.loads(read[1].body), "stream_cut": "truncate"}, if_match=etag(version)
    )

    status, error = error_of(late)
    assert (status, error["code"], error["param"], error["present_version"]) == (412, "version_changed", "if-match", 2)
    present = other.ask("GET", "/v1/config")
    assert (json.loads(present.body), present.headers["etag"]) == ({"budget_wait_s": 5, "fail_closed": True}, etag(2))
    write(other, {**json.loads(present.body), "stream_cut": "truncate"}, 2)
    assert one.read("/v1/config") == {"budget_wait_s": 5, "fail_closed": True, "stream_cut": "truncate"}


BAD_WRITES = [
    ({}, {}, 428, "version_required", "if-match"),
    ({}, {"if_match": "7"}, 400, "invalid_request", "if-match"),
    ({"fail_closd": True}, {"if_match": "*"}, 400, "invalid_request", None),
    ({"budget_wait_s": 121}, {"if_match": "*"}, 400, "invalid_request", "budget_wait_s"),
    ({"session_budget_usd": "-1"}, {"if_match": "*"}, 400, "invalid_request", "session_budget_usd"),
    ([], {"if_match": "*"}, 400, "invalid_request", None),
    ({"webhook_url": "https://10.0.0.1/"}, {"if_match": "*"}, 400, "invalid_request", "webhook_url"),
    ({"slack_webhook_url": "hooks.slack.com"}, {"if_match": "*"}, 400, "invalid_request", "slack_webhook_url"),
    ({"disabled_keys": ["x" * 300]}, {"if_match": "*"}, 400, "invalid_request", "disabled_keys[0]"),
    ({}, {"if_match": etag(3)}, 412, "version_changed", "if-match"),
]


@pytest.mark.parametrize(
    ("document", "headers", "status", "code", "param"), BAD_WRITES, ids=lambda each: str(each)[:40]
)
def test_a_write_that_is_refused_says_why_and_writes_nothing(
    admin: Client, document: Any, headers: dict[str, str], status: int, code: str, param: str | None
) -> None:
    write(admin, {"budget_wait_s": 5}, 0)

    got, error = error_of(admin.ask("PUT", "/v1/config", document, **headers))

    assert (got, error["code"]) == (status, code)
    assert param is None or error["param"] == param
    assert admin.read("/v1/config") == {"budget_wait_s": 5}


GOOD = {
    "config": {"budget_wait_s": 5, "disabled_keys": ["a", "b"]},
    "rules": {"rules": [{"id": "a", "condition": {"always": True}, "action": {"type": "allow"}}]},
    "failover": {
        "chains": [{"match": {"model": "gpt-4o-mini"}, "hops": [{"provider": "groq", "model": "llama-3.1-8b-instant"}]}]
    },
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_there_already_is_not_written_again(admin: Client, kind: str) -> None:
    path = f"/v1/{kind}"
    first = admin.ask("PUT", path, GOOD[kind], if_match="*")
    read = admin.ask("GET", path)

    as_read = admin.ask("PUT", path, read.body, if_match=read.headers["etag"])
    in_other_words = json.dumps(dict(reversed(GOOD[kind].items())), indent=2).encode()
    otherwise = admin.ask("PUT", path, in_other_words, if_match="*")

    assert [each.headers["etag"] for each in (first, as_read, otherwise)] == [etag(1)] * 3
    assert (as_read.status, as_read.body, admin.ask("GET", path).body) == (200, first.body, read.body)
    assert [each["version"] for each in admin.read(f"{path}/history")["versions"]] == [1]


def test_whoever_has_an_old_version_is_told_so_though_he_would_change_nothing(admin: Client) -> None:
    write(admin, {"budget_wait_s": 5}, 0)
    write(admin, {"budget_wait_s": 6}, 1)

    assert error_of(admin.ask("PUT", "/v1/config", {"budget_wait_s": 6}, if_match=etag(1)))[0] == 412


def test_any_of_several_versions_may_be_the_one_that_is_replaced(admin: Client) -> None:
    write(admin, {"budget_wait_s": 5}, 0)

    assert error_of(admin.ask("PUT", "/v1/config", {}, if_match='"7", "8"'))[0] == 412
    assert admin.ask("PUT", "/v1/config", {}, if_match='"7", W/"1"').status == 200


def test_a_document_may_be_written_only_where_there_is_none(admin: Client) -> None:
    first = admin.ask("PUT", "/v1/config", {"budget_wait_s": 5}, if_none_match="*")
    second = error_of(admin.ask("PUT", "/v1/config", {}, if_none_match="*"))

    assert (first.status, second[0], second[1]["present_version"]) == (200, 412, 1)


def test_a_document_that_nobody_has_written_has_no_version_to_replace(admin: Client) -> None:
    status, error = error_of(admin.ask("PUT", "/v1/config", {}, if_match=etag(3)))

    assert (status, error["present_version"], "nobody has written" in error["message"]) == (412, 0, True)


FAULTY: dict[str, tuple[Any, dict[str, str]]] = {
    "config": (
        {"budget_wait_s": 121, "fail_closd": True, "disabled_keys": ["a", ""]},
        {
            "/budget_wait_s": "wrong_value",
            "/fail_closd": "unknown_member",
            "/disabled_keys/1": "wrong_value",
        },
    ),
    "rules": (
        {"rules": [{"id": "a", "condition": {"hour_min": 24}, "action": {"type": "allow"}}, {"id": "b", "x": 1}]},
        {
            "/rules/0/condition/hour_min": "wrong_value",
            "/rules/1/x": "unknown_member",
            "/rules/1/condition": "missing_member",
            "/rules/1/action": "missing_member",
        },
    ),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_all_mistakes_of_a_document_are_told_at_once(admin: Client, kind: str) -> None:
    document, expected = FAULTY[kind]

    status, error = error_of(admin.ask("PUT", f"/v1/{kind}", document, if_match="*"))

    assert (status, {each["pointer"]: each["code"] for each in error["errors"]}) == (400, expected)


@pytest.mark.parametrize(
    ("kind", "document", "pointers"),
    [
        (
            "rules",
            {"rules": [{"id": name, "condition": {}, "action": {"type": "allow"}} for name in ("a", "b")]},
            ["/rules/0/condition", "/rules/1/condition"],
        ),
        (
            "failover",
            {
                "chains": [
                    {"match": {"model": "gpt-4o"}, "hops": [{"provider": name, "model": "x"}]} for name in ("a", "b")
                ]
            },
            ["/chains/0/hops/0/provider", "/chains/1/hops/0/provider"],
        ),
    ],
    ids=["rules", "failover"],
)
def test_mistakes_beyond_a_member_s_form_are_told_for_each_part(
    admin: Client, kind: str, document: Any, pointers: list[str]
) -> None:
    status, error = error_of(admin.ask("PUT", f"/v1/{kind}", document, if_match="*"))

    assert (status, [each["pointer"] for each in error["errors"]]) == (400, pointers)
    assert error["message"].endswith(error["errors"][0]["message"])


def test_a_configuration_with_two_readings_is_refused(admin: Client) -> None:
    twice = b'{"fail_closed": true, "fail_closed": false}'

    status, error = error_of(admin.ask("PUT", "/v1/config", twice, if_match="*"))

    assert (status, error["param"], error["errors"][0]["code"]) == (400, "fail_closed", "repeated_member")


def test_a_document_too_long_to_keep_is_refused_by_its_length(admin: Client) -> None:
    long = {"slack_webhook_url": "https://" + "x" * DOCUMENT_CHARACTERS_MAX}

    assert error_of(admin.ask("PUT", "/v1/config", long, if_match="*"))[0] == 413


def test_whoever_does_not_care_what_is_there_replaces_whatever_is(admin: Client) -> None:
    write(admin, {"budget_wait_s": 5}, 0)

    assert admin.ask("PUT", "/v1/config", {}, if_match="*").status == 200
    assert admin.read("/v1/config") == {}


def test_before_anything_is_written_a_document_is_empty_and_its_version_zero(admin: Client) -> None:
    answer = admin.ask("GET", "/v1/config")

    assert (answer.body, answer.headers["etag"]) == (b"{}", etag(0))
    assert admin.read("/v1/config/history") == {"versions": [], "next_below": None}


def test_versions_are_kept_with_who_and_when(admin: Client, world: World) -> None:
    for wait_s in range(3):
        write(admin, {"budget_wait_s": wait_s}, wait_s)

    page = admin.read("/v1/config/history?limit=2")
    assert [each["version"] for each in page["versions"]] == [3, 2]
    assert page["versions"][0] == {"version": 3, "written_at_ms": world.now_ms(), "written_by": "key:key_acme"}
    assert [each["version"] for each in admin.read("/v1/config/history?below=2")["versions"]] == [1]
    assert admin.read("/v1/config?version=1") == {"budget_wait_s": 0}
    assert error_of(admin.ask("GET", "/v1/config?version=9"))[1]["param"] == "version"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/history"), ("PUT", "")])
def test_documents_are_the_administrators_business(world: World, method: str, path: str) -> None:
    member = Client(world, an_isolate(), TOKEN)

    status, error = error_of(member.ask(method, f"/v1/config{path}", {} if method == "PUT" else None, if_match="*"))

    assert (status, error["code"]) == (403, "not_permitted")


def test_each_tenant_has_documents_of_its_own(world: World, admin: Client) -> None:
    write(admin, {"fail_closed": True}, 0)

    assert Client(world, an_isolate(), OTHER).read("/v1/config") == {}


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/history"), ("PUT", "")])
def test_without_the_ledger_documents_are_neither_read_nor_written(
    admin: Client, world: World, method: str, path: str
) -> None:
    admin.read("/v1/config")
    world.is_ledger_away = True

    status, error = error_of(admin.ask(method, f"/v1/config{path}", {} if method == "PUT" else None, if_match="*"))

    assert (status, error["code"]) == (503, "budget_unavailable")


# What holds ---------------------------------------------------------------------------------------------------


def test_a_change_holds_from_the_next_metered_call_on_in_both_isolates(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    """Though both have believed another configuration just now, and KV does not know of the change yet."""
    here, there = (Client(world, isolate, TOKEN) for isolate in isolates)
    assert [client.ask("POST", CHAT, UNPRICED).status for client in (here, there)] == [200, 200]
    numbers = admissions(world)

    write(admin, {"unpriced_models": "block"}, 0)

    assert KV_KEY not in world.kv
    assert [error_of(client.ask("POST", CHAT, UNPRICED))[1]["code"] for client in (here, there)] == [
        "unpriced_model"
    ] * 2
    assert numbers == [0], "the one that was not told asks by what it knew, and is told; neither asks for money"
    assert there.ask("POST", CHAT, CALL).status == 200
    assert numbers == [0, 1]


def test_a_call_that_is_decided_anew_holds_and_counts_once(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    there = Client(world, isolates[1], TOKEN)
    there.ask("POST", CHAT, CALL)
    write(admin, {"session_budget_usd": "0.5", "requests_per_minute": 60}, 0)
    numbers = admissions(world)

    answer = there.ask("POST", CHAT, CALL, x_agentwatch_session_id="s")

    assert (answer.status, numbers) == (200, [0, 1])
    assert answer.headers["x-agentwatch-ratelimit-remaining-requests"] == "58", "this call and the one before"
    assert answer.headers["x-agentwatch-session-remaining-usd"].startswith("0.49999")
    (session,) = admin.read("/v1/sessions")["sessions"]
    assert (session["held_usd"], session["limit_usd"]) == ("0", "0.5")


def test_who_changes_documents_faster_than_a_call_is_planned_is_told_to_come_again(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    there = Client(world, isolates[1], TOKEN)
    there.ask("POST", CHAT, CALL)
    ledger = world.ledger_of("acme")
    tell = ledger.tell
    waits_s = iter(range(100))

    async def changed_before(question: Any) -> Any:
        if isinstance(question, AdmitRequest):
            text = json.dumps({"budget_wait_s": next(waits_s)})
            ledger.service.documents.write(WriteRequest(kind="config", text=text), world.now_ms())
        return await tell(question)

    ledger.tell = changed_before

    assert error_of(there.ask("POST", CHAT, CALL))[1]["code"] == "tenants_unavailable"
    assert (len(world.sent), world.records[-1]["error_code"]) == (1, "tenants_unavailable"), "only the call before"


@pytest.mark.parametrize(("path", "body"), [(CHAT, CALL), ("/v1/proxy/openai/v1/models", None), ("/v1/ingest", REPORT)])
def test_a_key_is_disabled_from_its_next_call_on(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate], path: str, body: Any
) -> None:
    member = Client(world, isolates[1], TOKEN)
    method = "GET" if body is None else "POST"
    assert member.ask(method, path, body).status == 200
    sent = len(world.sent)

    write(admin, {"disabled_keys": ["key_1"]}, 0)

    status, error = error_of(member.ask(method, path, body))
    assert (status, error["code"], error["message"]) == (401, "invalid_token", "this token is not valid")
    assert len(world.sent) == sent
    assert [each["outcome"] for each in world.records if each["type"] == "auth"] == ["accepted", "disabled"]
    world.pass_time(60_000)
    world.kv[KV_KEY] = world.ledgers["acme"].service.documents.present().text
    assert member.ask(method, path, body).status == 401


def test_a_key_that_the_ledger_has_said_is_disabled_is_not_let_through_when_it_goes_away(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    member = Client(world, isolates[1], TOKEN)
    member.ask("POST", CHAT, CALL)
    write(admin, {"disabled_keys": ["key_1"]}, 0)
    ledger = world.ledger_of("acme")
    tell = ledger.tell

    async def answers_once(question: Any) -> Any:
        answer = await tell(question)
        world.is_ledger_away = True
        return answer

    ledger.tell = answers_once

    assert error_of(member.ask("POST", CHAT, CALL))[1]["code"] == "invalid_token"


@pytest.mark.parametrize(("path", "body"), [("/v1/config", {}), ("/v1/budget", {"limit_usd": "1000"})])
def test_an_administrator_s_disabled_key_changes_nothing_more(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate], path: str, body: Any
) -> None:
    """Though another isolate still believes it: it would bring itself back."""
    record = {"tenant": "acme", "role": "admin", "key_id": "key_stolen"}
    world.kv[f"key:{digest(STOLEN).hex()}"] = json.dumps(record)
    stolen = Client(world, isolates[1], STOLEN)
    assert stolen.ask("GET", path).status == 200
    write(admin, {"disabled_keys": ["key_stolen"]}, 0)
    before = admin.read(path)

    assert error_of(stolen.ask("PUT", path, body, if_match="*"))[1]["code"] == "invalid_token"

    assert admin.read(path) == before
    assert "disabled" in [each.get("outcome") for each in world.records]


# KV -----------------------------------------------------------------------------------------------------------


def test_with_kv_away_a_change_holds_all_the_same(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    there = Client(world, isolates[1], TOKEN)
    there.ask("POST", CHAT, CALL)
    admin.read("/v1/config")
    world.is_kv_away = True

    write(admin, {"unpriced_models": "block"}, 0)

    assert error_of(there.ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"


def test_an_isolate_that_starts_while_kv_is_away_asks_the_ledger_for_the_documents(world: World, admin: Client) -> None:
    write(admin, {"unpriced_models": "block"}, 0)
    static = {"aw_live_static": {"tenant": "acme", "key_id": "key_s"}}
    cold = Isolate(parse_settings({"OPENAI_API_KEY": "sk", "TENANT_TOKEN_MAP": json.dumps(static)}))
    world.is_kv_away = True

    member = Client(world, cold, "aw_live_static")

    assert error_of(member.ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"
    assert member.ask("POST", CHAT, CALL).status == 200


def test_with_kv_and_ledger_away_what_an_isolate_knew_holds(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    write(admin, {"unpriced_models": "block"}, 0)
    member = Client(world, isolates[0], TOKEN)
    member.ask("POST", CHAT, CALL)
    world.is_kv_away = world.is_ledger_away = True
    world.pass_time(3_600_000)

    assert error_of(member.ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"


def test_an_old_copy_in_kv_does_not_take_back_what_the_ledger_has_told(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    write(admin, {"unpriced_models": "estimate"}, 0)
    old = world.ledgers["acme"].service.documents.present().text
    write(admin, {"unpriced_models": "block"}, 1)
    world.kv[KV_KEY] = old
    member = Client(world, isolates[0], TOKEN)

    for _ in range(3):
        world.pass_time(60_000)
        assert error_of(member.ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"


def test_a_copy_that_was_edited_in_kv_under_its_number_is_not_believed(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    write(admin, {"unpriced_models": "block"}, 0)
    copy = world.ledgers["acme"].service.documents.present().text
    world.kv[KV_KEY] = copy.replace("block", "estimate")

    assert error_of(Client(world, isolates[1], TOKEN).ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"


def test_a_copy_with_a_number_that_the_ledger_never_gave_does_not_hold(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate]
) -> None:
    """Nobody would be told of a change any more: every number of the Ledger is smaller."""
    write(admin, {"unpriced_models": "block"}, 0)
    world.kv[KV_KEY] = copy_text(10**9, {"config": "{}"})
    member = Client(world, isolates[1], TOKEN)

    for _ in range(2):
        assert error_of(member.ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"
        world.pass_time(60_000)
    assert member.ask("POST", CHAT, CALL).status == 200


def test_a_configuration_written_by_hand_is_taken_in_once_and_again_when_it_changes(
    world: World, admin: Client
) -> None:
    world.kv[KV_KEY] = '{"unpriced_models": "block"}'
    member = Client(world, an_isolate(), TOKEN)
    assert error_of(member.ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"

    assert [each["written_by"] for each in admin.read("/v1/config/history")["versions"]] == ["kv"]
    world.kv[KV_KEY] = '{"budget_wait_s": 7}'
    world.pass_time(60_000)
    assert member.ask("POST", CHAT, UNPRICED).status == 200
    assert admin.read("/v1/config") == {"budget_wait_s": 7}
    write(admin, {"budget_wait_s": 8}, 2)
    world.pass_time(60_000)
    member.ask("POST", CHAT, CALL)
    assert admin.read("/v1/config") == {"budget_wait_s": 8}, "what lay in KV before is an old copy"


@pytest.mark.parametrize(
    "text",
    [TOO_LONG, "", "nonsense", '{"unpriced": "block"}', '{"number": 9, "documents": {"config": 1}}'],
    ids=lambda text: str(text)[:20],
)
def test_what_cannot_be_used_in_kv_takes_nothing_away_that_the_ledger_has(
    world: World, admin: Client, isolates: tuple[Isolate, Isolate], text: str
) -> None:
    write(admin, {"unpriced_models": "block"}, 0)
    world.kv[KV_KEY] = text

    assert error_of(Client(world, isolates[1], TOKEN).ask("POST", CHAT, UNPRICED))[1]["code"] == "unpriced_model"
    assert Client(world, an_isolate(), ADMIN).ask("PUT", "/v1/config", {}, if_match="*").status == 200


def test_a_configuration_by_hand_that_cannot_be_used_is_not_taken_in(world: World) -> None:
    world.kv[KV_KEY] = '{"unpriced": "block"}'

    assert Client(world, an_isolate(), TOKEN).ask("POST", CHAT, CALL).status == 503
    assert world.ledger_of("acme").service.documents.number == 0
