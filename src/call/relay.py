"""What happens to a streamed answer: meter each chunk, ask for the next slice in time, cut when there is none, settle.

The meter decides what may pass; this relay carries its questions to the Ledger and its bytes to the client. Whatever
ends the stream, `ended` closes the account once, at what the meter saw. The rule easy to break: what the Ledger last
said stands while it is away, so the allowance lends nothing to a stream that was refused.
"""

import asyncio
from dataclasses import replace

from call.admission import asked_with_one_retry, take_from_allowance
from call.settlement import CallEnd, OpenCall
from core.call.denials.cut import cut_refusal
from core.call.meter import Cut, Extend, Forward, Step, StreamMeter, Wait
from core.call.result import StreamResult
from core.ledger.admission import call_accounts
from core.ledger.hold import Terms
from core.ledger.messages import AccountView, Conflict, ExtendDenied, Extended, ExtendRequest
from core.money import pricing
from core.money.usage import Usage
from core.refusals import BudgetUnavailable, InternalError, Refusal, UpstreamTruncated
from core.routing.failure import of_silence
from core.telemetry import Outcome
from core.wire.streams import open_reader
from core.wire.translation.translate import StreamTranslation
from ports import Body, Hearing, LedgerUnreachable, Relayed, StreamEnding, UpstreamAnswer
from settings import Settings

SEARCHES_TOLD_LAST = frozenset({"gemini"})
"""Dialects whose streams say what was searched for in their last events (`groundingMetadata`)."""


