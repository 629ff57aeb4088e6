"""What stands between a watched client and its provider: may this call go on, and how did it end.

Theory of operation. Before a call one question is made (a budget check, or a hold), asked by whoever drives it, in this
thread or beside an event loop, and the answer judged: what is asked and what an answer means is the same for both. The
call then belongs to an `OpenCall` that ends once, from wherever its end is noticed.

Rules easy to break. Only what `begin` promises to raise reaches the user; a mistake of ours is AgentWatch being
unavailable. And a hold that may have been granted ends, whatever is raised: by the call's report, or by one of nothing.
"""

from __future__ import annotations

import itertools
import os
import time
import uuid

from .calls import CallEnd, CallFacts
from .edge.http import Asking
from .edge.registry import Connection, Exceeded, connection_for, flush_at_exit, is_exiting, prepare
from .errors import AgentBudgetCheckUnavailable, AgentBudgetExceeded, AgentWatchError
from .protocol.checks import budget_state_of, check_question
from .protocol.holds import HoldAsked, hold_granted_of, hold_question
from .protocol.question import Answer, Heard, Question, Unheard, encoded
from .protocol.refusals import budget_error_of, decision_of
from .protocol.reports import CallOwner, report_of
from .protocol.verdicts import Standing, reason_of, retry_after_seconds, standing_by
from .session import Session, current_session
from .settings import Settings

REMEMBERED_SECONDS = 3.0
"""A session that was found exhausted is so for a moment: what repeats a refused call is refused without asking."""
FLUSH_SECONDS = 5.0

_NOT_MADE = CallEnd(outcome="failed", usage=None, error_code="not_sent")


class Guard:
    """One for a watched client and its copies."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.session = Session(
            session_id=settings.session_id,
            budget_usd=settings.session_budget_usd,
            project=settings.project,
            team=settings.team,
            agent=settings.agent,
        )
        self.unmetered_paths: dict[str, int] = {}
        self.connection: Connection = connection_for(settings, self)

    def __copy__(self) -> Guard:
        return self

    def __deepcopy__(self, memo: object) -> Guard:
        return self

    # Before a call.

    def begin(self, facts: CallFacts) -> OpenCall:
        """Raises `AgentBudgetExceeded` or `AgentBudgetCheckUnavailable`, and nothing else of ours."""
        call = OpenCall(self, facts, is_async=False)
        asking: Asking | None = None
        try:
            asking = self._asked(call)
            if asking is not None:
                self._judge(call, asking.wait())
        except BaseException as error:
            self._not_begun(call, asking, error)
        return call

    async def begin_async(self, facts: CallFacts) -> OpenCall:
        """The same without keeping the event loop."""
        call = OpenCall(self, facts, is_async=True)
        asking: Asking | None = None
        try:
            asking = self._asked(call)
            if asking is not None:
                self._judge(call, await asking.wait_async())
        except BaseException as error:
            self._not_begun(call, asking, error)
        return call

    def _asked(self, call: OpenCall) -> Asking | None:
        if not self.settings.is_proxied or self.settings.fallback_provider is not None:
            prepare(self.connection)
        question = self._question(call)
        return None if question is None else self._start(question)

    def _start(self, question: Question) -> Asking:
        return self.connection.edge.start(question, timeout_seconds=self.settings.timeout_seconds)

    def _question(self, call: OpenCall) -> Question | None:
        if self.settings.is_proxied or not self.settings.enforcement_mode:
            return None
        known = self.connection.exceeded(self._key(call))
        if known is not None:
            raise AgentBudgetExceeded(call.session.id, known.spent_usd, known.limit_usd)
        if not self.connection.breaker.may_ask(time.monotonic()):
            self._go_unasked(call, "AgentWatch did not answer a moment ago")
            return None
        if not self.settings.holds:
            return check_question(call.session.id, call.budget_usd)
        return hold_question(call.facts, self._hold_asked(call))

    def _hold_asked(self, call: OpenCall) -> HoldAsked:
        return HoldAsked(
            hold_id=call.event_id,
            session_id=call.session.id,
            session_budget_usd=call.budget_usd,
            project=call.session.project or self.settings.project,
            agent=call.session.agent or self.settings.agent,
            iteration=call.iteration,
        )

    def _key(self, call: OpenCall) -> object:
        """Of a question that has the same answer. A hold's depends on how much the call may cost."""
        key = (call.session.id, call.budget_usd)
        facts = call.facts
        if not self.settings.holds:
            return key
        return (*key, facts.model, facts.input_bytes, facts.images, facts.output_tokens_max, facts.choices)

    def _judge(self, call: OpenCall, heard: Heard) -> None:
        standing = standing_by(heard)
        self._note(standing, heard)
        if isinstance(heard, Unheard):
            call.may_be_held = heard.is_sent
            return self._go_unasked(call, reason_of(heard))
        call.may_be_held = heard.status < 400 or heard.status >= 500
        refused = budget_error_of(heard.document(), call.session.id) if heard.status == 402 else None
        if refused is not None:
            self._refuse(call, refused.spent, refused.limit)
        elif heard.status != 200:
            decision = decision_of(heard.document())
            if decision is not None:
                raise AgentBudgetCheckUnavailable(call.session.id, decision)
            self._go_unasked(call, reason_of(heard), is_misused=standing in (Standing.MISUSED, Standing.SOUND))
        elif self.settings.holds:
            granted = hold_granted_of(heard.document(), call.event_id)
            if granted is None:
                return self._go_unasked(call, "the answer to a hold is none", is_misused=True)
            call.output_tokens_max = granted.output_tokens_max
        else:
            state = budget_state_of(heard.document())
            if state is None:
                return self._go_unasked(call, "the answer to a budget check is none", is_misused=True)
            if state.exceeded:
                self._refuse(call, state.spent_usd, state.limit_usd)

    def _note(self, standing: Standing, heard: Heard) -> None:
        breaker = self.connection.breaker
        if standing is Standing.AWAY:
            least = retry_after_seconds(heard.headers) if isinstance(heard, Answer) else None
            breaker.failed(time.monotonic(), least_seconds=least)
            self.connection.warn_once("away", "AgentWatch does not answer: %s", reason_of(heard))
        else:
            breaker.succeeded()
            self.connection.warn_again("away")

    def _refuse(self, call: OpenCall, spent_usd: float, limit_usd: float) -> None:
        until = time.monotonic() + REMEMBERED_SECONDS
        self.connection.remember(self._key(call), Exceeded(until, spent_usd, limit_usd))
        raise AgentBudgetExceeded(call.session.id, spent_usd, limit_usd)

    def _go_unasked(self, call: OpenCall, reason: str, *, is_misused: bool = False) -> None:
        """Raises where nothing goes on unasked."""
        if is_misused:
            self.connection.warn_once(reason, "budgets are not checked: %s", reason)
        if not self.settings.enforcement_fail_open:
            raise AgentBudgetCheckUnavailable(call.session.id, reason)

    def _not_begun(self, call: OpenCall, asking: Asking | None, error: BaseException) -> None:
        """Raises what the user is to see; returns where a mistake of ours is none of the user's business."""
        failure: BaseException = error
        if isinstance(error, Exception) and not isinstance(error, AgentWatchError):
            try:
                return self._go_unasked(call, f"mistake in AgentWatch ({type(error).__name__})", is_misused=True)
            except AgentWatchError as unavailable:
                failure = unavailable
        if asking is not None and self.settings.holds and call.may_be_held:
            # Not before the question is over: the release of a hold that comes before it releases nothing.
            asking.when_over(lambda: call.end(_NOT_MADE))
        raise failure

    # Beside calls.

    def unmetered(self, path: str, *, is_direct: bool = False) -> None:
        """A path that costs money and is not metered is about to be called. Through AgentWatch, that one decides, but
        for what does not go through it (`is_direct`)."""
        if self.settings.is_proxied and not is_direct:
            return
        asks = self.settings.enforcement_mode or self.settings.is_proxied
        if asks and not self.settings.enforcement_fail_open:
            session = current_session() or self.session
            raise AgentBudgetCheckUnavailable(session.id, f"{path} is not metered")
        self.unmetered_paths[path] = self.unmetered_paths.get(path, 0) + 1
        self.connection.warn_once(f"unmetered {path}", "calls of %s are not metered: no budget sees them", path)

    def proxy_headers(self, call: OpenCall) -> dict[str, str]:
        """What a call through AgentWatch says of itself, beside the token."""
        session = call.session
        headers = {
            "x-agentwatch-session-id": session.id,
            "x-agentwatch-budget-usd": call.budget_usd,
            "x-agentwatch-project": session.project or self.settings.project,
            "x-agentwatch-agent": session.agent or self.settings.agent,
            "x-agentwatch-iteration": str(call.iteration),
        }
        return {name: value for name, value in headers.items() if value is not None and value.isascii()}

    def flush(self, timeout_seconds: float | None = None) -> bool:
        """Send the reports of calls that have ended. True once AgentWatch has them."""
        return self.connection.sender.flush(FLUSH_SECONDS if timeout_seconds is None else timeout_seconds)

    def close(self) -> None:
        """The last reports are sent; the connection stays for other clients, and for this one's open streams."""
        self.connection.sender.flush(self.settings.timeout_seconds, is_patient=False)


