"""A report of a call that an SDK made by itself: what it says, what that costs, and the row it becomes.

Whoever reports is a member among others, so a report is bounded: it is one call of a model that exists, at today's
price, for the team of the token and no other, and counts against the request rate unless its call was held for. The
names of its fields are a published contract.
"""

from typing import Annotated, Literal

import msgspec

from access.identity import Caller
from access.permits import key_refusal
from call.admission import OWN_HOLDS_START, rate_refusal
from call.settlement import new_record
from core.call.context import CallContext, SessionId
from core.ledger.loops.turns import Turn
from core.ledger.messages import Conflict, Count, KeyDisabled, RateDenied, RecordAnswer, Recorded, RecordRequest
from core.money import price_book, pricing
from core.money.price_book import Price
from core.money.usage import Usage
from core.providers import PROVIDERS
from core.refusals import InvalidRequest
from core.telemetry import record_text

EMBEDDED_TOKENS_MAX = 300_000
"""All inputs of one embeddings request together (OpenAI's API reference, 2025); the model's own bound is for each."""

INPUT_PARTS = (
    "cached_input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "cached_audio_input_tokens",
    "image_input_tokens",
    "video_input_tokens",
)
OUTPUT_PARTS = ("reasoning_tokens", "audio_output_tokens", "image_output_tokens")

WEB_SEARCH_CALLS_MAX = 1_000
"""In one call: a hundred times what a model searches unbidden."""

STARTED_BEFORE_MS_MAX = 24 * 3_600_000
"""How late a call may be reported with the time at which it was made. Its row must have a partition to go to, and
whoever reports must not write history."""

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an SDK says of a call. Unknown fields are ignored: newer SDKs may say more. `prompt_tokens` and
    `completion_tokens` are everything that was sent and generated; the counts after them say what part of that was
    billed at a rate of its own."""

    model: Label
    prompt_tokens: Count
    completion_tokens: Count
    latency_ms: Annotated[float, msgspec.Meta(ge=0, le=10**9)]
    cached_input_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    audio_input_tokens: Count = 0
    cached_audio_input_tokens: Count = 0
    image_input_tokens: Count = 0
    video_input_tokens: Count = 0
    reasoning_tokens: Count = 0
    audio_output_tokens: Count = 0
    image_output_tokens: Count = 0
    web_search_calls: Annotated[int, msgspec.Meta(ge=0, le=WEB_SEARCH_CALLS_MAX)] = 0
    """Searches that the provider ran and bills by the call."""
    provider: Label | None = None
    session_id: SessionId | None = None
    iteration_index: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    identified_risks: list[Label] = []
    project: Label | None = None
    agent: Label | None = None
    team: Label | None = None
    """Checked and not used: whose budget is charged, and whose row it is, the token alone says."""
    event_id: Label | None = None
    """By which a repeat is known, and the hold that was made for the call."""
    dialect: Label | None = None
    outcome: Literal["complete", "client_disconnected", "failed"] = "complete"
    status: Annotated[int, msgspec.Meta(ge=100, le=599)] | None = None
    """Of the provider's answer."""
    error_code: Label | None = None
    attempts: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    """How often the SDK has sent the call."""
    is_streaming: bool = False
    is_estimated: bool = False
    """The provider did not say what it used: the counts are the SDK's own."""
    ttfb_ms: Annotated[float, msgspec.Meta(ge=0, le=10**9)] | None = None
    started_at_ms: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)] | None = None
    """When the call was made, by the SDK's clock: taken where that is within the last day."""


