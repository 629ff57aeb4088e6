"""Which models think where nobody can count: their reasoning is billed as output and never streamed.

A stream of such a model cannot be paid for in slices, because what it owes is not in what it shows: it is held for its
whole ceiling, lowered to fit if need be. The rule easy to break: a model nobody has looked at yet is taken to hide it.
"""

import re

_SHOWS_ALL = {
    "openai": re.compile(r"(ft:)?(gpt-3|gpt-4|chatgpt-4|babbage|davinci)"),
    "anthropic": re.compile(r"claude"),
    "gemini": re.compile(r"(models/)?(gemini-1|gemini-2\.0|gemma)"),
    "groq": re.compile(r""),
    "xai": re.compile(r"grok-(2|3(?!-mini))"),
}


def hides_reasoning(provider: str, model: str) -> bool:
    """Whether a stream of this model may owe output that it never shows."""
    return _SHOWS_ALL[provider].match(model) is None
