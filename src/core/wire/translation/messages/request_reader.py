"""A Messages request read: what its members ask for. What was said is read by `blocks_reader`.

The rule easy to break: tools that Anthropic runs, or that its models were trained on, have a type and no schema; made
into functions they would be other tools. A custom tool may have a type as well, or none.
"""

from typing import get_args

import msgspec

from core.wire.dialects.anthropic_usage import ANYWHERE
from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.conversation import (
    Conversation,
    Effort,
    OutputFormat,
    Reasoning,
    Tool,
    ToolChoice,
    Turn,
    Untranslatable,
)
from core.wire.translation.messages.blocks_reader import read_turns
from core.wire.translation.unsaid import (
    Members,
    Unsaid,
    count_or_none,
    flag_or_none,
    members_in,
    number_or_none,
    objects_in,
    text_in,
    text_or_none,
)

_READ = (
    "model", "stream", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences",
    "thinking", "output_config", "output_format", "metadata", "inference_geo", "context_management",
)  # fmt: skip
_DONE_ELSEWHERE = ("container", "mcp_servers", "fallbacks", "compaction", "thread")
"""By Anthropic, with what it stores, runs, or decides itself."""

_SAYING_NOTHING: dict[str, tuple[object, ...]] = {
    "service_tier": ("auto", "standard_only"),
    "speed": ("standard",),
    "betas": ([],),
}
_TOOL = (
    "type", "name", "description", "input_schema", "strict", "defer_loading", "allowed_callers",
    "eager_input_streaming",
)  # fmt: skip
_EFFORTS = frozenset(get_args(Effort)) - {"none"}


def read_request(body: bytes, *, path: str = "") -> Conversation:
    """The conversation of a body that its dialect has accepted. Raises `Untranslatable`."""
    raw, members = _members(body)
    unsaid = Unsaid()
    turns = read_turns(raw.get("system"), raw.get("messages", msgspec.Raw(b"null")), unsaid)
    if _is_prefilled(turns):
        unsaid.is_beyond("prefill")
    tools = _tools(members.get("tools"), unsaid)
    choice, is_parallel = _tool_choice(members_in(members.get("tool_choice") or {}), unsaid)
    output = members_in(members.get("output_config") or {})
    reasoning = _reasoning(members_in(members.get("thinking") or {}), output.get("effort"), unsaid)
    answer_format = _format(members_in(output.get("format") or members.get("output_format") or {}), unsaid)
    metadata = members_in(members.get("metadata") or {})
    unsaid.rest_is_dropped(metadata, ("user_id",))
    unsaid.rest_is_dropped(output, ("effort", "format"))
    _note_the_rest(members, unsaid)
    return Conversation(
        model=text_in(members, "model"),
        turns=turns,
        is_streaming=members.get("stream") is True,
        wants_usage=True,
        tools=tools,
        tool_choice=choice,
        is_parallel=is_parallel,
        output_tokens_max=count_or_none(members, "max_tokens"),
        temperature=number_or_none(members, "temperature"),
        top_p=number_or_none(members, "top_p"),
        top_k=count_or_none(members, "top_k"),
        stop=_texts(members, "stop_sequences"),
        format=answer_format,
        reasoning=reasoning,
        user=text_or_none(metadata, "user_id") or None,
        beyond=unsaid.beyond,
        dropped=unsaid.dropped,
    )


def _members(body: bytes) -> tuple[dict[str, msgspec.Raw], Members]:
    """All members as they stand there, and those decoded that say how to answer, not what was said."""
    try:
        raw = read_json(body, dict[str, msgspec.Raw])
        told = {name: read_json(value, object) for name, value in raw.items() if name not in ("system", "messages")}
    except InvalidJSON:
        raise Untranslatable("body") from None
    return raw, told


def _is_prefilled(turns: tuple[Turn, ...]) -> bool:
    """Claude goes on from the last words of an assistant turn; no model of another provider does."""
    spoken = [turn for turn in turns if turn.role != "system"]
    return bool(spoken) and spoken[-1].role == "assistant"


def _tools(said: object, unsaid: Unsaid) -> tuple[Tool, ...]:
    tools = []
    for tool in objects_in(said):
        if tool.get("type") in (None, "custom"):
            tools.append(_function(tool, unsaid))
        else:
            unsaid.is_beyond("tool", tool["type"])
    return tuple(tools)


