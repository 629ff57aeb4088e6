"""Disjoint counts in the words of a Responses usage, where the input includes what was cached and the output what was
thought."""

from core.money.usage import Usage


def usage_object(usage: Usage) -> dict[str, object]:
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    inside: dict[str, object] = {
        "cached_tokens": usage.cached_input_tokens + usage.cached_audio_input_tokens,
        "cache_write_tokens": written,
    }
    if written:
        inside["cache_write_tokens_details"] = {
            "ttl_30m_tokens": usage.cache_write_5m_tokens,
            "ttl_12h_tokens": usage.cache_write_1h_tokens,
        }
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": inside,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
