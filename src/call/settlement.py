"""The account of one call: from its hold on there is one exit, and this is it.

Success, provider error, disconnect, cut and a fault of ours all come here with what was used; `settle` at zero is a
release. The rules easy to break: the first end counts and there is always one; nothing in here may fail the caller's
request; nothing may lose the charge or the record, which travel together, through the queue where they have to, and are
idempotent.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from access.identity import Caller
from call.admission import Receipt
from call.rules import CallRules
from core.bounds import SCOPE_ID_CHARACTERS_MAX
from core.call.context import CallContext
from core.call.plan import CallPlan
from core.ledger.health.notes import HealthNote, failed, served
from core.ledger.health.targets import Target
from core.ledger.messages import AnswerNote, RecordRequest, SettleRequest
from core.money.amount import NANOUSD_MAX
from core.money.usage import Usage
from core.refusals import InternalError
from core.routing.failure import Failure
from core.telemetry import CallRecord, Outcome, Settlement, record_text
from core.wire.dialects import Dialect
from core.wire.translation.translate import Translation
from delivery import charge
from exchange import Exchange

CONTINUED_DIALECTS = frozenset({"openai_responses", "anthropic_messages"})
"""In which a call may continue an earlier answer by its id."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended and what it used. `cost_nanousd` is priced already."""

    outcome: Outcome
    usage: Usage
    cost_nanousd: int
    status: int | None
    is_estimated: bool
    model: str | None = None
    error_code: str | None = None
    ttfb_ms: int | None = None
    overhead_ms: int | None = None
    answer_ids: tuple[str | None, ...] = ()
    """What a later call may name the answer by."""
    used_allowance: bool = False
    """A part of a stream went out on the outage allowance, though the Ledger held money for its beginning."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What came before an attempt of a call."""

    attempt: int = 1
    asked_model: str | None = None
    """That the caller asked for, where another one is to serve the call."""
    failed: tuple[str, ...] = ()
    """The attempts before, and the class of their failures: `openai/gpt-4o: rate_limited (429)`."""
    skipped: tuple[str, ...] = ()
    """Whom nobody has asked, and why: `groq/llama-3.3-70b: documents`."""
    cost_nanousd: int = 0
    """Of the attempts before."""
    waited_ms: int = 0
    """For the providers before."""


