"""Disjoint counts in the words of a chat usage, where the prompt includes what was cached or written to a cache, and
the completion what was thought. What `read_openai_usage` reads of it are the same counts."""

from core.money.usage import Usage


def usage_object(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": _input_details(usage),
        "completion_tokens_details": _counted(
            {
                "audio_tokens": usage.audio_output_tokens,
                "image_tokens": usage.image_output_tokens,
            },
            always={"reasoning_tokens": usage.reasoning_tokens},
        ),
    }


def _input_details(usage: Usage) -> dict[str, object]:
    details = _counted(
        {
            "audio_tokens": usage.audio_input_tokens + usage.cached_audio_input_tokens,
            "image_tokens": usage.image_input_tokens,
            "video_tokens": usage.video_input_tokens,
            "cache_write_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        },
        always={"cached_tokens": usage.cached_input_tokens + usage.cached_audio_input_tokens},
    )
    if usage.cache_write_1h_tokens:
        details["cache_write_tokens_details"] = {"ttl_12h_tokens": usage.cache_write_1h_tokens}
    if usage.cached_audio_input_tokens:
        details["cached_tokens_details"] = {"audio_tokens": usage.cached_audio_input_tokens}
    return details


def _counted(counts: dict[str, int], *, always: dict[str, int]) -> dict[str, object]:
    return {**always, **{name: count for name, count in counts.items() if count}}
