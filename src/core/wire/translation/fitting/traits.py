"""What a model at a provider takes: a table of families, each by an explicit pattern of the model's name.

The rows are what vendors' documentation and public reports of refused requests say (up to November 2026); where those
disagree the row sends less. They age within weeks. A request that a model refuses is a failed hop and a wrong alarm; a
parameter too few is disclosed and answered. So a name that no row knows gets what its provider refuses nobody: the rule
easy to break is that a new row may only add what was seen to be taken.
"""

import re
from functools import lru_cache
from typing import Literal

import msgspec

from core.money.model_names import undecorated, without_version
from core.wire.translation.conversation import Effort

Sampling = Literal["any", "without_thinking", "one_without_thinking", "none"]
"""`temperature` and `top_p`: both; both where thinking is off and said to be; one of them where it is off; neither."""

ThinkingStyle = Literal["none", "effort", "budget", "both", "adaptive"]
"""OpenAI's effort; Anthropic's budget (Claude up to 4.5), budget or adaptive (4.6), adaptive alone (from 4.7)."""

ThinkingOff = Literal["said", "unsaid", "never"]
"""How Claude is told not to think: in words; by saying nothing, where the words may be refused; not at all."""

ChatTools = Literal["free", "without_effort", "effort_none"]
"""Tools on chat completions: with any effort; with none or nothing said; only where effort `none` is said."""

