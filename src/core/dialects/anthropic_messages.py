"""Anthropic's messages. Its usage is disjoint as it comes: `input_tokens` contains no cached ones."""

from typing import Annotated

import msgspec

from core.calls import AnswerFacts, ParsedCall
from core.dialects.json_body import decode_answer, decode_request, prompt_size, spliced
from core.dialects.media import NOTHING, Message, anthropic_media
from core.dialects.provider_tools import Tool, anthropic_tools, named
from core.dialects.rendering import anthropic_error
from core.refusals import Refusal
from core.usage import Usage

FRAMING_TOKENS = 400
"""Around the conversation; with tools Anthropic adds a system prompt of up to about 350 tokens."""

_ANYWHERE = (None, "", "global", "not_available")

Tokens = Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]


class _ContextManagement(msgspec.Struct):
    edits: list[Tool] | None = None


class _Thread(msgspec.Struct):
    """A conversation that the provider keeps."""

    previous_message_id: str | None = None


class _Request(msgspec.Struct):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    max_tokens: Tokens
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    speed: str | None = None
    inference_geo: str | None = None
    tools: list[Tool] | None = None
    thread: _Thread | None = None
    container: msgspec.Raw = NOTHING
    mcp_servers: msgspec.Raw = NOTHING
    fallbacks: msgspec.Raw = NOTHING
    compaction: msgspec.Raw = NOTHING
    context_management: _ContextManagement | None = None


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: str | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = NOTHING


class AnthropicDialect(msgspec.Struct, frozen=True):
    """`messages`."""

    name: str = "anthropic_messages"

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        request = decode_request(body, _Request)
        tools = anthropic_tools(request.tools or ())
        media = anthropic_media(request.messages)
        media.hidden_inputs += tools.readers + _continues(request.thread)
        return ParsedCall(
            model=request.model,
            is_streaming=bool(request.stream),
            prompt=prompt_size(body, media, model=request.model, framing_tokens=FRAMING_TOKENS),
            output_tokens_max=request.max_tokens,
            service_tier=_dear_tier(request.speed, request.inference_geo),
            wants_stream_usage=True,
            web_search_calls_max=tools.web_search_calls_max,
            unmetered_tools=tools.unmetered + _run_elsewhere(request),
        )

    def with_changes(
        self,
        body: bytes,
        *,
        output_tokens_max: int | None = None,
        model: str | None = None,
        include_usage: bool = False,
    ) -> bytes:
        changes: dict[str, object] = {} if model is None else {"model": model}
        if output_tokens_max is not None:
            changes["max_tokens"] = output_tokens_max
        return spliced(body, changes)

    def read_answer(self, body: bytes) -> AnswerFacts:
        answer = decode_answer(body, _Answer)
        usage = self.read_usage(answer.usage) if answer.usage else None
        return AnswerFacts(usage, answer.model, None, answer.stop_reason)

    def read_usage(self, usage_object: msgspec.Raw) -> Usage | None:
        """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
        try:
            counted = msgspec.json.decode(usage_object, type=_Usage | None)
        except msgspec.DecodeError:
            return None
        if counted is None or (counted.input_tokens is None and counted.output_tokens is None):
            return None
        written = _count(counted.cache_creation_input_tokens)
        lives = counted.cache_creation or _CacheCreation()
        an_hour = _count(lives.ephemeral_1h_input_tokens)
        five_minutes = max(written - an_hour, _count(lives.ephemeral_5m_input_tokens))
        searches = counted.server_tool_use or _ServerTools()
        return Usage(
            input_tokens=_count(counted.input_tokens),
            cached_input_tokens=_count(counted.cache_read_input_tokens),
            cache_write_5m_tokens=five_minutes,
            cache_write_1h_tokens=an_hour,
            output_tokens=_count(counted.output_tokens),
            web_search_calls=_count(searches.web_search_requests),
        )

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        return anthropic_error(refusal, request_id)


def _run_elsewhere(request: _Request) -> tuple[str, ...]:
    """Containers, tools behind other servers, other models, and summaries that `max_tokens` does not bound."""
    members = {
        "container": request.container,
        "mcp_servers": request.mcp_servers,
        "fallbacks": request.fallbacks,
        "compaction": request.compaction,
    }
    edits = (request.context_management and request.context_management.edits) or ()
    return named(members) + tuple(edit.type for edit in edits if edit.type and edit.type.startswith("compact"))


def _continues(thread: _Thread | None) -> bool:
    return thread is not None and thread.previous_message_id is not None


def _dear_tier(speed: str | None, geography: str | None) -> str | None:
    """Fast inference and inference kept in one country cost more, together and apart; the table names them so."""
    dear = ["fast"] if speed == "fast" else []
    if geography not in _ANYWHERE:
        dear.append("us")
    return "_".join(dear) or None


def _count(value: int | None) -> int:
    return max(0, value or 0)
