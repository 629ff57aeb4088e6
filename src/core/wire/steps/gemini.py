"""Gemini's contents: calls and results are parts, each an object with one telling member, in either spelling."""

from collections.abc import Callable

from core.wire.media.walk import folded
from core.wire.steps.messages import Call, Members, Message, arguments, objects_of, parts_of
from core.wire.steps.outcomes import outcome

_TOOLS_OWN = ("output", "result")
"""Under which names SDKs put what a tool returned, when that is no object."""

_GOOD_OUTCOMES = (None, "OUTCOME_OK", "OUTCOME_UNSPECIFIED", 0, 1)
"""By name, or by the number that stands for it (google/ai/generativelanguage, `CodeExecutionResult`)."""


def gemini_message(message: Members) -> Message:
    is_the_models = message.get("role") == "model"
    read = Message(is_the_models=is_the_models)
    for part in parts_of(message.get("parts")):
        members = _by_folded_name(part) if isinstance(part, dict) else {}
        telling = [(add, said) for name, add in _TELLING.items() if isinstance(said := members.get(name), dict)]
        for add, said in telling:
            add(read, _by_folded_name(said))
        if not telling and not is_the_models:
            read.add_users([part])
    return read


def _by_folded_name(value: Members) -> dict[str, object]:
    return {folded(name): member for name, member in value.items()}


def _add_call(read: Message, said: Members) -> None:
    read.calls.append(Call(said.get("id"), [said.get("name") or said.get("tooltype"), arguments(said.get("args"))]))


def _add_response(read: Message, said: Members) -> None:
    response = said.get("response")
    members = dict(response) if isinstance(response, dict) else {}
    tools_own = [members.pop(name) for name in _TOOLS_OWN if name in members]
    read.outcomes.append(outcome(said.get("id"), [members, *tools_own, *objects_of(said.get("parts"))]))


def _add_code(read: Message, said: Members) -> None:
    read.calls.append(Call(said.get("id"), [said.get("language"), said.get("code")]))


def _add_code_result(read: Message, said: Members) -> None:
    ended = said.get("outcome")
    content = [ended, said.get("output")]
    read.outcomes.append(outcome(said.get("id"), content, is_marked=ended not in _GOOD_OUTCOMES))


_TELLING: dict[str, Callable[[Message, Members], None]] = {
    "functioncall": _add_call,
    "functionresponse": _add_response,
    "toolcall": _add_call,
    "toolresponse": _add_response,
    "executablecode": _add_code,
    "codeexecutionresult": _add_code_result,
}
