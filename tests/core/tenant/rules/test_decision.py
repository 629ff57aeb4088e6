"""The whole pure decision, both halves, against an evaluator that is written as the documentation reads."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as st

from core.ledger.loops.ruling import Candidate, Ruling, rule_on
from core.ledger.loops.turns import SessionFacts
from core.money.price_list import TABLE
from core.tenant.rules.facts import RequestFacts
from core.tenant.rules.reading import judge_rules, parse_rules
from core.tenant.rules.request_half import judge_request

# The naive evaluator ------------------------------------------------------------------------------------------------

NANOUSD = 1_000_000_000
SESSION_MEMBERS = {
    "iteration_min": "iteration",
    "session_spend_usd_min": "session_spend_nanousd",
    "growth_ratio_min": "growth_ratio",
    "requests_per_minute_min": "requests_per_minute",
    "repeated_step_min": "repeated_step",
}
PLAIN = {"team": "team", "project": "project", "key_id": "key_id"}
LEAST = {"prompt_tokens_min": "prompt_tokens", "max_tokens_min": "max_tokens"}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def entries(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def answer(member: str, condition: dict[str, Any], facts: dict[str, Any]) -> bool | None:
    """What one member comes to; None is unknown."""
    wanted = condition[member]
    if member == "always":
        return True
    if member in PLAIN:
        return None if facts[PLAIN[member]] is None else facts[PLAIN[member]] in entries(wanted)
    if member in LEAST:
        return None if facts[LEAST[member]] is None else facts[LEAST[member]] >= wanted
    if member == "prompt_tokens_max":
        return None if facts["prompt_tokens"] is None else facts["prompt_tokens"] <= wanted
    if member == "estimated_cost_usd_min":
        return bool(facts["estimated_cost_nanousd"] >= float(wanted) * NANOUSD)
    if member == "stream":
        return bool(facts["is_streaming"] == wanted)
    if member == "has_tools":
        return None if facts["has_tools"] is None else facts["has_tools"] == wanted
    if member == "risk_tags_any":
        return None if facts["risk_tags"] is None else any(tag in facts["risk_tags"] for tag in wanted)
    if member in ("model", "model_pattern"):
        return any(names_model(each, facts) for each in entries(wanted))
    if member in ("hour_min", "hour_max", "day_of_week", "time_zone"):
        return is_within(condition, facts["at_ms"])
    fact = facts[SESSION_MEMBERS[member]]
    least = float(wanted) * (NANOUSD if "usd" in member else 1)
    return None if fact is None else fact >= least


def names_model(pattern: str, facts: dict[str, Any]) -> bool:
    """The names of these tests have neither versions nor stars, so that one reading serves both members."""
    regex = re.compile("".join({"*": ".*"}.get(each, re.escape(each)) for each in pattern), re.IGNORECASE)
    for name in (facts["asked_model"], facts["model"]):
        full = name if name.startswith(facts["provider"] + "/") else facts["provider"] + "/" + name
        if regex.fullmatch(full if "/" in pattern else full.partition("/")[2]):
            return True
    return False


def is_within(condition: dict[str, Any], at_ms: int) -> bool:
    """Looks for a window that began on this day or the one before."""
    zone = ZoneInfo(condition.get("time_zone", "UTC"))
    now = datetime.fromtimestamp(at_ms / 1_000, zone)
    first, end = condition.get("hour_min", 0), condition.get("hour_max", 24)
    hour_of_window = {now.date(): now.hour, now.date() - timedelta(days=1): now.hour + 24}
    return any(
        first <= hour < (end if first < end else end + 24)
        and DAYS[day.weekday()] in entries(condition.get("day_of_week", DAYS))
        for day, hour in hour_of_window.items()
    )


def both(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def naive(rules: list[Any], request: Any, session: Any, exceeded: set[str], *, is_downgraded: bool) -> dict[str, Any]:
    """What is done, what would be if shadow rules were in force, and which rules nobody could judge."""
    asked = []
    for rule in sorted(rules, key=lambda rule: (-rule.get("priority", 0), rule["id"])):
        expires_at = rule.get("expires_at")
        if expires_at and request["at_ms"] >= datetime.fromisoformat(expires_at).timestamp() * 1_000:
            continue
        if rule.get("enabled", True) and not (is_downgraded and rule["action"]["type"] == "downgrade"):
            asked.append(rule)
    unknown, met = set(), []
    for rule in asked:
        condition, kind = rule["condition"], rule["action"]["type"]
        early = both([answer(each, condition, request) for each in condition if each not in SESSION_MEMBERS])
        late = both([answer(each, condition, session) for each in condition if each in SESSION_MEMBERS])
        if early is None or (early and late is None):
            unknown.add(rule["id"])
        elif early and late:
            met.append(rule)
        ends_early = early and not any(each in SESSION_MEMBERS for each in condition)
        if ends_early and rule.get("mode") != "shadow" and kind not in ("alert", "tag", "redact", "throttle"):
            break
    done = outcome([rule for rule in met if rule.get("mode") != "shadow"], exceeded)
    would_do = outcome(met, exceeded)
    return {"done": done, "would_do": None if would_do == done else would_do, "unknown": unknown}


def outcome(met: list[Any], exceeded: set[str]) -> tuple[str | None, str | None, list[str]]:
    """Action, rule, and all that fired."""
    fired = []
    for rule in met:
        kind = rule["action"]["type"]
        if kind == "throttle" and rule["id"] not in exceeded:
            continue
        fired.append(rule["id"])
        if kind not in ("alert", "tag", "redact"):
            return kind, rule["id"], fired
    return None, None, fired


# Documents and calls ------------------------------------------------------------------------------------------------


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


def some(values: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=3)


ZONES = ["UTC", "America/New_York", "Asia/Kolkata"]
REQUEST_MEMBERS = {
    "team": some(["a", "b"]),
    "project": some(["p", "q"]),
    "key_id": some(["k", "j"]),
    "prompt_tokens_min": st.sampled_from([1, 10]),
    "prompt_tokens_max": st.sampled_from([10, 20]),
    "max_tokens_min": st.sampled_from([1, 10]),
    "estimated_cost_usd_min": st.sampled_from(["0.5", "2"]),
    "stream": st.booleans(),
    "has_tools": st.booleans(),
    "risk_tags_any": st.lists(st.sampled_from(["PII_SSN", "SECRET_JWT"]), min_size=1, max_size=2),
    "model": some(["big", "small", "openai/big", "OPENAI/small", "xai/big"]),
    "model_pattern": some(["b*", "*/small", "openai/*", "*", "s*l*"]),
}
SESSION = {
    "iteration_min": st.sampled_from([1, 5]),
    "session_spend_usd_min": st.sampled_from(["0.5", "2"]),
    "growth_ratio_min": st.sampled_from([1.4, 2]),
    "requests_per_minute_min": st.sampled_from([1, 5]),
    "repeated_step_min": st.sampled_from([2, 5]),
}
WINDOWS = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"hour_min": st.integers(0, 23), "hour_max": st.integers(0, 24)},
        optional={"time_zone": st.sampled_from(ZONES), "day_of_week": some(DAYS)},
    ).filter(lambda window: window["hour_min"] != window["hour_max"]),
)


@st.composite
def conditions(draw: Any, kind: str) -> dict[str, Any]:
    of_session = {} if kind == "redact" else SESSION
    chosen = draw(st.lists(st.sampled_from([*REQUEST_MEMBERS, *of_session]), max_size=2, unique=True))
    found = {member: draw((REQUEST_MEMBERS | SESSION)[member]) for member in chosen}
    found |= draw(st.sampled_from([{}, {}, {}, draw(WINDOWS)]))
    return found or {"always": True}


ACTIONS = [
    {"type": "allow"},
    {"type": "block"},
    {"type": "throttle", "requests_per_minute": 5, "per": "key"},
    {"type": "downgrade", "model": "small"},
    {"type": "pause_session"},
    {"type": "alert"},
    {"type": "tag", "tags": ["t"]},
    {"type": "redact"},
]


@st.composite
def rule_lists(draw: Any) -> list[dict[str, Any]]:
    rules = []
    for rule_id in draw(
        st.lists(st.sampled_from([f"r{number}" for number in range(8)]), min_size=1, max_size=7, unique=True)
    ):
        action = draw(st.sampled_from(ACTIONS))
        rule = {"id": rule_id, "condition": draw(conditions(action["type"])), "action": action}
        optional = {
            "priority": st.integers(-1, 1),
            "mode": st.sampled_from(["enforce", "shadow"]),
            "enabled": st.sampled_from([True, True, False]),
            "expires_at": st.sampled_from(["2026-07-01T00:00:00Z", "2039-01-01T00:00:00Z"]),
        }
        rules.append(rule | draw(st.fixed_dictionaries({}, optional=optional)))
    return rules


FROM_MS, UNTIL_MS = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1_000) for year in (2026, 2030))
REQUESTS = st.builds(
    RequestFacts,
    asked_model=st.sampled_from(["big", "openai/big", "Alias"]),
    provider=st.just("openai"),
    model=st.sampled_from(["big", "small"]),
    at_ms=st.integers(FROM_MS, UNTIL_MS),
    is_streaming=st.booleans(),
    estimated_cost_nanousd=st.sampled_from([0, NANOUSD, 2 * NANOUSD]),
    team=maybe(["a", "b"]),
    project=maybe(["p"]),
    agent=st.none(),
    key_id=maybe(["k"]),
    session_id=maybe(["s"]),
    prompt_tokens=maybe([5, 10, 15, 25]),
    max_tokens=maybe([5, 10]),
    risk_tags=maybe([(), ("PII_SSN",), ("PII_SSN", "SECRET_JWT")]),
    has_tools=maybe([True, False]),
)
SESSIONS = st.builds(
    SessionFacts,
    iteration=maybe([1, 5]),
    session_spend_nanousd=maybe([NANOUSD, 2 * NANOUSD]),
    growth_ratio=maybe([1.0, 1.4, 3.0]),
    requests_per_minute=maybe([1, 9]),
    repeated_step=maybe([0, 3, 5]),
)


def shadows_in(ruling: Ruling, rules: list[Any]) -> list[str]:
    in_shadow = {rule["id"] for rule in rules if rule.get("mode") == "shadow"}
    return [] if ruling.would_do is None else [rule for rule in ruling.would_do.fired if rule in in_shadow]


@settings(max_examples=500)
@given(rule_lists(), REQUESTS, SESSIONS, st.sets(st.sampled_from([f"r{number}" for number in range(8)])), st.booleans())
def test_the_decision_is_the_one_that_the_documentation_reads_like(
    rules: list[Any], request: RequestFacts, session: SessionFacts, exceeded: set[str], is_downgraded: bool
) -> None:
    text = json.dumps({"rules": rules})
    judge_rules(text, TABLE)

    verdict = judge_request(parse_rules(text), request, is_downgraded=is_downgraded)
    ruling = rule_on(verdict.candidates, session, wait_where(exceeded))

    facts = {name: getattr(session, name) for name in SessionFacts.__struct_fields__}
    expected = naive(rules, asdict(request), facts, exceeded, is_downgraded=is_downgraded)
    would_do = ruling.would_do
    assert (ruling.done.action, ruling.done.rule, list(ruling.done.fired)) == expected["done"]
    assert (would_do and (would_do.action, would_do.rule, list(would_do.fired))) == expected["would_do"]
    assert {*verdict.unknown, *ruling.unknown} == expected["unknown"]
    assert verdict.failed == ()
    asked = rule_on(verdict.for_ledger, session, wait_where(exceeded))
    assert (asked.done.action, asked.done.rule) == (ruling.done.action, ruling.done.rule)
    assert verdict.fired(asked.done) == ruling.done.fired
    assert shadows_in(asked, rules) == shadows_in(ruling, rules)
    if verdict.downgrade is not None:
        assert (expected["done"][0], expected["done"][1]) == ("downgrade", verdict.downgrade.id)
    event(f"done: {ruling.done.action}, would do: {would_do and would_do.action}")


def wait_where(exceeded: set[str]) -> Any:
    def wait_of(candidate: Candidate) -> int:
        assert candidate.rate is not None
        return 1_000 if candidate.id in exceeded else 0

    return wait_of
