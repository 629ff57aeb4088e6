"""OpenAI's two ways to write a transcript: the messages of chat completions, and the items of Responses."""

from core.wire.steps.messages import NOTHING, Call, Members, Message, arguments, objects_of, parts_of
from core.wire.steps.outcomes import Outcome, outcome

_ABOUT_THE_ITEM = frozenset(
    ("id", "call_id", "status", "caller", "async", "container_id", "approval_request_id", "fingerprint",
     "pending_safety_checks", "acknowledged_safety_checks", "created_by")
)  # fmt: skip
"""Members of an item that say nothing of what was called with what, or of what came of it."""

_WRITTEN_AS_TEXT = frozenset({"arguments", "input"})

_RUN_BY_THE_PROVIDER = frozenset(
    ("mcp_call", "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call")
)
_RESULTS_WITHIN = ("output", "outputs", "result", "results", "error")
"""What came of such a call stands in it."""

_FAILED_STATES = ("failed", "incomplete")


def chat_message(message: Members) -> Message:
    role = message.get("role")
    if role == "assistant":
        return Message(is_the_models=True, calls=_chat_calls(message))
    if role in ("tool", "function"):
        return Message(outcomes=[_chat_outcome(message)])
    if role != "user":
        return NOTHING
    read = Message()
    read.add_users(parts_of(message.get("content")))
    return read


def _chat_calls(message: Members) -> list[Call]:
    calls = []
    for call in objects_of(message.get("tool_calls")):
        for said in (call.get("function"), call.get("custom")):
            if isinstance(said, dict):
                calls.append(Call(call.get("id"), _function(said)))
    legacy = message.get("function_call")
    return [*calls, Call(None, _function(legacy))] if isinstance(legacy, dict) else calls


def _function(said: Members) -> object:
    value = said.get("arguments")
    return [said.get("name"), arguments(said.get("input") if value is None else value)]


def _chat_outcome(message: Members) -> Outcome:
    return outcome(message.get("tool_call_id"), message.get("content"), is_marked=message.get("is_error") is True)


def responses_item(item: Members) -> Message:
    kind = item.get("type")
    if not isinstance(kind, str) or kind == "message":
        return _responses_message(item)
    if kind.endswith("_output"):
        return Message(outcomes=[_responses_outcome(item)])
    if kind.endswith("_call") or kind == "program":
        return _responses_call(item, kind)
    return NOTHING


def _responses_message(item: Members) -> Message:
    if item.get("role") != "user":
        return NOTHING
    read = Message()
    read.add_users(parts_of(item.get("content")))
    return read


def _responses_call(item: Members, kind: str) -> Message:
    members = {name: value for name, value in item.items() if name not in _ABOUT_THE_ITEM}
    outcomes = []
    if kind in _RUN_BY_THE_PROVIDER:
        is_marked = bool(item.get("error")) or item.get("status") in _FAILED_STATES
        came_of_it = [members.pop(name, None) for name in _RESULTS_WITHIN]
        outcomes.append(outcome(item.get("call_id"), came_of_it, is_marked=is_marked))
    says = {name: arguments(value) if name in _WRITTEN_AS_TEXT else value for name, value in members.items()}
    return Message(is_the_models=True, calls=[Call(item.get("call_id"), says)], outcomes=outcomes)


def _responses_outcome(item: Members) -> Outcome:
    output = item.get("output")
    if output is None:
        output = {name: value for name, value in item.items() if name not in _ABOUT_THE_ITEM}
    is_marked = item.get("is_error") is True or item.get("status") in _FAILED_STATES
    return outcome(item.get("call_id"), output, is_marked=is_marked)
