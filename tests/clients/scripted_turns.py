"""Answers that the mock providers are told to the letter: a stream in which the model calls one tool that it is told.

The mock's own `tool_calls` takes whichever tool comes first and makes its arguments up; a coding agent has to be told
a command that is harmless to run.
"""

import json
from collections.abc import Iterable
from typing import Any

Script = dict[str, Any]
"""A script as `POST /_mock/scripts` takes it."""


def messages_tool_call(name: str, arguments: dict[str, Any]) -> Script:
    """Anthropic Messages: one `tool_use` block."""
    usage = {"input_tokens": 100, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": []}
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    written = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    return _streamed(
        [
            {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": written},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20}},
            {"type": "message_stop"},
        ]
    )


def responses_tool_call(name: str, arguments: dict[str, Any]) -> Script:
    """OpenAI Responses: one `function_call` item."""
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": ""}
    whole = {**item, "arguments": json.dumps(arguments), "status": "completed"}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5-mini", "output": []}
    usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
    return _streamed(
        [
            {"type": "response.created", "response": {**response, "status": "in_progress"}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
            {"type": "response.output_item.done", "output_index": 0, "item": whole},
            {
                "type": "response.completed",
                "response": {**response, "status": "completed", "output": [whole], "usage": usage},
            },
        ]
    )


def _streamed(events: Iterable[dict[str, Any]]) -> Script:
    lines = (
        f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
        for number, event in enumerate(events)
    )
    return {"status": 200, "headers": "content-type: text/event-stream", "body": "".join(lines)}
