"""Gemini's native dialects: `generateContent` with its streaming twin, and embeddings. The model is in the path.

Google's REST reads them as protobuf's reader of JSON does: camelCase and snake_case alike, a number as a string, one
object alone for a list of one, a number for an enum's name.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from core.money.usage import COUNT_MAX, Usage
from core.refusals import InvalidRequest, Refusal
from core.wire.demanded_form import gemini_form_tokens
from core.wire.dialects.gemini_usage import read_gemini_answer, read_gemini_usage
from core.wire.dialects.prepared_body import NUMBER, PreparedBody, members_of, object_in, object_of, prepared
from core.wire.dialects.provider_tools import gemini_tools, model_s_own_tools
from core.wire.dialects.rendering import google_error
from core.wire.facts import AnswerFacts, ParsedCall, ThinkingAsked
from core.wire.json_body import decode_request, prompt_size, refuse_second_spellings
from core.wire.media.walk import given, objects

FRAMING_TOKENS = 16

Tokens = Annotated[int, msgspec.Meta(ge=1, le=COUNT_MAX)]
Answers = Annotated[int, msgspec.Meta(ge=1, le=8)]


class _Thinking(msgspec.Struct):
    thinkingBudget: int | None = None
    thinking_budget: int | None = None


class _GenerationConfig(msgspec.Struct):
    maxOutputTokens: Tokens | None = None
    max_output_tokens: Tokens | None = None
    candidateCount: Answers | None = None
    candidate_count: Answers | None = None
    thinkingConfig: _Thinking | None = None
    thinking_config: _Thinking | None = None

    @property
    def thinking(self) -> ThinkingAsked:
        asked = self.thinkingConfig or self.thinking_config or _Thinking()
        return "off" if 0 in (asked.thinkingBudget, asked.thinking_budget) else "unset"


class _GenerateRequest(msgspec.Struct):
    contents: object
    generationConfig: _GenerationConfig | None = None
    generation_config: _GenerationConfig | None = None
    cachedContent: object = None
    cached_content: object = None
    serviceTier: str | int | None = None
    service_tier: str | int | None = None


class _EmbedRequest(msgspec.Struct):
    content: object = None
    requests: object = None


class _GeminiBase(msgspec.Struct, frozen=True):
    name: str

    def read_usage(self, usage_object: msgspec.Raw) -> Usage | None:
        return read_gemini_usage(usage_object)

    def read_answer(self, body: bytes) -> AnswerFacts:
        return read_gemini_answer(body)

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        return google_error(refusal, request_id)


class GeminiDialect(_GeminiBase, frozen=True):
    """`{model}:generateContent` and `{model}:streamGenerateContent`."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _GenerateRequest)
        request = read.view
        for given_config in objects(given(read.members, "generationconfig")):
            refuse_second_spellings(given_config, _GenerationConfig.__struct_fields__)
            for given_thinking in objects(given(given_config, "thinkingconfig")):
                refuse_second_spellings(given_thinking, _Thinking.__struct_fields__)
        config = request.generationConfig or request.generation_config or _GenerationConfig()
        model = model_of(path)
        _refuse_other_model(read.members, model)
        media = read.media(model)
        tools = gemini_tools(media.tools)
        media.hidden_inputs += tools.readers
        return ParsedCall(
            model=model,
            is_streaming=path.endswith(":streamGenerateContent"),
            prompt=prompt_size(
                read.lifted,
                media,
                framing_tokens=FRAMING_TOKENS + tools.prompt_tokens,
                reads=1 + tools.code_runs_max,
            ),
            output_tokens_max=config.maxOutputTokens or config.max_output_tokens,
            answers=config.candidateCount or config.candidate_count or 1,
            service_tier=_tier(request.serviceTier) or _tier(request.service_tier),
            wants_stream_usage=True,
            web_search_calls_max=tools.web_search_calls_max,
            reading_tools=tools.readers,
            thinking=config.thinking,
            form_tokens=gemini_form_tokens(read.members),
            unmetered_tools=tools.unmetered + model_s_own_tools(model),
            stored_references=tuple(media.stored),
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        members = members_of(body)
        name = "generation_config" if "generation_config" in members else "generationConfig"
        config = object_in(members, name)
        kept = {other: (value,) for other, value in config.items() if other != "max_output_tokens"}
        return prepared(body, members, {}, {name: object_of(kept | {"maxOutputTokens": NUMBER})})


class GeminiEmbedDialect(_GeminiBase, frozen=True):
    """`{model}:embedContent` and `{model}:batchEmbedContents`. Their answers carry no usage."""

    def parse_request(self, body: bytes, *, path: str) -> ParsedCall:
        read = decode_request(body, _EmbedRequest)
        if read.view.content is None and read.view.requests is None:
            raise InvalidRequest(
                "the request body has neither content nor requests: one text is content, a batch is requests",
                param="content",
            )
        model = model_of(path)
        _refuse_other_model(read.members, model)
        media = read.media(model)
        return ParsedCall(
            model=model,
            is_streaming=False,
            prompt=prompt_size(read.lifted, media, framing_tokens=FRAMING_TOKENS),
            output_tokens_max=None,
            has_output=False,
            stored_references=tuple(media.stored),
        )

    def prepare(self, body: bytes, *, model: str | None = None, include_usage: bool = False) -> PreparedBody:
        return prepared(body, members_of(body), {}, {})


def _tier(asked: str | int | None) -> str | None:
    """By its name, or by the number that stands for it: which that is nobody states, so that it is held at the dearest
    there is. 0 is none."""
    return str(asked) if asked else None


def _refuse_other_model(members: Mapping[str, object], model: str) -> None:
    """The path's model is the one that is priced, so a body that names one too has to name the same."""
    for each in (members, *objects(given(members, "requests"))):
        if any(str(name).removeprefix("models/") != model for name in given(each, "model")):
            raise InvalidRequest(
                f"the body names another model than the path: leave model out of it, or write {model[:100]!r} there",
                param="model",
            )


def model_of(path: str) -> str:
    """`v1beta/models/{model}:method`, or a tuned model's whole name."""
    name = path.rpartition(":")[0].partition("/")[2]
    model = name.removeprefix("models/")
    if not model:
        raise InvalidRequest(
            "the path names no model: write models/{model}:generateContent, with its name", param="model"
        )
    return model
