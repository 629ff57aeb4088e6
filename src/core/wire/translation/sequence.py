"""What a provider's stream said, in the order in which another dialect's stream can say it.

Theory of operation. One block is open at a time. A chat stream may write its calls in turns, and say text in between;
a stream of Anthropic's or of Responses opens, writes and closes one thing after the other. So what belongs to the open
block passes at once, and what belongs to a later one waits until the open one is closed: text and thinking by whatever
comes next, a call when its dialect says that it is complete, when its arguments are a whole JSON object and another
call begins, or at the end. The stop and the usage wait for the end, because usage comes before, with or after the stop.

The rule easy to break: an order nobody thought of loses nothing; at worst it comes late.
"""

from collections.abc import Iterator

import msgspec

from core.money.usage import Usage
from core.wire.translation.answer import (
    Argued,
    Began,
    Break,
    CallDone,
    Called,
    Close,
    Counted,
    End,
    Failed,
    Finished,
    Heard,
    Open,
    Said,
    Start,
    Stop,
    Stopped,
    Thought,
    Told,
    Write,
)
from core.wire.translation.call_arguments import NO_ARGUMENTS, Arguments
from core.wire.translation.call_ids import free_id
from core.wire.translation.conversation import ToolCall

_SAYING = "say"
_THINKING = "think"


class _Block(msgspec.Struct):
    """A block that is open or waits: a call's key, or what kind of words it holds."""

    key: str
    call: ToolCall | None = None
    pending: str = ""
    """Not told yet."""
    written: Arguments = msgspec.field(default_factory=Arguments)
    """Of a call: all its arguments so far, told or not."""
    is_done: bool = False

    @property
    def kind(self) -> str:
        return "tool_call" if self.call is not None else ("thinking" if self.key == _THINKING else "text")

    @property
    def is_complete(self) -> bool:
        """Whether nothing more can belong to it."""
        return self.call is not None and (self.is_done or self.written.are_whole)


class Sequence:
    """One stream. `model` and `input_usage` stand in for what the provider does not say at its beginning."""

    def __init__(self, *, model: str, input_usage: Usage | None = None) -> None:
        self._model = model
        self._usage = input_usage
        self._has_started = False
        self._has_ended = False
        self._blocks: list[_Block] = []
        """The open one first, then those that wait."""
        self._calls: set[str] = set()
        """The keys of all calls."""
        self._ids: set[str] = set()
        self._is_open = False
        self._index = -1
        self._stop: Stop | None = None
        self._stop_sequence: str | None = None
        self._final_usage: Usage | None = None

    @property
    def has_ended(self) -> bool:
        return self._has_ended

    def hear(self, heard: Heard) -> list[Told]:
        """What can be told now."""
        return [] if self._has_ended else list(self._told(heard))

    def _told(self, heard: Heard) -> Iterator[Told]:
        match heard:
            case Began(model=model, usage=usage):
                self._model = model or self._model
                self._usage = usage or self._usage
                yield from self._start()
            case Said(text=text):
                yield from self._words(_SAYING, text)
            case Thought(text=text):
                yield from self._words(_THINKING, text)
            case Called():
                yield from self._called(heard)
            case Argued(key=key, text=text):
                yield from self._argued(key, text)
            case CallDone(key=key):
                for block in self._blocks:
                    block.is_done = block.is_done or (block.call is not None and block.key == key)
                yield from self._advance()
            case Counted(usage=usage):
                self._final_usage = usage
            case Stopped(stop=stop, stop_sequence=stop_sequence):
                self._stop, self._stop_sequence = stop, stop_sequence
            case Finished():
                yield from self._finish()
            case Failed(error=error):
                self._has_ended = True
                yield Break(error)

    def _start(self) -> Iterator[Told]:
        if not self._has_started:
            self._has_started = True
            yield Start(self._model, self._usage)

    def _words(self, key: str, text: str) -> Iterator[Told]:
        yield from self._start()
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.call is not None or last.key != key:
            last = _Block(key)
            self._blocks.append(last)
        last.pending += text
        yield from self._advance()

    def _called(self, called: Called) -> Iterator[Told]:
        if called.key in self._calls:
            return
        yield from self._start()
        id = free_id(called.id, self._ids, len(self._ids))
        call = ToolCall(id=id, name=called.name, arguments="", signature=called.signature)
        self._calls.add(called.key)
        self._ids.add(id)
        self._blocks.append(_Block(called.key, call))
        yield from self._advance()

    def _argued(self, key: str, text: str) -> Iterator[Told]:
        for block in self._blocks:
            if block.call is not None and block.key == key:
                block.pending += text
                block.written.add(text)
        yield from self._advance()

    def _advance(self) -> Iterator[Told]:
        """Tell what belongs to the open block; go on to the next one where this one can have no more."""
        while self._blocks:
            first = self._blocks[0]
            yield from self._tell(first)
            if len(self._blocks) == 1 or (first.call is not None and not first.is_complete):
                return
            yield from self._close()

    def _tell(self, block: _Block) -> Iterator[Told]:
        kind = block.kind
        if not self._is_open:
            self._is_open = True
            self._index += 1
            yield Open(self._index, kind, block.call)  # type: ignore[arg-type]
        if block.pending:
            yield Write(self._index, kind, block.pending)  # type: ignore[arg-type]
            block.pending = ""

    def _close(self) -> Iterator[Told]:
        block = self._blocks.pop(0)
        if block.call is not None and not block.written.text:
            yield Write(self._index, "tool_call", NO_ARGUMENTS)
        self._is_open = False
        yield Close(self._index, block.kind)  # type: ignore[arg-type]

    def _finish(self) -> Iterator[Told]:
        self._has_ended = True
        yield from self._start()
        while self._blocks:
            yield from self._tell(self._blocks[0])
            yield from self._close()
        stop = self._stop or "end"
        if stop == "end" and self._calls:
            stop = "tool_calls"  # Gemini ends tool calls with `stop`
        yield End(stop, self._stop_sequence, self._final_usage)
