"""Usage objects of each dialect as the counts of a report, and the estimate where a provider says nothing.

Pure. Absent is not zero: an answer without usage has none here. The rule easy to break: `prompt_tokens` of a report is
everything that was sent, and Anthropic's `input_tokens` leaves out what was cached or written to the cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...calls import CallFacts, Dialect, Usage

Counts = Mapping[str, object]

BYTES_PER_TOKEN = 4
"""What a token of text has on average; of an estimate, so neither a floor nor a ceiling."""
TOKENS_PER_IMAGE = 1_000
"""A picture of 1024 by 1024 as the middle-sized models count it."""
UNSEEN_OUTPUT_TOKENS = 1_000
"""Of an answer that nobody here has seen: what most are below, and the ceiling where that is lower."""


def usage_of(usage: object, dialect: Dialect) -> Usage | None:
    """None where the object is missing, or counts nothing at all."""
    if not isinstance(usage, Mapping):
        return None
    return _anthropic_usage(usage) if dialect == "anthropic_messages" else _openai_usage(usage)


def estimated_usage(facts: CallFacts, output_bytes: int | None) -> Usage:
    """`output_bytes` None: nobody has seen the answer."""
    unseen = min(facts.output_tokens_max or UNSEEN_OUTPUT_TOKENS, UNSEEN_OUTPUT_TOKENS) * facts.choices
    output = unseen if output_bytes is None else math.ceil(output_bytes / BYTES_PER_TOKEN)
    return Usage(
        prompt_tokens=math.ceil(facts.input_bytes / BYTES_PER_TOKEN) + facts.images * TOKENS_PER_IMAGE,
        completion_tokens=0 if facts.dialect == "openai_embeddings" else output,
    )


def newer_usage(before: Counts | None, later: object) -> Counts | None:
    """The last of a stream's cumulative counts, field by field: a later event may leave out what an earlier one had."""
    if not isinstance(later, Mapping):
        return before
    return {**(before or {}), **{name: value for name, value in later.items() if value is not None}}


def _openai_usage(usage: Counts) -> Usage | None:
    prompt = _count(usage, "prompt_tokens", "input_tokens")
    completion = _count(usage, "completion_tokens", "output_tokens")
    total = _count(usage, "total_tokens")
    if prompt is None and completion is None and total is None:
        return None
    inside = _inner(usage, "prompt_tokens_details", "input_tokens_details")
    outside = _inner(usage, "completion_tokens_details", "output_tokens_details")
    sent = prompt or 0
    heard = _count(inside, "audio_tokens") or 0
    heard_before = min(heard, _count(_inner(inside, "cached_tokens_details"), "audio_tokens") or 0)
    reasoning = _count(outside, "reasoning_tokens") or 0
    return Usage(
        prompt_tokens=sent,
        completion_tokens=_written_of(sent, completion or 0, total, reasoning),
        cached_input_tokens=max(0, min(sent, _count(inside, "cached_tokens") or 0) - heard_before),
        cache_write_5m_tokens=_count(inside, "cache_write_tokens") or 0,
        audio_input_tokens=heard - heard_before,
        cached_audio_input_tokens=heard_before,
        image_input_tokens=_count(inside, "image_tokens") or 0,
        reasoning_tokens=reasoning,
        audio_output_tokens=_count(outside, "audio_tokens") or 0,
        image_output_tokens=_count(outside, "image_tokens") or 0,
    )


def _written_of(sent: int, completion: int, total: int | None, reasoning: int) -> int:
    """xAI and Gemini leave thought out of `completion_tokens`, but not out of the total."""
    if total is not None:
        return completion + max(0, total - sent - completion)
    return completion + reasoning if reasoning > completion else completion


def _anthropic_usage(usage: Counts) -> Usage | None:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    if all(_count(usage, name) is None for name in names):
        return None
    # What is no turn of the message itself, a compaction for one, stands here alone.
    turns = usage.get("iterations")
    aside = [turn for turn in turns if isinstance(turn, Mapping)] if isinstance(turns, list) else []
    parts: list[Counts] = [usage, *(turn for turn in aside if turn.get("type") not in (None, "", "message"))]
    an_hour = sum(_count(_inner(part, "cache_creation"), "ephemeral_1h_input_tokens") or 0 for part in parts)
    written = sum(_written_to_cache(part) for part in parts)
    cached = sum(_count(part, "cache_read_input_tokens") or 0 for part in parts)
    return Usage(
        prompt_tokens=sum(_count(part, "input_tokens") or 0 for part in parts) + cached + written,
        completion_tokens=sum(_count(part, "output_tokens") or 0 for part in parts),
        cached_input_tokens=cached,
        cache_write_5m_tokens=written - min(an_hour, written),
        cache_write_1h_tokens=min(an_hour, written),
        reasoning_tokens=_count(_inner(usage, "output_tokens_details"), "thinking_tokens") or 0,
        web_search_calls=_count(_inner(usage, "server_tool_use"), "web_search_requests") or 0,
    )


def _written_to_cache(part: Counts) -> int:
    lives = _inner(part, "cache_creation")
    both = (_count(lives, "ephemeral_5m_input_tokens") or 0) + (_count(lives, "ephemeral_1h_input_tokens") or 0)
    return max(_count(part, "cache_creation_input_tokens") or 0, both)


def _count(counts: Counts, *names: str) -> int | None:
    for name in names:
        value = counts.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
            return int(value)
    return None


def _inner(counts: Counts, *names: str) -> Counts:
    for name in names:
        value = counts.get(name)
        if isinstance(value, Mapping):
            return value
    return {}
