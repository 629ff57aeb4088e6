"""Chat streams told: what the official client makes of them."""

from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from core.refusals import BudgetExhausted
from core.wire.dialects import DIALECTS
from core.wire.translation.answer import (
    Answer,
    Break,
    Close,
    End,
    Open,
    ProviderError,
    Start,
    Told,
    Write,
)
from core.wire.translation.chat.answer_writer import write_answer
from core.wire.translation.chat.stream_writer import StreamTelling
from core.wire.translation.conversation import Text, Thinking, ToolCall
from tests.core.wire.streams.sdk_clients import openai_chat
from tests.core.wire.translation.chat.strategies import ANSWERS
from tests.core.wire.translation.chat.streams import (
    IDENTITY,
    as_a_stream_has_it,
    blocks_in,
    documents_in,
    events_of,
    final_completion,
    heard_in,
    steps_of,
    told_of,
    written,
)

A, B = '{"city":"Paris"}', '{"city":"Rome"}'


@settings(max_examples=80, deadline=None)
@given(ANSWERS.map(as_a_stream_has_it))
def test_the_official_client_has_of_a_stream_what_the_whole_answer_says(answer: Answer) -> None:
    stream = written(told_of(steps_of(answer)))

    whole = msgspec.json.decode(write_answer(answer, IDENTITY))
    assert _said(final_completion(stream).to_dict(mode="json")) == _said(whole)


def _said(completion: dict[str, Any]) -> Any:
    """Without what is nothing, and what the official client adds when it looks into texts and arguments."""
    match completion:
        case dict():
            said = {name: _said(value) for name, value in completion.items()}
            return {
                name: value
                for name, value in said.items()
                if value is not None and not name.startswith("parsed") and not (name == "index" and "function" in said)
            }
        case list():
            return [_said(each) for each in completion]
    return completion


@settings(max_examples=60, deadline=None)
@given(ANSWERS.map(as_a_stream_has_it), st.booleans())
def test_every_told_stream_keeps_to_the_grammar(answer: Answer, wants_usage: bool) -> None:
    stream = written(told_of(steps_of(answer)), wants_usage=wants_usage)

    documents = documents_in(stream)
    for document in documents:
        ChatCompletionChunk.model_validate(document, strict=True)
    with_choice = [document for document in documents if document["choices"]]
    reasons = [document["choices"][0]["finish_reason"] for document in with_choice]
    assert reasons[-1] is not None and set(reasons[:-1]) <= {None}
    assert [bool(document["choices"][0]["delta"].get("role")) for document in with_choice[:-1]].count(True) == 1
    assert with_choice[0]["choices"][0]["delta"]["role"] == "assistant"
    has_usage = wants_usage and answer.usage is not None
    assert documents[len(with_choice) :] == ([documents[-1]] if has_usage else [])
    assert all((document.get("usage") is not None) == (not document["choices"]) for document in documents)
    assert all(("usage" in document) == wants_usage for document in documents)
    assert stream.endswith(b"data: [DONE]\n\n") and stream.count(b"data: [DONE]") == 1


@settings(max_examples=80, deadline=None)
@given(ANSWERS.map(as_a_stream_has_it))
def test_a_told_stream_is_heard_as_what_was_told(answer: Answer) -> None:
    told = told_of(steps_of(answer))

    again = told_of(heard_in(events_of(written(told))))

    assert blocks_in(again) == blocks_in(told)
    assert isinstance(again[-1], End) and again[-1].usage == answer.usage


def test_calls_are_numbered_among_calls() -> None:
    parts = (Thinking(text="Hm"), Text(text="A"), *(ToolCall(id=id, name="f", arguments=A) for id in "ab"))

    stream = written(told_of(steps_of(Answer(model="m", parts=parts, stop="tool_calls"))))

    deltas = [choice["delta"] for document in documents_in(stream) for choice in document["choices"]]
    assert [delta["tool_calls"] for delta in deltas if "tool_calls" in delta] == [
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": A}}],
        [{"index": 1, "id": "b", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 1, "function": {"arguments": A}}],
    ]


def test_a_caller_of_the_old_way_hears_its_function_call() -> None:
    parts = tuple(ToolCall(id=id, name=id, arguments=A) for id in "fg")
    told = told_of(steps_of(Answer(model="m", parts=parts, stop="tool_calls")))

    [choice] = final_completion(written(told, calls_as_functions=True)).choices

    assert choice.finish_reason == "function_call"
    assert choice.message.function_call and choice.message.function_call.to_dict() == {"name": "f", "arguments": A}
    assert choice.message.tool_calls is None


BREAKS: dict[str, list[Told]] = {
    "before its start": [],
    "after its start": [Start("m")],
    "in the middle": [Start("m"), Open(0, "text"), Write(0, "text", "A")],
    "between blocks": [Start("m"), Open(0, "text"), Write(0, "text", "A"), Close(0, "text")],
}


@pytest.mark.parametrize("told", BREAKS.values(), ids=BREAKS.keys())
def test_the_official_client_raises_on_a_stream_that_broke(told: list[Told]) -> None:
    error = ProviderError(kind="overloaded", status=529, message="Too busy", code="overloaded_error")

    view = openai_chat([written([*told, Break(error)])])

    assert isinstance(view.raised, openai.APIError)
    assert (view.raised.message, view.raised.type) == ("Too busy", "server_error")
    assert view.finish_reason is None


def test_the_official_client_raises_on_a_refusal_of_ours() -> None:
    refusal = BudgetExhausted("the budget does not cover\nthis call", details={"scope": "session"})
    body = msgspec.json.format(DIALECTS["openai_chat"].render_refusal(refusal, "req_1"))

    view = openai_chat([written([Start("m")]) + StreamTelling(IDENTITY, wants_usage=False).broken(body)])

    assert isinstance(view.raised, openai.APIError) and view.raised.code == "budget_exhausted"
