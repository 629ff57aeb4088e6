"""The parts of an answer, and why it ended, in Gemini's words.

Google's own models refuse a history whose first call in an answer bears no signature of theirs. A call that another
model made bears the value that Google has for such calls, so that the next turn may go to Gemini again.
"""

from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.answer import Stop
from core.wire.translation.conversation import Thinking, ToolCall
from core.wire.translation.fitting.history import FOREIGN_CALL

FINISH_REASONS: dict[Stop, str] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "refusal": "SAFETY",
}
"""`PROHIBITED_CONTENT` would say more than another provider's refusal does."""


def thought_part(thinking: Thinking) -> dict[str, object]:
    part: dict[str, object] = {"text": thinking.text, "thought": True}
    if thinking.signature is not None and thinking.maker == "gemini":
        part["thoughtSignature"] = thinking.signature
    return part


def call_part(call: ToolCall, *, is_first: bool) -> dict[str, object]:
    """`is_first` of its answer: the others that were made beside it bear no signature."""
    said: dict[str, object] = {"name": call.name, "args": _arguments(call.arguments)}
    part: dict[str, object] = {"functionCall": {"id": call.id} | said if call.id else said}
    signature = call.signature or (FOREIGN_CALL if is_first else None)
    return part if signature is None else part | {"thoughtSignature": signature}


def _arguments(text: str) -> dict[str, object]:
    """What is no object stands in one: the call itself is never lost."""
    if not is_too_deep(text.encode()):
        try:
            return read_json(text.strip() or "{}", dict[str, object])
        except InvalidJSON:
            pass
    return {"arguments": text}
