"""A whole answer written as a message, and what a stream's events share with it.

Thinking was made by another provider than Anthropic, so it carries our mark for a signature: Anthropic would refuse
that, and our reader takes it out of later turns. The rules easy to break: an official client makes of a stream the same
blocks that the whole answer has, so neighbours that are texts are one block here as they are one there; and it fails
on a message without a usage, so one that nobody stated is written as zeros.
"""

from collections.abc import Iterator
from itertools import groupby

import msgspec

from core.money.usage import Usage
from core.wire.translation.answer import Answer, Identity, Stop
from core.wire.translation.call_arguments import object_text
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.fitting.history import UNSIGNED

JSONObject = dict[str, object]

STOP_REASONS: dict[Stop, str] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
}


def write_answer(answer: Answer, identity: Identity) -> bytes:
    content = list(_blocks(answer.parts))
    message = message_object(identity, model=answer.model, content=content, usage=answer.usage)
    return msgspec.json.encode(message | stop_members(answer.stop, answer.stop_sequence))


def write_token_count(tokens: int) -> bytes:
    """The answer to `count_tokens`."""
    return msgspec.json.encode({"input_tokens": tokens})


def message_object(identity: Identity, *, model: str, content: list[JSONObject], usage: Usage | None) -> JSONObject:
    """A message that has not come to its end."""
    return {
        "id": f"msg_{identity.request_id.removeprefix('req_')}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_object(usage or Usage()),
    }


def stop_members(stop: Stop, stop_sequence: str | None) -> JSONObject:
    """Why it ended; the sequence only where that is why."""
    named = stop_sequence if stop == "stop_sequence" else None
    return {"stop_reason": STOP_REASONS[stop], "stop_sequence": named}


def usage_object(usage: Usage) -> dict[str, object]:
    """In Anthropic's counting the input excludes what was cached, and the output includes what was thought."""
    cached = usage.cached_input_tokens + usage.cached_audio_input_tokens
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    said: dict[str, object] = {
        "input_tokens": usage.prompt_tokens - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
    }
    if written:
        said["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        }
    if usage.reasoning_tokens:
        said["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.web_search_calls:
        said["server_tool_use"] = {"web_search_requests": usage.web_search_calls, "web_fetch_requests": 0}
    return said


def _blocks(parts: tuple[Text | Thinking | ToolCall, ...]) -> Iterator[JSONObject]:
    for kind, neighbours in groupby(parts, key=type):
        if kind is ToolCall:
            yield from (_call(part) for part in neighbours if isinstance(part, ToolCall))
        elif text := "".join(part.text for part in neighbours if isinstance(part, Text | Thinking)):
            yield _thinking(text) if kind is Thinking else {"type": "text", "text": text}


def _thinking(text: str) -> JSONObject:
    return {"type": "thinking", "thinking": text, "signature": UNSIGNED}


def _call(call: ToolCall) -> JSONObject:
    """Its arguments as they were written, numbers of any length included."""
    arguments = msgspec.Raw(object_text(call.arguments).encode())
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
