"""OpenAI's usage objects, and those of everybody who imitates them, as disjoint counts.

`prompt_tokens` includes cached, audio, image and video tokens and those written to the cache; `completion_tokens`
includes reasoning, audio and image ones. Where reasoning is left out of it (xAI, Gemini) the total still has it: what
the total has beyond its parts is output. Parts that exceed their whole are cut to it.
"""

import msgspec

from core.money.amount import NANOUSD_MAX, NANOUSD_PER_USD
from core.money.usage import COUNT_MAX, Usage
from core.wire.json_members import Members, members_of

_TICKS_PER_NANOUSD = 10_000_000_000 // NANOUSD_PER_USD
"""xAI states its bill in ticks, 10^10 to the dollar, fees and discounts included (docs.x.ai, cost tracking)."""

_WEB_SEARCHES = ("web_search_calls", "x_search_calls")
_DOCUMENT_SEARCHES = (
    "document_search_calls", "attachment_search_calls", "collections_search_calls", "file_search_calls",
)  # fmt: skip
"""xAI's counts of what it ran (docs.x.ai, tool usage details)."""


def read_openai_usage(usage_object: msgspec.Raw) -> Usage | None:
    """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
    counted = members_of(usage_object)
    prompt = counted.count("prompt_tokens", "input_tokens")
    completion = counted.count("completion_tokens", "output_tokens")
    total = counted.count("total_tokens")
    billed_nanousd = _billed_nanousd(counted)
    if prompt is None and completion is None and total is None and billed_nanousd is None:
        return None
    inside = counted.inner("prompt_tokens_details", "input_tokens_details")
    outside = counted.inner("completion_tokens_details", "output_tokens_details")
    return Usage(
        **_input(prompt or 0, inside),
        **_output(prompt or 0, completion or 0, total, outside),
        **_searches(counted),
        billed_nanousd=billed_nanousd,
        # The context that the last turn of xAI's loop of searches had.
        longest_prompt_tokens=counted.inner("context_details").count("input_tokens") or None,
    )


def _input(prompt: int, inside: Members) -> dict[str, int]:
    """Sound before the cache: where nothing tells how much of it was cached, it is charged as sound."""
    heard = _part(inside.count("audio_tokens"), prompt)
    cached = inside.count("cached_tokens")
    cached_audio = _part(inside.inner("cached_tokens_details").count("audio_tokens"), min(heard, cached or 0))
    left = prompt - heard
    counts = {"audio_input_tokens": heard - cached_audio, "cached_audio_input_tokens": cached_audio}
    for name, count in (
        ("cached_input_tokens", (cached or 0) - cached_audio),
        ("image_input_tokens", inside.count("image_tokens")),
        ("video_input_tokens", inside.count("video_tokens")),
    ):
        counts[name] = _part(count, left)
        left -= counts[name]
    written = _part(inside.count("cache_write_tokens"), left)
    an_hour = _part(inside.inner("cache_write_tokens_details").count("ttl_12h_tokens"), written)
    counts |= {"cache_write_5m_tokens": written - an_hour, "cache_write_1h_tokens": an_hour}
    return counts | {"input_tokens": left - written}


def _output(prompt: int, completion: int, total: int | None, outside: Members) -> dict[str, int]:
    reasoning = outside.count("reasoning_tokens") or 0
    beyond = max(0, total - prompt - completion) if total is not None else 0
    if total is None and reasoning > completion:
        beyond = reasoning
    written = completion + beyond
    reasoning = _part(max(reasoning, beyond), written)
    spoken = _part(outside.count("audio_tokens"), written - reasoning)
    drawn = _part(outside.count("image_tokens"), written - reasoning - spoken)
    return {
        "output_tokens": written - reasoning - spoken - drawn,
        "reasoning_tokens": reasoning,
        "audio_output_tokens": spoken,
        "image_output_tokens": drawn,
    }


def _searches(counted: Members) -> dict[str, int]:
    """What the provider ran; where only the number of tools is told, they are taken for web searches."""
    ran = counted.inner("server_side_tool_usage_details")
    web = [found for name in _WEB_SEARCHES if (found := ran.count(name)) is not None]
    documents = [found for name in _DOCUMENT_SEARCHES if (found := ran.count(name)) is not None]
    if not web and not documents:
        return {"web_search_calls": counted.count("num_server_side_tools_used") or 0}
    return {
        "web_search_calls": min(sum(web), COUNT_MAX),
        "document_search_calls": min(sum(documents), COUNT_MAX),
    }


def _billed_nanousd(counted: Members) -> int | None:
    """A bill beyond any amount is none."""
    ticks = counted.count("cost_in_usd_ticks", at_most=(NANOUSD_MAX + 1) * _TICKS_PER_NANOUSD)
    if ticks is None or ticks > NANOUSD_MAX * _TICKS_PER_NANOUSD:
        return None
    return -(-ticks // _TICKS_PER_NANOUSD)


def _part(count: int | None, whole: int) -> int:
    return min(count or 0, whole)
