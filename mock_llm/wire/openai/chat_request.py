"""Chat completions: the request, the same for all providers that have an OpenAI-style API."""

from typing import Annotated

import msgspec

from mock_llm.selling.tokens import (
    MESSAGE_OVERHEAD_TOKENS,
    PRIMING_TOKENS,
    InputCount,
    count_content,
    plus,
)
from mock_llm.wire.decode import count_raw, decode, missing
from mock_llm.wire.tool_choice import any_of, named
from mock_llm.writing.calls import Ask, Request
from mock_llm.writing.plan import Tool

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Message(msgspec.Struct, frozen=True):
    role: str
    content: object = None
    name: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class Function(msgspec.Struct, frozen=True):
    name: str
    parameters: dict[str, object] | None = None


class FunctionTool(msgspec.Struct, frozen=True):
    function: Function | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    function: Function | None = None


class JsonSchema(msgspec.Struct, frozen=True):
    schema: dict[str, object] | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: str = "text"
    json_schema: JsonSchema | None = None


class Prediction(msgspec.Struct, frozen=True):
    content: str | list[dict[str, object]] = ""

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(str(part.get("text") or "") for part in self.content)


class ChatRequest(msgspec.Struct, frozen=True):
    model: str = ""
    messages: list[Message] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | ToolChoice | None = None
    response_format: ResponseFormat | None = None
    service_tier: str | None = None
    prediction: Prediction | None = None


ANY_OBJECT: dict[str, object] = {"type": "object", "properties": {"answer": {"type": "string"}}}
"""What JSON mode without a schema writes."""


def parse_chat(request: Request) -> Ask:
    asked = decode(request.body, ChatRequest)
    if not asked.messages:
        raise missing("messages")
    limit, field = asked.max_completion_tokens, "max_completion_tokens"
    if limit is None:
        limit, field = asked.max_tokens, "max_tokens"
    tools = _tools(asked.tools)
    return Ask(
        model=asked.model.removeprefix("models/"),
        input=count_chat(asked),
        is_stream=bool(asked.stream),
        output_tokens_max=limit,
        output_field=field,
        stops=as_stops(asked.stop),
        choices=asked.n or 1,
        tools=tools,
        forced=_forced(asked.tool_choice, tools),
        json_schema=_json_schema(asked.response_format),
        service_tier=asked.service_tier,
        include_usage=asked.stream_options is not None and asked.stream_options.include_usage,
        prediction="" if asked.prediction is None else asked.prediction.text,
    )


def count_chat(asked: ChatRequest) -> InputCount:
    counts = [InputCount(text=PRIMING_TOKENS), count_raw(asked.tools)]
    for message in asked.messages or ():
        overhead = MESSAGE_OVERHEAD_TOKENS + (1 if message.name else 0)
        counts.append(InputCount(text=overhead))
        counts.append(count_content(message.content))
        if message.tool_calls:
            counts.append(count_raw(message.tool_calls))
    return plus(counts)


def as_stops(stop: str | list[str] | None) -> tuple[str, ...]:
    found = [stop] if isinstance(stop, str) else stop or []
    return tuple(text for text in found if text)


def _tools(raws: list[msgspec.Raw] | None) -> tuple[Tool, ...]:
    declared = (decode(bytes(raw), FunctionTool).function for raw in raws or ())
    return tuple(Tool(one.name, one.parameters or {}) for one in declared if one is not None)


def _forced(choice: str | ToolChoice | None, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    match choice:
        case "required":
            return any_of(tools)
        case ToolChoice(function=Function(name=name)):
            return named([name], tools)
        case _:
            return ()


def _json_schema(wanted: ResponseFormat | None) -> dict[str, object] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.json_schema is not None and wanted.json_schema.schema:
        return wanted.json_schema.schema
    return ANY_OBJECT
