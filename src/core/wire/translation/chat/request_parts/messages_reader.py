"""The messages of a chat request as turns.

What a tool returned is a message of its own here, one for each call; in a turn it is a part, before what the user says.
The old way to call a function has no id for a call and its result: they get one by their order.

The rule easy to break: a model's thoughts are repeated in several members, and are no text of its answer in any.
"""

from typing import Literal

import msgspec

from core.wire.translation.call_arguments import object_text
from core.wire.translation.chat.request_parts.content_reader import read_content
from core.wire.translation.conversation import AnyPart, Text, Thinking, ToolCall, ToolResult, Turn, Untranslatable
from core.wire.translation.unsaid import (
    Members,
    Unsaid,
    flag_or_none,
    members_in,
    objects_in,
    text_in,
    text_or_none,
)

Role = Literal["system", "user", "assistant"]

_ASSISTANT = (
    "role", "content", "refusal", "tool_calls", "function_call", "reasoning_content", "reasoning", "audio",
)  # fmt: skip
_RESULT = ("role", "content", "tool_call_id", "name", "is_error")
"""The name is the called function's, which the call has too."""
_CALL = ("id", "type", "index", "function", "extra_content")
_WITHIN = "messages"


def read_turns(messages: object, unsaid: Unsaid) -> tuple[Turn, ...]:
    """Raises `Untranslatable`."""
    turns = _Turns()
    functions = _Functions()
    for message in objects_in(messages):
        match message.get("role"):
            case "system" | "developer":
                turns.add("system", _content_of(message, "system", unsaid))
            case "user":
                turns.add("user", _content_of(message, "user", unsaid))
            case "assistant":
                turns.add("assistant", _assistant(message, functions, unsaid))
            case "tool":
                turns.add("user", [_result(message, text_or_none(message, "tool_call_id") or "", unsaid)])
            case "function":
                turns.add("user", [_result(message, functions.answered(text_in(message, "name")), unsaid)])
            case _:
                raise Untranslatable("body")
    return turns.whole()


class _Turns:
    """Turns as they grow: neighbours of one role are one, and results come first in a user's."""

    def __init__(self) -> None:
        self._turns: list[tuple[Role, list[AnyPart]]] = []

    def add(self, role: Role, parts: list[AnyPart]) -> None:
        if not parts:
            return
        if self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(parts)
        else:
            self._turns.append((role, parts))

    def whole(self) -> tuple[Turn, ...]:
        return tuple(Turn(role, tuple(sorted(parts, key=_is_no_result))) for role, parts in self._turns)


def _is_no_result(part: AnyPart) -> bool:
    return not isinstance(part, ToolResult)


class _Functions:
    """The ids that calls of the old kind get."""

    def __init__(self) -> None:
        self._calls = 0
        self._waiting: list[tuple[str, str]] = []
        """Names and ids of calls without a result."""

    def called(self, name: str) -> str:
        self._calls += 1
        self._waiting.append((name, f"function_call_{self._calls}"))
        return self._waiting[-1][1]

    def answered(self, name: str) -> str:
        for called, id in self._waiting:
            if called == name:
                self._waiting.remove((called, id))
                return id
        self._calls += 1
        return f"function_call_{self._calls}"


def _content_of(message: Members, role: Role, unsaid: Unsaid) -> list[AnyPart]:
    unsaid.rest_is_dropped(message, ("role", "content"), within=_WITHIN)
    parts: list[AnyPart] = [*read_content(message.get("content"), unsaid)]
    if role != "user" and not all(isinstance(part, Text) for part in parts):
        unsaid.is_beyond(f"{role}_media")
    return parts


def _assistant(message: Members, functions: _Functions, unsaid: Unsaid) -> list[AnyPart]:
    """Thoughts come before what is said, and that before the calls: the members have no order among them."""
    unsaid.rest_is_dropped(message, _ASSISTANT, within=_WITHIN)
    if message.get("audio"):
        unsaid.is_beyond("audio")
    thought = text_or_none(message, "reasoning_content") or text_or_none(message, "reasoning")
    parts: list[AnyPart] = [Thinking(text=thought)] if thought else []
    parts += _content_of({"content": message.get("content")}, "assistant", unsaid)
    if refusal := text_or_none(message, "refusal"):
        parts.append(Text(text=refusal))
    for call in objects_in(message.get("tool_calls")):
        parts += _call(call, unsaid)
    if message.get("function_call"):
        said = members_in(message.get("function_call"))
        parts.append(_function(said, functions.called(text_in(said, "name")), None))
    return parts


def _call(call: Members, unsaid: Unsaid) -> list[ToolCall]:
    unsaid.rest_is_dropped(call, _CALL, within="tool_calls")
    if call.get("type") not in (None, "function"):
        unsaid.is_beyond("tool_call", call.get("type"))
        return []
    google = members_in(members_in(call.get("extra_content")).get("google"))
    signature = text_or_none(google, "thought_signature")
    return [_function(members_in(call.get("function")), text_or_none(call, "id") or "", signature)]


def _function(said: Members, id: str, signature: str | None) -> ToolCall:
    """Some clients write the arguments as the object that they are."""
    arguments = said.get("arguments")
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    elif arguments is not None and not isinstance(arguments, str):
        raise Untranslatable("body")
    return ToolCall(id=id, name=text_in(said, "name"), arguments=object_text(arguments or ""), signature=signature)


def _result(message: Members, call_id: str, unsaid: Unsaid) -> ToolResult:
    unsaid.rest_is_dropped(message, _RESULT, within=_WITHIN)
    parts = read_content(message.get("content"), unsaid)
    return ToolResult(call_id=call_id, parts=parts, is_error=flag_or_none(message, "is_error") is True)
