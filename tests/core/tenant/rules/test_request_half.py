"""Which rules a request has met, before its session is asked."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from core.ledger.loops.ruling import Rate, SessionNeed
from core.tenant.document import Broken
from core.tenant.rules.compiled import CompiledRules
from core.tenant.rules.facts import RequestFacts
from core.tenant.rules.reading import parse_rules
from core.tenant.rules.request_half import RequestVerdict, judge_request

FACTS = RequestFacts(
    asked_model="gpt-4o-mini",
    provider="openai",
    model="gpt-4o-mini",
    at_ms=1_780_000_000_000,
    is_streaming=True,
    estimated_cost_nanousd=2_000_000_000,
    team="core",
    project="p",
    agent="a",
    key_id="k",
    session_id="s",
    prompt_tokens=1_000,
    max_tokens=500,
    risk_tags=("PII_EMAIL",),
    has_tools=True,
)
TAG = {"type": "tag", "tags": ["x"]}
BLOCK = {"type": "block"}
DOWN = {"type": "downgrade", "model": "gpt-4.1-nano"}
THROTTLE = {"type": "throttle", "requests_per_minute": 5, "per": "tenant"}
GROWTH = {"growth_ratio_min": 1.4}


def rules_of(*rules: tuple[Any, ...]) -> CompiledRules:
    """Rules by condition, action and further members, asked in this order."""
    documents = [
        {"id": f"r{place}", "condition": condition, "action": action, **(more[0] if more else {})}
        for place, (condition, action, *more) in enumerate(rules)
    ]
    compiled = parse_rules(json.dumps({"rules": documents}))
    assert compiled.broken == ()
    return compiled


def verdict_of(*rules: tuple[Any, ...], is_downgraded: bool = False) -> RequestVerdict:
    return judge_request(rules_of(*rules), FACTS, is_downgraded=is_downgraded)


def ids(verdict: RequestVerdict) -> list[str]:
    return [candidate.id for candidate in verdict.candidates]


def outcome(condition: Any, **facts: Any) -> str:
    """What a condition's request half comes to."""
    verdict = judge_request(rules_of((condition, TAG)), replace(FACTS, **facts))
    assert verdict.failed == ()
    return "met" if verdict.candidates else "unknown" if verdict.unknown else "no"


TRUTH: list[tuple[dict[str, Any], str, dict[str, Any], dict[str, Any]]] = [
    # a condition, the fact it asks for, and what else the call could have been for it not to hold
    ({"team": "core"}, "team", {"team": "other"}, {"team": "Core"}),
    ({"team": ["x", "core"]}, "team", {"team": "other"}, {"team": "cor"}),
    ({"project": "p"}, "project", {"project": "q"}, {"project": "P"}),
    ({"agent": "a"}, "agent", {"agent": "b"}, {"agent": "aa"}),
    ({"key_id": "k"}, "key_id", {"key_id": "j"}, {"key_id": "k "}),
    ({"prompt_tokens_min": 1_000}, "prompt_tokens", {"prompt_tokens": 999}, {"prompt_tokens": 0}),
    ({"prompt_tokens_max": 1_000}, "prompt_tokens", {"prompt_tokens": 1_001}, {"prompt_tokens": 10**9}),
    ({"max_tokens_min": 500}, "max_tokens", {"max_tokens": 499}, {"max_tokens": 0}),
    (
        {"estimated_cost_usd_min": "2"},
        "estimated_cost_nanousd",
        {"estimated_cost_nanousd": 1_999_999_999},
        {"estimated_cost_nanousd": 0},
    ),
    ({"risk_tags_any": ["PII_SSN", "PII_EMAIL"]}, "risk_tags", {"risk_tags": ()}, {"risk_tags": ("PII_PHONE",)}),
    ({"has_tools": True}, "has_tools", {"has_tools": False}, {"has_tools": False}),
    ({"has_tools": False}, "", {"has_tools": True}, {"has_tools": True}),
    ({"stream": True}, "", {"is_streaming": False}, {"is_streaming": False}),
    ({"provider": "openai"}, "", {"provider": "xai"}, {"provider": "groq"}),
    ({"provider": ["Google", "OpenAI"]}, "", {"provider": "xai"}, {"provider": "groq"}),
]


