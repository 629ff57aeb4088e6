"""Histories that one provider made, on the way to another."""

import pytest

from core.wire.translation.call_arguments import object_text
from core.wire.translation.conversation import AnyPart, Conversation, Image, Text, Thinking, ToolCall, ToolResult, Turn
from core.wire.translation.fitting.calls import NO_RESULT, STRAY_RESULT
from core.wire.translation.fitting.history import FOREIGN_CALL, UNSIGNED, repaired
from core.wire.translation.fitting.target import Target

CLAUDE = Target("anthropic", "claude-opus-4-7", "anthropic_messages")
CHAT = Target("openai", "gpt-4o", "openai_chat")
RESPONSES = Target("openai", "gpt-5.6", "openai_responses")
GEMINI = Target("gemini", "gemini-3.1-pro-preview", "openai_chat")
TARGETS = {"claude": CLAUDE, "chat": CHAT, "responses": RESPONSES, "gemini": GEMINI}
KNOWN = TARGETS | {"gpt-4o": Target("openai", "gpt-4o", "openai_responses")}


def user(*parts: AnyPart | str) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: AnyPart | str) -> Turn:
    return Turn("assistant", user(*parts).parts)


def system(text: str) -> Turn:
    return Turn("system", (Text(text=text),))


def call(call_id: str, arguments: str = "{}", signature: str | None = None) -> ToolCall:
    return ToolCall(id=call_id, name="Bash", arguments=arguments, signature=signature)


def result(call_id: str, text: str = "done", is_error: bool = False) -> ToolResult:
    return ToolResult(call_id=call_id, parts=(Text(text=text),), is_error=is_error)


def fixed(target: Target, *turns: Turn) -> tuple[Turn, ...]:
    return repaired(Conversation(model="m", turns=turns), target).turns


def ids(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    """Each call's id with that of its result."""
    calls = [part.id for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    results = [part.call_id for turn in turns for part in turn.parts if isinstance(part, ToolResult)]
    return list(zip(calls, results, strict=True))


def answered(call_id: str) -> tuple[Turn, Turn]:
    return assistant(call(call_id)), user(result(call_id))


# Ids ------------------------------------------------------------------------------------------------------

CONFORMING = [
    ("claude", "toolu_01A"), ("claude", "x" * 64), ("chat", "functions.Bash:0"), ("chat", "x" * 40),
    ("responses", "x" * 64), ("responses", "functions.Bash:0"), ("gemini", "call_1"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "call_id"), CONFORMING)
def test_an_id_that_conforms_stays(target: str, call_id: str) -> None:
    assert ids(fixed(TARGETS[target], user("a"), *answered(call_id))) == [(call_id, call_id)]


OTHERS = [
    ("claude", "functions.Bash:0", "functions_Bash_0_"), ("claude", "x" * 65, "x" * 55 + "_"), ("claude", "é", "__"),
    ("chat", "x" * 53, "x" * 31 + "_"), ("chat", "a b", "a_b_"), ("responses", "x" * 65, "x" * 55 + "_"),
    ("claude", "", "call_"), ("chat", "", "call_"), ("gemini", "", "call_"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "call_id", "begins"), OTHERS)
def test_another_one_is_cleaned_or_cut_with_a_hash_the_same_for_call_and_result(
    target: str, call_id: str, begins: str
) -> None:
    [(sent, answered_to)] = ids(fixed(TARGETS[target], user("a"), *answered(call_id)))

    assert sent == answered_to
    assert sent.startswith(begins)
    assert len(sent) <= (40 if TARGETS[target].dialect == "openai_chat" else 64)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_an_empty_id_twice_becomes_two(target: Target) -> None:
    turns = fixed(target, user("a"), assistant(call(""), call("")), user(result("", "first"), result("", "second")))

    [(first, _), (second, _)] = ids(turns)
    assert first != second
    assert turns[2].parts == (result(first, "first"), result(second, "second"))


def test_an_id_used_again_on_a_later_turn_becomes_its_own() -> None:
    turns = fixed(CHAT, user("a"), *answered("call_0"), *answered("call_0"))

    [(first, first_result), (second, second_result)] = ids(turns)
    assert (first, first_result) == ("call_0", "call_0")
    assert second == second_result != "call_0"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_ids_are_the_same_on_every_turn(target: Target) -> None:
    history = [
        user("a"),
        *answered("functions.Bash:0"),
        *answered("x" * 53),
        *answered(""),
        *answered("call_0"),
        *answered("call_0"),
    ]

    turns = [ids(fixed(target, *history[:length])) for length in (3, 5, 7, 9, 11)]

    assert all(shorter == turns[-1][: len(shorter)] for shorter in turns)


# Partners -------------------------------------------------------------------------------------------------


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    turns = fixed(CLAUDE, user("a"), assistant(call("c1"), call("c2")), user(result("c2"), "go on"))

    assert turns[2].parts == (
        result("c2"),
        ToolResult(call_id="c1", parts=(Text(text=NO_RESULT),), is_error=True),
        Text(text="go on"),
    )


def test_a_last_call_without_a_result_gets_a_turn_for_it() -> None:
    turns = fixed(CHAT, user("a"), assistant(call("c1")))

    assert [turn.role for turn in turns] == ["user", "assistant", "user"]


def test_a_result_without_a_call_becomes_words() -> None:
    picture = Image(media_type="image/png", data="aGk=")
    stray = ToolResult(call_id="gone", parts=(Text(text="42"), picture))

    assert fixed(CHAT, user(stray, "and now?")) == (user(STRAY_RESULT, "42", picture, "and now?"),)


def test_a_second_result_of_one_call_becomes_words() -> None:
    turns = fixed(CHAT, user("a"), assistant(call("c")), user(result("c", "one"), result("c", "two")))

    assert turns[2].parts == (result("c", "one"), Text(text=STRAY_RESULT), Text(text="two"))


def test_a_result_that_comes_after_another_answer_becomes_words() -> None:
    turns = fixed(CHAT, user("a"), assistant(call("c")), user("wait"), assistant("I wait."), user(result("c", "late")))

    assert turns[2].parts == (ToolResult(call_id="c", parts=(Text(text=NO_RESULT),), is_error=True), Text(text="wait"))
    assert turns[4] == user(STRAY_RESULT, "late")


def test_a_result_behind_a_system_turn_comes_before_it() -> None:
    turns = fixed(CHAT, user("a"), assistant(call("c")), system("Be brief."), user(result("c"), "go on"))

    assert turns[2:] == (user(result("c")), system("Be brief."), user("go on"))


def test_results_come_before_what_the_user_says() -> None:
    turns = fixed(CLAUDE, user("a"), assistant(call("c1"), call("c2")), user("Look:", result("c1"), result("c2")))

    assert turns[2] == user(result("c1"), result("c2"), "Look:")


# Arguments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", "{}"),
        ("  \n", "{}"),
        ('{"a": 1.0}', '{"a": 1.0}'),
        ("{}", "{}"),
        ('{"a":', '{"arguments":"{\\"a\\":"}'),
        ("[1]", '{"arguments":"[1]"}'),
        ("null", '{"arguments":"null"}'),
        ('{"a": 1} {"b": 2}', '{"arguments":"{\\"a\\": 1} {\\"b\\": 2}"}'),
    ],
)
def test_arguments_are_always_one_object(given: str, sent: str) -> None:
    assert object_text(given) == sent


