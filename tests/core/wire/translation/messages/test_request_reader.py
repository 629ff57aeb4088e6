"""What a caller of the Messages API asks for, read."""

from typing import Any

import msgspec
import pytest
from anthropic.types import message_create_params
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.wire.dialects import DIALECTS
from core.wire.translation.conversation import (
    Conversation,
    Document,
    Image,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Untranslatable,
)
from core.wire.translation.messages.request_reader import read_request
from tests.core.wire.translation.messages.junk import JUNK

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "EqQB"}
BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=a1b2c;"}
USER: list[Any] = [{"role": "user", "content": "Hi"}]


def body_of(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "claude-opus-4-6", "max_tokens": 9, "messages": USER, **members})


def read(**members: Any) -> Conversation:
    return read_request(body_of(**members))


def said_by_user(*blocks: Any) -> Conversation:
    return read(messages=[{"role": "user", "content": list(blocks)}])


def said_by_model(*blocks: Any) -> Conversation:
    return read(messages=[{"role": "assistant", "content": list(blocks)}, *USER])


def user(*parts: Any) -> Turn:
    return Turn("user", parts)


def assistant(*parts: Any) -> Turn:
    return Turn("assistant", parts)


def system(*texts: str) -> Turn:
    return Turn("system", tuple(Text(text=text) for text in texts))


HI = user(Text(text="Hi"))
MESSAGES: dict[str, tuple[list[Any], tuple[Turn, ...]]] = {
    "a text": (USER, (HI,)),
    "neighbours of one role are one turn": (
        [*USER, {"role": "user", "content": [{"type": "text", "text": "Ho"}]}],
        (user(Text(text="Hi"), Text(text="Ho")),),
    ),
    "a system message stays where it stood, even an empty one does no harm": (
        [
            *USER,
            {"role": "system", "content": "Be brief"},
            {"role": "system", "content": []},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "Go"},
        ],
        (HI, system("Be brief"), user(Text(text="Go"))),
    ),
    "the results of two calls come before what the user says": (
        [
            {"role": "assistant", "content": [CALL, {"type": "text", "text": "…"}, CALL | {"id": "b"}]},
            {"role": "user", "content": [{"type": "text", "text": "Hurry"}, RESULT, PICTURE]},
            {"role": "user", "content": [RESULT | {"tool_use_id": "b", "content": None, "is_error": True}]},
        ],
        (
            assistant(
                ToolCall(id="toolu_1", name="f", arguments="{}"),
                Text(text="…"),
                ToolCall(id="b", name="f", arguments="{}"),
            ),
            user(
                ToolResult(call_id="toolu_1", parts=(Text(text="sunny"),)),
                ToolResult(call_id="b", parts=(), is_error=True),
                Text(text="Hurry"),
                Image(media_type="image/png", data="iVBORw0K"),
            ),
        ),
    ),
    "a result with a picture and a document": (
        [
            {"role": "assistant", "content": [CALL]},
            {
                "role": "user",
                "content": [
                    RESULT
                    | {
                        "content": [
                            {"type": "text", "text": "see"},
                            {"type": "text", "text": ""},
                            PICTURE,
                            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A"}},
                        ]
                    }
                ],
            },
        ],
        (
            assistant(ToolCall(id="toolu_1", name="f", arguments="{}")),
            user(
                ToolResult(
                    call_id="toolu_1",
                    parts=(
                        Text(text="see"),
                        Image(media_type="image/png", data="iVBORw0K"),
                        Document(media_type="text/plain", text="A"),
                    ),
                )
            ),
        ),
    ),
    "an empty text beside a result": (
        [
            {"role": "assistant", "content": [CALL]},
            {"role": "user", "content": [RESULT, {"type": "text", "text": ""}]},
        ],
        (
            assistant(ToolCall(id="toolu_1", name="f", arguments="{}")),
            user(ToolResult(call_id="toolu_1", parts=(Text(text="sunny"),))),
        ),
    ),
    "pictures and documents by address": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "url", "url": "https://a.b/c.png"}},
                    {"type": "document", "source": {"type": "url", "url": "https://a.b/c.pdf"}, "title": "C"},
                    {
                        "type": "document",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                        "citations": {"enabled": False},
                    },
                ],
            }
        ],
        (
            user(
                Image(url="https://a.b/c.png"),
                Document(url="https://a.b/c.pdf", name="C"),
                Document(media_type="application/pdf", data="JVBE"),
            ),
        ),
    ),
    "thinking that is signed, sealed, or nobody's": (
        [
            {
                "role": "assistant",
                "content": [
                    THOUGHT,
                    THOUGHT | {"thinking": ""},
                    {"type": "redacted_thinking", "data": "Emww"},
                    THOUGHT | {"signature": ""},
                ],
            },
            *USER,
        ],
        (
            assistant(
                Thinking(text="Hm", signature="EqQB", maker="anthropic"),
                Thinking(signature="EqQB", maker="anthropic"),
                Thinking(sealed="Emww", maker="anthropic"),
                Thinking(text="Hm"),
            ),
            HI,
        ),
    ),
}


