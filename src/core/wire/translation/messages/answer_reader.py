"""A whole message read: its blocks in their order, why it ended, what it used.

Blocks of tools that Anthropic runs, and thinking that it sealed, hold nothing for a caller of another dialect. The rule
easy to break: a paused turn was billed and is no error, but it is not at its end either.
"""

from core.wire.dialects.anthropic_usage import read_anthropic_usage
from core.wire.json_body import InvalidAnswer
from core.wire.json_members import Members, answer_members, error_code_in
from core.wire.translation.answer import Answer, Stop
from core.wire.translation.call_arguments import object_text
from core.wire.translation.call_ids import free_id
from core.wire.translation.conversation import Text, Thinking, ToolCall

BETWEEN = "\n\n"
"""Between thoughts that stood apart. Texts that did are pieces of one, cut where they cite something."""

_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "length",
}


def read_answer(body: bytes) -> Answer:
    """Raises `InvalidAnswer`."""
    answer = answer_members(body)
    if error_code_in(answer, "type") is not None:
        raise InvalidAnswer("an error in place of a message")
    parts: list[Text | Thinking | ToolCall] = []
    taken: set[str] = set()
    for block in answer.each("content"):
        match block.word("type"):
            case "text" if text := block.word("text"):
                _add_text(parts, text)
            case "thinking" if text := block.word("thinking"):
                _add_thought(parts, text)
            case "tool_use":
                parts.append(_call(block, taken))
    stop = stop_of(answer.word("stop_reason"))
    if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
        stop = "tool_calls"
    return Answer(
        model=answer.word("model"),
        parts=tuple(parts),
        stop=stop,
        stop_sequence=answer.word("stop_sequence") or None,
        usage=read_anthropic_usage(answer.raw("usage")),
    )


def stop_of(reason: str) -> Stop:
    return _STOPS.get(reason, "end")


def input_text(block: Members) -> str:
    """The input of a call as it stands there, or (of those who imitate the API) as a text; empty where there is
    none."""
    if text := block.word("input"):
        return text
    text = bytes(block.raw("input")).decode("utf-8", "replace")
    return text if text.lstrip().startswith("{") else ""


def _add_text(parts: list[Text | Thinking | ToolCall], text: str) -> None:
    """Neighbours are one text, as they are in a stream."""
    if parts and isinstance(parts[-1], Text):
        text = parts.pop().text + text  # type: ignore[union-attr]
    parts.append(Text(text=text))


def _add_thought(parts: list[Text | Thinking | ToolCall], text: str) -> None:
    if parts and isinstance(parts[-1], Thinking):
        text = parts.pop().text + BETWEEN + text  # type: ignore[union-attr]
    parts.append(Thinking(text=text))


def _call(block: Members, taken: set[str]) -> ToolCall:
    call_id = free_id(block.word("id"), taken, len(taken))
    taken.add(call_id)
    return ToolCall(id=call_id, name=block.word("name"), arguments=object_text(input_text(block)))
