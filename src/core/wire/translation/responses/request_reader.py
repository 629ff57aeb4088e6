"""A Responses request read: what its members ask for. Its input is read by `input_reader`, its tools by `tools_reader`.

The rule easy to break: members that refer to what only OpenAI has stored (an earlier answer, a conversation, a prompt)
change what is asked, and are `beyond`; members about storing, billing or bucketing the call are `dropped`.
"""

from typing import get_args

from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.conversation import Conversation, Effort, OutputFormat, Reasoning, Untranslatable
from core.wire.translation.responses.request_parts.input_reader import read_turns
from core.wire.translation.responses.request_parts.tools_reader import read_tool_choice, read_tools
from core.wire.translation.unsaid import (
    Members,
    Unsaid,
    count_or_none,
    flag_or_none,
    members_in,
    number_or_none,
    text_in,
    text_or_none,
)

_READ = (
    "model", "input", "instructions", "stream", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens",
    "temperature", "top_p", "text", "reasoning", "prompt_cache_key", "safety_identifier", "user", "include",
    "top_logprobs",
)  # fmt: skip
_STORED_OR_DONE_ELSEWHERE = (
    "previous_response_id", "conversation", "prompt", "background", "context_management", "moderation",
)  # fmt: skip
_SAYING_NOTHING: dict[str, tuple[object, ...]] = {
    "store": (False,),
    "truncation": ("disabled",),
    "service_tier": ("auto", "default"),
    "metadata": ({},),
}
"""What these members are without being named, or what every answer is that comes from elsewhere."""

_LOGPROBS = "message.output_text.logprobs"
_EFFORTS = frozenset(get_args(Effort))


def read_request(body: bytes, *, path: str = "") -> Conversation:
    """The conversation of a body that its dialect has accepted. Raises `Untranslatable`."""
    try:
        members = read_json(body, dict[str, object])
    except InvalidJSON:
        raise Untranslatable("body") from None
    unsaid = Unsaid()
    turns = read_turns(text_or_none(members, "instructions"), members.get("input"), unsaid)
    tools = read_tools(members.get("tools"), unsaid)
    choice = read_tool_choice(members.get("tool_choice"), unsaid)
    text = members_in(members.get("text") or {})
    reasoning = _reasoning(members_in(members.get("reasoning") or {}), unsaid)
    answer_format = _format(members_in(text.get("format") or {}), unsaid)
    _note_the_rest(members, text, unsaid)
    return Conversation(
        model=text_in(members, "model"),
        turns=turns,
        is_streaming=members.get("stream") is True,
        wants_usage=True,
        tools=tools,
        tool_choice=choice,
        is_parallel=flag_or_none(members, "parallel_tool_calls"),
        output_tokens_max=count_or_none(members, "max_output_tokens"),
        temperature=number_or_none(members, "temperature"),
        top_p=number_or_none(members, "top_p"),
        format=answer_format,
        reasoning=reasoning,
        verbosity=text_or_none(text, "verbosity"),
        user=text_or_none(members, "safety_identifier") or text_or_none(members, "user") or None,
        cache_key=text_or_none(members, "prompt_cache_key"),
        beyond=unsaid.beyond,
        dropped=unsaid.dropped,
    )


def _schema(said: object) -> Members:
    """Without one there is nothing to answer by. Raises `Untranslatable`."""
    if said is None:
        raise Untranslatable("body")
    return members_in(said)


def _reasoning(said: Members, unsaid: Unsaid) -> Reasoning | None:
    effort = said.get("effort")
    if effort is not None and (not isinstance(effort, str) or effort not in _EFFORTS):
        unsaid.is_dropped("reasoning.effort")
        effort = None
    if said.get("mode") not in (None, "standard"):
        unsaid.is_beyond("reasoning.mode")
    if said.get("context") not in (None, "auto"):
        unsaid.is_dropped("reasoning.context")
    unsaid.rest_is_dropped(said, ("effort", "summary", "generate_summary", "mode", "context"))
    is_shown = True if said.get("summary") or said.get("generate_summary") else None
    if effort is None and is_shown is None:
        return None
    return Reasoning(effort=effort, is_shown=is_shown)  # type: ignore[arg-type]


def _format(said: Members, unsaid: Unsaid) -> OutputFormat | None:
    match said.get("type"):
        case None | "text":
            return None
        case "json_object":
            return OutputFormat()
        case "json_schema":
            return OutputFormat(
                schema=_schema(said.get("schema")),
                name=text_or_none(said, "name"),
                description=text_or_none(said, "description"),
                is_strict=flag_or_none(said, "strict"),
            )
        case kind:
            unsaid.is_beyond("format", kind)
            return None


def _note_the_rest(members: Members, text: Members, unsaid: Unsaid) -> None:
    for name in _STORED_OR_DONE_ELSEWHERE:
        if members.get(name):
            unsaid.is_beyond(name)
    included = members.get("include") or []
    if members.get("top_logprobs") or (isinstance(included, list) and _LOGPROBS in included):
        unsaid.is_beyond("logprobs")
    if included and included != [_LOGPROBS]:
        unsaid.is_dropped("include")
    unsaid.rest_is_dropped(text, ("format", "verbosity"))
    silent = [name for name, values in _SAYING_NOTHING.items() if members.get(name) in values]
    unsaid.rest_is_dropped(members, (*_READ, *_STORED_OR_DONE_ELSEWHERE, *silent))
