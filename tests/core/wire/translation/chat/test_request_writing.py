"""What is asked of each provider, written."""

import pytest

from core.wire.translation.chat.request_parts.messages_writer import SHOWN_BELOW
from core.wire.translation.conversation import (
    Document,
    Image,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    Turn,
    Untranslatable,
)
from tests.core.wire.translation.chat.requests import (
    HI,
    PDF,
    PNG,
    PROVIDERS,
    a_call,
    a_result,
    assistant,
    messages_of,
    system,
    user,
    written,
)


def test_results_stand_together_before_one_message_with_the_rest() -> None:
    picture = Image(media_type="image/png", data="iVBORw0K")
    turn = user(a_result("c1"), ToolResult(call_id="c2", parts=(Text(text="B"), picture)), Text(text="Go on"), picture)

    first, *rest = messages_of(assistant(a_call("c1"), a_call("c2")), turn)

    shown = {"type": "image_url", "image_url": {"url": PNG}}
    assert first["role"] == "assistant"
    assert rest == [
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "c2", "content": "B"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Returned by the tool call c2:"}, shown, {"type": "text", "text": "Go on"}, shown,
            ],
        },
    ]  # fmt: skip


RESULTS: dict[str, tuple[ToolResult, object]] = {
    "text": (a_result(), "sunny"),
    "nothing": (ToolResult(call_id="c", parts=()), ""),
    "several texts": (
        ToolResult(call_id="c", parts=(Text(text="A"), Text(text="B"))),
        [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}],
    ),
    "a picture alone": (ToolResult(call_id="c", parts=(Image(url="https://a/b.png"),)), SHOWN_BELOW),
    "an error": (a_result(is_error=True), "Error: sunny"),
    "an error without words": (ToolResult(call_id="c", parts=(), is_error=True), "Error:"),
    "an error in several texts": (
        ToolResult(call_id="c", parts=(Text(text="A"), Text(text="B")), is_error=True),
        [{"type": "text", "text": "Error: A"}, {"type": "text", "text": "B"}],
    ),
    "a document of text": (
        ToolResult(call_id="c", parts=(Document(media_type="text/plain", text="A", name="a.txt"),)), "a.txt:\n\nA",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("result", "content"), RESULTS.values(), ids=RESULTS.keys())
def test_a_result_holds_text_only(result: ToolResult, content: object) -> None:
    assert messages_of(user(result))[0]["content"] == content


def test_an_answer_is_text_first_and_then_calls() -> None:
    turn = assistant(Text(text="A"), a_call("c1"), Text(text="B"), a_call("c2"))

    [message] = messages_of(turn)

    assert message["content"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert [call["id"] for call in message["tool_calls"]] == ["c1", "c2"]


def test_an_answer_of_nothing_but_calls_has_no_content() -> None:
    assert messages_of(assistant(a_call(arguments="{}"))) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    ]


def test_thoughts_are_not_written() -> None:
    thought = Thinking(text="Hm", signature="s", maker="anthropic")

    assert messages_of(assistant(thought, Text(text="A"))) == [{"role": "assistant", "content": "A"}]
    assert messages_of(assistant(thought)) == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_s_signature_goes_to_gemini_only(provider: str) -> None:
    [message] = messages_of(assistant(a_call(signature="sig")), provider=provider)

    extra = message["tool_calls"][0].get("extra_content")
    assert extra == ({"google": {"thought_signature": "sig"}} if provider == "gemini" else None)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_system_turns_stay_in_their_place(provider: str) -> None:
    turns = (system("A"), user(Text(text="Hi")), system("B", "C"), assistant(Text(text="D")))

    roles = [message["role"] for message in messages_of(*turns, provider=provider)]

    assert roles == ["system", "user", "system", "assistant"]


def test_documents_are_files_with_a_name() -> None:
    document = Document(media_type="application/pdf", data="JVBERi0=")

    [message] = messages_of(user(document))

    assert message["content"] == [{"type": "file", "file": {"filename": "document.pdf", "file_data": PDF}}]


@pytest.mark.parametrize(
    ("turn", "feature"),
    [
        (user(Document(url="https://a/b.pdf")), "document_urls"),
        (assistant(Image(url="https://a/b.png")), "media_place"),
    ],
)
def test_what_no_message_can_hold_is_not_left_out_in_silence(turn: Turn, feature: str) -> None:
    with pytest.raises(Untranslatable, match=feature):
        messages_of(turn)


SPELLING = {
    "openai": ("max_completion_tokens", "safety_identifier"),
    "groq": ("max_tokens", "user"),
    "xai": ("max_tokens", "user"),
    "gemini": ("max_tokens", "user"),
}


@pytest.mark.parametrize(("provider", "names"), SPELLING.items())
def test_each_provider_has_its_spelling(provider: str, names: tuple[str, str]) -> None:
    body = written(provider=provider, output_tokens_max=9, user="u")

    assert body == {"model": "gpt-5.5", "messages": [HI], names[0]: 9, names[1]: "u"}


@pytest.mark.parametrize("wants_usage", [True, False])
def test_a_stream_is_always_asked_for_its_usage(wants_usage: bool) -> None:
    body = written(is_streaming=True, wants_usage=wants_usage)

    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_switches_for_tools_are_written_with_tools_only() -> None:
    body = written(tool_choice=ToolChoice(mode="auto"), is_parallel=False)

    assert set(body) == {"model", "messages"}


def test_strict_is_written_only_as_the_caller_had_it() -> None:
    tools = tuple(Tool(name="f", schema={"type": "object"}, is_strict=strict) for strict in (None, True, False))

    functions = [tool["function"] for tool in written(tools=tools)["tools"]]

    assert [function.get("strict") for function in functions] == [None, True, False]
    assert "strict" not in functions[0]


def test_a_function_without_parameters_is_written_with_none() -> None:
    [tool] = written(tools=(Tool(name="f"),))["tools"]

    assert tool["function"] == {"name": "f", "parameters": {"type": "object", "properties": {}}}


def test_groq_writes_the_thoughts_of_qwen_apart() -> None:
    asked = {
        (provider, model): written(provider=provider, model=model).get("reasoning_format")
        for provider, model in [
            ("groq", "qwen/qwen3-32b"),
            ("groq", "openai/gpt-oss-20b"),
            ("openai", "qwen/qwen3-32b"),
        ]
    }

    assert [value for value in asked.values() if value] == ["parsed"]
    assert asked["groq", "qwen/qwen3-32b"] == "parsed"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_two_turns_begin_with_the_same_bytes(provider: str) -> None:
    turns = (system("A"), user(Text(text="Hi")), assistant(Text(text="B"), a_call()), user(a_result()))

    short = messages_of(*turns, provider=provider)

    assert messages_of(*turns, assistant(Text(text="C")), provider=provider)[: len(short)] == short