@pytest.mark.parametrize(("messages", "turns"), MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_are_read_as_turns(messages: list[Any], turns: tuple[Turn, ...]) -> None:
    conversation = read(messages=messages)

    assert conversation.turns == turns
    assert conversation.beyond == ()
    assert conversation.dropped == ()


INPUTS: dict[str, tuple[bytes, str]] = {
    "as it stands, with its spaces and its long numbers": (
        b'{ "a": [1.50, 123456789012345678901234567890] }',
        '{ "a": [1.50, 123456789012345678901234567890] }',
    ),
    "none": (b"null", "{}"),
    "an empty text": (b'""', "{}"),
    "an object as a text": (b'"{\\"a\\":1}"', '{"a":1}'),
    "a broken text": (b'"{\\"a"', '{"arguments":"{\\"a"}'),
    "a list": (b"[1]", '{"arguments":"[1]"}'),
}


@pytest.mark.parametrize(("said", "arguments"), INPUTS.values(), ids=INPUTS.keys())
def test_the_input_of_a_call_is_one_object_and_no_call_is_lost(said: bytes, arguments: str) -> None:
    [turn, _] = said_by_model(CALL | {"input": msgspec.Raw(said)}).turns

    assert turn.parts == (ToolCall(id="toolu_1", name="f", arguments=arguments),)


def test_thinking_that_we_wrote_into_an_earlier_answer_goes_no_further() -> None:
    conversation = said_by_model(THOUGHT | {"signature": "agentwatch-unsigned"}, {"type": "text", "text": "So"})

    assert conversation.turns == (assistant(Text(text="So")), HI)


SYSTEMS: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "a text": ("Be kind", ("Be kind",), ()),
    "blocks": (
        [{"type": "text", "text": "A"}, {"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}}],
        ("A", "B"),
        ("cache_control",),
    ),
    "Claude Code's": ([BILLING, {"type": "text", "text": "A"}], ("A",), ("billing_header",)),
    "Claude Code's in one text": (BILLING["text"] + "\n\nA\nB", ("A\nB",), ("billing_header",)),
    "Claude Code's and nothing else": ([BILLING], (), ("billing_header",)),
    "the same words in another place": (
        [{"type": "text", "text": "A"}, BILLING],
        ("A", BILLING["text"]),
        (),
    ),
    "none": (None, (), ()),
    "an empty one": ("", (), ()),
}


@pytest.mark.parametrize(("said", "texts", "dropped"), SYSTEMS.values(), ids=SYSTEMS.keys())
def test_a_system_prompt_is_the_first_turn(said: Any, texts: tuple[str, ...], dropped: tuple[str, ...]) -> None:
    conversation = read(system=said)

    assert conversation.turns == ((system(*texts), HI) if texts else (HI,))
    assert conversation.dropped == dropped


def test_two_turns_of_claude_code_begin_alike() -> None:
    first, second = (
        read(system=[BILLING | {"text": BILLING["text"] + digest}, {"type": "text", "text": "A"}])
        for digest in ("1", "2")
    )

    assert first == second


TOOL = {"name": "f", "input_schema": {"type": "object"}}
MEMBERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "stream": ({"stream": True}, {"is_streaming": True, "wants_usage": True}),
    "sampling": ({"temperature": 1, "top_p": 0.5, "top_k": 3}, {"temperature": 1.0, "top_p": 0.5, "top_k": 3}),
    "length": ({"max_tokens": 7}, {"output_tokens_max": 7}),
    "stops": ({"stop_sequences": ["a", "b"]}, {"stop": ("a", "b")}),
    "user": ({"metadata": {"user_id": "u"}}, {"user": "u"}),
    "thinking with a budget": (
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"reasoning": Reasoning(budget_tokens=2048)},
    ),
    "no thinking": ({"thinking": {"type": "disabled"}}, {"reasoning": Reasoning(effort="none")}),
    "thinking left to the model": (
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        {"reasoning": Reasoning(effort="high", is_adaptive=True, is_shown=True)},
    ),
    "thinking not shown": (
        {"thinking": {"type": "adaptive", "display": "omitted"}},
        {"reasoning": Reasoning(is_adaptive=True, is_shown=False)},
    ),
    "effort alone": ({"output_config": {"effort": "max"}}, {"reasoning": Reasoning(effort="max")}),
    "a schema": (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"format": OutputFormat(schema={"type": "object"})},
    ),
    "a schema as it was said before": (
        {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
        {"format": OutputFormat(schema={"type": "object"})},
    ),
    "a tool without a type": ({"tools": [TOOL]}, {"tools": (Tool(name="f", schema={"type": "object"}),)}),
    "a custom tool": (
        {"tools": [TOOL | {"type": "custom", "description": "d", "strict": True, "eager_input_streaming": True}]},
        {"tools": (Tool(name="f", description="d", schema={"type": "object"}, is_strict=True),)},
    ),
    "what says nothing": (
        {
            "service_tier": "auto", "speed": "standard", "inference_geo": "global", "mcp_servers": [],
            "container": None, "context_management": {"edits": []},
        },
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("members", "expected"), MEMBERS.values(), ids=MEMBERS.keys())
def test_members_are_read(members: dict[str, Any], expected: dict[str, Any]) -> None:
    conversation = read(**members)

    assert {name: getattr(conversation, name) for name in expected} == expected
    assert (conversation.beyond, conversation.dropped) == ((), ())


CHOICES: dict[str, tuple[dict[str, Any] | None, ToolChoice | None]] = {
    "unsaid": (None, None),
    "auto": ({"type": "auto"}, ToolChoice(mode="auto")),
    "any": ({"type": "any"}, ToolChoice(mode="required")),
    "tool": ({"type": "tool", "name": "f"}, ToolChoice(mode="named", name="f")),
    "none": ({"type": "none"}, ToolChoice(mode="none")),
}


@pytest.mark.parametrize("is_single", [None, False, True])
@pytest.mark.parametrize(("said", "choice"), CHOICES.values(), ids=CHOICES.keys())
def test_a_choice_of_tools_says_whether_several_calls_may_come(
    said: dict[str, Any] | None, choice: ToolChoice | None, is_single: bool | None
) -> None:
    if said is not None and is_single is not None:
        said = said | {"disable_parallel_tool_use": is_single}
    conversation = read(tools=[TOOL], tool_choice=said)

    assert conversation.tool_choice == choice
    is_silent = choice is None or choice.mode == "none" or is_single is None
    assert conversation.is_parallel == (None if is_silent else not is_single)


BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "a tool that Anthropic runs": (
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "tool:web_search_20250305",
    ),
    "a tool that its models know": ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tool:bash_20250124"),
    "a tool that is found later": ({"tools": [TOOL | {"defer_loading": True}]}, "tool:defer_loading"),
    "a tool for programs": ({"tools": [TOOL | {"allowed_callers": ["x"]}]}, "tool:programmatic"),
    "a choice nobody knows": ({"tool_choice": {"type": "best"}}, "tool_choice:best"),
    "a type with the caller's words": ({"tools": [{"type": "<b>Ä"}]}, "tool:unknown"),
    "the beginning of the answer": ({"messages": [*USER, {"role": "assistant", "content": "Yes"}]}, "prefill"),
    "a beginning before a system message": (
        {"messages": [*USER, {"role": "assistant", "content": "Yes"}, {"role": "system", "content": "S"}]},
        "prefill",
    ),
    "a container": ({"container": "c"}, "container"),
    "servers": ({"mcp_servers": [{"url": "https://a.b"}]}, "mcp_servers"),
    "a country": ({"inference_geo": "us"}, "inference_geo"),
    "a summary": ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "compaction"),
    "no output": ({"max_tokens": 0}, "no_output"),
    "a format nobody knows": ({"output_format": {"type": "xml"}}, "format:xml"),
    "thinking nobody knows": ({"thinking": {"type": "dreamy"}}, "thinking:dreamy"),
    "a message's own output_config": (
        {"messages": [{"role": "user", "content": "Hi", "output_config": {"effort": "low"}}]},
        "message:output_config",
    ),
    "a picture in the system prompt": ({"system": [PICTURE]}, "system_media"),
}


