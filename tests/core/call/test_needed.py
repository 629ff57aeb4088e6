"""What a call needs at least, by what it is needed for; and how a refusal says so."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from core.call.costing import NEEDED_PARTS, cost_call
from core.call.denials.refused import budget_refusal
from core.call.plan import CallPlan, plan_call
from core.ledger.messages import AccountView
from core.money.amount import parse_usd
from core.money.price_book import Price
from core.money.price_list import TABLE
from core.routing.paths import UpstreamPath
from core.tenant.policy import TenantPolicy
from core.wire.facts import ParsedCall, PromptSize
from tests.core.call.calls import MINI, NOW_MS, a_call, calls, price_of, prices

ACCOUNT = AccountView(
    kind="session", id="s", window="session", limit_nanousd=1_000, spent_nanousd=400, held_nanousd=100
)


@given(call=calls, price=prices)
def test_the_parts_add_up_to_the_least(call: ParsedCall, price: Price) -> None:
    costing = cost_call(call, price)
    sent = replace(call.prompt, hidden_inputs=0, unsized_media=0, earlier_answers=0, reads=1)

    parts = costing.least_by_part(sent)

    assert sum(parts.values()) == costing.least_nanousd
    assert set(parts) <= set(NEEDED_PARTS) and all(part > 0 for part in parts.values())


def parts_of(price: Price = MINI, **changes: Any) -> dict[str, int]:
    call = a_call(**changes)
    return cost_call(call, price).least_by_part(
        replace(call.prompt, hidden_inputs=0, unsized_media=0, earlier_answers=0, reads=1)
    )


CLAUDE = price_of("anthropic", "claude-haiku-4-5")
PLAIN = PromptSize(1_000)
PARTS: list[tuple[Price, dict[str, Any], set[str]]] = [
    (MINI, {}, {"input", "output"}),
    (MINI, {"has_output": False}, {"input"}),
    (CLAUDE, {"thinking_tokens": 400}, {"input", "output", "thinking"}),
    (CLAUDE, {"web_search_calls_max": 2}, {"input", "searches", "output"}),
    (MINI, {"prompt": replace(PLAIN, hidden_inputs=1)}, {"input", "references", "output"}),
    (MINI, {"prompt": replace(PLAIN, unsized_media=1)}, {"input", "references", "output"}),
    (MINI, {"prompt": replace(PLAIN, earlier_answers=1)}, {"input", "references", "output"}),
    (MINI, {"prompt": replace(PLAIN, reads=6)}, {"input", "references", "output"}),
]


@pytest.mark.parametrize(("price", "changes", "names"), PARTS)
def test_a_part_is_there_for_what_the_request_has(price: Price, changes: dict[str, Any], names: set[str]) -> None:
    assert set(parts_of(price, **changes)) == names


def test_a_part_is_what_it_adds() -> None:
    plain, searching = parts_of(CLAUDE), parts_of(CLAUDE, web_search_calls_max=3)
    thinking = parts_of(CLAUDE, thinking_tokens=300)

    assert {name: part for name, part in searching.items() if name != "searches"} == plain
    assert searching["searches"] > 3 * 10_000_000  # $10 a thousand, and what is read
    assert {name: part for name, part in thinking.items() if name != "thinking"} == plain
    assert thinking["thinking"] == 300 * 5_000


def test_a_call_that_is_let_through_free_needs_nothing() -> None:
    assert cost_call(a_call(), MINI, is_free=True).least_by_part(PLAIN) == {}


PROVIDERS = {"anthropic_messages": "anthropic", "gemini": "gemini"}


def plan_of(dialect: Any, path: str, body: dict[str, Any]) -> CallPlan:
    upstream = UpstreamPath(path, "metered", dialect)
    provider = "xai" if body.get("model") == "grok-4" else PROVIDERS.get(dialect, "openai")
    return plan_call(provider, upstream, json.dumps(body).encode(), TenantPolicy(), NOW_MS, TABLE)[0]


WEB = {"tools": [{"type": "web_search"}]}
CLAUDE_CALL = {"model": "claude-haiku-4-5", "max_tokens": 8_000, "messages": [{"role": "user", "content": "hi"}]}
GEMINI_PATH = "v1beta/models/gemini-3-flash-preview:generateContent"
USER, HI = [{"role": "user", "content": "hi"}], [{"parts": [{"text": "hi"}]}]
FILE = {"fileData": {"fileUri": "https://example.com/a.pdf", "mimeType": "application/pdf"}}
READER = "a tool that reads what is not in the request: leave it out"
UNASKED = "up to 1 search and what it finds: leave web_search_options out, or name a model that does not search unasked"
REFERENCE = (
    "the model's whole context window, since the request refers to input that is not in it or cannot be sized: "
    "send the conversation itself, and files in the request"
)
SAID: list[tuple[str, str, dict[str, Any], str]] = [
    ("openai_responses", "responses", {"model": "gpt-4o-mini", "input": "hi", **WEB},
     "up to 10 searches and what they find: bound them with max_tool_calls"),
    ("openai_responses", "responses", {"model": "gpt-4o-mini", "input": "hi", "max_tool_calls": 3, **WEB},
     "up to 3 searches and what they find: bound them with max_tool_calls"),
    ("anthropic_messages", "messages", {**CLAUDE_CALL, "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
     "up to 10 searches and what they find: bound them with max_uses of the tool"),
    ("gemini", GEMINI_PATH, {"contents": [{"parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]},
     "up to 10 searches and what they find: leave the search tool out"),
    ("anthropic_messages", "messages", {**CLAUDE_CALL, "thinking": {"type": "enabled", "budget_tokens": 4_000}},
     "up to 4000 tokens of thinking: ask for a lower budget"),
    ("openai_responses", "responses", {"model": "gpt-4o-mini", "input": "hi", "previous_response_id": "resp_1"},
     REFERENCE),
    ("openai_chat", "chat/completions", {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi " * 9_000}]},
     "the input"),
    ("openai_responses", "responses", {"model": "grok-4", "input": "hi", "max_tool_calls": 3, **WEB},
     "up to 10 searches and what they find: leave the search tool out"),
    ("openai_responses", "responses", {"model": "gpt-4o-mini", "input": "hi", "max_tool_calls": 1, **WEB},
     "up to 1 search and what it finds: leave the search tool out"),
    ("openai_chat", "chat/completions", {"model": "gpt-4o", "messages": USER, "web_search_options": {}}, UNASKED),
    ("openai_chat", "chat/completions", {"model": "gpt-4o-mini-search-preview", "messages": USER}, UNASKED),
    ("openai_chat", "chat/completions", {"model": "gpt-4o", "messages": USER, **WEB},
     "up to 10 searches and what they find: leave the search tool out"),
    ("anthropic_messages", "messages", {**CLAUDE_CALL, "tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
     READER),
    ("gemini", GEMINI_PATH, {"contents": HI, "tools": [{"urlContext": {}}]}, READER),
    ("gemini", GEMINI_PATH, {"contents": HI, "tools": [{"urlContext": {}}, {"codeExecution": {}}]}, READER),
    ("gemini", GEMINI_PATH, {"contents": HI, "tools": [{"codeExecution": {}}]},
     "code that the provider runs, behind which the model reads the request again: leave that tool out"),
    ("gemini", GEMINI_PATH, {"contents": [*HI, {"parts": [FILE]}], "tools": [{"codeExecution": {}}]},
     f"{REFERENCE}, and leave out the tool that reads more"),
    ("gemini", GEMINI_PATH, {"contents": [*HI, {"parts": [FILE]}], "tools": [{"urlContext": {}}]},
     f"{REFERENCE}, and leave out the tool that reads more"),
    ("gemini", GEMINI_PATH, {"contents": [*HI, {"parts": [FILE]}]}, REFERENCE),
    ("openai_compaction", "responses/compact", {"model": "gpt-5", "input": "hi"},
     "the model's longest answer, since nothing in such a request bounds it: name a model that costs less"),
    ("openai_chat", "chat/completions",
     {"model": "gpt-4o", "messages": USER, "prediction": {"type": "content", "content": "word " * 500}},
     "the prediction, of which what the model rejects is billed as output: shorten it, or leave it out"),
    ("openai_chat", "chat/completions",
     {"model": "gpt-4o", "messages": USER, "prediction": {"type": "content", "content": "word"}},
     "the shortest useful answer"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "path", "body", "words"), SAID)
def test_a_refusal_says_what_most_of_the_need_is_for(dialect: str, path: str, body: dict[str, Any], words: str) -> None:
    plan = plan_of(dialect, path, body)
    least = plan.costing.least_nanousd

    refusal = budget_refusal(ACCOUNT, plan, needed_nanousd=least)

    assert refusal.message.endswith(f" of it for {words}")
    parts = [parse_usd(str(refusal.details[f"needed_{part}_usd"])) for part in NEEDED_PARTS
             if f"needed_{part}_usd" in refusal.details]  # fmt: skip
    assert sum(parts) == least
    assert f"${refusal.details['needed_usd']}: $" in refusal.message


def test_what_earlier_answers_are_known_to_need_is_told_by_its_parts_too() -> None:
    body = {"model": "gpt-4o-mini", "input": "hi", "previous_response_id": "resp_1"}
    plan = plan_of("openai_responses", "responses", body)
    earlier = plan.earlier_answers(must_be_known=False)
    assert earlier is not None

    for step in earlier.steps:
        parts = plan.least_by_part(step.least_nanousd)
        assert sum(parts.values()) == step.least_nanousd
        assert parts["references"] > parts["input"] + parts["output"]

    refusal = budget_refusal(ACCOUNT, plan, needed_nanousd=earlier.steps[2].least_nanousd)
    assert refusal.message.endswith("the earlier answers that it continues: send of the conversation what is needed")


def test_an_amount_that_no_length_of_the_past_comes_to_has_no_parts() -> None:
    plan = plan_of("openai_responses", "responses", {"model": "gpt-4o-mini", "input": "hi"})

    assert plan.least_by_part(7) == {}
    assert budget_refusal(ACCOUNT, plan, needed_nanousd=7).message.endswith("needed $0.000000007")
