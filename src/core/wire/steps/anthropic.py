"""Anthropic's messages: calls and results are blocks, of tools that run at the caller's and of the provider's own."""

from core.wire.steps.messages import NOTHING, Call, Members, Message, arguments, parts_of
from core.wire.steps.outcomes import Outcome, outcome


def anthropic_message(message: Members) -> Message:
    """A user's message may hold results and texts side by side; with one text that is a person's, a person speaks."""
    role = message.get("role")
    if role not in ("assistant", "user"):
        return NOTHING
    read = Message(is_the_models=role == "assistant")
    others = []
    for block in parts_of(message.get("content")):
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(block, dict) or not isinstance(kind, str):
            others.append(block)
        elif kind.endswith("tool_use"):
            read.calls.append(_call(block))
        elif kind.endswith("tool_result"):
            read.outcomes.append(_outcome(block))
        else:
            others.append(block)
    if role == "user":
        read.add_users(others)
    return read


def _call(block: Members) -> Call:
    return Call(block.get("id"), [block.get("name"), block.get("server_name"), arguments(block.get("input"))])


def _outcome(block: Members) -> Outcome:
    return outcome(block.get("tool_use_id"), block.get("content"), is_marked=block.get("is_error") is True)
