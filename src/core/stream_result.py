"""What a stream came to, and the bounds on an estimate of it."""

from dataclasses import dataclass

from core.stream_bill import StreamBill
from core.streams.observation import StreamReader
from core.usage import Usage


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What a stream came to, at whatever moment it was closed."""

    usage: Usage
    cost_nanousd: int
    is_provider_usage: bool
    """The provider's final count; else an estimate, which errs high."""
    is_truncated: bool
    """The stream never said that it was over."""
    is_cut: bool
    model: str | None
    service_tier: str | None
    finish_reason: str | None
    error_code: str | None
    """The provider's own error inside the stream."""


def result_of(
    reader: StreamReader,
    bill: StreamBill,
    *,
    estimate_least_nanousd: int,
    estimate_most_nanousd: int,
    is_cut: bool,
) -> StreamResult:
    """The bounds hold for an estimate only. The most is a full hold: the provider's own ceiling is
    its worst case. The least is the hold of a stream of which a part could not be read."""
    cost = bill.cost_nanousd(reader.service_tier)
    if not bill.is_final:
        cost = min(max(cost, estimate_least_nanousd), estimate_most_nanousd)
    return StreamResult(
        usage=bill.usage(),
        cost_nanousd=cost,
        is_provider_usage=bill.is_final,
        is_truncated=not is_cut and not reader.is_ended,
        is_cut=is_cut,
        model=reader.model,
        service_tier=reader.service_tier,
        finish_reason=reader.finish_reason,
        error_code=reader.error_code,
    )
