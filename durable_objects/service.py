"""One tenant's ledger as transaction scripts: look at the accounts, let the core decide, write, answer.

Nothing here awaits, so in a Durable Object each method is atomic. The common path is one statement that writes one
row, to admit and again to settle; whether an id was used before is told by that statement itself.
"""

from collections.abc import Sequence

import msgspec

from core.ledger.account import Account, configured, refused_by_ceiling, session_view, with_terms
from core.ledger.admission import (
    Admitted,
    Refused,
    decide_admission,
    decide_extension,
    digest,
    first_paused,
    granted,
    knowing,
    may_continue,
    unheld,
    unless_crowded,
)
from core.ledger.document_messages import (
    CopyRequest,
    DocumentRequest,
    DocumentWritten,
    VersionConflict,
    VersionsRequest,
    WriteRequest,
)
from core.ledger.health.messages import HealthRequest, TargetsHealth
from core.ledger.hold import Ending, Hold, ScopeKey, Terms, is_settled_so, record_of, settled, settlement_of
from core.ledger.keeping.outbox import KeepRequest, Kept, NotKept
from core.ledger.keys.messages import KeyQuestion
from core.ledger.lists.accounts import ListSessionsRequest, ListTeamsRequest, SessionPage
from core.ledger.lists.tenants import TenantQuestion
from core.ledger.loops.history import EMPTY
from core.ledger.loops.messages import SessionFactsRequest, SessionStanding
from core.ledger.loops.ruling import NO_RULES, Ruling, rule_on
from core.ledger.messages import (
    AccountView,
    AdmitAnswer,
    AdmitRequest,
    AnswersUnknown,
    BudgetDenied,
    CeilingDenied,
    Configured,
    ConfigureRequest,
    Conflict,
    CountAnswer,
    Counted,
    CountRequest,
    ExtendAnswer,
    ExtendDenied,
    ExtendRequest,
    Granted,
    KeyDisabled,
    Message,
    Outdated,
    RateDenied,
    RecordAllRequest,
    RecordAnswer,
    Recorded,
    RecordedAll,
    RecordRequest,
    SettleAnswer,
    SettleRequest,
    Status,
    StatusRequest,
)
from core.ledger.patience import is_short_for_good
from core.ledger.people.messages import PeopleQuestion
from core.ledger.questions import AnyQuestion
from core.ledger.rate_limit import Passed, Throttles, requests_among
from core.ledger.trials.messages import TrialRequest
from core.ledger.windows import BUDGET_WINDOWS
from core.roles import PLATFORM
from durable_objects import alarm
from durable_objects.documents import Documents
from durable_objects.key_desk import KeyDesk
from durable_objects.keys import Keys
from durable_objects.lists.accounts import page_of_sessions, page_of_teams
from durable_objects.lists.tenants import answer_of_list
from durable_objects.outgoing.copies import Mirrors
from durable_objects.outgoing.journal import CallJournal
from durable_objects.outgoing.outbox import Outbox
from durable_objects.outgoing.trials import Trials
from durable_objects.sign_on.people import People
from durable_objects.state import LedgerState
from durable_objects.storage.rows import LedgerStore


