"""Streams of chunks as OpenAI's chat completions and completions write them, and every provider
that imitates them.

They differ in where reasoning shows (`reasoning_content` at xAI and DeepSeek, `reasoning` at Groq,
nowhere at OpenAI) and in where usage stands: a last chunk without choices, the finishing chunk,
every chunk, or Groq's `x_groq`. The rule easy to break: a count is final only when no choice is
still being written.
"""

from dataclasses import dataclass

import msgspec

from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.json_members import NO_RAW, members_apart
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.sse import SSEEvent, SSEParser
from core.wire.streams.observation import (
    NOTHING,
    TOOL_CALL_TOKENS,
    Observation,
    Splitter,
    StreamDialect,
    StreamReader,
    decoded_base64_bytes,
    error_code_of,
    sse,
    sse_raw,
    text_or_none,
    word_or_none,
)

_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ChunkForm:
    """What a chunk of one of the two APIs is called, and the member its choices carry output in."""

    object_name: str
    output_member: str
    empty_output: object


CHAT = ChunkForm("chat.completion.chunk", "delta", {})
COMPLETIONS = ChunkForm("text_completion", "text", "")


_Index = int | float | str | None


class _Part(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Part | None = None
    custom: _Part | None = None


class _Audio(msgspec.Struct):
    data: str | None = None
    transcript: str | None = None


class _Annotation(msgspec.Struct):
    type: str | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Part | None = None
    audio: _Audio | None = None
    annotations: list[_Annotation] | None = None


class _Choice(msgspec.Struct):
    index: _Index = 0
    delta: _Delta | None = None
    text: str | None = None
    finish_reason: object = None


class _Chunk(msgspec.Struct):
    """What may be odd without costing the event its meaning is of any type."""

    id: object = None
    created: object = None
    model: object = None
    service_tier: object = None
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = NO_RAW
    x_groq: msgspec.Raw = NO_RAW
    error: object = None


_decode = msgspec.json.Decoder(_Chunk).decode


class OpenAIChunkReader(StreamReader):
    """Reads one stream of chunks and can end it."""

    def __init__(self, dialect: StreamDialect, form: ChunkForm) -> None:
        self.splitter: Splitter = SSEParser()
        self._dialect = dialect
        self._form = form
        self._created_s = 0
        self._is_done = False
        self._open_choices: frozenset[_Index] = frozenset()
        self._finished_choices: frozenset[_Index] = frozenset()
        self._has_searched = False

    @property
    def is_ended(self) -> bool:
        if self._is_done or self.error_code is not None:
            return True
        return bool(self._finished_choices) and not self._open_choices

    def reopen(self) -> None:
        self._open_choices |= self._finished_choices

    def observe(self, event: SSEEvent) -> Observation:
        data = event.data
        if data is None:
            return NOTHING
        if data.startswith(b"[DONE]"):
            self._is_done = True
            return NOTHING
        try:
            chunk = read_leniently(data, _decode)
        except InvalidJSON:
            return self.observe_unread(event)
        searches = 0
        if self.answer_id is None:
            searches = self._note_head(chunk)
        if chunk.service_tier is not None:
            self.service_tier = text_or_none(chunk.service_tier) or self.service_tier
        if chunk.error is not None:
            self.error_code = error_code_of(chunk.error, "code", "type")
        return self._observation(chunk, searches)

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, usage: Usage) -> bytes:
        if self.is_ended:
            return b"" if self._is_done else _DONE
        if not is_soft:
            return sse_raw(self._dialect.render_refusal(refusal, request_id)) + _DONE
        choices = [
            {
                "index": index,
                self._form.output_member: self._form.empty_output,
                "logprobs": None,
                "finish_reason": "length",
            }
            for index in sorted(self._open_choices or {0}, key=str)
        ]
        chunk = {
            "id": self.answer_id or request_id,
            "object": self._form.object_name,
            "created": self._created_s,
            "model": self.model or "",
            "choices": choices,
        }
        return sse(chunk) + _DONE

    def _note_head(self, chunk: _Chunk) -> int:
        """Returns how many searches a model of this name makes unasked."""
        self.answer_id = text_or_none(chunk.id)
        self.model = text_or_none(chunk.model) or self.model
        self._created_s = chunk.created if isinstance(chunk.created, int) else 0
        is_searching = not self._has_searched and "-search" in (self.model or "")
        self._has_searched |= is_searching
        return int(is_searching)

    def _observation(self, chunk: _Chunk, searches: int) -> Observation:
        text = reasoning = ""
        extra_tokens = audio_bytes = 0
        for choice in chunk.choices or ():
            delta = choice.delta
            thought = None
            written = choice.text
            if delta is not None:
                written = delta.content
                thought = delta.reasoning_content or delta.reasoning
                if thought:
                    reasoning += thought
                if delta.tool_calls or delta.function_call or delta.audio or delta.refusal:
                    more, tool_tokens, spoken_bytes = _seldom(delta)
                    written = (written or "") + more
                    extra_tokens += tool_tokens
                    audio_bytes += spoken_bytes
                if delta.annotations:
                    searches += self._new_search(delta.annotations)
            if written:
                text += written
            if choice.finish_reason:
                self._finish(choice)
            elif choice.index not in self._open_choices and (
                written or thought or choice.index not in self._finished_choices
            ):
                self._open_choices |= {choice.index}
        raw_usage = _raw_usage(chunk)
        if raw_usage is None:
            return Observation(text, reasoning, extra_tokens, audio_bytes, web_search_calls=searches)
        usage = self._dialect.read_usage(raw_usage)
        return Observation(
            text,
            reasoning,
            extra_tokens,
            audio_bytes,
            web_search_calls=searches,
            usage=usage,
            is_final_usage=not chunk.choices or not self._open_choices,
            is_usage_only=usage is not None and not chunk.choices,
        )

    def _finish(self, choice: _Choice) -> None:
        self.finish_reason = word_or_none(choice.finish_reason) or self.finish_reason
        self._open_choices -= {choice.index}
        self._finished_choices |= {choice.index}

    def _new_search(self, annotations: list[_Annotation]) -> int:
        """A chat answer shows by what it cites that there was a search, not how many."""
        if self._has_searched or all(each.type != "url_citation" for each in annotations):
            return 0
        self._has_searched = True
        return 1


def _seldom(delta: _Delta) -> tuple[str, int, int]:
    """Text, tool-call frames and audio bytes of a delta that carries more than an answer."""
    text = delta.refusal or ""
    tokens = 0
    parts = [delta.function_call]
    for call in delta.tool_calls or ():
        parts += [call.function, call.custom]
    for part in parts:
        if part is None:
            continue
        text += (part.name or "") + (part.arguments or "") + (part.input or "")
        tokens += TOOL_CALL_TOKENS if part.name else 0
    if delta.audio is None:
        return text, tokens, 0
    return (
        text + (delta.audio.transcript or ""),
        tokens,
        decoded_base64_bytes(delta.audio.data or ""),
    )


def _raw_usage(chunk: _Chunk) -> msgspec.Raw | None:
    if chunk.usage and bytes(chunk.usage) != b"null":
        return chunk.usage
    return members_apart(chunk.x_groq).raw("usage") or None if chunk.x_groq else None
