"""The usage object of an OpenAI-style answer, which each provider fills in its own way.

OpenAI's counts include their parts. xAI and Gemini leave reasoning out of `completion_tokens` but
not out of the total, and Gemini shows it nowhere else; Anthropic's OpenAI-style API gives no details
at all. xAI states the whole bill beside the counts, fees included.
"""

from mock_llm.selling.usage import Usage, billed_nanousd
from mock_llm.writing.calls import Call

TICKS_PER_NANOUSD = 10
"""xAI states a cost in ticks of a ten-billionth of a dollar."""

_XAI_TOOLS = (
    "web_search_calls",
    "x_search_calls",
    "code_interpreter_calls",
    "file_search_calls",
    "mcp_calls",
    "document_search_calls",
    "image_generation_calls",
)


def openai_usage(usage: Usage, call: Call) -> dict[str, object]:
    prompt_details: dict[str, object] = {
        "cached_tokens": usage.cached_input_tokens,
        "audio_tokens": usage.audio_input_tokens,
    }
    if call.model.rates.cache_write_5m is not None:
        prompt_details["cache_write_tokens"] = _cache_writes(usage)
    return {
        **_totals(usage, completion_tokens=usage.completion_tokens),
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": _completion_details(usage, call),
    }


def groq_usage(usage: Usage, call: Call) -> dict[str, object]:
    del call
    written = {
        "queue_time": 0.000217,
        "prompt_time": usage.prompt_tokens / 20_000,
        "completion_time": usage.completion_tokens / 500,
        "total_time": usage.prompt_tokens / 20_000 + usage.completion_tokens / 500,
        **_totals(usage, completion_tokens=usage.completion_tokens),
    }
    if usage.cached_input_tokens:
        written["prompt_tokens_details"] = {"cached_tokens": usage.cached_input_tokens}
    if usage.reasoning_tokens:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return written


def xai_usage(usage: Usage, call: Call) -> dict[str, object]:
    return {
        **_totals(usage, completion_tokens=usage.completion_tokens - usage.reasoning_tokens),
        "prompt_tokens_details": {
            "text_tokens": usage.prompt_tokens - usage.image_input_tokens - usage.audio_input_tokens,
            "audio_tokens": usage.audio_input_tokens,
            "image_tokens": usage.image_input_tokens,
            "cached_tokens": usage.cached_input_tokens,
        },
        "completion_tokens_details": _completion_details(usage, call),
        "num_sources_used": 0,
        "cost_in_usd_ticks": _cost_in_usd_ticks(usage, call),
    }


def gemini_usage(usage: Usage, call: Call) -> dict[str, object]:
    del call
    written = _totals(usage, completion_tokens=usage.completion_tokens - usage.reasoning_tokens)
    if usage.cached_input_tokens:
        written["prompt_tokens_details"] = {"cached_tokens": usage.cached_input_tokens}
    return written


def anthropic_usage(usage: Usage, call: Call) -> dict[str, object]:
    del call
    return _totals(usage, completion_tokens=usage.completion_tokens)


def responses_usage(usage: Usage, call: Call) -> dict[str, object]:
    """The Responses API's usage object, where reasoning is a part of the output at every provider."""
    read: dict[str, object] = {"cached_tokens": usage.cached_input_tokens}
    if call.provider == "openai":
        read["cache_write_tokens"] = _cache_writes(usage)
    written: dict[str, object] = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": read,
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
    return {**written, **_xai_tools_and_bill(usage, call)} if call.provider == "xai" else written


def _xai_tools_and_bill(usage: Usage, call: Call) -> dict[str, object]:
    ran = dict.fromkeys(_XAI_TOOLS, 0) | {"web_search_calls": usage.web_search_calls}
    return {
        "num_sources_used": 0,
        "num_server_side_tools_used": sum(ran.values()),
        "cost_in_usd_ticks": _cost_in_usd_ticks(usage, call),
        "server_side_tool_usage_details": ran,
    }


def _cost_in_usd_ticks(usage: Usage, call: Call) -> int:
    return billed_nanousd(usage, call.model, call.service_tier, turns=call.turns) * TICKS_PER_NANOUSD


def _totals(usage: Usage, *, completion_tokens: int) -> dict[str, object]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def _completion_details(usage: Usage, call: Call) -> dict[str, object]:
    return {
        "reasoning_tokens": usage.reasoning_tokens,
        "audio_tokens": usage.audio_output_tokens,
        "accepted_prediction_tokens": call.accepted_prediction_tokens,
        "rejected_prediction_tokens": usage.rejected_prediction_tokens,
    }


def _cache_writes(usage: Usage) -> int:
    return usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
