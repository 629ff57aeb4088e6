"""Which streams owe output that they never show: the model thinks where nobody can count, and that is billed as output.

Such a stream cannot be paid for in slices, because what it owes is not in what it shows: it is held for its whole
ceiling, lowered to fit if need be. The rule easy to break: a model nobody has looked at yet is taken to hide it.
"""

import re

from core.wire.facts import ThinkingAsked

_SHOWS_ALL = {
    "openai": re.compile(r"(ft:)?(gpt-3|gpt-4|chatgpt-4|babbage|davinci)"),
    "anthropic": re.compile(r"claude-(v?[12]|instant|3)"),
    "gemini": re.compile(r"(models/)?(gemini-1|gemini-2\.0|gemma)"),
    "groq": re.compile(r""),
    "xai": re.compile(r"grok-(2|3(?!-mini)|[\w.-]*non-reasoning)"),
}
"""Models that do not think, or stream every word of it."""

_SILENT_UNLESS_ASKED = {"anthropic": re.compile(r"claude-(opus|sonnet|haiku)-4")}
"""Models that do not think unasked, and then show a summary and bill the whole: Claude 4 to 4.8 (its documentation of
extended thinking and of what is new in Opus 5, which thinks by default)."""

_OBEYS_OFF = {
    "openai": re.compile(r"gpt-5\.[1-9]"),
    "anthropic": re.compile(r"claude"),
    "gemini": re.compile(r"(models/)?gemini-2\.5-flash"),
    "groq": re.compile(r""),
}
"""Models that can be told not to think. One that cannot either refuses the request or thinks all the same."""

_NOTHING = re.compile(r"(?!)")


def hides_reasoning(provider: str, model: str, asked: ThinkingAsked) -> bool:
    """Whether a stream of this model may owe output that it never shows."""
    if asked == "off" and _OBEYS_OFF.get(provider, _NOTHING).match(model):
        return False
    if asked == "hidden":
        return not (provider == "openai" and _SHOWS_ALL["openai"].match(model))
    if _SHOWS_ALL.get(provider, _NOTHING).match(model):
        return False
    return asked == "on" or not _SILENT_UNLESS_ASKED.get(provider, _NOTHING).match(model)
