"""A conversation written as a chat request, in the spelling of the provider that it goes to.

The rules easy to break: what the conversation does not state is not written, since models refuse members that others
take; and a stream is always asked for its usage, whatever the caller asked.
"""

import msgspec

from core.wire.translation.chat.request_parts.messages_writer import JSONObject, messages_of
from core.wire.translation.conversation import Conversation, OutputFormat, Tool, ToolChoice

FORMAT_NAME = "answer"
"""A schema must have a name here."""

_NO_PARAMETERS = {"type": "object", "properties": {}}


def write_request(conversation: Conversation, provider: str) -> bytes:
    """The body, as this provider spells it. Raises `Untranslatable` for what no chat message can hold, none of which
    is left in a conversation that was fitted."""
    is_openai = provider == "openai"
    reasoning = conversation.reasoning
    body: JSONObject = {
        "model": conversation.model,
        "messages": messages_of(conversation.turns, has_signatures=provider == "gemini"),
        **_tools(conversation),
        "max_completion_tokens" if is_openai else "max_tokens": conversation.output_tokens_max,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "top_k": conversation.top_k,
        "frequency_penalty": conversation.frequency_penalty,
        "presence_penalty": conversation.presence_penalty,
        "seed": conversation.seed,
        "stop": conversation.stop or None,
        "response_format": None if conversation.format is None else _format(conversation.format),
        "reasoning_effort": None if reasoning is None else reasoning.effort,
        "reasoning_format": _reasoning_format(conversation.model, provider),
        "verbosity": conversation.verbosity,
        "safety_identifier" if is_openai else "user": conversation.user,
        "prompt_cache_key": conversation.cache_key,
        "stream": True if conversation.is_streaming else None,
        "stream_options": {"include_usage": True} if conversation.is_streaming else None,
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


def _tools(conversation: Conversation) -> JSONObject:
    if not conversation.tools:
        return {}
    return {
        "tools": [{"type": "function", "function": _function(tool)} for tool in conversation.tools],
        "tool_choice": None if conversation.tool_choice is None else _tool_choice(conversation.tool_choice),
        "parallel_tool_calls": conversation.is_parallel,
    }


def _function(tool: Tool) -> JSONObject:
    """`strict` only as the caller had it: it refuses schemas that are taken without. A function without parameters is
    written with none: the member may be missing at some providers, and may be an empty object at others."""
    said: JSONObject = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema or _NO_PARAMETERS,
        "strict": tool.is_strict,
    }
    return {name: value for name, value in said.items() if value is not None}


def _tool_choice(choice: ToolChoice) -> object:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "named" else choice.mode


def _format(wanted: OutputFormat) -> JSONObject:
    if wanted.schema is None:
        return {"type": "json_object"}
    form: JSONObject = {
        "name": wanted.name or FORMAT_NAME,
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.is_strict,
    }
    return {"type": "json_schema", "json_schema": {name: value for name, value in form.items() if value is not None}}


def _reasoning_format(model: str, provider: str) -> str | None:
    """Groq writes the thoughts of Qwen's models into the text of the answer unless they are asked for apart
    (console.groq.com/docs/reasoning, November 2026). Its other models refuse the member, or have no use for it."""
    return "parsed" if provider == "groq" and model.startswith("qwen/qwen3") else None
