"""Reports on their way in: one (`Success`), or up to five hundred at once, each with a verdict of its own.

A batch is charged by one question to the Ledger, whose journal tells all of it. The rule easy to break: a report that
is wrong is named and takes no other with it; only where nobody could be charged is the whole refused, so that all of it
may come again.
"""

from typing import Annotated

import msgspec

from api.endpoint import ApiRequest, Nothing
from api.sdk.reports import Report, charge_of, checked_event_id, recorded_of
from core.ledger.messages import RecordAllRequest, Recorded, RecordRequest
from core.refusals import InvalidRequest, Refusal
from core.wire.json_text import InvalidJSON, read_json
from exchange import Answer, Exchange, decoded, json_answer

REPORTS_MAX = 500


class ReportBatch(msgspec.Struct, frozen=True):
    """Several reports, each of one call."""

    reports: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=REPORTS_MAX)]


class WhyRefused(msgspec.Struct, frozen=True):
    """As in a refusal's body."""

    message: str
    type: str
    code: str
    param: str | None


class RefusedReport(msgspec.Struct, frozen=True):
    """A report that was not charged."""

    index: int
    """Its place in the batch."""
    event_id: str | None
    retryable: bool
    """Sent again later, it may be."""
    error: WhyRefused


class BatchTaken(msgspec.Struct, frozen=True):
    """What became of a batch: all that is not named is charged and told."""

    accepted: int
    refused: list[RefusedReport]


class _Which(msgspec.Struct, frozen=True):
    """What tells a batch from a report, and names a report that cannot be read."""

    reports: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event_id: object = None


async def ingest(request: ApiRequest[Nothing, Report]) -> Answer:
    """Charge what is reported."""
    if decoded(request.text, _Which).reports is not msgspec.UNSET:
        return await _ingest_batch(request)
    report = decoded(request.text, Report)
    await charge_report(request, report, event_id=_id_of(report, request.exchange))
    return Answer(200, {"content-type": "text/plain; charset=utf-8"}, b"Success")


async def charge_report(
    request: ApiRequest[Nothing, Report], report: Report, *, event_id: str
) -> tuple[RecordRequest, Recorded]:
    """Charge one report. Raises the refusal of one that cannot be."""
    charge = _charge_of(report, request, event_id=event_id)
    return charge, recorded_of(await request.ledger.tell(charge))


async def _ingest_batch(request: ApiRequest[Nothing, Report]) -> Answer:
    batch = decoded(request.text, ReportBatch)
    charges: list[tuple[int, RecordRequest]] = []
    refused: list[RefusedReport] = []
    for index, text in enumerate(batch.reports):
        try:
            charges.append((index, _charge_in(text, request)))
        except Refusal as refusal:
            refused.append(_refused(index, _named(text), refusal))
    question = RecordAllRequest(records=tuple(charge for _, charge in charges))
    answers = (await request.ledger.tell(question)).answers if charges else ()
    accepted, why = 0, None
    for (index, charge), answer in zip(charges, answers, strict=True):
        try:
            recorded_of(answer)
            accepted += 1
        except Refusal as refusal:
            why = refusal
            refused.append(_refused(index, charge.event_id, refusal))
    if why is not None and not accepted and all(each.retryable for each in refused):
        raise why
    return json_answer(BatchTaken(accepted, sorted(refused, key=lambda each: each.index)))


def _charge_in(text: msgspec.Raw, request: ApiRequest[Nothing, Report]) -> RecordRequest:
    try:
        report = read_json(text, Report)
    except InvalidJSON as error:
        raise InvalidRequest(f"the report does not fit: {error}", param=error.place) from None
    return _charge_of(report, request, event_id=_id_of(report, request.exchange))


def _charge_of(report: Report, request: ApiRequest[Nothing, Report], *, event_id: str) -> RecordRequest:
    exchange = request.exchange
    now_ms = exchange.ports.clock.now_ms()
    report = msgspec.structs.replace(report, session_id=request.session_named(report.session_id))
    return charge_of(report, request.caller, event_id=event_id, now_ms=now_ms, path=exchange.request.path)


def _id_of(report: Report, exchange: Exchange) -> str:
    return exchange.ports.ids.new("evt_") if report.event_id is None else checked_event_id(report.event_id, "event_id")


def _named(text: msgspec.Raw) -> str | None:
    """The id of a report that cannot be read, if it has one."""
    try:
        event_id = read_json(text, _Which).event_id
    except InvalidJSON:
        return None
    return event_id[:256] if isinstance(event_id, str) else None


def _refused(index: int, event_id: str | None, refusal: Refusal) -> RefusedReport:
    error = WhyRefused(refusal.message, refusal.type, refusal.code, refusal.param)
    return RefusedReport(index, event_id, refusal.is_retryable, error)
