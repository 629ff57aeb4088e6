"""What a provider is asked to run beside generating is held for, or refused: nothing of it is free by being unknown."""

import json

import pytest

from core.call_plan import plan_call
from core.calls import ParsedCall
from core.dialects import DIALECTS
from core.policy import TenantPolicy
from core.refusals import InvalidRequest, UnmeteredPath
from core.upstream_paths import UpstreamPath

GEMINI_PATH = "v1beta/models/gemini-2.5-pro:generateContent"


def parse(dialect: str, **members: object) -> ParsedCall:
    request = {"model": "m", "max_tokens": 9, "messages": [{}], "input": "x", "contents": [], **members}
    return DIALECTS[dialect].parse_request(json.dumps(request).encode(), path=GEMINI_PATH)


CALLERS_OWN = [
    ("openai_chat", {"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom"}]}),
    ("openai_chat", {"functions": [{"name": "f"}], "tools": None, "search_parameters": {"mode": "off"}}),
    ("openai_chat", {"extra_body": {"google": {"thinking_config": {}}}}),
    ("openai_responses", {"tools": [{"type": "function"}, {"type": "custom"}, {"type": "computer_use_preview"}]}),
    ("openai_responses", {"tools": [{"type": "shell", "environment": {"type": "local"}}, {"type": "apply_patch"}]}),
    ("openai_responses", {"tools": [{"type": "namespace", "tools": [{"type": "function"}]}]}),
    ("openai_responses", {"prompt": None, "context_management": []}),
    ("anthropic_messages", {"tools": [{"name": "f", "input_schema": {}}, {"type": "custom"}]}),
    ("anthropic_messages", {"tools": [{"type": "bash_20250124"}, {"type": "text_editor_20250728"}]}),
    ("anthropic_messages", {"tools": [{"type": "computer_20251124"}, {"type": "memory_20250818"}]}),
    ("anthropic_messages", {"mcp_servers": [], "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}),
    ("gemini", {"tools": [{"functionDeclarations": [{"name": "f"}]}, {"computer_use": {}}, {"codeExecution": None}]}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "members"), CALLERS_OWN)
def test_a_tool_of_the_caller_s_own_is_only_its_tokens(dialect: str, members: dict) -> None:
    call = parse(dialect, **members)

    assert (call.web_search_calls_max, call.prompt.hidden_inputs, call.unmetered_tools) == (0, 0, ())


SEARCHES = [
    ("openai_chat", {"web_search_options": {}}, 10),
    ("openai_chat", {"model": "gpt-4o-search-preview-2025-03-11"}, 10),
    ("openai_responses", {"tools": [{"type": "web_search"}]}, 10),
    ("openai_responses", {"tools": [{"type": "web_search_preview_2025_03_11"}], "max_tool_calls": 3}, 3),
    ("anthropic_messages", {"tools": [{"type": "web_search_20250305"}]}, 10),
    ("anthropic_messages", {"tools": [{"type": "web_search_20260318", "max_uses": 25}]}, 25),
    ("gemini", {"tools": [{"googleSearch": {}}]}, 10),
    ("gemini", {"tools": [{"google_search_retrieval": {}}]}, 10),
]


@pytest.mark.parametrize(("dialect", "members", "calls"), SEARCHES)
def test_web_searches_are_held_for_by_the_request_s_bound_or_ours(dialect: str, members: dict, calls: int) -> None:
    call = parse(dialect, **members)

    assert (call.web_search_calls_max, call.unmetered_tools) == (calls, ())


READERS = [
    ("anthropic_messages", {"tools": [{"type": "web_fetch_20260209"}]}),
    ("anthropic_messages", {"thread": {"type": "continue", "previous_message_id": "msg_1"}}),
    ("gemini", {"tools": [{"urlContext": {}}]}),
    ("gemini", {"tools": [{"file_search": {"fileSearchStoreNames": ["s"]}}]}),
    ("openai_chat", {"extra_body": {"google": {"cached_content": "cachedContents/1"}}}),
]


@pytest.mark.parametrize(("dialect", "members"), READERS)
def test_what_reads_beyond_the_request_holds_the_window(dialect: str, members: dict) -> None:
    call = parse(dialect, **members)

    assert (call.prompt.hidden_inputs, call.unmetered_tools) == (1, ())


UNMETERED = [
    ("openai_chat", {"tools": [{"type": "browser_search"}]}, "browser_search"),
    ("openai_chat", {"tools": [{"type": "tool_of_next_year"}]}, "tool_of_next_year"),
    ("openai_chat", {"model": "groq/compound-mini"}, "groq/compound-mini"),
    ("openai_chat", {"search_parameters": {"mode": "auto"}}, "search_parameters"),
    ("openai_chat", {"search_parameters": {}}, "search_parameters"),
    ("openai_chat", {"extra_body": {"google": {"tools": [{}]}}}, "extra_body.google.tools"),
    *[
        ("openai_responses", {"tools": [{"type": kind}]}, kind)
        for kind in ("image_generation", "code_interpreter", "file_search", "mcp", "shell", "x_search",
                     "collections_search", "programmatic_tool_calling")
    ],
    ("openai_responses", {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, "shell"),
    ("openai_responses", {"tools": [{"type": "namespace", "tools": [{"type": "mcp"}]}]}, "namespace"),
    ("openai_responses", {"prompt": {"id": "pmpt_1"}}, "prompt"),
    ("openai_responses", {"context_management": [{"type": "compaction"}]}, "context_management"),
    ("openai_responses", {"model": "o3-deep-research"}, "o3-deep-research"),
    *[
        ("anthropic_messages", {"tools": [{"type": kind}]}, kind)
        for kind in ("code_execution_20260521", "advisor_20260301", "mcp_toolset", "tool_of_next_year")
    ],
    ("anthropic_messages", {"container": {"skills": []}}, "container"),
    ("anthropic_messages", {"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
    ("anthropic_messages", {"fallbacks": "default"}, "fallbacks"),
    ("anthropic_messages", {"compaction": {"type": "x"}}, "compaction"),
    ("anthropic_messages", {"context_management": {"edits": [{"type": "compact_20260112"}]}}, "compact_20260112"),
    *[
        ("gemini", {"tools": [{kind: {}}]}, kind)
        for kind in ("codeExecution", "code_execution", "googleMaps", "retrieval", "mcpServers", "enterpriseWebSearch",
                     "toolOfNextYear")
    ],
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "members", "name"), UNMETERED)
def test_what_no_usage_reports_is_named_as_unmetered(dialect: str, members: dict, name: str) -> None:
    assert parse(dialect, **members).unmetered_tools == (name,)


POLLED = [("openai_chat", {"deferred": True}, "deferred"), ("openai_responses", {"background": True}, "background")]


@pytest.mark.parametrize(("dialect", "members", "param"), POLLED)
def test_an_answer_that_comes_by_polling_is_refused(dialect: str, members: dict, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(dialect, **members)

    assert refused.value.param == param


BODY = b'{"model":"gpt-4o","input":"x","tools":[{"type":"code_interpreter"}]}'
RESPONSES = UpstreamPath("responses", "metered", "openai_responses")


def test_an_unmetered_tool_is_refused_by_its_name() -> None:
    with pytest.raises(UnmeteredPath, match="code_interpreter") as refused:
        plan_call("openai", RESPONSES, BODY, TenantPolicy(), 0)

    assert refused.value.param == "tools"


def test_a_tenant_may_let_unmetered_tools_through() -> None:
    plan, _ = plan_call("openai", RESPONSES, BODY, TenantPolicy(allows_unmetered_paths=True), 0)

    assert plan.worst.want_nanousd > 0


GEOGRAPHY = [
    ({}, None), ({"speed": "fast"}, "fast"), ({"inference_geo": "us"}, "us"), ({"inference_geo": "global"}, None),
    ({"inference_geo": "eu", "speed": "fast"}, "fast_us"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "tier"), GEOGRAPHY)
def test_speed_and_geography_are_held_for_at_their_own_price(members: dict, tier: str | None) -> None:
    assert parse("anthropic_messages", **members).service_tier == tier
