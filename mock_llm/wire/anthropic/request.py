"""Anthropic messages: the request, for messages and for counting their tokens."""

from typing import Annotated

import msgspec

from mock_llm.selling.models import Kind
from mock_llm.selling.tokens import (
    MESSAGE_OVERHEAD_TOKENS,
    PRIMING_TOKENS,
    InputCount,
    count_content,
    plus,
)
from mock_llm.wire.decode import count_raw, decode
from mock_llm.wire.failures import Failure
from mock_llm.wire.tool_choice import any_of, named
from mock_llm.writing.calls import Ask, Call, Request, Wire
from mock_llm.writing.plan import Tool


class Message(msgspec.Struct, frozen=True):
    role: str
    content: object


class DeclaredTool(msgspec.Struct, frozen=True):
    name: str
    input_schema: dict[str, object] | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    type: str
    name: str = ""


class OutputFormat(msgspec.Struct, frozen=True):
    schema: dict[str, object] | None = None


class OutputConfig(msgspec.Struct, frozen=True):
    format: OutputFormat | None = None


class MessagesRequest(msgspec.Struct, frozen=True):
    model: str = ""
    messages: list[Message] | None = None
    system: object = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: ToolChoice | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    """The name that `output_config.format` had in its beta."""


def parse_messages(request: Request) -> Ask:
    asked = decode(request.body, MessagesRequest)
    ask = _ask(asked)
    if asked.max_tokens is None:
        raise Failure(400, "max_tokens: Field required")
    return ask


def _parse_count(request: Request) -> Ask:
    return msgspec.structs.replace(_ask(decode(request.body, MessagesRequest)), choices=0)


def _ask(asked: MessagesRequest) -> Ask:
    if not asked.messages:
        raise Failure(400, "messages: at least one message is required")
    tools = _tools(asked.tools)
    output = asked.output_config.format if asked.output_config is not None else None
    output = output or asked.output_format
    return Ask(
        model=asked.model,
        input=_count(asked),
        is_stream=bool(asked.stream),
        output_tokens_max=asked.max_tokens,
        stops=tuple(text for text in asked.stop_sequences or () if text),
        tools=tools,
        forced=_forced(asked.tool_choice, tools),
        json_schema=output.schema if output is not None else None,
    )


def _count(asked: MessagesRequest) -> InputCount:
    messages = asked.messages or []
    overhead = PRIMING_TOKENS + MESSAGE_OVERHEAD_TOKENS * len(messages)
    return plus(
        (
            InputCount(text=overhead),
            count_content(asked.system),
            count_raw(asked.tools),
            *(count_content(message.content) for message in messages),
        )
    )


def _tools(raws: list[msgspec.Raw] | None) -> tuple[Tool, ...]:
    """The caller's own tools: those that Anthropic runs itself have no schema."""
    declared = (decode(bytes(raw), DeclaredTool) for raw in raws or ())
    return tuple(Tool(one.name, one.input_schema) for one in declared if one.input_schema is not None)


def _forced(choice: ToolChoice | None, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    match choice:
        case ToolChoice(type="any"):
            return any_of(tools)
        case ToolChoice(type="tool", name=name):
            return named([name], tools)
        case _:
            return ()


def _count_answer(call: Call) -> bytes:
    return msgspec.json.encode({"input_tokens": call.input_usage.prompt_tokens})


COUNT_TOKENS = Wire("count_tokens", Kind.CHAT, _parse_count, _count_answer, is_free=True)
