"""OpenAI's Responses API (also xAI's): the request and the whole answer; the stream is in
`responses_stream`.

An answer is a list of items: web searches, reasoning, a message, function calls, in that order.
Reasoning shows its summary only to those who asked for one.
"""

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
from mock_llm.wire.openai.chat_request import ANY_OBJECT
from mock_llm.wire.openai.usage import responses_usage
from mock_llm.wire.tool_choice import any_of, named
from mock_llm.writing.calls import Ask, Call, Request
from mock_llm.writing.plan import Finish, Tool

OUTPUT_TOKENS_LEAST = 16


class FunctionTool(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    parameters: dict[str, object] | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    type: str
    name: str = ""


class Reasoning(msgspec.Struct, frozen=True):
    effort: str | None = None
    summary: str | None = None


class TextFormat(msgspec.Struct, frozen=True):
    type: str = "text"
    schema: dict[str, object] | None = None


class TextOptions(msgspec.Struct, frozen=True):
    format: TextFormat | None = None


class ResponsesRequest(msgspec.Struct, frozen=True):
    model: str = ""
    input: str | list[object] | None = None
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=OUTPUT_TOKENS_LEAST)] | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | ToolChoice | None = None
    reasoning: Reasoning | None = None
    text: TextOptions | None = None
    service_tier: str | None = None
    metadata: dict[str, str] | None = None
    previous_response_id: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    parallel_tool_calls: bool | None = None
    store: bool | None = None


def parse_responses(request: Request) -> Ask:
    asked = decode(request.body, ResponsesRequest)
    if not asked.input:
        raise missing("input")
    tools = _tools(asked.tools)
    return Ask(
        model=asked.model,
        input=_count(asked),
        is_stream=bool(asked.stream),
        output_tokens_max=asked.max_output_tokens,
        output_field="max_output_tokens",
        tools=tools,
        forced=_forced(asked.tool_choice, tools),
        json_schema=_json_schema(asked.text),
        service_tier=asked.service_tier,
        shows_thinking=asked.reasoning is not None and asked.reasoning.summary is not None,
        echo=_echo(asked),
    )


def _count(asked: ResponsesRequest) -> InputCount:
    items = [asked.input] if isinstance(asked.input, str) else asked.input or []
    overhead = PRIMING_TOKENS + MESSAGE_OVERHEAD_TOKENS * len(items)
    return plus(
        (
            InputCount(text=overhead),
            count_content(asked.instructions),
            count_content(items),
            count_raw(asked.tools),
        )
    )


def _tools(raws: list[msgspec.Raw] | None) -> tuple[Tool, ...]:
    declared = (decode(bytes(raw), FunctionTool) for raw in raws or ())
    return tuple(Tool(one.name, one.parameters or {}) for one in declared if one.type == "function")


def _forced(choice: str | ToolChoice | None, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    match choice:
        case "required":
            return any_of(tools)
        case ToolChoice(type="function", name=name):
            return named([name], tools)
        case _:
            return ()


def _json_schema(text: TextOptions | None) -> dict[str, object] | None:
    wanted = text.format if text is not None else None
    if wanted is None or wanted.type == "text":
        return None
    return wanted.schema or ANY_OBJECT


def _echo(asked: ResponsesRequest) -> dict[str, object]:
    reasoning = asked.reasoning or Reasoning()
    return {
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": asked.metadata or {},
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": asked.previous_response_id,
        "reasoning": {"effort": reasoning.effort, "summary": reasoning.summary},
        "store": asked.store is not False,
        "temperature": 1.0 if asked.temperature is None else asked.temperature,
        "text": asked.text if asked.text and asked.text.format else {"format": {"type": "text"}},
        "tool_choice": asked.tool_choice or "auto",
        "tools": asked.tools or [],
        "top_p": 1.0 if asked.top_p is None else asked.top_p,
    }


def answer(call: Call) -> bytes:
    return msgspec.json.encode(finished(call))


def finished(call: Call) -> dict[str, object]:
    """The response object once everything is written."""
    is_cut = call.choices[0].finish is Finish.LENGTH
    document = response(call, status="incomplete" if is_cut else "completed", output=items(call))
    if is_cut:
        document["incomplete_details"] = {"reason": "max_output_tokens"}
    if call.reported is not None:
        document["usage"] = responses_usage(call.reported, call)
    if call.script.web_searches and call.provider == "openai":
        document["tool_usage"] = {"web_search": {"num_requests": call.script.web_searches}}
    return document


def response(call: Call, *, status: str, output: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": f"resp_{call.unique}",
        "object": "response",
        "created_at": call.created_s,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": call.model.answers_as,
        "output": output,
        "service_tier": call.service_tier or "default",
        "truncation": "disabled",
        "usage": None,
        "user": None,
        **call.ask.echo,
    }


def items(call: Call) -> list[dict[str, object]]:
    choice = call.choices[0]
    status = "incomplete" if choice.finish is Finish.LENGTH else "completed"
    found = [search_item(call, place, "completed") for place in range(call.script.web_searches)]
    if choice.reasoning:
        shown = "".join(choice.reasoning) if call.ask.shows_thinking else ""
        found.append(reasoning_item(call, shown))
    if choice.text or not choice.tools:
        found.append(message_item(call, "".join(choice.text), status))
    for place, tool in enumerate(choice.tools):
        state = "completed" if tool.is_complete else "incomplete"
        found.append(function_item(call, place, tool.name, tool.arguments, state))
    return found


def search_item(call: Call, place: int, status: str) -> dict[str, object]:
    action = {"type": "search", "query": f"question {place + 1}", "sources": []}
    return {
        "id": f"ws_{call.unique}{place}",
        "type": "web_search_call",
        "status": status,
        "action": action,
    }


def reasoning_item(call: Call, shown: str) -> dict[str, object]:
    summary = [{"type": "summary_text", "text": shown}] if shown else []
    return {"id": f"rs_{call.unique}", "type": "reasoning", "summary": summary}


def message_item(call: Call, text: str | None, status: str) -> dict[str, object]:
    """The answer's message; its text is None as long as it has no part at all."""
    content = [] if text is None else [text_part(text)]
    return {
        "id": f"msg_{call.unique}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def text_part(text: str) -> dict[str, object]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def function_item(call: Call, place: int, name: str, arguments: str, status: str) -> dict[str, object]:
    return {
        "id": f"fc_{call.unique}{place}",
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": f"call_{call.unique}{place}",
        "name": name,
    }