class StreamRelay:
    """`Relay` for one metered stream."""

    def __init__(
        self,
        call: OpenCall,
        *,
        status: int,
        is_sse: bool,
        overhead_ms: int,
        settings: Settings,
        translation: StreamTranslation | None = None,
    ) -> None:
        self._call = call
        self._status = status
        self._overhead_ms = overhead_ms
        self._ports = call.exchange.ports
        self._hold_ttl_ms = settings.hold_ttl_ms
        plan = call.plan
        is_prepaid = call.receipt.is_full or plan.is_free or call.output_ceiling_tokens is not None
        self.strips_usage = plan.injects_usage
        self.hearing: Hearing = "listens" if is_prepaid and is_sse and translation is None else "judges"
        self._translation = translation
        self._meter = StreamMeter(
            open_reader(plan.dialect),
            plan.price,
            plan.costing.prompt,
            model=plan.parsed.model,
            granted_nanousd=call.receipt.granted_nanousd,
            is_full=is_prepaid,
            slice_nanousd=plan.slice_nanousd or max(1, call.receipt.granted_nanousd),
            service_tier=plan.parsed.service_tier,
            strips_usage=self.strips_usage,
        )
        self._asking: asyncio.Future[Step] | None = None
        self._is_refused = False
        """The Ledger's last word was no."""
        self._denied_by: AccountView | None = None
        """Whose no that was, where anybody's."""
        self._own_nanousd = 0
        """What that account holds for this stream."""
        self._is_unreadable = False
        self._wrote_at_ms: int | None = None
        self._asked_at_ms = self._renewed_at_ms = call.sent_at_ms or call.exchange.started_at_ms
        self._lent_nanousd = self._lent_at_ms = 0

    def over(self, answer: UpstreamAnswer) -> Body:
        """The answer's body as it passes through here; the call is closed with it."""
        body = answer.relayed(self)
        self._call.is_streaming = True
        return body

    def feed(self, chunk: bytes) -> Relayed:
        """Take some of what the provider sends."""
        now_ms = self._ports.clock.now_ms()
        if now_ms >= self._renewed_at_ms + self._hold_ttl_ms:
            self._meter.lapse()
        relayed = self._relayed(self._meter.feed(chunk))
        if self._wrote_at_ms is None and self._meter.has_written:
            self._wrote_at_ms = now_ms
        if now_ms >= self._renewed_at_ms + self._hold_ttl_ms // 2 and (ask := self._meter.ask_now()) is not None:
            self._ask(ask)
        return relayed

    async def ended(self, ending: StreamEnding, *, first_chunk_at_ms: int | None) -> bytes:
        """Close the call; returns what the client still has to hear."""
        try:
            return await self._closed(ending, first_chunk_at_ms)
        finally:  # what has not closed the call by now was a fault of ours
            self._call.close_unheard(InternalError.code, status=self._status, held_nanousd=self._meter.granted_nanousd)

    async def _closed(self, ending: StreamEnding, first_chunk_at_ms: int | None) -> bytes:
        if self._asking is not None:
            await self._asking
        words = await self._last_words() if ending == "complete" else b""
        if self._translation is not None and ending == "complete":
            words += self._translation.finish()
        result = self._meter.close(unseen_ms=self._unseen_ms())
        self._give_back(min(self._lent_nanousd, max(0, self._meter.granted_nanousd - result.cost_nanousd)))
        usage, cost = self._charged(result)
        refusal = self._refusal_of(ending, result, charged_nanousd=cost, output_tokens=usage.completion_tokens)
        self._call.close(self._end_of(ending, result, refusal, (usage, cost), first_chunk_at_ms))
        if refusal is not None:
            is_soft = self._call.caller.policy.stream_cut == "truncate" and result.is_cut and not self._is_unreadable
            words += self._ended_early(refusal, result, is_soft=is_soft)
        elif self._translation is not None and ending == "complete" and not result.is_failed:
            words += self._translation.ended()
        return words

    def _ended_early(self, refusal: Refusal, result: StreamResult, *, is_soft: bool) -> bytes:
        """What the client hears instead of the stream's end."""
        request_id = self._call.exchange.request_id
        if self._translation is None:
            return self._meter.render_cut(refusal, request_id, is_soft=is_soft)
        if is_soft:
            return self._translation.shortened(result.usage)
        told = self._call.spoken.render_refusal(refusal, request_id)
        return self._translation.cut(told, result.usage) if refusal.is_for_good else self._translation.broken(told)

    def _said(self, forward: bytes) -> bytes:
        """What passes, as the caller reads it."""
        return forward if self._translation is None else self._translation.feed(forward)

    async def _last_words(self) -> bytes:
        """What the provider left without its end, once it is paid for."""
        step = self._meter.finish()
        words = self._said(step.forward)
        while isinstance(step.action, Wait):
            if step.action.ask is not None:
                self._ask(step.action.ask)
            assert self._asking is not None, "the meter waits only for what was asked"
            step = await self._asking
            words += self._said(step.forward)
        return words

    def _unseen_ms(self) -> int:
        """How long the model may have been at work where nobody sees it: until it began to write the answer."""
        if not self._call.plan.hides_reasoning:
            return 0
        return (self._wrote_at_ms or self._ports.clock.now_ms()) - self._asked_at_ms

    def _relayed(self, step: Step) -> Relayed:
        forward = self._said(step.forward)
        match step.action:
            case Forward():
                return Relayed(forward)
            case Cut(reason=reason):
                self._is_unreadable = reason == "unreadable"
                return Relayed(forward, is_cut=True)
            case Extend():
                self._ask(step.action)
                return Relayed(forward)
            case Wait(ask=ask):
                if ask is not None:
                    self._ask(ask)
                return Relayed(forward, wait=self._answered())

    def _ask(self, ask: Extend) -> None:
        self._asking = asyncio.ensure_future(self._extend(ask))

    async def _answered(self) -> Relayed:
        """What the meter says once the ledger has answered."""
        assert self._asking is not None, "the meter waits only for what was asked"
        return self._relayed(await self._asking)

    async def _extend(self, ask: Extend) -> Step:
        request = ExtendRequest(
            hold_id=self._call.receipt.id,
            want_nanousd=ask.want_nanousd,
            least_nanousd=ask.least_nanousd,
            metered_nanousd=ask.metered_nanousd,
            ttl_ms=self._hold_ttl_ms,
        )
        ledger = self._ports.ledger_of(self._call.caller.tenant)
        asked_at_ms = self._ports.clock.now_ms()
        try:
            answer = await asked_with_one_retry(ledger, request)
        except LedgerUnreachable:
            return self._extended_by_allowance(ask)
        if not isinstance(answer, Conflict):
            self._renewed_at_ms = asked_at_ms
        self._is_refused = not isinstance(answer, Extended)
        self._denied_by = None
        if isinstance(answer, Extended):
            self._give_back(self._lent_nanousd)
            return self._meter.granted(answer.granted_nanousd, is_full=False)
        if isinstance(answer, ExtendDenied):
            self._denied_by, self._own_nanousd = answer.account, answer.granted_nanousd
        return self._meter.denied()

    def _extended_by_allowance(self, ask: Extend) -> Step:
        """The Ledger is away: the slice comes out of the outage allowance, and is settled with the rest."""
        context = self._call.context
        own_limit_nanousd = context.session_limit_nanousd or context.call_limit_nanousd or ask.want_nanousd
        if self._is_refused:
            return self._meter.denied()
        if ask.want_nanousd > own_limit_nanousd:
            (own,) = call_accounts(self._call.receipt.id, Terms(call_limit_nanousd=own_limit_nanousd))
            self._denied_by, self._own_nanousd = own.view(), 0
            return self._meter.denied()
        more = ask.want_nanousd - self._meter.granted_nanousd
        try:
            self._lent_at_ms = take_from_allowance(more, caller=self._call.caller, exchange=self._call.exchange)
        except BudgetUnavailable:
            return self._meter.denied()
        self._lent_nanousd += more
        return self._meter.granted(ask.want_nanousd, is_full=False)

    def _give_back(self, unused_nanousd: int) -> None:
        """Return what the allowance lent: the Ledger holds it now, or it was not used."""
        outage = self._call.exchange.isolate.outage
        outage.give_back(self._call.caller.tenant, unused_nanousd, taken_at_ms=self._lent_at_ms)
        self._lent_nanousd -= unused_nanousd

    def _refusal_of(
        self, ending: StreamEnding, result: StreamResult, *, charged_nanousd: int, output_tokens: int
    ) -> Refusal | None:
        """Why the stream ends early, or None where it ended by itself or nobody is left to tell."""
        if ending == "client_disconnected":
            return None
        if self._is_unreadable:
            return UpstreamTruncated("the provider sent an event too large to be metered")
        if result.is_cut:
            return cut_refusal(
                self._denied_by,
                own_nanousd=self._own_nanousd,
                charged_nanousd=charged_nanousd,
                output_tokens=output_tokens,
            )
        if result.is_truncated:
            return UpstreamTruncated("the provider's stream broke off before its end")
        return None

    def _end_of(
        self,
        ending: StreamEnding,
        result: StreamResult,
        refusal: Refusal | None,
        charged: tuple[Usage, int],
        first_chunk_at_ms: int | None,
    ) -> CallEnd:
        outcome: Outcome = "complete"
        if ending == "client_disconnected":
            outcome = "client_disconnected"
        elif result.is_cut:
            outcome = "cut"
        elif result.is_failed:
            outcome = "failed"
        elif result.is_truncated:
            outcome = "upstream_truncated"
        if outcome in ("failed", "upstream_truncated"):
            self._call.failed(of_silence("uncertain"))
        return CallEnd(
            outcome,
            *charged,
            self._status,
            is_estimated=not result.is_provider_usage,
            model=result.model,
            answer_ids=(result.answer_id, result.conversation_id),
            error_code=result.error_code if refusal is None else _recorded_code(refusal),
            ttfb_ms=None if first_chunk_at_ms is None else first_chunk_at_ms - self._call.exchange.started_at_ms,
            overhead_ms=self._overhead_ms,
            used_allowance=self._lent_at_ms > 0,
        )

    def _charged(self, result: StreamResult) -> tuple[Usage, int]:
        usage, cost = self._used(result)
        return usage, 0 if self._call.plan.is_free else cost

    def _used(self, result: StreamResult) -> tuple[Usage, int]:
        """What the stream came to; where that is our own count, with the output that is billed and never shown, and the
        searches that are told at the end only: as many as they could be."""
        plan, usage = self._call.plan, result.usage
        unshown = plan.parsed.unshown_output_tokens
        untold = plan.parsed.web_search_calls_max if plan.dialect.name in SEARCHES_TOLD_LAST else 0
        if result.is_provider_usage or not (unshown or untold) or not usage.completion_tokens:
            return usage, result.cost_nanousd
        usage = replace(
            usage,
            output_tokens=usage.output_tokens + unshown,
            web_search_calls=usage.web_search_calls or untold,
        )
        cost = pricing.cost_nanousd(usage, plan.price, service_tier=result.service_tier or plan.parsed.service_tier)
        return usage, max(result.cost_nanousd, min(cost, self._meter.granted_nanousd))


def _recorded_code(refusal: Refusal) -> str:
    """Of a cut its cause: that there was one, the record's outcome says."""
    return str(refusal.details.get("cause", refusal.code))
