"""Failover as a document of the tenant's: judged where it is written, kept by version, and read by every isolate."""

import json
from typing import Any

import pytest

from core.ledger.document_messages import WriteRequest
from core.tenant.etag import etag
from core.tenant.failover.triggers import TRIGGERS
from tests.support.api_client import ADMIN, OTHER, Client, an_isolate
from tests.support.memory_ports import START_MS, TOKEN, World

CHAIN = {
    "id": "big",
    "match": {"model": "gpt-4o*"},
    "hops": [{"provider": "anthropic", "model": "claude-sonnet-4-5"}],
}
DOCUMENT = {"chains": [CHAIN], "dollars_max": "0.50"}


@pytest.fixture
def admin(world: World) -> Client:
    return Client(world, an_isolate(), ADMIN)


def put(client: Client, document: Any, version: int | None = None) -> tuple[int, Any]:
    answer = client.ask("PUT", "/v1/failover", document, if_match="*" if version is None else etag(version))
    return answer.status, json.loads(answer.body)


def alerts(world: World) -> list[Any]:
    return [record for record in world.records if record["type"] == "alert"]


def test_chains_are_written_and_read_as_they_were_written(world: World, admin: Client) -> None:
    assert admin.read("/v1/failover") == {}

    status, receipt = put(admin, DOCUMENT)

    assert (status, receipt["version"]) == (200, 1)
    assert {each["code"] for each in receipt["warnings"]} == {"dearer"}
    answer = admin.ask("GET", "/v1/failover")
    assert (json.loads(answer.body), answer.headers["etag"]) == (DOCUMENT, etag(1))
    assert Client(world, an_isolate(), OTHER).read("/v1/failover") == {}


def test_every_version_is_kept_and_an_earlier_one_may_be_written_back(admin: Client) -> None:
    put(admin, DOCUMENT)
    put(admin, {"chains": []})
    assert [each["version"] for each in admin.read("/v1/failover/history")["versions"]] == [2, 1]

    earlier = admin.ask("GET", "/v1/failover?version=1").body
    status, receipt = put(admin, earlier, version=2)

    assert (status, receipt["version"]) == (200, 3)
    assert admin.read("/v1/failover") == DOCUMENT


def test_of_two_who_write_at_once_one_is_told(admin: Client) -> None:
    put(admin, DOCUMENT)

    assert admin.ask("PUT", "/v1/failover", {}).status == 428
    status, answer = put(admin, {}, version=7)

    assert (status, answer["error"]["code"], answer["error"]["present_version"]) == (412, "version_changed", 1)
    assert admin.read("/v1/failover") == DOCUMENT


BAD: list[tuple[Any, str, str]] = [
    ({"chain": []}, "chain", "did you mean chains"),
    ({"chains": [CHAIN | {"hop": []}]}, "chains[0].hop", "did you mean hops"),
    ({"chains": [CHAIN, CHAIN]}, "chains[1].id", "before it"),
    ({"chains": [CHAIN | {"on": ["400"]}]}, "chains[0].on[0]", "must be one of"),
    ({"chains": [CHAIN | {"hops": [{"provider": "openai", "model": "gpt-99"}]}]}, "chains[0].hops[0].model", "openai/gpt-99"),
    ({"chains": [CHAIN | {"hops": [{"provider": "bedrock", "model": "a"}]}]}, "chains[0].hops[0].provider", "bedrock"),
    ({"attempts_max": 9}, "attempts_max", "<= 5"),
    ({"dollars_max": "free"}, "dollars_max", "decimal"),
    (b'{"chains":[],"chains":[]}', "chains", "twice"),
    (b"", "failover", ""),
    (b"null", "failover", ""),
]  # fmt: skip


@pytest.mark.parametrize(("document", "param", "words"), BAD, ids=lambda each: str(each)[:40])
def test_chains_that_do_not_fit_are_refused_and_the_others_stay(
    admin: Client, document: Any, param: str, words: str
) -> None:
    put(admin, DOCUMENT)

    status, answer = put(admin, document)

    assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, "invalid_request", param)
    assert words in answer["error"]["message"]
    assert admin.read("/v1/failover") == DOCUMENT


def test_failover_is_an_administrator_s_to_write(world: World) -> None:
    assert put(Client(world, an_isolate(), TOKEN), {})[0] == 403


def test_a_stored_chain_that_cannot_be_read_is_skipped_and_told_once(world: World) -> None:
    stored = WriteRequest(
        kind="failover", text=json.dumps({"chains": [CHAIN | {"id": "from-the-future", "when": "later"}, CHAIN]})
    )
    world.ledger_of("acme").service.documents.write(stored, START_MS)
    member = Client(world, an_isolate())

    assert (member.call().status, member.call().status) == (200, 200)

    (told,) = alerts(world)
    assert (told["kind"], told["severity"]) == ("chain_broken", "critical")
    assert told["summary"].startswith("Failover chain from-the-future cannot be used and is skipped, the others hold")
    assert "chains[0].when" in told["summary"]
    assert "/v1/failover" in told["steps"]["look at the failover chains"]


def test_bounds_that_cannot_be_read_put_all_chains_out_of_use(world: World) -> None:
    stored = WriteRequest(kind="failover", text=json.dumps(DOCUMENT | {"attempts_max": 99}))
    world.ledger_of("acme").service.documents.write(stored, START_MS)

    assert Client(world, an_isolate()).call().status == 200

    (told,) = alerts(world)
    assert told["summary"].startswith("The failover chains cannot be used, none holds: attempts_max")


@pytest.mark.parametrize("word", ["on", "off"])
def test_a_caller_may_say_that_a_call_is_not_to_fail_over(world: World, word: str) -> None:
    assert Client(world, an_isolate()).call(x_agentwatch_failover=word).status == 200
    assert "x-agentwatch-failover" not in world.sent[-1].headers


def test_another_word_is_refused_naming_the_header(world: World) -> None:
    answer = Client(world, an_isolate()).call(x_agentwatch_failover="never")

    error = json.loads(answer.body)["error"]
    assert (answer.status, error["param"]) == (400, "x-agentwatch-failover")
    assert world.sent == []


def test_the_api_s_document_says_what_a_chain_may_say(admin: Client) -> None:
    schemas = admin.read("/openapi.json")["components"]["schemas"]

    assert set(schemas["ChainDocument"]["required"]) == {"match", "hops"}
    assert schemas["ChainDocument"]["additionalProperties"] is False
    assert schemas["ChainDocument"]["properties"]["on"]["items"] == {"enum": sorted(TRIGGERS)}
    assert schemas["FailoverDocument"]["properties"]["attempts_max"]["maximum"] == 5
