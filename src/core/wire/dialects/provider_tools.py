"""What a request makes the provider do beside generating, and how that is paid for.

A tool of the caller's own runs at the caller and costs tokens only. A tool that the provider runs is one of four
things: a web search, held for by the call; a reader of what is not in the request, for which the whole context window
is held; code that costs its tokens alone, for which the prompt is held as often as it may be read, and a window for
what that prints; or unmetered, because its fee, its container or its own model's tokens are in no usage that a call
reports. The rule easy to break: a tool nobody has looked at yet is unmetered, never free.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from core.refusals import InvalidRequest
from core.wire.json_body import does_not_fit
from core.wire.json_text import InvalidJSON, fitted
from core.wire.media.walk import folded, given, kind_of, objects

WEB_SEARCH_CALLS_MAX = 10
"""What a model is taken to search in one answer when the request sets no bound."""

CHAT_SEARCH_CALLS = 1
"""OpenAI's chat searches once before it answers, and is billed so."""

_CALLERS_OWN = frozenset(
    ("function", "custom", "namespace", "tool_search", "local_shell", "apply_patch", "computer",
     "computer_use_preview")
)  # fmt: skip
"""OpenAI's tools that the client runs, or that only pick among those the request brings."""

_ANTHROPIC_CALLERS_OWN = ("bash_", "text_editor_", "computer_", "memory_", "browser_toolset_", "tool_search_tool_")

_GEMINI_CALLERS_OWN = frozenset({"functiondeclarations", "computeruse"})
_GEMINI_SEARCHES = frozenset({"googlesearch", "googlesearchretrieval"})
_GEMINI_READERS = frozenset({"urlcontext", "filesearch"})
_GEMINI_CODE = "codeexecution"

CODE_RUNS_MAX = 5
"""What Gemini is taken to run in one answer: where its code fails it tries again up to five times. Behind each run it
reads the prompt, the code and what that printed, all billed as input (Google's guide to code execution)."""

_GOOGLE_EXTRAS = frozenset({"thinking_config", "safety_settings", "cached_content", "thought_tag_marker"})

_ANTHROPIC_PROMPTS = {
    "bash_": 300,
    "text_editor_": 800,
    "computer_": 1_400,
    "memory_": 1_200,
    "tool_search_tool_": 900,
    "web_search_": 2_600,
    "web_fetch_": 2_600,
}
"""What a tool of Anthropic's adds to the prompt, somewhat above what its pages state (bash 245, editor 700, computer
466 and 735) or bills of short calls show (memory 1,100, tool search 800). The web tools' are stated nowhere."""

_PROMPT_OTHERS = 1_500
"""Of one that is not known here."""

_GEMINI_PROMPTS = {
    "computeruse": 2_000,
    "googlesearch": 300,
    "googlesearchretrieval": 300,
    "urlcontext": 300,
    "codeexecution": 500,
}

_OPENAI_PROMPTS = {"function": 0, "custom": 0, "namespace": 0}
_OPENAI_PROMPT_OTHERS = 1_000
"""OpenAI's and xAI's pages state none of their own; this is meant to be high."""

PRO_MODE_PROMPT_TOKENS = 1_600
"""`reasoning.mode: "pro"` reads instructions of its own: a request of 111 tokens was billed 1,549."""

_MODEL_PROMPTS = ((re.compile(r"(?:meta-llama/)?llama-4"), 600),)
"""What a model's tools add, however many: Groq renders some 550 tokens around them for Llama 4."""

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
"""A bound of the caller's. One of nothing or less is no bound to every provider."""


@dataclass(frozen=True, slots=True)
class ProviderTools:
    """What the provider may run for one request."""

    web_search_calls_max: int = 0
    """Per answer, estimated high."""
    readers: int = 0
    """Tools that read what is not in the request and cost nothing but its tokens."""
    code_runs_max: int = 0
    """How often the model may read all of its prompt again, behind code that it ran."""
    unmetered: tuple[str, ...] = ()
    """Names, as the caller wrote them, of what nothing here can meter."""
    prompt_tokens: int = 0
    """What the tools put into the prompt that is not in the request, estimated high."""
    web_search_calls_bound: int | None = None
    """What the tools themselves say of their searches, to which not every provider is known to keep."""


class Tool(msgspec.Struct):
    """A tool of OpenAI's or Anthropic's dialects."""

    type: str | None = None
    max_uses: AtLeastOne | None = None
    name: object = None
    function: object = None
    environment: object = None
    tools: object = None

    @property
    def openai_kind(self) -> str:
        """One without a type is a function, where it looks like one."""
        is_function = self.name is not None or self.function is not None
        return (self.type or ("function" if is_function else "a tool without type")).lower()


