"""Anthropic's messages."""

from typing import Annotated

import msgspec

from core.money.usage import COUNT_MAX, Usage
from core.refusals import Refusal
from core.wire.demanded_form import messages_form_tokens
from core.wire.dialects.anthropic_usage import dear_tier, read_anthropic_usage, served_tier
from core.wire.dialects.prepared_body import NUMBER, PreparedBody, members_of, prepared
from core.wire.dialects.provider_tools import AtLeastOne, anthropic_tools, named
from core.wire.dialects.rendering import anthropic_error
from core.wire.facts import AnswerFacts, ParsedCall, ThinkingAsked
from core.wire.json_body import decode_request, prompt_size
from core.wire.json_members import answer_members, error_code_in
from core.wire.media.walk import answer_id, given, kind_of, objects

FRAMING_TOKENS = 400
"""Around the conversation; with tools Anthropic adds a system prompt of up to about 350 tokens."""

Tokens = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)]
"""None at all fills the prompt cache and writes nothing."""


class _Edit(msgspec.Struct):
    type: str | None = None


class _ContextManagement(msgspec.Struct):
    edits: list[_Edit] | None = None


class _Thinking(msgspec.Struct):
    type: str | None = None
    budget_tokens: AtLeastOne | None = None


class _Request(msgspec.Struct):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    max_tokens: Tokens
    messages: Annotated[list[object], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    speed: str | None = None
    inference_geo: str | None = None
    thinking: _Thinking | None = None
    thread: object = None
    container: object = None
    mcp_servers: object = None
    fallbacks: object = None
    compaction: object = None
    context_management: _ContextManagement | None = None


class AnthropicDialect(msgspec.Struct, frozen=True):
    """`messages`."""

    name: str = "anthropic_messages"

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _Request)
        request = read.view
        media = read.media(request.model)
        tools = anthropic_tools(media.tools)
        media.hidden_inputs += tools.readers
        earlier = _continues(request.thread)
        return ParsedCall(
            model=request.model,
            is_streaming=bool(request.stream),
            prompt=prompt_size(
                read.lifted,
                media,
                framing_tokens=FRAMING_TOKENS + tools.prompt_tokens,
                earlier_answers=len(earlier),
            ),
            output_tokens_max=request.max_tokens,
            service_tier=dear_tier(request.speed, request.inference_geo),
            wants_stream_usage=True,
            web_search_calls_max=tools.web_search_calls_max,
            tool_calls_max=tools.web_search_calls_bound,
            reading_tools=tools.readers,
            thinking=_thinking(request.thinking),
            thinking_tokens=(request.thinking and request.thinking.budget_tokens) or 0,
            form_tokens=messages_form_tokens(read.members),
            unmetered_tools=tools.unmetered + _run_elsewhere(request),
            earlier_answers=earlier,
            may_be_continued=request.thread is not None,
            stored_references=tuple(media.stored) + (("thread",) if earlier else ()),
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        changes = {} if model is None else {"model": model}
        return prepared(body, members_of(body), changes, {"max_tokens": NUMBER})

    def read_answer(self, body: bytes) -> AnswerFacts:
        answer = answer_members(body)
        return AnswerFacts(
            usage=read_anthropic_usage(answer.raw("usage")),
            model=answer.word("model") or None,
            service_tier=served_tier(answer.raw("usage")),
            finish_reason=answer.word("stop_reason") or None,
            answer_id=answer.word("id") or None,
            error_code=error_code_in(answer, "type"),
        )

    def read_usage(self, usage_object: msgspec.Raw) -> Usage | None:
        return read_anthropic_usage(usage_object)

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


def _continues(thread: object) -> tuple[str, ...]:
    """The answer that a conversation kept by the provider goes on from. One that does not start goes on from some."""
    ids = [value for each in objects(thread) for value in given(each, "previousmessageid")]
    is_new = not thread or (isinstance(thread, dict) and kind_of(thread) == "start")
    return tuple(answer_id(value) for value in (ids if ids or is_new else [thread]))


def _thinking(asked: _Thinking | None) -> ThinkingAsked:
    if asked is None:
        return "unset"
    return "off" if asked.type == "disabled" else "on"
