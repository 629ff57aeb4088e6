"""A Responses stream heard: what its events say, in the order in which they say it.

Text comes in pieces and is repeated whole when a part, an item and the response are done; what the pieces had is not
heard again. The rules easy to break: a response that fails does so after events that look like a beginning; and a line
that cannot be read ends nothing.
"""

from collections.abc import Iterator

import msgspec

from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.json_depth import is_too_deep
from core.wire.json_members import NO_RAW, Members, members_apart
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
from core.wire.translation.conversation import Text, Thinking
from core.wire.translation.errors import read_error
from core.wire.translation.responses.answer_reader import BETWEEN, has_refused, read_output, stop_of
from core.wire.translation.responses.stream_calls import Calls, Places

_WORDS: dict[str, type[Said] | type[Thought]] = {
    "response.output_text": Said,
    "response.refusal": Said,
    "response.reasoning_text": Thought,
    "response.reasoning_summary_text": Thought,
}
"""What the model says or thinks: each with a `.delta` for a piece and a `.done` for the whole."""

_ARGUMENTS = "response.function_call_arguments"
_BEGINNINGS = frozenset(("response.created", "response.queued", "response.in_progress"))
_ENDINGS = frozenset(("response.completed", "response.incomplete"))
_FAILURES = frozenset(("response.failed", "response.cancelled"))


class _Event(msgspec.Struct):
    """Members may be of any type: what is odd is not there."""

    type: object = None
    output_index: object = None
    content_index: object = None
    summary_index: object = None
    item_id: object = None
    delta: object = None
    text: object = None
    refusal: object = None
    arguments: object = None
    error: object = None
    item: msgspec.Raw = NO_RAW
    response: msgspec.Raw = NO_RAW


_decode = msgspec.json.Decoder(_Event).decode


class StreamHearing:
    """One stream."""

    def __init__(self) -> None:
        self._has_begun = False
        self._is_over = False
        self._has_refused = False
        self._has_called = False
        self._calls = Calls()
        self._written: dict[tuple[str, Places, int], int] = {}
        """How many characters of each part were heard."""
        self._heard_items: set[str] = set()
        """The places of messages and thoughts that came in pieces."""
        self._thought_as: dict[Places, str] = {}
        """Of each thought: its own words or a summary of them, whichever came first."""
        self._last: tuple[type[Heard], object] | None = None
        """What kind of words came last, and what they were part of; None after something else."""

    def hear(self, event: SSEEvent) -> list[Heard]:
        """What the event says; nothing once the stream is over."""
        if self._is_over or event.data is None or is_too_deep(event.data):
            return []
        try:
            happened = read_leniently(event.data, _decode)
        except InvalidJSON:
            return self._failed(event) if event.event == "error" else []
        kind = happened.type if isinstance(happened.type, str) else event.event or ""
        if kind in _FAILURES or kind == "error" or (happened.error is not None and not kind.startswith("response.")):
            return self._failed(event)
        return list(self._said(kind, happened))

    def _failed(self, event: SSEEvent) -> list[Heard]:
        self._is_over = True
        return [Failed(read_error(event.data or b""))]

    def _said(self, kind: str, happened: _Event) -> Iterator[Heard]:
        subject, _, step = kind.rpartition(".")
        if subject in _WORDS and step in ("delta", "done"):
            yield from self._words(subject, step, happened)
        elif subject == _ARGUMENTS:
            yield from self._arguments(step, happened)
        elif subject == "response.output_item":
            yield from self._item(step, happened)
        elif kind in _BEGINNINGS:
            yield from self._began(members_apart(happened.response))
        elif kind in _ENDINGS:
            yield from self._ended(kind, members_apart(happened.response))

    def _words(self, subject: str, step: str, happened: _Event) -> Iterator[Heard]:
        places = _places(happened)
        number = _number(happened.content_index, _number(happened.summary_index, 0))
        part = (subject, places, number)
        if step == "delta":
            text = _text(happened.delta)
        else:
            text = _text(happened.refusal if subject == "response.refusal" else happened.text)
            text = text[self._written.get(part, 0) :]
        if not text or (_WORDS[subject] is Thought and self._thought_as.setdefault(places, subject) != subject):
            return
        self._written[part] = self._written.get(part, 0) + len(text)
        self._heard_items.update(places)
        self._has_refused |= subject == "response.refusal"
        yield self._spoken(_WORDS[subject], places if _WORDS[subject] is Said else part, text)

    def _spoken(self, kind: type[Said] | type[Thought], within: object, text: str) -> Heard:
        """Messages, and the parts of a summary, stand apart; the parts of one message do not."""
        is_apart = self._last is not None and self._last[0] is kind and self._last[1] != within
        self._last = (kind, within)
        return kind(BETWEEN + text if is_apart else text)

    def _arguments(self, step: str, happened: _Event) -> Iterator[Heard]:
        if step == "delta" and (text := _text(happened.delta)):
            yield from self._calls.written(_places(happened), text)
        elif step == "done":
            yield from self._calls.completed(_places(happened), _text(happened.arguments))

    def _item(self, step: str, happened: _Event) -> Iterator[Heard]:
        item = members_apart(happened.item)
        places = _places(happened, item.word("id"))
        if item.word("type") == "function_call":
            self._last, self._has_called = None, True
            yield from self._calls.added(places, item)
            if step == "done":
                yield from self._calls.completed(places, "")
        elif step == "done" and places and self._heard_items.isdisjoint(places):
            yield from self._whole([item], places)

    def _began(self, response: Members) -> Iterator[Heard]:
        if not self._has_begun:
            self._has_begun = True
            yield Began(response.word("model"))

    def _ended(self, kind: str, response: Members) -> Iterator[Heard]:
        self._is_over = True
        yield from self._began(response)
        if not self._heard_items and not self._has_called:
            yield from self._whole(response.each("output"), ())
        yield from self._calls.finished()
        if (usage := read_openai_usage(response.raw("usage"))) is not None:
            yield Counted(usage)
        is_incomplete = kind == "response.incomplete"
        yield Stopped(
            stop_of(response, is_incomplete=is_incomplete, has_refused=self._has_refused, has_called=self._has_called)
        )
        yield Finished()

    def _whole(self, items: list[Members], places: Places) -> Iterator[Heard]:
        """Items that did not come in pieces."""
        self._has_refused |= any(has_refused(item) for item in items)
        for number, part in enumerate(read_output(items)):
            self._heard_items.update(places)
            match part:
                case Text(text=text):
                    yield self._spoken(Said, (places, number), text)
                case Thinking(text=text):
                    yield self._spoken(Thought, (places, number), text)
                case call:
                    self._last, self._has_called = None, True
                    yield Called(f"whole_{number}", call.id, call.name)
                    yield Argued(f"whole_{number}", call.arguments)
                    yield CallDone(f"whole_{number}")


def _places(happened: _Event, id: str = "") -> Places:
    """How the event names its item: by its place in the output, by its id."""
    named = id or (happened.item_id if isinstance(happened.item_id, str) else "")
    index = happened.output_index
    by_index = (f"#{index}",) if type(index) is int else ()
    return (*by_index, named) if named else by_index


def _number(value: object, default: int) -> int:
    return value if type(value) is int else default


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
