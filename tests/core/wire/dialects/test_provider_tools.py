"""What a provider is asked to run beside generating is held for, or refused: nothing of it is free by being unknown."""

import json

import pytest

from core.call.plan import plan_call, with_searches_bounded
from core.money.price_list import TABLE
from core.refusals import InvalidRequest, UnmeteredPath
from core.routing.paths import UpstreamPath
from core.tenant.policy import TenantPolicy
from core.wire.dialects import DIALECTS
from core.wire.facts import ParsedCall

GEMINI_PATH = "v1beta/models/m:generateContent"


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
    ("openai_chat", {"web_search_options": {}}, 1),
    ("openai_chat", {"model": "gpt-4o-search-preview-2025-03-11"}, 1),
    ("openai_responses", {"tools": [{"type": "web_search"}]}, 10),
    ("openai_responses", {"tools": [{"type": "web_search_preview_2025_03_11"}]}, 10),
    ("anthropic_messages", {"tools": [{"type": "web_search_20250305"}]}, 10),
    ("anthropic_messages", {"tools": [{"type": "web_search_20260318", "max_uses": 25}]}, 25),
    ("gemini", {"tools": [{"googleSearch": {}}]}, 10),
    ("gemini", {"tools": {"GOOGLE_SEARCH": {}}}, 10),
    ("anthropic_messages", {"tools": {"type": "Web_Search_20250305", "max_uses": 2}}, 2),
    ("gemini", {"tools": [{"google_search_retrieval": {}}]}, 10),
    ("gemini", {"tools": [[{"googleSearch": {}}]]}, 10),
    ("openai_responses", {"input": [{"type": "tool_search_output", "tools": [{"type": "web_search"}]}]}, 10),
    ("anthropic_messages", {"messages": [{"tools": [{"type": "web_search_20250305", "max_uses": 3}]}]}, 3),
]


@pytest.mark.parametrize(("dialect", "members", "calls"), SEARCHES)
def test_web_searches_are_held_for_by_the_request_s_bound_or_ours(dialect: str, members: dict, calls: int) -> None:
    call = with_searches_bounded(parse(dialect, **members), dialect.partition("_")[0])

    assert (call.web_search_calls_max, call.unmetered_tools) == (calls, ())


CONTINUED = [
    ("openai_responses", {"previous_response_id": "resp_1"}, ("resp_1",)),
    ("openai_responses", {"conversation": "conv_1"}, ("conv_1",)),
    ("openai_responses", {"conversation": {"id": "conv_1"}, "previous_response_id": "resp_1"}, ("resp_1", "conv_1")),
    ("openai_responses", {"conversation": None, "previous_response_id": ""}, ()),
    ("anthropic_messages", {"thread": {"type": "continue", "previous_message_id": "msg_1"}}, ("msg_1",)),
    ("anthropic_messages", {"thread": {"type": "start"}}, ()),
    ("anthropic_messages", {"thread": "msg_1"}, ("msg_1",)),
    ("anthropic_messages", {"thread": {"type": "continue"}}, ("?",)),
    ("anthropic_messages", {"thread": {"type": "start", "previous_message_id": "msg_1"}}, ("msg_1",)),
]


@pytest.mark.parametrize(("dialect", "members", "ids"), CONTINUED)
def test_an_earlier_answer_holds_the_window_until_it_is_known(dialect: str, members: dict, ids: tuple) -> None:
    call = parse(dialect, **members)
    known = call.with_remembered(1_234)

    assert (call.earlier_answers, call.prompt.is_of_unknown_size) == (ids, bool(ids))
    assert not known.prompt.is_of_unknown_size
    assert known.prompt.text_tokens == call.prompt.text_tokens + 1_234


def test_a_continued_answer_without_an_id_still_holds_the_window() -> None:
    call = parse("openai_responses", conversation={"odd": 1})

    assert (call.earlier_answers, call.prompt.is_of_unknown_size) == (("?",), True)


HIDDEN_PROMPTS = [
    ("anthropic_messages", {"tools": [{"type": "memory_20250818"}]}, 1_100),
    ("anthropic_messages", {"tools": [{"type": "tool_search_tool_bm25_20251119"}]}, 800),
    ("anthropic_messages", {"tools": [{"type": "text_editor_20250728"}]}, 700),
    ("anthropic_messages", {"tools": [{"type": "bash_20250124"}]}, 245),
    ("anthropic_messages", {"tools": [{"type": "computer_20251124"}, {"type": "bash_20250124"}]}, 1_250 + 245),
    ("anthropic_messages", {"tools": [{"type": "browser_toolset_20260101"}]}, 1_000),
    ("openai_chat", {"model": "meta-llama/llama-4-scout-17b-16e-instruct", "tools": [{"type": "function"}]}, 550),
    ("openai_chat", {"model": "groq/meta-llama/llama-4-maverick", "tools": [{"type": "function"}] * 9}, 550),
    ("openai_responses", {"reasoning": {"mode": "pro"}}, 1_549),
    ("openai_responses", {"tools": [{"type": "computer_use_preview"}]}, 500),
    ("gemini", {"tools": [{"computerUse": {}}]}, 1_300),
]


@pytest.mark.parametrize(("dialect", "members", "tokens"), HIDDEN_PROMPTS)
def test_what_a_tool_adds_to_the_prompt_unseen_is_held_for(dialect: str, members: dict, tokens: int) -> None:
    model = {"model": members.get("model", "m")}
    body = json.dumps({**members, **model})

    hidden = parse(dialect, **members).prompt.text_tokens - parse(dialect, **model).prompt.text_tokens

    assert tokens < hidden < 2 * tokens + len(body)


