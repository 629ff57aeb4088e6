"""A whole Responses answer read: its items in their order, why it ended, what it used.

Items are read for what they hold; those of tools that OpenAI runs hold nothing for a caller of another dialect. The
rule easy to break: a response that failed is an answer with status 200 all the same; it is not read as an empty one.
"""

from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.json_body import InvalidAnswer
from core.wire.json_members import Members, answer_members
from core.wire.translation.answer import Answer, Stop
from core.wire.translation.call_arguments import object_text
from core.wire.translation.call_ids import free_id
from core.wire.translation.conversation import Text, Thinking, ToolCall

BETWEEN = "\n\n"
"""Between texts that stood apart: messages, parts of a summary."""

_INCOMPLETE: dict[str, Stop] = {"max_output_tokens": "length", "content_filter": "refusal"}
_FAILED = ("failed", "cancelled")


def read_answer(body: bytes) -> Answer:
    """Raises `InvalidAnswer`."""
    answer = answer_members(body)
    items = answer.each("output")
    if answer.word("status") in _FAILED or (answer.has("error") and not items):
        raise InvalidAnswer("the response failed")
    parts = read_output(items)
    return Answer(
        model=answer.word("model"),
        parts=parts,
        stop=stop_of(
            answer,
            is_incomplete=answer.word("status") == "incomplete",
            has_refused=any(has_refused(item) for item in items),
            has_called=any(isinstance(part, ToolCall) for part in parts),
        ),
        usage=read_openai_usage(answer.raw("usage")),
    )


def read_output(items: list[Members]) -> tuple[Text | Thinking | ToolCall, ...]:
    """What the items hold. Neighbours that are texts are one text, as they are in a stream."""
    parts: list[Text | Thinking | ToolCall] = []
    taken: set[str] = set()
    for item in items:
        match item.word("type"):
            case "message":
                _add_words(parts, Text(text=_message_text(item)))
            case "reasoning":
                _add_words(parts, Thinking(text=_thinking_text(item)))
            case "function_call":
                parts.append(_call(item, taken))
    return tuple(parts)


def has_refused(item: Members) -> bool:
    return any(part.word("type") == "refusal" for part in item.each("content"))


def stop_of(response: Members, *, is_incomplete: bool, has_refused: bool, has_called: bool) -> Stop:
    reason = response.inner("incomplete_details").word("reason")
    if is_incomplete and reason in _INCOMPLETE:
        return _INCOMPLETE[reason]
    if has_refused:
        return "refusal"
    return "tool_calls" if has_called else "end"


def arguments_in(item: Members) -> str:
    """As they stand there: a text, or (of those who imitate the API) the object itself."""
    if text := item.word("arguments"):
        return text
    raw = bytes(item.raw("arguments"))
    return raw.decode("utf-8", "replace") if raw.lstrip().startswith(b"{") else ""


def _message_text(item: Members) -> str:
    return "".join(part.word("text", "refusal") for part in item.each("content"))


def _thinking_text(item: Members) -> str:
    shown = item.each("content") or item.each("summary")
    return BETWEEN.join(words for part in shown if (words := part.word("text")))


def _add_words(parts: list[Text | Thinking | ToolCall], words: Text | Thinking) -> None:
    if not words.text:
        return
    last = parts[-1] if parts else None
    if isinstance(last, Text) and isinstance(words, Text):
        parts[-1] = Text(text=last.text + BETWEEN + words.text)
    elif isinstance(last, Thinking) and isinstance(words, Thinking):
        parts[-1] = Thinking(text=last.text + BETWEEN + words.text)
    else:
        parts.append(words)


def _call(item: Members, taken: set[str]) -> ToolCall:
    call_id = free_id(item.word("call_id", "id"), taken, len(taken))
    taken.add(call_id)
    return ToolCall(id=call_id, name=item.word("name"), arguments=object_text(arguments_in(item)))
