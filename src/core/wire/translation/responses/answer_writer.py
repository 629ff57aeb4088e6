"""A whole answer written as a response object.

The rule easy to break: an official client makes of a stream the same items that the whole answer has, so neighbours
that are texts are one item here as they are one block there.
"""

from itertools import groupby

import msgspec

from core.wire.translation.answer import Answer, Identity
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.responses.response_object import (
    JSONObject,
    call_item,
    call_status,
    ended_response,
    item_id,
    message_item,
    reasoning_item,
    summary_part,
    text_part,
)


def write_answer(answer: Answer, identity: Identity) -> bytes:
    output: list[JSONObject] = []
    for kind, parts in groupby(answer.parts, key=type):
        if kind is ToolCall:
            for part in parts:
                output.append(_call(part, identity, len(output)))  # type: ignore[arg-type]
        elif text := "".join(part.text for part in parts if isinstance(part, Text | Thinking)):
            output.append(_words(kind is Thinking, text, identity, len(output)))
    response = ended_response(identity, model=answer.model, stop=answer.stop, output=output, usage=answer.usage)
    return msgspec.json.encode(response)


def _words(is_thinking: bool, text: str, identity: Identity, index: int) -> JSONObject:
    if is_thinking:
        return reasoning_item(item_id(identity, "thinking", index), [summary_part(text)])
    return message_item(item_id(identity, "text", index), status="completed", content=[text_part(text)])


def _call(call: ToolCall, identity: Identity, index: int) -> JSONObject:
    id, status = item_id(identity, "tool_call", index), call_status(call.arguments)
    return call_item(id, status=status, call_id=call.id, name=call.name, arguments=call.arguments)
