"""A chat stream heard: what its chunks say, in the order in which they say it.

Providers differ in where reasoning shows, how calls are numbered (`stream_calls`) and where the usage stands: in a last
chunk without choices, with the reason of the end, in every chunk, in Groq's `x_groq`, nowhere. So the end is where the
stream says so (`[DONE]`), or after a usage that stands alone behind the reason.

The rule easy to break: only what is not empty counts. Roles, empty lists and empty texts say nothing, and a line that
cannot be read ends nothing.
"""

from collections.abc import Iterator

import msgspec

from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.json_depth import is_too_deep
from core.wire.json_members import NO_RAW, members_apart
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.sse import SSEEvent
from core.wire.translation.answer import (
    Began,
    Counted,
    Failed,
    Finished,
    Heard,
    ProviderError,
    Said,
    Stopped,
    Thought,
)
from core.wire.translation.chat.answer_reader import is_wrong_call, stop_of
from core.wire.translation.chat.stream_calls import Calls
from core.wire.translation.errors import read_error

_WRONG_CALL = ProviderError(
    kind="api",
    status=502,
    message="the model made a tool call that cannot be read",
    code="malformed_function_call",
)


class _Delta(msgspec.Struct):
    content: object = None
    refusal: object = None
    reasoning_content: object = None
    reasoning: object = None
    tool_calls: object = None
    function_call: object = None


class _Choice(msgspec.Struct):
    index: object = 0
    delta: _Delta | None = None
    finish_reason: object = None


class _Chunk(msgspec.Struct):
    """What may be odd without costing the chunk its meaning is of any type."""

    model: object = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = NO_RAW
    x_groq: msgspec.Raw = NO_RAW
    error: object = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_list = msgspec.json.Decoder(list[_Chunk]).decode
_FIRST = (0, None, "0")


class StreamHearing:
    """One stream."""

    def __init__(self) -> None:
        self._has_begun = False
        self._has_refused = False
        self._has_stopped = False
        self._is_over = False
        self._calls = Calls()

    def hear(self, event: SSEEvent) -> list[Heard]:
        """What the event says; nothing once the stream is over."""
        data = event.data
        if data is None or self._is_over or is_too_deep(data):
            return []
        if data.startswith(b"[DONE]"):
            return list(self._finished())
        try:
            chunk = read_leniently(data, _decode)
        except InvalidJSON:
            return self._failed(data) if event.event == "error" or _is_list_with_error(data) else []
        if chunk.error is not None or event.event == "error":
            return self._failed(data)
        return list(self._said(chunk))

    def _failed(self, data: bytes) -> list[Heard]:
        self._is_over = True
        return [Failed(read_error(data))]

    def _finished(self) -> Iterator[Heard]:
        self._is_over = True
        yield Finished()

    def _said(self, chunk: _Chunk) -> Iterator[Heard]:
        if not self._has_begun and isinstance(chunk.model, str) and chunk.model:
            self._has_begun = True
            yield Began(chunk.model)
        for choice in chunk.choices or ():
            if choice.index in _FIRST and not self._is_over:
                if choice.delta is not None:
                    yield from self._delta(choice.delta)
                if isinstance(choice.finish_reason, str) and choice.finish_reason:
                    yield from self._stopped(choice.finish_reason)
        if chunk.usage or chunk.x_groq:
            yield from self._counted(chunk)

    def _delta(self, delta: _Delta) -> Iterator[Heard]:
        if thought := _text(delta.reasoning_content) or _text(delta.reasoning):
            yield Thought(thought)
        if content := _text(delta.content):
            yield Said(content)
        if delta.refusal and (refusal := _text(delta.refusal)):
            self._has_refused = True
            yield Said(refusal)
        if delta.tool_calls:
            yield from self._calls.heard(delta.tool_calls)
        if delta.function_call:
            yield from self._calls.heard_the_old_way(delta.function_call)

    def _stopped(self, reason: str) -> Iterator[Heard]:
        if is_wrong_call(reason):
            self._is_over = True
            yield Failed(_WRONG_CALL)
            return
        self._has_stopped = True
        yield Stopped(stop_of(reason, has_refused=self._has_refused, has_called=self._calls.has_any))

    def _counted(self, chunk: _Chunk) -> Iterator[Heard]:
        if self._is_over:
            return
        groq = members_apart(chunk.x_groq)
        usage = read_openai_usage(chunk.usage) or read_openai_usage(groq.raw("usage"))
        if usage is not None:
            yield Counted(usage)
        if groq.has("error"):
            yield from self._failed(_groq_s_error(groq.word("error")))
        elif usage is not None and not chunk.choices and self._has_stopped:
            yield from self._finished()


def _text(value: object) -> str:
    """A text, or (of some who imitate the API) a list of parts."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    texts = [part.get("text") for part in value if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _is_list_with_error(data: bytes) -> bool:
    """As Gemini's OpenAI-style endpoint writes an error: a list of one."""
    try:
        return any(chunk.error is not None for chunk in read_leniently(data, _decode_list))
    except InvalidJSON:
        return False


def _groq_s_error(message: str) -> bytes:
    """Groq tells why it stopped a stream in words alone."""
    return msgspec.json.encode({"error": {"message": message, "type": "api_error"}})