@pytest.mark.parametrize(("condition", "fact", "one", "other"), TRUTH, ids=lambda each: str(each)[:40])
def test_a_condition_is_met_not_met_or_not_known(
    condition: dict[str, Any], fact: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    if "has_tools" not in condition or condition["has_tools"]:
        assert outcome(condition) == "met"
    assert outcome(condition, **one) == outcome(condition, **other) == "no"
    if fact:
        assert outcome(condition, **{fact: None}) == "unknown"


def test_one_fact_against_a_rule_outweighs_any_that_are_missing() -> None:
    condition = {"team": "core", "project": "p", "prompt_tokens_min": 5}

    assert outcome(condition) == "met"
    assert outcome(condition, project=None) == outcome(condition, project=None, team=None) == "unknown"
    assert outcome(condition, project=None, prompt_tokens=4) == "no"
    assert outcome(condition, team="x", prompt_tokens=None) == "no"


MODELS = [
    ("gpt-4o-mini", True),
    ("GPT-4o-Mini", True),
    ("openai/gpt-4o-mini", True),
    ("OpenAI/GPT-4o-mini", True),
    ("gpt-4o", False),
    ("anthropic/gpt-4o-mini", False),
    ("mini", False),
    (["x", "gpt-4o-mini"], True),
]


@pytest.mark.parametrize(("wanted", "expected"), MODELS)
def test_a_model_is_met_by_its_bare_name_or_behind_its_provider(wanted: Any, expected: bool) -> None:
    met = "met" if expected else "no"

    assert outcome({"model": wanted}) == met
    assert outcome({"model_pattern": wanted}) == met
    assert outcome({"model": wanted}, asked_model="openai/gpt-4o-mini") == met
    assert outcome({"model": wanted}, asked_model="gpt-4o-mini-2024-07-18", model="gpt-4o-mini-2024-07-18") == met
    assert outcome({"model": wanted}, asked_model="a-name-of-ours") == met
    assert outcome({"model": wanted}, model="resolved-otherwise") == met


PATTERNS = [
    ("gpt-*", True),
    ("openai/*", True),
    ("openai/gpt-4?-*", True),
    ("*", True),
    ("*/*", True),
    ("*mini", True),
    ("groq/*", False),
    ("gpt-4o", False),
    ("gpt-[4]*", False),
]


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS)
def test_a_pattern_with_a_slash_meets_the_name_behind_its_provider(pattern: str, expected: bool) -> None:
    assert outcome({"model_pattern": pattern}) == ("met" if expected else "no")


def test_a_maker_s_name_in_another_provider_s_model_is_no_provider() -> None:
    at_groq = {"provider": "groq", "asked_model": "openai/gpt-oss-120b", "model": "openai/gpt-oss-120b"}

    assert outcome({"model_pattern": "openai/*"}, **at_groq) == "no"
    assert outcome({"model_pattern": "groq/*"}, **at_groq) == "met"
    assert outcome({"model": "groq/openai/gpt-oss-120b"}, **at_groq) == "met"


def test_a_name_longer_than_any_model_s_costs_no_more_than_one_as_long() -> None:
    assert outcome({"model_pattern": "x*"}, asked_model="x" * 1_000_000) == "met"
    assert outcome({"model_pattern": "*y"}, asked_model="x" * 1_000_000 + "y") == "no"


def test_a_dated_name_meets_its_own_date_and_no_other() -> None:
    dated = {"asked_model": "gpt-4o-2024-08-06", "model": "gpt-4o-2024-08-06"}

    assert outcome({"model": "gpt-4o-2024-08-06"}, **dated) == outcome({"model": "gpt-4o"}, **dated) == "met"
    assert outcome({"model": "gpt-4o-2024-05-13"}, **dated) == outcome({"model": "gpt-4o-mini"}, **dated) == "no"


