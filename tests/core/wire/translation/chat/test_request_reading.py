"""What a chat caller asks for, read: what is said, what only its provider can do, and what is left out."""

from typing import Any

import msgspec
import pytest

from core.wire.translation.chat.request_writer import write_request
from core.wire.translation.conversation import (
    Document,
    Image,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    Turn,
    Untranslatable,
)
from core.wire.translation.unsaid import NAMES_MAX
from tests.core.wire.translation.chat.requests import (
    CALL,
    FUNCTION,
    HI,
    PDF,
    PNG,
    RESULT,
    a_call,
    a_result,
    assistant,
    read,
    system,
    user,
)

TURNS: dict[str, tuple[list[dict[str, Any]], list[Turn]]] = {
    "system and developer, one after the other": (
        [{"role": "system", "content": "A"}, {"role": "developer", "content": [{"type": "text", "text": "B"}]}, HI],
        [system("A", "B"), user(Text(text="Hi"))],
    ),
    "a system turn in the middle": (
        [HI, {"role": "system", "content": "B"}, {"role": "assistant", "content": "C"}],
        [user(Text(text="Hi")), system("B"), assistant(Text(text="C"))],
    ),
    "neighbours of one role": ([HI, HI], [user(Text(text="Hi"), Text(text="Hi"))]),
    "empty texts": (
        [{"role": "user", "content": [{"type": "text", "text": ""}]}, {"role": "system", "content": ""}, HI],
        [user(Text(text="Hi"))],
    ),
    "a picture as data": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}]}],
        [user(Image(media_type="image/png", data="iVBORw0K", detail="low"))],
    ),
    "a picture at an address": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "auto"}}]}],
        [user(Image(url="https://a/b.png"))],
    ),
    "a picture's address without an object": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": PNG}]}],
        [user(Image(media_type="image/png", data="iVBORw0K"))],
    ),
    "a file": (
        [{"role": "user", "content": [{"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}]}],
        [user(Document(media_type="application/pdf", data="JVBERi0=", name="a.pdf"))],
    ),
    "a file without a type": (
        [{"role": "user", "content": [{"type": "file", "file": {"filename": "a", "file_data": "JVBERi0="}}]}],
        [user(Document(media_type="application/pdf", data="JVBERi0=", name="a"))],
    ),
    "a file of text": (
        [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;charset=utf-8;base64,SGk="}}]}],
        [user(Document(media_type="text/plain", text="Hi"))],
    ),
    "an answer of nothing but calls": (
        [{"role": "assistant", "content": None, "tool_calls": [CALL], "audio": None, "annotations": []}, RESULT],
        [assistant(a_call()), user(a_result())],
    ),
    "arguments of nothing": (
        [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": ""}}]}],
        [assistant(a_call("c", "{}"))],
    ),
    "no arguments": (
        [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}],
        [assistant(a_call("c", "{}"))],
    ),
    "arguments that are an object": (
        [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}],
        [assistant(a_call(""))],
    ),
    "broken arguments": (
        [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a'}}]}],
        [assistant(a_call("c", '{"arguments":"{\\"a"}'))],
    ),
    "Gemini's signature of a call": (
        [{"role": "assistant", "tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "sig"}}}]}],
        [assistant(a_call(signature="sig"))],
    ),
    "a refusal": (
        [{"role": "assistant", "content": None, "refusal": "No."}], [assistant(Text(text="No."))],
    ),
    "a refusal as a part": (
        [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}], [assistant(Text(text="No."))],
    ),
    "thoughts": (
        [{"role": "assistant", "reasoning_content": "Hm", "content": "A", "tool_calls": [CALL]}],
        [assistant(Thinking(text="Hm"), Text(text="A"), a_call())],
    ),
    "thoughts as Groq has them": (
        [{"role": "assistant", "reasoning": "Hm", "content": "A"}], [assistant(Thinking(text="Hm"), Text(text="A"))],
    ),
    "two results, then the user": (
        [{"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, RESULT, {**RESULT, "tool_call_id": "call_2"}, HI],
        [assistant(a_call(), a_call("call_2")), user(a_result(), a_result("call_2"), Text(text="Hi"))],
    ),
    "a result after the user's words": (
        [{"role": "assistant", "tool_calls": [CALL]}, HI, RESULT],
        [assistant(a_call()), user(a_result(), Text(text="Hi"))],
    ),
    "a result with a picture": (
        [{**RESULT, "content": [{"type": "text", "text": "A"}, {"type": "image_url", "image_url": {"url": PNG}}]}],
        [user(ToolResult(call_id="call_1", parts=(Text(text="A"), Image(media_type="image/png", data="iVBORw0K"))))],
    ),
    "a result that is marked as an error": ([{**RESULT, "is_error": True}], [user(a_result(is_error=True))]),
    "functions called the old way": (
        [
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
            {"role": "function", "name": "f", "content": "sunny"},
            {"role": "assistant", "function_call": {"name": "f", "arguments": '{"a":1}'}},
            {"role": "function", "name": "f", "content": "rainy"},
        ],
        [
            assistant(a_call("function_call_1")), user(a_result("function_call_1")),
            assistant(a_call("function_call_2")), user(a_result("function_call_2", "rainy")),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("messages", "turns"), TURNS.values(), ids=TURNS.keys())
def test_messages_are_read_as_turns(messages: list[dict[str, Any]], turns: list[Turn]) -> None:
    conversation = read(*messages)

    assert conversation.turns == tuple(turns)
    assert (conversation.beyond, conversation.dropped) == ((), ())


MEMBERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the ceiling": ({"max_completion_tokens": 9}, {"output_tokens_max": 9}),
    "the older ceiling": ({"max_tokens": 9}, {"output_tokens_max": 9}),
    "both ceilings": ({"max_tokens": 9, "max_completion_tokens": 7}, {"output_tokens_max": 9}),
    "sampling": (
        {"temperature": 1, "top_p": 0.5, "top_k": 4, "frequency_penalty": 1.0, "presence_penalty": -1, "seed": 7},
        {"temperature": 1.0, "top_p": 0.5, "top_k": 4, "frequency_penalty": 1.0, "presence_penalty": -1.0, "seed": 7},
    ),
    "one stop": ({"stop": "END"}, {"stop": ("END",)}),
    "several stops": ({"stop": ["A", "", "B"]}, {"stop": ("A", "B")}),
    "no stop": ({"stop": None}, {}),
    "a stream": ({"stream": True}, {"is_streaming": True}),
    "a stream's usage": (
        {"stream": True, "stream_options": {"include_usage": True}}, {"is_streaming": True, "wants_usage": True},
    ),
    "text": ({"response_format": {"type": "text"}}, {}),
    "JSON of any shape": ({"response_format": {"type": "json_object"}}, {"format": OutputFormat()}),
    "JSON of a shape": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}},
        {"format": OutputFormat(schema={"type": "object"}, name="n", is_strict=True)},
    ),
    "effort": ({"reasoning_effort": "high"}, {"reasoning": Reasoning(effort="high")}),
    "no thinking": ({"reasoning_effort": "none"}, {"reasoning": Reasoning(effort="none")}),
    "Groq's default effort": ({"reasoning_effort": "default"}, {}),
    "Groq's reasoning hidden": ({"reasoning_format": "hidden"}, {"reasoning": Reasoning(is_shown=False)}),
    "Groq's reasoning shown": ({"include_reasoning": True}, {"reasoning": Reasoning(is_shown=True)}),
    "Anthropic's budget": (
        {"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"reasoning": Reasoning(budget_tokens=2048)},
    ),
    "Anthropic's thinking off": ({"thinking": {"type": "disabled"}}, {"reasoning": Reasoning(effort="none")}),
    "Anthropic's adaptive thinking": ({"thinking": {"type": "adaptive"}}, {"reasoning": Reasoning(is_adaptive=True)}),
    "Google's budget": (
        {"extra_body": {"google": {"thinking_config": {"thinking_budget": 512, "include_thoughts": True}}}},
        {"reasoning": Reasoning(budget_tokens=512, is_shown=True)},
    ),
    "Google's thinking off": (
        {"google": {"thinking_config": {"thinking_budget": 0}}}, {"reasoning": Reasoning(effort="none")},
    ),
    "Google's level": (
        {"google": {"thinking_config": {"thinking_level": "LOW"}}}, {"reasoning": Reasoning(effort="low")},
    ),
    "verbosity": ({"verbosity": "low"}, {"verbosity": "low"}),
    "the user": ({"user": "u"}, {"user": "u"}),
    "the user's identifier": ({"user": "u", "safety_identifier": "s"}, {"user": "s"}),
    "the cache's key": ({"prompt_cache_key": "k"}, {"cache_key": "k"}),
    "tools": (
        {"tools": [{"type": "function", "function": {**FUNCTION, "description": "d", "strict": True}}]},
        {"tools": (Tool(name="f", description="d", schema={"type": "object"}, is_strict=True),)},
    ),
    "a tool without parameters or type": ({"tools": [{"function": {"name": "f"}}]}, {"tools": (Tool(name="f"),)}),
    "functions of the old way": (
        {"functions": [FUNCTION], "function_call": {"name": "f"}},
        {
            "tools": (Tool(name="f", schema={"type": "object"}),), "is_parallel": False, "calls_as_functions": True,
            "tool_choice": ToolChoice(mode="named", name="f"),
        },
    ),
    "functions chosen the old way": (
        {"functions": [{"name": "f"}], "function_call": "auto"},
        {"tools": (Tool(name="f"),), "is_parallel": False, "calls_as_functions": True, "tool_choice": ToolChoice()},
    ),
    "what says nothing": (
        {
            "n": 1, "store": False, "service_tier": "auto", "modalities": ["text"], "logprobs": False, "metadata": {},
            "logit_bias": {}, "search_parameters": {"mode": "off"}, "top_logprobs": None, "deferred": False,
        },
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("members", "said"), MEMBERS.values(), ids=MEMBERS.keys())
def test_members_are_read(members: dict[str, Any], said: dict[str, Any]) -> None:
    assert read(**members) == msgspec.structs.replace(read(), **said)


@pytest.mark.parametrize("is_parallel", [None, True, False])
@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        (None, None),
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(mode="named", name="f")),
    ],
)
def test_a_choice_of_tools_is_read_and_written(choice: object, read_as: ToolChoice, is_parallel: bool | None) -> None:
    tools = [{"type": "function", "function": FUNCTION}]

    conversation = read(tools=tools, tool_choice=choice, parallel_tool_calls=is_parallel)

    assert (conversation.tool_choice, conversation.is_parallel) == (read_as, is_parallel)
    body = msgspec.json.decode(write_request(conversation, "openai"))
    assert (body.get("tool_choice"), body.get("parallel_tool_calls")) == (choice, is_parallel)


BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "n": ({"n": 2}, "n"),
    "logprobs": ({"logprobs": True}, "logprobs"),
    "logit_bias": ({"logit_bias": {"1": 5}}, "logit_bias"),
    "modalities": ({"modalities": ["text", "audio"]}, "modalities"),
    "audio": ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
    "web search": ({"web_search_options": {"a": 1}}, "web_search_options"),
    "web search, which an empty object asks for": ({"web_search_options": {}}, "web_search_options"),
    "xAI's search": ({"search_parameters": {"mode": "auto"}}, "search_parameters"),
    "Groq's documents": ({"documents": [{"text": "a"}]}, "documents"),
    "Google's cache": ({"extra_body": {"google": {"cached_content": "c"}}}, "google:cached_content"),
    "Anthropic's system": ({"system": "A"}, "system"),
    "a custom tool": ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tool:custom"),
    "a server's tool": ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tool:web_search_20250305"),
    "a tool named by the caller": ({"tools": [{"type": "My <secret>"}]}, "tool:unknown"),
    "a choice among tools": ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice:allowed_tools"),
    "a grammar": ({"response_format": {"type": "grammar"}}, "response_format:grammar"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "feature"), BEYOND.values(), ids=BEYOND.keys())
def test_what_changes_the_answer_leaves_others_out(members: dict[str, Any], feature: str) -> None:
    conversation = read(**members)

    assert (conversation.beyond, conversation.dropped) == ((feature,), ())


BEYOND_IN_MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "sound": ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "content:input_audio"),
    "an uploaded file": ({"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}, "file_id"),
    "a part that nobody knows": ({"role": "user", "content": [{"type": "video_url"}]}, "content:video_url"),
    "a part of no type": ({"role": "user", "content": [{}]}, "content:unknown"),
    "data that is no base64": (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg/>"}}]}, "data_address",
    ),
    "a custom tool's call": ({"role": "assistant", "tool_calls": [{"type": "custom", "custom": {}}]}, "tool_call:custom"),
    "an answer that was spoken": ({"role": "assistant", "audio": {"id": "audio_1"}}, "audio"),
    "a picture of the system's": (
        {"role": "system", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}, "system_media",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("message", "feature"), BEYOND_IN_MESSAGES.values(), ids=BEYOND_IN_MESSAGES.keys())
def test_content_that_only_its_provider_knows_leaves_others_out(message: dict[str, Any], feature: str) -> None:
    assert read(message).beyond == (feature,)


DROPPED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "housekeeping": (
        {"metadata": {"a": "b"}, "store": True, "service_tier": "flex", "prompt_cache_retention": "24h", "prediction": {"type": "content"}},
        ("metadata", "prediction", "prompt_cache_retention", "service_tier", "store"),
    ),
    "a member that nobody knows": ({"no_such_member": 1, "Wéird": 1}, ("unknown", "no_such_member")),
    "a stream's options": ({"stream_options": {"include_obfuscation": True}}, ("stream_options.include_obfuscation",)),
    "an effort that nobody knows": ({"reasoning_effort": "heroic"}, ("reasoning_effort",)),
    "Anthropic's cache marks": (
        {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}],
            "cache_control": {"type": "ephemeral"},
        },
        ("cache_control",),
    ),
    "a participant's name": ({"messages": [{**HI, "name": "Ann"}]}, ("messages.name",)),
    "Google's safety settings": ({"google": {"safety_settings": []}}, ("safety_settings",)),
    "a tool's cache mark": (
        {"tools": [{"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}]}, ("tools.cache_control",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("members", "names"), DROPPED.values(), ids=DROPPED.keys())
def test_what_does_not_change_the_answer_is_dropped_by_name(members: dict[str, Any], names: tuple[str, ...]) -> None:
    conversation = read(**members)

    assert (conversation.dropped, conversation.beyond) == (names, ())


def test_however_many_members_nobody_knows_few_are_named() -> None:
    assert len(read(**{f"member_{number}": 1 for number in range(90)}).dropped) == NAMES_MAX


ODD: list[dict[str, Any]] = [
    {"messages": ["Hi"]},
    {"messages": [{"role": "alien", "content": "Hi"}]},
    {"messages": [{"content": "Hi"}]},
    {"messages": [{"role": "user", "content": 7}]},
    {"messages": [{"role": "user", "content": [7]}]},
    {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": ""}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {}}]}]},
    {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}]},
    {"tools": [{"type": "function"}]},
    {"tools": {"type": "function"}},
    {"tool_choice": "any"},
    {"stop": {"a": 1}},
    {"max_tokens": "many"},
    {"temperature": True},
    {"stream": "yes"},
    {"response_format": "json"},
]


@pytest.mark.parametrize("members", ODD, ids=str)
def test_an_odd_request_is_translated_for_nobody(members: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable, match="body"):
        read(**members)
