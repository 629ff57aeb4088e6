"""Conversations written as requests to the Messages API."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import MessageCreateParams
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.wire.dialects.anthropic_messages import AnthropicDialect
from core.wire.translation.conversation import (
    AnyPart,
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
)
from core.wire.translation.fitting.fit import fit
from core.wire.translation.fitting.history import UNSIGNED
from core.wire.translation.fitting.target import MESSAGES, Target
from core.wire.translation.messages.request_writer import FAILED, write_request
from tests.core.wire.translation.messages.writing import ARGUMENTS, IDS, NAMES, WORDS

HELLO = Turn("user", (Text(text="Hi"),))
WEATHER = Tool(name="weather", schema={"type": "object", "properties": {}})


def body_of(*turns: Turn, **members: Any) -> dict[str, Any]:
    conversation = Conversation(model="claude-opus-4-7", turns=turns or (HELLO,), **{"output_tokens_max": 9} | members)
    body: dict[str, Any] = msgspec.json.decode(write_request(conversation, "anthropic"))
    return body


def blocks_of(role: str, *parts: AnyPart) -> list[dict[str, Any]]:
    [message] = body_of(Turn(role, parts))["messages"]  # type: ignore[arg-type]
    assert message["role"] == role
    content: list[dict[str, Any]] = message["content"]
    return content


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def test_what_is_not_stated_is_not_written() -> None:
    assert body_of() == {
        "model": "claude-opus-4-7",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [text("Hi")]}],
    }


@pytest.mark.parametrize(
    ("members", "written"),
    [
        ({"is_streaming": True}, {"stream": True}),
        ({"temperature": 0.0, "top_p": 0.5, "top_k": 3}, {"temperature": 0.0, "top_p": 0.5, "top_k": 3}),
        ({"stop": ("END", "\n\n#")}, {"stop_sequences": ["END", "\n\n#"]}),
        ({"user": "u_1"}, {"metadata": {"user_id": "u_1"}}),
        (
            {"format": OutputFormat(schema={"type": "object"})},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        ),
        ({"reasoning": Reasoning(effort="none")}, {"thinking": {"type": "disabled"}}),
        ({"reasoning": Reasoning(budget_tokens=2_048)}, {"thinking": {"type": "enabled", "budget_tokens": 2_048}}),
        ({"reasoning": Reasoning(is_adaptive=True)}, {"thinking": {"type": "adaptive"}}),
        (
            {"reasoning": Reasoning(is_adaptive=True, effort="xhigh", is_shown=True)},
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}},
        ),
        (
            {"reasoning": Reasoning(is_adaptive=True, is_shown=False)},
            {"thinking": {"type": "adaptive", "display": "omitted"}},
        ),
        ({"reasoning": Reasoning(effort="low")}, {"output_config": {"effort": "low"}}),
        (
            {"reasoning": Reasoning(effort="low"), "format": OutputFormat(schema={})},
            {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}},
        ),
        ({"reasoning": Reasoning(is_shown=True)}, {}),
        ({"tool_choice": ToolChoice(mode="required"), "is_parallel": False}, {}),
    ],
)
def test_what_is_asked_for_is_said_in_anthropic_s_words(members: dict[str, Any], written: dict[str, Any]) -> None:
    assert body_of(**members) == body_of() | written


@pytest.mark.parametrize(
    ("choice", "is_parallel", "written"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(), None, {"type": "auto"}),
        (ToolChoice(), True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice(), False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (ToolChoice(mode="required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="named", name="weather"), None, {"type": "tool", "name": "weather"}),
        (
            ToolChoice(mode="named", name="weather"),
            False,
            {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        ),
        (ToolChoice(mode="none"), None, {"type": "none"}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
    ],
)
def test_a_choice_of_tools_says_whether_several_may_be_called(
    choice: ToolChoice | None, is_parallel: bool | None, written: object
) -> None:
    assert body_of(tools=(WEATHER,), tool_choice=choice, is_parallel=is_parallel).get("tool_choice") == written


def test_a_tool_is_its_name_its_description_and_the_schema_as_it_is() -> None:
    schema = {"type": "object", "properties": {"const": {"type": "string"}}}
    described = Tool(name="f", description="Does f.", schema=schema, is_strict=True)

    assert body_of(tools=(described, WEATHER))["tools"] == [
        {"name": "f", "description": "Does f.", "input_schema": schema, "strict": True},
        {"name": "weather", "input_schema": {"type": "object", "properties": {}}},
    ]


def test_what_systems_say_stands_in_one_place_in_its_order_and_neighbours_are_one_message() -> None:
    body = body_of(
        Turn("system", (Text(text="A"), Text(text="B"))),
        HELLO,
        Turn("system", (Text(text="C"),)),
        Turn("user", (Text(text="there"),)),
    )

    assert body["system"] == [text("A"), text("B"), text("C")]
    assert body["messages"] == [{"role": "user", "content": [text("Hi"), text("there")]}]


def test_all_results_of_a_turn_come_first_in_one_message() -> None:
    calls = (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="f", arguments='{"x": 1}'))
    body = body_of(
        HELLO,
        Turn("assistant", calls),
        Turn("user", (ToolResult(call_id="a", parts=(Text(text="1"),)), Text(text="Go on"))),
        Turn("system", (Text(text="Now."),)),
        Turn("user", (ToolResult(call_id="b", parts=(Text(text="2"), Image(media_type="image/png", data="AA=="))),)),
    )

    _, called, answered = body["messages"]
    assert called["content"] == [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {"x": 1}},
    ]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    assert answered["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("1")]},
        {"type": "tool_result", "tool_use_id": "b", "content": [text("2"), picture]},
        text("Go on"),
    ]


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (
            Image(url="https://example.com/a.png", detail="low"),
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        ),
        (
            Document(media_type="application/pdf", data="AA==", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
                "title": "a.pdf",
            },
        ),
        (
            Document(url="https://example.com/a.pdf"),
            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        ),
        (
            Document(media_type="text/plain", text="Words"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words"}},
        ),
        (
            ToolResult(call_id="a", parts=(), is_error=True),
            {"type": "tool_result", "tool_use_id": "a", "content": [text(FAILED)], "is_error": True},
        ),
        (ToolResult(call_id="a", parts=()), {"type": "tool_result", "tool_use_id": "a"}),
    ],
)
def test_what_a_user_gives_is_said_in_anthropic_s_words(part: AnyPart, written: dict[str, Any]) -> None:
    assert blocks_of("user", part) == [written]


@pytest.mark.parametrize("arguments", ["", " ", "{}"])
def test_a_call_without_arguments_has_an_empty_input(arguments: str) -> None:
    [call] = blocks_of("assistant", ToolCall(id="a", name="f", arguments=arguments))

    assert call["input"] == {}


@pytest.mark.parametrize("arguments", ['{"a', "[1]", "7", "{" * 100_000 + "}"])
def test_broken_arguments_are_wrapped_and_the_call_stays(arguments: str) -> None:
    [call] = blocks_of("assistant", ToolCall(id="a", name="f", arguments=arguments))

    assert call["input"] == {"arguments": arguments}


def test_thinking_goes_only_where_anthropic_signed_or_sealed_it() -> None:
    assert blocks_of(
        "assistant",
        Thinking(text="Hm", signature="sig", maker="anthropic"),
        Thinking(sealed="gAAAA", maker="anthropic"),
        Thinking(text="Hm", signature=UNSIGNED, maker="anthropic"),
        Thinking(text="Hm", maker="anthropic"),
        Thinking(text="Hm", signature="sig", maker="gemini"),
        Thinking(text="Hm", sealed="gAAAA", maker="openai"),
        Thinking(text="Hm"),
        Text(text="So."),
    ) == [
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "gAAAA"},
        text("So."),
    ]


def test_a_turn_of_another_s_thinking_alone_is_no_message() -> None:
    body = body_of(HELLO, Turn("assistant", (Thinking(text="Hm"),)), HELLO)

    assert body["messages"] == [{"role": "user", "content": [text("Hi"), text("Hi")]}]


def test_a_later_turn_leaves_the_bytes_of_earlier_ones_as_they_were() -> None:
    """Or every prompt cache starts anew."""
    turns = (HELLO, Turn("assistant", (Text(text="A"), ToolCall(id="a", name="f", arguments='{ "x": 1.0 }'))))
    later = (*turns, Turn("user", (ToolResult(call_id="a", parts=(Text(text="1"),)),)))

    first, second = (
        write_request(Conversation(model="m", turns=each, output_tokens_max=9), "anthropic") for each in (turns, later)
    )

    assert second.startswith(first.removesuffix(b"]}"))


def test_a_request_without_a_ceiling_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        body_of(output_tokens_max=None)


CONTENT = st.one_of(
    st.builds(Text, text=WORDS),
    st.builds(Image, media_type=st.just("image/png"), data=st.just("AA==")),
    st.builds(Image, url=st.just("https://example.com/a.png")),
    st.builds(Document, media_type=st.just("application/pdf"), data=st.just("AA=="), name=st.none() | WORDS),
    st.builds(Document, media_type=st.just("text/plain"), text=WORDS),
)
RESULTS = st.builds(ToolResult, call_id=IDS, parts=st.lists(CONTENT, max_size=2).map(tuple), is_error=st.booleans())
SAID = st.one_of(
    st.builds(Text, text=WORDS),
    st.builds(ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS | WORDS),
    st.builds(
        Thinking,
        text=WORDS,
        signature=st.none() | IDS | st.just(UNSIGNED),
        sealed=st.none() | IDS,
        maker=st.sampled_from([None, "anthropic", "openai", "gemini"]),
    ),
)


def turns_of(role: str, parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Turn]:
    return st.lists(parts, min_size=1, max_size=3).map(lambda listed: Turn(role, tuple(listed)))  # type: ignore[arg-type]


TURNS = st.lists(
    turns_of("system", st.builds(Text, text=WORDS)) | turns_of("user", CONTENT | RESULTS) | turns_of("assistant", SAID),
    max_size=6,
)
TOOLS = st.builds(Tool, name=NAMES, description=st.none() | WORDS)
ASKED = st.fixed_dictionaries(
    {
        "is_streaming": st.booleans(),
        "tools": st.lists(TOOLS, max_size=2, unique_by=lambda tool: tool.name).map(tuple),
        "tool_choice": st.sampled_from([None, ToolChoice(), ToolChoice(mode="required"), ToolChoice(mode="none")]),
        "is_parallel": st.none() | st.booleans(),
        "output_tokens_max": st.none() | st.integers(1, 100_000),
        "temperature": st.none() | st.floats(0, 2),
        "stop": st.just(()) | st.just(("END",)),
        "reasoning": st.none() | st.builds(Reasoning, effort=st.sampled_from(["none", "low", "max"])),
        "user": st.none() | NAMES,
        "seed": st.none() | st.integers(0, 9),
    }
)
MODELS = st.sampled_from(["claude-opus-4-1", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-7"])
OFFICIAL = TypeAdapter(MessageCreateParams)


@settings(max_examples=200, deadline=None)
@given(TURNS, ASKED, MODELS)
def test_what_was_fitted_is_written_as_the_official_client_s_types_and_our_own_dialect_have_it(
    turns: list[Turn], asked: dict[str, Any], model: str
) -> None:
    asking = Conversation(model="gpt-5.5", turns=(HELLO, *turns, HELLO), **asked)
    fitted = fit(asking, Target("anthropic", model, MESSAGES), output_tokens_default=4_096).conversation

    body = write_request(fitted, "anthropic")

    members = msgspec.json.decode(body)
    OFFICIAL.dump_json(OFFICIAL.validate_python(members), warnings="error")
    AnthropicDialect().parse_request(body, path="/v1/messages")
    roles = [message["role"] for message in members["messages"]]
    assert roles[0] == "user" and all(first != second for first, second in pairwise(roles))
    for message in members["messages"]:
        kinds = [block["type"] == "tool_result" for block in message["content"]]
        assert kinds and kinds == sorted(kinds, reverse=True)
