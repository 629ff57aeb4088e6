"""Whatever is sent to the rules' routes is taken or refused by the name of what is wrong, and never a fault of ours."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tenant.rules.document import Condition
from tests.support.api_client import ADMIN, ANSWER, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 30),
    st.sampled_from(
        [2**53, 2**64, -(2**63), 1.4, 1e308, "", "*", "?" * 130, "gpt-4o", "openai/*", "mon", "1.50", "-1", "é\n"]
    ),
    st.lists(st.sampled_from(["a", 1, None, "PII_EMAIL", "sun"]), max_size=3),
    st.dictionaries(st.sampled_from(["a", "type"]), st.none(), max_size=1),
)
CONDITIONS = st.dictionaries(st.sampled_from([*Condition.__struct_fields__, "modle", "hour"]), VALUES, max_size=4)
ACTIONS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["allow", "block", "throttle", "downgrade", "pause_session", "alert", "tag", "redact", "x"]
        )
    },
    optional={
        "message": VALUES,
        "requests_per_minute": VALUES,
        "per": st.sampled_from(["session", "key", "galaxy"]),
        "model": VALUES,
        "tags": VALUES,
        "severity": st.sampled_from(["info", "loud"]),
    },
)
RULES = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "A", "", "a\n", "x" * 65]), "condition": CONDITIONS, "action": ACTIONS},
    optional={
        "priority": VALUES,
        "mode": st.sampled_from(["enforce", "shadow", "off"]),
        "name": VALUES,
        "expires_at": VALUES,
    },
)
DOCUMENTS = st.one_of(
    st.fixed_dictionaries({"rules": st.lists(st.one_of(RULES, VALUES), max_size=3)}),
    st.fixed_dictionaries({"rules": VALUES}),
    VALUES,
)


@pytest.fixture(scope="module")
def clients() -> tuple[World, Client, Client]:
    world = a_world_with_administrators({"requests_per_minute": 1_000_000})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    isolate = an_isolate()
    return world, Client(world, isolate, ADMIN), Client(world, isolate)


@settings(max_examples=300, deadline=None)
@given(document=DOCUMENTS)
def test_a_document_is_taken_and_calls_go_on_or_it_is_refused_by_name(
    clients: tuple[World, Client, Client], document: Any
) -> None:
    _, admin, member = clients

    answer = admin.ask("PUT", "/v1/rules", document, if_match="*")

    assert isinstance(answer.body, bytes)
    said = json.loads(answer.body)
    if answer.status == 200:
        assert member.call(x_agentwatch_session_id="s").status in (200, 402, 403, 429)
        assert admin.ask("DELETE", "/v1/sessions/s").status == 200
    else:
        assert answer.status == 400
        assert said["error"]["param"], said


@settings(max_examples=150, deadline=None)
@given(body=st.fixed_dictionaries({}, optional={
    "call": st.one_of(VALUES, st.fixed_dictionaries({"provider": VALUES, "model": VALUES}, optional={
        "team": VALUES, "prompt_tokens": VALUES, "at": VALUES, "text": VALUES, "estimated_cost_usd": VALUES,
        "risk_tags": VALUES,
    })),
    "session_id": VALUES,
    "session": st.one_of(VALUES, st.dictionaries(st.sampled_from(["spend_usd", "growth_ratio", "iteration"]), VALUES)),
    "rules": st.lists(RULES, max_size=2),
}))  # fmt: skip
def test_a_trial_is_answered_or_refused_by_name(clients: tuple[World, Client, Client], body: Any) -> None:
    _, admin, _ = clients

    answer = admin.ask("POST", "/v1/rules/test", body)

    assert isinstance(answer.body, bytes)
    assert answer.status in (200, 400)
    if answer.status == 400:
        assert json.loads(answer.body)["error"]["param"], answer.body
