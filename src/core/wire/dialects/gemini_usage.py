"""What Gemini's answers say of themselves, and its usage objects as disjoint counts.

`promptTokenCount` includes cached tokens, and the details of both count by kind of input; thoughts stand beside the
candidates' tokens, and what tools put into the prompt beside the prompt's. What the total has beyond all of them is
output.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from core.money.usage import Usage
from core.wire.facts import AnswerFacts
from core.wire.json_members import Members, answer_members, error_code_in, members_of

_TRAFFIC_TIERS = {"ON_DEMAND": "standard", "ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex"}

_MODALITIES = {"0": "MODALITY_UNSPECIFIED", "1": "TEXT", "2": "IMAGE", "3": "VIDEO", "4": "AUDIO", "5": "DOCUMENT"}
"""The numbers that stand for them (google/ai/generativelanguage, `Modality`)."""

_PICTURES = ("IMAGE", "DOCUMENT")
"""Pages of a document are read as pictures, and billed so."""


def read_gemini_usage(usage_object: msgspec.Raw) -> Usage | None:
    """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
    return usage_in(members_of(usage_object))


def usage_in(counted: Members) -> Usage | None:
    """The same of an object whose members are read already."""
    prompt = counted.count("promptTokenCount")
    candidates = counted.count("candidatesTokenCount", "responseTokenCount")
    thoughts = counted.count("thoughtsTokenCount")
    total = counted.count("totalTokenCount")
    if prompt is None and candidates is None and thoughts is None and total is None:
        return None
    tools = counted.count("toolUsePromptTokenCount") or 0
    read = (prompt or 0) + tools
    written = candidates or 0
    beyond = max(0, (total or 0) - read - written - (thoughts or 0))
    drawn_or_spoken = _by_modality(counted.each("candidatesTokensDetails", "responseTokensDetails"))
    drawn = _part(drawn_or_spoken["IMAGE"], written)
    spoken = _part(drawn_or_spoken["AUDIO"], written - drawn)
    return Usage(
        **_input(read, counted, has_tools=tools > 0),
        output_tokens=written - drawn - spoken,
        image_output_tokens=drawn,
        audio_output_tokens=spoken,
        reasoning_tokens=(thoughts or 0) + beyond,
    )


def read_gemini_answer(body: bytes) -> AnswerFacts:
    """The facts of a whole answer. Raises `InvalidAnswer`."""
    answer = answer_members(body)
    candidates = answer.each("candidates")
    block_reason = answer.inner("promptFeedback").word("blockReason")
    counted = members_of(answer.raw("usageMetadata"))
    usage = usage_in(counted)
    if usage is not None:
        usage = replace(usage, web_search_calls=len(_queries(candidates)))
    return AnswerFacts(
        usage,
        model=answer.word("modelVersion") or None,
        service_tier=tier_in(counted),
        finish_reason=(candidates[0].word("finishReason") if candidates else block_reason) or None,
        answer_id=answer.word("responseId") or None,
        error_code=error_code_in(answer, "status", "code"),
        is_blocked=bool(block_reason),
    )


def billed_queries(queries: Iterable[str]) -> frozenset[str]:
    """The same query twice is billed once, an empty one not at all."""
    return frozenset(query.strip() for query in queries) - {""}


def tier_in(counted: Members) -> str | None:
    """The tier an answer says it was served in; None when it does not say, or only by a number."""
    tier = counted.word("serviceTier")
    return tier if tier and not tier.isdecimal() else _TRAFFIC_TIERS.get(counted.word("trafficType"))


def _queries(candidates: list[Members]) -> frozenset[str]:
    """What was searched for."""
    grounded = [candidate.inner("groundingMetadata") for candidate in candidates]
    return billed_queries(query for each in grounded for query in each.texts("webSearchQueries"))


def _input(read: int, counted: Members, *, has_tools: bool) -> dict[str, int]:
    """Sound before the cache: where nothing tells how much of it was cached, it is charged as sound."""
    kinds = _by_modality(counted.each("promptTokensDetails", "promptTokenDetails"))
    if has_tools:
        kinds += _by_modality(counted.each("toolUsePromptTokensDetails"))
    cached = counted.count("cachedContentTokenCount") or 0
    if not cached and not kinds.keys() - {"TEXT"}:
        return {"input_tokens": read}
    cached_kinds = _by_modality(counted.each("cacheTokensDetails"))
    heard = _part(kinds["AUDIO"], read)
    cached_audio = _part(cached_kinds["AUDIO"], min(heard, cached))
    left = read - heard
    counts = {"audio_input_tokens": heard - cached_audio, "cached_audio_input_tokens": cached_audio}
    for name, count in (
        ("cached_input_tokens", cached - cached_audio),
        ("image_input_tokens", sum(kinds[kind] - cached_kinds[kind] for kind in _PICTURES)),
        ("video_input_tokens", kinds["VIDEO"] - cached_kinds["VIDEO"]),
    ):
        counts[name] = _part(count, left)
        left -= counts[name]
    return counts | {"input_tokens": left}


def _by_modality(details: list[Members]) -> Counter[str]:
    counts = Counter[str]()
    for each in details:
        modality = each.word("modality")
        counts[_MODALITIES.get(modality, modality.upper())] += each.count("tokenCount") or 0
    return counts


def _part(count: int, whole: int) -> int:
    return min(max(0, count), whole)
