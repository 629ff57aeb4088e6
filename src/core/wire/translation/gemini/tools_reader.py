"""A request's tools and what may be called. Tools that Google runs are beyond any other provider.

The rule easy to break: `allowedFunctionNames` bounds every mode but `NONE`. One name under `ANY` is a named tool;
several are all the tools that there are, since no other may be called.
"""

import msgspec

from core.wire.media.walk import folded
from core.wire.translation.conversation import Tool, ToolChoice, Untranslatable
from core.wire.translation.gemini.members import Notes, listed, named, texts
from core.wire.translation.gemini.schema_reader import read_schema

_UNSPECIFIED = "MODE_UNSPECIFIED"
_MODES = {0: _UNSPECIFIED, 1: "AUTO", 2: "ANY", 3: "NONE"}
_BEHAVIORS = {0: "UNSPECIFIED", 1: "BLOCKING", 2: "NON_BLOCKING"}
"""The numbers that stand for them (google/ai/generativelanguage, `FunctionCallingConfig`, `FunctionDeclaration`)."""


class _Tool(msgspec.Struct, rename=folded):
    function_declarations: object = None
    google_search: object = None
    google_search_retrieval: object = None
    google_maps: object = None
    code_execution: object = None
    url_context: object = None
    file_search: object = None
    computer_use: object = None
    retrieval: object = None
    enterprise_web_search: object = None
    parallel_ai_search: object = None
    exa_ai_search: object = None
    mcp_servers: object = None


class _Declaration(msgspec.Struct, rename=folded):
    name: str = ""
    description: str | None = None
    parameters: object = None
    parameters_json_schema: object = None
    response: object = None
    response_json_schema: object = None
    behavior: str | int = ""


class _ToolConfig(msgspec.Struct, rename=folded):
    function_calling_config: object = None
    retrieval_config: object = None
    include_server_side_tool_invocations: object = None


class _CallingConfig(msgspec.Struct, rename=folded):
    mode: str | int = _UNSPECIFIED
    allowed_function_names: object = None
    stream_function_call_arguments: object = None


def read_tools(value: object, config: object, notes: Notes) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Raises `Untranslatable`."""
    tools: list[Tool] = []
    for each in listed(value):
        tool = notes.read(each, _Tool)
        tools += [_declared(declaration, notes) for declaration in listed(tool.function_declarations)]
        for name in _Tool.__struct_fields__[1:]:
            if getattr(tool, name) is not None:
                notes.go_beyond(f"tool:{name}")
    return _allowed(tuple(tools), config, notes)


def _declared(value: object, notes: Notes) -> Tool:
    declared = notes.read(value, _Declaration)
    if not declared.name:
        raise Untranslatable("body")
    if named(declared.behavior, _BEHAVIORS) == "NON_BLOCKING":
        notes.go_beyond("later_results")
    notes.drop("response", declared.response)
    notes.drop("responseJsonSchema", declared.response_json_schema)
    schema = declared.parameters_json_schema
    if declared.parameters is not None:
        schema = read_schema(declared.parameters)
    if schema is None:
        schema = {"type": "object", "properties": {}}
    if not isinstance(schema, dict):
        raise Untranslatable("body")
    return Tool(name=declared.name, description=declared.description, schema=schema)


def _allowed(tools: tuple[Tool, ...], value: object, notes: Notes) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    outer = notes.read(value or {}, _ToolConfig)
    notes.drop("retrievalConfig", outer.retrieval_config)
    notes.drop("includeServerSideToolInvocations", outer.include_server_side_tool_invocations)
    config = notes.read(outer.function_calling_config or {}, _CallingConfig)
    notes.drop("streamFunctionCallArguments", config.stream_function_call_arguments)
    mode, names = named(config.mode, _MODES), set(texts(config.allowed_function_names))
    if mode == "NONE":
        return tools, ToolChoice(mode="none") if tools else None
    if not names <= {tool.name for tool in tools}:
        raise Untranslatable("body")
    if mode == "ANY" and len(names) == 1:
        return tools, ToolChoice(mode="named", name=names.pop())
    if names:
        tools = tuple(tool for tool in tools if tool.name in names)
    return tools, _choice(mode, notes) if tools else None


def _choice(mode: str, notes: Notes) -> ToolChoice | None:
    match mode:
        case "ANY":
            return ToolChoice(mode="required")
        case "AUTO":
            return ToolChoice(mode="auto")
        case "VALIDATED":  # that arguments fit their schema is Google's promise alone
            notes.drop("functionCallingConfig.mode", mode)
            return ToolChoice(mode="auto")
        case "MODE_UNSPECIFIED":
            return None
    raise Untranslatable("body")
