"""OpenAI's dialects: chat completions, legacy completions, Responses and its compaction, embeddings."""

from dataclasses import replace
from typing import Annotated

import msgspec

from core.money.text_size import text_tokens
from core.money.usage import COUNT_MAX, Usage
from core.refusals import InvalidRequest, Refusal
from core.wire.demanded_form import chat_form_tokens, responses_form_tokens
from core.wire.dialects.openai_answer import read_openai_answer
from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.dialects.prepared_body import NUMBER, Members, PreparedBody, members_of, object_in, prepared
from core.wire.dialects.provider_tools import (
    CHAT_SEARCH_CALLS,
    PRO_MODE_PROMPT_TOKENS,
    WEB_SEARCH_CALLS_MAX,
    AtLeastOne,
    google_extras,
    model_s_own_tools,
    named,
    openai_tools,
)
from core.wire.dialects.rendering import openai_error
from core.wire.facts import AnswerFacts, ParsedCall, ThinkingAsked
from core.wire.json_body import decode_request, prompt_size
from core.wire.media.walk import Media, add_stored_items, answer_id, given, objects

FRAMING_TOKENS = 16
"""Around the conversation: OpenAI's cookbook counts three a message and three for the answer; the JSON of each message
is counted as text already and outweighs its own frame."""

_LATER = "cannot be metered, because their cost is only known when they are polled"
_NOW = "and stream the answer where it takes long"

Model = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Tokens = Annotated[int, msgspec.Meta(ge=1, le=COUNT_MAX)]
TokensFromZero = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)]
"""Legacy completions may write nothing, to have a prompt echoed or scored."""
Answers = Annotated[int, msgspec.Meta(ge=1, le=128)]
AnswersFromZero = Annotated[int, msgspec.Meta(ge=0, le=128)]
"""The least `best_of` that OpenAI's specification takes, as its client's own tests show: one answer, as by default."""


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _SearchParameters(msgspec.Struct):
    mode: str | None = None


class _Thinking(msgspec.Struct):
    """Anthropic's member on its OpenAI-style endpoint."""

    type: str | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    mode: str | None = None


