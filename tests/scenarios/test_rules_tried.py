"""`POST /v1/rules/test`: which rule fires and why, for an example or a live session; nothing is changed or sent."""

import json
from typing import Any

import pytest

from tests.support.api_client import ADMIN, CALL, Client, an_isolate
from tests.support.memory_ports import World
from tests.support.rules import a_rule, error_of, write_rules

PATH = "/v1/rules/test"
EXAMPLE = {"provider": "openai", "model": "gpt-4o", "team": "search"}


@pytest.fixture
def admin(world: World) -> Client:
    return Client(world, an_isolate(), ADMIN)


def tried(admin: Client, **body: Any) -> Any:
    answer = admin.ask("POST", PATH, {"call": EXAMPLE, **body})
    assert answer.status == 200, answer.body
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)


def test_the_rules_in_force_are_told_member_by_member(admin: Client) -> None:
    write_rules(
        admin,
        a_rule("not-ours", condition={"model": "gpt-4o", "team": "research"}),
        a_rule("ours", condition={"model": "gpt-4o", "team": "search"}),
    )

    told = tried(admin)

    assert told["ruling"]["done"] == {"action": "block", "rule": "ours", "fired": ["ours"]}
    not_ours, ours = told["rules"]
    assert (not_ours["fires"], ours["fires"]) == (False, True)
    members = {each["member"]: each["holds"] for each in not_ours["members"]}
    assert members == {"model": "true", "team": "false"}


def test_rules_that_are_not_in_force_can_be_tried_on_a_made_up_session(admin: Client) -> None:
    rules = [a_rule("dear", condition={"session_spend_usd_min": "2"})]

    told = [
        tried(admin, rules=rules, session=session)["rules"][0]
        for session in ({"spend_usd": "2"}, {"spend_usd": "1.99"}, {})
    ]

    assert [each["holds"] for each in told] == ["true", "false", "unknown"]
    assert admin.read("/v1/rules") == {}


def test_a_live_session_is_judged_as_its_next_call_would_be(world: World, admin: Client) -> None:
    member = Client(world, an_isolate())
    for _ in range(3):
        assert member.call(CALL, x_agentwatch_session_id="s1").status == 200
    rules = [a_rule("fourth", condition={"iteration_min": 4}), a_rule("fifth", condition={"iteration_min": 5})]
    before = (world.month(), len(world.sent))

    told = {each["id"]: each for each in tried(admin, rules=rules, session_id="s1")["rules"]}

    assert (told["fourth"]["fires"], told["fifth"]["fires"]) == (True, False)
    assert told["fifth"]["members"] == [{"member": "iteration_min", "wanted": 5, "fact": 4, "holds": "false"}]
    assert (world.month(), len(world.sent)) == before


def test_a_text_is_looked_through_and_told_by_its_tags_alone(world: World, admin: Client) -> None:
    rules = [a_rule("no-mail", condition={"risk_tags_any": ["PII_EMAIL"]})]
    text = "write to jane.doe@corp-mail.com"

    answer = admin.ask("POST", PATH, {"call": {**EXAMPLE, "text": text}, "rules": rules})

    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["ruling"]["done"]["rule"] == "no-mail"
    assert b"jane" not in answer.body
    assert "jane" not in json.dumps(world.records)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "call"),
        ({"call": {**EXAMPLE, "provider": "azure"}}, "call.provider"),
        ({"call": {**EXAMPLE, "at": "2026-02-30T00:00:00Z"}}, "call.at"),
        ({"call": {**EXAMPLE, "estimated_cost_usd": "-1"}}, "call.estimated_cost_usd"),
        ({"call": EXAMPLE, "session": {"spend_usd": "1e9999"}}, "session.spend_usd"),
        ({"call": EXAMPLE, "session": {}, "session_id": "s"}, "session"),
        ({"call": EXAMPLE, "session_id": "no such id"}, "session_id"),
        ({"call": EXAMPLE, "rules": [a_rule(condition={"hour_min": 3, "hour_max": 3})]}, "rules[0].condition.hour_max"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_by_its_name(admin: Client, body: Any, param: str) -> None:
    answer = admin.ask("POST", PATH, body)

    assert answer.status == 400
    assert error_of(answer)["param"] == param


def test_it_is_the_administrators(world: World) -> None:
    assert Client(world, an_isolate()).ask("POST", PATH, {"call": EXAMPLE}).status == 403
