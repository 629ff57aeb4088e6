"""The attempts of one call, one after the other: what is held for each, and what is remembered of those that failed.

Whom to ask next is decided in the core (`core.routing.failover`); this carries the outcomes there and opens the next
attempt. The rules easy to break: an attempt that failed stays open until the next one has its money, because its own is
free for that one only; and whatever is raised, whatever is open here is closed.
"""

from collections.abc import Generator
from dataclasses import replace

from access import audit
from call.admission import Receipt, Standing, TargetCooling
from call.decision import OF_THE_CALLER, Asked, Decision, held
from call.endings import Failed, failover_headers
from call.settlement import OpenCall, Trail
from core.call.plan import CallPlan
from core.refusals import Refusal
from core.routing.failover import AS_ASKED, Attempt, CoolingDown, Fell, LeftOut, Outcome, Skipped, attempts
from core.wire.bytes_in_flight import BodyRoom
from core.wire.dialects import DIALECTS
from core.wire.translation.conversation import Untranslatable
from exchange import Answer, with_headers
from ports import AttemptFailed, UpstreamAnswer

Course = Generator[Attempt | Skipped, Outcome | None, None]


class Trip:
    """One call on its way to whoever serves it."""

    def __init__(self, asked: Asked, room: BodyRoom) -> None:
        self._asked = asked
        self._room = room
        self._standing = Standing()
        self._course: Course | None = None
        """Who comes next; None where nobody does."""
        self._outcome: Outcome | None = None
        self._attempt = AS_ASKED
        self._decision: Decision | None = None
        """On the attempt whose call is open and not sent yet."""
        self._is_hurried = False
        self._trail = Trail()
        self._call: OpenCall | None = None
        self._failed: Failed | None = None

    def __enter__(self) -> "Trip":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._call is not None and kind is not None:
            self._call.is_streaming = False  # nobody will ever hear the stream
        if self._call is not None and self._failed is not None:
            self._call.end(self._failed.end)
        elif self._call is not None:
            self._call.give_up()

    async def next_call(self) -> OpenCall | None:
        """The call with its money, open for whom it is to ask next; None where nobody is left. Raises the refusal of a
        call that may not be made."""
        attempt = self._next_attempt() if self._failed is not None else AS_ASKED
        while attempt is not None:
            try:
                return await self._opened(attempt)
            except TargetCooling as cooling:
                self._leave_out(attempt, CoolingDown(cooling.until_ms), "cooling_down")
            except Untranslatable as why:
                self._leave_out(attempt, LeftOut(why.feature), why.feature)
            except Refusal as refusal:
                if self._failed is None and (attempt.place == 0 or isinstance(refusal, OF_THE_CALLER)):
                    raise
                self._leave_out(attempt, LeftOut(refusal.code), refusal.code)
            attempt = self._next_attempt()
        return None

    async def send(self, call: OpenCall) -> tuple[UpstreamAnswer | AttemptFailed, int]:
        """Ask the provider. Its answer, and how long a stream may still take to begin."""
        decision, clock = self._decision, call.exchange.ports.clock
        assert decision is not None, "a call is opened by a decision"
        patience_ms = self._attempt.patience_ms(
            decision.question.first_byte_timeout_ms, is_streaming=call.plan.parsed.is_streaming
        )
        self._is_hurried = self._attempt.is_hurried(patience_ms)
        body = decision.body.to_send(call.output_ceiling_tokens)
        question = replace(
            decision.question,
            body=body,
            first_byte_timeout_ms=patience_ms,
            is_read_whole=not call.plan.parsed.is_streaming,
        )
        self._decision = None
        is_alone = self._course is None
        if is_alone:
            self._asked.received = b""
        del decision, body  # an answer may begin minutes later, and until then one copy is enough
        call.sent_at_ms = clock.now_ms()
        answer = await call.exchange.ports.upstream.send(question)
        if is_alone:
            self._room.give_back()
        return answer, max(0, patience_ms - (clock.now_ms() - call.sent_at_ms))

    def failed(self, failed: Failed) -> None:
        """The attempt was in vain. Its call is closed once another one is open, or none will be."""
        call = self._call
        assert call is not None, "who was asked has a call"
        if not (self._is_hurried and failed.failure.kind == "timeout"):
            call.failed(failed.failure)
        audit.note_failure(
            call.exchange,
            call.caller,
            call.plan.provider,
            failed.failure,
            is_translated=call.translation is not None,
        )
        now_ms, window = call.exchange.ports.clock.now_ms(), call.plan.price.input_tokens_max
        self._failed = failed
        self._outcome = Fell(failed.failure, failed.end.cost_nanousd, now_ms, window)
        status = "" if failed.end.status is None else f" ({failed.end.status})"
        self._trail = replace(
            self._trail,
            attempt=self._trail.attempt + 1,
            failed=(*self._trail.failed, f"{_who(call.plan)}: {failed.failure.kind}{status}"),
            cost_nanousd=self._trail.cost_nanousd + failed.end.cost_nanousd,
            waited_ms=self._trail.waited_ms + max(0, now_ms - (call.sent_at_ms or now_ms)),
        )

    def served(self, answer: Answer) -> Answer:
        """Somebody has served the call."""
        if self._course is not None:
            self._asked.received = b""
            self._room.give_back()
        return answer

    def in_vain(self) -> Answer:
        """Nobody has: what the last one said, and who was asked. Whoever asks again asks all of them again."""
        assert self._failed is not None and self._call is not None, "a call that nobody was asked for is refused"
        self._call.is_replaced = False
        self._call.trail = replace(self._call.trail, skipped=self._trail.skipped)
        answer = self.served(self._failed.answer)
        if self._course is None:
            return answer
        is_exhausted = len(self._trail.failed) > 1 or self._trail.skipped
        final = {"x-should-retry": "false"} if is_exhausted else {}
        return with_headers(answer, {**failover_headers(self._trail), **final})

    async def _opened(self, attempt: Attempt) -> OpenCall:
        """The call with its money. That of the attempt before goes into it, in one breath."""
        asked, before, failed = self._asked, self._call, self._failed
        self._standing.replaces = None if before is None or failed is None else before.replaced_at(failed.end)
        trail = self._trail
        self._standing.has_row = before is not None
        self._standing.spent_nanousd = trail.cost_nanousd
        if attempt.place and asked.first is not None:
            trail = replace(trail, asked_model=_who(asked.first.plan))
        decision, receipt = await held(asked, attempt, self._standing)
        call = self._open_call(decision, receipt, trail)
        self._call, self._failed = call, None  # from here on it is closed, whatever is raised
        self._decision, self._trail = decision, trail
        if before is not None and failed is not None:
            before.end(failed.end)
        if receipt.cooling is not None:
            asked.exchange.isolate.cooling.learn(decision.caller.tenant, receipt.cooling)
        self._attempt = attempt = self._set_out() or attempt
        if decision.chain is not None and not attempt.is_last:
            call.moves_on_for = decision.chain.on
        if receipt.is_fail_open:
            audit.note_let_through(asked.exchange, decision.caller)
        call.fit_to_grant()
        return call

    def _open_call(self, decision: Decision, receipt: Receipt, trail: Trail) -> OpenCall:
        """Nothing in here may raise: the money is held, and nobody else would let it go."""
        asked = self._asked
        return OpenCall(
            asked.exchange,
            decision.caller,
            asked.context,
            decision.plan,
            receipt,
            decision.rules,
            DIALECTS[asked.route.upstream.dialect],
            translation=decision.translation,
            target=decision.target,
            trail=trail,
            is_own_key=decision.is_own_key,
        )

    def _set_out(self) -> Attempt | None:
        """The first attempt of the call's chain; None where it has none, or is under way."""
        first = self._asked.first
        if self._course is not None or first is None or first.chain is None:
            return None
        started_at_ms = self._asked.exchange.started_at_ms
        self._course = attempts(first.chain, asked_provider=first.plan.provider, started_at_ms=started_at_ms)
        return self._step(next(self._course))

    def _next_attempt(self) -> Attempt | None:
        """Whom to ask after what became of the last one."""
        self._set_out()
        if self._course is None:
            return None
        outcome, self._outcome = self._outcome, None
        try:
            return self._step(self._course.send(outcome))
        except StopIteration:
            return None

    def _step(self, step: Attempt | Skipped) -> Attempt | None:
        """The next of its attempts, after all that it skips."""
        assert self._course is not None
        while isinstance(step, Skipped):
            self._note_skipped(step.place, step.reason)
            step = self._course.send(None)
        return step

    def _leave_out(self, attempt: Attempt, outcome: Outcome, reason: str) -> None:
        self._outcome = outcome
        self._note_skipped(attempt.place, reason)

    def _note_skipped(self, place: int, reason: str) -> None:
        first = self._asked.first
        assert first is not None and first.chain is not None, "hops are of a chain"
        hop = None if place == 0 else first.chain.hops[place - 1]
        who = _who(first.plan) if hop is None else f"{hop.provider}/{hop.model}"
        self._trail = replace(self._trail, skipped=(*self._trail.skipped, f"{who}: {reason}"))


def _who(plan: CallPlan) -> str:
    return f"{plan.provider}/{plan.parsed.model}"