@dataclass(slots=True)
class OpenCall:
    """A call whose money is held: everything its end will need, and that end."""

    exchange: Exchange = field(repr=False)
    caller: Caller
    context: CallContext
    plan: CallPlan
    receipt: Receipt
    rules: CallRules
    spoken: Dialect
    """What its caller speaks, which is the plan's own dialect where nothing is translated."""
    translation: Translation | None = None
    target: Target | None = None
    """Whom it asks, where somebody else could serve the call."""
    trail: Trail = Trail()
    moves_on_for: frozenset[str] = frozenset()
    """For which failures somebody else is to be asked; none where nobody is left."""
    is_own_key: bool = False
    """It is made with its caller's own key of the provider."""
    is_replaced: bool = False
    """The call goes on with another attempt."""
    health: HealthNote | None = None
    """How its target has done, once that is known."""
    output_ceiling_tokens: int | None = None
    """The lowered ceiling under which the call was sent; None where it is as the caller set it."""
    sent_at_ms: int | None = None
    """When the provider was asked; None while it was not."""
    is_streaming: bool = False
    """A relay has taken the call over, and will close it when the stream ends."""
    is_closed: bool = False

    def close(self, end: CallEnd) -> None:
        """Settle the call, with its record, and wait for nothing. Only the first end counts."""
        if self.is_closed:
            return
        end = _within_bounds(end)
        settlement, is_urgent = _charge_of(self, end), self._decides_others()
        self.is_closed = True
        if self.receipt.is_fail_open:
            unused = max(0, self.receipt.granted_nanousd - end.cost_nanousd)
            self.exchange.isolate.outage.give_back(self.caller.tenant, unused, taken_at_ms=self.receipt.taken_at_ms)
        charge(self.caller.tenant, settlement, self.exchange, is_urgent=is_urgent)

    def _decides_others(self) -> bool:
        """Are calls that come a moment later, perhaps to another isolate, decided by more of this end than its money?
        By the answer that they continue, by what rules ask of their session, by a token rate, or by how its target
        did: ill, or tried and perhaps well again."""
        if self.is_replaced:
            return False  # the admission of the next attempt has brought it along
        is_tried = self.target is not None and any(view.holds(self.target) for view in self.receipt.cooling or ())
        return (
            self.plan.parsed.may_be_continued
            or (self.context.session_id is not None and self.rules.compiled.has_session_half)
            or self.caller.policy.tokens_per_minute is not None
            or (self.health is not None and not self.health.is_served)
            or is_tried
        )

    def close_unheard(
        self,
        error_code: str | None,
        *,
        outcome: Outcome = "failed",
        status: int | None = None,
        held_nanousd: int | None = None,
    ) -> None:
        """End a call of whose answer nobody read what it used."""
        if not self.is_closed:
            self.close(self.unheard(error_code, outcome=outcome, status=status, held_nanousd=held_nanousd))

    def unheard(
        self,
        error_code: str | None,
        *,
        outcome: Outcome = "failed",
        status: int | None = None,
        held_nanousd: int | None = None,
    ) -> CallEnd:
        """How a call ends of whose answer nobody read what it used. It costs what that can be, at most what is held
        (the first hold, unless said), and nothing where the provider was never asked."""
        usage, cost = Usage(), 0
        if self.sent_at_ms is not None:
            waited_ms = self.exchange.ports.clock.now_ms() - self.sent_at_ms
            usage, cost = self.plan.costing.unheard(waited_ms)
        held_nanousd = self.receipt.granted_nanousd if held_nanousd is None else held_nanousd
        cost = min(cost, held_nanousd)
        return CallEnd(outcome, usage, cost, status, is_estimated=cost > 0, error_code=error_code)

    def end(self, end: CallEnd) -> None:
        """Close the call at last, whatever becomes of that: once more at the same end, which the Ledger may have heard
        with the next attempt, and only then at what is not known."""
        try:
            self.close(end)
        finally:
            try:
                self.close(end)
            finally:
                self.give_up()

    def give_up(self) -> None:
        """What nobody has closed by now was a fault of ours. A stream takes its call along."""
        if not self.is_streaming:
            self.close_unheard(InternalError.code)

    def replaced_at(self, end: CallEnd) -> SettleRequest | None:
        """The end of an attempt as the admission of the next one brings it along; None where the Ledger may know of no
        hold."""
        self.is_replaced = True
        settlement = _charge_of(self, _within_bounds(end))
        return settlement if isinstance(settlement, SettleRequest) else None

    def served(self) -> None:
        """Whom it asks is well."""
        if self.target is not None:
            self.health = served(self.target, self.exchange.started_at_ms)

    def failed(self, failure: Failure) -> None:
        """Whom it asks is not, or not for such calls."""
        if self.target is not None and failure.cools is not None:
            self.health = failed(self.target, failure.kind, failure.cools, self.sent_at_ms or 0)

    def fit_to_grant(self) -> None:
        """Plan with what the grant tells: how long the earlier answers were, and which answer the money pays for."""
        if self.receipt.earlier_tokens is not None:
            self.plan = self.plan.with_remembered(self.receipt.earlier_tokens)
        self.output_ceiling_tokens = self.plan.output_ceiling_within(self.receipt.granted_nanousd)


