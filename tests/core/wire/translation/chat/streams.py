"""Chat streams from memory: as events, as they are heard, as they are told again, and what an official client has."""

from collections.abc import Iterable
from typing import Any

import msgspec
from openai import ContentFilterFinishReasonError, LengthFinishReasonError
from openai.types.chat import ChatCompletion

from core.wire.sse import SSEEvent, SSEParser
from core.wire.translation.answer import (
    Answer,
    Argued,
    Began,
    CallDone,
    Called,
    Counted,
    Finished,
    Heard,
    Identity,
    Open,
    Said,
    Stopped,
    Thought,
    Told,
    Write,
)
from core.wire.translation.chat.stream_reader import StreamHearing
from core.wire.translation.chat.stream_writer import StreamTelling
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.sequence import Sequence
from tests.core.wire.streams.sdk_clients import openai_client

IDENTITY = Identity(request_id="req_0123456789abcdef", created_at_s=1_790_000_000)
DONE = SSEEvent(b"", b"[DONE]")


def chunk(
    delta: dict[str, Any] | None = None, *, finish: str | None = None, index: int = 0, **members: Any
) -> SSEEvent:
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return data({"model": "gpt-5.5", "choices": [choice], **members})


def data(document: object) -> SSEEvent:
    return SSEEvent(b"", msgspec.json.encode(document))


def call(**members: Any) -> dict[str, Any]:
    """A piece of a call: `name` and `arguments` are the function's."""
    function = {name: members.pop(name) for name in ("name", "arguments") if name in members}
    return {**members, "function": function}


def calling(*calls: dict[str, Any]) -> SSEEvent:
    return chunk({"tool_calls": list(calls)})


def events_of(stream: bytes) -> list[SSEEvent]:
    parser = SSEParser()
    events = parser.feed(stream)
    rest = parser.close()
    return events if rest is None else [*events, rest]


def heard_in(events: Iterable[SSEEvent]) -> list[Heard]:
    hearing = StreamHearing()
    return [heard for each in events for heard in hearing.hear(each)]


def told_of(heard: Iterable[Heard], *, model: str = "m") -> list[Told]:
    sequence = Sequence(model=model)
    return [told for each in heard for told in sequence.hear(each)]


def written(told: Iterable[Told], *, wants_usage: bool = True, **options: bool) -> bytes:
    telling = StreamTelling(IDENTITY, wants_usage=wants_usage, **options)
    return b"".join(telling.tell(step) for step in told)


def documents_in(stream: bytes) -> list[Any]:
    return [msgspec.json.decode(each.data) for each in events_of(stream) if each.data and each.data != b"[DONE]"]


def final_completion(stream: bytes) -> ChatCompletion:
    """What the official client has accumulated at the end."""
    messages: Any = [{"role": "user", "content": "Hi"}]
    with openai_client([stream]).chat.completions.stream(model="m", messages=messages) as opened:
        try:
            return opened.get_final_completion()
        except (LengthFinishReasonError, ContentFilterFinishReasonError) as error:  # it raises on an answer cut short
            assert error.completion is not None
            return error.completion


def blocks_in(told: list[Told]) -> list[tuple[str, str]]:
    """What was told: for each block its kind, or its call's id and name, and what it holds."""
    blocks: list[list[str]] = []
    for step in told:
        if isinstance(step, Open):
            blocks.append([step.kind if step.call is None else f"{step.call.id} {step.call.name}", ""])
        elif isinstance(step, Write):
            blocks[-1][1] += step.text
    return [(what, text) for what, text in blocks]


def steps_of(answer: Answer) -> list[Heard]:
    """An answer as a stream says it, in pieces."""
    heard: list[Heard] = [Began(answer.model)]
    for number, part in enumerate(answer.parts):
        match part:
            case Text(text=text):
                heard += [Said(text[:1]), *([Said(text[1:])] if text[1:] else [])]
            case Thinking(text=text):
                heard.append(Thought(text))
            case ToolCall():
                key = str(number)
                heard += [Called(key, part.id, part.name), Argued(key, part.arguments), CallDone(key)]
    heard += [] if answer.usage is None else [Counted(answer.usage)]
    return [*heard, Stopped(answer.stop, answer.stop_sequence), Finished()]


def as_a_stream_has_it(answer: Answer) -> Answer:
    """Calls that share an id get one of their own in a stream, and a regular end after a call is the call."""
    parts = [
        msgspec.structs.replace(part, id=f"{part.id}{number}") if isinstance(part, ToolCall) else part
        for number, part in enumerate(answer.parts)
    ]
    has_called = any(isinstance(part, ToolCall) for part in parts)
    stop = "tool_calls" if has_called and answer.stop == "end" else answer.stop
    return msgspec.structs.replace(answer, parts=tuple(parts), stop=stop)