def test_arguments_nested_too_deep_are_wrapped_unread() -> None:
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000

    assert object_text(deep).startswith('{"arguments":')


# Thinking -------------------------------------------------------------------------------------------------

SIGNED = Thinking(text="hm", signature="sig", maker="anthropic")
SEALED = Thinking(sealed="seal", maker="anthropic")
OPENAI_S = Thinking(text="hm", sealed="seal", maker="openai")
NOBODY_S = Thinking(text="hm")
OURS = Thinking(text="hm", signature=UNSIGNED, maker="anthropic")

KEPT = [
    ("claude", SIGNED, True), ("claude", SEALED, True), ("claude", OPENAI_S, False), ("claude", NOBODY_S, False),
    ("claude", OURS, False), ("claude", Thinking(text="hm", maker="anthropic"), False),
    ("responses", OPENAI_S, True), ("gpt-4o", OPENAI_S, False), ("responses", SIGNED, False), ("responses", NOBODY_S, False),
    ("chat", OPENAI_S, False), ("chat", SIGNED, False), ("gemini", Thinking(text="hm", signature="s", maker="gemini"), False),
]  # fmt: skip


@pytest.mark.parametrize(("target", "thinking", "is_kept"), KEPT)
def test_thinking_goes_to_its_maker_only(target: str, thinking: Thinking, is_kept: bool) -> None:
    turns = fixed(KNOWN[target], user("a"), assistant(thinking, "b"), user("c"))

    assert turns[1] == (assistant(thinking, "b") if is_kept else assistant("b"))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_turn_of_foreign_thinking_alone_leaves_no_words_and_its_neighbours_are_one(target: Target) -> None:
    assert fixed(target, user("a"), assistant(NOBODY_S), user("b")) == (user("a", "b"),)


def test_a_call_keeps_gemini_s_signature_at_gemini_only() -> None:
    history = user("a"), assistant(call("c", signature="sig")), user(result("c"))

    assert fixed(GEMINI, *history)[1] == assistant(call("c", signature="sig"))
    assert fixed(CHAT, *history)[1] == assistant(call("c"))


def test_the_first_foreign_call_of_a_turn_gets_the_word_that_gemini_takes_for_a_signature() -> None:
    turns = fixed(GEMINI, user("a"), assistant(call("c1"), call("c2")), user(result("c1"), result("c2")))

    assert turns[1] == assistant(call("c1", signature=FOREIGN_CALL), call("c2"))
    assert fixed(Target("gemini", "gemini-2.5-pro", "openai_chat"), user("a"), *answered("c"))[1] == assistant(
        call("c")
    )


# Turns ----------------------------------------------------------------------------------------------------


def test_empty_texts_and_turns_are_not_there_and_results_stay() -> None:
    turns = fixed(CHAT, user("a"), assistant("", call("c")), user(result("c", ""), ""), assistant(""), user("b"))

    assert turns == (user("a"), assistant(call("c")), user(ToolResult(call_id="c", parts=()), "b"))


def test_white_space_alone_is_nothing_to_anthropic() -> None:
    assert fixed(CLAUDE, user("a", " \n")) == (user("a"),)
    assert fixed(CHAT, user("a", " \n")) == (user("a", " \n"),)


def test_system_turns_come_first_at_anthropic_and_stay_elsewhere() -> None:
    history = system("One."), user("a"), system("Two."), user("b")

    assert fixed(CLAUDE, *history) == (Turn("system", (Text(text="One."), Text(text="Two."))), user("a", "b"))
    assert fixed(CHAT, *history) == history


def test_a_prefill_ends_in_no_white_space() -> None:
    assert fixed(CLAUDE, user("a"), assistant("The answer is "))[1] == assistant("The answer is")


def test_twenty_thousand_turns_take_linear_time() -> None:
    turns = [turn for number in range(10_000) for turn in answered(f"call_{number % 7}")]

    assert len(fixed(CHAT, user("a"), *turns)) == 20_001