PREDICTED = [
    ({"type": "content", "content": "the same words again and again " * 100}, 600),
    ({"type": "content", "content": [{"type": "text", "text": "the same words again and again " * 100}]}, 600),
    ({"type": "content", "content": None}, 0),
    (None, 0),
]


@pytest.mark.parametrize(("prediction", "tokens"), PREDICTED)
def test_a_prediction_may_be_billed_without_being_shown(prediction: object, tokens: int) -> None:
    assert tokens <= parse("openai_chat", prediction=prediction).unshown_output_tokens <= 3 * tokens


def test_a_stream_with_a_prediction_is_held_for_in_full() -> None:
    chat = UpstreamPath("chat/completions", "metered", "openai_chat")
    body = b'{"model":"gpt-4o","stream":true,"messages":[{}],"prediction":{"type":"content","content":"abc"}}'

    plans = [plan_call("openai", chat, each, TenantPolicy(), 0, TABLE)[0] for each in (body, body.replace(b"abc", b""))]

    assert [plan.slice_nanousd is None for plan in plans] == [True, False]


ATTACHED = [
    ("openai_responses", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, 10),
    (
        "openai_responses",
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "JVBERi0="}]}]},
        10,
    ),
    ("openai_chat", {"messages": [{"content": [{"type": "file", "file": {"file_url": "https://e"}}]}]}, 10),
    ("openai_responses", {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, 0),
]


@pytest.mark.parametrize(("dialect", "members", "searches"), ATTACHED)
def test_an_attached_document_may_be_searched(dialect: str, members: dict, searches: int) -> None:
    assert parse(dialect, **members).document_search_calls_max == searches


READERS = [
    ("anthropic_messages", {"tools": [{"type": "web_fetch_20260209"}]}),
    ("gemini", {"tools": [{"urlContext": {}}]}),
    ("gemini", {"tools": [{"file_search": {"fileSearchStoreNames": ["s"]}}]}),
    ("openai_chat", {"extra_body": {"google": {"cached_content": "cachedContents/1"}}}),
]


@pytest.mark.parametrize(("dialect", "members"), READERS)
def test_what_reads_beyond_the_request_holds_the_window(dialect: str, members: dict) -> None:
    call = parse(dialect, **members)

    assert (call.prompt.hidden_inputs, call.unmetered_tools) == (1, ())


@pytest.mark.parametrize("tools", [{"codeExecution": {}}, [[{"code_execution": {}}]], [{"CodeExecution": {}}]])
def test_code_that_gemini_runs_may_read_the_prompt_again_behind_each_run(tools: object) -> None:
    """It reads nothing else beyond the request."""
    plain, with_code = (parse("gemini", tools=each) for each in ([], tools))

    assert (plain.prompt.reads, with_code.prompt.reads) == (1, 6)
    assert (with_code.prompt.hidden_inputs, with_code.unmetered_tools) == (0, ())


UNMETERED = [    ("openai_chat", {"tools": [{"type": "browser_search"}]}, "browser_search"),
    ("openai_chat", {"tools": [{"type": "tool_of_next_year"}]}, "tool_of_next_year"),
    ("openai_chat", {"model": "groq/compound-mini"}, "groq/compound-mini"),
    ("openai_chat", {"search_parameters": {"mode": "auto"}}, "search_parameters"),
    ("openai_chat", {"search_parameters": {}}, "search_parameters"),
    ("openai_chat", {"extra_body": {"google": {"tools": [{"name": "f"}]}}}, "extra_body.google.tools"),
    *[
        ("openai_responses", {"tools": [{"type": kind}]}, kind)
        for kind in ("image_generation", "code_interpreter", "file_search", "mcp", "shell", "x_search",
                     "collections_search", "programmatic_tool_calling")
    ],
    ("openai_responses", {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, "shell"),
    ("openai_responses", {"input": [{"type": "tool_search_output", "tools": [{"type": "mcp"}]}]}, "mcp"),
    ("openai_responses", {"input": [[{"tools": {"type": "image_generation"}}]]}, "image_generation"),
    ("openai_chat", {"tools": [{"googleSearch": {}}]}, "a tool without type"),
    ("openai_chat", {"google": {"tools_of_next_year": 1}}, "extra_body.google.tools_of_next_year"),
    ("openai_chat", {"extra_body": {"extra_body": {"google": {"grounding": 1}}}}, "extra_body.google.grounding"),
    ("gemini", {"tools": [[[{"googleMaps": {}}]]]}, "googleMaps"),
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
        for kind in ("googleMaps", "retrieval", "mcpServers", "enterpriseWebSearch",
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
        plan_call("openai", RESPONSES, BODY, TenantPolicy(), 0, TABLE)

    assert refused.value.param == "tools"


def test_a_tenant_may_let_unmetered_tools_through() -> None:
    plan, _ = plan_call("openai", RESPONSES, BODY, TenantPolicy(allows_unmetered_paths=True), 0, TABLE)

    assert plan.costing.want_nanousd > 0


GEOGRAPHY = [
    ({}, None), ({"speed": "fast"}, "fast"), ({"inference_geo": "us"}, "us"), ({"inference_geo": "global"}, None),
    ({"inference_geo": "eu", "speed": "fast"}, "fast_us"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "tier"), GEOGRAPHY)
def test_speed_and_geography_are_held_for_at_their_own_price(members: dict, tier: str | None) -> None:
    assert parse("anthropic_messages", **members).service_tier == tier
