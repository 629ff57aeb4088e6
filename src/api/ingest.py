"""Reports of calls that an SDK made by itself: `POST /v1/ingest` charges them and tells them as records.

Whoever reports is a member among others, so a report is bounded: it is one call of a model that exists, at today's
price, for the team of the token and no other, and counts against the request rate. The names of its fields are a
published contract.
"""

from typing import Annotated

import msgspec

from api.endpoint import ApiRequest, Nothing
from call.admission import key_refusal, rate_refusal
from call.settlement import new_record
from core.call.context import CallContext, check_session_id
from core.ledger.loops.turns import Turn
from core.ledger.messages import Conflict, Count, KeyDisabled, RateDenied, Recorded, RecordRequest
from core.money import price_book, pricing
from core.money.price_book import Price
from core.money.usage import Usage
from core.providers import PROVIDERS
from core.refusals import InvalidRequest
from core.telemetry import CallRecord
from delivery import send_message
from exchange import Answer

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
    provider: Label | None = None
    session_id: str | None = None
    iteration_index: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    identified_risks: list[Label] = []
    project: Label | None = None
    agent: Label | None = None
    team: Label | None = None
    """Checked and not used: whose budget is charged, and whose row it is, the token alone says."""
    event_id: Label | None = None


async def ingest(request: ApiRequest[Nothing, Report]) -> Answer:
    """Charge a report and tell it."""
    exchange, caller, report = request.exchange, request.caller, request.body
    ports = exchange.ports
    session_id = None if report.session_id is None else check_session_id(report.session_id, "session_id")
    price = price_book.find_reported(report.provider, report.model, at_ms=ports.clock.now_ms())
    usage = _usage_of(report, price)
    cost = pricing.cost_nanousd(usage, price)
    event_id = report.event_id or ports.ids.new("evt_")
    recorded = await _recorded(
        request,
        RecordRequest(
            event_id=event_id,
            cost_nanousd=cost,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            session_id=session_id,
            team=caller.team,
            caller=caller.owner,
            session_default_limit_nanousd=caller.policy.session_limit_nanousd,
            rate_limits=caller.rate_limits,
            key_id=caller.key_id,
            turn=Turn(agent=report.agent, iteration=report.iteration_index, model=report.model),
        ),
    )
    record = _record_of(request, report_id=event_id, at_ms=recorded.at_ms, price=price, usage=usage, cost_nanousd=cost)
    # A repeat is told as well, as the row it already is: the first time may have been cut short before its record.
    ports.defer(send_message(record, exchange))
    return Answer(200, {"content-type": "text/plain; charset=utf-8"}, b"Success")


async def _recorded(request: ApiRequest[Nothing, Report], charge: RecordRequest) -> Recorded:
    """Have it charged. Raises the refusal of a report that is not."""
    answer = await request.ledger.tell(charge)
    if isinstance(answer, Conflict):
        raise InvalidRequest("event_id was used before for another report", param="event_id")
    if isinstance(answer, RateDenied):
        raise rate_refusal(answer)
    if isinstance(answer, KeyDisabled):
        raise key_refusal()
    return answer


def _record_of(
    request: ApiRequest[Nothing, Report], *, report_id: str, at_ms: int, price: Price, usage: Usage, cost_nanousd: int
) -> CallRecord:
    report = request.body
    record = new_record(
        request_id=report_id,
        started_at_ms=at_ms,
        caller=request.caller,
        context=CallContext(
            session_id=report.session_id,
            project=report.project,
            agent=report.agent,
            iteration=report.iteration_index,
        ),
        provider=price.provider or report.provider,
        path=request.exchange.request.path,
        dialect=None,
    )
    return msgspec.structs.replace(
        record,
        source="sdk",
        model=report.model,
        usage=usage,
        cost_nanousd=cost_nanousd,
        latency_ms=report.latency_ms,
        risks=tuple(report.identified_risks),
        is_estimated=price.is_estimate,
    )


def _usage_of(report: Report, price: Price) -> Usage:
    """The report's counts as disjoint ones. Raises `InvalidRequest` where they are more than one call can be."""
    windows = [price, *(price_book.stand_in(provider, "") for provider in PROVIDERS)]
    input_max = price.input_tokens_max or max(each.input_tokens_max or 0 for each in windows)
    if "embed" in price.model:
        input_max = max(input_max, EMBEDDED_TOKENS_MAX)
    output_max = price.output_tokens_max or max(each.output_tokens_max or 0 for each in windows)
    plain_input = _rest_of(report, "prompt_tokens", INPUT_PARTS, most=input_max)
    plain_output = _rest_of(report, "completion_tokens", OUTPUT_PARTS, most=output_max)
    parts = {name: getattr(report, name) for name in (*INPUT_PARTS, *OUTPUT_PARTS)}
    return Usage(input_tokens=plain_input, output_tokens=plain_output, **parts)


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
