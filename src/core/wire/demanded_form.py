"""Which form a request demands of its answer, and how long the shortest answer of that form is.

A schema for the text, a tool that has to be called, JSON of any kind. An answer that stops before its form is complete
is of no use to a program, and costs as much as one that is. The rule easy to break: a tool that the model only may call
is no form, but where a tool has to be called, nothing else is said; and a text of a demanded form is not said where the
model calls a tool instead, as an agent's does until it is done, so that the shorter of the two is what is of use.
"""

from collections.abc import Iterable, Iterator, Mapping

from core.wire.media.walk import given, kind_of, objects
from core.wire.shortest_json import SHORTEST_TOKENS_MAX, shortest_tokens

ANY_JSON_TOKENS = 256
"""Of an object whose members only the prompt tells."""

_CALL_TOKENS = 8
"""What frames a call of a tool."""

_MARGIN_PERCENT = 150
"""Of what the shortest needs: models write spaces and lines between, and words longer than they have to be."""

_ANSWERED_WITHIN = ("web_search", "web_fetch")
"""Tools that the provider runs: its answer goes on behind them."""

_GEMINI_CALLS, _GEMINI_CALLS_NONE = ("ANY", "2"), ("NONE", "3")
"""By name, or by the number that stands for it (google/ai/generativelanguage, `FunctionCallingConfig.Mode`)."""

Members = Mapping[str, object]


def chat_form_tokens(request: Members) -> int:
    """Of chat completions, with the older way to call functions."""
    choice, old_choice = request.get("tool_choice"), request.get("function_call")
    functions = objects(request.get("functions"))
    tools = [*_inner(request, "tools", "function"), *functions]
    if name := _name_in(choice, "function") or _name_in(old_choice):
        return _call_tokens(tools, {name})
    if choice == "required":
        return _call_tokens(tools)
    if allowed := [each for each in _inner(choice, "allowed_tools") if each.get("mode") == "required"]:
        return _call_tokens(tools, _names(_inner(allowed, "tools", "function")))
    may_be_called = (
        [] if choice == "none" else [*_inner(request, "tools", "function"), *_inner(request, "tools", "custom")]
    )
    may_be_called += [] if old_choice == "none" else functions
    for form in objects(request.get("response_format")):
        return _form_or_call(_text_tokens(form, _inner(form, "json_schema")), may_be_called)
    return 0


def responses_form_tokens(request: Members) -> int:
    choice = request.get("tool_choice")
    tools = objects(request.get("tools"))
    if choice == "required":
        return _call_tokens(tools)
    for each in objects(choice):
        if each.get("type") == "allowed_tools" and each.get("mode") == "required":
            return _call_tokens(tools, _names(objects(each.get("tools"))))
        if name := _name_in(each):
            return _call_tokens(tools, {name})
    may_be_called = (
        [] if choice == "none" else [tool for tool in tools if not kind_of(tool).startswith(_ANSWERED_WITHIN)]
    )
    for form in _inner(request, "text", "format"):
        return _form_or_call(_text_tokens(form, [form]), may_be_called)
    return 0


def messages_form_tokens(request: Members) -> int:
    """Of Anthropic's messages."""
    tools = objects(request.get("tools"))
    may_be_called = [tool for tool in tools if not kind_of(tool).startswith(_ANSWERED_WITHIN)]
    for choice in objects(request.get("tool_choice")):
        if choice.get("type") == "none":
            may_be_called = []
        if choice.get("type") == "any":
            return _call_tokens(tools)
        if choice.get("type") == "tool" and (name := _name_in(choice)):
            return _call_tokens(tools, {name})
    for form in [*_inner(request, "output_config", "format"), *objects(request.get("output_format"))]:
        return _form_or_call(_text_tokens(form, [form]), may_be_called)
    return 0


def gemini_form_tokens(request: Members) -> int:
    """Of Gemini's own API, in any spelling."""
    tools = list(_folded(_folded([request], "tools"), "functiondeclarations"))
    for calling in _folded(_folded([request], "toolconfig"), "functioncallingconfig"):
        mode = str(calling.get("mode", "")).upper()
        if mode in _GEMINI_CALLS:
            allowed = [name for names in given(calling, "allowedfunctionnames") for name in _texts(names)]
            return _call_tokens(tools, set(allowed) or None)
        if mode in _GEMINI_CALLS_NONE:
            tools = []
    for config in _folded([request], "generationconfig"):
        for name in ("responsejsonschema", "responseschema"):
            for schema in given(config, name):
                return _form_or_call(_with_margin(shortest_tokens(schema)), tools)
        if "application/json" in given(config, "responsemimetype"):
            return _form_or_call(ANY_JSON_TOKENS, tools)
    return 0


def _form_or_call(form_tokens: int, may_be_called: list[Members]) -> int:
    return min(form_tokens, _call_tokens(may_be_called)) if may_be_called else form_tokens


def _text_tokens(form: Members, holders: Iterable[Members]) -> int:
    if kind_of(form) == "json_object":
        return ANY_JSON_TOKENS
    schemas = [holder["schema"] for holder in holders if "schema" in holder]
    return _with_margin(shortest_tokens(schemas[0])) if kind_of(form) == "json_schema" and schemas else 0


def _call_tokens(tools: list[Members], names: set[str] | None = None) -> int:
    """The shortest call of one of these tools; of any of them where none is named."""
    called = [tool for tool in tools if names is None or _names([tool]) & names]
    return min((_with_margin(_CALL_TOKENS + _argument_tokens(tool)) for tool in called), default=0)


def _argument_tokens(tool: Members) -> int:
    """A tool of the provider's, or one that takes free text, says nothing of what it takes."""
    known = ("parameters", "parametersjsonschema", "inputschema")
    return max((shortest_tokens(schema) for name in known for schema in given(tool, name)), default=0)


def _with_margin(tokens: int) -> int:
    return min(tokens * _MARGIN_PERCENT // 100, SHORTEST_TOKENS_MAX)


def _name_in(choice: object, *path: str) -> str:
    """The tool that a choice names: in itself, or in a member of it."""
    for holder in [*_inner(choice, *path), *objects(choice)]:
        if isinstance(name := holder.get("name"), str):
            return name
    return ""


def _names(tools: Iterable[Members]) -> set[str]:
    return {name for tool in tools if isinstance(name := tool.get("name"), str)}


def _inner(value: object, *path: str) -> list[Members]:
    """The objects at the end of a path of members."""
    found: list[Members] = list(objects(value))
    for name in path:
        found = [inner for each in found for inner in objects(each.get(name))]
    return found


def _folded(nodes: Iterable[Members], name: str) -> Iterator[Members]:
    for node in nodes:
        for value in given(node, name):
            yield from objects(value)


def _texts(value: object) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
