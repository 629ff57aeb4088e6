"""What Gemini's answers say of themselves, and its usage objects as disjoint counts.

`promptTokenCount` includes cached tokens; thoughts stand beside the candidates' tokens, not inside.
"""

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from core.calls import AnswerFacts
from core.dialects.json_body import decode_answer
from core.dialects.media import NOTHING, text_in, view, views
from core.usage import Usage

_TRAFFIC_TIERS = {"ON_DEMAND": "standard", "ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex"}


class _Modality(msgspec.Struct):
    modality: str | None = None
    tokenCount: int | None = None


class _Usage(msgspec.Struct):
    promptTokenCount: int | None = None
    candidatesTokenCount: int | None = None
    cachedContentTokenCount: int | None = None
    thoughtsTokenCount: int | None = None
    toolUsePromptTokenCount: int | None = None
    promptTokensDetails: list[_Modality] | None = None
    candidatesTokensDetails: list[_Modality] | None = None
    totalTokenCount: int | None = None


class _Candidate(msgspec.Struct):
    finishReason: msgspec.Raw = NOTHING
    groundingMetadata: msgspec.Raw = NOTHING


class _Grounding(msgspec.Struct):
    webSearchQueries: msgspec.Raw = NOTHING


class _Served(msgspec.Struct):
    serviceTier: str | None = None
    trafficType: str | None = None


class _Answer(msgspec.Struct):
    usageMetadata: msgspec.Raw = NOTHING
    modelVersion: msgspec.Raw = NOTHING
    candidates: msgspec.Raw = NOTHING


def read_gemini_usage(usage_object: msgspec.Raw) -> Usage | None:
    """Disjoint counts; None when the object is missing, null, or counts nothing at all."""
    try:
        counted = msgspec.json.decode(usage_object, type=_Usage | None)
    except msgspec.DecodeError:
        return None
    if counted is None or (counted.promptTokenCount is None and counted.candidatesTokenCount is None):
        return None
    prompt = _count(counted.promptTokenCount)
    candidates = _count(counted.candidatesTokenCount)
    # Audio before the cache: the table has no rate for cached audio, so it is charged as audio.
    audio = min(_of_modality(counted.promptTokensDetails, "AUDIO"), prompt)
    cached = min(_count(counted.cachedContentTokenCount), prompt - audio)
    image = min(_of_modality(counted.promptTokensDetails, "IMAGE", "VIDEO"), prompt - cached - audio)
    drawn = min(_of_modality(counted.candidatesTokensDetails, "IMAGE"), candidates)
    spoken = min(_of_modality(counted.candidatesTokensDetails, "AUDIO"), candidates - drawn)
    return Usage(
        input_tokens=prompt - cached - audio - image + _count(counted.toolUsePromptTokenCount),
        cached_input_tokens=cached,
        audio_input_tokens=audio,
        image_input_tokens=image,
        output_tokens=candidates - drawn - spoken,
        image_output_tokens=drawn,
        audio_output_tokens=spoken,
        reasoning_tokens=_count(counted.thoughtsTokenCount),
    )


def read_gemini_answer(body: bytes) -> AnswerFacts:
    answer = decode_answer(body, _Answer)
    usage = read_gemini_usage(answer.usageMetadata)
    candidates = views(answer.candidates, _Candidate)
    if usage is not None:
        usage = replace(usage, web_search_calls=len(_queries(candidates)))
    return AnswerFacts(
        usage,
        model=text_in(answer.modelVersion) or None,
        service_tier=served_tier(answer.usageMetadata),
        finish_reason=text_in(candidates[0].finishReason if candidates else NOTHING) or None,
    )


def _queries(candidates: list[_Candidate]) -> frozenset[str]:
    """What was searched for."""
    grounded = [view(candidate.groundingMetadata, _Grounding) for candidate in candidates]
    return billed_queries(query for each in grounded if each for query in view(each.webSearchQueries, list[str]) or ())


def billed_queries(queries: Iterable[str]) -> frozenset[str]:
    """The same query twice is billed once, an empty one not at all."""
    return frozenset(query.strip() for query in queries) - {""}


def served_tier(usage_object: msgspec.Raw) -> str | None:
    """The tier an answer says it was served in; None when it does not say."""
    served = view(usage_object, _Served) or _Served()
    return served.serviceTier or _TRAFFIC_TIERS.get(served.trafficType or "")


def _of_modality(details: list[_Modality] | None, *modalities: str) -> int:
    return sum(_count(each.tokenCount) for each in details or () if each.modality in modalities)


def _count(value: int | None) -> int:
    return max(0, value or 0)
