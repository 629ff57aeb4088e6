"""Names of tools on the way to a provider and back."""

import pytest

from core.wire.translation.conversation import (
    Conversation,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Untranslatable,
)
from core.wire.translation.fitting.names import with_fitted_names
from core.wire.translation.fitting.traits import traits_of

CLAUDE = traits_of("anthropic", "claude-opus-4-7")
GEMINI = traits_of("gemini", "gemini-2.5-pro")


def named(*names: str) -> Conversation:
    return Conversation(
        model="m", turns=(Turn("user", (Text(text="Hello"),)),), tools=tuple(Tool(name=name) for name in names)
    )


@pytest.mark.parametrize("name", ["Bash", "mcp__server__read", "n" * 64, "a-b", "9lives"])
def test_a_name_that_conforms_is_sent_as_it_is(name: str) -> None:
    conversation = named(name)

    assert with_fitted_names(conversation, CLAUDE) == (conversation, {})


@pytest.mark.parametrize("name", ["n" * 65, "mcp.server/read", "émile", "", "a b", "😀" * 80])
def test_another_one_is_cleaned_cut_and_mapped_back(name: str) -> None:
    fitted, names = with_fitted_names(named(name), CLAUDE)

    [sent] = [tool.name for tool in fitted.tools]
    assert names == {sent: name}
    assert len(sent) <= 64
    assert set(sent) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def test_two_names_alike_in_64_characters_stay_two() -> None:
    fitted, names = with_fitted_names(named("n" * 64 + "a", "n" * 64 + "b", "n" * 64), CLAUDE)

    assert len({tool.name for tool in fitted.tools}) == 3
    assert sorted(names.values()) == ["n" * 64 + "a", "n" * 64 + "b"]


def test_a_made_name_that_the_caller_has_too_gets_a_longer_hash() -> None:
    [made] = with_fitted_names(named("a b"), CLAUDE)[1]

    fitted, names = with_fitted_names(named("a b", made), CLAUDE)

    assert fitted.tools[0].name.startswith(made)
    assert fitted.tools[1].name == made
    assert names == {fitted.tools[0].name: "a b"}


def test_gemini_s_names_begin_with_a_letter_or_an_underscore() -> None:
    fitted, names = with_fitted_names(named("9lives", "_x"), GEMINI)

    assert fitted.tools[0].name.startswith("_9lives_")
    assert list(names.values()) == ["9lives"]


def test_the_choice_and_the_history_change_with_the_tools() -> None:
    call = ToolCall(id="c", name="a b", arguments="{}")
    conversation = Conversation(
        model="m",
        turns=(Turn("assistant", (call,)), Turn("user", (ToolResult(call_id="c", parts=()),))),
        tools=(Tool(name="a b"),),
        tool_choice=ToolChoice(mode="named", name="a b"),
    )

    fitted, names = with_fitted_names(conversation, CLAUDE)

    [sent] = names
    assert fitted.tool_choice == ToolChoice(mode="named", name=sent)
    assert [part.name for part in fitted.turns[0].parts if isinstance(part, ToolCall)] == [sent]


def test_a_tool_of_the_history_that_is_offered_no_more_is_renamed_too() -> None:
    conversation = Conversation(
        model="m", turns=(Turn("assistant", (ToolCall(id="c", name="gone.tool", arguments="{}"),)),)
    )

    _, names = with_fitted_names(conversation, CLAUDE)

    assert list(names.values()) == ["gone.tool"]


def test_two_tools_of_one_name_leave_the_hop_out() -> None:
    with pytest.raises(Untranslatable, match="duplicate_tools"):
        with_fitted_names(named("Bash", "Bash"), CLAUDE)
