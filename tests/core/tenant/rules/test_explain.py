"""Why a rule fires is told by what judges calls."""

import json
from dataclasses import replace
from typing import Any

import msgspec

from core.ledger.loops.turns import NOTHING_KNOWN, SessionFacts
from core.tenant.rules.compiled import CompiledRules
from core.tenant.rules.explain import Explanation, MemberExplained, RuleExplained, explain
from core.tenant.rules.facts import RequestFacts
from core.tenant.rules.reading import parse_rules

FACTS = RequestFacts(
    asked_model="gpt-4o-mini",
    provider="openai",
    model="gpt-4o-mini",
    at_ms=1_780_000_000_000,  # 2026-05-28, a Thursday, 20:26 UTC
    is_streaming=True,
    estimated_cost_nanousd=20_000_000,
    team="core",
)
SESSION = SessionFacts(session_spend_nanousd=2_500_000_000, growth_ratio=1.2)
TAG = {"type": "tag", "tags": ["x"]}


def rules_of(**rules: dict[str, Any]) -> CompiledRules:
    documents = [
        {"id": rule_id, "action": TAG, "priority": -place, **rule}
        for place, (rule_id, rule) in enumerate(rules.items())
    ]
    return parse_rules(json.dumps({"rules": documents}))


def rule_in(explanation: Explanation, rule_id: str) -> RuleExplained:
    return next(rule for rule in explanation.rules if rule.id == rule_id)


def test_every_member_says_what_was_wanted_and_what_is_so() -> None:
    condition = {
        "team": ["core", "web"],
        "model_pattern": "claude-*",
        "estimated_cost_usd_min": "0.01",
        "prompt_tokens_min": 5,
        "hour_min": 22,
        "hour_max": 6,
        "time_zone": "Asia/Kolkata",
        "day_of_week": "thu",
        "session_spend_usd_min": "3",
        "growth_ratio_min": 1.1,
        "iteration_min": 4,
    }

    told = rule_in(explain(rules_of(a={"condition": condition}), FACTS, SESSION), "a")

    assert sorted(told.members, key=lambda each: each.member) == [
        MemberExplained("day_of_week", "thu", "thu", "true"),
        MemberExplained("estimated_cost_usd_min", "0.01", "0.02", "true"),
        MemberExplained("growth_ratio_min", 1.1, 1.2, "true"),
        MemberExplained("hours", "22:00-06:00 Asia/Kolkata", 1, "true"),
        MemberExplained("iteration_min", 4, None, "unknown"),
        MemberExplained("model_pattern", "claude-*", ["openai/gpt-4o-mini"], "false"),
        MemberExplained("prompt_tokens_min", 5, None, "unknown"),
        MemberExplained("session_spend_usd_min", "3", "2.5", "false"),
        MemberExplained("team", ["core", "web"], "core", "true"),
    ]
    assert (told.holds, told.fires) == ("false", False)


def test_a_rule_that_is_not_asked_says_why() -> None:
    always = {"condition": {"always": True}}
    block = {"action": {"type": "block"}}
    rules = rules_of(
        first=always,
        off=always | {"enabled": False},
        old=always | {"expires_at": "2026-01-01T00:00:00Z"},
        rate=always | {"action": {"type": "throttle", "requests_per_minute": 5, "per": "key"}},
        shadow=always | block | {"mode": "shadow"},
        below=always | {"mode": "shadow"},
        spent={"condition": {"session_spend_usd_min": "2"}} | block,
        last=always,
    )

    explanation = explain(rules, FACTS, SESSION)

    assert {each.id: (each.fires, each.skipped) for each in explanation.rules} == {
        "first": (True, None),
        "old": (False, "expired"),
        "rate": (False, "within_rate"),
        "shadow": (True, None),
        "below": (False, "not_reached"),
        "spent": (True, None),
        "last": (False, "not_reached"),
        "off": (False, "disabled"),
    }
    assert explanation.ruling.done.rule == "spent"
    assert explanation.ruling.would_do is not None and explanation.ruling.would_do.rule == "shadow"


def test_a_rate_is_exceeded_where_the_ledger_says_so() -> None:
    throttle = {"type": "throttle", "requests_per_minute": 5, "per": "key"}
    rules = rules_of(rate={"condition": {"always": True}, "action": throttle})

    explanation = explain(rules, FACTS, NOTHING_KNOWN, wait_of=lambda _: 700)

    assert rule_in(explanation, "rate").fires
    assert explanation.ruling.done.retry_after_ms == 700


def test_what_is_broken_or_unknown_is_told_and_all_of_it_is_json() -> None:
    rules = rules_of(
        bad={"condition": {"moon": 1}},
        agent={"condition": {"agent": "x"}},
        loop={"condition": {"repeated_step_min": 3}},
        odd={"condition": {"prompt_tokens_min": 3}},
        hide={"condition": {"always": True}, "action": {"type": "redact"}},
    )

    explanation = explain(rules, replace(FACTS, prompt_tokens="many"), SESSION)  # type: ignore[arg-type]

    assert explanation.ruling.unknown == ("agent", "loop")
    assert [each.id for each in explanation.broken] == ["bad", "odd"]
    assert explanation.redacted_by == ["hide"]
    assert rule_in(explanation, "odd").holds == "unknown"
    assert msgspec.json.decode(msgspec.json.encode(explanation), type=Explanation) == explanation
