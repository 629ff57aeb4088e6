"""A whole answer as `generateContent` gives it: one candidate, whose calls and thoughts are parts among its text.

The rule easy to break: `model` is the one that served, and a candidate has at least one part, as clients expect.
"""

import msgspec

from core.wire.translation.answer import Answer, Identity
from core.wire.translation.conversation import Text, Thinking, ToolCall
from core.wire.translation.gemini.parts_writer import FINISH_REASONS, call_part, thought_part
from core.wire.translation.gemini.usage_writer import usage_object

NOTHING_SAID: dict[str, object] = {"text": ""}


def write_answer(answer: Answer, identity: Identity, *, shows_thinking: bool = True) -> bytes:
    """`shows_thinking` False leaves the thoughts out, as Gemini does unless asked for them."""
    parts = _parts(answer, shows_thinking=shows_thinking) or [NOTHING_SAID]
    candidate = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": FINISH_REASONS[answer.stop],
        "index": 0,
    }
    written: dict[str, object] = {"candidates": [candidate]}
    if answer.usage is not None:
        written["usageMetadata"] = usage_object(answer.usage)
    return msgspec.json.encode(written | {"modelVersion": answer.model, "responseId": identity.request_id})


def _parts(answer: Answer, *, shows_thinking: bool) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = []
    has_called = False
    for part in answer.parts:
        match part:
            case Text() if part.text:
                parts.append({"text": part.text})
            case Thinking() if part.text and shows_thinking:
                parts.append(thought_part(part))
            case ToolCall():
                parts.append(call_part(part, is_first=not has_called))
                has_called = True
    return parts
