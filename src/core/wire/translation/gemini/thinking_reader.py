"""What a request asks of the model's thinking: a level, or a budget in which 0 is none and -1 is the model's choice."""

import msgspec

from core.wire.media.walk import folded
from core.wire.translation.conversation import Effort, Reasoning, Untranslatable
from core.wire.translation.gemini.members import Notes

_EFFORTS: dict[str, Effort | None] = {
    "THINKING_LEVEL_UNSPECIFIED": None,
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}
_AS_THE_MODEL_LIKES = -1


class _Thinking(msgspec.Struct, rename=folded):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str = "THINKING_LEVEL_UNSPECIFIED"


def read_thinking(value: object, notes: Notes) -> Reasoning | None:
    """Raises `Untranslatable`."""
    if value is None:
        return None
    asked = notes.read(value, _Thinking)
    level, budget = asked.thinking_level.upper(), asked.thinking_budget
    if level not in _EFFORTS or (budget is not None and budget < _AS_THE_MODEL_LIKES):
        raise Untranslatable("body")
    reasoning = Reasoning(
        effort="none" if budget == 0 else _EFFORTS[level],
        budget_tokens=budget if budget is not None and budget > 0 else None,
        is_adaptive=budget == _AS_THE_MODEL_LIKES,
        is_shown=asked.include_thoughts,
    )
    return None if reasoning == Reasoning() else reasoning
