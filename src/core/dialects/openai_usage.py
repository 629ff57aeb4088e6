"""OpenAI's usage objects, and those of everybody who imitates them, as disjoint counts.

`prompt_tokens` includes cached, audio and image tokens and those written to the cache; `completion_tokens` includes
reasoning, audio and image ones, except at xAI, whose total shows that reasoning comes on top. Parts that exceed their
whole are cut to it.
"""

from dataclasses import replace

import msgspec

from core.usage import Usage


class _CacheWrites(msgspec.Struct):
    ttl_12h_tokens: int | None = 0


class _Details(msgspec.Struct):
    cached_tokens: int | None = 0
    cache_write_tokens: int | None = 0
    cache_write_tokens_details: _CacheWrites | None = None
    audio_tokens: int | None = 0
    image_tokens: int | None = 0
    reasoning_tokens: int | None = 0


class _ServerTools(msgspec.Struct):
    """xAI's count of what it ran."""

    web_search_calls: int | None = 0
    x_search_calls: int | None = 0


class UsageObject(msgspec.Struct):
    """The names of chat completions and of Responses in one."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    server_side_tool_usage_details: _ServerTools | None = None


def read_openai_usage(usage_object: msgspec.Raw) -> Usage | None:
    """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
    try:
        counted = msgspec.json.decode(usage_object, type=UsageObject | None)
    except msgspec.DecodeError:
        return None
    if counted is None:
        return None
    prompt = counted.prompt_tokens if counted.prompt_tokens is not None else counted.input_tokens
    completion = counted.completion_tokens if counted.completion_tokens is not None else counted.output_tokens
    if prompt is None and completion is None:
        return None
    inside = counted.prompt_tokens_details or counted.input_tokens_details or _Details()
    outside = counted.completion_tokens_details or counted.output_tokens_details or _Details()
    usage = _disjoint(max(0, prompt or 0), max(0, completion or 0), counted.total_tokens, inside, outside)
    ran = counted.server_side_tool_usage_details
    if ran is None:
        return usage
    return replace(usage, web_search_calls=max(0, ran.web_search_calls or 0) + max(0, ran.x_search_calls or 0))


def _disjoint(prompt: int, completion: int, total: int | None, inside: _Details, outside: _Details) -> Usage:
    cached = _part(inside.cached_tokens, prompt)
    audio = _part(inside.audio_tokens, prompt - cached)
    image = _part(inside.image_tokens, prompt - cached - audio)
    written = _part(inside.cache_write_tokens, prompt - cached - audio - image)
    lives = inside.cache_write_tokens_details or _CacheWrites()
    long = _part(lives.ttl_12h_tokens, written)
    reasoning = max(0, outside.reasoning_tokens or 0)
    if total is not None and reasoning > 0 and total >= prompt + completion + reasoning:
        completion += reasoning
    reasoning = min(reasoning, completion)
    spoken = _part(outside.audio_tokens, completion - reasoning)
    drawn = _part(outside.image_tokens, completion - reasoning - spoken)
    return Usage(
        input_tokens=prompt - cached - audio - image - written,
        cached_input_tokens=cached,
        cache_write_5m_tokens=written - long,
        cache_write_1h_tokens=long,
        audio_input_tokens=audio,
        image_input_tokens=image,
        output_tokens=completion - reasoning - spoken - drawn,
        reasoning_tokens=reasoning,
        audio_output_tokens=spoken,
        image_output_tokens=drawn,
    )


def _part(count: int | None, whole: int) -> int:
    return min(max(0, count or 0), whole)
