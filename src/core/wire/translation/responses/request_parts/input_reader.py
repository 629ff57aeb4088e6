"""The input of a Responses request as turns: a text, or a row of items of which some are messages and some are not.

Items stand alone where other dialects have one message: what a model thought, said and called are three items of one
turn. The rule easy to break: an item may be no more than the id of something that OpenAI has stored.
"""

from core.wire.translation.call_arguments import object_text
from core.wire.translation.conversation import AnyPart, Text, Thinking, ToolCall, ToolResult, Turn, Untranslatable
from core.wire.translation.responses.request_parts.content_reader import read_content
from core.wire.translation.unsaid import Members, Unsaid, members_in, objects_in, text_in

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_MESSAGE = ("type", "id", "role", "content", "status")
_CALL = ("type", "id", "call_id", "name", "arguments", "status", "namespace", "async", "caller")
_RESULT = ("type", "id", "call_id", "name", "output", "status", "namespace", "caller")
_REASONING = ("type", "id", "summary", "content", "encrypted_content", "status")


def read_turns(instructions: str | None, said: object, unsaid: Unsaid) -> tuple[Turn, ...]:
    """Instructions come before the first turn. Raises `Untranslatable`."""
    turns = _Turns()
    if instructions:
        turns.add("system", [Text(text=instructions)])
    if isinstance(said, str):
        turns.add("user", [Text(text=said)] if said else [])
    else:
        for item in objects_in(said):
            _read_item(item, turns, unsaid)
    return turns.whole()


class _Turns:
    """Turns as they grow: neighbours of one role are one, and results come first in a user's."""

    def __init__(self) -> None:
        self._turns: list[tuple[str, list[AnyPart]]] = []

    def add(self, role: str, parts: list[AnyPart]) -> None:
        if not parts:
            return
        if self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(parts)
        else:
            self._turns.append((role, parts))

    def whole(self) -> tuple[Turn, ...]:
        return tuple(Turn(role, tuple(sorted(parts, key=_results_first))) for role, parts in self._turns)  # type: ignore[arg-type]


def _results_first(part: AnyPart) -> bool:
    return not isinstance(part, ToolResult)


def _read_item(item: Members, turns: _Turns, unsaid: Unsaid) -> None:
    kind = item.get("type")
    if kind == "message" or (kind is None and "role" in item):
        role, parts = _message(item, unsaid)
        turns.add(role, parts)
    elif kind == "function_call":
        turns.add("assistant", [_call(item, unsaid)])
    elif kind == "function_call_output":
        turns.add("user", [_result(item, unsaid)])
    elif kind == "reasoning":
        turns.add("assistant", _thinking(item, unsaid))
    else:
        unsaid.is_beyond("item", kind or "item_reference")


def _message(item: Members, unsaid: Unsaid) -> tuple[str, list[AnyPart]]:
    role = _ROLES.get(text_in(item, "role"))
    if role is None:
        raise Untranslatable("body")
    unsaid.rest_is_dropped(item, _MESSAGE)
    parts = read_content(item.get("content"), unsaid)
    if role != "user" and any(not isinstance(part, Text) for part in parts):
        unsaid.is_beyond(f"{role}_media")
    return role, list(parts)


def _call(item: Members, unsaid: Unsaid) -> ToolCall:
    _note_how_it_is_run(item, unsaid)
    unsaid.rest_is_dropped(item, _CALL)
    return ToolCall(id=_call_id(item), name=text_in(item, "name"), arguments=object_text(text_in(item, "arguments")))


def _result(item: Members, unsaid: Unsaid) -> ToolResult:
    _note_how_it_is_run(item, unsaid)
    unsaid.rest_is_dropped(item, _RESULT)
    return ToolResult(call_id=_call_id(item), parts=read_content(item.get("output"), unsaid))


def _call_id(item: Members) -> str:
    return "" if item.get("call_id") is None else text_in(item, "call_id")


def _note_how_it_is_run(item: Members, unsaid: Unsaid) -> None:
    """A function inside a namespace is another one than its namesake outside; a program's calls need the program."""
    if item.get("namespace"):
        unsaid.is_beyond("namespace")
    if item.get("async"):
        unsaid.is_beyond("async")
    if members_in(item.get("caller") or {}).get("type") not in (None, "direct"):
        unsaid.is_beyond("programmatic")


def _thinking(item: Members, unsaid: Unsaid) -> list[AnyPart]:
    """An item that is neither encrypted nor shown is the id of what OpenAI keeps: like all foreign thinking it is left
    out elsewhere."""
    unsaid.rest_is_dropped(item, _REASONING)
    shown = objects_in(item.get("content")) or objects_in(item.get("summary"))
    text = "\n\n".join(words for part in shown if (words := text_in(part, "text")))
    sealed = item.get("encrypted_content")
    if sealed:
        return [Thinking(text=text, sealed=text_in(item, "encrypted_content"), maker="openai")]
    if text:
        return [Thinking(text=text)]
    unsaid.is_dropped("reasoning")
    return []
