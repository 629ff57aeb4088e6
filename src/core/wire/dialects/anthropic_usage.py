"""Anthropic's usage objects as disjoint counts: they are disjoint as they come, but for three things.

`cache_creation_input_tokens` is the sum of its two lifetimes. The turns of a call that ran tools at the provider are
summed up, and stand one by one in `iterations`. And what is no turn of the message itself (a compaction, an advisor)
stands in `iterations` alone.
"""

import msgspec

from core.money.usage import Usage
from core.wire.json_members import Members, members_of

ANYWHERE = (None, "", "global", "not_available")
"""Geographies that cost nothing extra."""

_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")

_SUMMED_UP = ("", "message")
"""Types of iterations that the counts of the whole answer contain."""


def read_anthropic_usage(usage_object: msgspec.Raw) -> Usage | None:
    """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
    counted = members_of(usage_object)
    if all(counted.count(name) is None for name in _COUNTS):
        return None
    turns = counted.each("iterations")
    aside = [turn for turn in turns if turn.word("type") not in _SUMMED_UP]
    parts = [_disjoint(each) for each in (counted, *aside)]
    output = sum(part.output_tokens for part in parts)
    thought = min(counted.inner("output_tokens_details").count("thinking_tokens") or 0, output)
    return Usage(
        input_tokens=sum(part.input_tokens for part in parts),
        cached_input_tokens=sum(part.cached_input_tokens for part in parts),
        cache_write_5m_tokens=sum(part.cache_write_5m_tokens for part in parts),
        cache_write_1h_tokens=sum(part.cache_write_1h_tokens for part in parts),
        output_tokens=output - thought,
        reasoning_tokens=thought,
        web_search_calls=counted.inner("server_tool_use").count("web_search_requests") or 0,
        longest_prompt_tokens=max((_disjoint(turn).prompt_tokens for turn in turns), default=None),
    )


def served_tier(usage_object: msgspec.Raw) -> str | None:
    """The tier an answer says it was served in, as the table names it; None when it does not say."""
    served = members_of(usage_object)
    speed = served.word("speed")
    return dear_tier(speed, served.word("inference_geo")) or ("standard" if speed == "standard" else None)


def dear_tier(speed: str | None, geography: str | None) -> str | None:
    """Fast inference and inference kept in one country cost more, together and apart; the table names them so."""
    dear = ["fast"] if speed == "fast" else []
    if geography not in ANYWHERE:
        dear.append("us")
    return "_".join(dear) or None


def _disjoint(counted: Members) -> Usage:
    written = counted.count("cache_creation_input_tokens") or 0
    lives = counted.inner("cache_creation")
    an_hour = lives.count("ephemeral_1h_input_tokens") or 0
    return Usage(
        input_tokens=counted.count("input_tokens") or 0,
        cached_input_tokens=counted.count("cache_read_input_tokens") or 0,
        cache_write_5m_tokens=max(written - an_hour, lives.count("ephemeral_5m_input_tokens") or 0),
        cache_write_1h_tokens=an_hour,
        output_tokens=counted.count("output_tokens") or 0,
    )
