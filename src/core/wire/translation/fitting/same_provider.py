"""A caller's own body for another model of the same provider, in the same dialect: only what that model refuses goes.

Every member that stays keeps its very bytes. What a model refuses of sampling, stops and penalties is taken out, how
hard to think is said in its way. The rule easy to break: this reads what a caller wrote, and whatever is odd there is
left as it is, for the provider to judge.
"""

from collections.abc import Callable, Mapping

import msgspec

from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, fitted, read_json
from core.wire.translation.conversation import Effort, Reasoning
from core.wire.translation.fitting.history import Members, messages_call_unthought, without_thinking_edits
from core.wire.translation.fitting.reasoning import (
    BUDGETS,
    LEVELS,
    Circumstances,
    FittedReasoning,
    effort_of,
    fitted_reasoning,
    nearest,
)
from core.wire.translation.fitting.target import CHAT, MESSAGES, RESPONSES, Target

Changes = dict[str, object]
"""Members by name; None takes one out."""

_LOGPROBS = ("logprobs", "top_logprobs", "logit_bias")
_PENALTIES = ("frequency_penalty", "presence_penalty")
_GEMINI_PENALTIES = ("frequencyPenalty", "frequency_penalty", "presencePenalty", "presence_penalty")


def with_traits(dialect: str, body: bytes, target: Target) -> bytes:
    """The body as this target's model takes it; the body itself where it takes all of it."""
    fitting = _DIALECTS.get(dialect)
    if fitting is None or is_too_deep(body):
        return body
    try:
        members = read_json(body, Members)
        changes = {name: value for name, value in fitting(members, target).items() if not _is_so(members, name, value)}
    except InvalidJSON:
        return body
    return _changed(members, changes) if changes else body


def _is_so(members: Mapping[str, object], name: str, value: object) -> bool:
    """Whether a member is that way already."""
    return name not in members if value is None else members.get(name) == value


def _changed(members: Mapping[str, object], changes: Changes) -> bytes:
    """With the changes in their places."""
    changed = {name: changes.get(name, value) for name, value in members.items()} | changes
    return msgspec.json.encode({name: value for name, value in changed.items() if value is not None})


# OpenAI's dialects ----------------------------------------------------------------------------------------


def _chat(members: Members, target: Target) -> Changes:
    traits = target.traits
    level = _level(_read(members, "reasoning_effort"))
    has_tools = bool(_read(members, "tools"))
    fitted = _fitted_effort(level, target, Circumstances(has_tools=has_tools, is_chat=True))
    changes = _sampling(fitted, target)
    if traits.thinking != "effort" or not _is_kept(level, fitted):
        changes["reasoning_effort"] = _effort(fitted)
    changes |= _stops(members, target)
    changes |= {} if traits.penalties else dict.fromkeys(_PENALTIES)
    changes |= {} if traits.seed else {"seed": None}
    changes |= {} if traits.logprobs else dict.fromkeys(_LOGPROBS)
    changes |= {} if traits.verbosity else {"verbosity": None}
    changes |= {} if traits.parallel_switch and has_tools else {"parallel_tool_calls": None}
    if target.provider == "openai" and traits.sampling != "any" and "max_tokens" in members:
        changes["max_completion_tokens"] = members.get("max_completion_tokens", members["max_tokens"])
        changes["max_tokens"] = None
    return changes


def _stops(members: Members, target: Target) -> Changes:
    stop, at_most = _read(members, "stop"), target.traits.stops_max
    if at_most == 0 or stop is None:
        return {"stop": None}
    return {"stop": stop[:at_most]} if isinstance(stop, list) and len(stop) > at_most else {}


def _responses(members: Members, target: Target) -> Changes:
    traits = target.traits
    reasoning = _object(members, "reasoning")
    level = _level(_read(reasoning, "effort"))
    fitted = _fitted_effort(level, target, Circumstances())
    changes = _sampling(fitted, target)
    if traits.thinking != "effort":
        changes |= {"reasoning": None, "include": _without_encrypted(members)}
    elif not _is_kept(level, fitted):
        changes["reasoning"] = _inner(reasoning, {"effort": _effort(fitted)})
    if not traits.verbosity and "verbosity" in (text := _object(members, "text")):
        changes["text"] = _inner(text, {"verbosity": None})
    changes |= {} if traits.sampling == "any" else {"top_logprobs": None}
    changes |= {} if traits.parallel_switch and _read(members, "tools") else {"parallel_tool_calls": None}
    return changes


def _without_encrypted(members: Members) -> object:
    """What is to be shown besides, without the thinking that there is none of."""
    included = _read(members, "include")
    if not isinstance(included, list) or "reasoning.encrypted_content" not in included:
        return members.get("include")
    return [name for name in included if name != "reasoning.encrypted_content"] or None


def _fitted_effort(level: Effort | None, target: Target, given: Circumstances) -> FittedReasoning:
    return fitted_reasoning(None if level is None else Reasoning(effort=level), target.traits, given)


def _effort(fitted: FittedReasoning) -> Effort | None:
    return None if fitted.reasoning is None else fitted.reasoning.effort


def _is_kept(level: Effort | None, fitted: FittedReasoning) -> bool:
    return level is not None and level == _effort(fitted)


def _sampling(fitted: FittedReasoning, target: Target) -> Changes:
    is_taken = {"any": True, "without_thinking": fitted.is_off}.get(target.traits.sampling, False)
    return {} if is_taken else {"temperature": None, "top_p": None}


# Anthropic's messages -------------------------------------------------------------------------------------