def new_record(
    *,
    request_id: str,
    started_at_ms: int,
    caller: Caller,
    context: CallContext,
    provider: str | None,
    path: str,
    dialect: str | None,
    **details: Any,
) -> CallRecord:
    """A record of a call with such details, made at once, because each making checks every text. Without any, of a call
    that has used nothing so far."""
    fields = {"outcome": "complete", "attempt": 1, "usage": Usage(), "cost_nanousd": 0, **details}
    return CallRecord(
        request_id=request_id,
        started_at_ms=started_at_ms,
        tenant=caller.tenant,
        team=caller.team,
        key_id=caller.key_id,
        project=context.project,
        agent=context.agent,
        session_id=context.session_id,
        iteration=context.iteration,
        provider=provider,
        path=path,
        dialect=dialect,
        price_version=caller.prices.version,
        **fields,
    )


def _within_bounds(end: CallEnd) -> CallEnd:
    """What no call can cost is somebody's mistake: charged as far as amounts go, and marked."""
    if end.cost_nanousd <= NANOUSD_MAX:
        return end
    return replace(end, cost_nanousd=NANOUSD_MAX, is_estimated=True)


def _charge_of(call: OpenCall, end: CallEnd) -> Settlement:
    """The end of the hold; or, where the Ledger was away and may know of no hold, the cost under the hold's id."""
    record = record_text(_record_of(call, end))
    if not call.receipt.is_fail_open:
        return SettleRequest(
            hold_id=call.receipt.id,
            actual_nanousd=end.cost_nanousd,
            prompt_tokens=end.usage.prompt_tokens,
            completion_tokens=end.usage.completion_tokens,
            iteration=call.context.iteration,
            answer=_note_of(call, end),
            health=call.health,
            is_replaced=call.is_replaced,
            record=record,
        )
    return RecordRequest(
        event_id=call.receipt.id,
        cost_nanousd=end.cost_nanousd,
        prompt_tokens=end.usage.prompt_tokens,
        completion_tokens=end.usage.completion_tokens,
        session_id=call.context.session_id,
        team=call.caller.team,
        caller=call.caller.owner,
        session_default_limit_nanousd=call.caller.policy.session_limit_nanousd,
        charged_key_id=call.caller.key_id,
        answer=_note_of(call, end),
        turn=call.rules.turn,
        record=record,
    )


def _note_of(call: OpenCall, end: CallEnd) -> AnswerNote | None:
    """The answer as something that a later call may continue."""
    ids = tuple(each for each in end.answer_ids if each and len(each) <= SCOPE_ID_CHARACTERS_MAX)
    if not ids or call.plan.dialect.name not in CONTINUED_DIALECTS or call.translation is not None:
        return None
    return AnswerNote(ids, end.usage.total_tokens)


def _record_of(call: OpenCall, end: CallEnd) -> CallRecord:
    ruled = call.rules.record_fields()
    return new_record(
        request_id=call.exchange.request_id,
        started_at_ms=call.exchange.started_at_ms,
        caller=call.caller,
        context=call.context,
        provider=call.plan.provider,
        path=call.plan.path,
        dialect=call.plan.dialect.name,
        attempt=call.trail.attempt,
        **{**ruled, "asked_model": call.trail.asked_model or ruled["asked_model"]},
        failover_reason=", ".join(call.trail.failed) or None,
        skipped_hops=call.trail.skipped,
        outcome=end.outcome,
        usage=end.usage,
        cost_nanousd=end.cost_nanousd,
        model=end.model or call.plan.parsed.model,
        status=end.status,
        is_streaming=call.plan.parsed.is_streaming,
        ttfb_ms=None if end.ttfb_ms is None else float(end.ttfb_ms),
        latency_ms=float(call.exchange.ports.clock.now_ms() - call.exchange.started_at_ms),
        overhead_ms=None if end.overhead_ms is None else float(end.overhead_ms),
        error_code=end.error_code,
        is_cut=end.outcome == "cut",
        is_clamped=call.output_ceiling_tokens is not None,
        is_fail_open=call.receipt.is_fail_open or end.used_allowance,
        is_estimated=end.is_estimated or call.plan.price.is_estimate,
    )
