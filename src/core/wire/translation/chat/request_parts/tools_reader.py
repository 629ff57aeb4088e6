"""The tools of a chat request, in the way of today and in the old one (`functions`), and the form of its answer.

The rule easy to break: a tool that is no function is known to the models of its provider only, even where the caller
runs it (`custom`: its input is no JSON); made into a function it would be another tool.
"""

from core.wire.translation.conversation import OutputFormat, Tool, ToolChoice, Untranslatable
from core.wire.translation.unsaid import (
    Members,
    Unsaid,
    flag_or_none,
    members_in,
    objects_in,
    text_in,
    text_or_none,
)

_FUNCTION = ("name", "description", "parameters", "strict")


def read_tools(tools: object, functions: object, unsaid: Unsaid) -> tuple[Tool, ...]:
    """Raises `Untranslatable`."""
    read = []
    for tool in objects_in(tools):
        if tool.get("type") in (None, "function"):
            unsaid.rest_is_dropped(tool, ("type", "function"), within="tools")
            read.append(_function(members_in(tool.get("function")), unsaid))
        else:
            unsaid.is_beyond("tool", tool.get("type"))
    return (*read, *(_function(said, unsaid) for said in objects_in(functions)))


def read_tool_choice(said: object, unsaid: Unsaid) -> ToolChoice | None:
    """`function_call` is the same, its named function without the object around. Raises `Untranslatable`."""
    match said:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=said)
        case {"type": "function", "function": dict(function)}:
            return ToolChoice(mode="named", name=text_in(function, "name"))
        case {"type": kind}:
            unsaid.is_beyond("tool_choice", kind or "unknown")
            return None
        case {"name": str(name)}:
            return ToolChoice(mode="named", name=name)
    raise Untranslatable("body")


def read_format(said: Members, unsaid: Unsaid) -> OutputFormat | None:
    """Raises `Untranslatable`."""
    match said.get("type"):
        case None | "text":
            return None
        case "json_object":
            return OutputFormat()
        case "json_schema":
            form = members_in(said.get("json_schema"))
            unsaid.rest_is_dropped(form, ("name", "description", "schema", "strict"), within="response_format")
            return OutputFormat(
                schema=members_in(form.get("schema")),
                name=text_or_none(form, "name"),
                description=text_or_none(form, "description"),
                is_strict=flag_or_none(form, "strict"),
            )
        case kind:
            unsaid.is_beyond("response_format", kind)
            return None


def _function(said: Members, unsaid: Unsaid) -> Tool:
    unsaid.rest_is_dropped(said, _FUNCTION, within="tools")
    return Tool(
        name=text_in(said, "name"),
        description=text_or_none(said, "description"),
        schema=members_in(said.get("parameters")),
        is_strict=flag_or_none(said, "strict"),
    )
