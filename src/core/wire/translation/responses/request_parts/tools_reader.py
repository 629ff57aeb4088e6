"""The tools of a Responses request: functions are the caller's own, all other kinds are known to OpenAI's models only.

The rule easy to break: a custom tool, a shell or a patch tool is run by the caller too, but its input is no JSON and
its form is trained into the model; made into a function it would be another tool.
"""

from core.wire.translation.conversation import Tool, ToolChoice, Untranslatable
from core.wire.translation.unsaid import (
    Members,
    Unsaid,
    members_in,
    objects_in,
    text_in,
    text_or_none,
)

_READ = ("type", "name", "description", "parameters", "strict", "defer_loading", "allowed_callers", "async")


def read_tools(said: object, unsaid: Unsaid) -> tuple[Tool, ...]:
    tools = []
    for tool in objects_in(said):
        if tool.get("type") == "function":
            tools.append(_function(tool, unsaid))
        else:
            unsaid.is_beyond("tool", tool.get("type"))
    return tuple(tools)


def read_tool_choice(said: object, unsaid: Unsaid) -> ToolChoice | None:
    match said:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=said)
        case {"type": "function"}:
            return ToolChoice(mode="named", name=text_in(members_in(said), "name"))
        case {"type": kind}:
            unsaid.is_beyond("tool_choice", kind)
            return None
    raise Untranslatable("body")


def _function(tool: Members, unsaid: Unsaid) -> Tool:
    strict = tool.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise Untranslatable("body")
    if tool.get("defer_loading"):
        unsaid.is_beyond("tool", "defer_loading")
    if tool.get("async"):
        unsaid.is_beyond("tool", "async")
    if tool.get("allowed_callers") not in (None, [], ["direct"]):
        unsaid.is_beyond("tool", "programmatic")
    unsaid.rest_is_dropped(tool, _READ)
    return Tool(
        name=text_in(tool, "name"),
        description=text_or_none(tool, "description"),
        schema=members_in(tool.get("parameters") or {}),
        is_strict=strict,
    )
