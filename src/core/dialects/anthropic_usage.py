"""Anthropic's usage objects as disjoint counts: they are disjoint as they come, but for two things.

`cache_creation_input_tokens` is the sum of its two lifetimes, and what a server-side compaction used stands in
`iterations` alone.
"""

import msgspec

from core.usage import Usage

ANYWHERE = (None, "", "global", "not_available")
"""Geographies that cost nothing extra."""


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: int | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Counts(msgspec.Struct):
    """What the whole answer and each of its iterations count alike."""

    type: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None


class _Usage(_Counts):
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerTools | None = None
    iterations: list[_Counts] | None = None


class _Served(msgspec.Struct):
    speed: str | None = None
    inference_geo: str | None = None


def read_anthropic_usage(usage_object: msgspec.Raw) -> Usage | None:
    """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
    try:
        counted = msgspec.json.decode(usage_object, type=_Usage | None)
    except msgspec.DecodeError:
        return None
    if counted is None or (counted.input_tokens is None and counted.output_tokens is None):
        return None
    compactions = [each for each in counted.iterations or () if each.type == "compaction"]
    parts = [_disjoint(each) for each in (counted, *compactions)]
    output = sum(part.output_tokens for part in parts)
    details = counted.output_tokens_details or _OutputDetails()
    thought = min(_count(details.thinking_tokens), output)
    tools = counted.server_tool_use or _ServerTools()
    return Usage(
        input_tokens=sum(part.input_tokens for part in parts),
        cached_input_tokens=sum(part.cached_input_tokens for part in parts),
        cache_write_5m_tokens=sum(part.cache_write_5m_tokens for part in parts),
        cache_write_1h_tokens=sum(part.cache_write_1h_tokens for part in parts),
        output_tokens=output - thought,
        reasoning_tokens=thought,
        web_search_calls=_count(tools.web_search_requests),
    )


def served_tier(usage_object: msgspec.Raw) -> str | None:
    """The tier an answer says it was served in, as the table names it; None when it does not say."""
    try:
        served = msgspec.json.decode(usage_object, type=_Served)
    except msgspec.DecodeError:
        return None
    return dear_tier(served.speed, served.inference_geo) or ("standard" if served.speed == "standard" else None)


def dear_tier(speed: str | None, geography: str | None) -> str | None:
    """Fast inference and inference kept in one country cost more, together and apart; the table names them so."""
    dear = ["fast"] if speed == "fast" else []
    if geography not in ANYWHERE:
        dear.append("us")
    return "_".join(dear) or None


def _disjoint(counted: _Counts) -> Usage:
    written = _count(counted.cache_creation_input_tokens)
    lives = counted.cache_creation or _CacheCreation()
    an_hour = _count(lives.ephemeral_1h_input_tokens)
    return Usage(
        input_tokens=_count(counted.input_tokens),
        cached_input_tokens=_count(counted.cache_read_input_tokens),
        cache_write_5m_tokens=max(written - an_hour, _count(lives.ephemeral_5m_input_tokens)),
        cache_write_1h_tokens=an_hour,
        output_tokens=_count(counted.output_tokens),
    )


def _count(value: int | None) -> int:
    return max(0, value or 0)