def _messages(members: Members, target: Target) -> Changes:
    traits = target.traits
    thinking, output = _object(members, "thinking"), _object(members, "output_config")
    kind, level = _read(thinking, "type"), _level(_read(output, "effort"))
    asked = _thinking_asked(kind, _read(thinking, "budget_tokens"), level)
    fitted = fitted_reasoning(asked, traits, _circumstances(members))
    changes = _claude_sampling(members, fitted, target)
    written = _thinking_written(thinking, fitted)
    if written != kind:
        changes["thinking"] = written
        if not fitted.is_on:
            changes |= without_thinking_edits(members)
    effort = nearest(level, traits.efforts) if level is not None and traits.efforts else None
    if fitted.reasoning is not None and fitted.reasoning.is_adaptive:
        effort = _effort(fitted)
    if effort != _read(output, "effort"):
        changes["output_config"] = _inner(output, {"effort": effort})
    return changes


def _thinking_asked(kind: object, budget: object, level: Effort | None) -> Reasoning | None:
    """Effort alone asks for no thinking here."""
    if kind is None:
        return None
    if kind == "disabled":
        return Reasoning(effort="none")
    if kind == "enabled":
        tokens = budget if type(budget) is int else BUDGETS["medium"]
        return Reasoning(effort=level, budget_tokens=tokens)
    return Reasoning(effort=level, is_adaptive=True)


def _thinking_written(thinking: Members, fitted: FittedReasoning) -> object:
    """The member to write; its type alone where the caller's own says the same."""
    reasoning, kind = fitted.reasoning, _read(thinking, "type")
    if reasoning is None:
        return None
    shown = {"display": thinking["display"]} if "display" in thinking and reasoning.effort != "none" else {}
    if reasoning.effort == "none":
        return kind if kind == "disabled" else {"type": "disabled"}
    if reasoning.is_adaptive:
        return kind if kind == "adaptive" else {"type": "adaptive", **shown}
    if kind == "enabled" and _read(thinking, "budget_tokens") == reasoning.budget_tokens:
        return kind
    return {"type": "enabled", "budget_tokens": reasoning.budget_tokens, **shown}


def _circumstances(members: Members) -> Circumstances:
    ceiling = _read(members, "max_tokens")
    choice = _read(_object(members, "tool_choice"), "type")
    try:
        messages = read_json(members.get("messages", b"[]"), list[msgspec.Raw])
    except InvalidJSON:
        messages = []
    return Circumstances(
        output_tokens_max=ceiling if type(ceiling) is int else None,
        has_tools=bool(_read(members, "tools")),
        is_tool_forced=choice in ("any", "tool"),
        goes_on_unthought=messages_call_unthought(messages),
    )


def _claude_sampling(members: Members, fitted: FittedReasoning, target: Target) -> Changes:
    if target.traits.sampling == "none" or fitted.is_on:
        return dict.fromkeys(("temperature", "top_p", "top_k"))
    is_both = _read(members, "temperature") is not None and _read(members, "top_p") is not None
    return {"top_p": None} if is_both else {}


# Gemini's own ---------------------------------------------------------------------------------------------


def _gemini(members: Members, target: Target) -> Changes:
    name, config = _either(members, "generationConfig", "generation_config")
    if not config:
        return {}
    changes: Changes = {} if target.traits.penalties else dict.fromkeys(_GEMINI_PENALTIES)
    inner_name, thinking = _either(config, "thinkingConfig", "thinking_config")
    if thinking:
        changes[inner_name] = _gemini_thinking(config[inner_name], thinking, target)
    changes = {key: value for key, value in changes.items() if not _is_so(config, key, value)}
    return {name: _inner(config, changes)} if changes else {}


def _gemini_thinking(given: msgspec.Raw, thinking: Members, target: Target) -> object:
    """Gemini 3 takes levels, 2.5 budgets, and older models neither."""
    traits = target.traits
    if traits.thinking == "none":
        return None
    level = _level(str(_read(thinking, "thinkingLevel") or _read(thinking, "thinking_level") or "").lower())
    rest = {key: value for key, value in thinking.items() if not key.lower().startswith("thinking")}
    if not traits.signatures:
        return given if level is None else {**rest, "thinkingBudget": BUDGETS.get(level, 0)}
    budget = _whole(_read(thinking, "thinkingBudget", "thinking_budget"))
    if level is None and budget is not None and budget >= 0:
        level = nearest(effort_of(Reasoning(budget_tokens=budget)) or "low", ("low", "high"))
        return {**rest, "thinkingLevel": level}
    return {**rest, "thinkingLevel": "low"} if level == "minimal" else given


# Reading --------------------------------------------------------------------------------------------------

_DIALECTS: dict[str, Callable[[Members, Target], Changes]] = {
    CHAT: _chat,
    RESPONSES: _responses,
    MESSAGES: _messages,
    "gemini": _gemini,
}


def _read(members: Mapping[str, msgspec.Raw], *names: str) -> object:
    """A member's value; None where there is none that can be read."""
    for name in names:
        if name in members:
            try:
                return read_json(members[name], object)
            except InvalidJSON:
                return None
    return None


def _whole(value: object) -> int | None:
    """A whole number, as Google's reader takes it: also one that is written as a text."""
    try:
        return fitted(value, int)
    except InvalidJSON:
        return None


def _object(members: Members, name: str) -> Members:
    try:
        return read_json(members.get(name, b"{}"), Members)
    except InvalidJSON:
        return {}


def _either(members: Members, *names: str) -> tuple[str, Members]:
    """The object under the first of two spellings that is there."""
    name = next((name for name in names if name in members), names[0])
    return name, _object(members, name)


def _level(word: object) -> Effort | None:
    return next((level for level in LEVELS if level == word), None)


def _inner(members: Members, changes: Changes) -> object:
    """An object within, changed; None where nothing is left of it."""
    changed = _changed(members, changes)
    return None if changed == b"{}" else msgspec.Raw(changed)
