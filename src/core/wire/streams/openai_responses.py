"""Streams of OpenAI's Responses API: numbered, typed events that build up a response item by item.

Whatever ends in `.delta` and carries text is output; which kind, the name of its type says. Usage
comes once, inside the event that ends the response, and does not count the searches billed by call.
"""

from dataclasses import replace

import msgspec

from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.dialects.openai_answer import is_billed_search
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
    unreadable,
    word_or_none,
)
from core.wire.streams.open_response import OpenResponse, failed_ending, flat_error, numbered, soft_ending

_ITEM_EVENTS = frozenset({"response.output_item.added", "response.output_item.done"})
_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_RESPONSE_EVENTS = _ENDINGS | {"response.created", "response.queued", "response.in_progress"}


class _Event(msgspec.Struct):
    """What may be odd without costing the event its meaning is of any type."""

    type: str = ""
    sequence_number: object = None
    output_index: object = None
    content_index: object = None
    summary_index: object = None
    delta: str | dict[str, msgspec.Raw] | None = None
    item: msgspec.Raw = NO_RAW
    response: msgspec.Raw = NO_RAW
    code: object = None
    error: object = None


_decode = msgspec.json.Decoder(_Event).decode


class OpenAIResponsesReader(StreamReader):
    """Reads one stream of response events and can end it."""

    def __init__(self, dialect: StreamDialect) -> None:
        self.splitter: Splitter = SSEParser()
        self._dialect = dialect
        self._so_far = OpenResponse()
        self._sequence_number = -1
        self._is_finished = False

    @property
    def is_ended(self) -> bool:
        return self._is_finished or self.error_code is not None

    def reopen(self) -> None:
        self._is_finished = False

    def observe(self, event: SSEEvent) -> Observation:
        if event.data is None or event.data.startswith(b"[DONE]"):
            return NOTHING
        try:
            happened = read_leniently(event.data, _decode)
        except InvalidJSON:
            return self.observe_unread(event)
        seen = self._seen(happened, event)
        if seen.has_output:
            self._is_finished = False
        return seen

    def _seen(self, happened: _Event, event: SSEEvent) -> Observation:
        self._sequence_number = max(self._sequence_number, _index(happened.sequence_number, -1))
        if happened.delta is not None:
            return self._delta(happened, event)
        if happened.type in _ITEM_EVENTS:
            return self._item(happened.type, _index(happened.output_index, 0), happened.item)
        if happened.type in _RESPONSE_EVENTS:
            return self._response(happened.type, happened.response)
        if happened.type == "error" or happened.error is not None:
            self.error_code = word_or_none(happened.code) or error_code_of(happened.error, "code", "type")
        elif happened.type == "response.image_generation_call.partial_image":
            return Observation(images=1)
        return NOTHING

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, usage: Usage) -> bytes:
        if self.is_ended:
            return b""
        if is_soft and self._so_far.response:
            return soft_ending(self._so_far, after_sequence_number=self._sequence_number)
        error = msgspec.json.decode(self._dialect.render_refusal(refusal, request_id))["error"]
        if not refusal.is_for_good:  # a response that failed is one that nobody asks for again
            return numbered([flat_error(error)], after_sequence_number=self._sequence_number)
        return failed_ending(
            self._so_far, error, usage, id=self.answer_id or request_id, after_sequence_number=self._sequence_number
        )

    def _delta(self, happened: _Event, event: SSEEvent) -> Observation:
        delta = happened.delta
        if not isinstance(delta, str):
            # What a tool the provider runs prints is its input, not its output.
            return NOTHING if happened.type.endswith("output_content.delta") else unreadable(event)
        if happened.type == "response.audio.delta":
            return Observation(audio_bytes=decoded_base64_bytes(delta))
        self._so_far = self._so_far.written(
            happened.type,
            output_index=_index(happened.output_index, 0),
            part_index=_index(happened.content_index, _index(happened.summary_index, 0)),
            text=delta,
        )
        if "reasoning" in happened.type:
            return Observation(reasoning=delta)
        return Observation(text=delta)

    def _item(self, kind: str, index: int, raw: msgspec.Raw) -> Observation:
        item = members_apart(raw)
        if kind == "response.output_item.added":
            self._so_far = self._so_far.item_added(index, bytes(raw))
            if name := item.word("name"):
                return Observation(text=name, extra_tokens=TOOL_CALL_TOKENS)
        elif kind == "response.output_item.done":
            self._so_far = self._so_far.item_done(index, bytes(raw))
            if item.word("type") == "web_search_call":
                is_billed = is_billed_search(item.inner("action").word("type"))
                return Observation(web_search_calls=1) if is_billed else Observation(page_reads=1)
        return NOTHING

    def _response(self, kind: str, raw: msgspec.Raw) -> Observation:
        response = members_apart(raw)
        self.model = response.word("model") or self.model
        self.service_tier = response.word("service_tier") or self.service_tier
        self.answer_id = response.word("id") or self.answer_id
        self.conversation_id = response.inner("conversation").word("id") or self.conversation_id
        if kind not in _ENDINGS:
            self._so_far = replace(self._so_far, response=bytes(raw))
            return NOTHING
        self._is_finished = True
        self.finish_reason = response.word("status") or kind.removeprefix("response.")
        if kind == "response.failed":
            self.error_code = response.inner("error").word("code", "type") or "error"
        self._so_far = OpenResponse()
        usage = self._dialect.read_usage(response.raw("usage"))
        return Observation(usage=usage, is_final_usage=usage is not None)


def _index(value: object, default: int) -> int:
    return value if isinstance(value, int) else default
