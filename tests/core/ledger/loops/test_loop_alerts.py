"""What an alert says of a session or a rule: who, how fast, until when, what to do; and nothing a shell would trip over."""

import re
import shlex
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger.loops.alerts import (
    HOUR_MS,
    MINUTE_MS,
    MINUTES_MAX,
    BrokenPart,
    Circumstances,
    alert_key,
    anomaly_alert,
    broken_alert,
    minutes_to_limit,
    pace_nanousd,
    rule_alert,
    rule_claim,
)
from core.ledger.loops.remedies import session_steps, team_steps, tenant_steps
from core.ledger.loops.ruling import Action
from core.telemetry import COMMAND_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, Alert, from_wire, to_wire

NOW_MS = 1_795_000_000_123
USD = 10**9

SEEN = Circumstances(
    session_id="run-42",
    team="search",
    agent="planner",
    model="openai/gpt-5",
    input_tokens=(900, 1_200, 1_900, 2_900, 4_400, 6_700),
    spent_nanousd=2 * USD,
    last_hour_nanousd=2 * USD,
    began_at_ms=NOW_MS - 20 * MINUTE_MS,
    limit_nanousd=5 * USD,
)


def a_rule_alert(seen: Circumstances = SEEN, **changes: Any) -> Alert:
    terms: dict[str, Any] = {"rule_id": "stop-loop", "rule_name": "Stop a loop", "action": "block", **changes}
    return rule_alert("acme", seen, now_ms=NOW_MS, **terms)


def test_an_anomaly_says_what_happened_how_fast_and_what_to_do() -> None:
    alert = anomaly_alert("acme", SEEN, now_ms=NOW_MS)

    assert alert.summary == (
        "Session run-42 grows with every call: its last prompts were 1,200, 1,900, 2,900, 4,400, 6,700 tokens."
        " $2.00 so far, $6.00 an hour at this pace, 30 min to its limit of $5.00."
    )
    assert alert.alert_key == "anomaly:run-42:2026-11-18"
    assert alert.facts == {
        "session": "run-42",
        "team": "search",
        "agent": "planner",
        "model": "openai/gpt-5",
        "last prompts": "1,200, 1,900, 2,900, 4,400, 6,700 tokens",
        "spent so far": "$2.00",
        "at this pace": "$6.00 an hour",
        "limit": "$5.00",
        "until the limit": "30 min",
    }
    assert alert.steps == {
        "pause the session": (
            'curl -X PUT "$AGENTWATCH_URL/v1/sessions/run-42" -H "authorization: Bearer $AGENTWATCH_ADMIN_KEY"'
            ' -H "content-type: application/json" -d \'{"paused":true}\''
        ),
        "double its limit": (
            'curl -X PUT "$AGENTWATCH_URL/v1/sessions/run-42" -H "authorization: Bearer $AGENTWATCH_ADMIN_KEY"'
            ' -H "content-type: application/json" -d \'{"limit_usd":"10"}\''
        ),
        "look at its budget": (
            'curl "$AGENTWATCH_URL/v1/sessions/run-42" -H "authorization: Bearer $AGENTWATCH_ADMIN_KEY"'
        ),
    }
    assert (alert.session_id, alert.team, alert.minutes_to_limit) == ("run-42", "search", 30)
    assert alert.recent_input_tokens == (1_200, 1_900, 2_900, 4_400, 6_700)


def test_an_anomaly_of_which_little_is_known_says_that() -> None:
    alert = anomaly_alert("acme", Circumstances(session_id="s"), now_ms=NOW_MS)

    assert alert.summary == "Session s grows with every call."
    assert alert.facts == {"session": "s"}


@pytest.mark.parametrize(
    ("action", "words"),
    [("block", "blocked the call"), ("pause_session", "paused the session"), ("alert", "only tells")],
)
def test_a_rule_says_which_it_was_and_what_it_did(action: Action, words: str) -> None:
    alert = a_rule_alert(action=action)

    assert alert.summary.startswith(
        f"Rule stop-loop (Stop a loop) has fired in session run-42: it {words}. $2.00 so far"
    )
    assert (alert.facts["rule"], alert.facts["what it did"]) == ("stop-loop (Stop a loop)", words)
    assert (alert.rule, alert.action) == ("stop-loop", action)


def test_a_session_that_a_rule_has_paused_can_be_resumed() -> None:
    assert '{"paused":false}' in a_rule_alert(action="pause_session").steps["resume the session"]


def test_a_rule_may_fire_without_a_session() -> None:
    alert = a_rule_alert(Circumstances(team="search"))

    assert alert.summary == "Rule stop-loop (Stop a loop) has fired: it blocked the call."
    assert list(alert.steps) == ["look at the rules"]


BROKEN: list[tuple[BrokenPart, bool, str, str]] = [
    ("rule", False, "Rule r1 cannot be used and is skipped, the others hold: unknown zone", "look at the rules"),
    ("rule", True, "The rules cannot be used, none holds: unknown zone", "look at the rules"),
    (
        "chain",
        False,
        "Failover chain r1 cannot be used and is skipped, the others hold: unknown zone",
        "look at the failover chains",
    ),
    ("chain", True, "The failover chains cannot be used, none holds: unknown zone", "look at the failover chains"),
]