def charge_of(report: Report, caller: Caller, *, event_id: str, now_ms: int, path: str) -> RecordRequest:
    """The report, its session checked, as a charge at today's price, with the row that its call becomes. Raises
    `InvalidRequest` naming the field."""
    price = caller.prices.find_reported(report.provider, report.model, at_ms=now_ms)
    usage = usage_of(report, price)
    is_free = price.is_estimate and caller.policy.unpriced_models == "free"  # as its hold was
    cost_nanousd = 0 if is_free else pricing.cost_nanousd(usage, price)
    record = new_record(
        request_id=event_id,
        started_at_ms=_started_at_ms(report, now_ms),
        caller=caller,
        context=CallContext(
            session_id=report.session_id,
            project=report.project,
            agent=report.agent,
            iteration=report.iteration_index,
        ),
        provider=price.provider or report.provider,
        path=path,
        dialect=report.dialect,
        source="sdk",
        outcome=report.outcome,
        model=report.model,
        usage=usage,
        cost_nanousd=cost_nanousd,
        status=report.status,
        is_streaming=report.is_streaming,
        ttfb_ms=report.ttfb_ms,
        latency_ms=report.latency_ms,
        error_code=report.error_code,
        risks=tuple(report.identified_risks),
        is_estimated=report.is_estimated or price.is_estimate,
    )
    return RecordRequest(
        event_id=event_id,
        cost_nanousd=cost_nanousd,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        session_id=report.session_id,
        team=caller.team,
        caller=caller.owner,
        session_default_limit_nanousd=caller.policy.session_limit_nanousd,
        rate_limits=caller.rate_limits,
        key_id=caller.key_id,
        token_number=caller.token_number,
        charged_key_id=caller.key_id,
        turn=Turn(agent=report.agent, iteration=report.iteration_index, model=report.model),
        record=record_text(record),
    )


def checked_event_id(event_id: str, param: str) -> str:
    """An id of the SDK's own. Raises `InvalidRequest` naming `param` for one that a hold of ours could have."""
    if not 0 < len(event_id) <= 256 or event_id.startswith(OWN_HOLDS_START):
        raise InvalidRequest(f"{param} must be 1 to 256 characters, and not begin with {OWN_HOLDS_START}", param=param)
    return event_id


def recorded_of(answer: RecordAnswer) -> Recorded:
    """The charge that stands. Raises the refusal of a report that was not charged."""
    if isinstance(answer, Conflict):
        raise InvalidRequest("event_id was used before for another report", param="event_id")
    if isinstance(answer, RateDenied):
        raise rate_refusal(answer)
    if isinstance(answer, KeyDisabled):
        raise key_refusal()
    return answer


def _started_at_ms(report: Report, now_ms: int) -> int:
    """When the call was made; where its SDK's clock cannot be right, when it was reported."""
    started_at_ms = report.started_at_ms
    if started_at_ms is None or not now_ms - STARTED_BEFORE_MS_MAX <= started_at_ms <= now_ms:
        return now_ms
    return started_at_ms


def usage_of(report: Report, price: Price) -> Usage:
    """The report's counts as disjoint ones. Raises `InvalidRequest` where they are more than one call can be."""
    windows = [price, *(price_book.stand_in(provider, "") for provider in PROVIDERS)]
    input_max = price.input_tokens_max or max(each.input_tokens_max or 0 for each in windows)
    if "embed" in price.model:
        input_max = max(input_max, EMBEDDED_TOKENS_MAX)
    output_max = price.output_tokens_max or max(each.output_tokens_max or 0 for each in windows)
    plain_input = _rest_of(report, "prompt_tokens", INPUT_PARTS, most=input_max)
    plain_output = _rest_of(report, "completion_tokens", OUTPUT_PARTS, most=output_max)
    parts = {name: getattr(report, name) for name in (*INPUT_PARTS, *OUTPUT_PARTS)}
    return Usage(
        input_tokens=plain_input,
        output_tokens=plain_output,
        web_search_calls=report.web_search_calls,
        **parts,
    )


def _rest_of(report: Report, name: str, parts: tuple[str, ...], *, most: int) -> int:
    """What of a count is in none of its parts."""
    count: int = getattr(report, name)
    if count > most:
        raise InvalidRequest(
            f"{name} must be at most {most}, the longest call of this model: a report is one call", param=name
        )
    rest: int = count - sum(getattr(report, part) for part in parts)
    if rest < 0:
        raise InvalidRequest(f"{name} must include {', '.join(parts)}", param=name)
    return rest
