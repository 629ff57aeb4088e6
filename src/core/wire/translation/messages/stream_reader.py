"""A stream of a message heard: what its events say, in the order in which they say it.

Usage comes at the beginning and again with the stop; a later object replaces an earlier one field by field. The rules
easy to break: what a delta is decides on what it says, not the block that it stands in; and a block may bring along at
its start what others send in pieces.
"""

from collections.abc import Iterator

import msgspec

from core.wire.dialects.anthropic_usage import read_anthropic_usage
from core.wire.json_depth import is_too_deep
from core.wire.json_members import NO_RAW, Members
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.sse import SSEEvent
from core.wire.translation.answer import (
    Argued,
    Began,
    CallDone,
    Called,
    Counted,
    Failed,
    Finished,
    Heard,
    Said,
    Stopped,
    Thought,
)
from core.wire.translation.errors import read_error
from core.wire.translation.messages.answer_reader import BETWEEN, input_text, stop_of

_NOTHING = (b"", b"null")
_EMPTY_INPUT = ("", "{}")


class _Delta(msgspec.Struct):
    """Members may be of any type: what is odd is not there."""

    type: object = None
    text: object = None
    thinking: object = None
    partial_json: object = None
    stop_reason: object = None
    stop_sequence: object = None


class _Block(msgspec.Struct):
    type: object = None
    id: object = None
    name: object = None
    text: object = None
    thinking: object = None
    input: msgspec.Raw = NO_RAW


class _Message(msgspec.Struct):
    model: object = None
    usage: msgspec.Raw = NO_RAW


class _Event(msgspec.Struct):
    type: object = None
    index: object = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | None = None
    usage: msgspec.Raw = NO_RAW
    error: msgspec.Raw = NO_RAW


_decode = msgspec.json.Decoder(_Event).decode
_decode_usage = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class StreamHearing:
    """One stream."""

    def __init__(self) -> None:
        self._is_over = False
        self._block = 0
        """How many blocks have begun."""
        self._thought_in: int | None = None
        """The block of the last thought; None after something else."""
        self._calls: dict[object, str] = {}
        """The keys of the open calls by the indexes of their blocks."""
        self._inputs: dict[str, str] = {}
        """What calls brought along, until some of it comes in pieces."""
        self._usage: dict[str, msgspec.Raw] = {}

    def hear(self, event: SSEEvent) -> list[Heard]:
        """What the event says; nothing once the stream is over."""
        if self._is_over or event.data is None or is_too_deep(event.data):
            return []
        try:
            happened = read_leniently(event.data, _decode)
        except InvalidJSON:
            return self._failed(event) if event.event == "error" else []
        kind = happened.type if isinstance(happened.type, str) else event.event or ""
        if kind == "error" or bytes(happened.error) not in _NOTHING:
            return self._failed(event)
        return list(self._said(kind, happened))

    def _failed(self, event: SSEEvent) -> list[Heard]:
        self._is_over = True
        return [Failed(read_error(event.data or b""))]

    def _said(self, kind: str, happened: _Event) -> Iterator[Heard]:
        index = happened.index if isinstance(happened.index, int | str) else None
        match kind:
            case "content_block_delta" if happened.delta is not None:
                yield from self._delta(index, happened.delta)
            case "content_block_start" if happened.content_block is not None:
                yield from self._opened(index, happened.content_block)
            case "content_block_stop" if index in self._calls:
                yield from self._done(self._calls.pop(index))
            case "message_start" if happened.message is not None:
                self._count(happened.message.usage)
                yield Began(_text(happened.message.model), read_anthropic_usage(self._counted()))
            case "message_delta":
                yield from self._ending(happened)
            case "message_stop":
                self._is_over = True
                for key in self._calls.values():
                    yield from self._done(key)
                yield Finished()

    def _delta(self, index: object, delta: _Delta) -> Iterator[Heard]:
        match delta.type:
            case "text_delta":
                yield from self._words(_text(delta.text))
            case "thinking_delta":
                yield from self._thoughts(_text(delta.thinking))
            case "input_json_delta" if (text := _text(delta.partial_json)) and index in self._calls:
                key = self._calls[index]
                self._inputs.pop(key, None)
                yield Argued(key, text)

    def _opened(self, index: object, block: _Block) -> Iterator[Heard]:
        self._block += 1
        if (left_open := self._calls.pop(index, None)) is not None:
            yield from self._done(left_open)
        match block.type:
            case "text":
                yield from self._words(_text(block.text))
            case "thinking":
                yield from self._thoughts(_text(block.thinking))
            case "tool_use":
                key = str(self._block)
                self._calls[index] = key
                self._thought_in = None
                if (text := input_text(Members({"input": block.input}))) not in _EMPTY_INPUT:
                    self._inputs[key] = text
                yield Called(key, _text(block.id), _text(block.name))

    def _words(self, text: str) -> Iterator[Heard]:
        if text:
            self._thought_in = None
            yield Said(text)

    def _thoughts(self, text: str) -> Iterator[Heard]:
        if text:
            is_apart = self._thought_in not in (None, self._block)
            self._thought_in = self._block
            yield Thought(BETWEEN + text if is_apart else text)

    def _done(self, key: str) -> Iterator[Heard]:
        if (text := self._inputs.pop(key, None)) is not None:
            yield Argued(key, text)
        yield CallDone(key)

    def _ending(self, happened: _Event) -> Iterator[Heard]:
        self._count(happened.usage)
        if bytes(happened.usage) not in _NOTHING and (usage := read_anthropic_usage(self._counted())) is not None:
            yield Counted(usage)
        if happened.delta is not None and (reason := _text(happened.delta.stop_reason)):
            yield Stopped(stop_of(reason), _text(happened.delta.stop_sequence) or None)

    def _count(self, reported: msgspec.Raw) -> None:
        try:
            members = read_leniently(reported, _decode_usage)
        except InvalidJSON:
            return
        self._usage |= {name: count.copy() for name, count in members.items() if bytes(count) not in _NOTHING}

    def _counted(self) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(self._usage))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
