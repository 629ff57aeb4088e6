"""What a request makes the provider do beside generating, and how that is paid for.

A tool of the caller's own runs at the caller and costs tokens only. A tool that the provider runs is one of three
things: a web search, held for by the call; a reader of what is not in the request, for which the whole context window
is held; or unmetered, because its fee, its container or its own model's tokens are in no usage that a call reports.
The rule easy to break: a tool nobody has looked at yet is unmetered, never free.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from core.dialects.media import NOTHING, is_given, text_in, view, views

WEB_SEARCH_CALLS_MAX = 10
"""What a model is taken to search in one answer when the request sets no bound."""

_CALLERS_OWN = frozenset(
    ("function", "custom", "namespace", "tool_search", "local_shell", "apply_patch", "computer",
     "computer_use_preview")
)  # fmt: skip
"""OpenAI's tools that the client runs, or that only pick among those the request brings."""

_ANTHROPIC_CALLERS_OWN = ("bash_", "text_editor_", "computer_", "memory_", "browser_toolset_", "tool_search_tool_")

_GEMINI_CALLERS_OWN = frozenset({"functiondeclarations", "computeruse"})
_GEMINI_SEARCHES = frozenset({"googlesearch", "googlesearchretrieval"})
_GEMINI_READERS = frozenset({"urlcontext", "filesearch"})

_GOOGLE_EXTRAS = frozenset({"thinking_config", "safety_settings", "cached_content", "thought_tag_marker"})


@dataclass(frozen=True, slots=True)
class ProviderTools:
    """What the provider may run for one request."""

    web_search_calls_max: int = 0
    """Per answer, estimated high."""
    readers: int = 0
    """Tools that read what is not in the request and cost nothing but its tokens."""
    unmetered: tuple[str, ...] = ()
    """Names, as the caller wrote them, of what nothing here can meter."""


class Tool(msgspec.Struct):
    """A tool of OpenAI's or Anthropic's dialects."""

    type: str | None = None
    max_uses: int | None = None
    environment: msgspec.Raw = NOTHING
    tools: msgspec.Raw = NOTHING


class _Kind(msgspec.Struct):
    type: msgspec.Raw = NOTHING


class _ExtraBody(msgspec.Struct):
    google: msgspec.Raw = NOTHING


def openai_tools(tools: Iterable[Tool], *, calls_max: int | None = None) -> ProviderTools:
    """Tools of chat and Responses; `calls_max` is the request's own bound on what the provider may run."""
    searches = 0
    unmetered = []
    for tool in tools:
        kind = tool.type or "function"
        if kind.startswith("web_search"):
            searches = WEB_SEARCH_CALLS_MAX if calls_max is None else max(0, calls_max)
        elif not _runs_at_the_caller(kind, tool):
            unmetered.append(kind)
    return ProviderTools(web_search_calls_max=searches, unmetered=tuple(unmetered))


def _runs_at_the_caller(kind: str, tool: Tool) -> bool:
    if kind == "shell":
        environment = view(tool.environment, _Kind)
        return environment is not None and text_in(environment.type) == "local"
    if kind == "namespace":
        return all(text_in(inner.type) in ("function", "custom") for inner in views(tool.tools, _Kind))
    return kind in _CALLERS_OWN


def anthropic_tools(tools: Iterable[Tool]) -> ProviderTools:
    """Tools of messages."""
    searches = readers = 0
    unmetered = []
    for tool in tools:
        kind = tool.type or "custom"
        if kind.startswith("web_search_"):
            searches += WEB_SEARCH_CALLS_MAX if tool.max_uses is None else max(0, tool.max_uses)
        elif kind.startswith("web_fetch_"):
            readers += 1
        elif kind != "custom" and not kind.startswith(_ANTHROPIC_CALLERS_OWN):
            unmetered.append(kind)
    return ProviderTools(searches, readers, tuple(unmetered))


def gemini_tools(tools: Iterable[Mapping[str, msgspec.Raw]]) -> ProviderTools:
    """Gemini's tools: each an object with one member a tool, in camelCase or snake_case."""
    searches = readers = 0
    unmetered = []
    for name in (name for tool in tools for name, settings in tool.items() if is_given(settings)):
        kind = name.replace("_", "").lower()
        if kind in _GEMINI_SEARCHES:
            searches = WEB_SEARCH_CALLS_MAX
        elif kind in _GEMINI_READERS:
            readers += 1
        elif kind not in _GEMINI_CALLERS_OWN:
            unmetered.append(name)
    return ProviderTools(searches, readers, tuple(unmetered))


def model_s_own_tools(model: str) -> tuple[str, ...]:
    """What a model runs unasked: Groq's compound systems and research agents call tools and other models."""
    name = model.lower()
    return (model,) if "deep-research" in name or name.rpartition("/")[2].startswith("compound") else ()


def google_extras(extra_body: msgspec.Raw) -> ProviderTools:
    """What Gemini's OpenAI-style endpoint takes beside OpenAI's fields."""
    extras = view(extra_body, _ExtraBody)
    members = view(extras.google, dict[str, msgspec.Raw]) if extras else None
    if not members:
        return ProviderTools()
    unmetered = tuple(f"extra_body.google.{name}" for name in members if name not in _GOOGLE_EXTRAS)
    return ProviderTools(readers=int(is_given(members.get("cached_content", NOTHING))), unmetered=unmetered)


def named(members: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
    """Which of these members of a request are given at all: not null, empty or off."""
    return tuple(
        name for name, value in members.items() if is_given(value) and bytes(value) not in (b"[]", b"{}", b"false")
    )