def openai_tools(defined: list[object], *, model: str) -> ProviderTools:
    """Tools of chat and Responses."""
    searches = prompt_tokens = 0
    unmetered = []
    tools = _tools(defined)
    for tool in tools:
        kind = tool.openai_kind
        prompt_tokens += _OPENAI_PROMPTS.get(kind, _OPENAI_PROMPT_OTHERS)
        if kind.startswith("web_search"):
            searches = WEB_SEARCH_CALLS_MAX
        elif not _runs_at_the_caller(kind, tool):
            unmetered.append(tool.type or kind)
    prompt_tokens += _model_prompt_tokens(model) if tools else 0
    return ProviderTools(searches, unmetered=tuple(unmetered), prompt_tokens=prompt_tokens)


def _tools(defined: list[object]) -> list[Tool]:
    try:
        return [fitted(tool, Tool) for tool in _definitions(defined)]
    except InvalidJSON as error:
        raise does_not_fit(error, Tool, within="tools[]" if error.place else "tools") from None


def _definitions(defined: list[object]) -> list[Mapping[str, object]]:
    """Of all tools of a request, wherever it has some: an item of a conversation may bring more of them."""
    if not all(isinstance(tools, list | dict) for tools in defined):
        raise InvalidRequest("tools must be a list of objects: leave it out where there are none", param="tools")
    return objects(defined)


def _model_prompt_tokens(model: str) -> int:
    return sum(tokens for start, tokens in _MODEL_PROMPTS if start.match(model.removeprefix("groq/")))


def _runs_at_the_caller(kind: str, tool: Tool) -> bool:
    if kind == "shell":
        environments = objects(tool.environment)
        return len(environments) == 1 and kind_of(environments[0]) == "local"
    if kind == "namespace":
        return all(kind_of(inner) in ("function", "custom") for inner in objects(tool.tools))
    return kind in _CALLERS_OWN


def anthropic_tools(defined: list[object]) -> ProviderTools:
    """Tools of messages."""
    searches = bound = readers = prompt_tokens = 0
    unmetered = []
    for tool in _tools(defined):
        kind = (tool.type or "custom").lower()
        prompt_tokens += 0 if kind == "custom" else _anthropic_prompt_tokens(kind)
        if kind.startswith("web_search_"):
            searches += WEB_SEARCH_CALLS_MAX
            bound += WEB_SEARCH_CALLS_MAX if tool.max_uses is None else tool.max_uses
        elif kind.startswith("web_fetch_"):
            readers += 1
        elif kind != "custom" and not kind.startswith(_ANTHROPIC_CALLERS_OWN):
            unmetered.append(tool.type or kind)
    return ProviderTools(
        searches,
        readers,
        unmetered=tuple(unmetered),
        prompt_tokens=prompt_tokens,
        web_search_calls_bound=bound if searches else None,
    )


def _anthropic_prompt_tokens(kind: str) -> int:
    for start, tokens in _ANTHROPIC_PROMPTS.items():
        if kind.startswith(start):
            return tokens
    return _PROMPT_OTHERS


def gemini_tools(defined: list[object]) -> ProviderTools:
    """Gemini's tools: each an object with one member a tool, in any spelling; one alone may stand for a list."""
    searches = readers = code_runs = prompt_tokens = 0
    unmetered = []
    for name in (name for tool in _definitions(defined) for name, settings in tool.items() if settings is not None):
        kind = folded(name)
        prompt_tokens += _GEMINI_PROMPTS.get(kind, 0)
        if kind in _GEMINI_SEARCHES:
            searches = WEB_SEARCH_CALLS_MAX
        elif kind in _GEMINI_READERS:
            readers += 1
        elif kind == _GEMINI_CODE:
            code_runs = CODE_RUNS_MAX
        elif kind not in _GEMINI_CALLERS_OWN:
            unmetered.append(name)
    return ProviderTools(searches, readers, code_runs, tuple(unmetered), prompt_tokens)


def model_s_own_tools(model: str) -> tuple[str, ...]:
    """What a model runs unasked: Groq's compound systems and research agents call tools and other models."""
    name = model.lower()
    return (model,) if "deep-research" in name or name.rpartition("/")[2].startswith("compound") else ()


def google_extras(request: Mapping[str, object]) -> tuple[str, ...]:
    """Names of what Gemini's OpenAI-style endpoint takes beside OpenAI's fields and nothing here can meter. Clients
    unfold an `extra_body` once, so it stands in the request, within another, or is the request."""
    bodies = [request]
    for body in bodies:
        bodies += objects(given(body, "extrabody"))
    names = [name for body in bodies for each in objects(given(body, "google")) for name in each]
    return tuple(f"extra_body.google.{name}" for name in names if name not in _GOOGLE_EXTRAS)


def named(members: Mapping[str, object]) -> tuple[str, ...]:
    """Which of these members of a request are given at all: not null, empty or off."""
    return tuple(name for name, value in members.items() if value)
