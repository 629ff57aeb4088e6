"""The form in which a conversation passes from one dialect to another: what keeps to it, and what does not."""

from itertools import pairwise

import pytest
from hypothesis import Phase, find, given, settings

from core.wire.translation.conversation import (
    AnyPart,
    Conversation,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tests.support.conversations import CONVERSATIONS, SAYABLE_AS_MESSAGES, faults

HI = Text(text="Hi")
RESULT = ToolResult(call_id="call_0", parts=())


def said_by(role: str, *parts: AnyPart) -> Conversation:
    return Conversation(model="m", turns=(Turn(role, parts),))  # type: ignore[arg-type]


@settings(deadline=None)
@given(CONVERSATIONS | SAYABLE_AS_MESSAGES)
def test_what_is_made_up_is_canonical(conversation: Conversation) -> None:
    assert faults(conversation) == []


@settings(deadline=None)
@given(CONVERSATIONS)
def test_every_call_that_is_made_up_has_its_result_in_the_next_turn(conversation: Conversation) -> None:
    turns = conversation.turns
    for turn, following in pairwise(turns):
        called = {part.id for part in turn.parts if isinstance(part, ToolCall)}
        if turn.role == "assistant":
            assert called == {part.call_id for part in following.parts if isinstance(part, ToolResult)}
    assert turns[-1].role == "user"


@pytest.mark.parametrize("kind", [Image, Document, Thinking, ToolCall, ToolResult])
def test_every_kind_of_part_is_made_up_some_time(kind: type[AnyPart]) -> None:
    def has_one(conversation: Conversation) -> bool:
        return any(isinstance(part, kind) for turn in conversation.turns for part in turn.parts)

    for made_up in (SAYABLE_AS_MESSAGES, CONVERSATIONS):
        assert find(made_up, has_one, settings=settings(phases=[Phase.generate], max_examples=200))


FAULTY = {
    "two turns of user in a row": Conversation(model="m", turns=(Turn("user", (HI,)), Turn("user", (HI,)))),
    "a turn of user without parts": said_by("user"),
    "Thinking of user": said_by("user", Thinking(text="Hm")),
    "ToolResult of assistant": said_by("assistant", RESULT),
    "Image of system": said_by("system", Image(url="https://example.com/a")),
    "a result after something else": said_by("user", HI, RESULT),
    "an empty text": said_by("user", ToolResult(call_id="call_0", parts=(Text(text=""),))),
    "a picture of 0 sources": said_by("user", Image()),
    "a picture of 2 sources": said_by("user", Image(media_type="image/png", data="AA==", url="https://example.com/a")),
    "a picture without its type": said_by("user", Image(data="AA==")),
    "a document of 2 sources": said_by("user", Document(media_type="text/plain", data="AA==", text="Hi")),
    "a document without its type": said_by("user", Document(text="Hi")),
    "thinking that says nothing": said_by("assistant", Thinking()),
    "a signature or a seal of nobody, or a maker of neither": said_by("assistant", Thinking(text="Hm", signature="s")),
    "arguments that are no object": said_by("assistant", ToolCall(id="call_0", name="f", arguments="")),
    "a choice with a name that is not named, or the other way round": Conversation(
        model="m", turns=(Turn("user", (HI,)),), tool_choice=ToolChoice(mode="named")
    ),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_what_is_not_canonical_is_found(fault: str) -> None:
    assert faults(FAULTY[fault]) == [fault]