@pytest.mark.parametrize(("members", "feature"), BEYOND.values(), ids=BEYOND.keys())
def test_what_no_other_provider_can_stand_in_for_is_named(members: dict[str, Any], feature: str) -> None:
    assert read(**members).beyond == (feature,)


BLOCKS: dict[str, tuple[dict[str, Any], str]] = {
    "an uploaded picture": ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "file_id"),
    "a document of blocks": ({"type": "document", "source": {"type": "content", "content": "A"}}, "source:content"),
    "a document to cite": (
        {"type": "document", "source": {"type": "url", "url": "https://a"}, "citations": {"enabled": True}},
        "citations",
    ),
    "a document and what it is about": (
        {"type": "document", "source": {"type": "url", "url": "https://a"}, "context": "C"},
        "document_context",
    ),
    "something found": ({"type": "search_result", "content": [], "source": "s", "title": "t"}, "content:search_result"),
    "a result that refers to tools": (
        RESULT | {"content": [{"type": "tool_reference", "tool_name": "f"}]},
        "content:tool_reference",
    ),
}


@pytest.mark.parametrize(("block", "feature"), BLOCKS.values(), ids=BLOCKS.keys())
def test_blocks_of_a_user_that_nobody_else_takes_are_named(block: dict[str, Any], feature: str) -> None:
    assert said_by_user(block).beyond == (feature,)


