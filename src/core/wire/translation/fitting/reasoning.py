"""How hard a model is to think, said in the way it takes: by effort, by a budget of tokens, or left to it.

Levels and budgets stand for each other by one table. A level that a model lacks becomes the nearest one below it, else
the nearest above; thinking is never turned off because a level is missing, and never on because it cannot be turned off
in words. The rule easy to break: "not at all" must be said. A model that thinks by default takes silence for consent,
and bills it.
"""

from collections.abc import Mapping

import msgspec

from core.wire.translation.conversation import Effort, Reasoning
from core.wire.translation.fitting.traits import Traits

BUDGET_TOKENS_MIN = 1_024
"""Anthropic's least."""

LEVELS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

BUDGETS: Mapping[Effort, int] = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 32_000,
}
_LOW_TOKENS_MAX = 4_096
_MEDIUM_TOKENS_MAX = 12_288
"""Claude Code's "think harder" asks for 10,000 tokens, and its "ultrathink" for 31,999."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What in a request decides on its thinking."""

    output_tokens_max: int | None = None
    has_tools: bool = False
    is_tool_forced: bool = False
    goes_on_unthought: bool = False
    """The last assistant turn is gone on from, or calls tools, and has no thinking of this model before that."""
    is_chat: bool = False


class FittedReasoning(msgspec.Struct, frozen=True):
    """What is to be written, and what is to be said of it."""

    reasoning: Reasoning | None
    changes: tuple[str, ...] = ()

    @property
    def is_off(self) -> bool:
        """Whether it is off because that is what is written."""
        return self.reasoning is not None and self.reasoning.effort == "none"

    @property
    def is_on(self) -> bool:
        """Whether what is written has the model think."""
        return self.reasoning is not None and self.reasoning.effort != "none"


def fitted_reasoning(asked: Reasoning | None, traits: Traits, given: Circumstances) -> FittedReasoning:
    """What to write for what was asked, at a model with these traits. Fitted once it fits."""
    if traits.thinking == "none":
        is_lost = asked is not None and wants_thinking(asked)
        return FittedReasoning(None, ("effort",) if is_lost else ())
    if traits.thinking == "effort":
        return _by_effort(asked, traits, given)
    return _of_claude(asked, traits, given)


def wants_thinking(asked: Reasoning) -> bool:
    if asked.effort is not None:
        return asked.effort != "none"
    return asked.is_adaptive or bool(asked.budget_tokens)


def effort_of(asked: Reasoning) -> Effort | None:
    """The level that was asked for, in whatever words."""
    if asked.effort is not None:
        return asked.effort
    if asked.budget_tokens is not None:
        if asked.budget_tokens <= 0:
            return "none"
        if asked.budget_tokens <= _LOW_TOKENS_MAX:
            return "low"
        return "medium" if asked.budget_tokens <= _MEDIUM_TOKENS_MAX else "high"
    return "medium" if asked.is_adaptive else None


def nearest(asked: Effort, taken: tuple[Effort, ...]) -> Effort | None:
    """The level to send for one that may be missing; None where the model has no level for it."""
    if asked in taken:
        return asked
    rank = LEVELS.index(asked)
    levels = sorted((level for level in taken if level != "none"), key=LEVELS.index)
    below = [level for level in levels if LEVELS.index(level) < rank]
    if below:
        return below[-1]
    return levels[0] if levels else None


# OpenAI's effort, as Gemini, Groq and xAI have it too -----------------------------------------------------


def _by_effort(asked: Reasoning | None, traits: Traits, given: Circumstances) -> FittedReasoning:
    level = None if asked is None else effort_of(asked)
    sent = None if level is None else nearest(level, traits.efforts)
    changes: tuple[str, ...] = ("effort",) if level != sent and level != "minimal" else ()
    if level == "none" and sent != "none":
        changes = ("thinking_on",)
    if given.is_chat and given.has_tools:
        is_off = traits.chat_tools == "effort_none" or (traits.chat_tools == "without_effort" and sent is not None)
        if is_off and sent != "none":
            sent, changes = "none", ("thinking_off",)
    is_shown = None if given.is_chat or asked is None or not asked.is_shown else True
    if sent is None and is_shown is None:
        return FittedReasoning(None, changes)
    return FittedReasoning(Reasoning(effort=sent, is_shown=is_shown), changes)


# Claude ---------------------------------------------------------------------------------------------------


def _of_claude(asked: Reasoning | None, traits: Traits, given: Circumstances) -> FittedReasoning:
    level = None if asked is None else effort_of(asked)
    if asked is None or level is None:
        is_by_default = traits.thinking == "adaptive" and traits.thinking_off == "said"
        if given.is_tool_forced and is_by_default:
            return _off(traits, "thinking_off")
        return FittedReasoning(None)
    if level == "none" and not (given.is_tool_forced and traits.thinking_off == "never"):
        return _off(traits)
    if given.is_tool_forced:
        return _off(traits, "thinking_off")
    if traits.thinking == "budget" or (traits.thinking == "both" and asked.budget_tokens is not None):
        return _by_budget(asked, level, traits, given)
    sent = nearest(level, traits.efforts) if asked.effort is not None or asked.budget_tokens is not None else None
    is_other = sent is not None and sent != level and level != "minimal"
    adaptive = Reasoning(effort=sent, is_adaptive=True, is_shown=asked.is_shown)
    return FittedReasoning(adaptive, ("effort",) if is_other else ())


def _by_budget(asked: Reasoning, level: Effort, traits: Traits, given: Circumstances) -> FittedReasoning:
    """A budget leaves room for the answer: `max_tokens` holds both, and an answer of thinking alone is billed too."""
    if given.goes_on_unthought:
        return _off(traits, "thinking_off")
    wanted = max(asked.budget_tokens or BUDGETS[level], BUDGET_TOKENS_MIN)
    ceiling = given.output_tokens_max
    budget = wanted if ceiling is None or wanted < ceiling else ceiling * 3 // 4
    if budget < BUDGET_TOKENS_MIN:
        return _off(traits, "thinking_off")
    is_lowered = asked.budget_tokens is not None and budget != asked.budget_tokens
    return FittedReasoning(Reasoning(budget_tokens=budget), ("thinking_budget",) if is_lowered else ())


def _off(traits: Traits, *changes: str) -> FittedReasoning:
    if traits.thinking_off == "said":
        return FittedReasoning(Reasoning(effort="none"), changes)
    if traits.thinking_off == "unsaid":
        return FittedReasoning(None, changes)
    if changes:  # a forced tool: nothing is said of thinking, and the model decides
        return FittedReasoning(None, ("thinking",))
    return FittedReasoning(Reasoning(effort="low", is_adaptive=True), ("thinking_on",))
