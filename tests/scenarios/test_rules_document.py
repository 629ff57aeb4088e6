"""The rules as a document of the tenant's: judged where it is written, described, and read by every isolate."""

import json
from typing import Any

import pytest

from core.tenant.documents import copy_text, parse_copy, read_copy
from tests.support.api_client import ADMIN, OTHER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import TOKEN, World

NIGHT = {
    "id": "night",
    "condition": {"model_pattern": "gpt-*", "hour_min": 22, "hour_max": 6},
    "action": {"type": "block", "message": "Not at night."},
}


@pytest.fixture
def world() -> World:
    return a_world_with_administrators()


@pytest.fixture
def admin(world: World) -> Client:
    return Client(world, an_isolate(), ADMIN)


def put(client: Client, document: Any) -> tuple[int, Any]:
    answer = client.ask("PUT", "/v1/rules", document, if_match="*")
    return answer.status, json.loads(answer.body)


def test_rules_are_written_and_read_as_they_were_written(world: World, admin: Client) -> None:
    assert admin.read("/v1/rules") == {}

    assert put(admin, {"rules": [NIGHT]}) == (200, {"version": 1})

    assert admin.read("/v1/rules") == {"rules": [NIGHT]}
    assert Client(world, an_isolate(), OTHER).read("/v1/rules") == {}
    assert [each["version"] for each in admin.read("/v1/rules/history")["versions"]] == [1]


def test_what_is_odd_about_rules_comes_with_the_receipt(admin: Client) -> None:
    status, receipt = put(admin, {"rules": [NIGHT | {"condition": {"model": "gpt-99"}}]})

    assert status == 200
    assert receipt["warnings"] == [
        {"path": "rules[0].condition.model", "code": "unknown_model", "message": "not in the price table: gpt-99"}
    ]


BAD: list[tuple[Any, str]] = [
    ({"rules": [NIGHT | {"condition": {"hour_mn": 22}}]}, "rules[0].condition.hour_mn"),
    ({"rules": [NIGHT, NIGHT]}, "rules[1].id"),
    ({"rules": [NIGHT | {"name": "x" * 66_000}]}, "rules"),
    (b'{"rules":[],"rules":[]}', "rules"),
    (b'{"rules":"\xff"}', ""),
    (b"", "rules"),
    (b"null", "rules"),
    (b"[" * 100_000, ""),
]


@pytest.mark.parametrize(("document", "param"), BAD, ids=lambda each: str(each)[:40])
def test_rules_that_do_not_fit_are_refused_and_the_others_stay(admin: Client, document: Any, param: str) -> None:
    put(admin, {"rules": [NIGHT]})

    status, answer = put(admin, document)

    assert (status, answer["error"]["code"]) == (400, "invalid_request")
    assert (answer["error"].get("param") or "") == param
    assert admin.read("/v1/rules") == {"rules": [NIGHT]}


def test_rules_are_an_administrator_s_to_write(world: World) -> None:
    assert put(Client(world, an_isolate(), TOKEN), {"rules": []})[0] == 403


def test_an_isolate_reads_the_rules_that_it_can_use() -> None:
    copy = read_copy(copy_text(3, {"rules": json.dumps({"rules": [NIGHT, {"id": "newer", "when": "later"}]})}))
    assert copy is not None

    rules = parse_copy(copy).rules

    assert [rule.id for rule in rules.in_order] == ["night"]
    assert [each.id for each in rules.broken] == ["newer"]


def test_the_api_s_document_says_what_a_rule_may_say(admin: Client) -> None:
    schemas = admin.read("/openapi.json")["components"]["schemas"]

    assert schemas["Condition"]["additionalProperties"] is False
    assert schemas["Condition"]["properties"]["hour_max"] == {"type": "integer", "minimum": 0, "maximum": 24}
    assert set(schemas["RuleDocument"]["required"]) == {"id", "condition", "action"}
    assert len(schemas["RuleDocument"]["properties"]["action"]["anyOf"]) == 8