class _ChatRequest(msgspec.Struct):
    model: Model
    messages: Annotated[list[object], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    n: Answers | None = None
    service_tier: str | None = None
    web_search_options: object = None
    search_parameters: _SearchParameters | None = None
    deferred: bool | None = None
    reasoning_effort: str | None = None
    reasoning_format: str | None = None
    include_reasoning: bool | None = None
    thinking: _Thinking | None = None
    prediction: object = None


class _CompletionsRequest(msgspec.Struct):
    model: Model
    prompt: str | list[str | int | list[int]] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: TokensFromZero | None = None
    n: Answers | None = None
    best_of: AnswersFromZero | None = None


class _ResponsesRequest(msgspec.Struct):
    model: Model
    input: object = None
    instructions: object = None
    stream: bool | None = None
    background: bool | None = None
    store: object = None
    previous_response_id: object = None
    conversation: object = None
    max_output_tokens: Tokens | None = None
    service_tier: str | None = None
    max_tool_calls: AtLeastOne | None = None
    reasoning: _Reasoning | None = None
    prompt: object = None
    context_management: object = None


class _EmbeddingsRequest(msgspec.Struct):
    model: Model
    input: str | list[str | int | list[int]]


class _OpenAIDialect(msgspec.Struct, frozen=True):
    """What the five share."""

    name: str

    def read_usage(self, usage_object: msgspec.Raw) -> Usage | None:
        return read_openai_usage(usage_object)

    def read_answer(self, body: bytes) -> AnswerFacts:
        return read_openai_answer(body)

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        return openai_error(refusal, request_id)


class ChatDialect(_OpenAIDialect, frozen=True):
    """`chat/completions`, at any provider."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _ChatRequest)
        request = read.view
        if request.deferred:
            raise InvalidRequest(f"deferred completions {_LATER}: leave deferred out, {_NOW}", param="deferred")
        caps = [cap for cap in (request.max_completion_tokens, request.max_tokens) if cap is not None]
        media = read.media(request.model)
        tools = openai_tools(media.tools, model=request.model)
        return ParsedCall(
            model=request.model,
            is_streaming=bool(request.stream),
            prompt=prompt_size(read.lifted, media, framing_tokens=FRAMING_TOKENS + tools.prompt_tokens),
            output_tokens_max=max(caps) if caps else None,
            answers=request.n or 1,
            service_tier=request.service_tier,
            wants_stream_usage=bool(request.stream_options and request.stream_options.include_usage),
            web_search_calls_max=CHAT_SEARCH_CALLS if _searches(request) else tools.web_search_calls_max,
            searches_without_tool=_searches(request),
            document_search_calls_max=_document_searches(media),
            thinking=_thinking(request),
            form_tokens=chat_form_tokens(read.members),
            unmetered_tools=tools.unmetered
            + google_extras(read.members)
            + model_s_own_tools(request.model)
            + _live_search(request.search_parameters),
            unshown_output_tokens=_predicted_tokens(request.prediction, request.model),
            stored_references=tuple(media.stored),
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        members = members_of(body)
        named = [name for name in ("max_completion_tokens", "max_tokens") if name in members]
        ceiling = dict.fromkeys(named or ["max_completion_tokens"], NUMBER)
        return prepared(body, members, _changes(members, model, include_usage), ceiling)


class CompletionsDialect(_OpenAIDialect, frozen=True):
    """Legacy `completions`: several prompts at once, each answered `best_of` times."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _CompletionsRequest)
        request = read.view
        several = request.prompt if isinstance(request.prompt, list) else []
        prompts = 1 if not several or isinstance(several[0], int) else len(several)
        return ParsedCall(
            model=request.model,
            is_streaming=bool(request.stream),
            prompt=prompt_size(read.lifted, Media(read.lifted, request.model), framing_tokens=FRAMING_TOKENS),
            output_tokens_max=16 if request.max_tokens is None else request.max_tokens,
            answers=prompts * max(request.n or 1, request.best_of or 1),
            wants_stream_usage=bool(request.stream_options and request.stream_options.include_usage),
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        members = members_of(body)
        return prepared(body, members, _changes(members, model, include_usage), {"max_tokens": NUMBER})


class ResponsesDialect(_OpenAIDialect, frozen=True):
    """`responses`."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _ResponsesRequest)
        request = read.view
        if request.background:
            raise InvalidRequest(f"background responses {_LATER}: leave background out, {_NOW}", param="background")
        media = read.media(request.model)
        add_stored_items(media, [request.input, request.instructions])
        continued = {"previous_response_id": request.previous_response_id, "conversation": request.conversation}
        earlier = tuple(answer_id(value) for value in continued.values() if value)
        tools = openai_tools(media.tools, model=request.model)
        stored = {"prompt": request.prompt, "context_management": request.context_management}
        return ParsedCall(
            model=request.model,
            is_streaming=bool(request.stream),
            prompt=prompt_size(
                read.lifted,
                media,
                framing_tokens=FRAMING_TOKENS + tools.prompt_tokens + _pro_mode_tokens(request.reasoning),
                earlier_answers=len(earlier),
            ),
            output_tokens_max=request.max_output_tokens,
            service_tier=request.service_tier,
            wants_stream_usage=True,
            web_search_calls_max=tools.web_search_calls_max,
            tool_calls_max=request.max_tool_calls,
            document_search_calls_max=_document_searches(media),
            thinking="off" if request.reasoning and request.reasoning.effort == "none" else "unset",
            form_tokens=responses_form_tokens(read.members),
            unmetered_tools=tools.unmetered + named(stored) + model_s_own_tools(request.model),
            earlier_answers=earlier,
            may_be_continued=request.store is not False,
            stored_references=(*media.stored, *named(continued), *named({"prompt": request.prompt})),
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        members = members_of(body)
        return prepared(body, members, _changes(members, model, False), {"max_output_tokens": NUMBER})


class CompactionDialect(ResponsesDialect, frozen=True):
    """`responses/compact`: a conversation in, a shorter one out, as long as the model makes it."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        call = super().parse_request(body, path=path)
        if call.is_streaming:
            raise InvalidRequest("a compaction is not streamed: leave stream out", param="stream")
        return replace(call, output_tokens_max=None, takes_ceiling=False, may_be_continued=False)

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        members = members_of(body)
        return prepared(body, members, _changes(members, model, False), {})


class EmbeddingsDialect(_OpenAIDialect, frozen=True):
    """`embeddings`: input only."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _EmbeddingsRequest)
        request = read.view
        return ParsedCall(
            model=request.model,
            is_streaming=False,
            prompt=prompt_size(read.lifted, Media(read.lifted, request.model), framing_tokens=FRAMING_TOKENS),
            output_tokens_max=None,
            has_output=False,
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        members = members_of(body)
        return prepared(body, members, _changes(members, model, False), {})


def _searches(request: _ChatRequest) -> bool:
    """Some models search whether or not they are asked to."""
    return request.web_search_options is not None or "-search" in request.model


def _document_searches(media: Media) -> int:
    """xAI does not read a document that is attached, it searches it."""
    return WEB_SEARCH_CALLS_MAX if media.attachments else 0


def _predicted_tokens(prediction: object, model: str) -> int:
    """What of a predicted answer the model may reject: billed as output, never shown."""
    contents = [content for each in objects(prediction) for content in given(each, "content")]
    return sum(text_tokens(msgspec.json.encode(content), model) for content in contents)


def _pro_mode_tokens(reasoning: _Reasoning | None) -> int:
    return PRO_MODE_PROMPT_TOKENS if reasoning is not None and reasoning.mode == "pro" else 0


def _thinking(request: _ChatRequest) -> ThinkingAsked:
    """Groq may be asked to leave reasoning out; Anthropic has no place for it in this dialect."""
    if request.thinking is not None:
        return "off" if request.thinking.type == "disabled" else "hidden"
    if request.reasoning_format == "hidden" or request.include_reasoning is False:
        return "hidden"
    return "off" if request.reasoning_effort == "none" else "unset"


def _live_search(parameters: _SearchParameters | None) -> tuple[str, ...]:
    """xAI's older search is billed by the source it reads, which no answer bounds."""
    return () if parameters is None or parameters.mode == "off" else ("search_parameters",)


def _changes(members: Members, model: str | None, include_usage: bool) -> dict[str, object]:
    changes: dict[str, object] = {} if model is None else {"model": model}
    if include_usage:
        changes["stream_options"] = {**object_in(members, "stream_options"), "include_usage": True}
    return changes
