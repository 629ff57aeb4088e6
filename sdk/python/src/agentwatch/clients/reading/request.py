"""What a request's body says of the call, as numbers and names; and the few things that may be changed in it.

The rule easy to break: the body is the user's object. What is changed is changed on a copy, and only at the top.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...calls import CallFacts, Dialect

Body = Mapping[str, object]

_IMAGES = frozenset({"image", "image_url", "input_image"})
"""Types of parts that hold a picture, in any dialect."""
_UNSIZED = frozenset(
    {"input_audio", "input_file", "file", "document", "video", "video_url", "item_reference", "container_upload"}
)
"""Types of parts whose tokens nobody can tell from their bytes."""
_ELSEWHERE = ("previous_response_id", "conversation", "prompt", "container")
"""Members that name what stands elsewhere: an earlier answer, a stored prompt."""
_MEDIA_MEMBERS = frozenset({"data", "url", "image_url", "file_data", "file_url", "source", "input_audio"})
"""Values that hold media as text."""
_DATA_URL = re.compile(r"data:[\w.+/-]*[;,]")
"""Only where a media member has it: text that begins like one is read, and billed, as text."""
_DEPTH_MAX = 64

_CALLERS_OWN = frozenset(
    {"function", "custom", "namespace", "tool_search", "local_shell", "apply_patch", "computer", "computer_use_preview"}
)
"""OpenAI's tools that the caller runs, or that only pick among those of the request."""
_ANTHROPIC_CALLERS_OWN = re.compile(
    r"custom$|bash_|text_editor_|computer_|memory_|browser_toolset_|tool_search_tool_", re.ASCII
)

_CEILINGS: dict[Dialect, tuple[str, ...]] = {
    "openai_chat": ("max_completion_tokens", "max_tokens"),
    "openai_completions": ("max_tokens",),
    "openai_responses": ("max_output_tokens",),
    "openai_embeddings": (),
    "anthropic_messages": ("max_tokens",),
}


def facts_of(
    body: Body | None,
    *,
    provider: str | None,
    dialect: Dialect,
    path: str,
    is_streaming: bool,
    risks: tuple[str, ...],
) -> CallFacts:
    """`body` None: something that is no object, of which nothing but its presence is known."""
    known = body if body is not None else {}
    size = _size_of(body)
    model = known.get("model")
    return CallFacts(
        provider=provider,
        dialect=dialect,
        path=path,
        model=model if isinstance(model, str) else "",
        is_streaming=is_streaming,
        input_bytes=size.bytes,
        images=size.images,
        has_unsized_input=size.is_unsized or _is_elsewhere(known, dialect),
        output_tokens_max=_ceiling_of(known, dialect),
        choices=_choices_of(known, dialect),
        provider_tools=_provider_tools_of(known, dialect),
        web_search_calls_max=_searches_of(known, dialect),
        risks=risks,
    )


def with_ceiling(body: Body, dialect: Dialect, output_tokens_max: int, provider: str | None) -> Body:
    """The same request with a lower ceiling."""
    names = _CEILINGS[dialect]
    if not names:
        return body
    given = next((name for name in names if isinstance(body.get(name), int)), None)
    name = given or ("max_tokens" if dialect == "openai_chat" and provider != "openai" else names[0])
    present = body.get(name)
    if isinstance(present, int) and present <= output_tokens_max:
        return body
    return {**body, name: output_tokens_max}


def with_included_usage(body: Body) -> Body | None:
    """The same request, asking for usage at the stream's end; None where the user has said what is wanted of it."""
    if body.get("stream_options") is not None:
        return None
    return {**body, "stream_options": {"include_usage": True}}


def _ceiling_of(body: Body, dialect: Dialect) -> int | None:
    for name in _CEILINGS[dialect]:
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _choices_of(body: Body, dialect: Dialect) -> int:
    """How many answers are paid for: of completions, for each prompt."""
    if dialect not in ("openai_chat", "openai_completions"):
        return 1
    if dialect == "openai_chat":
        return _whole(body.get("n"))
    prompt = body.get("prompt")
    is_many = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    prompts = len(prompt) if is_many and isinstance(prompt, list) else 1
    return max(_whole(body.get("n")), _whole(body.get("best_of"))) * prompts


def _whole(value: object) -> int:
    return max(1, value) if isinstance(value, int) else 1


def _provider_tools_of(body: Body, dialect: Dialect) -> tuple[str, ...]:
    tools = body.get("tools")
    kinds = [tool.get("type") for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
    is_own = _ANTHROPIC_CALLERS_OWN.match if dialect == "anthropic_messages" else _CALLERS_OWN.__contains__
    found = [kind for kind in kinds if isinstance(kind, str) and not is_own(kind)]
    if body.get("web_search_options") is not None:
        found.append("web_search")
    if body.get("mcp_servers"):
        found.append("mcp")
    return tuple(dict.fromkeys(found))


def _searches_of(body: Body, dialect: Dialect) -> int | None:
    """How often the provider may search, where the request bounds that."""
    if dialect == "openai_responses":
        bounds = [body.get("max_tool_calls")]
    elif dialect == "anthropic_messages":
        tools = body.get("tools")
        found = [tool for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
        bounds = [tool.get("max_uses") for tool in found if str(tool.get("type")).startswith("web_search")]
    else:
        bounds = []
    known = [each for each in bounds if isinstance(each, int) and not isinstance(each, bool) and each > 0]
    return sum(known) if known and len(known) == len(bounds) else None


def _is_elsewhere(body: Body, dialect: Dialect) -> bool:
    return any(
        body.get(name) is not None and not (name == "prompt" and dialect == "openai_completions") for name in _ELSEWHERE
    )


@dataclass
class _Size:
    bytes: int = 0
    images: int = 0
    is_unsized: bool = False


def _size_of(body: Body | None) -> _Size:
    """Media is counted and left out. What JSON cannot say is left to the client, which will say so itself."""
    size = _Size()
    if body is None:
        size.is_unsized = True
        return size
    try:
        text = json.dumps(_without_media(body, size, 0), ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        size.is_unsized = True
        return size
    size.bytes = len(text.encode("utf-8", "replace"))
    return size


def _without_media(value: object, size: _Size, depth: int) -> object:
    if depth > _DEPTH_MAX:
        return None
    if isinstance(value, Mapping):
        return _members_without_media(value, size, depth)
    if isinstance(value, (list, tuple)):
        return [_without_media(each, size, depth + 1) for each in value]
    if isinstance(value, (bytes, bytearray)):
        size.is_unsized = True
        return None
    return value


def _members_without_media(value: Mapping[str, object], size: _Size, depth: int) -> object:
    kind = value.get("type")
    is_text = _is_text_source(value.get("source"))
    if kind in _IMAGES:
        size.images += 1
    is_unsized = isinstance(kind, str) and kind in _UNSIZED and not is_text
    size.is_unsized = size.is_unsized or is_unsized
    leaves_out = _MEDIA_MEMBERS if (kind in _IMAGES or is_unsized) and not is_text else frozenset()
    return {
        name: "" if kind != "text" and _is_data_url(name, each) else _without_media(each, size, depth + 1)
        for name, each in value.items()
        if name not in leaves_out
    }


def _is_data_url(name: str, value: object) -> bool:
    return name in _MEDIA_MEMBERS and isinstance(value, str) and _DATA_URL.match(value) is not None


def _is_text_source(source: object) -> bool:
    """Anthropic's documents may hold plain text, or parts of their own."""
    return isinstance(source, Mapping) and source.get("type") in ("text", "content")
