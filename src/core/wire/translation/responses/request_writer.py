"""A conversation written as a request to the Responses API, of OpenAI's reasoning models above all.

Nothing is stored there: the caller's dialect has no way to refer to it. No encrypted thinking is asked for either,
since only a caller of this API could send it back.

The rules easy to break: a function tool without `strict` is a strict one here, so it is always said; and what the
conversation does not state is not written, since models refuse members that others take.
"""

import msgspec

from core.wire.translation.conversation import Conversation, OutputFormat, Reasoning, Text, Tool, ToolChoice, Turn
from core.wire.translation.responses.request_parts.input_writer import JSONObject, input_items

FORMAT_NAME = "answer"
"""A schema must have a name here."""


def write_request(conversation: Conversation, provider: str) -> bytes:
    """The body, as this provider spells it."""
    instructions, turns = _instructions(conversation.turns)
    is_openai = provider == "openai"
    body: JSONObject = {
        "model": conversation.model,
        "instructions": instructions,
        "input": input_items(turns, system_role="developer" if is_openai else "system"),
        "stream": True if conversation.is_streaming else None,
        "store": False,
        "max_output_tokens": conversation.output_tokens_max,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "reasoning": _reasoning(conversation.reasoning),
        "text": _text(conversation.format, conversation.verbosity),
        "safety_identifier" if is_openai else "user": conversation.user,
        "prompt_cache_key": conversation.cache_key,
        **_tools(conversation),
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


def _instructions(turns: tuple[Turn, ...]) -> tuple[str | None, tuple[Turn, ...]]:
    """The first text of a system turn that comes first, and the turns without it."""
    if not turns or turns[0].role != "system" or not isinstance(turns[0].parts[0], Text):
        return None, turns
    first, *others = turns[0].parts
    rest = (Turn("system", tuple(others)),) if others else ()
    return first.text, (*rest, *turns[1:])  # type: ignore[union-attr]


def _tools(conversation: Conversation) -> JSONObject:
    if not conversation.tools:
        return {}
    return {
        "tools": [_tool(tool) for tool in conversation.tools],
        "tool_choice": _tool_choice(conversation.tool_choice),
        "parallel_tool_calls": conversation.is_parallel,
    }


def _tool(tool: Tool) -> JSONObject:
    said = {} if tool.description is None else {"description": tool.description}
    strict = tool.is_strict is True
    return {"type": "function", "name": tool.name, **said, "parameters": tool.schema, "strict": strict}


def _tool_choice(choice: ToolChoice | None) -> object:
    if choice is None:
        return None
    return {"type": "function", "name": choice.name} if choice.mode == "named" else choice.mode


def _reasoning(reasoning: Reasoning | None) -> JSONObject | None:
    if reasoning is None:
        return None
    said: JSONObject = {} if reasoning.effort is None else {"effort": reasoning.effort}
    if reasoning.is_shown:
        said["summary"] = "auto"
    return said or None


def _text(answer_format: OutputFormat | None, verbosity: str | None) -> JSONObject | None:
    said: JSONObject = {} if verbosity is None else {"verbosity": verbosity}
    if answer_format is not None:
        said["format"] = _format(answer_format)
    return said or None


def _format(wanted: OutputFormat) -> JSONObject:
    if wanted.schema is None:
        return {"type": "json_object"}
    named: JSONObject = {"type": "json_schema", "name": wanted.name or FORMAT_NAME, "schema": wanted.schema}
    if wanted.description is not None:
        named["description"] = wanted.description
    return named if wanted.is_strict is None else {**named, "strict": wanted.is_strict}
