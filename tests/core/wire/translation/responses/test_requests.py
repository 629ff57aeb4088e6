"""What a Responses caller asks for, read; and what is asked of a model there, written."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import response_create_params
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
from core.wire.translation.responses.request_reader import read_request
from core.wire.translation.responses.request_writer import write_request
from tests.core.wire.translation.responses.strategies import JUNK, NAMES, conversations

PNG = "data:image/png;base64,iVBORw0K"
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def read(**members: Any) -> Conversation:
    return read_request(msgspec.json.encode({"model": "gpt-5.5", "input": "Hi", **members}))


def written(provider: str = "openai", **members: Any) -> dict[str, Any]:
    members = {"model": "gpt-5.5", "turns": (Turn("user", (Text(text="Hi"),)),), **members}
    found: dict[str, Any] = msgspec.json.decode(write_request(Conversation(**members), provider))
    return found


def user(*parts: Any) -> Turn:
    return Turn("user", parts)


def assistant(*parts: Any) -> Turn:
    return Turn("assistant", parts)


def system(*texts: str) -> Turn:
    return Turn("system", tuple(Text(text=text) for text in texts))


CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "f",
    "arguments": "{}",
    "status": "completed",
}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
SEALED = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}],
    "encrypted_content": "gAAAA",
}

INPUTS: dict[str, tuple[Any, tuple[Turn, ...]]] = {
    "a text": ("Hi", (user(Text(text="Hi")),)),
    "easy messages": (
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}],
        (user(Text(text="Hi")), assistant(Text(text="Yes?"))),
    ),
    "a developer and a system message are system turns where they stood": (
        [
            {"role": "user", "content": "Hi"},
            {"role": "developer", "content": "Be brief"},
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind"}]},
        ],
        (user(Text(text="Hi")), system("Be brief", "Be kind")),
    ),
    "what a model said before, with what it refused": (
        [
            {
                "type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
                "content": [
                    {"type": "output_text", "text": "So", "annotations": [], "logprobs": []},
                    {"type": "refusal", "refusal": "No."},
                ],
            }
        ],
        (assistant(Text(text="So"), Text(text="No.")),),
    ),
    "a call between texts, in one turn": (
        [{"role": "assistant", "content": "Look:"}, CALL, {"role": "assistant", "content": "…"}, RESULT],
        (
            assistant(Text(text="Look:"), ToolCall(id="call_1", name="f", arguments="{}"), Text(text="…")),
            user(ToolResult(call_id="call_1", parts=(Text(text="sunny"),))),
        ),
    ),
    "the outputs of two calls come before what the user says": (
        [CALL, CALL | {"call_id": "b"}, RESULT, {"role": "user", "content": "Hurry"}, RESULT | {"call_id": "b"}],
        (
            assistant(
                ToolCall(id="call_1", name="f", arguments="{}"), ToolCall(id="b", name="f", arguments="{}")
            ),
            user(
                ToolResult(call_id="call_1", parts=(Text(text="sunny"),)),
                ToolResult(call_id="b", parts=(Text(text="sunny"),)),
                Text(text="Hurry"),
            ),
        ),
    ),
    "an output with a picture": (
        [RESULT | {"output": [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": PNG}]}],
        (
            user(
                ToolResult(
                    call_id="call_1", parts=(Text(text="see"), Image(media_type="image/png", data="iVBORw0K"))
                )
            ),
        ),
    ),
    "arguments that are empty, and broken ones": (
        [CALL | {"arguments": ""}, CALL | {"call_id": "b", "arguments": '{"a'}],
        (
            assistant(
                ToolCall(id="call_1", name="f", arguments="{}"),
                ToolCall(id="b", name="f", arguments='{"arguments":"{\\"a"}'),
            ),
        ),
    ),
    "encrypted thinking": ([SEALED], (assistant(Thinking(text="A\n\nB", sealed="gAAAA", maker="openai")),)),
    "thinking that is only shown is nobody's": (
        [SEALED | {"encrypted_content": None}],
        (assistant(Thinking(text="A\n\nB")),),
    ),
    "a picture by its address": (
        [{"role": "user", "content": [{"type": "input_image", "image_url": "https://a.b/c.png", "detail": "low"}]}],
        (user(Image(url="https://a.b/c.png", detail="low")),),
    ),
    "files": (
        [
            {
                "role": "user",
                "content": [
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
                    {"type": "input_file", "filename": "a.PDF", "file_data": "JVBE"},
                    {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;charset=utf-8;base64,SGk="},
                    {"type": "input_file", "file_url": "https://a.b/c.pdf"},
                ],
            }
        ],
        (
            user(
                Document(media_type="application/pdf", data="JVBE", name="a.pdf"),
                Document(media_type="application/pdf", data="JVBE", name="a.PDF"),
                Document(media_type="text/plain", text="Hi", name="a.txt"),
                Document(url="https://a.b/c.pdf"),
            ),
        ),
    ),
    "what is empty is not there": (
        [{"role": "user", "content": "A"}, {"role": "assistant", "content": []}, {"role": "user", "content": ""}],
        (user(Text(text="A")),),
    ),
    "nothing": (None, ()),
}  # fmt: skip


@pytest.mark.parametrize(("said", "turns"), INPUTS.values(), ids=INPUTS.keys())
def test_input_is_read_as_turns(said: Any, turns: tuple[Turn, ...]) -> None:
    conversation = read(input=said)

    assert conversation.turns == turns
    assert conversation.beyond == ()


def test_instructions_come_before_all_else() -> None:
    assert read(instructions="A", input=[{"role": "developer", "content": "B"}]).turns == (system("A", "B"),)


MEMBERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "stream": ({"stream": True}, {"is_streaming": True}),
    "sampling": ({"temperature": 1, "top_p": 0.5}, {"temperature": 1.0, "top_p": 0.5}),
    "length": ({"max_output_tokens": 9}, {"output_tokens_max": 9}),
    "effort": ({"reasoning": {"effort": "low"}}, {"reasoning": Reasoning(effort="low")}),
    "effort none": ({"reasoning": {"effort": "none"}}, {"reasoning": Reasoning(effort="none")}),
    "summary": ({"reasoning": {"summary": "detailed"}}, {"reasoning": Reasoning(is_shown=True)}),
    "no reasoning said": ({"reasoning": {"effort": None, "summary": None}}, {"reasoning": None}),
    "verbosity": ({"text": {"verbosity": "low"}}, {"verbosity": "low", "format": None}),
    "plain text": ({"text": {"format": {"type": "text"}}}, {"format": None}),
    "JSON mode": ({"text": {"format": {"type": "json_object"}}}, {"format": OutputFormat()}),
    "a schema": (
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}}},
        {"format": OutputFormat(schema={"type": "object"}, name="n", is_strict=True)},
    ),
    "safety_identifier": ({"safety_identifier": "a", "user": "b"}, {"user": "a"}),
    "user": ({"user": "b"}, {"user": "b"}),
    "prompt_cache_key": ({"prompt_cache_key": "k"}, {"cache_key": "k"}),
    "a function": (
        {"tools": [FUNCTION | {"description": "d", "strict": True}]},
        {"tools": (Tool(name="f", description="d", schema={"type": "object"}, is_strict=True),)},
    ),
    "a function without strict": ({"tools": [FUNCTION]}, {"tools": (Tool(name="f", schema={"type": "object"}),)}),
    "a function without parameters": (
        {"tools": [{"type": "function", "name": "f", "parameters": None}]},
        {"tools": (Tool(name="f"),)},
    ),
    "choice auto": ({"tool_choice": "auto"}, {"tool_choice": ToolChoice()}),
    "choice none": ({"tool_choice": "none"}, {"tool_choice": ToolChoice(mode="none")}),
    "choice required": ({"tool_choice": "required"}, {"tool_choice": ToolChoice(mode="required")}),
    "choice named": (
        {"tool_choice": {"type": "function", "name": "f"}},
        {"tool_choice": ToolChoice(mode="named", name="f")},
    ),
    "one call at a time": ({"parallel_tool_calls": False}, {"is_parallel": False}),
    "usage always comes": ({}, {"wants_usage": True}),
}


@pytest.mark.parametrize(("members", "expected"), MEMBERS.values(), ids=MEMBERS.keys())
def test_members_are_read(members: dict[str, Any], expected: dict[str, Any]) -> None:
    conversation = read(**members)

    assert {name: getattr(conversation, name) for name in expected} == expected
    assert conversation.beyond == conversation.dropped == ()


def content(**part: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [part]}]}


BEYOND: dict[str, dict[str, Any]] = {
    "previous_response_id": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": {"id": "conv_1"}},
    "prompt": {"prompt": {"id": "pmpt_1"}},
    "background": {"background": True},
    "context_management": {"context_management": [{"type": "compaction"}]},
    "moderation": {"moderation": {"model": "omni-moderation-latest"}},
    "logprobs": {"include": ["message.output_text.logprobs"]},
    "item:item_reference": {"input": [{"type": "item_reference", "id": "msg_1"}]},
    "item:web_search_call": {"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]},
    "item:custom_tool_call": {"input": [{"type": "custom_tool_call", "call_id": "c", "name": "apply_patch"}]},
    "item:local_shell_call": {"input": [{"type": "local_shell_call", "call_id": "c"}]},
    "item:compaction": {"input": [{"type": "compaction", "encrypted_content": "x"}]},
    "item:unknown": {"input": [{"type": "Tell me: \r\nx"}]},
    "namespace": {"input": [CALL | {"namespace": "crm"}]},
    "async": {"input": [CALL | {"async": True}]},
    "programmatic": {"input": [CALL | {"caller": {"type": "program", "caller_id": "p"}}]},
    "file_id": content(type="input_file", file_id="file_1"),
    "content:input_audio": content(type="input_audio", input_audio={}),
    "data_address": content(type="input_image", image_url="data:image/svg+xml,%3Csvg/%3E"),
    "assistant_media": {"input": [{"role": "assistant", "content": [{"type": "input_image", "image_url": PNG}]}]},
    "system_media": {"input": [{"role": "developer", "content": [{"type": "input_image", "image_url": PNG}]}]},
    "tool:web_search": {"tools": [{"type": "web_search"}]},
    "tool:web_search_preview_2025_03_11": {"tools": [{"type": "web_search_preview_2025_03_11"}]},
    "tool:custom": {"tools": [{"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}}]},
    "tool:local_shell": {"tools": [{"type": "local_shell"}]},
    "tool:namespace": {"tools": [{"type": "namespace", "name": "crm", "tools": [FUNCTION]}]},
    "tool:defer_loading": {"tools": [FUNCTION | {"defer_loading": True}]},
    "tool:programmatic": {"tools": [FUNCTION | {"allowed_callers": ["programmatic"]}]},
    "tool:unknown": {"tools": [{"type": None}]},
    "tool_choice:allowed_tools": {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
    "format:grammar": {"text": {"format": {"type": "grammar"}}},
    "reasoning.mode": {"reasoning": {"mode": "pro"}},
}


@pytest.mark.parametrize(("feature", "members"), BEYOND.items(), ids=BEYOND.keys())
def test_what_only_openai_can_do_is_beyond(feature: str, members: dict[str, Any]) -> None:
    assert read(**members).beyond == (feature,)


DROPPED: dict[str, dict[str, Any]] = {
    "store": {"store": True},
    "metadata": {"metadata": {"a": "b"}},
    "truncation": {"truncation": "auto"},
    "service_tier": {"service_tier": "flex"},
    "include": {"include": ["reasoning.encrypted_content"]},
    "max_tool_calls": {"max_tool_calls": 3},
    "prompt_cache_retention": {"prompt_cache_retention": "24h"},
    "stream_options": {"stream_options": {"include_obfuscation": False}},
    "client_metadata": {"client_metadata": {"a": "b"}},
    "unknown": {"What is this?": 1},
    "reasoning": {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]},
    "phase": {"input": [{"role": "assistant", "content": "A", "phase": "commentary"}]},
    "prompt_cache_breakpoint": content(type="input_text", text="A", prompt_cache_breakpoint={"mode": "explicit"}),
    "output_schema": {"tools": [FUNCTION | {"output_schema": {"type": "string"}}]},
    "reasoning.effort": {"reasoning": {"effort": "extreme"}},
    "reasoning.context": {"reasoning": {"context": "all_turns"}},
}


@pytest.mark.parametrize(("name", "members"), DROPPED.items(), ids=DROPPED.keys())
def test_what_does_not_change_the_answer_is_dropped_by_name(name: str, members: dict[str, Any]) -> None:
    conversation = read(**members)

    assert (conversation.beyond, conversation.dropped) == ((), (name,))


def test_members_that_say_nothing_are_not_named() -> None:
    silent = {"store": False, "truncation": "disabled", "service_tier": "auto", "metadata": {}, "background": False}

    assert read(**silent, previous_response_id=None, include=[], user=None).dropped == ()


ODD: dict[str, dict[str, Any]] = {
    "no model": {"model": None},
    "input is a number": {"input": 7},
    "an item is a text": {"input": ["Hi"]},
    "a role nobody has": {"input": [{"role": "narrator", "content": "A"}]},
    "content is a number": {"input": [{"role": "user", "content": 7}]},
    "a call without a name": {"input": [CALL | {"name": None}]},
    "a picture without an address": content(type="input_image"),
    "a picture of nothing": content(type="input_image", image_url="data:image/png;base64,"),
    "a file without data": content(type="input_file", filename="a.pdf"),
    "instructions are a list": {"instructions": []},
    "a function in chat's form": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "a temperature in words": {"temperature": "hot"},
    "a schema that is none": {"text": {"format": {"type": "json_schema", "name": "n"}}},
}


@pytest.mark.parametrize("members", ODD.values(), ids=ODD.keys())
def test_what_is_odd_beyond_its_dialect_is_not_guessed_at(members: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable) as caught:
        read(**members)

    assert caught.value.feature == "body"


def test_nothing_is_stored_at_the_provider() -> None:
    assert written() == {
        "model": "gpt-5.5",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "store": False,
    }


@pytest.mark.parametrize(("is_strict", "expected"), [(None, False), (False, False), (True, True)])
def test_strict_is_always_said_since_its_absence_means_yes(is_strict: bool | None, expected: bool) -> None:
    body = written(tools=(Tool(name="f", schema={"type": "object"}, is_strict=is_strict),))

    assert body["tools"] == [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": expected}]


@pytest.mark.parametrize("choice", [None, *(ToolChoice(mode=mode) for mode in ("auto", "none", "required"))])
@pytest.mark.parametrize("is_parallel", [None, True, False])
def test_how_to_call_is_said_only_where_there_are_tools(choice: ToolChoice | None, is_parallel: bool | None) -> None:
    asked = {"tool_choice": choice, "is_parallel": is_parallel}
    expected = {} if choice is None else {"tool_choice": choice.mode}
    expected |= {} if is_parallel is None else {"parallel_tool_calls": is_parallel}

    with_tools = written(tools=(Tool(name="f"),), **asked)

    assert {name: with_tools[name] for name in with_tools if name in ("tool_choice", "parallel_tool_calls")} == expected
    assert not {"tool_choice", "parallel_tool_calls", "tools"} & written(**asked).keys()


def test_a_named_tool_is_named_flatly() -> None:
    body = written(tools=(Tool(name="f"),), tool_choice=ToolChoice(mode="named", name="f"))

    assert body["tool_choice"] == {"type": "function", "name": "f"}


@pytest.mark.parametrize(
    ("provider", "role", "member"), [("openai", "developer", "safety_identifier"), ("xai", "system", "user")]
)
def test_only_openai_knows_developers(provider: str, role: str, member: str) -> None:
    turns = (system("A", "B"), user(Text(text="Hi")), system("C"))

    body = written(provider, turns=turns, user="u")

    assert body["instructions"] == "A"
    assert [item["role"] for item in body["input"]] == [role, "user", role]
    assert body[member] == "u"


def test_a_picture_that_a_tool_showed_stays_in_its_output() -> None:
    picture = Image(media_type="image/png", data="iVBORw0K")
    turns = (user(ToolResult(call_id="c", parts=(Text(text="see"), picture)), Text(text="Well?")),)

    output, message = written(turns=turns)["input"]

    assert output["output"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": PNG, "detail": "auto"},
    ]
    assert message["content"] == [{"type": "input_text", "text": "Well?"}]


@pytest.mark.parametrize(("text", "said"), [("no such file", "Error: no such file"), ("", "Error: ")])
def test_that_a_tool_failed_is_said_before_its_output(text: str, said: str) -> None:
    parts = (Text(text=text),) if text else ()

    assert written(turns=(user(ToolResult(call_id="c", parts=parts, is_error=True)),))["input"][0]["output"] == said


def test_a_result_without_words_is_still_the_result_of_its_call() -> None:
    assert written(turns=(user(ToolResult(call_id="c", parts=())),))["input"] == [
        {"type": "function_call_output", "call_id": "c", "output": ""}
    ]


@pytest.mark.parametrize(
    "thinking",
    [
        Thinking(text="Hm", signature="sig", maker="anthropic"),
        Thinking(sealed="x", maker="anthropic"),
        Thinking(text="Hm"),
        Thinking(text="Hm", signature="agentwatch-unsigned"),
    ],
)
def test_thinking_goes_only_to_the_provider_that_sealed_it(thinking: Thinking) -> None:
    call = ToolCall(id="c", name="f", arguments="{}")

    assert [item["type"] for item in written(turns=(assistant(thinking, call),))["input"]] == ["function_call"]


@pytest.mark.parametrize(
    ("reasoning", "said"),
    [
        (Reasoning(effort="none"), {"effort": "none"}),
        (Reasoning(effort="high", is_shown=True), {"effort": "high", "summary": "auto"}),
        (Reasoning(effort="high", is_shown=False), {"effort": "high"}),
        (Reasoning(is_adaptive=True), None),
    ],
)
def test_effort_is_written_and_a_summary_only_where_thinking_is_to_be_shown(reasoning: Reasoning, said: Any) -> None:
    body = written(reasoning=reasoning)

    assert body.get("reasoning") == said
    assert "include" not in body


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (Document(media_type="application/pdf", data="JVBE"), "document.pdf"),
        (Document(media_type="application/pdf", data="JVBE", name="My report"), "My report.pdf"),
        (Document(media_type="text/plain", text="Hi", name="notes.md"), "notes.md"),
    ],
)
def test_a_file_has_a_name_that_tells_its_kind(document: Document, name: str) -> None:
    assert written(turns=(user(document),))["input"][0]["content"][0]["filename"] == name


def test_arguments_pass_as_they_are_both_ways_for_two_rounds() -> None:
    turns = tuple(
        turn
        for number in range(2)
        for turn in (
            user(Text(text="go")) if number == 0 else user(ToolResult(call_id="c0", parts=()), Text(text="go")),
            assistant(ToolCall(id=f"c{number}", name="f", arguments="{}")),
        )
    )

    again = read_request(write_request(Conversation(model="m", turns=turns), "openai"))

    assert again.turns == turns


@pytest.mark.parametrize("id", ["functions.Bash:0", "x" * 53, "x" * 64])
def test_the_ids_of_calls_pass_as_they_are(id: str) -> None:
    turns = (assistant(ToolCall(id=id, name="f", arguments="{}")), user(ToolResult(call_id=id, parts=())))

    assert read_request(write_request(Conversation(model="m", turns=turns), "openai")).turns == turns


@pytest.mark.parametrize("id", ["", None])
def test_a_call_without_an_id_is_read_as_one(id: str | None) -> None:
    first, second = read(input=[CALL | {"call_id": id}, RESULT | {"call_id": id}] * 2).turns[:2]

    assert [part.id for part in first.parts if isinstance(part, ToolCall)] == [""]
    assert [part.call_id for part in second.parts if isinstance(part, ToolResult)] == [""]


@settings(max_examples=300, deadline=None)
@given(conversations())
def test_what_is_written_is_read_as_what_it_was(conversation: Conversation) -> None:
    body = write_request(conversation, "openai")

    assert read_request(body) == conversation
    assert write_request(read_request(body), "openai") == body


REQUEST = TypeAdapter(response_create_params.ResponseCreateParamsNonStreaming)


@settings(max_examples=100, deadline=None)
@given(conversations())
def test_what_is_written_is_what_the_official_client_may_send(conversation: Conversation) -> None:
    body = msgspec.json.decode(write_request(conversation, "openai"))
    body.pop("stream", None)

    assert DIALECTS["openai_responses"].parse_request(msgspec.json.encode(body), path="").model == conversation.model
    # Without the id that belongs to it, encrypted thinking is taken all the same.
    body["input"] = [{"id": "rs_1", **item} if item["type"] == "reasoning" else item for item in body["input"]]
    REQUEST.validate_python(body)


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "include", "store"]
        )
        | NAMES,
        JUNK,
        max_size=6,
    ),
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "role", "content", "call_id", "name", "arguments", "output", "summary", "caller"]),
            JUNK
            | st.sampled_from(["message", "user", "function_call", "function_call_output", "reasoning", "input_image"]),
            max_size=6,
        ),
        max_size=3,
    ),
)
def test_a_request_of_any_shape_raises_nothing_else(members: dict[str, Any], items: list[Any]) -> None:
    for body in (members, {"model": "m", **members}, {"model": "m", "input": items}, {"model": "m", "tools": items}):
        try:
            read_request(msgspec.json.encode(body))
        except Untranslatable as untranslatable:
            assert untranslatable.feature == "body"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"model": 1e999}'])
def test_a_body_that_is_no_request_raises_nothing_else(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        read_request(body)
