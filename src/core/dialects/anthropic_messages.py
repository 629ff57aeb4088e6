"""Anthropic's messages. Its usage is disjoint as it comes: `input_tokens` contains no cached ones."""

from typing import Annotated

import msgspec

from core.calls import AnswerFacts, ParsedCall
from core.dialects.json_body import decode_answer, decode_request, prompt_size, spliced
from core.dialects.media import NOTHING, Message, anthropic_media
from core.dialects.rendering import anthropic_error
from core.refusals import Refusal
from core.usage import Usage

FRAMING_TOKENS = 400
"""Around the conversation; with tools Anthropic adds a system prompt of up to about 350 tokens."""

WEB_SEARCH_CALLS_MAX = 10
"""Anthropic's own bound is the tool's `max_uses`; without one this many searches are held."""

Tokens = Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]


class _Tool(msgspec.Struct):
    type: str | None = None
    max_uses: int | None = None


class _Request(msgspec.Struct):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    max_tokens: Tokens
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    speed: str | None = None
    inference_geo: str | None = None
    tools: list[_Tool] | None = None


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
        searches = [tool.max_uses for tool in request.tools or () if (tool.type or "").startswith("web_search")]
        return ParsedCall(
            model=request.model,
            is_streaming=bool(request.stream),
            prompt=prompt_size(
                body, anthropic_media(request.messages), model=request.model, framing_tokens=FRAMING_TOKENS
            ),
            output_tokens_max=request.max_tokens,
            service_tier=_dear_tier(request),
            wants_stream_usage=True,
            web_search_calls_max=sum(uses or WEB_SEARCH_CALLS_MAX for uses in searches),
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


def _dear_tier(request: _Request) -> str | None:
    """Fast inference and inference kept in one country cost more, together and apart; the table names them so."""
    asked = ["fast"] if request.speed == "fast" else []
    if request.inference_geo == "us":
        asked.append("us")
    return "_".join(asked) or None


def _count(value: int | None) -> int:
    return max(0, value or 0)
