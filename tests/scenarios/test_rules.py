"""A tenant's rules on its calls: what each action does to the caller, to the provider, to the money and to the record."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.ledger.document_messages import WriteRequest
from core.tenant.etag import etag
from tests.support.api_client import ADMIN, CALL, CHAT, OTHER, Client, an_isolate
from tests.support.memory_ports import START_MS, World
from tests.support.rules import a_rule, alerts, error_of, last_call, write_rules

BIG = {**CALL, "model": "gpt-4o"}
MESSAGES = "/v1/proxy/anthropic/v1/messages"
GENERATE = "/v1/proxy/gemini/v1beta/models/gemini-2.5-pro:generateContent"
RESPONSES = "/v1/proxy/openai/v1/responses"
UNIFIED = "/v1/chat/completions"
SETTINGS = {"ANTHROPIC_API_KEY": "sk-ant", "GEMINI_API_KEY": "AIza"}
EMAIL = {**CALL, "messages": [{"role": "user", "content": "write to jane.doe@corp-mail.com today"}]}


@pytest.fixture
def member(world: World) -> Client:
    return Client(world, an_isolate(**SETTINGS))


@pytest.fixture
def admin(world: World) -> Client:
    return Client(world, an_isolate(**SETTINGS), ADMIN)


# Block ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "rule_of", "message_of"),
    [
        (CHAT, CALL, lambda error: error["rule"], lambda error: error["message"]),
        (CHAT, {**CALL, "stream": True}, lambda error: error["rule"], lambda error: error["message"]),
        (UNIFIED, CALL, lambda error: error["rule"], lambda error: error["message"]),
        (
            RESPONSES,
            {"model": "gpt-4o-mini", "input": "hi", "max_output_tokens": 100},
            lambda error: error["rule"],
            lambda error: error["message"],
        ),
        (
            MESSAGES,
            {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]},
            lambda error: error["rule"],
            lambda error: error["message"],
        ),
        (
            GENERATE,
            {"contents": [{"parts": [{"text": "hi"}]}]},
            lambda error: error["details"][0]["metadata"]["rule"],
            lambda error: error["message"],
        ),
    ],
    ids=["chat", "chat stream", "unified", "responses", "messages", "gemini"],
)
def test_a_block_is_a_403_that_names_the_rule_in_the_caller_s_dialect_and_costs_nothing(
    world: World,
    member: Client,
    admin: Client,
    path: str,
    body: Any,
    rule_of: Callable[[Any], str],
    message_of: Callable[[Any], str],
) -> None:
    write_rules(admin, a_rule("no-calls", action={"type": "block", "message": "Ask the platform team."}))

    answer = member.call(body, path)

    assert (answer.status, answer.headers["x-should-retry"]) == (403, "false")
    assert "retry-after" not in answer.headers
    assert (rule_of(error_of(answer)), message_of(error_of(answer))) == ("no-calls", "Ask the platform team.")
    assert (world.sent, world.month()) == ([], (0, 0))
    record = last_call(world)
    assert (record["outcome"], record["error_code"], record["rules"]) == ("refused", "rule_blocked", ["no-calls"])
    assert record["cost_nanousd"] == 0


def test_a_block_says_which_rule_it_was_where_the_rule_says_nothing(member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("no-calls", name="No calls at all"))

    assert "No calls at all" in error_of(member.call())["message"]


def test_a_model_is_forbidden_to_one_team_under_all_its_names(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule(condition={"model_pattern": "gpt-4o*", "team": "search"}))

    statuses = [
        member.call({**CALL, "model": name}, path).status
        for name, path in (
            ("gpt-4o", CHAT),
            ("gpt-4o-2024-08-06", CHAT),
            ("openai/gpt-4o", UNIFIED),
            ("gpt-4o", UNIFIED),
            ("o3-mini", CHAT),
        )
    ]

    assert statuses == [403, 403, 403, 403, 200]
    assert admin.call(BIG).status == 200  # of another team: none


def test_another_name_of_its_provider_before_a_model_hides_it_from_no_rule(member: Client, admin: Client) -> None:
    write_rules(admin, a_rule(condition={"model": "gemini-2.5-pro"}))

    call = {**CALL, "model": "google/gemini-2.5-pro"}

    assert member.call(call, "/v1/proxy/gemini/v1beta/openai/chat/completions").status == 403


def test_rules_hold_from_the_next_call_on_in_every_isolate(world: World, member: Client, admin: Client) -> None:
    assert member.call().status == 200

    write_rules(admin, a_rule())
    assert member.call().status == 403

    write_rules(admin, a_rule(enabled=False))
    assert member.call().status == 200


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
CONDITIONS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "model": ({"model": "gpt-4o"}, {"model": "gpt-4o"}, {}),
    "provider": ({"provider": "openai", "model": "gpt-4o"}, {"model": "gpt-4o"}, {}),
    "prompt_tokens_min": ({"prompt_tokens_min": 200}, {"messages": [{"role": "user", "content": "word " * 300}]}, {}),
    "prompt_tokens_max": ({"prompt_tokens_max": 100}, {}, {"messages": [{"role": "user", "content": "word " * 300}]}),
    "max_tokens_min": ({"max_tokens_min": 1_001}, {"max_tokens": 1_001}, {}),
    "estimated_cost_usd_min": ({"estimated_cost_usd_min": "0.005"}, {"model": "gpt-4o"}, {}),
    "has_tools": ({"has_tools": True}, {"tools": TOOLS}, {}),
    "has_tools: none": ({"has_tools": False}, {}, {"tools": TOOLS}),
    "stream": ({"stream": True}, {"stream": True}, {}),
    "risk_tags_any": ({"risk_tags_any": "PII_EMAIL"}, {"messages": EMAIL["messages"]}, {}),
}
"""A condition of each kind, a request that meets it, and one that does not."""


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_on_the_request_is_met_by_whole_calls(member: Client, admin: Client, name: str) -> None:
    condition, meets, fails = CONDITIONS[name]
    write_rules(admin, a_rule(condition=condition))

    assert member.call({**CALL, **meets}).status == 403
    assert member.call({**CALL, **fails}).status == 200


@pytest.mark.parametrize(
    ("condition", "headers"),
    [
        ({"project": "p"}, {"x_agentwatch_project": "p"}),
        ({"agent": ["a", "b"]}, {"x_agentwatch_agent": "b"}),
        ({"iteration_min": 7}, {"x_agentwatch_session_id": "s", "x_agentwatch_iteration": "7"}),
        ({"key_id": "key_1", "team": "search"}, {}),
    ],
    ids=str,
)
def test_a_condition_on_who_calls_is_met_by_whole_calls(
    member: Client, admin: Client, condition: dict[str, Any], headers: dict[str, str]
) -> None:
    write_rules(admin, a_rule(condition=condition))

    assert (member.call(CALL, **headers).status, admin.call().status) == (403, 200)


def test_an_allow_ends_the_rules_and_no_budget(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("let-me", priority=9, action={"type": "allow"}), a_rule("no-calls"))
    world.set_month(10)

    assert (member.call().status, error_of(member.call())["code"]) == (402, "budget_exhausted")


def test_one_tenant_s_rules_never_touch_another(world: World, member: Client, admin: Client) -> None:
    other = Client(world, an_isolate(), OTHER)
    throttle = a_rule("slow", action={"type": "throttle", "requests_per_minute": 1, "per": "tenant"})
    write_rules(admin, throttle)
    write_rules(other, throttle)

    assert [client.call().status for client in (member, other, member, other)] == [200, 200, 429, 429]

    write_rules(admin, a_rule())
    write_rules(other)
    assert [client.call().status for client in (member, other)] == [403, 200]
    assert other.read("/v1/rules") == {"rules": []}


# Throttle -------------------------------------------------------------------------------------------------


def test_a_throttle_names_the_moment_at_which_the_next_call_passes(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("slow", action={"type": "throttle", "requests_per_minute": 4, "per": "tenant"}))
    assert [member.call().status for _ in range(4)] == [200] * 4

    refused = member.call()

    wait_ms = int(refused.headers["retry-after-ms"])
    assert (refused.status, error_of(refused)["code"], error_of(refused)["rule"]) == (429, "rule_throttled", "slow")
    assert 0 < wait_ms <= 15_000
    assert int(refused.headers["retry-after"]) == -(-wait_ms // 1_000)
    world.pass_time(wait_ms - 1)
    assert member.call().status == 429
    world.pass_time(1)
    assert member.call().status == 200


def test_a_throttle_counts_what_it_is_told_to_apart(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("slow", action={"type": "throttle", "requests_per_minute": 1, "per": "session"}))

    statuses = [member.call(x_agentwatch_session_id=session).status for session in ("a", "b", "a", "b")]

    assert statuses == [200, 200, 429, 429]


def test_a_throttle_survives_a_wake_of_the_ledger(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("slow", action={"type": "throttle", "requests_per_minute": 1, "per": "tenant"}))
    assert member.call().status == 200

    world.wake_ledger("acme")

    assert member.call().status == 429


def test_whoever_keeps_to_a_throttle_is_subject_to_the_rules_after_it(member: Client, admin: Client) -> None:
    slow = a_rule("slow", priority=9, action={"type": "throttle", "requests_per_minute": 9, "per": "tenant"})
    write_rules(admin, slow, a_rule("no-calls"))

    assert member.call().status == 403


def test_a_call_that_waits_for_money_counts_once_for_a_throttle(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("slow", action={"type": "throttle", "requests_per_minute": 2, "per": "tenant"}))
    world.set_month(10)

    assert [error_of(member.call())["code"] for _ in range(3)] == [
        "budget_exhausted",
        "budget_exhausted",
        "rule_throttled",
    ]


# Downgrade ------------------------------------------------------------------------------------------------


def downgrade(to: str, **condition: Any) -> dict[str, Any]:
    return a_rule("cheaper", condition=condition or {"always": True}, action={"type": "downgrade", "model": to})


def test_a_downgraded_call_is_of_the_cheaper_model_in_body_price_answer_and_record(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(admin, downgrade("gpt-4o-mini", model="gpt-4o"))

    answer = member.call(BIG)

    assert answer.status == 200
    assert json.loads(world.sent[-1].body)["model"] == "gpt-4o-mini"
    assert answer.headers["x-agentwatch-model"] == "openai/gpt-4o-mini"
    assert answer.headers["x-agentwatch-asked-model"] == "openai/gpt-4o"
    assert answer.headers["x-agentwatch-downgraded-by"] == "cheaper"
    record = last_call(world)
    assert (record["asked_model"], record["rules"]) == ("openai/gpt-4o", ["cheaper"])
    assert record["cost_nanousd"] == 100 * 150 + 10 * 600
    assert world.month() == (100 * 150 + 10 * 600, 0)


def test_a_downgrade_above_a_session_s_spend_begins_there(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, downgrade("gpt-4o-mini", model="gpt-4o", session_spend_usd_min="0.0005"))

    models = []
    for _ in range(3):
        assert member.call(BIG, x_agentwatch_session_id="s1").status == 200
        models.append(json.loads(world.sent[-1].body)["model"])

    assert models == ["gpt-4o", "gpt-4o", "gpt-4o-mini"]  # $0.00035 each
    assert last_call(world)["asked_model"] == "openai/gpt-4o"


def test_a_downgrade_of_a_native_gemini_call_changes_its_path(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, downgrade("gemini-2.5-flash-lite", model_pattern="gemini-*-pro"))

    member.call({"contents": [{"parts": [{"text": "hi"}]}]}, GENERATE)

    assert "/models/gemini-2.5-flash-lite:generateContent" in world.sent[-1].url


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
@pytest.mark.parametrize("prefix", ["gemini/", "google/", "Gemini/", "models/", "google/models/"])
def test_the_model_of_a_downgrade_may_be_written_in_any_usual_way(
    world: World, member: Client, admin: Client, prefix: str, action: str
) -> None:
    write_rules(admin, downgrade(f"{prefix}gemini-2.5-flash-lite"))

    member.call({"contents": [{"parts": [{"text": "hi"}]}]}, GENERATE.replace("generateContent", action))
    assert world.sent[-1].url.partition("/v1beta/")[2].partition("?")[0] == f"models/gemini-2.5-flash-lite:{action}"

    member.call({**CALL, "model": "gemini/gemini-2.5-pro"}, UNIFIED)
    assert json.loads(world.sent[-1].body)["model"].removeprefix("models/") == "gemini-2.5-flash-lite"


@pytest.mark.parametrize(
    "behind", [":batchGenerateContent?x=", ":countTokens", "?x=1", "#", "/../x", "\r\nx", "\u00e9", "%3Fx", "%2Fx"]
)
def test_a_rule_cannot_write_another_path_than_a_model_s(
    world: World, member: Client, admin: Client, behind: str
) -> None:
    write_rules(admin, downgrade(f"gemini-2.5-flash-lite{behind}"))

    answer = member.call({"contents": [{"parts": [{"text": "hi"}]}]}, GENERATE)

    assert "x-agentwatch-downgrade-skipped" in answer.headers
    assert world.sent[-1].url.endswith("/v1beta/models/gemini-2.5-pro:generateContent")


EMBED = "/v1/proxy/gemini/v1beta/models/gemini-embedding-001:embedContent"


@pytest.mark.parametrize(
    ("path", "body", "to"),
    [
        ("/v1/proxy/openai/v1/embeddings", {"model": "text-embedding-3-large", "input": ["a", "b"]}, "gpt-4.1-nano"),
        (EMBED, {"content": {"parts": [{"text": "a"}]}}, "gemini/gemini-2.5-flash-lite"),
        (CHAT, BIG, "text-embedding-3-small"),
        (UNIFIED, BIG, "openai/text-embedding-3-small"),
    ],
    ids=["embeddings", "gemini embeddings", "chat", "unified"],
)
def test_embeddings_are_made_by_models_for_them_and_nothing_else_is(
    world: World, member: Client, admin: Client, path: str, body: dict[str, Any], to: str
) -> None:
    write_rules(admin, downgrade(to))

    answer = member.call(body, path)

    assert answer.headers["x-agentwatch-downgrade-skipped"] == "cheaper: invalid_request"
    assert json.loads(world.sent[-1].body) == body


def test_embeddings_become_cheaper_ones(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, downgrade("text-embedding-3-small"))

    member.call({"model": "text-embedding-3-large", "input": ["a", "b"]}, "/v1/proxy/openai/v1/embeddings")

    assert json.loads(world.sent[-1].body) == {"model": "text-embedding-3-small", "input": ["a", "b"]}


@pytest.mark.parametrize("to", ["../../files", "x:batchGenerateContent?y", "a/b", "x%2f..", "é"])
def test_a_downgrade_leads_to_no_other_path(world: World, member: Client, admin: Client, to: str) -> None:
    write_rules(admin, downgrade(to), unpriced_models="free")

    answer = member.call({"contents": [{"parts": [{"text": "hi"}]}]}, GENERATE)

    assert world.sent[-1].url.endswith("/models/gemini-2.5-pro:generateContent")
    assert "x-agentwatch-downgrade-skipped" in answer.headers


@pytest.mark.parametrize(
    ("to", "reason"),
    [("o3-pro", "not_cheaper"), ("anthropic/claude-haiku-4-5", "invalid_request"), ("no-such-model", "unpriced_model")],
)
def test_a_model_that_cannot_serve_or_costs_no_less_is_passed_over_and_said_so(
    world: World, member: Client, admin: Client, to: str, reason: str
) -> None:
    write_rules(admin, downgrade(to), unpriced_models="block")

    answer = member.call(BIG)

    assert answer.status == 200
    assert json.loads(world.sent[-1].body)["model"] == "gpt-4o"
    assert answer.headers["x-agentwatch-downgrade-skipped"] == f"cheaper: {reason}"
    assert last_call(world)["rules"] == ["cheaper:skipped"]


def test_a_downgrade_to_what_the_shared_account_stores_is_passed_over(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(admin, downgrade("ft:gpt-4o-mini:acme::x"), unpriced_models="free")

    assert member.call(BIG).headers["x-agentwatch-downgrade-skipped"] == "cheaper: shared_account"
    assert json.loads(world.sent[-1].body)["model"] == "gpt-4o"


def test_a_call_of_the_model_that_a_downgrade_leads_to_is_none(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, downgrade("gpt-4o-mini"))

    answer = member.call()

    assert "x-agentwatch-downgraded-by" not in answer.headers
    assert "x-agentwatch-downgrade-skipped" not in answer.headers
    assert last_call(world).get("rules", []) == []


def test_a_downgraded_call_is_judged_once_more_as_what_it_is_now(world: World, member: Client, admin: Client) -> None:
    write_rules(
        admin,
        downgrade("gpt-4o-mini", model="gpt-4o") | {"priority": 9},
        a_rule("not-big", condition={"model": "gpt-4o"}),
        a_rule("not-small", condition={"model": "gpt-4o-mini"}, enabled=False),
    )
    assert member.call(BIG).status == 200

    write_rules(
        admin, downgrade("gpt-4o-mini", model="gpt-4o"), a_rule("not-small", condition={"model": "gpt-4o-mini"})
    )
    assert error_of(member.call(BIG))["rule"] == "not-small"


# Pause, tag, alert ----------------------------------------------------------------------------------------


def test_a_session_that_a_rule_pauses_stays_so_until_somebody_resumes_it(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(admin, a_rule("halt", condition={"model": "gpt-4o"}, action={"type": "pause_session"}))
    in_session = {"x_agentwatch_session_id": "s1"}

    first = member.call(BIG, **in_session)
    later = member.call(**in_session)

    assert [(each.status, error_of(each)["code"]) for each in (first, later)] == [(402, "scope_paused")] * 2
    assert error_of(first)["rule"] == "halt"
    assert "halt" in error_of(later)["message"]
    assert member.call(x_agentwatch_session_id="s2").status == 200
    world.wake_ledger("acme")
    assert member.call(**in_session).status == 402
    assert admin.put("/v1/sessions/s1", {"paused": False})["accounts"][0]["paused"] is False
    assert member.call(**in_session).status == 200


def test_where_there_is_no_session_to_pause_the_call_is_stopped(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("halt", action={"type": "pause_session"}))

    assert error_of(member.call())["code"] == "rule_blocked"
    assert world.sent == []


def test_tags_gather_in_answer_and_record_and_what_stands_behind_the_end_adds_none(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(
        admin,
        a_rule("one", priority=3, action={"type": "tag", "tags": ["eu", "batch"]}),
        a_rule("two", priority=2, action={"type": "tag", "tags": ["batch", "night"]}),
        a_rule("end", priority=1, action={"type": "allow"}),
        a_rule("three", priority=0, action={"type": "tag", "tags": ["never"]}),
    )

    assert member.call().headers["x-agentwatch-tags"] == "eu,batch,night"
    assert last_call(world)["tags"] == ["eu", "batch", "night"]
    assert last_call(world)["rules"] == ["one", "two", "end"]


def test_an_alert_is_told_once_a_session_and_names_it(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("look", name="Look here", action={"type": "alert"}))

    for session in ("s1", "s1", "s2"):
        assert member.call(x_agentwatch_session_id=session).status == 200
    world.wake_ledger("acme")
    member.call(x_agentwatch_session_id="s1")

    told = alerts(world)
    assert [each["kind"] for each in told] == ["rule", "rule"]
    assert "Look here" in told[0]["summary"]
    assert ["s1" in json.dumps(each) for each in told] == [True, False]


# Shadow ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        {"type": "block"},
        {"type": "pause_session"},
        {"type": "downgrade", "model": "gpt-4o-mini"},
        {"type": "tag", "tags": ["x"]},
        {"type": "alert"},
    ],
    ids=lambda action: str(action["type"]),
)
def test_a_rule_in_shadow_changes_nothing_and_is_recorded(
    world: World, member: Client, admin: Client, action: dict[str, Any]
) -> None:
    write_rules(admin, a_rule("perhaps", mode="shadow", action=action))

    answers = [member.call(BIG, x_agentwatch_session_id="s1") for _ in range(2)]

    assert [each.status for each in answers] == [200, 200]
    assert json.loads(world.sent[-1].body)["model"] == "gpt-4o"
    assert "x-agentwatch-tags" not in answers[0].headers
    assert (last_call(world)["shadow_rules"], last_call(world).get("rules", [])) == (["perhaps"], [])
    assert alerts(world) == []


def test_a_throttle_in_shadow_counts_as_one_in_force_would(world: World, member: Client, admin: Client) -> None:
    slow = {"type": "throttle", "requests_per_minute": 2, "per": "tenant"}
    write_rules(admin, a_rule("perhaps", mode="shadow", action=slow))

    for _ in range(4):
        assert member.call().status == 200

    shadows = [each.get("shadow_rules", []) for each in world.records if each["type"] == "call"]
    assert shadows == [[], [], ["perhaps"], ["perhaps"]]


# Risk tags and redaction ----------------------------------------------------------------------------------


def test_a_request_is_looked_at_only_where_somebody_asks(world: World, member: Client, admin: Client) -> None:
    member.call(EMAIL)
    assert last_call(world).get("risks", []) == []

    assert admin.ask("PUT", "/v1/config", {"risk_tags": True}, if_match="*").status == 200
    member.call(EMAIL)
    assert last_call(world)["risks"] == ["PII_EMAIL"]


def test_a_rule_blocks_what_holds_a_secret(world: World, member: Client, admin: Client) -> None:
    write_rules(admin, a_rule("no-mail", condition={"risk_tags_any": ["PII_EMAIL"]}))

    assert (member.call(EMAIL).status, member.call().status) == (403, 200)
    blocked = next(each for each in world.records if each["type"] == "call")
    assert blocked["risks"] == ["PII_EMAIL"]
    assert "jane" not in json.dumps(world.records) + json.dumps(world.ledger_of("acme").outbox)


def test_a_request_that_cannot_be_looked_through_is_never_called_clean(
    world: World, member: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [
        a_rule("no-mail", condition={"risk_tags_any": ["PII_EMAIL"]}),
        a_rule("clean", action={"type": "redact"}),
    ]
    write_rules(admin, *rules, redaction=True)
    monkeypatch.setattr("core.risk.finding.pattern.CANDIDATES_MAX", 10)

    member.call({**CALL, "messages": [{"role": "user", "content": "a@b.png " * 11}]})

    assert (last_call(world)["unknown_rules"], last_call(world)["rules"]) == (["no-mail"], ["clean:skipped"])


def test_redaction_replaces_what_was_found_before_the_provider_sees_it(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(
        admin,
        a_rule("clean", condition={"risk_tags_any": ["PII_EMAIL"]}, action={"type": "redact"}),
        redaction=True,
    )

    answer = member.call(EMAIL)

    sent = world.sent[-1].body
    assert b"jane.doe" not in sent
    assert json.loads(sent)["messages"][0]["content"].startswith("write to [")
    assert answer.headers["x-agentwatch-redacted"] == "PII_EMAIL"
    assert (last_call(world)["risks"], last_call(world)["rules"]) == (["PII_EMAIL"], ["clean"])


def test_without_the_tenant_s_switch_nothing_is_redacted_and_the_record_says_so(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(admin, a_rule("clean", condition={"risk_tags_any": ["PII_EMAIL"]}, action={"type": "redact"}))

    member.call(EMAIL)

    assert b"jane.doe" in world.sent[-1].body
    assert last_call(world)["rules"] == ["clean:skipped"]


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini"], ids=["downgraded", "of that model already"])
@pytest.mark.parametrize(
    "condition", [{"always": True}, {"model": "gpt-4o-mini"}], ids=["of any model", "of the other model"]
)
@pytest.mark.parametrize("spend", [{}, {"session_spend_usd_min": "0.0000001"}], ids=["at once", "found by the ledger"])
def test_a_call_that_meets_a_downgrade_is_redacted_by_the_rules_behind_it(
    world: World, member: Client, admin: Client, model: str, condition: dict[str, Any], spend: dict[str, Any]
) -> None:
    write_rules(
        admin,
        downgrade("gpt-4o-mini", model_pattern="gpt-4o*", **spend) | {"priority": 9},
        a_rule("clean", condition=condition, action={"type": "redact"}),
        redaction=True,
    )
    member.call(x_agentwatch_session_id="s1")

    answer = member.call(EMAIL | {"model": model}, x_agentwatch_session_id="s1")

    sent = json.loads(world.sent[-1].body)
    assert (sent["model"], sent["messages"][0]["content"]) == ("gpt-4o-mini", "write to [EMAIL] today")
    assert answer.headers["x-agentwatch-redacted"] == "PII_EMAIL"
    assert "clean" in last_call(world)["rules"]


# What is missing or broken --------------------------------------------------------------------------------


def test_a_rule_that_this_version_cannot_read_is_skipped_named_and_told(world: World, member: Client) -> None:
    rules = [
        a_rule("from-the-future", condition={"moon_phase": "full"}),
        a_rule("no-big", condition={"model": "gpt-4o"}),
    ]
    document = WriteRequest(kind="rules", text=json.dumps({"rules": rules}))
    world.ledger_of("acme").service.documents.write(document, START_MS)

    assert (member.call().status, member.call(BIG).status) == (200, 403)
    (told,) = alerts(world)
    assert told["kind"] == "rule_broken"
    assert "from-the-future" in told["summary"]


def test_while_the_ledger_is_away_the_request_half_holds_and_the_rest_is_named(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(
        admin,
        a_rule("no-big", condition={"model": "gpt-4o"}),
        a_rule("dear", condition={"session_spend_usd_min": "0.01"}),
        a_rule("slow", action={"type": "throttle", "requests_per_minute": 1, "per": "tenant"}),
    )
    assert member.call(x_agentwatch_session_id="s1").status == 200
    world.is_ledger_away = True

    assert member.call(BIG, x_agentwatch_session_id="s1").status == 403
    assert member.call(x_agentwatch_session_id="s1").status == 200
    record = next(each for each in reversed(world.records) if each["type"] == "debt")["charge"]["record"]
    assert record["is_fail_open"] is True
    assert record["unknown_rules"] == ["dear", "slow"]


def test_a_condition_on_a_session_never_holds_without_one_and_the_record_names_the_rule(
    world: World, member: Client, admin: Client
) -> None:
    write_rules(admin, a_rule("dear", condition={"session_spend_usd_min": "0.000001"}))

    assert member.call().status == 200
    assert last_call(world)["unknown_rules"] == ["dear"]


def test_of_two_writers_one_is_told_and_a_bad_document_names_rule_and_field(admin: Client) -> None:
    write_rules(admin, a_rule())

    stale = admin.ask("PUT", "/v1/rules", {"rules": []}, if_match=etag(99))
    assert stale.status == 412
    bad = admin.ask("PUT", "/v1/rules", {"rules": [a_rule("night", condition={"hour_min": 25})]}, if_match="*")
    assert bad.status == 400
    assert "night" in error_of(bad)["message"]
    assert "hour_min" in str(error_of(bad)["param"])
    assert admin.read("/v1/rules") == {"rules": [a_rule()]}
