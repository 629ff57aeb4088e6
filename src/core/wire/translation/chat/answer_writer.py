"""A whole answer written as a chat completion.

The rules easy to break: thinking has a member of its own and is never text of the answer; and an official client makes
of a stream the same message that the whole answer has.
"""

import msgspec

from core.wire.translation.answer import Answer, Identity, Stop
from core.wire.translation.chat.request_parts.messages_writer import signed
from core.wire.translation.chat.usage_writer import usage_object
from core.wire.translation.conversation import Text, Thinking, ToolCall

FINISH_REASONS: dict[Stop, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "refusal": "content_filter",
}


def write_answer(answer: Answer, identity: Identity, *, calls_as_functions: bool = False) -> bytes:
    """`calls_as_functions` is for a caller that knows chat's older way only: the first call, in its `function_call`."""
    choice = {
        "index": 0,
        "message": _message(answer, calls_as_functions),
        "logprobs": None,
        "finish_reason": finish_reason(answer.stop, calls_as_functions),
    }
    written: dict[str, object] = {
        "id": answer_id(identity),
        "object": "chat.completion",
        "created": identity.created_at_s,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.usage is not None:
        written["usage"] = usage_object(answer.usage)
    return msgspec.json.encode(written)


def answer_id(identity: Identity) -> str:
    return f"chatcmpl-{identity.request_id}"


def finish_reason(stop: Stop, calls_as_functions: bool) -> str:
    return "function_call" if calls_as_functions and stop == "tool_calls" else FINISH_REASONS[stop]


def call_object(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": call.arguments}
    said: dict[str, object] = {"id": call.id, "type": "function", "function": function}
    return said if call.signature is None else {**said, "extra_content": signed(call.signature)}


def _message(answer: Answer, calls_as_functions: bool) -> dict[str, object]:
    text = "".join(part.text for part in answer.parts if isinstance(part, Text))
    thought = "".join(part.text for part in answer.parts if isinstance(part, Thinking))
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    message: dict[str, object] = {"role": "assistant", "content": text or None, "refusal": None}
    if thought:
        message["reasoning_content"] = thought
    if calls and calls_as_functions:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [call_object(call) for call in calls]
    return message
