"""What a ledger sees of its tenant's sessions: the facts that rules ask for, and what people are told of, once each.

The rule easy to break: nothing here changes money. What is told is told after the call was decided and written, and
an alert and the memory of having told it are rows of one turn, so a wake neither loses nor repeats it.
"""

from collections.abc import Sequence

from core import telemetry
from core.ledger.account import Account, session_of
from core.ledger.hold import Hold
from core.ledger.loops.alert_flow import AlertFlow, claimed, digest_due_at_ms, due_digest
from core.ledger.loops.alerts import Circumstances, anomaly_alert, anomaly_claim, rule_alert, rule_claim
from core.ledger.loops.history import ended_sizes_of, facts_of, sizes_of
from core.ledger.loops.messages import SessionStanding
from core.ledger.loops.ruling import Candidate, Ruling
from core.ledger.loops.sizes import is_runaway
from core.ledger.loops.turns import NOTHING_KNOWN, PLAIN_TURN, SessionFacts, Turn
from core.ledger.messages import AdmitRequest
from core.telemetry import Alert, BudgetEvent
from durable_objects.documents import Documents
from durable_objects.memory import AccountBook, OpenHolds
from durable_objects.outgoing.outbox import Outbox
from durable_objects.storage.rows import LedgerStore

TELLING = frozenset({"alert", "pause_session"})
"""Actions of which somebody is told: a session that stands still until somebody resumes it is one."""


_ROW = "alert_flow"