MODEL_BLOCKS: dict[str, tuple[dict[str, Any], str]] = {
    "a call that Anthropic ran": (
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        "content:server_tool_use",
    ),
    "what it found": (
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        "content:web_search_tool_result",
    ),
    "a call by a program": (CALL | {"caller": {"type": "code_execution_20250825", "tool_id": "t"}}, "programmatic"),
    "a picture": (PICTURE, "assistant_media"),
}


@pytest.mark.parametrize(("block", "feature"), MODEL_BLOCKS.values(), ids=MODEL_BLOCKS.keys())
def test_blocks_of_a_model_that_nobody_else_takes_are_named(block: dict[str, Any], feature: str) -> None:
    assert said_by_model(block).beyond == (feature,)


DROPPED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "members that nobody has heard of": ({"a_new_one": 1, "Ärger": 2}, ("a_new_one", "unknown")),
    "a tier": ({"service_tier": "priority"}, ("service_tier",)),
    "clearing": (
        {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
        ("context_management",),
    ),
    "a level of thinking that is off": (
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "low", "task_budget": 3}},
        ("output_config.effort", "task_budget"),
    ),
    "a level nobody knows": ({"output_config": {"effort": ["x"]}}, ("output_config.effort",)),
    "examples": ({"tools": [TOOL | {"input_examples": [{}]}]}, ("input_examples",)),
}


@pytest.mark.parametrize(("members", "names"), DROPPED.values(), ids=DROPPED.keys())
def test_what_does_not_change_the_meaning_is_left_out_and_named(
    members: dict[str, Any], names: tuple[str, ...]
) -> None:
    conversation = read(**members)

    assert conversation.dropped == names
    assert conversation.beyond == ()


WRONG: dict[str, dict[str, Any]] = {
    "a role nobody has": {"messages": [{"role": "developer", "content": "A"}]},
    "a call of the user's": {"messages": [{"role": "user", "content": [CALL]}]},
    "a result of the model's": {"messages": [{"role": "assistant", "content": [RESULT]}]},
    "content that is a number": {"messages": [{"role": "user", "content": 1}]},
    "a picture of nothing": {
        "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": ""}}]}]
    },
    "thinking without its budget": {"thinking": {"type": "enabled"}},
    "a temperature in words": {"temperature": "hot"},
}


@pytest.mark.parametrize("members", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_request_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable) as refused:
        read(**members)

    assert refused.value.feature == "body"


def test_a_request_of_the_official_types_is_read_without_loss() -> None:
    said: dict[str, Any] = {
        "model": "claude-opus-4-6",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "S"}],
        "messages": [*USER, {"role": "assistant", "content": [THOUGHT, CALL]}, {"role": "user", "content": [RESULT]}],
        "tools": [TOOL],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "adaptive"},
        "stop_sequences": ["X"],
    }
    TypeAdapter(message_create_params.MessageCreateParamsNonStreaming).validate_python(said)
    DIALECTS["anthropic_messages"].parse_request(msgspec.json.encode(said), path="/v1/messages")
    conversation = read_request(msgspec.json.encode(said))

    assert [turn.role for turn in conversation.turns] == ["system", "user", "assistant", "user"]
    assert (conversation.beyond, conversation.dropped) == ((), ())


BLOCK_TYPES = st.sampled_from(
    ["text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "server_tool_use"]
)
ODD_BLOCKS = st.fixed_dictionaries(
    {"type": BLOCK_TYPES | JUNK},
    optional=dict.fromkeys((
            "text", "source", "title", "context", "citations", "id", "name", "input", "caller", "tool_use_id",
            "content", "is_error", "thinking", "signature", "data", "cache_control",
        ), JUNK),
)  # fmt: skip
ODD_MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]) | JUNK},
        optional={"content": st.lists(ODD_BLOCKS, max_size=3) | JUNK, "output_config": JUNK},
    ),
    max_size=4,
)
ODD_BODIES = st.fixed_dictionaries(
    {"model": st.just("m") | JUNK, "messages": ODD_MESSAGES | JUNK},
    optional=dict.fromkeys((
            "system", "stream", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k",
            "stop_sequences", "thinking", "output_config", "output_format", "metadata", "inference_geo",
            "context_management", "mcp_servers", "service_tier",
        ), JUNK),
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(ODD_BODIES.map(msgspec.json.encode), JUNK.map(msgspec.json.encode), st.binary(max_size=30)))
def test_nonsense_is_read_or_refused_and_nothing_else(body: bytes) -> None:
    try:
        read_request(body)
    except Untranslatable as refused:
        assert refused.feature == "body"
