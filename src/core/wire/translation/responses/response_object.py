"""The response object and its output items, as an answer has them and as a stream's events show them.

The rule easy to break: an answer and the end of a stream are the same object, so both are made here and nowhere else.
Members that echo the request are what the API states where nothing was asked for.
"""

from core.money.usage import Usage
from core.wire.streams.responses_usage import usage_object
from core.wire.translation.answer import Identity, Stop
from core.wire.translation.call_arguments import is_object

JSONObject = dict[str, object]

ID_STARTS = {"text": "msg_agentwatch_", "thinking": "rs_agentwatch_", "tool_call": "fc_agentwatch_"}
"""By the kind of block. OpenAI's ids begin with the kind of their item; ours go on with what tells them from OpenAI's,
which looks up items by their ids (`returned_items`)."""

_INCOMPLETE: dict[Stop, str] = {"length": "max_output_tokens", "refusal": "content_filter"}


def response_object(
    identity: Identity, *, model: str, status: str, output: list[JSONObject], usage: Usage | None = None
) -> JSONObject:
    return {
        "id": f"resp_{_own(identity)}",
        "object": "response",
        "created_at": identity.created_at_s,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None if usage is None else usage_object(usage),
        "user": None,
        "metadata": {},
    }


def ended_response(
    identity: Identity, *, model: str, stop: Stop, output: list[JSONObject], usage: Usage | None
) -> JSONObject:
    """A response that came to its end: whole, or cut off by its length, or by a refusal."""
    reason = _INCOMPLETE.get(stop)
    status = "completed" if reason is None else "incomplete"
    response = response_object(identity, model=model, status=status, output=output, usage=usage)
    return response if reason is None else {**response, "incomplete_details": {"reason": reason}}


def message_item(id: str, *, status: str, content: list[JSONObject]) -> JSONObject:
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str) -> JSONObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def reasoning_item(id: str, summary: list[JSONObject]) -> JSONObject:
    return {"id": id, "type": "reasoning", "summary": summary}


def summary_part(text: str) -> JSONObject:
    return {"type": "summary_text", "text": text}


def call_item(id: str, *, status: str, call_id: str, name: str, arguments: str) -> JSONObject:
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def call_status(arguments: str) -> str:
    """A call that was cut off in its arguments is not to be run."""
    return "completed" if is_object(arguments) else "incomplete"


def item_id(identity: Identity, kind: str, index: int) -> str:
    return f"{ID_STARTS[kind]}{_own(identity)}_{index}"


def _own(identity: Identity) -> str:
    return identity.request_id.removeprefix("req_")