def _function(tool: Members, unsaid: Unsaid) -> Tool:
    if tool.get("defer_loading"):
        unsaid.is_beyond("tool", "defer_loading")
    if tool.get("allowed_callers") not in (None, [], ["direct"]):
        unsaid.is_beyond("tool", "programmatic")
    unsaid.rest_is_dropped(tool, _TOOL)
    return Tool(
        name=text_in(tool, "name"),
        description=text_or_none(tool, "description"),
        schema=members_in(tool.get("input_schema") or {}),
        is_strict=flag_or_none(tool, "strict"),
    )


def _tool_choice(said: Members, unsaid: Unsaid) -> tuple[ToolChoice | None, bool | None]:
    """With it, whether several calls may come in one answer."""
    is_single = flag_or_none(said, "disable_parallel_tool_use")
    is_parallel = None if is_single is None else not is_single
    unsaid.rest_is_dropped(said, ("type", "name", "disable_parallel_tool_use"))
    match said.get("type"):
        case "auto":
            return ToolChoice(mode="auto"), is_parallel
        case "any":
            return ToolChoice(mode="required"), is_parallel
        case "tool":
            return ToolChoice(mode="named", name=text_in(said, "name")), is_parallel
        case "none":
            return ToolChoice(mode="none"), None
        case kind if said:
            unsaid.is_beyond("tool_choice", kind)
    return None, None


def _reasoning(thinking: Members, effort: object, unsaid: Unsaid) -> Reasoning | None:
    """ "Not at all" outweighs a level: Anthropic's is about all that an answer takes, with thinking or without."""
    kind = thinking.get("type")
    is_off = kind == "disabled"
    if effort is not None and (not isinstance(effort, str) or effort not in _EFFORTS or is_off):
        unsaid.is_dropped("output_config.effort")
        effort = None
    display = thinking.get("display")
    unsaid.rest_is_dropped(thinking, ("type", "budget_tokens", "display"))
    if is_off:
        return Reasoning(effort="none")
    if thinking and kind not in ("enabled", "adaptive"):
        unsaid.is_beyond("thinking", kind)
    if not thinking and effort is None:
        return None
    budget = count_or_none(thinking, "budget_tokens") if kind == "enabled" else None
    if kind == "enabled" and budget is None:
        raise Untranslatable("body")
    is_shown = None if display is None else display != "omitted"
    return Reasoning(effort=effort, budget_tokens=budget, is_adaptive=kind == "adaptive", is_shown=is_shown)  # type: ignore[arg-type]


def _format(said: Members, unsaid: Unsaid) -> OutputFormat | None:
    if not said:
        return None
    if said.get("type") != "json_schema":
        unsaid.is_beyond("format", said.get("type"))
        return None
    unsaid.rest_is_dropped(said, ("type", "schema"))
    return OutputFormat(schema=members_in(said.get("schema")))


def _note_the_rest(members: Members, unsaid: Unsaid) -> None:
    """Where inference runs may be a matter of law. Old thinking and old results are cleared to save tokens, but a
    summary that the model writes becomes part of the conversation."""
    for name in _DONE_ELSEWHERE:
        if name == "thread" and members_in(members.get(name) or {}).get("type") == "create":
            unsaid.is_dropped(name)  # nothing is stored yet; a client that would go on from it is told, and says all
        elif members.get(name):
            unsaid.is_beyond(name)
    if members.get("inference_geo") not in ANYWHERE:
        unsaid.is_beyond("inference_geo")
    if members.get("max_tokens") == 0:
        unsaid.is_beyond("no_output")  # it fills Anthropic's prompt cache, and nothing else
    edits = objects_in(members_in(members.get("context_management") or {}).get("edits"))
    if any(str(edit.get("type")).startswith("compact") for edit in edits):
        unsaid.is_beyond("compaction")
    elif edits:
        unsaid.is_dropped("context_management")
    silent = [name for name, values in _SAYING_NOTHING.items() if members.get(name) in values]
    unsaid.rest_is_dropped(members, (*_READ, *_DONE_ELSEWHERE, *silent))


def _texts(members: Members, name: str) -> tuple[str, ...]:
    value = members.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Untranslatable("body")
    return tuple(value)
