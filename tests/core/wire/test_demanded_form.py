"""Which requests demand a form of their answer, in each dialect; and that a call is never shortened below it."""

import json
from typing import Any

import pytest

from core.call.plan import CallPlan, plan_call
from core.money.price_list import TABLE
from core.routing.paths import UpstreamPath
from core.tenant.policy import TenantPolicy, parse_policy
from core.wire.demanded_form import ANY_JSON_TOKENS, responses_form_tokens

NOW_MS = 1_795_651_200_000
CHAT, RESPONSES = ("openai", "openai_chat", "chat/completions"), ("openai", "openai_responses", "responses")
CLAUDE = ("anthropic", "anthropic_messages", "messages")
GEMINI = ("gemini", "gemini", "v1beta/models/gemini-2.5-flash:generateContent")

USER = [{"role": "user", "content": "hi"}]
PLAIN: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "gpt-4o-mini", "messages": USER, "max_tokens": 4_000},
    "openai_responses": {"model": "gpt-4o-mini", "input": "hi", "max_output_tokens": 4_000},
    "anthropic_messages": {"model": "claude-haiku-4-5", "messages": USER, "max_tokens": 4_000},
    "gemini": {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 4_000}},
}


def a_schema(members: int) -> dict[str, Any]:
    names = [f"a_member_{number:03}" for number in range(members)]
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}


LONG, SHORT = a_schema(100), a_schema(1)
LONG_TOKENS = 1_353
"""Half as much again as a hundred members of nine tokens each and their brackets; a call of a tool has a frame too."""
CALL_TOKENS = 1_365


def functions(kind: str = "nested") -> list[dict[str, Any]]:
    both = [{"name": "long", "parameters": LONG}, {"name": "short", "parameters": SHORT}]
    return [
        {"type": "function", "function": each} if kind == "nested" else {"type": "function", **each} for each in both
    ]


def declared(name: str = "parameters") -> list[dict[str, Any]]:
    return [{"functionDeclarations": [{"name": "long", name: LONG}, {"name": "short", name: SHORT}]}]


def gemini(**config: Any) -> dict[str, Any]:
    return {"generationConfig": {"maxOutputTokens": 4_000, **config}}