NIGHT = {"hour_min": 22, "hour_max": 6, "time_zone": "America/New_York", "day_of_week": ["mon", "fri"]}
NEW_YORK = [
    # 2026-11-02 is a Monday; the night from Friday to Saturday is Friday's
    (NIGHT, "2026-11-02T21:59:59-05:00", False),
    (NIGHT, "2026-11-02T22:00:00-05:00", True),
    (NIGHT, "2026-11-03T05:59:59-05:00", True),
    (NIGHT, "2026-11-03T06:00:00-05:00", False),
    (NIGHT, "2026-11-02T01:00:00-05:00", False),
    (NIGHT, "2026-11-07T01:00:00-05:00", True),
    (NIGHT, "2026-11-07T23:00:00-05:00", False),
    (NIGHT, "2026-11-08T01:00:00-05:00", False),
    (NIGHT | {"hour_max": 24}, "2026-11-03T00:00:00-05:00", False),
    (NIGHT | {"hour_max": 24}, "2026-11-02T23:59:59-05:00", True),
    (NIGHT | {"hour_max": 0}, "2026-11-02T23:59:59-05:00", True),
    ({"hour_min": 2, "hour_max": 3, "time_zone": "America/New_York"}, "2026-03-08T06:59:59+00:00", False),
    ({"hour_min": 2, "hour_max": 3, "time_zone": "America/New_York"}, "2026-03-08T07:00:00+00:00", False),
    ({"hour_min": 1, "hour_max": 2, "time_zone": "America/New_York"}, "2026-11-01T05:30:00+00:00", True),
    ({"hour_min": 1, "hour_max": 2, "time_zone": "America/New_York"}, "2026-11-01T06:30:00+00:00", True),
    ({"hour_min": 9, "hour_max": 17}, "2026-11-02T09:00:00+00:00", True),
    ({"hour_min": 9, "hour_max": 17}, "2026-11-02T17:00:00+00:00", False),
    ({"hour_min": 9}, "2026-11-02T23:59:59+00:00", True),
    ({"hour_max": 9}, "2026-11-02T08:59:59+00:00", True),
    ({"hour_max": 9}, "2026-11-02T09:00:00+00:00", False),
    ({"day_of_week": "tue", "time_zone": "Asia/Kolkata"}, "2026-11-02T18:30:00+00:00", True),
    ({"day_of_week": "mon"}, "2026-11-02T18:30:00+00:00", True),
    ({"day_of_week": "sun", "time_zone": "Pacific/Apia"}, "2026-10-31T11:00:00+00:00", True),
]


@pytest.mark.parametrize(("condition", "moment", "expected"), NEW_YORK)
def test_a_window_of_hours_belongs_to_the_day_on_which_it_begins(
    condition: dict[str, Any], moment: str, expected: bool
) -> None:
    at_ms = int(datetime.fromisoformat(moment).timestamp() * 1_000)

    assert outcome(condition, at_ms=at_ms) == ("met" if expected else "no")


def test_a_rule_ends_at_its_moment() -> None:
    rules = rules_of(({"always": True}, TAG, {"expires_at": "2026-06-01T00:00:00Z"}))
    end_ms = int(datetime.fromisoformat("2026-06-01T00:00:00+00:00").timestamp() * 1_000)

    assert ids(judge_request(rules, replace(FACTS, at_ms=end_ms - 1))) == ["r0"]
    assert ids(judge_request(rules, replace(FACTS, at_ms=end_ms))) == []


ALL = {"always": True}


def test_candidates_end_with_the_first_rule_that_is_certain_to_end_them() -> None:
    rules = [(ALL, TAG), (GROWTH, BLOCK), (ALL, THROTTLE), (ALL, BLOCK, {"mode": "shadow"}), (ALL, BLOCK), (ALL, TAG)]

    assert ids(verdict_of(*rules)) == ["r0", "r1", "r2", "r3", "r4"]


