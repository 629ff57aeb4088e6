"""What of a request is taken out, mapped or a reason to leave a hop out."""

import re

import msgspec
import pytest

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
    Untranslatable,
)
from core.wire.translation.fitting.fit import Fitted, fit, hashed_user
from core.wire.translation.fitting.target import Target

CLAUDE_4_5 = Target("anthropic", "claude-sonnet-4-5", "anthropic_messages")
CLAUDE_4_6 = Target("anthropic", "claude-opus-4-6", "anthropic_messages")
CLAUDE_4_7 = Target("anthropic", "claude-opus-4-7", "anthropic_messages")
FABLE = Target("anthropic", "claude-fable-5-1", "anthropic_messages")
GPT_4O = Target("openai", "gpt-4o", "openai_chat")
GPT_4 = Target("openai", "gpt-4", "openai_chat")
GPT_5 = Target("openai", "gpt-5", "openai_responses")
GPT_5_6 = Target("openai", "gpt-5.6", "openai_responses")
GPT_5_6_CHAT = Target("openai", "gpt-5.6", "openai_chat")
GEMINI = Target("gemini", "gemini-2.5-pro", "openai_chat")
GROQ = Target("groq", "llama-3.3-70b-versatile", "openai_chat")
GPT_OSS = Target("groq", "openai/gpt-oss-120b", "openai_chat")
GROK = Target("xai", "grok-4.5", "openai_chat")

HELLO = Turn("user", (Text(text="Hello, some JSON please"),))
BASH = Tool(name="Bash", schema={"type": "object", "properties": {}})
PNG = Image(media_type="image/png", data="aGk=")
PNG_URL = Image(url="https://example.com/a.png")
PDF = Document(media_type="application/pdf", data="aGk=", name="a.pdf")
PDF_URL = Document(url="https://example.com/a.pdf")
WORDS = Document(media_type="text/plain", text="words")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


def asking(*turns: Turn, **members: object) -> Conversation:
    return msgspec.structs.replace(Conversation(model="asked", turns=turns or (HELLO,)), **members)


def showing(part: AnyPart) -> Conversation:
    return asking(Turn("user", (Text(text="Look"), part)))


def fitted(conversation: Conversation, target: Target) -> Fitted:
    return fit(conversation, target, output_tokens_default=8_192)


