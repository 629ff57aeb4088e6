"""A conversation written as a request to the Messages API.

Everything that a system says stands in one place there, in the order in which it was said. The results of calls come
first in the message after the calls, all in that one, and neighbours of one role are one message. Thinking goes only
where Anthropic signed or sealed it.

The rules easy to break: `max_tokens` must be there, and holds thinking too; and what the conversation does not state is
not written, since models refuse members that others take.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from core.wire.translation.call_arguments import object_text
from core.wire.translation.conversation import (
    AnyPart,
    Conversation,
    Document,
    Image,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from core.wire.translation.fitting.history import UNSIGNED

JSONObject = dict[str, object]

FAILED = "The tool failed."
"""What a tool answered that failed without a word: Anthropic refuses an error that says nothing."""

_CHOICES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}


def write_request(conversation: Conversation, provider: str) -> bytes:
    """The body; every provider that has this API spells it alike."""
    assert conversation.output_tokens_max is not None, "a message has a ceiling"
    reasoning = conversation.reasoning
    body: JSONObject = {
        "model": conversation.model,
        "max_tokens": conversation.output_tokens_max,
        "system": _system(conversation.turns) or None,
        "messages": list(_messages(conversation.turns)),
        "stream": True if conversation.is_streaming else None,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "top_k": conversation.top_k,
        "stop_sequences": conversation.stop or None,
        "thinking": None if reasoning is None else _thinking(reasoning),
        "output_config": _output_config(reasoning, conversation.format) or None,
        "metadata": None if conversation.user is None else {"user_id": conversation.user},
        **_tools(conversation),
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


# What was said --------------------------------------------------------------------------------------------


def _system(turns: Iterable[Turn]) -> list[JSONObject]:
    return [_block(part) for turn in turns if turn.role == "system" for part in turn.parts]


def _messages(turns: Iterable[Turn]) -> Iterator[JSONObject]:
    spoken = [(turn.role, part) for turn in turns if turn.role != "system" for part in turn.parts if _is_said(part)]
    for role, neighbours in groupby(spoken, key=lambda each: each[0]):
        parts = [part for _, part in neighbours]
        if role == "user":
            parts.sort(key=lambda part: not isinstance(part, ToolResult))
        yield {"role": role, "content": [_block(part) for part in parts]}


def _is_said(part: AnyPart) -> bool:
    if not isinstance(part, Thinking):
        return True
    return part.maker == "anthropic" and bool(part.sealed or (part.signature and part.signature != UNSIGNED))


def _block(part: AnyPart) -> JSONObject:
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image():
            return {"type": "image", "source": _source(part)}
        case Document(name=name):
            title = {} if name is None else {"title": name}
            return {"type": "document", "source": _source(part), **title}
        case Thinking(sealed=str() as sealed) if sealed:
            return {"type": "redacted_thinking", "data": sealed}
        case Thinking(text=text, signature=signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCall(id=id, name=name, arguments=arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": msgspec.Raw(object_text(arguments).encode())}
        case ToolResult():
            return _result(part)


def _source(part: Image | Document) -> JSONObject:
    if part.url:
        return {"type": "url", "url": part.url}
    if isinstance(part, Document) and part.text:
        return {"type": "text", "media_type": "text/plain", "data": part.text}
    return {"type": "base64", "media_type": part.media_type, "data": part.data}


def _result(result: ToolResult) -> JSONObject:
    parts = result.parts
    if result.is_error and not parts:
        parts = (Text(text=FAILED),)
    written: JSONObject = {"type": "tool_result", "tool_use_id": result.call_id}
    if parts:
        written["content"] = [_block(part) for part in parts]
    return {**written, "is_error": True} if result.is_error else written


# What is asked for ----------------------------------------------------------------------------------------


def _tools(conversation: Conversation) -> JSONObject:
    if not conversation.tools:
        return {}
    choice = _tool_choice(conversation.tool_choice, conversation.is_parallel)
    return {"tools": [_tool(tool) for tool in conversation.tools], "tool_choice": choice}


def _tool(tool: Tool) -> JSONObject:
    said = {} if tool.description is None else {"description": tool.description}
    strict = {} if tool.is_strict is None else {"strict": tool.is_strict}
    return {"name": tool.name, **said, "input_schema": tool.schema, **strict}


def _tool_choice(choice: ToolChoice | None, is_parallel: bool | None) -> JSONObject | None:
    """Whether several calls may come is said inside the choice; that they may is so without a word."""
    if choice is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if is_parallel is False else None
    written: JSONObject = {"type": _CHOICES[choice.mode]}
    if choice.mode == "named":
        written["name"] = choice.name
    if choice.mode != "none" and is_parallel is not None:
        written["disable_parallel_tool_use"] = not is_parallel
    return written


def _thinking(reasoning: Reasoning) -> JSONObject | None:
    """ "Not at all" is said; a level alone is said in `output_config`."""
    if reasoning.effort == "none":
        return {"type": "disabled"}
    if reasoning.budget_tokens is not None:
        written: JSONObject = {"type": "enabled", "budget_tokens": reasoning.budget_tokens}
    elif reasoning.is_adaptive:
        written = {"type": "adaptive"}
    else:
        return None
    if reasoning.is_shown is not None:
        written["display"] = "summarized" if reasoning.is_shown else "omitted"
    return written


def _output_config(reasoning: Reasoning | None, answer_format: OutputFormat | None) -> JSONObject:
    said: JSONObject = {}
    if reasoning is not None and reasoning.effort not in (None, "none"):
        said["effort"] = reasoning.effort
    if answer_format is not None:
        assert answer_format.schema is not None, "there is no format without a schema"
        said["format"] = {"type": "json_schema", "schema": answer_format.schema}
    return said