class LedgerService:
    """Holds, charges and limits of one tenant. `now_ms` never comes from here."""

    def __init__(self, store: LedgerStore, tenant: str) -> None:
        self._state = LedgerState(store, tenant)
        self._key_desk = KeyDesk(self._state)
        self._people = People(self._state)
        self._trials = Trials()

    def answer(self, question: AnyQuestion, now_ms: int) -> Message:
        """Whatever is asked, answered by the type that the question names."""
        if isinstance(question, KeyQuestion):
            return self._key_desk.answer(question, now_ms)
        if isinstance(question, TenantQuestion):
            assert self._state.tenant == PLATFORM, "one ledger keeps the list of tenants"
            return answer_of_list(self._state.store.tenants(), question, now_ms)
        if isinstance(question, PeopleQuestion):
            return self._people.answer(question, now_ms)
        match question:
            case WriteRequest() | ConfigureRequest() if self._state.refuses_writer(
                question.key_id, question.token_number, now_ms
            ):
                return KeyDisabled()
            case AdmitRequest():
                return self.admit(question, now_ms)
            case CountRequest():
                return self.count(question, now_ms)
            case ExtendRequest():
                return self.extend(question, now_ms)
            case SettleRequest():
                return self.settle(question, now_ms)
            case RecordRequest():
                return self.record(question, now_ms)
            case RecordAllRequest(records=records):
                return RecordedAll(answers=tuple(self.record(each, now_ms) for each in records))
            case SessionFactsRequest():
                return self.session_facts(question, now_ms)
            case StatusRequest():
                return self.status(question, now_ms)
            case ConfigureRequest():
                return self.configure(question, now_ms)
            case ListSessionsRequest():
                return self.list_sessions(question, now_ms)
            case ListTeamsRequest():
                return page_of_teams(self._state, question, now_ms)
            case DocumentRequest(kind=kind, version=version):
                return self.documents.find(kind, version)
            case WriteRequest():
                return self.write(question, now_ms)
            case VersionsRequest():
                return self.documents.history(question)
            case CopyRequest(found=found):
                return self.documents.take_in(found, now_ms)
            case KeepRequest(text=text):
                return Kept() if self.outbox.put(text) else NotKept()
            case HealthRequest():
                return self.health(question, now_ms)
            case TrialRequest(trial_id=trial_id, outcome=outcome):
                return self._trials.told(trial_id, outcome)

    # Calls --------------------------------------------------------------------------------------------

    def admit(self, request: AdmitRequest, now_ms: int) -> AdmitAnswer:
        """Hold on every scope or on none; the same request again gets the same hold."""
        state = self._state
        if request.replaces is not None:
            self.settle(request.replaces, now_ms)
        known = state.holds.find(request.hold_id)
        if known is not None:
            return self._granted_before(known, request, now_ms)
        decision = self._decide(request, now_ms)
        if isinstance(decision, Admitted) and state.opened(decision.hold, decision.accounts, now_ms):
            state.health.began(request, now_ms)
            state.watch.came(request, decision.accounts, decision.hold.ruling, decision.hold.earlier_tokens, now_ms)
            return self._with_health(granted(decision.hold, decision.accounts, decision.rate), request, now_ms)
        first = state.store.find_hold(request.hold_id)
        if first is not None:
            return self._granted_before(first, request, now_ms)
        return _other_contents() if isinstance(decision, Admitted) else self._refused(request, decision, now_ms)

    def extend(self, request: ExtendRequest, now_ms: int) -> ExtendAnswer:
        """Raise an open hold's total. Stating totals makes a repeat harmless. A hold that is overdue but that no
        alarm has ended stands as it did: its money is there."""
        state = self._state
        hold = state.holds.find(request.hold_id)
        if hold is None:
            return Conflict(reason="there is no such open hold")
        extension = decide_extension(request, hold, state.standing(hold, now_ms), now_ms)
        state.changed(extension.accounts, now_ms, hold=extension.hold)
        answer = extension.answer
        if isinstance(answer, ExtendDenied):
            self._tell_refusal(answer.account, max(request.least_nanousd, answer.granted_nanousd + 1), now_ms)
        return answer

    def settle(self, request: SettleRequest, now_ms: int) -> SettleAnswer:
        """End a hold at its real cost. A repeat answers as before; an expired hold's charge is corrected."""
        hold = self._state.find_hold(request.hold_id)
        if hold is None:
            return Conflict(reason="there is no such hold")
        return self._settled(hold, settlement_of(request), now_ms)

    def record(self, request: RecordRequest, now_ms: int) -> RecordAnswer:
        """Charge what was never held, once per event id; settle the hold where there is one under that id."""
        state = self._state
        known = state.holds.find(request.event_id)
        if known is not None:
            return self._recorded_on(known, request, now_ms)
        if state.refuses_key(request.key_id, request.token_number, now_ms):
            return KeyDisabled()
        state.key_used(request.key_id, now_ms)
        passed = state.arrivals.judge(state.keys.rates(request.rate_limits), now_ms)
        if isinstance(passed, Passed):
            report, accounts = unheld(request, self._accounts_of(request, now_ms), passed, now_ms)
            recorded = state.ended(report, record_of(request), now_ms, accounts=accounts)
            if recorded is not None:
                return Recorded(session=self._session_view(recorded, now_ms))
        first = state.store.find_hold(request.event_id)
        if first is not None:
            return self._recorded_on(first, request, now_ms)
        return _other_contents() if isinstance(passed, Passed) else passed

    def count(self, request: CountRequest, now_ms: int) -> CountAnswer:
        """Count a call that costs nothing, in memory alone: what is forgotten by a sleep has grown old in it."""
        state = self._state
        if state.refuses_key(request.key_id, request.token_number, now_ms):
            return KeyDisabled()
        outdated = self._outdated(request, now_ms)
        if outdated is not None:
            return outdated
        state.key_used(request.key_id, now_ms)
        passed = state.arrivals.judge(state.keys.rates(request.rate_limits), now_ms)
        if isinstance(passed, RateDenied):
            return passed
        self._state.arrivals.note(passed.arrivals_us)
        return Counted(rate=passed.state)

    # Reading and steering -----------------------------------------------------------------------------

    def status(self, request: StatusRequest, now_ms: int) -> Status:
        """The accounts asked for; reading them changes nothing and writes nothing."""
        accounts = self._state.accounts_of(
            request.session_id, request.team, now_ms, include_tenant=request.include_tenant
        )
        terms = Terms(default_limit_nanousd=request.session_default_limit_nanousd)
        return Status(accounts=[with_terms(account, terms).view() for account in accounts])

    def session_facts(self, request: SessionFactsRequest, now_ms: int) -> SessionStanding:
        """What rules would find of a session."""
        (session,) = self._state.accounts_of(request.session_id, None, now_ms, include_tenant=False)
        return self._state.watch.standing(session, request.turn, now_ms)

    def health(self, request: HealthRequest, now_ms: int) -> TargetsHealth:
        """What is left alone, after all of it or a part was cleared."""
        if request.clears:
            self._state.health.clear(request.provider, request.model)
        return TargetsHealth(cooling=self._state.health.standing(now_ms))

    def configure(self, request: ConfigureRequest, now_ms: int) -> Configured | CeilingDenied:
        """An administrator's change takes effect at once and is written at once. A repeat of it changes nothing."""
        state = self._state
        assert request.window in BUDGET_WINDOWS[request.kind], "a budget that no call asks would never be enforced"
        assert request.kind != "tenant" or request.id == state.tenant, "a tenant steers its own budget"
        before = state.account(ScopeKey(request.kind, request.id, request.window), now_ms)
        member = refused_by_ceiling(before, request)
        if member is not None:
            return CeilingDenied(member=member, ceiling_nanousd=before.ceiling_nanousd or 0)
        after = configured(before, request, state.number)
        is_let_go = request.reset_spent or request.is_paused is False
        is_let_go = is_let_go and state.book.history(after) != EMPTY
        if after != before or request.reset_spent or is_let_go:
            state.changed([after], now_ms, lets_go=is_let_go)
            state.tell([after], now_ms)
            if after.kind == "session":
                state.mirrors.want(after.id, now_ms)
        return Configured(account=after.view())

    def write(self, request: WriteRequest, now_ms: int) -> DocumentWritten | VersionConflict:
        """A document. What it does to the tenant's own budget is written at once, and told."""
        state = self._state
        key = ScopeKey("tenant", state.tenant, "month")
        before = state.account(key, now_ms)
        written = state.documents.write(request, now_ms)
        after = state.account(key, now_ms)
        if after != before:
            state.changed([after], now_ms)
            state.tell([after], now_ms)
        return written

    def list_sessions(self, request: ListSessionsRequest, now_ms: int) -> SessionPage:
        return page_of_sessions(self._state, request, now_ms)

    # The alarm's work ---------------------------------------------------------------------------------

    def sweep(self, now_ms: int) -> None:
        """Do what is due: end overdue holds, checkpoint, forget."""
        alarm.sweep(self._state, now_ms)

    def next_work_at_ms(self) -> int | None:
        """When the next sweep, mirror or delivery is due (perhaps long past), or None."""
        return alarm.next_work_at_ms(self._state)

    @property
    def documents(self) -> Documents:
        return self._state.documents

    @property
    def keys(self) -> Keys:
        return self._state.keys

    @property
    def journal(self) -> CallJournal:
        return self._state.journal

    @property
    def outbox(self) -> Outbox:
        return self._state.outbox

    @property
    def mirrors(self) -> Mirrors:
        return self._state.mirrors

    def session_views(self, session_ids: Sequence[str]) -> list[AccountView]:
        """Sessions as they stand, for their mirrors."""
        found = [self._state.book.find(ScopeKey("session", each, "session")) for each in session_ids]
        return [self._state.under_ceiling(account).view() for account in found if account is not None]

    def take_notices(self) -> list[str]:
        """What has to be said in the log."""
        return self._state.store.take_notices()

    # Inside -------------------------------------------------------------------------------------------

    def _decide(self, request: AdmitRequest, now_ms: int) -> Admitted | Refused:
        """What the admission gets if its id is new, reading no more than that takes."""
        state = self._state
        if state.refuses_key(request.key_id, request.token_number, now_ms):
            return Refused(KeyDisabled())
        outdated = self._outdated(request, now_ms)
        if outdated is not None:
            return Refused(outdated)
        state.key_used(request.key_id, now_ms)
        cooling = state.health.refusal(request, now_ms)
        if cooling is not None:
            return Refused(cooling)
        rates = state.keys.rates(request.rate_limits)
        tokens = request.turn.prompt_tokens or 0
        passed = unless_crowded(state.arrivals.judge(rates, now_ms, tokens=tokens), len(state.holds))
        if isinstance(passed, RateDenied):
            return Refused(passed)
        earlier_tokens = None if request.earlier is None else state.answers.tokens_of(request.earlier.ids)
        if not may_continue(request, earlier_tokens):
            return Refused(AnswersUnknown(), passed.arrivals_us)
        accounts = self._accounts_of(request, now_ms)
        ruling, passed = self._ruled(request, accounts, passed, earlier_tokens, now_ms)
        return decide_admission(request, accounts, passed, earlier_tokens, now_ms, ruling=ruling)

    def _outdated(self, request: AdmitRequest | CountRequest, now_ms: int) -> Outdated | None:
        """What the caller does not know yet of its tenant's documents and its key."""
        documents = self._state.documents
        record = self._state.keys.newer_record(request.key_id, request.token_number, request.key_version)
        if record is None and not documents.is_other(request.documents_number, now_ms):
            return None
        return Outdated(present=documents.present(), key_record=record)

    def _ruled(
        self, request: AdmitRequest, accounts: list[Account], passed: Passed, earlier_tokens: int | None, now_ms: int
    ) -> tuple[Ruling, Passed]:
        """What the tenant's rules make of the call, and its arrivals with those that they count. Where a pause
        stops the call nothing is asked; what costs nothing passes a pause, and no rule."""
        is_stopped = first_paused(accounts) is not None and knowing(request, earlier_tokens).want_nanousd > 0
        if not request.candidates or is_stopped:
            return NO_RULES, passed
        throttles = Throttles(self._state.arrivals, now_ms)
        facts = self._state.watch.facts(request, accounts, earlier_tokens, now_ms)
        ruling = rule_on(request.candidates, facts, throttles.wait_ms)
        return ruling, Passed(passed.state, passed.arrivals_us | throttles.arrivals_us)

    def _refused(self, request: AdmitRequest, refused: Refused, now_ms: int) -> AdmitAnswer:
        """Nothing is held; what the refused call leaves behind is written, and told."""
        answer = refused.answer
        self._state.changed(refused.left, now_ms)
        self._state.arrivals.note(requests_among(refused.arrivals_us))
        if isinstance(answer, BudgetDenied):
            self._tell_refusal(answer.account, answer.needed_nanousd, now_ms)
        if refused.judged:
            self._state.watch.came(request, refused.judged, refused.ruling, None, now_ms)
        return answer

    def _tell_refusal(self, account: AccountView, least_nanousd: int, now_ms: int) -> None:
        """Tell of an account that has refused so much. A call's own limit is told to the caller alone."""
        if account.kind != "call":
            is_refusing = not account.is_paused and is_short_for_good(account, least_nanousd)
            present = self._state.account(ScopeKey(account.kind, account.id, account.window), now_ms)
            self._state.tell([present], now_ms, is_refusing=is_refusing)

    def _granted_before(self, hold: Hold, request: AdmitRequest, now_ms: int) -> AdmitAnswer:
        """The first answer, where the admission is the replay of the one that was granted the hold."""
        if hold.request != digest(request):
            return _other_contents()
        return self._with_health(granted(hold, self._state.standing(hold, now_ms), None), request, now_ms)

    def _with_health(self, grant: Granted, request: AdmitRequest, now_ms: int) -> Granted:
        """The grant with what this tenant's calls leave alone, for a call that could ask somebody else."""
        if request.target is None:
            return grant
        return msgspec.structs.replace(grant, cooling=self._state.health.standing(now_ms))

    def _recorded_on(self, hold: Hold, request: RecordRequest, now_ms: int) -> RecordAnswer:
        """A record whose id is known: its repeat, or the late word on a hold whose admission went unheard."""
        if hold.state == "recorded":
            if hold.request != digest(request):
                return _other_contents()
            return Recorded(is_replay=True, session=self._session_view(hold, now_ms))
        if hold.caller not in (None, request.caller):
            return _other_contents()
        answer = self._settled(hold, record_of(request, "settled"), now_ms)
        if isinstance(answer, Conflict):
            return answer
        return Recorded(is_replay=answer.is_replay, session=answer.session)

    def _settled(self, hold: Hold, settlement: Ending, now_ms: int) -> SettleAnswer:
        if hold.state == "recorded":
            return _other_contents()
        if hold.state == "settled":
            if not is_settled_so(hold, settlement):
                return _other_contents()
            self._state.told_more(hold, settlement)
            return settled(hold, self._session_view(hold, now_ms), is_replay=True)
        after = self._state.ended(hold, settlement, now_ms)
        assert after is not None, "only a record may find its id known"
        return settled(after, self._session_view(after, now_ms), was_expired=hold.state == "expired")

    def _accounts_of(self, request: AdmitRequest | RecordRequest, now_ms: int) -> list[Account]:
        key_id = request.key_id if isinstance(request, AdmitRequest) else request.charged_key_id
        return self._state.accounts_of(request.session_id, request.team, now_ms, key_id=key_id)

    def _session_view(self, hold: Hold, now_ms: int) -> AccountView | None:
        return session_view(self._state.standing(hold, now_ms))


def _other_contents() -> Conflict:
    return Conflict(reason="this id was used before with other contents")