LEFT_OUT = [
    (asking(beyond=("previous_response_id", "tool:web_search")), GPT_5, "previous_response_id"),
    (showing(PNG), GROQ, "images"),
    (showing(PNG), GPT_4, "images"),
    (showing(PNG_URL), GEMINI, "image_urls"),
    (showing(PDF), GROQ, "documents"),
    (showing(PDF), GROK, "documents"),
    (showing(PDF), GEMINI, "documents"),
    (showing(PDF_URL), GPT_4O, "document_urls"),
    (showing(Document(media_type="text/csv", data="aGk=")), CLAUDE_4_7, "documents"),
    (asking(HELLO, Turn("assistant", (PNG,)), HELLO), GPT_4O, "media_place"),
    (asking(HELLO, Turn("assistant", (Text(text="It is"),))), GPT_4O, "prefill"),
    (asking(HELLO, Turn("assistant", (Text(text="It is"),))), CLAUDE_4_6, "prefill"),
    (asking(HELLO, Turn("assistant", (Text(text="It is"),))), GROQ, "prefill"),
    (asking(Turn("assistant", (Text(text="Hi"),)), HELLO), CLAUDE_4_7, "assistant_first"),
    (asking(Turn("system", (Text(text="Be brief"),))), CLAUDE_4_7, "no_messages"),
    (asking(Turn("system", (Text(text="Be brief"),))), GEMINI, "no_messages"),
    (asking(stop=("END",)), GPT_5, "stop"),
    (asking(stop=("END",)), GROK, "stop"),
    (asking(stop=tuple("abcde")), GPT_4O, "stop"),
    (asking(stop=("\n\n",)), CLAUDE_4_7, "stop"),
    (asking(output_tokens_max=0), GPT_4O, "no_output"),
    (asking(tools=(BASH, BASH)), GPT_4O, "duplicate_tools"),
    (asking(tools=(BASH,), tool_choice=ToolChoice(mode="required")), FABLE, "forced_tool"),
    (asking(format=OutputFormat()), CLAUDE_4_7, "json_mode"),
    (asking(format=OutputFormat()), GPT_4, "json_mode"),
    (asking(Turn("user", (Text(text="Hello"),)), format=OutputFormat()), GPT_4O, "json_mode"),
    (asking(format=OutputFormat(schema=SCHEMA)), Target("anthropic", "claude-opus-4-1", "anthropic_messages"), "json_schema"),
    (asking(format=OutputFormat(schema=SCHEMA)), GROQ, "json_schema"),
    (asking(format=OutputFormat(schema={"type": "object"})), CLAUDE_4_7, "json_schema_open"),
    (asking(format=OutputFormat(schema={**SCHEMA, "additionalProperties": True})), CLAUDE_4_7, "json_schema_open"),
    (asking(format=OutputFormat(schema={"type": "array", "items": {"type": "integer", "minimum": 1}})), CLAUDE_4_7, "json_schema_bounds"),
    (asking(format=OutputFormat(schema=SCHEMA), tools=(BASH,)), GEMINI, "json_beside_tools"),
    (asking(format=OutputFormat(), tools=(BASH,)), GROQ, "json_beside_tools"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("conversation", "target", "feature"), LEFT_OUT, ids=[f"{row[2]}-{row[1].model}" for row in LEFT_OUT]
)
def test_what_a_target_lacks_leaves_the_hop_out(conversation: Conversation, target: Target, feature: str) -> None:
    with pytest.raises(Untranslatable, match=f"^{re.escape(feature)}$"):
        fitted(conversation, target)


TAKEN = [
    (showing(PNG), CLAUDE_4_7), (showing(PNG), GEMINI), (showing(PNG_URL), GPT_4O), (showing(PNG_URL), CLAUDE_4_7),
    (showing(PDF), GPT_4O), (showing(PDF), CLAUDE_4_7), (showing(PDF_URL), GPT_5), (showing(PDF_URL), CLAUDE_4_7),
    (showing(WORDS), GROQ), (showing(Document(media_type="text/csv", data="aGk=")), GPT_5),
    (asking(Turn("system", (Text(text="Be brief"),))), GPT_4O),
    (asking(Turn("assistant", (Text(text="Hi"),)), HELLO), GPT_4O),
    (asking(stop=("END", " ")), GPT_4O), (asking(stop=tuple("abcde")), CLAUDE_4_7),
    (asking(format=OutputFormat()), GPT_4O), (asking(format=OutputFormat()), GEMINI),
    (asking(format=OutputFormat(schema=SCHEMA, name="a")), GPT_OSS),
]  # fmt: skip


@pytest.mark.parametrize(("conversation", "target"), TAKEN)
def test_what_a_target_takes_is_not_touched(conversation: Conversation, target: Target) -> None:
    sent = fitted(conversation, target)

    ceiling = 8_192 if target.provider == "anthropic" else None
    assert sent == Fitted(msgspec.structs.replace(conversation, model=target.model, output_tokens_max=ceiling))


def test_claude_is_prefilled_up_to_4_5_and_does_not_think_then() -> None:
    sent = fitted(
        asking(HELLO, Turn("assistant", (Text(text="It is "),)), reasoning=Reasoning(effort="high")), CLAUDE_4_5
    )

    assert sent.conversation.turns[-1].parts == (Text(text="It is"),)
    assert sent.conversation.reasoning == Reasoning(effort="none")


SAMPLING: list[tuple[Target, dict[str, object], dict[str, object], set[str]]] = [
    (CLAUDE_4_5, {"temperature": 1.5}, {"temperature": 1.0}, {"temperature"}),
    (CLAUDE_4_5, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_k": 5}, {"top_p"}),
    (CLAUDE_4_5, {"top_p": 0.9}, {"top_p": 0.9}, set()),
    (CLAUDE_4_5, {"temperature": 0.5, "reasoning": Reasoning(budget_tokens=2_000)}, {"reasoning": Reasoning(budget_tokens=2_000)}, {"temperature"}),
    (CLAUDE_4_6, {"temperature": 0.5, "reasoning": Reasoning(effort="none")}, {"temperature": 0.5, "reasoning": Reasoning(effort="none")}, set()),
    (CLAUDE_4_7, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {}, {"temperature", "top_p", "top_k"}),
    (GPT_4O, {"temperature": 1.5, "top_p": 0.9}, {"temperature": 1.5, "top_p": 0.9}, set()),
    (GPT_4O, {"top_k": 5}, {}, {"top_k"}),
    (GPT_5, {"temperature": 0.5}, {}, {"temperature"}),
    (GPT_5_6, {"temperature": 0.5}, {}, {"temperature"}),
    (GPT_5_6, {"temperature": 0.5, "reasoning": Reasoning(effort="none")}, {"temperature": 0.5, "reasoning": Reasoning(effort="none")}, set()),
    (GEMINI, {"temperature": 0.5, "seed": 7, "top_k": 5, "user": "u"}, {"temperature": 0.5}, {"seed", "top_k", "user"}),
    (GROQ, {"temperature": 0.0, "seed": 7, "presence_penalty": 1.0}, {"temperature": 0.0, "seed": 7, "presence_penalty": 1.0}, set()),
    (GROQ, {"cache_key": "k", "verbosity": "low"}, {}, {"cache_key", "verbosity"}),
    (GROK, {"presence_penalty": 1.0, "frequency_penalty": 0.5}, {}, {"presence_penalty", "frequency_penalty"}),
    (GPT_5, {"cache_key": "k", "verbosity": "low", "user": "u" * 64}, {"cache_key": "k", "verbosity": "low", "user": "u" * 64}, set()),
    (GPT_5, {"user": "u" * 65}, {}, {"user"}),
    (GPT_5, {"output_tokens_max": 1}, {"output_tokens_max": 16}, {"max_tokens"}),
    (GPT_4O, {"output_tokens_max": 1}, {"output_tokens_max": 1}, set()),
    (GPT_4O, {"stop": ("", "END")}, {"stop": ("END",)}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("target", "asked", "kept", "changes"), SAMPLING)
def test_parameters_that_a_model_refuses_are_taken_out_and_named(
    target: Target, asked: dict[str, object], kept: dict[str, object], changes: set[str]
) -> None:
    sent = fitted(asking(**asked), target)

    ceiling = 8_192 if target.provider == "anthropic" else None
    assert sent.conversation == asking(**{"model": target.model, "output_tokens_max": ceiling, **kept})
    assert set(sent.changes) == changes


@pytest.mark.parametrize("mode", ["auto", "none", "required", "named"])
@pytest.mark.parametrize("is_parallel", [None, True, False])
@pytest.mark.parametrize("target", [CLAUDE_4_7, GPT_4O, GPT_5, GROQ])
def test_choices_of_a_tool_go_with_tools_only(target: Target, mode: str, is_parallel: bool | None) -> None:
    choice = ToolChoice(mode=mode, name="Bash" if mode == "named" else None)  # type: ignore[arg-type]
    chosen = asking(tools=(BASH,), tool_choice=choice, is_parallel=is_parallel)

    with_tools = fitted(chosen, target).conversation
    without = fitted(msgspec.structs.replace(chosen, tools=()), target).conversation

    assert (with_tools.tool_choice, with_tools.is_parallel) == (choice, is_parallel)
    assert (without.tool_choice, without.is_parallel) == (None, None)


def test_a_lost_switch_against_parallel_calls_is_named() -> None:
    assert set(fitted(asking(tools=(BASH,), is_parallel=False), GEMINI).changes) - {"tool_schemas"} == {
        "parallel_tool_calls"
    }
    assert set(fitted(asking(tools=(BASH,), is_parallel=True), GEMINI).changes) <= {"tool_schemas"}


@pytest.mark.parametrize(
    ("target", "is_kept"), [(GPT_4O, True), (GPT_5, True), (CLAUDE_4_7, False), (GEMINI, False), (GROK, False)]
)
def test_strictness_is_kept_or_said_to_be_lost_and_never_switched_on(target: Target, is_kept: bool) -> None:
    strict, loose = (msgspec.structs.replace(BASH, is_strict=is_strict) for is_strict in (True, None))

    assert set(fitted(asking(tools=(strict,)), target).changes) - {"tool_schemas"} == (set() if is_kept else {"strict"})
    (tool,) = fitted(asking(tools=(loose,)), target).conversation.tools
    assert tool.is_strict is None


def test_a_forced_tool_turns_claude_s_thinking_off_and_says_so() -> None:
    conversation = asking(tools=(BASH,), tool_choice=ToolChoice(mode="required"), reasoning=Reasoning(effort="high"))

    sent = fitted(conversation, CLAUDE_4_5)

    assert sent.conversation.reasoning == Reasoning(effort="none")
    assert sent.conversation.tool_choice == ToolChoice(mode="required")
    assert sent.changes == ("thinking_off",)


def test_a_foreign_call_in_the_last_turn_turns_a_budget_off_and_says_so() -> None:
    call = ToolCall(id="c", name="Bash", arguments="{}")
    history = (HELLO, Turn("assistant", (call,)), Turn("user", (ToolResult(call_id="c", parts=()),)))

    sent = fitted(asking(*history, tools=(BASH,), reasoning=Reasoning(budget_tokens=2_000)), CLAUDE_4_5)

    assert sent.conversation.reasoning == Reasoning(effort="none")
    assert sent.changes == ("thinking_off",)


def test_tools_on_chat_at_gpt_5_5_and_later_say_that_there_is_no_thinking() -> None:
    sent = fitted(asking(tools=(BASH,)), GPT_5_6_CHAT)

    assert sent.conversation.reasoning == Reasoning(effort="none")
    assert sent.changes == ("thinking_off",)
    assert fitted(asking(tools=(BASH,)), GPT_5_6).conversation.reasoning is None


def test_a_default_ceiling_holds_the_budget_too() -> None:
    sent = fit(asking(reasoning=Reasoning(effort="high")), CLAUDE_4_5, output_tokens_default=4_096).conversation

    assert (sent.output_tokens_max, sent.reasoning) == (4_096, Reasoning(budget_tokens=3_072))


def test_a_schema_of_answers_is_closed_for_claude_within_and_in_its_branches() -> None:
    inner = {
        "type": "object",
        "properties": {"const": {"anyOf": [{"type": "object", "properties": {"x": {"type": "null"}}}]}},
    }
    asked = {"type": "object", "properties": {"a": {"type": "array", "items": inner}}, "required": ["a"]}

    sent = fitted(asking(format=OutputFormat(schema=asked, name="n", description="d", is_strict=True)), CLAUDE_4_7)

    closed_inner = {
        "type": "object",
        "properties": {
            "const": {
                "anyOf": [{"type": "object", "properties": {"x": {"type": "null"}}, "additionalProperties": False}]
            }
        },
        "additionalProperties": False,
    }
    assert sent.conversation.format == OutputFormat(
        schema={
            "type": "object",
            "properties": {"a": {"type": "array", "items": closed_inner}},
            "required": ["a"],
            "description": "d",
            "additionalProperties": False,
        }
    )
    assert sent.changes == ("json_schema",)
    assert "additionalProperties" not in asked


@pytest.mark.parametrize("name", [None, "", "my schema", "n" * 65])
def test_a_schema_of_answers_has_a_name_that_openai_takes(name: str | None) -> None:
    sent = fitted(asking(format=OutputFormat(schema=SCHEMA, name=name)), GPT_4O).conversation.format

    assert sent == OutputFormat(schema=SCHEMA, name="answer")


def test_what_changed_in_a_history_is_named() -> None:
    call = ToolCall(id="functions.Bash:0", name="Bash", arguments="{}")
    history = (HELLO, Turn("assistant", (call,)), Turn("user", (ToolResult(call_id="functions.Bash:0", parts=()),)))

    assert fitted(asking(*history), CLAUDE_4_7).changes == ("tool_calls",)
    assert fitted(asking(HELLO, Turn("assistant", (Thinking(text="hm"), Text(text="b"))), HELLO), GPT_4O).changes == (
        "thinking_history",
    )
    assert fitted(asking(HELLO, HELLO), GPT_4O).changes == ("history",)
    assert fitted(asking(*history), GPT_4O).changes == ()
    assert fitted(asking(HELLO, Turn("system", (Text(text="s"),)), HELLO), CLAUDE_4_7).changes == ("system_order",)


def test_a_hashed_user_is_64_characters_and_depends_on_the_key() -> None:
    user = '{"device_id":"' + "d" * 130 + '"}'

    assert re.fullmatch("[0-9a-f]{64}", hashed_user(user, b"key"))
    assert hashed_user(user, b"key") == hashed_user(user, b"key") != hashed_user(user, b"other")
    assert hashed_user("a", b"key") != hashed_user("b", b"key")
