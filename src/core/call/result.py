"""What a stream came to, and the bounds on an estimate of it."""

from dataclasses import dataclass

from core.call.bill import StreamBill
from core.money.usage import Usage
from core.wire.streams.observation import StreamReader


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What a stream came to, at whatever moment it was closed."""

    usage: Usage
    cost_nanousd: int
    is_provider_usage: bool
    """The provider's final count, or its error in place of any; else an estimate, which errs high."""
    is_truncated: bool
    """The stream never said that it was over."""
    is_cut: bool
    is_failed: bool
    """An error, or nothing at all, in place of an answer."""
    model: str | None
    service_tier: str | None
    finish_reason: str | None
    error_code: str | None
    """The provider's own error inside the stream."""
    answer_id: str | None
    """By which a later call may refer to this answer."""
    conversation_id: str | None


def result_of(
    reader: StreamReader,
    bill: StreamBill,
    *,
    estimate_least_nanousd: int,
    estimate_most_nanousd: int,
    is_cut: bool,
    is_closed: bool,
) -> StreamResult:
    """The bounds hold for an estimate only. The most is a full hold: the provider's own ceiling is
    its worst case. The least is the hold of a stream of which a part could not be read. `is_closed`: the provider
    ended the connection, and in good order."""
    has_finished = reader.finish_reason is not None
    is_failed = bill.is_nothing and not is_cut and (reader.error_code is not None or (is_closed and not has_finished))
    usage, cost = bill.usage(), bill.cost_nanousd(reader.service_tier)
    if is_failed:
        # Providers do not bill an error, nor a stream that closes without a word; a model that hides its reasoning
        # may have been at work before it did.
        usage, cost = bill.unseen_nanousd(reader.service_tier) if reader.error_code is None else (Usage(), 0)
    if not bill.is_final:
        most = bill.estimate_most_nanousd(estimate_most_nanousd, reader.service_tier)
        cost = min(max(cost, estimate_least_nanousd), most)
    return StreamResult(
        usage=usage,
        cost_nanousd=cost,
        is_provider_usage=(bill.is_final or (is_failed and cost == 0)) and not usage.is_beyond_belief,
        is_truncated=not is_cut and not reader.is_ended,
        is_cut=is_cut,
        is_failed=is_failed,
        model=reader.model,
        service_tier=reader.service_tier,
        finish_reason=reader.finish_reason,
        error_code=reader.error_code,
        answer_id=reader.answer_id,
        conversation_id=reader.conversation_id,
    )
