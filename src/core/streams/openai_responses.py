"""Streams of OpenAI's Responses API: numbered, typed events that build up a response item by item.

Whatever ends in `.delta` and carries text is output; which kind, the name of its type says. Usage
comes once, inside the event that ends the response, and does not count the searches billed by call.
"""

from dataclasses import replace

import msgspec

from core.dialects.openai_answer import UNBILLED_ACTIONS
from core.refusals import Refusal
from core.sse import SSEEvent, SSEParser
from core.streams.observation import (
    NO_RAW,
    NOTHING,
    TOOL_CALL_TOKENS,
    Observation,
    Splitter,
    StreamDialect,
    decoded_base64_bytes,
    sse,
    unreadable,
)
from core.streams.open_response import OpenResponse, soft_ending

_ITEM_EVENTS = frozenset({"response.output_item.added", "response.output_item.done"})
_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_RESPONSE_EVENTS = _ENDINGS | {"response.created", "response.queued", "response.in_progress"}


class _Error(msgspec.Struct):
    code: str | None = None
    type: str | None = None


class _Action(msgspec.Struct):
    type: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    action: _Action | None = None

    @property
    def is_search(self) -> bool:
        """Looking at a page found earlier costs nothing."""
        return self.type == "web_search_call" and (self.action is None or self.action.type not in UNBILLED_ACTIONS)


class _Response(msgspec.Struct):
    model: str | None = None
    status: str | None = None
    service_tier: str | None = None
    usage: msgspec.Raw = NO_RAW
    error: _Error | None = None


class _Event(msgspec.Struct):
    type: str
    sequence_number: int = -1
    output_index: int = 0
    content_index: int | None = None
    summary_index: int | None = None
    delta: str | dict[str, msgspec.Raw] | None = None
    item: msgspec.Raw = NO_RAW
    response: msgspec.Raw = NO_RAW
    code: str | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_response = msgspec.json.Decoder(_Response).decode


class OpenAIResponsesReader:
    """Reads one stream of response events and can end it."""

    def __init__(self, dialect: StreamDialect) -> None:
        self.splitter: Splitter = SSEParser()
        self.model: str | None = None
        self.service_tier: str | None = None
        self.finish_reason: str | None = None
        self.error_code: str | None = None
        self._dialect = dialect
        self._so_far = OpenResponse()
        self._sequence_number = -1

    @property
    def is_ended(self) -> bool:
        return self.finish_reason is not None or self.error_code is not None

    def observe(self, event: SSEEvent) -> Observation:
        if event.data is None or event.data.startswith(b"[DONE]"):
            return NOTHING
        try:
            happened = _decode(event.data)
            self._sequence_number = max(self._sequence_number, happened.sequence_number)
            if happened.delta is not None:
                return self._delta(happened, event)
            if happened.type in _ITEM_EVENTS:
                return self._item(happened.type, happened.output_index, happened.item)
            if happened.type in _RESPONSE_EVENTS:
                return self._response(happened.type, happened.response)
        except msgspec.MsgspecError:
            return unreadable(event)
        if happened.type == "error":
            self.error_code = _code_of(happened.error) or happened.code or "error"
        elif happened.type == "response.image_generation_call.partial_image":
            return Observation(images=1)
        return NOTHING

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, output_tokens: int) -> bytes:
        if self.is_ended:
            return b""
        if is_soft and self._so_far.response:
            return soft_ending(self._so_far, after_sequence_number=self._sequence_number)
        error = msgspec.json.decode(self._dialect.render_refusal(refusal, request_id))["error"]
        # The API's own error event is flat; its official clients raise on a member `error`.
        event = {
            "type": "error",
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "sequence_number": self._sequence_number + 1,
            "error": error,
        }
        return sse(event, event="error")

    def _delta(self, happened: _Event, event: SSEEvent) -> Observation:
        delta = happened.delta
        if not isinstance(delta, str):
            # What a tool the provider runs prints is its input, not its output.
            return NOTHING if happened.type.endswith("output_content.delta") else unreadable(event)
        if happened.type == "response.audio.delta":
            return Observation(audio_bytes=decoded_base64_bytes(delta))
        part_index = happened.content_index
        if part_index is None:
            part_index = happened.summary_index or 0
        self._so_far = self._so_far.written(
            happened.type, output_index=happened.output_index, part_index=part_index, text=delta
        )
        if "reasoning" in happened.type:
            return Observation(reasoning=delta)
        return Observation(text=delta)

    def _item(self, kind: str, index: int, raw: msgspec.Raw) -> Observation:
        item = _decode_item(raw)
        if kind == "response.output_item.added":
            self._so_far = self._so_far.item_added(index, bytes(raw))
            if item.name is not None:
                return Observation(text=item.name, extra_tokens=TOOL_CALL_TOKENS)
        elif kind == "response.output_item.done":
            self._so_far = self._so_far.item_done(index, bytes(raw))
            if item.is_search:
                return Observation(web_search_calls=1)
        return NOTHING

    def _response(self, kind: str, raw: msgspec.Raw) -> Observation:
        response = _decode_response(raw)
        self.model = response.model or self.model
        self.service_tier = response.service_tier or self.service_tier
        if kind not in _ENDINGS:
            self._so_far = replace(self._so_far, response=bytes(raw))
            return NOTHING
        self.finish_reason = response.status or kind.removeprefix("response.")
        if kind == "response.failed":
            self.error_code = _code_of(response.error) or "error"
        self._so_far = OpenResponse()
        if not response.usage:
            return NOTHING
        usage = self._dialect.read_usage(response.usage)
        return Observation(usage=usage, is_final_usage=usage is not None)


def _code_of(error: _Error | None) -> str | None:
    return None if error is None else error.code or error.type