CLAUDE_TOOLS = [{"name": "long", "input_schema": LONG}, {"name": "short", "input_schema": SHORT}]
NAMED = {"type": "function", "function": {"name": "long"}}
JSON_SCHEMA = {"type": "json_schema", "schema": LONG}
ANY_CALL = {"functionCallingConfig": {"mode": "ANY"}}
DEMANDS: list[tuple[tuple[str, str, str], dict[str, Any], int]] = [
    (CHAT, {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": LONG}}}, LONG_TOKENS),
    (CHAT, {"response_format": {"type": "json_object"}}, ANY_JSON_TOKENS),
    (CHAT, {"response_format": {"type": "text"}}, 0),
    (CHAT, {"tools": functions()}, 0),
    (CHAT, {"tools": functions(), "tool_choice": "auto"}, 0),
    (CHAT, {"tools": functions(), "tool_choice": NAMED}, CALL_TOKENS),
    (CHAT, {"tools": functions(), "tool_choice": "required"}, 28),
    (CHAT, {"tools": functions(), "tool_choice": {
        "type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}}, CALL_TOKENS),
    (CHAT, {"tools": functions(), "tool_choice": {
        "type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}}, 0),
    (CHAT, {"functions": [{"name": "long", "parameters": LONG}], "function_call": {"name": "long"}}, CALL_TOKENS),
    (CHAT, {"tools": [{"type": "custom", "custom": {"name": "x"}}], "tool_choice": "required"}, 0),
    (RESPONSES, {"text": {"format": {"name": "x", **JSON_SCHEMA}}}, LONG_TOKENS),
    (RESPONSES, {"text": {"format": {"type": "json_object"}}}, ANY_JSON_TOKENS),
    (RESPONSES, {"tools": functions("flat"), "tool_choice": {"type": "function", "name": "long"}}, CALL_TOKENS),
    (RESPONSES, {"tools": functions("flat"), "tool_choice": "required"}, 28),
    (RESPONSES, {"tools": functions("flat"), "tool_choice": {
        "type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "long"}]}}, CALL_TOKENS),
    (RESPONSES, {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}, 0),
    (CLAUDE, {"output_format": JSON_SCHEMA}, LONG_TOKENS),
    (CLAUDE, {"output_config": {"format": JSON_SCHEMA}}, LONG_TOKENS),
    (CLAUDE, {"tools": CLAUDE_TOOLS}, 0),
    (CLAUDE, {"tools": CLAUDE_TOOLS, "tool_choice": {"type": "tool", "name": "long"}}, CALL_TOKENS),
    (CLAUDE, {"tools": CLAUDE_TOOLS, "tool_choice": {"type": "any"}}, 28),
    (GEMINI, gemini(responseSchema=LONG, responseMimeType="application/json"), LONG_TOKENS),
    (GEMINI, gemini(responseJsonSchema=LONG, responseMimeType="application/json"), LONG_TOKENS),
    (GEMINI, {"generation_config": {"max_output_tokens": 4_000, "response_schema": LONG}, "generationConfig": None},
     LONG_TOKENS),
    (GEMINI, gemini(responseMimeType="application/json"), ANY_JSON_TOKENS),
    (GEMINI, {"tools": declared(), "toolConfig": ANY_CALL}, 28),
    (GEMINI, {"tools": declared("parametersJsonSchema"), "toolConfig": {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["long"]}}}, CALL_TOKENS),
    (GEMINI, {"tools": declared(), "tool_config": {"function_calling_config": {"mode": "AUTO"}}}, 0),
    (GEMINI, {"tools": declared(), "toolConfig": {"functionCallingConfig": {"mode": 2}}}, 28),
]  # fmt: skip


def a_plan(where: tuple[str, str, str], members: dict[str, Any], policy: TenantPolicy | None = None) -> CallPlan:
    provider, dialect, path = where
    body = {name: value for name, value in {**PLAIN[dialect], **members}.items() if value is not None}
    upstream = UpstreamPath(path, "metered", dialect)  # type: ignore[arg-type]
    return plan_call(provider, upstream, json.dumps(body).encode(), policy or TenantPolicy(), NOW_MS, TABLE)[0]


@pytest.mark.parametrize(("where", "members", "tokens"), DEMANDS)
def test_a_form_that_a_request_demands_is_held_for_at_least(
    where: tuple[str, str, str], members: dict[str, Any], tokens: int
) -> None:
    plan = a_plan(where, members)

    assert plan.parsed.form_tokens == tokens
    assert plan.costing.least_output_tokens == max(64, tokens)


FORMED = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": LONG}}}
TEXT = {"text": {"format": {"name": "x", **JSON_SCHEMA}}}
OUTPUT = {"output_format": JSON_SCHEMA}
RESPONSE = gemini(responseSchema=LONG)
CUSTOM = {"type": "custom", "custom": {"name": "x"}}
BESIDE_TOOLS: list[tuple[tuple[str, str, str], dict[str, Any], int]] = [
    (CHAT, {**FORMED, "tools": functions()}, 28),
    (CHAT, {**FORMED, "tools": functions(), "tool_choice": "auto"}, 28),
    (CHAT, {**FORMED, "tools": functions(), "tool_choice": "none"}, LONG_TOKENS),
    (CHAT, {**FORMED, "tools": []}, LONG_TOKENS),
    (CHAT, {**FORMED, "tools": [CUSTOM]}, 12),
    (CHAT, {**FORMED, "functions": [{"name": "short", "parameters": SHORT}]}, 28),
    (CHAT, {**FORMED, "functions": [{"name": "short", "parameters": SHORT}], "function_call": "none"}, LONG_TOKENS),
    (CHAT, {"response_format": {"type": "json_object"}, "tools": functions()[:1]}, ANY_JSON_TOKENS),
    (RESPONSES, {**TEXT, "tools": functions("flat")}, 28),
    (RESPONSES, {**TEXT, "tools": functions("flat"), "tool_choice": "none"}, LONG_TOKENS),
    (RESPONSES, {**TEXT, "tools": [{"type": "web_search"}]}, LONG_TOKENS),
    (CLAUDE, {**OUTPUT, "tools": CLAUDE_TOOLS}, 28),
    (CLAUDE, {**OUTPUT, "tools": CLAUDE_TOOLS, "tool_choice": {"type": "none"}}, LONG_TOKENS),
    (CLAUDE, {**OUTPUT, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, LONG_TOKENS),
    (GEMINI, {**RESPONSE, "tools": declared()}, 28),
    (GEMINI, {**gemini(responseMimeType="application/json"), "tools": declared()}, 28),
    (GEMINI, {**RESPONSE, "tools": declared(), "toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}, LONG_TOKENS),
    (GEMINI, {**RESPONSE, "tools": declared(), "toolConfig": {"functionCallingConfig": {"mode": 3}}}, LONG_TOKENS),
    (GEMINI, {**RESPONSE, "tools": [{"googleSearch": {}}]}, LONG_TOKENS),
]  # fmt: skip


@pytest.mark.parametrize(("where", "members", "tokens"), BESIDE_TOOLS)
def test_a_call_of_a_tool_may_stand_for_the_form(
    where: tuple[str, str, str], members: dict[str, Any], tokens: int
) -> None:
    """Turn after turn of an agent's, until the last."""
    assert a_plan(where, members).parsed.form_tokens == tokens


@pytest.mark.parametrize("where", [CHAT, RESPONSES, CLAUDE, GEMINI], ids=lambda where: where[1])
def test_a_plain_request_demands_none(where: tuple[str, str, str]) -> None:
    assert a_plan(where, {}).parsed.form_tokens == 0


def test_a_tool_that_is_not_the_named_one_is_not_called() -> None:
    tools = [{"type": "web_search"}, {"name": ["long"], "parameters": SHORT}, {"name": "long", "parameters": LONG}]

    assert responses_form_tokens({"tools": tools, "tool_choice": {"type": "function", "name": "long"}}) == CALL_TOKENS


@pytest.mark.parametrize(
    "odd", [7, "x", [], [7], {"type": "json_schema"}, {"type": 7, "json_schema": []}, {"schema": {}}]
)
def test_an_odd_form_is_none(odd: Any) -> None:
    assert a_plan(CHAT, {"response_format": odd, "tool_choice": odd, "function_call": odd}).parsed.form_tokens <= 1
    assert a_plan(RESPONSES, {"text": odd, "tool_choice": odd}).parsed.form_tokens <= 1
    assert a_plan(CLAUDE, {"output_config": odd, "tool_choice": odd}).parsed.form_tokens <= 1
    assert a_plan(GEMINI, {"toolConfig": odd}).parsed.form_tokens <= 1


def test_thinking_comes_before_the_form() -> None:
    members = {
        "output_format": JSON_SCHEMA,
        "max_tokens": 8_000,
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
    }

    assert a_plan(CLAUDE, members).costing.least_output_tokens == 2_000 + LONG_TOKENS


def test_a_caller_s_own_ceiling_below_the_form_is_its_own_affair() -> None:
    assert a_plan(CHAT, {**FORMED, "max_tokens": 100}).costing.least_output_tokens == 100


def test_the_longest_form_is_no_longer_than_an_ample_answer() -> None:
    plan = a_plan(CHAT, {"response_format": {"type": "json_schema", "json_schema": {"schema": a_schema(2_000)}},
                         "max_tokens": None})  # fmt: skip

    assert plan.ample_nanousd is not None and plan.costing.least_nanousd <= plan.ample_nanousd


def test_a_tenant_may_have_such_calls_shortened_all_the_same() -> None:
    policy = parse_policy(b'{"shrink_structured": true}')

    assert a_plan(CHAT, FORMED, policy).costing.least_output_tokens == 64
    assert not parse_policy(b"{}").shrinks_structured
