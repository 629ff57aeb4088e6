"""A document of rules is refused by rule and member where it is written, and holds rule by rule where it is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money.price_list import TABLE
from core.tenant.document import InvalidDocument
from core.tenant.rules.checks import REQUEST_FIELDS, SESSION_FIELDS
from core.tenant.rules.compiled import CompiledRules
from core.tenant.rules.document import ACTIONS, Condition
from core.tenant.rules.reading import RULES, judge_rules, parse_rules

ALWAYS = {"always": True}
ALLOW = {"type": "allow"}


def a_rule(rule_id: str = "night", condition: Any = ALWAYS, action: Any = ALLOW, **members: Any) -> dict[str, Any]:
    return {"id": rule_id, "condition": condition, "action": action, **members}


def text_of(*rules: Any) -> str:
    return json.dumps({"rules": list(rules)})


def refusal_of(text: str | bytes) -> InvalidDocument:
    with pytest.raises(InvalidDocument) as caught:
        judge_rules(text, TABLE)
    return caught.value


def compiled(*rules: Any) -> CompiledRules:
    judge_rules(text_of(*rules), TABLE)
    return parse_rules(text_of(*rules))


CONDITIONS: list[tuple[Any, str, str]] = [
    ({}, "condition", "always"),
    ([], "condition", "object"),
    (None, "condition", "object"),
    ({"always": False}, "condition.always", ""),
    ({"always": True, "team": "a"}, "condition.always", "alone"),
    ({"hour_mn": 3}, "condition.hour_mn", "did you mean hour_min"),
    ({"requests_per_minute": 3}, "condition.requests_per_minute", "did you mean requests_per_minute_min"),
    ({"a`b - at `$.x`": 3}, "condition", "no known name"),
    ({"team": None}, "condition.team", "null"),
    ({"team": []}, "condition.team", "length"),
    ({"team": ["x"] * 101}, "condition.team", "length"),
    ({"team": ["x", 5]}, "condition.team[1]", "str"),
    ({"team": ""}, "condition.team", "length"),
    ({"key_id": "x" * 257}, "condition.key_id", "length"),
    ({"model_pattern": "x" * 129}, "condition.model_pattern", "length"),
    ({"model_pattern": ["?" * 100] * 3}, "condition.model_pattern", "question marks"),
    ({"prompt_tokens_min": True}, "condition.prompt_tokens_min", "bool"),
    ({"prompt_tokens_min": 5.0}, "condition.prompt_tokens_min", "float"),
    ({"prompt_tokens_min": "5"}, "condition.prompt_tokens_min", "str"),
    ({"prompt_tokens_min": 0}, "condition.prompt_tokens_min", ">= 1"),
    ({"prompt_tokens_min": 2**63}, "condition.prompt_tokens_min", "<="),
    ({"prompt_tokens_min": 10**30}, "condition.prompt_tokens_min", "<="),
    ({"prompt_tokens_min": 9, "prompt_tokens_max": 8}, "condition.prompt_tokens_max", "less"),
    ({"estimated_cost_usd_min": 1.5}, "condition.estimated_cost_usd_min", "float"),
    ({"estimated_cost_usd_min": "1e3"}, "condition.estimated_cost_usd_min", "decimal"),
    ({"session_spend_usd_min": "0"}, "condition.session_spend_usd_min", "at least"),
    ({"spend_per_hour_usd_min": "1\n"}, "condition.spend_per_hour_usd_min", "decimal"),
    ({"growth_ratio_min": 1}, "condition.growth_ratio_min", ">= 1.01"),
    ({"growth_ratio_min": 100.5}, "condition.growth_ratio_min", "<= 100"),
    ({"growth_ratio_min": True}, "condition.growth_ratio_min", "bool"),
    ({"hour_min": 24}, "condition.hour_min", "<= 23"),
    ({"hour_max": 25}, "condition.hour_max", "<= 24"),
    ({"hour_min": 5, "hour_max": 5}, "condition.hour_max", "differ"),
    ({"hour_max": 0}, "condition.hour_max", "differ"),
    ({"time_zone": "UTC"}, "condition.time_zone", "hour_min"),
    ({"time_zone": "UTC", "team": "a"}, "condition.time_zone", "hour_min"),
    ({"hour_min": 5, "time_zone": "America/NewYork"}, "condition.time_zone", "America/New_York"),
    ({"hour_min": 5, "time_zone": "x"}, "condition.time_zone", "IANA"),
    ({"day_of_week": "monday"}, "condition.day_of_week", "monday"),
    ({"day_of_week": ["mon", "fri\n"]}, "condition.day_of_week[1]", ""),
    ({"risk_tags_any": ["PII_NAME"]}, "condition.risk_tags_any[0]", "PII_NAME"),
    ({"has_tools": 1}, "condition.has_tools", "int"),
    ({"stream": "true"}, "condition.stream", "str"),
]


@pytest.mark.parametrize(("condition", "member", "words"), CONDITIONS, ids=lambda each: str(each)[:50])
def test_a_condition_that_does_not_fit_is_named_by_rule_and_member(condition: Any, member: str, words: str) -> None:
    error = refusal_of(text_of(a_rule("first"), a_rule("night", condition)))

    assert error.param == f"rules[1].{member}"
    assert str(error).startswith(f'rules[1].{member} (rule "night"): ')
    assert words in str(error)


MEMBERS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "Night"}, "id", "matching"),
    ({"id": "night\n"}, "id", "matching"),
    ({"id": "x" * 65}, "id", "matching"),
    ({"name": ""}, "name", "matching"),
    ({"name": "two\nlines"}, "name", "matching"),
    ({"name": "x" * 101}, "name", "matching"),
    ({"priority": 1_001}, "priority", "<= 1000"),
    ({"priority": -(2**70)}, "priority", ">= -1000"),
    ({"mode": "watch"}, "mode", "watch"),
    ({"enabled": "yes"}, "enabled", "str"),
    ({"expires_at": "2026-12-31"}, "expires_at", "matching"),
    ({"expires_at": "2026-12-31T00:00:00+01:00"}, "expires_at", "matching"),
    ({"expires_at": "2026-02-30T00:00:00Z"}, "expires_at", "calendar"),
    ({"expires_at": "0000-01-01T00:00:00Z"}, "expires_at", "calendar"),
    ({"expires_at": "2026-12-31T23:59:60Z"}, "expires_at", "calendar"),
    ({"priorty": 1}, "priorty", "did you mean priority"),
    ({"action": {}}, "action.type", "missing"),
    ({"action": {"type": "stop"}}, "action.type", "block"),
    ({"action": {"type": 5}}, "action.type", "block"),
    ({"action": {"type": "block", "mesage": "x"}}, "action.mesage", "did you mean message"),
    ({"action": {"type": "block", "message": "a\x00"}}, "action.message", "matching"),
    ({"action": {"type": "throttle", "per": "key"}}, "action.requests_per_minute", "missing"),
    ({"action": {"type": "throttle", "per": "user", "requests_per_minute": 1}}, "action.per", "user"),
    ({"action": {"type": "throttle", "per": "key", "requests_per_minute": 0}}, "action.requests_per_minute", ">= 1"),
    ({"action": {"type": "downgrade"}}, "action.model", "missing"),
    ({"action": {"type": "tag", "tags": []}}, "action.tags", "length"),
    ({"action": {"type": "tag", "tags": ["a b"]}}, "action.tags[0]", "matching"),
    ({"action": {"type": "tag", "tags": ["a"] * 11}}, "action.tags", "length"),
    ({"action": {"type": "alert", "severity": "bad"}}, "action.severity", "bad"),
    ({"action": {"type": "redact"}, "condition": {"iteration_min": 3}}, "condition.iteration_min", "redaction"),
]


@pytest.mark.parametrize(("members", "member", "words"), MEMBERS, ids=lambda each: str(each)[:50])
def test_a_rule_that_does_not_fit_is_named_by_its_member(members: dict[str, Any], member: str, words: str) -> None:
    error = refusal_of(text_of(a_rule() | members))

    assert error.param == f"rules[0].{member}"
    assert words in str(error)


DOCUMENTS: list[tuple[str | bytes, str, str]] = [
    ("[]", "rules", "object"),
    ("{", "rules", "truncated"),
    (b'{"rules":[{"id":"\xff"}]}', "rules", "UTF-8"),
    ('{"rules":{}}', "rules", "array"),
    ('{"rules":[5]}', "rules[0]", "object"),
    ('{"rulez":[]}', "rulez", "did you mean rules"),
    ('{"rules":[],"rules":[]}', "rules", "twice"),
    ('{"rules":[{"condition":{"always":true},"action":{"type":"allow"}}]}', "rules[0].id", "missing"),
    ('{"rules":[{"id":"a","id":"a","condition":{"always":true},"action":{"type":"allow"}}]}', "rules[0].id", "twice"),
    (
        '{"rules":[{"id":"a","condition":{"team":"a","team":"b"},"action":{"type":"allow"}}]}',
        "rules[0].condition.team",
        "twice",
    ),
    (
        '{"rules":[{"id":"a","condition":{"always":true},"action":{"type":"block","message":"a","message":"b"}}]}',
        "rules[0].action.message",
        "twice",
    ),
    ('{"rules":[{"id":"a","condition":{"growth_ratio_min":1e400}}]}', "rules[0].condition.growth_ratio_min", "range"),
    ('{"rules":[{"id":"a","condition":{"growth_ratio_min":NaN}}]}', "rules", "malformed"),
    ('{"rules":[{"id":"a","condition":{"team":"\\ud83d"}}]}', "rules", ""),
    (text_of(a_rule("a"), a_rule("b"), a_rule("a")), "rules[2].id", "before it"),
    (text_of(*(a_rule(f"r{number}") for number in range(201))), "rules", "200"),
    (text_of(a_rule()) + " " * 65_536, "rules", "65536 characters"),
]


@pytest.mark.parametrize(("text", "param", "words"), DOCUMENTS, ids=lambda each: str(each)[:50])
def test_a_document_that_does_not_fit_is_refused_whole(text: str | bytes, param: str, words: str) -> None:
    error = refusal_of(text)

    assert error.param == param
    assert words in str(error)


def test_two_hundred_rules_are_as_many_as_there_may_be() -> None:
    assert len(compiled(*(a_rule(f"r{number}") for number in range(200))).in_order) == 200


def test_nothing_written_is_no_rules() -> None:
    assert judge_rules("{}", TABLE) == ()
    assert parse_rules("{}") == RULES.default == CompiledRules()


def test_every_member_of_a_condition_is_compiled() -> None:
    assert {"always", *REQUEST_FIELDS, *SESSION_FIELDS} == set(Condition.__struct_fields__)


def test_a_higher_priority_is_asked_first_and_equal_ones_by_their_ids() -> None:
    rules = compiled(a_rule("c"), a_rule("b", priority=-5), a_rule("a"), a_rule("d", priority=7))

    assert [rule.id for rule in rules.in_order] == ["d", "a", "c", "b"]


def test_a_rule_that_is_switched_off_is_not_asked_and_not_forgotten() -> None:
    rules = compiled(a_rule("off", enabled=False), a_rule("on"))

    assert [rule.id for rule in rules.in_order] == ["on"]
    assert [rule.id for rule in rules.switched_off] == ["off"]


def test_a_stored_rule_that_cannot_be_used_is_named_and_the_others_hold() -> None:
    rules = parse_rules(
        text_of(
            a_rule("newer", {"moon_phase": "full"}),
            a_rule("kept", {"team": "a"}),
            5,
            a_rule("zone", {"hour_min": 3, "time_zone": "Mars/Base"}),
            a_rule("kept"),
            a_rule("x" * 10_000),
        )
    )

    assert [rule.id for rule in rules.in_order] == ["kept"]
    assert [each.id for each in rules.broken] == ["newer", "rules[2]", "zone", "kept", "x" * 64]
    assert "rules[0].condition.moon_phase" in rules.broken[0].reason
    assert max(len(each.reason) for each in rules.broken) < 500


@pytest.mark.parametrize("text", ["[]", "{", '{"rules":5}', b"\xff"])
def test_a_stored_text_that_cannot_be_read_at_all_is_named_as_such(text: str | bytes) -> None:
    rules = parse_rules(text)

    assert rules.in_order == ()
    assert [each.id for each in rules.broken] == ["rules"]


def test_what_a_newer_version_says_beside_the_rules_is_no_reason_to_drop_them() -> None:
    assert len(parse_rules(json.dumps({"rules": [a_rule()], "defaults": {}})).in_order) == 1


def test_rules_say_what_the_edge_has_to_find_out() -> None:
    tag = {"type": "tag", "tags": ["x"]}

    plain = compiled(a_rule("a", {"team": "x"}))
    risky = compiled(a_rule("a", {"risk_tags_any": ["PII_SSN"]}, tag))
    redacting = compiled(a_rule("a", action={"type": "redact"}))
    growing = compiled(a_rule("a", {"growth_ratio_min": 2}, tag))
    looping = compiled(a_rule("a", {"step_errors_min": 3}, tag, mode="shadow"))

    def needs(rules: CompiledRules) -> tuple[bool, ...]:
        return rules.needs_risk_tags, rules.may_redact, rules.has_session_half, rules.needs_steps

    assert needs(plain) == needs(CompiledRules()) == (False, False, False, False)
    assert needs(risky) == (True, False, False, False)
    assert needs(redacting) == (False, True, False, False)
    assert needs(growing) == (False, False, True, False)
    assert needs(looping) == (False, False, True, True)


def test_a_rule_is_found_with_what_its_action_says() -> None:
    rules = compiled(
        a_rule("b", action={"type": "block", "message": "Stop."}, name="No more"),
        a_rule("t", action={"type": "tag", "tags": ["x", "y"]}),
        a_rule("a", action={"type": "alert"}),
        a_rule("d", action={"type": "downgrade", "model": "gpt-4o-mini"}),
    )

    assert (rules.find("b").name, rules.find("b").message) == ("No more", "Stop.")
    assert (rules.find("t").name, rules.find("t").tags) == ("t", ("x", "y"))
    assert (rules.find("a").severity, rules.find("d").model) == ("warning", "gpt-4o-mini")
    with pytest.raises(KeyError):
        rules.find("gone")


def codes_of(*rules: Any) -> list[tuple[str, str]]:
    return [(each.path, each.code) for each in judge_rules(text_of(*rules), TABLE)]


def test_what_is_odd_and_usable_is_a_warning() -> None:
    block = {"type": "block"}
    growth = {"growth_ratio_min": 1.4}

    assert codes_of(a_rule(condition={"model": ["gpt-4o", "openai/gpt-4o-mini-2024-07-18"]})) == []
    assert codes_of(a_rule(condition={"model": ["gpt-4o", "gpt-99"]})) == [
        ("rules[0].condition.model", "unknown_model")
    ]
    assert codes_of(a_rule(action={"type": "downgrade", "model": "openai/claude-opus-4-5"})) == [
        ("rules[0].action.model", "unknown_model")
    ]
    assert codes_of(a_rule(condition={"provider": ["OpenAI", "acme"]})) == [
        ("rules[0].condition.provider", "unknown_provider")
    ]
    assert codes_of(a_rule(condition=growth, action=block)) == [("rules[0].condition.growth_ratio_min", "growth_alone")]
    assert codes_of(a_rule(condition=growth | {"prompt_tokens_min": 32_000}, action=block)) == []
    assert codes_of(a_rule(condition=growth, action={"type": "alert"})) == []


def test_a_rule_below_one_that_ends_all_is_unreachable() -> None:
    under = a_rule("under", {"team": "x"}, priority=-1)

    assert codes_of(under, a_rule("over")) == [("rules[0]", "unreachable")]
    assert codes_of(under, a_rule("over", mode="shadow")) == []
    assert codes_of(under, a_rule("over", enabled=False)) == []
    assert codes_of(under, a_rule("over", expires_at="2027-01-01T00:00:00Z")) == []
    assert codes_of(under, a_rule("over", action={"type": "alert"})) == []
    throttle = {"type": "throttle", "requests_per_minute": 5, "per": "key"}
    assert codes_of(under, a_rule("over", action=throttle)) == []


# Anything near the schema -------------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 30),
    st.sampled_from([2**53, 2**63, 2**64, -(2**63), 1.5, 1e300, -0.0, "", "a", "mon", "22", "2.50", "\x00", "é\n"]),
    st.sampled_from(["America/New_York", "PII_SSN", "gpt-*", "openai/?", "shadow", "key", "2027-01-01T00:00:00Z"]),
)
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each), max_leaves=5
)


def near(*members: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(members) | st.text(max_size=6), VALUES, max_size=4)


FUZZED_ACTIONS = st.builds(
    lambda kind, more: {"type": kind, **more},
    st.sampled_from([action.__struct_config__.tag for action in ACTIONS]) | VALUES,
    near("message", "requests_per_minute", "per", "model", "severity", "tags"),
)
FUZZED_RULES = st.builds(
    lambda whole, more: whole | more,
    st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b"]), "condition": near(*Condition.__struct_fields__), "action": FUZZED_ACTIONS}
    ),
    st.one_of(st.just({}), near("id", "name", "priority", "mode", "enabled", "expires_at", "condition", "action")),
)
FUZZED = st.fixed_dictionaries({"rules": st.lists(FUZZED_RULES | VALUES, max_size=3) | VALUES}) | VALUES


@given(FUZZED)
def test_whatever_is_written_is_used_or_refused_by_a_member(document: Any) -> None:
    text = json.dumps(document)

    rules = parse_rules(text)
    try:
        judge_rules(text, TABLE)
    except InvalidDocument as error:
        assert error.param
    else:
        assert rules.broken == ()
