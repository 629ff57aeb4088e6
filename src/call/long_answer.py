"""What happens to an answer too long to be kept: it passes as it comes, and is settled by what its end says.

Its cost is known only when its head has long gone out, so it carries no header of it.
"""

from dataclasses import replace

from call.settlement import CallEnd, OpenCall
from core.money import pricing
from core.money.usage import Usage
from core.refusals import InternalError, UnreadableAnswer
from core.wire.dialects.answer_end import facts_at_end
from core.wire.facts import AnswerFacts
from ports import Body, Hearing, Relayed, StreamEnding, UpstreamAnswer


class LongAnswerRelay:
    """`Relay` for one answer in a single document."""

    hearing: Hearing = "hears_the_end"
    strips_usage = False

    def __init__(self, call: OpenCall, *, status: int, ttfb_ms: int, overhead_ms: int) -> None:
        self._call = call
        self._status = status
        self._ttfb_ms = ttfb_ms
        self._overhead_ms = overhead_ms
        self._end = b""

    def over(self, answer: UpstreamAnswer) -> Body:
        """The answer's body as it passes; the call is closed with it."""
        body = answer.relayed(self)
        self._call.is_streaming = True
        return body

    def feed(self, chunk: bytes) -> Relayed:
        """Take the last bytes of the answer."""
        self._end += chunk
        return Relayed(b"")

    async def ended(self, ending: StreamEnding, *, first_chunk_at_ms: int | None) -> bytes | None:
        """Close the call. An answer that broke off does so for the client too: no words mend half a document."""
        try:
            if ending == "complete":
                self._call.close(self._complete())
                return b""
            if ending == "client_disconnected":
                self._call.close_unheard(None, outcome="client_disconnected", status=self._status)
            else:
                self._call.close_unheard(UnreadableAnswer.code, status=self._status)
            return None
        finally:  # what has not closed the call by now was a fault of ours
            self._call.close_unheard(InternalError.code, status=self._status)

    def _complete(self) -> CallEnd:
        facts = facts_at_end(self._call.plan.dialect, self._end)
        usage, cost = self._held() if facts is None else self._stated(facts)
        return CallEnd(
            "complete",
            usage,
            0 if self._call.plan.is_free else cost,
            self._status,
            is_estimated=usage.is_beyond_belief or facts is None,
            model=None if facts is None else facts.model,
            ttfb_ms=self._ttfb_ms,
            overhead_ms=self._overhead_ms,
        )

    def _held(self) -> tuple[Usage, int]:
        """Without counts: so long an answer is worth all that was held for it."""
        return self._call.plan.costing.prompt, self._call.receipt.granted_nanousd

    def _stated(self, facts: AnswerFacts) -> tuple[Usage, int]:
        """The provider's counts. Searches that only the answer's text would show are taken to have been as many as they
        could."""
        parsed, usage = self._call.plan.parsed, facts.usage
        assert usage is not None, "facts of an end state its usage"
        if usage.billed_nanousd is None:
            usage = replace(usage, web_search_calls=max(usage.web_search_calls, parsed.web_search_calls_max))
        tier = facts.service_tier or parsed.service_tier
        return usage, pricing.cost_nanousd(usage, self._call.plan.price, service_tier=tier)