TOOL_NAME_CHARACTERS_MAX = 64
"""OpenAI's and Gemini's. Anthropic takes more by now, which helps nobody."""


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What may be sent. The defaults are the least."""

    sampling: Sampling = "none"
    temperature_max: float = 2.0
    top_k: bool = False
    stops_max: int = 0
    blank_stops: bool = True
    """Stop sequences of white space alone."""
    penalties: bool = False
    seed: bool = False
    logprobs: bool = False
    thinking: ThinkingStyle = "none"
    efforts: tuple[Effort, ...] = ()
    """Weakest first."""
    thinking_off: ThinkingOff = "said"
    chat_tools: ChatTools = "free"
    is_responses_only: bool = False
    """Not served on chat completions."""
    pictures: bool = True
    picture_urls: bool = True
    documents: bool = False
    json_mode: bool = False
    """JSON of any shape."""
    json_schema: bool = False
    json_beside_tools: bool = True
    closed_schemas: bool = False
    """Schemas of answers must close every object and bound nothing."""
    names_json: bool = False
    """JSON of any shape is refused unless the word stands in the conversation."""
    strict_tools: bool = False
    parallel_switch: bool = False
    forced_tools: bool = True
    user_characters_max: int = 0
    cache_key: bool = False
    verbosity: bool = False
    prefill: bool = False
    letters_first: bool = False
    """Tool names begin with a letter or an underscore."""
    signatures: bool = False
    """Calls in the history need a thought signature, or the word that stands for one."""


LEAST = Traits()


class _Family(msgspec.Struct, frozen=True):
    """Models whose whole name, without its version, the pattern matches."""

    pattern: str
    traits: Traits


def _with(base: Traits, **changes: object) -> Traits:
    return msgspec.structs.replace(base, **changes)


# OpenAI ---------------------------------------------------------------------------------------------------

_OPENAI = Traits(parallel_switch=True, user_characters_max=64, cache_key=True, names_json=True)
"""Of a model nobody has looked at."""

_GPT = _with(
    _OPENAI, sampling="any", stops_max=4, penalties=True, seed=True, logprobs=True, documents=True, json_mode=True,
    json_schema=True, strict_tools=True,
)  # fmt: skip
_GPT_4_TURBO = _with(_GPT, documents=False, json_schema=False, strict_tools=False)
_GPT_4 = _with(_GPT_4_TURBO, pictures=False, json_mode=False)
_REASONING = _with(
    _OPENAI, thinking="effort", efforts=("low", "medium", "high"), documents=True, json_mode=True, json_schema=True,
    strict_tools=True,
)  # fmt: skip
_O_SERIES = _with(_REASONING, parallel_switch=False)
_GPT_5 = _with(_REASONING, verbosity=True)
_GPT_5_CHAT = _with(_GPT_5, thinking="none", efforts=(), verbosity=False)
_UP_TO_HIGH: tuple[Effort, ...] = ("none", "low", "medium", "high")
_UP_TO_XHIGH: tuple[Effort, ...] = (*_UP_TO_HIGH, "xhigh")

# Anthropic ------------------------------------------------------------------------------------------------

_CLAUDE = Traits(
    temperature_max=1.0, stops_max=1_000, blank_stops=False, parallel_switch=True, user_characters_max=256,
    thinking_off="unsaid",
)  # fmt: skip
_CLAUDE_2 = _with(_CLAUDE, sampling="one_without_thinking", top_k=True, prefill=True, pictures=False)
_CLAUDE_3 = _with(_CLAUDE_2, pictures=True)
_CLAUDE_3_5 = _with(_CLAUDE_3, documents=True)
_CLAUDE_4 = _with(_CLAUDE_3_5, thinking="budget", thinking_off="said")
_CLAUDE_4_5 = _with(_CLAUDE_4, json_schema=True, closed_schemas=True)
_CLAUDE_4_6 = _with(_CLAUDE_4_5, thinking="both", efforts=("low", "medium", "high", "max"), prefill=False)
_CLAUDE_4_7 = _with(
    _CLAUDE_4_6, sampling="none", top_k=False, thinking="adaptive", thinking_off="unsaid",
    efforts=("low", "medium", "high", "xhigh", "max"),
)  # fmt: skip
_CLAUDE_5 = _with(_CLAUDE_4_7, thinking_off="said")
_FABLE = _with(_CLAUDE_5, thinking_off="never")
"""Always thinks; a forced tool is refused from 5.1 on."""

# Gemini, Groq and xAI, by their OpenAI-style endpoints ----------------------------------------------------

_GEMINI = Traits(
    sampling="any", stops_max=5, picture_urls=False, json_mode=True, json_schema=True, json_beside_tools=False,
    letters_first=True, signatures=True,
)  # fmt: skip
"""Documents are unproven there, and one that is left out unseen is answered, and billed, without it."""
_GEMINI_OLD = _with(_GEMINI, signatures=False)
_GEMINI_2_5 = _with(_GEMINI_OLD, thinking="effort", efforts=("low", "medium", "high"))
_GEMINI_3 = _with(_GEMINI, thinking="effort", efforts=("low", "medium", "high"))

_GROQ = Traits(
    sampling="any", stops_max=4, penalties=True, seed=True, json_mode=True, json_beside_tools=False, names_json=True,
    parallel_switch=True, user_characters_max=64, pictures=False,
)  # fmt: skip
_GROQ_SCHEMAS = _with(_GROQ, json_schema=True)
_XAI = Traits(sampling="any", parallel_switch=True, user_characters_max=64, json_mode=True, json_schema=True)
_GROK = _with(_XAI, stops_max=4, penalties=True)
_GROK_EFFORT = _with(_XAI, thinking="effort", efforts=("low", "medium", "high"))

_PROVIDERS: dict[str, Traits] = {
    "openai": _OPENAI, "anthropic": _CLAUDE, "gemini": _GEMINI, "groq": _GROQ, "xai": _XAI,
}  # fmt: skip

_FAMILIES: dict[str, tuple[_Family, ...]] = {
    "openai": (
        _Family(r".*(audio|realtime|(?<!re)search|image|tts|transcribe|embedding|guard).*", _OPENAI),
        _Family(r"o1-(mini|preview)", _with(_O_SERIES, efforts=(), thinking="none", pictures=False, documents=False)),
        _Family(r"o\d+-pro|o\d+(-mini)?-deep-research", _with(_O_SERIES, is_responses_only=True)),
        _Family(r"o3-mini", _with(_O_SERIES, pictures=False, documents=False)),
        _Family(r"o\d+(-mini)?", _O_SERIES),
        _Family(r"(gpt-)?chat|gpt-[5-9](\.\d+)?-chat|chat-latest", _GPT_5_CHAT),
        _Family(r"gpt-5-pro", _with(_GPT_5, efforts=("high",), is_responses_only=True)),
        _Family(r"gpt-\d(\.\d+)?-pro", _with(_GPT_5, efforts=("medium", "high", "xhigh"), is_responses_only=True)),
        _Family(r"gpt-5(\.1)?-codex(-mini)?", _with(_GPT_5, is_responses_only=True)),
        _Family(
            r"gpt-\d(\.\d+)?-codex(-\w+)?",
            _with(_GPT_5, efforts=("low", "medium", "high", "xhigh"), is_responses_only=True),
        ),
        _Family(r"gpt-5(-mini|-nano)?", _with(_GPT_5, efforts=("minimal", "low", "medium", "high"))),
        _Family(r"gpt-5\.1(-[a-z]+)*", _with(_GPT_5, sampling="without_thinking", efforts=_UP_TO_HIGH)),
        _Family(r"gpt-5\.[23](-[a-z]+)*", _with(_GPT_5, sampling="without_thinking", efforts=_UP_TO_XHIGH)),
        _Family(
            r"gpt-5\.4(-[a-z]+)*",
            _with(_GPT_5, sampling="without_thinking", efforts=_UP_TO_XHIGH, chat_tools="without_effort"),
        ),
        _Family(
            r"gpt-(5\.([5-9]|\d\d)|([6-9]|\d\d)(\.\d+)?)(-[a-z]+)*",
            _with(_GPT_5, sampling="without_thinking", efforts=_UP_TO_XHIGH, chat_tools="effort_none"),
        ),
        _Family(r"(chat)?gpt-4o(-mini)?|gpt-4\.1(-mini|-nano)?|gpt-4\.5-preview", _GPT),
        _Family(r"gpt-4-turbo(-\S+)?|gpt-4-1106-vision-preview", _GPT_4_TURBO),
        _Family(r"gpt-4-(0125|1106)-preview|gpt-3\.5-turbo(-16k)?", _with(_GPT_4_TURBO, pictures=False)),
        _Family(r"gpt-4(-32k)?|gpt-3\.5(-\S+)?", _GPT_4),
    ),
    "anthropic": (
        _Family(r"claude-(v?[12]|instant)\b.*", _CLAUDE_2),
        _Family(r"claude-3-(haiku|sonnet|opus)", _CLAUDE_3),
        _Family(r"claude-3-5-(haiku|sonnet)", _CLAUDE_3_5),
        _Family(r"claude-3-7-sonnet|claude-(haiku|sonnet|opus)-4(-[01])?", _CLAUDE_4),
        _Family(r"claude-(haiku|sonnet|opus)-4-5", _CLAUDE_4_5),
        _Family(r"claude-(haiku|sonnet|opus)-4-6", _CLAUDE_4_6),
        _Family(r"claude-(haiku|sonnet|opus)-4-[789]", _CLAUDE_4_7),
        _Family(r"claude-(fable|mythos)-5|claude-mythos-preview", _FABLE),
        _Family(r"claude-(fable|mythos)-\d+(-\d{1,2})?", _with(_FABLE, forced_tools=False)),
        _Family(r"claude-(haiku|sonnet|opus)-([5-9]|\d\d)(-\d{1,2})?", _CLAUDE_5),
    ),
    "gemini": (
        _Family(r".*(tts|image|banana|embedding|live|robotics|omni|research|computer).*", _GEMINI),
        _Family(r"(gemini-)?gemma-.*|gemini-(1|2\.0)\b.*", _GEMINI_OLD),
        _Family(r"gemini-2\.5-flash(-lite)?(-preview)?", _with(_GEMINI_2_5, efforts=_UP_TO_HIGH)),
        _Family(r"gemini-2\.5-pro(-preview)?", _GEMINI_2_5),
        _Family(r"gemini-([3-9]|\d\d)(\.\d+)?(-[a-z]+)*", _GEMINI_3),
    ),
    "groq": (
        _Family(
            r"openai/gpt-oss-\d+b", _with(_GROQ_SCHEMAS, thinking="effort", efforts=("low", "medium", "high"))
        ),
        _Family(r"qwen/qwen3-32b", _with(_GROQ, thinking="effort", efforts=("none",))),
        _Family(r"qwen/qwen3\.8-27b", _with(_GROQ, thinking="effort", efforts=_UP_TO_HIGH)),
        _Family(r"meta-llama/llama-4-.*", _with(_GROQ_SCHEMAS, pictures=True)),
        _Family(r"moonshotai/kimi-k2-.*", _GROQ_SCHEMAS),
    ),
    "xai": (
        _Family(r"grok-2-vision", _GROK),
        _Family(r"grok-[23](?!-mini)\b.*", _with(_GROK, pictures=False)),
        _Family(r"grok-[\w.-]*non-reasoning.*", _GROK),
        _Family(r"grok-3-mini(-\w+)*", _with(_GROK_EFFORT, efforts=("low", "high"), pictures=False)),
        _Family(r"grok-4\.3", _with(_GROK_EFFORT, efforts=_UP_TO_HIGH)),
        _Family(r"grok-4\.([5-9]|1\d)", _GROK_EFFORT),
        _Family(r"grok-code-.*", _with(_XAI, pictures=False)),
    ),
}  # fmt: skip
"""The first that matches counts. Effort at xAI's multi-agent models buys more agents, not more thought: not sent."""

_PATTERNS = {
    provider: tuple((re.compile(family.pattern), family.traits) for family in families)
    for provider, families in _FAMILIES.items()
}


@lru_cache(maxsize=256)
def traits_of(provider: str, model: str) -> Traits:
    """What this model takes; of one that no row knows, what its provider takes at least."""
    name = undecorated(model).removeprefix("ft:")
    name = without_version(name) or name
    for pattern, traits in _PATTERNS.get(provider, ()):
        if pattern.fullmatch(name):
            return traits
    return _PROVIDERS.get(provider, LEAST)
