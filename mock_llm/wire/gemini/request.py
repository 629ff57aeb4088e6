"""Gemini's native API: requests. Google takes every field in camelCase and in snake_case, a number as a string, and one
object alone for a list of one.
"""

from typing import Annotated
from zlib import crc32

import msgspec

from mock_llm.selling.tokens import InputCount, count_content, count_json, plus
from mock_llm.wire.decode import Decoded, bad_field, decode
from mock_llm.wire.failures import Failure
from mock_llm.wire.gemini.form import read_form
from mock_llm.wire.openai.chat_request import ANY_OBJECT
from mock_llm.wire.tool_choice import any_of, named
from mock_llm.writing.calls import Ask, Request
from mock_llm.writing.plan import Tool

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Camel(msgspec.Struct, frozen=True, rename="camel"):
    """A message of Google's."""


class ThinkingConfig(Camel, frozen=True):
    include_thoughts: bool = False


class GenerationConfig(Camel, frozen=True):
    max_output_tokens: Positive | None = None
    stop_sequences: list[str] | None = None
    candidate_count: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, object] | None = None
    response_json_schema: dict[str, object] | None = None
    thinking_config: ThinkingConfig | None = None


class FunctionDeclaration(Camel, frozen=True):
    name: str
    parameters: dict[str, object] | None = None
    parameters_json_schema: dict[str, object] | None = None


class DeclaredTool(Camel, frozen=True):
    function_declarations: list[FunctionDeclaration] | None = None


class FunctionCallingConfig(Camel, frozen=True):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(Camel, frozen=True):
    function_calling_config: FunctionCallingConfig = FunctionCallingConfig()


class GenerateRequest(Camel, frozen=True):
    contents: object = None
    system_instruction: object = None
    tools: list[DeclaredTool] | None = None
    tool_config: ToolConfig = ToolConfig()
    generation_config: GenerationConfig | None = None


class EmbedRequest(Camel, frozen=True):
    content: object = None
    output_dimensionality: Positive | None = None


class BatchEmbedRequest(Camel, frozen=True):
    requests: list[EmbedRequest] | None = None


class CountRequest(Camel, frozen=True):
    contents: object = None
    generate_content_request: GenerateRequest | None = None


_SHALLOW = frozenset(
    {"generationConfig", "thinkingConfig", "tools", "functionDeclarations", "requests"}
    | {"generateContentRequest", "toolConfig", "functionCallingConfig"}
)
"""Where our own fields are looked for; below the others is the caller's free content."""

_LISTS = frozenset({"tools", "functionDeclarations", "requests", "stopSequences"})


def parse_generate(request: Request) -> Ask:
    asked = _convert(request.body, GenerateRequest)
    if not asked.contents:
        raise Failure(400, "* GenerateContentRequest.contents: contents is not specified\n")
    config = asked.generation_config or GenerationConfig()
    tools = _tools(asked.tools)
    return Ask(
        model=request.path_model,
        input=_count(asked),
        is_stream=request.is_stream_path,
        form=read_form(request),
        output_tokens_max=config.max_output_tokens,
        output_field="max_output_tokens",
        stops=tuple(text for text in config.stop_sequences or () if text),
        choices=config.candidate_count or 1,
        tools=tools,
        forced=_forced(asked.tool_config.function_calling_config, tools),
        json_schema=_json_schema(config),
        shows_thinking=config.thinking_config is not None and config.thinking_config.include_thoughts,
    )


def parse_count(request: Request) -> Ask:
    asked = _convert(request.body, CountRequest)
    whole = asked.generate_content_request or GenerateRequest(contents=asked.contents)
    return Ask(model=request.path_model, input=_count(whole), choices=0, form=read_form(request))


def parse_embed(request: Request) -> Ask:
    return _embedding(request, [_convert(request.body, EmbedRequest)])


def parse_batch_embed(request: Request) -> Ask:
    asked = _convert(request.body, BatchEmbedRequest)
    if not asked.requests:
        raise Failure(400, "* BatchEmbedContentsRequest.requests: requests is not specified\n")
    return _embedding(request, asked.requests)


def _embedding(request: Request, asked: list[EmbedRequest]) -> Ask:
    if not all(one.content for one in asked):
        raise Failure(400, "* EmbedContentRequest.content: content is not specified\n")
    return Ask(
        model=request.path_model,
        input=plus(count_content(one.content) for one in asked),
        choices=0,
        vectors=tuple(crc32(str(one.content).encode()) for one in asked),
        dimensions=asked[0].output_dimensionality,
        form=read_form(request),
    )


def _convert(body: bytes, kind: type[Decoded]) -> Decoded:
    try:
        return msgspec.convert(_camel_keys(decode(body, object)), kind, strict=False)
    except msgspec.ValidationError as error:
        raise bad_field(error) from error


def _camel_keys(value: object) -> object:
    if isinstance(value, list):
        return [_camel_keys(one) for one in value]
    if not isinstance(value, dict):
        return value
    renamed = {_camel(key): inner for key, inner in value.items()}
    listed = {key: _listed(inner) if key in _LISTS else inner for key, inner in renamed.items()}
    return {key: _camel_keys(inner) if key in _SHALLOW else inner for key, inner in listed.items()}


def _listed(value: object) -> object:
    return value if value is None or isinstance(value, list) else [value]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _count(asked: GenerateRequest) -> InputCount:
    tools = count_json(msgspec.json.encode(asked.tools)) if asked.tools else InputCount()
    return plus((count_content(asked.system_instruction), count_content(asked.contents), tools))


def _tools(declared: list[DeclaredTool] | None) -> tuple[Tool, ...]:
    return tuple(
        Tool(one.name, one.parameters or one.parameters_json_schema or {})
        for tool in declared or ()
        for one in tool.function_declarations or ()
    )


def _forced(config: FunctionCallingConfig, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if config.mode != "ANY":
        return ()
    return named(config.allowed_function_names, tools) if config.allowed_function_names else any_of(tools)


def _json_schema(config: GenerationConfig) -> dict[str, object] | None:
    if config.response_mime_type != "application/json":
        return None
    return config.response_schema or config.response_json_schema or ANY_OBJECT