class OpenCall:
    """One call between its beginning and its end. `started_at` is seconds since 1970."""

    def __init__(self, guard: Guard, facts: CallFacts, *, is_async: bool) -> None:
        self.facts = facts
        self.event_id = f"evt_{uuid.uuid4().hex}"
        self.session = current_session() or guard.session
        self.budget_usd = self.session.budget_usd or guard.settings.session_budget_usd
        self.iteration = self.session.next_iteration()
        self.started_at = time.time()
        self.output_tokens_max: int | None = None
        self.may_be_held = True
        self.reports = not guard.settings.is_proxied
        self._guard = guard
        self._is_async = is_async
        self._began = time.monotonic()
        self._process_id = os.getpid()
        self._ends = itertools.count()

    def end(self, end: CallEnd) -> None:
        """The first end counts. Never raises, and waits for nobody, but in a function that is frozen when it returns
        and in a process that ends: there it waits, briefly, until the report is sent."""
        # A copy of an open stream in a forked child is not that call.
        if next(self._ends) or not self.reports or os.getpid() != self._process_id:
            return
        try:
            connection = self._guard.connection
            connection.sender.add(encoded(self._report(end)))
            if is_exiting():
                flush_at_exit()
            elif connection.is_in_lambda and not self._is_async:
                connection.sender.flush(connection.timeout_seconds, is_patient=False)
        except Exception as error:  # the call was made and paid for: its user gets its answer
            self._guard.connection.warn_once("report", "a call is not reported: %s", type(error).__name__)

    def _report(self, end: CallEnd) -> dict[str, object]:
        settings, session = self._guard.settings, self.session
        owner = CallOwner(
            event_id=self.event_id,
            session_id=session.id,
            project=session.project or settings.project,
            team=session.team or settings.team,
            agent=session.agent or settings.agent,
            iteration=self.iteration,
            started_at_ms=int(self.started_at * 1000),
            latency_ms=(time.monotonic() - self._began) * 1000,
        )
        return report_of(self.facts, end, owner)
