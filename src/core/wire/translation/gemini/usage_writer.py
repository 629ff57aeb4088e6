"""A usage as Gemini counts it: the prompt with what was cached in it, the candidates without the thoughts.

What another provider wrote to its cache is part of the prompt. Details by kind stand there only where there is more
than text, since without them everything is text.
"""

from core.money.usage import Usage


def usage_object(usage: Usage) -> dict[str, object]:
    cached = usage.cached_input_tokens + usage.cached_audio_input_tokens
    drawn, spoken = usage.image_output_tokens, usage.audio_output_tokens
    candidates = usage.output_tokens + drawn + spoken
    counts = {
        "promptTokenCount": usage.prompt_tokens,
        "candidatesTokenCount": candidates,
        "totalTokenCount": usage.total_tokens,
        "cachedContentTokenCount": cached,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "promptTokensDetails": _by_modality(usage.prompt_tokens, _prompt_kinds(usage)),
        "cacheTokensDetails": _by_modality(cached, {"AUDIO": usage.cached_audio_input_tokens}),
        "candidatesTokensDetails": _by_modality(candidates, {"IMAGE": drawn, "AUDIO": spoken}),
    }
    always = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
    return {name: count for name, count in counts.items() if count or name in always}


def _prompt_kinds(usage: Usage) -> dict[str, int]:
    heard = usage.audio_input_tokens + usage.cached_audio_input_tokens
    return {"AUDIO": heard, "IMAGE": usage.image_input_tokens, "VIDEO": usage.video_input_tokens}


def _by_modality(whole: int, others: dict[str, int]) -> list[dict[str, object]]:
    """What is of no other kind is text; nothing where all of it is."""
    if not any(others.values()):
        return []
    counts = {"TEXT": whole - sum(others.values())} | others
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items() if count]
