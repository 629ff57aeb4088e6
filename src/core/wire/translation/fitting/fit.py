"""A conversation made fit for a target: one that its model answers, and that means what the caller's meant.

What the target refuses and what does not change the meaning is taken out or mapped, and named in `changes`: all of them
are shown to the caller. What does change it leaves the hop out: `Untranslatable`. The rule easy to break: fitting what
was fitted changes nothing, and no member that the target takes is touched.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import msgspec

from core.wire.translation.conversation import (
    Conversation,
    Document,
    Image,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Untranslatable,
)
from core.wire.translation.fitting.formats import fitted_format
from core.wire.translation.fitting.history import calls_unthought, repaired
from core.wire.translation.fitting.names import with_fitted_names
from core.wire.translation.fitting.reasoning import Circumstances, fitted_reasoning
from core.wire.translation.fitting.schemas import schema_for_anthropic, schema_for_gemini
from core.wire.translation.fitting.target import CHAT, MESSAGES, RESPONSES, Target
from core.wire.translation.fitting.traits import Traits

RESPONSES_OUTPUT_TOKENS_MIN = 16
"""Responses refuses a lower ceiling (OpenAI's reference, `max_output_tokens`)."""

_PDF = "application/pdf"


class Fitted(msgspec.Struct, frozen=True):
    """`names` are the caller's names of tools by those sent, where they differ."""

    conversation: Conversation
    changes: tuple[str, ...] = ()
    names: Mapping[str, str] = {}


Step = Callable[[Conversation, Target], tuple[Mapping[str, object], Iterable[str]]]
"""The members that change, and the names of changes that are to be disclosed."""


def fit(conversation: Conversation, target: Target, *, output_tokens_default: int) -> Fitted:
    """What to send to this target. Raises `Untranslatable`."""
    if conversation.beyond:
        raise Untranslatable(conversation.beyond[0])
    fitted = repaired(conversation, target)
    changes = _told_of_history(conversation, fitted, target)
    _refuse_what_it_lacks(fitted, target)
    fitted, names = with_fitted_names(fitted, target.traits)
    if names:
        changes.append("tool_names")
    ceiling = output_tokens_default if target.dialect == MESSAGES else None
    fitted = msgspec.structs.replace(
        fitted,
        model=target.model,
        output_tokens_max=ceiling if fitted.output_tokens_max is None else fitted.output_tokens_max,
    )
    for step in _STEPS:
        members, told = step(fitted, target)
        fitted = msgspec.structs.replace(fitted, **members)
        changes += told
    return Fitted(fitted, tuple(dict.fromkeys(changes)), names)


def hashed_user(user: str, key: bytes) -> str:
    """An end user's id that tells a provider nothing: 64 characters, the same for the same user and key."""
    return hmac.new(key, user.encode("utf-8", "replace"), sha256).hexdigest()


# History --------------------------------------------------------------------------------------------------


def _told_of_history(before: Conversation, after: Conversation, target: Target) -> list[str]:
    if before.turns == after.turns:
        return []
    changes = ["thinking_history"] if _thoughts(before.turns) != _thoughts(after.turns) else []
    roles = [turn.role for turn in before.turns if turn.parts]
    if target.dialect == MESSAGES and roles != sorted(roles, key=lambda role: role != "system"):
        changes.append("system_order")
    if _partners(before.turns) != _partners(after.turns):
        changes.append("tool_calls")
    return changes or ["history"]


def _thoughts(turns: Iterable[Turn]) -> int:
    return sum(isinstance(part, Thinking) for turn in turns for part in turn.parts)


def _partners(turns: Iterable[Turn]) -> list[tuple[str, str]]:
    """The calls with their arguments, and whose results there are."""
    parts = [part for turn in turns for part in turn.parts]
    calls = [(part.id, part.arguments) for part in parts if isinstance(part, ToolCall)]
    return calls + [(part.call_id, "") for part in parts if isinstance(part, ToolResult)]


# What leaves the hop out ----------------------------------------------------------------------------------


def _refuse_what_it_lacks(conversation: Conversation, target: Target) -> None:
    traits = target.traits
    spoken = [turn for turn in conversation.turns if turn.role != "system"]
    if not spoken and (target.dialect == MESSAGES or target.provider == "gemini"):
        raise Untranslatable("no_messages")
    if target.dialect == MESSAGES and spoken[0].role == "assistant":
        raise Untranslatable("assistant_first")
    if spoken and spoken[-1].role == "assistant" and not traits.prefill:
        raise Untranslatable("prefill")
    for turn in conversation.turns:
        _refuse_media(turn, target, traits)
    stops = [stop for stop in conversation.stop if stop]
    if len(stops) > traits.stops_max or (not traits.blank_stops and not all(map(str.strip, stops))):
        raise Untranslatable("stop")
    if conversation.tools and _is_forced(conversation) and not traits.forced_tools:
        raise Untranslatable("forced_tool")
    if conversation.output_tokens_max == 0:
        raise Untranslatable("no_output")


def _refuse_media(turn: Turn, target: Target, traits: Traits) -> None:
    for part in turn.parts:
        for each in part.parts if isinstance(part, ToolResult) else (part,):
            match each:
                case Image() | Document() if turn.role != "user":
                    raise Untranslatable("media_place")
                case Image() if not traits.pictures:
                    raise Untranslatable("images")
                case Image(url=url) if url and not traits.picture_urls:
                    raise Untranslatable("image_urls")
                case Document(text="") if not traits.documents:
                    raise Untranslatable("documents")
                case Document(text=""):
                    _refuse_document(each, target)


def _refuse_document(document: Document, target: Target) -> None:
    if document.url and target.dialect == CHAT:
        raise Untranslatable("document_urls")
    if document.data and document.media_type != _PDF and target.dialect != RESPONSES:
        raise Untranslatable("documents")


# What is taken out or mapped ------------------------------------------------------------------------------


def _tools(conversation: Conversation, target: Target) -> tuple[dict[str, object], list[str]]:
    if not conversation.tools:
        return {"tool_choice": None, "is_parallel": None}, []
    traits = target.traits
    tools = tuple(_fitted_tool(tool, target) for tool in conversation.tools)
    told = []
    if any(tool.is_strict for tool in conversation.tools) and not traits.strict_tools:
        told.append("strict")
    if any(given.schema != sent.schema for given, sent in zip(conversation.tools, tools, strict=True)):
        told.append("tool_schemas")
    is_parallel = conversation.is_parallel if traits.parallel_switch else None
    if conversation.is_parallel is False and is_parallel is None:
        told.append("parallel_tool_calls")
    return {"tools": tools, "is_parallel": is_parallel}, told


def _fitted_tool(tool: Tool, target: Target) -> Tool:
    schema = tool.schema
    if target.provider == "gemini":
        schema = schema_for_gemini(schema)
    elif target.provider == "anthropic":
        schema = schema_for_anthropic(schema)
    is_strict = tool.is_strict if target.traits.strict_tools else None
    return msgspec.structs.replace(tool, schema=schema, is_strict=is_strict)


def _is_forced(conversation: Conversation) -> bool:
    choice = conversation.tool_choice
    return choice is not None and choice.mode in ("required", "named")


def _format(conversation: Conversation, target: Target) -> tuple[dict[str, object], list[str]]:
    asked, fitted = conversation.format, fitted_format(conversation, target)
    is_other = asked is not None and fitted is not None and asked.schema != fitted.schema
    return {"format": fitted}, ["json_schema"] if is_other else []


def _ceiling(conversation: Conversation, target: Target) -> tuple[dict[str, object], list[str]]:
    tokens = conversation.output_tokens_max
    if target.dialect != RESPONSES or tokens is None or tokens >= RESPONSES_OUTPUT_TOKENS_MIN:
        return {}, []
    return {"output_tokens_max": RESPONSES_OUTPUT_TOKENS_MIN}, ["max_tokens"]


def _thinking(conversation: Conversation, target: Target) -> tuple[dict[str, object], Iterable[str]]:
    given = Circumstances(
        output_tokens_max=conversation.output_tokens_max,
        has_tools=bool(conversation.tools),
        is_tool_forced=bool(conversation.tools) and _is_forced(conversation),
        goes_on_unthought=calls_unthought(conversation.turns) or _is_prefilled(conversation),
        is_chat=target.dialect == CHAT,
    )
    fitted = fitted_reasoning(conversation.reasoning, target.traits, given)
    return {"reasoning": fitted.reasoning}, fitted.changes


def _is_prefilled(conversation: Conversation) -> bool:
    return bool(conversation.turns) and conversation.turns[-1].role == "assistant"


def _sampling(conversation: Conversation, target: Target) -> tuple[dict[str, object], list[str]]:
    """After thinking, which sampling depends on."""
    traits, reasoning = target.traits, conversation.reasoning
    is_off = reasoning is not None and reasoning.effort == "none"
    is_on = reasoning is not None and not is_off
    takes = {"any": True, "without_thinking": is_off, "one_without_thinking": not is_on, "none": False}[traits.sampling]
    temperature = conversation.temperature if takes else None
    if temperature is not None:
        temperature = min(temperature, traits.temperature_max)
    takes_top_p = takes and not (traits.sampling == "one_without_thinking" and temperature is not None)
    members: dict[str, object] = {
        "temperature": temperature,
        "top_p": conversation.top_p if takes_top_p else None,
        "top_k": conversation.top_k if takes and traits.top_k else None,
    }
    return members, _told(conversation, members)


def _rest(conversation: Conversation, target: Target) -> tuple[dict[str, object], list[str]]:
    traits = target.traits
    user = conversation.user
    members: dict[str, object] = {
        "frequency_penalty": conversation.frequency_penalty if traits.penalties else None,
        "presence_penalty": conversation.presence_penalty if traits.penalties else None,
        "seed": conversation.seed if traits.seed else None,
        "verbosity": conversation.verbosity if traits.verbosity else None,
        "user": user if user and len(user) <= traits.user_characters_max else None,
        "cache_key": conversation.cache_key if traits.cache_key else None,
    }
    told = _told(conversation, members)
    return {**members, "stop": tuple(stop for stop in conversation.stop if stop)}, told


def _told(conversation: Conversation, members: Mapping[str, object]) -> list[str]:
    """The members that come to another value than the caller's."""
    return [name for name, value in members.items() if getattr(conversation, name) != value]


_STEPS: tuple[Step, ...] = (_tools, _format, _ceiling, _thinking, _sampling, _rest)