class Watch:
    """The sessions of one tenant, as rules and people see them."""

    def __init__(
        self,
        store: LedgerStore,
        tenant: str,
        book: AccountBook,
        holds: OpenHolds,
        outbox: Outbox,
        documents: Documents,
    ) -> None:
        self._store = store
        self._tenant = tenant
        self._book = book
        self._holds = holds
        self._outbox = outbox
        self._documents = documents
        self._flow = store.kept(_ROW, AlertFlow)

    # What there is to know ----------------------------------------------------------------------------

    def facts(
        self, request: AdmitRequest, accounts: Sequence[Account], earlier_tokens: int | None, now_ms: int
    ) -> SessionFacts:
        """What the session half of a call's rules is judged by; nothing where no rule asks for it."""
        session = session_of(accounts)
        if session is None or not any(candidate.needs for candidate in request.candidates):
            return NOTHING_KNOWN
        return self._facts_of(session, request.turn, earlier_tokens, now_ms)

    def standing(self, session: Account, turn: Turn, now_ms: int) -> SessionStanding:
        """What a session would be judged by if this call came now."""
        sizes = sizes_of(self._book.history(session), turn)
        return SessionStanding(facts=self._facts_of(session, turn, None, now_ms), prompt_sizes=sizes)

    def _facts_of(self, session: Account, turn: Turn, earlier_tokens: int | None, now_ms: int) -> SessionFacts:
        return facts_of(
            self._book.history(session),
            turn,
            open_began_at_ms=self._holds.began_in(session.id),
            earlier_tokens=earlier_tokens,
            spent_nanousd=session.spent_nanousd,
            now_ms=now_ms,
        )

    # What is told -------------------------------------------------------------------------------------

    def came(
        self,
        request: AdmitRequest,
        accounts: Sequence[Account],
        ruling: Ruling,
        earlier_tokens: int | None,
        now_ms: int,
    ) -> None:
        """Tell what there is to tell of a call that was decided, whatever became of it."""
        session, turn = session_of(accounts), request.turn
        sizes: tuple[int, ...] = ()
        if session is not None and turn is not PLAIN_TURN:
            sizes = sizes_of(self._book.history(session), turn, earlier_tokens=earlier_tokens)
            self._tell_runaway(session, turn, request.team, sizes, now_ms)
        telling = [each for each in request.candidates if each.id in ruling.done.fired and each.action in TELLING]
        for rule in telling:
            self._tell_rule(rule, session, turn, request.team, sizes, now_ms)

    def ended(self, hold: Hold, accounts: Sequence[Account], now_ms: int) -> None:
        """Tell what there is to tell of a call whose usage is known: a report, which nobody decided, or one whose
        estimate had not been comparable."""
        session = session_of(accounts)
        if session is not None and hold.charge is not None and hold.charge.prompt_tokens:
            sizes = ended_sizes_of(self._book.history(session), hold.turn.agent)
            team = next((scope.key.id for scope in hold.scopes if scope.key.kind == "team"), None)
            self._tell_runaway(session, hold.turn, team, sizes, now_ms)

    def digest_due_at_ms(self) -> int | None:
        """When what was held back is to be told, perhaps long past; None where nothing was, or nobody would take it:
        the alarm rings for the outbox until it has room."""
        return None if self._outbox.is_full else digest_due_at_ms(self._flow)

    def tell_digest(self, now_ms: int) -> None:
        """Tell together what was too much to be told one by one, if it is time."""
        flow, alert = due_digest(self._flow, self._tenant, now_ms)
        if alert is not None and self._outbox.put(telemetry.to_wire(alert)):
            self._store.keep(_ROW, flow)
            self._flow = flow

    def _tell_runaway(
        self, session: Account, turn: Turn, team: str | None, sizes: tuple[int, ...], now_ms: int
    ) -> None:
        policy = self._documents.policy
        if policy.tells_anomalies and is_runaway(sizes, floor_tokens=policy.anomaly_prompt_tokens_min):
            seen = self._circumstances(session, turn, team, sizes, now_ms)
            self._tell(anomaly_alert(self._tenant, seen, now_ms=now_ms), anomaly_claim(session.id), seen, now_ms)

    def _tell_rule(
        self,
        rule: Candidate,
        session: Account | None,
        turn: Turn,
        team: str | None,
        sizes: tuple[int, ...],
        now_ms: int,
    ) -> None:
        seen = self._circumstances(session, turn, team, sizes, now_ms)
        alert = rule_alert(
            self._tenant,
            seen,
            rule_id=rule.id,
            rule_name=rule.name,
            action=rule.action,
            severity=rule.severity,
            now_ms=now_ms,
        )
        self._tell(alert, rule_claim(rule.id, seen.session_id), seen, now_ms)
        if rule.action == "pause_session" and session is not None:
            # Whoever reads what became of a budget is told of each pause, however often somebody has resumed it.
            self._outbox.put(telemetry.to_wire(_paused(session, self._tenant, rule, now_ms)))

    def _tell(self, alert: Alert, claim: str, seen: Circumstances, now_ms: int) -> None:
        """Tell it, unless it was told within a day."""
        flow, told = claimed(
            self._flow,
            alert,
            claim=claim,
            severity=alert.severity,
            session_id=seen.session_id,
            spent_nanousd=seen.spent_nanousd,
            now_ms=now_ms,
        )
        if flow is self._flow or (told is not None and not self._outbox.put(telemetry.to_wire(told))):
            return
        self._store.keep(_ROW, flow)
        self._flow = flow

    def _circumstances(
        self, session: Account | None, turn: Turn, team: str | None, sizes: tuple[int, ...], now_ms: int
    ) -> Circumstances:
        if session is None:
            return Circumstances(team=team, agent=turn.agent, model=turn.model)
        facts = self._facts_of(session, turn, None, now_ms)
        return Circumstances(
            session_id=session.id,
            team=team,
            agent=turn.agent,
            model=turn.model,
            input_tokens=sizes,
            spent_nanousd=session.spent_nanousd,
            last_hour_nanousd=facts.spend_per_hour_nanousd,
            began_at_ms=session.starts_at_ms,
            limit_nanousd=session.limit_nanousd,
        )


def _paused(session: Account, tenant: str, rule: Candidate, now_ms: int) -> BudgetEvent:
    return BudgetEvent(
        event_id=f"evt_{rule.id}:{session.id}:{now_ms}",
        occurred_at_ms=now_ms,
        tenant=tenant,
        change="paused",
        scope_kind="session",
        scope_id=session.id,
        window=session.window,
        limit_nanousd=session.limit_nanousd,
        spent_nanousd=min(session.spent_nanousd, 2**53),
        held_nanousd=min(session.held_nanousd, 2**53),
    )
