"""What holds of every fitted conversation."""

import json
import re

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.wire.translation.conversation import Conversation, Text, Thinking, ToolCall, ToolResult, Turn, Untranslatable
from core.wire.translation.fitting.fit import Fitted, fit
from core.wire.translation.fitting.target import Target
from tests.core.wire.translation.fitting.strategies import conversations, targets

IDS = {
    "anthropic_messages": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "openai_chat": re.compile(r"\S{1,40}"),
    "openai_responses": re.compile(r"\S{1,64}"),
}


def fitted_or_skip(conversation: Conversation, target: Target) -> Fitted:
    try:
        return fit(conversation, target, output_tokens_default=8_192)
    except Untranslatable as refused:
        assume(False)
        raise AssertionError from refused


@settings(max_examples=125, deadline=None)
@given(conversations(), targets())
def test_nothing_but_untranslatable_escapes(conversation: Conversation, target: Target) -> None:
    try:
        fit(conversation, target, output_tokens_default=8_192)
    except Untranslatable as refused:
        assert re.fullmatch(r"[a-z_]+", refused.feature)


@settings(max_examples=100, deadline=None)
@given(conversations(with_media=False), targets())
def test_what_is_fitted_stays_as_it_is(conversation: Conversation, target: Target) -> None:
    once = fitted_or_skip(conversation, target)

    again = fit(once.conversation, target, output_tokens_default=8_192)

    assert again.conversation == once.conversation
    assert again.changes == ()
    assert again.names == {}


@settings(max_examples=100, deadline=None)
@given(conversations(with_media=False), targets())
def test_every_call_is_answered_in_the_next_turn_by_results_alone_known(
    conversation: Conversation, target: Target
) -> None:
    turns = fitted_or_skip(conversation, target).conversation.turns

    seen: set[str] = set()
    for index, turn in enumerate(turns):
        assert turn.parts
        assert index == 0 or turns[index - 1].role != turn.role
        calls = [part for part in turn.parts if isinstance(part, ToolCall)]
        ids = [call.id for call in calls]
        assert len(set(ids)) == len(ids)
        assert not seen & set(ids)
        assert all(IDS[target.dialect].fullmatch(call_id) for call_id in ids)
        assert all(isinstance(json.loads(call.arguments), dict) for call in calls)
        seen |= set(ids)
        results = [part.call_id for part in turn.parts if isinstance(part, ToolResult)]
        before = [part.id for part in turns[index - 1].parts if isinstance(part, ToolCall)] if index else []
        assert sorted(results) == sorted(before)
        assert all(isinstance(part, ToolResult) for part in turn.parts[: len(results)])


@settings(max_examples=75, deadline=None)
@given(conversations(with_media=False), targets())
def test_thinking_reaches_its_maker_only(conversation: Conversation, target: Target) -> None:
    turns = fitted_or_skip(conversation, target).conversation.turns

    kept = [part for turn in turns for part in turn.parts if isinstance(part, Thinking)]

    assert {part.maker for part in kept} <= {target.provider}
    assert "agentwatch-unsigned" not in {part.signature for part in kept}
    assert target.dialect != "openai_chat" or kept == []


@settings(max_examples=75, deadline=None)
@given(conversations(with_media=False), targets())
def test_what_is_kept_is_equal_or_disclosed(conversation: Conversation, target: Target) -> None:
    fitted = fitted_or_skip(conversation, target)

    silent = {
        "model",
        "turns",
        "tools",
        "tool_choice",
        "is_parallel",
        "output_tokens_max",
        "format",
        "reasoning",
        "stop",
    }
    for name in set(msgspec.structs.asdict(conversation)) - silent:
        kept, given_value = getattr(fitted.conversation, name), getattr(conversation, name)
        assert kept == given_value or name in fitted.changes
    assert fitted.conversation.output_tokens_max is not None or target.dialect != "anthropic_messages"


@settings(max_examples=50, deadline=None)
@given(conversations(with_media=False), conversations(with_media=False), targets())
def test_the_ids_of_a_history_stay_on_every_later_turn(
    earlier: Conversation, later: Conversation, target: Target
) -> None:
    whole = msgspec.structs.replace(earlier, turns=earlier.turns + later.turns)
    assume(not conforming(later) & made(earlier, target))

    first = fitted_or_skip(earlier, target).conversation
    second = fitted_or_skip(whole, target).conversation

    ids = [part.id for turn in first.turns for part in turn.parts if isinstance(part, ToolCall)]
    assert [part.id for turn in second.turns for part in turn.parts if isinstance(part, ToolCall)][: len(ids)] == ids


def conforming(conversation: Conversation) -> set[str]:
    return {part.id for turn in conversation.turns for part in turn.parts if isinstance(part, ToolCall)}


def made(conversation: Conversation, target: Target) -> set[str]:
    return conforming(fitted_or_skip(conversation, target).conversation) - conforming(conversation)


@settings(max_examples=50, deadline=None)
@given(conversations(with_media=False), targets())
def test_names_sent_lead_back_to_the_caller_s(conversation: Conversation, target: Target) -> None:
    fitted = fitted_or_skip(conversation, target)

    sent = [tool.name for tool in fitted.conversation.tools]

    assert [fitted.names.get(name, name) for name in sent] == [tool.name for tool in conversation.tools]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in sent)
    assert len(set(sent)) == len(sent)


@given(st.text())
def test_text_without_a_call_is_never_lost(words: str) -> None:
    conversation = Conversation(
        model="m", turns=(Turn("user", (ToolResult(call_id="gone", parts=(Text(text=f"a{words}"),)),)),)
    )

    turns = fit(
        conversation, Target("groq", "llama-3.3-70b-versatile", "openai_chat"), output_tokens_default=1
    ).conversation.turns

    assert Text(text=f"a{words}") in turns[0].parts
