"""Streams of Anthropic's Messages API: a message of content blocks, each opened, written and closed
by events.

Usage comes twice: the input at `message_start`, cumulative totals at `message_delta`. A later total
replaces an earlier one field by field, and a field that the later object leaves out keeps its
earlier value.
"""

import msgspec

from core.money.usage import Usage
from core.refusals import Refusal
from core.wire.dialects.anthropic_usage import served_tier
from core.wire.json_members import NO_RAW
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.sse import SSEEvent, SSEParser
from core.wire.streams.observation import (
    NOTHING,
    TOOL_CALL_TOKENS,
    Observation,
    Splitter,
    StreamDialect,
    StreamReader,
    error_code_of,
    sse,
    sse_raw,
    text_or_none,
    unreadable,
    word_or_none,
)


class _Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: object = None


class _Block(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    data: str | None = None


class _Message(msgspec.Struct):
    id: object = None
    model: object = None
    usage: msgspec.Raw = NO_RAW


class _Event(msgspec.Struct):
    """What may be odd without costing the event its meaning is of any type."""

    type: str = ""
    index: int | float | str | None = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | None = None
    usage: msgspec.Raw = NO_RAW
    error: object = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_usage = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_UNBILLED_DELTAS = frozenset({"signature_delta", "citations_delta"})
"""Signatures are not output, and cited text is not billed as output."""

PAGE_BYTES_PER_TOKEN = 3
"""Of a page that was fetched, as JSON text or as the base64 of a PDF: somewhat high."""


class AnthropicReader(StreamReader):
    """Reads one stream of messages events and can end it."""

    def __init__(self, dialect: StreamDialect) -> None:
        self.splitter: Splitter = SSEParser()
        self._dialect = dialect
        self._usage: dict[str, msgspec.Raw] = {}
        self._open_blocks: tuple[int | float | str | None, ...] = ()
        self._is_begun = False
        self._is_finished = False
        self._is_stopped = False

    @property
    def is_ended(self) -> bool:
        return self._is_stopped or self._is_finished or self.error_code is not None

    def reopen(self) -> None:
        self._is_finished = False

    def observe(self, event: SSEEvent) -> Observation:
        if event.data is None:
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
        match happened.type:
            case "content_block_delta" if happened.delta is not None:
                return _delta_observation(happened.delta, event)
            case "content_block_start" if happened.content_block is not None:
                self._open_blocks += (happened.index,)
                return _block_observation(happened.content_block, event)
            case "content_block_stop":
                self._open_blocks = tuple(block for block in self._open_blocks if block != happened.index)
            case "message_start" if happened.message is not None:
                self._is_begun = True
                self.model = text_or_none(happened.message.model)
                self.answer_id = text_or_none(happened.message.id)
                return self._usage_observation(happened.message.usage)
            case "message_delta":
                if happened.delta is not None and happened.delta.stop_reason:
                    self.finish_reason = word_or_none(happened.delta.stop_reason) or self.finish_reason
                    self._is_finished = True
                return self._usage_observation(happened.usage)
            case "message_stop":
                self._is_stopped = True
            case kind if kind == "error" or happened.error is not None:
                self.error_code = error_code_of(happened.error, "type")
            case "ping":
                pass
            case _:
                return unreadable(event)
        return NOTHING

    def render_cut(self, refusal: Refusal, request_id: str, *, is_soft: bool, usage: Usage) -> bytes:
        if self.is_ended:
            return b""
        if not is_soft or not self._is_begun:
            return sse_raw(self._dialect.render_refusal(refusal, request_id), event="error")
        closing = [
            sse({"type": "content_block_stop", "index": index}, event="content_block_stop")
            for index in self._open_blocks
        ]
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": {"output_tokens": usage.completion_tokens},
        }
        closing.append(sse(delta, event="message_delta"))
        closing.append(sse({"type": "message_stop"}, event="message_stop"))
        return b"".join(closing)

    def _usage_observation(self, reported: msgspec.Raw) -> Observation:
        try:
            members = read_leniently(reported, _decode_usage)
        except InvalidJSON:
            return NOTHING
        given = {name: count.copy() for name, count in members.items() if bytes(count) != b"null"}
        self._usage = {**self._usage, **given}
        merged = msgspec.Raw(msgspec.json.encode(self._usage))
        self.service_tier = served_tier(merged) or self.service_tier
        usage = self._dialect.read_usage(merged)
        is_counted = "server_tool_use" in self._usage
        return Observation(usage=usage, is_final_usage=self._is_finished, counts_searches=is_counted)


def _delta_observation(delta: _Delta, event: SSEEvent) -> Observation:
    match delta.type:
        case "text_delta":
            return Observation(text=delta.text or "")
        case "input_json_delta":
            return Observation(text=delta.partial_json or "")
        case "thinking_delta":
            return Observation(reasoning=delta.thinking or "")
        case kind if kind in _UNBILLED_DELTAS:
            return NOTHING
        case _:
            return unreadable(event)


def _block_observation(block: _Block, event: SSEEvent) -> Observation:
    """What a block brings along when it opens: mostly nothing, a tool's name, thinking that was encrypted, or what a
    tool of Anthropic's own is about to search for or has read."""
    if block.type == "web_fetch_tool_result":
        return Observation(page_reads=1, page_tokens=len(event.raw) // PAGE_BYTES_PER_TOKEN)
    return Observation(
        text=(block.text or "") + (block.name or ""),
        reasoning=(block.thinking or "") + (block.data or ""),
        extra_tokens=TOOL_CALL_TOKENS if block.name else 0,
        web_search_calls=int(block.type == "server_tool_use" and block.name == "web_search"),
    )