def test_a_candidate_carries_its_session_half() -> None:
    (candidate,) = verdict_of((GROWTH | {"team": "core", "session_spend_usd_min": "2.5"}, BLOCK)).candidates

    assert candidate.needs == (SessionNeed("session_spend_nanousd", 2_500_000_000), SessionNeed("growth_ratio", 1.4))


def test_a_downgrade_that_is_certain_is_told_before_the_ledger_is_asked() -> None:
    verdict = verdict_of((ALL, TAG), (GROWTH, BLOCK, {"mode": "shadow"}), (ALL, DOWN), (ALL, BLOCK))

    assert verdict.downgrade is not None and verdict.downgrade.model == "gpt-4.1-nano"
    assert ids(verdict) == ["r0", "r1", "r2"]


BEFORE = [(GROWTH, BLOCK), (ALL, THROTTLE), (GROWTH, DOWN), (GROWTH, {"type": "allow"})]


@pytest.mark.parametrize("before", BEFORE)
def test_a_downgrade_is_not_certain_below_what_the_ledger_decides(before: tuple[Any, Any]) -> None:
    verdict = verdict_of(before, (ALL, DOWN))

    assert verdict.downgrade is None
    assert ids(verdict) == ["r0", "r1"]


def test_a_downgrade_in_shadow_or_for_some_sessions_is_a_candidate_alone() -> None:
    verdict = verdict_of((ALL, DOWN, {"mode": "shadow"}), (GROWTH, DOWN))

    assert verdict.downgrade is None
    assert ids(verdict) == ["r0", "r1"]


def test_a_call_is_downgraded_once() -> None:
    verdict = verdict_of((ALL, DOWN, {"mode": "shadow"}), (GROWTH, DOWN), (ALL, DOWN), (ALL, BLOCK), is_downgraded=True)

    assert verdict.downgrade is None
    assert ids(verdict) == ["r3"]


def test_redactions_that_hold_are_told_before_the_ledger_is_asked() -> None:
    redact = {"type": "redact"}
    verdict = verdict_of(
        ({"risk_tags_any": "PII_EMAIL"}, redact),
        (GROWTH, BLOCK),
        (ALL, redact, {"mode": "shadow"}),
        ({"team": "x"}, redact),
        (ALL, redact),
        (ALL, {"type": "allow"}),
        (ALL, redact),
    )

    assert verdict.redacts == ("r0", "r4")
    assert ids(verdict) == ["r0", "r1", "r2", "r4", "r5"]


COUNTED = [
    ("session", {}, "rule:r0:session:s"),
    ("session", {"session_id": None}, "rule:r0:key:k"),
    ("session", {"session_id": None, "key_id": None}, "rule:r0:tenant"),
    ("team", {}, "rule:r0:team:core"),
    ("team", {"team": None}, "rule:r0:key:k"),
    ("key", {}, "rule:r0:key:k"),
    ("key", {"key_id": None}, "rule:r0:tenant"),
    ("tenant", {}, "rule:r0:tenant"),
]


@pytest.mark.parametrize(("per", "facts", "counted_as"), COUNTED)
def test_a_throttle_counts_together_what_it_says(per: str, facts: dict[str, Any], counted_as: str) -> None:
    throttle = THROTTLE | {"per": per}
    rules = rules_of((ALL, throttle), (ALL, throttle, {"mode": "shadow"}))

    own, shadow = judge_request(rules, replace(FACTS, **facts)).candidates

    assert own.rate == Rate(counted_as, 5)
    assert shadow.rate == Rate("shadow:" + counted_as.replace("r0", "r1"), 5)


def test_a_rule_that_cannot_be_judged_is_named_and_the_others_hold() -> None:
    rules = rules_of(({"prompt_tokens_min": 5}, BLOCK), (ALL, TAG))

    verdict = judge_request(rules, replace(FACTS, prompt_tokens="many"))  # type: ignore[arg-type]

    assert verdict.failed == (Broken("r0", "its condition cannot be judged (TypeError)"),)
    assert ids(verdict) == ["r1"]