@pytest.mark.parametrize(("part", "is_whole", "summary", "step"), BROKEN)
def test_what_cannot_be_used_is_named_and_presses(part: BrokenPart, is_whole: bool, summary: str, step: str) -> None:
    alert = broken_alert("acme", part, part_id="r1", is_whole=is_whole, version=7, fault="unknown zone", now_ms=NOW_MS)

    assert (alert.kind, alert.severity, alert.summary) == (f"{part}_broken", "critical", summary)
    assert (alert.alert_key.split(":")[:3], list(alert.steps)) == ([f"{part}_broken", "r1", "7"], [step])
    assert alert.rule == ("r1" if part == "rule" else None)


AGE_CASES = [
    # last hour, spent, age in minutes -> dollars an hour
    (2 * USD, 9 * USD, 600, 2 * USD),
    (2 * USD, 2 * USD, 20, 6 * USD),
    (1 * USD, 1 * USD, 0, 60 * USD),
    (None, 3 * USD, 90, 2 * USD),
    (2 * USD, 2 * USD, None, 2 * USD),
    (None, 2 * USD, None, None),
    (None, None, 5, None),
]


@pytest.mark.parametrize(("last_hour", "spent", "age_min", "expected"), AGE_CASES)
def test_the_pace_is_that_of_the_last_hour_or_of_a_younger_session_s_life(
    last_hour: int | None, spent: int | None, age_min: int | None, expected: int | None
) -> None:
    began = None if age_min is None else NOW_MS - age_min * MINUTE_MS
    seen = Circumstances(session_id="s", last_hour_nanousd=last_hour, spent_nanousd=spent, began_at_ms=began)

    assert pace_nanousd(seen, NOW_MS) == expected


@pytest.mark.parametrize(
    ("spent", "limit", "expected"),
    [(2, 5, 30), (5, 5, 0), (7, 5, 0), (2, None, None), (2, 10**6, None), (0, 5, None)],
)
def test_minutes_to_the_limit(spent: int, limit: int | None, expected: int | None) -> None:
    seen = msgspec.structs.replace(
        SEEN,
        spent_nanousd=spent * USD,
        last_hour_nanousd=min(spent, 2) * USD,
        limit_nanousd=limit and limit * USD,
    )

    assert minutes_to_limit(seen, NOW_MS) == expected


NAMES = st.text(max_size=400)
AMOUNTS = st.integers(0, 2**60) | st.none()


@given(
    st.builds(
        Circumstances,
        session_id=NAMES | st.from_regex(r"[A-Za-z0-9_.:-]{1,128}", fullmatch=True) | st.none(),
        team=NAMES | st.none(),
        agent=NAMES | st.none(),
        model=NAMES | st.none(),
        input_tokens=st.lists(st.integers(0, 2**50), max_size=8).map(tuple),
        spent_nanousd=AMOUNTS,
        last_hour_nanousd=AMOUNTS,
        began_at_ms=st.integers(0, 2 * NOW_MS) | st.none(),
        limit_nanousd=AMOUNTS,
    ),
    NAMES,
)
def test_whatever_is_known_becomes_alerts_that_survive_the_wire(seen: Circumstances, name: str) -> None:
    for alert in (anomaly_alert("acme", seen, now_ms=NOW_MS), a_rule_alert(seen, rule_id=name, rule_name=name)):
        assert from_wire(to_wire(alert)) == alert
        assert "…" not in alert.alert_key or "…" in name + str(seen.session_id)
        for command in alert.steps.values():
            assert len(command) <= COMMAND_CHARACTERS_MAX
            assert _is_one_harmless_command(command)
        assert alert.minutes_to_limit is None or 0 <= alert.minutes_to_limit < MINUTES_MAX


@given(st.text(max_size=128), st.integers(1, 2**60))
def test_a_team_s_command_is_one_command_whatever_its_name(team: str, limit: int) -> None:
    for command in team_steps(team, limit).values():
        assert len(command) <= COMMAND_CHARACTERS_MAX
        assert _is_one_harmless_command(command)


@pytest.mark.parametrize(
    "session_id", [None, "", ".", "..", "a/b", "a b", '";rm -rf ~;"', "$(id)", "`id`", "a\n", "x" * 129, "ü"]
)
def test_an_id_that_is_none_of_ours_is_in_no_command(session_id: str | None) -> None:
    assert session_steps(session_id) == {}


def test_a_tenant_s_command_names_the_window() -> None:
    assert """-d '{"window":"day","limit_usd":"10"}'""" in tenant_steps("day", 5 * USD)["double its limit"]


def test_long_names_stay_apart_in_keys() -> None:
    keys = {alert_key(rule_claim("r" * 64, "s" * 250 + end), NOW_MS) for end in "ab"}

    assert len(keys) == 2
    assert max(map(len, keys)) < TEXT_CHARACTERS_MAX


def test_an_occasion_is_another_one_a_day_later() -> None:
    assert alert_key("a", NOW_MS) != alert_key("a", NOW_MS + 24 * HOUR_MS)


def _is_one_harmless_command(command: str) -> bool:
    """Its words as a shell reads them; what it would run or expand besides our two variables is nothing."""
    words = shlex.split(command)
    expanded = re.findall(r"[$`]\w*", command)
    return words[0] == "curl" and set(expanded) <= {"$AGENTWATCH_URL", "$AGENTWATCH_ADMIN_KEY"} and "\n" not in command
