"""Which tools a `tool_choice` leaves the model no way around: one that is named, or any of those that are offered."""

from collections.abc import Iterable

from mock_llm.wire.failures import Failure
from mock_llm.writing.plan import Tool


def any_of(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if not tools:
        raise Failure(400, "tool_choice is only allowed when tools are specified.", param="tool_choice")
    return tools


def named(names: Iterable[str], tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    by_name = {tool.name: tool for tool in tools}
    for name in names:
        if name not in by_name:
            raise Failure(400, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
    return tuple(by_name[name] for name in names)
