"""One tenant's ledger as transaction scripts: look at the accounts, let the core decide, write, answer.

Nothing here awaits, so in a Durable Object each method is atomic. The common path is one statement that writes one
row, to admit and again to settle; whether an id was used before is told by that statement itself.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from core.bounds import OPEN_HOLDS_PER_TENANT_MAX
from core.ledger.account import (
    Account,
    call_accounts,
    configured,
    first_paused,
    fit,
    fit_extension,
    knowing,
    terms_of,
    tightest,
    turned,
    used,
    with_hold,
    with_terms,
)
from core.ledger.document_messages import CopyRequest, DocumentRequest, VersionsRequest, WriteRequest
from core.ledger.hold import Hold, HoldScope, ScopeKey, Terms
from core.ledger.messages import (
    AccountView,
    AdmitAnswer,
    AdmitRequest,
    AnswersUnknown,
    BudgetDenied,
    Configured,
    ConfigureRequest,
    Conflict,
    CountAnswer,
    Counted,
    CountRequest,
    ExtendAnswer,
    ExtendDenied,
    Extended,
    ExtendRequest,
    Granted,
    KeepRequest,
    Kept,
    KeyDisabled,
    ListSessionsRequest,
    Message,
    NotKept,
    Outdated,
    PausedDenied,
    RateDenied,
    RateLimitState,
    RecordAnswer,
    Recorded,
    RecordRequest,
    SessionPage,
    SettleAnswer,
    Settled,
    SettleRequest,
    Status,
    StatusRequest,
)
from core.ledger.patience import is_short_for_good
from core.ledger.questions import AnyQuestion, to_wire
from core.ledger.rate_limit import Passed
from durable_objects import alarm
from durable_objects.documents import Documents
from durable_objects.mirrors import Mirrors
from durable_objects.outbox import Outbox
from durable_objects.rows import LedgerStore
from durable_objects.state import TENANT_WINDOWS, LedgerState, used_at_ms

CROWDED_RETRY_AFTER_MS = 1_000
REFUSED_USE_STEP_MS = 3_600_000
"""A refused call writes no hold, so its use of the session costs a row of its own: one an hour will do."""


class LedgerService:
    """Holds, charges and limits of one tenant. `now_ms` never comes from here."""

    def __init__(self, store: LedgerStore, tenant: str) -> None:
        self._state = LedgerState(store, tenant)

    def answer(self, question: AnyQuestion, now_ms: int) -> Message:
        """Whatever is asked, answered by the type that the question names."""
        match question:
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
            case StatusRequest():
                return self.status(question, now_ms)
            case ConfigureRequest():
                return self.configure(question, now_ms)
            case ListSessionsRequest():
                return self.list_sessions(question, now_ms)
            case DocumentRequest(kind=kind, version=version):
                return self.documents.find(kind, version)
            case WriteRequest():
                return self.documents.write(question, now_ms)
            case VersionsRequest():
                return self.documents.history(question)
            case CopyRequest(found=found):
                return self.documents.take_in(found, now_ms)
            case KeepRequest(text=text):
                return Kept() if self.outbox.put(text) else NotKept()

    # Calls --------------------------------------------------------------------------------------------

    def admit(self, request: AdmitRequest, now_ms: int) -> AdmitAnswer:
        """Hold on every scope or on none; the same request again gets the same hold."""
        state = self._state
        known = state.holds.find(request.hold_id)
        if known is not None:
            return self._granted_before(known, request, now_ms)
        turned_away = self._turned_away(request, now_ms)
        if turned_away is not None:
            return turned_away
        passed = self._rate(request, now_ms)
        if isinstance(passed, RateDenied):
            return self._known_or(passed, request, now_ms)
        earlier_tokens = None if request.earlier is None else state.answers.tokens_of(request.earlier.ids)
        if request.earlier is not None and request.earlier.must_be_known and earlier_tokens is None:
            state.arrivals.note(passed.arrivals_us)
            return self._known_or(AnswersUnknown(), request, now_ms)
        found = state.accounts_of(request.session_id, request.team, now_ms)
        terms = terms_of(request, found)
        accounts = [with_terms(each, terms) for each in found]
        asked = knowing(request, earlier_tokens)
        paused = first_paused(accounts) if asked.want_nanousd else None
        grant = paused or fit([*accounts, *call_accounts(request.hold_id, terms)], asked)
        if isinstance(grant, Account):
            return self._denied(grant, accounts, passed, request, asked.least_nanousd, now_ms)
        hold = _new_hold(request, grant.amount_nanousd, accounts, terms, passed, now_ms)
        if earlier_tokens is not None:
            hold = msgspec.structs.replace(
                hold,
                want_nanousd=asked.want_nanousd,
                floor_nanousd=min(asked.floor_nanousd, grant.amount_nanousd),
                earlier_tokens=earlier_tokens,
            )
        if not state.store.add_hold(hold):
            return self._known_or(_other_contents(), request, now_ms)
        state.arrivals.note(passed.arrivals_us)
        state.holds.put(hold)
        for account in accounts:
            state.put(used(with_hold(account, hold.granted_nanousd), now_ms), now_ms)
        return self._granted(hold, passed.state, now_ms)

    def extend(self, request: ExtendRequest, now_ms: int) -> ExtendAnswer:
        """Raise an open hold's total. Stating totals makes a repeat harmless. A hold that is overdue but that no
        alarm has ended stands as it did: its money is there."""
        state = self._state
        hold = state.holds.find(request.hold_id)
        if hold is None:
            return Conflict(reason="there is no such open hold")
        accounts = state.standing(hold, now_ms)
        grant = fit_extension(
            [*accounts, *call_accounts(hold.id, hold, held_nanousd=hold.granted_nanousd)],
            held_nanousd=hold.granted_nanousd,
            want_nanousd=request.want_nanousd,
            least_nanousd=request.least_nanousd,
        )
        granted = hold.granted_nanousd if isinstance(grant, Account) else grant.amount_nanousd
        extended = msgspec.structs.replace(
            hold,
            granted_nanousd=granted,
            metered_nanousd=max(request.metered_nanousd, hold.metered_nanousd or 0),
            expires_at_ms=max(hold.expires_at_ms, now_ms + request.ttl_ms),
            used_at_ms=used_at_ms(hold, accounts, now_ms),
        )
        state.store.put_hold(extended)
        state.holds.put(extended)
        for account in accounts:
            state.put(used(with_hold(account, granted - hold.granted_nanousd), now_ms), now_ms)
        if isinstance(grant, Account):
            is_refusing = not grant.is_paused and is_short_for_good(
                grant.view(), max(request.least_nanousd, granted + 1)
            )
            self._tell_refusal(grant, now_ms, is_refusing=is_refusing)
            return ExtendDenied(account=grant.view(), granted_nanousd=granted)
        return Extended(granted_nanousd=granted, is_full=grant.is_full, expires_at_ms=extended.expires_at_ms)

    def settle(self, request: SettleRequest, now_ms: int) -> SettleAnswer:
        """End a hold at its real cost. A repeat answers as before; an expired hold's charge is corrected."""
        hold = self._state.holds.find(request.hold_id) or self._state.store.find_hold(request.hold_id)
        if hold is None:
            return Conflict(reason="there is no such hold")
        if hold.state == "recorded":
            return _other_contents()
        return self._settled(hold, request, now_ms)

    def record(self, request: RecordRequest, now_ms: int) -> RecordAnswer:
        """Charge what was never held, once per event id; settle the hold where there is one under that id."""
        state = self._state
        known = state.holds.find(request.event_id)
        if known is not None:
            return self._recorded_on(known, request, now_ms)
        if self.documents.is_disabled(request.key_id):
            return KeyDisabled()
        passed = state.arrivals.judge(request.rate_limits, now_ms)
        if isinstance(passed, RateDenied):
            first = state.store.find_hold(request.event_id)
            return passed if first is None else self._recorded_on(first, request, now_ms)
        found = state.accounts_of(request.session_id, request.team, now_ms)
        terms = terms_of(request, found)
        accounts = [used(with_terms(each, terms), now_ms) for each in found]
        recorded = state.end(
            _unheld(request, accounts, terms, passed, now_ms),
            "recorded",
            request.cost_nanousd,
            now_ms,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.completion_tokens,
            answer=request.answer,
            accounts=accounts,
        )
        if recorded is not None:
            state.arrivals.note(passed.arrivals_us)
            return Recorded(at_ms=recorded.used_at_ms, session=self._session_view(recorded, now_ms))
        known = state.store.find_hold(request.event_id)
        return _other_contents() if known is None else self._recorded_on(known, request, now_ms)

    def count(self, request: CountRequest, now_ms: int) -> CountAnswer:
        """Count a call that costs nothing, in memory alone: what is forgotten by a sleep has grown old in it."""
        if self.documents.is_disabled(request.key_id):
            return KeyDisabled()
        passed = self._state.arrivals.judge(request.rate_limits, now_ms)
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

    def configure(self, request: ConfigureRequest, now_ms: int) -> Configured:
        """An administrator's change takes effect at once and is written at once. A repeat of it changes nothing."""
        state = self._state
        windows = {"session": ("session",), "team": ("month",), "tenant": TENANT_WINDOWS}[request.kind]
        assert request.window in windows, "a budget that no call asks would never be enforced"
        assert request.kind != "tenant" or request.id == state.tenant, "a tenant steers its own budget"
        before = state.account(ScopeKey(request.kind, request.id, request.window), now_ms)
        after = configured(before, request, state.number)
        if after != before or request.reset_spent:
            state.write(after, now_ms)
            state.tell([after], now_ms)
            if after.kind == "session":
                state.mirrors.want(after.id, now_ms)
        return Configured(account=after.view())

    def list_sessions(self, request: ListSessionsRequest, now_ms: int) -> SessionPage:
        """A page of live sessions in the order of their ids: the rows', as they are in memory where they are there."""
        after_id, at_most = request.after_session_id, request.limit + 1
        stored = self._state.store.sessions_after(after_id, now_ms, at_most)
        known = self._state.book.sessions_after(after_id, now_ms, at_most)
        found = {account.id: account for account in (*stored, *known)}
        page = [found[session_id] for session_id in sorted(found)[: request.limit]]
        return SessionPage(
            accounts=[account.view() for account in page],
            next_after_session_id=page[-1].id if len(found) > len(page) else None,
        )

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
    def outbox(self) -> Outbox:
        return self._state.outbox

    @property
    def mirrors(self) -> Mirrors:
        return self._state.mirrors

    def session_views(self, session_ids: Sequence[str]) -> list[AccountView]:
        """Sessions as they stand, for their mirrors."""
        found = [self._state.book.find(ScopeKey("session", each, "session")) for each in session_ids]
        return [account.view() for account in found if account is not None]

    def take_notices(self) -> list[str]:
        """What has to be said in the log."""
        return self._state.store.take_notices()

    # Inside -------------------------------------------------------------------------------------------

    def _turned_away(self, request: AdmitRequest, now_ms: int) -> AdmitAnswer | None:
        """Why the call is not judged at all: it was decided by older documents than there are, or by a refused key."""
        documents = self.documents
        if request.documents_number is not None and request.documents_number < documents.number:
            return self._known_or(Outdated(present=documents.present()), request, now_ms)
        if documents.is_disabled(request.key_id):
            return self._known_or(KeyDisabled(), request, now_ms)
        return None

    def _rate(self, request: AdmitRequest, now_ms: int) -> Passed | RateDenied:
        passed = self._state.arrivals.judge(request.rate_limits, now_ms)
        if isinstance(passed, Passed) and len(self._state.holds) >= OPEN_HOLDS_PER_TENANT_MAX:
            nothing = RateLimitState(limit_per_minute=0, remaining=0, reset_ms=CROWDED_RETRY_AFTER_MS)
            return RateDenied(
                rate=passed.state or nothing,
                retry_after_ms=CROWDED_RETRY_AFTER_MS,
                open_holds_max=OPEN_HOLDS_PER_TENANT_MAX,
            )
        return passed

    def _denied(
        self,
        account: Account,
        accounts: list[Account],
        passed: Passed,
        request: AdmitRequest,
        least_nanousd: int,
        now_ms: int,
    ) -> AdmitAnswer:
        """Nothing is held; what the refused call said of its session's limit still holds for the next one."""
        denial = (
            PausedDenied(account=account.view())
            if account.is_paused
            else BudgetDenied(account=account.view(), needed_nanousd=least_nanousd)
        )
        answer = self._known_or(denial, request, now_ms)
        if answer is denial:
            self._state.arrivals.note(passed.arrivals_us)
            self._remember_limits(accounts, now_ms)
            self._keep_alive(request.session_id, now_ms)
            if isinstance(denial, BudgetDenied):
                is_refusing = is_short_for_good(denial.account, least_nanousd)
                self._tell_refusal(account, now_ms, is_refusing=is_refusing)
        return answer

    def _tell_refusal(self, account: Account, now_ms: int, *, is_refusing: bool) -> None:
        """Tell of an account that has refused. A call's own limit is told to the caller alone."""
        if account.kind != "call":
            self._state.tell([self._state.account(account.key, now_ms)], now_ms, is_refusing=is_refusing)

    def _known_or(self, answer: AdmitAnswer, request: AdmitRequest, now_ms: int) -> AdmitAnswer:
        """The first answer, where this admission is the replay of one whose hold has ended since."""
        known = self._state.store.find_hold(request.hold_id)
        return answer if known is None else self._granted_before(known, request, now_ms)

    def _granted_before(self, hold: Hold, request: AdmitRequest, now_ms: int) -> AdmitAnswer:
        return self._granted(hold, None, now_ms) if hold.request == _digest(request) else _other_contents()

    def _recorded_on(self, hold: Hold, request: RecordRequest, now_ms: int) -> RecordAnswer:
        """A record whose id is known: its repeat, or the late word on a hold whose admission went unheard."""
        if hold.state == "recorded":
            is_same = hold.request == _digest(request)
            if not is_same:
                return _other_contents()
            return Recorded(at_ms=hold.used_at_ms, is_replay=True, session=self._session_view(hold, now_ms))
        settlement = SettleRequest(
            hold_id=hold.id,
            actual_nanousd=request.cost_nanousd,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.completion_tokens,
            answer=request.answer,
        )
        answer = self._settled(hold, settlement, now_ms)
        if isinstance(answer, Conflict):
            return answer
        return Recorded(at_ms=now_ms, is_replay=answer.is_replay, session=answer.session)

    def _settled(self, hold: Hold, request: SettleRequest, now_ms: int) -> SettleAnswer:
        if hold.state == "settled" and hold.charge is not None:
            asked = (request.actual_nanousd, request.prompt_tokens, request.completion_tokens)
            charge = hold.charge
            if asked != (charge.charged_nanousd, charge.prompt_tokens, charge.completion_tokens):
                return _other_contents()
            return self._settlement(hold, now_ms, is_replay=True)
        after = self._state.end(
            hold,
            "settled",
            request.actual_nanousd,
            now_ms,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.completion_tokens,
            answer=request.answer,
        )
        assert after is not None, "only a record may find its id known"
        return self._settlement(after, now_ms, was_expired=hold.state == "expired")

    def _settlement(self, hold: Hold, now_ms: int, *, was_expired: bool = False, is_replay: bool = False) -> Settled:
        assert hold.charge is not None, "a settled hold has its charge"
        return Settled(
            charged_nanousd=hold.charge.charged_nanousd,
            overrun_nanousd=hold.charge.overrun_nanousd,
            was_expired=was_expired,
            is_replay=is_replay,
            session=self._session_view(hold, now_ms),
        )

    def _remember_limits(self, accounts: list[Account], now_ms: int) -> None:
        """A limit that a refused call brought along holds for the next one too, and after a wake."""
        for account in accounts:
            known = self._state.account(account.key, now_ms)
            limits = (known.limit_nanousd, known.stated_limit_nanousd)
            if (account.limit_nanousd, account.stated_limit_nanousd) != limits:
                self._state.write(account, now_ms)

    def _keep_alive(self, session_id: str | None, now_ms: int) -> None:
        """A refused call uses its session, to the hour: an agent that keeps asking does not outlive its budget."""
        known = None if session_id is None else self._state.book.find(ScopeKey("session", session_id, "session"))
        if known is None:
            return
        account = turned(known, now_ms)
        later = used(account, now_ms)
        if (later.resets_at_ms or 0) - (account.resets_at_ms or 0) >= REFUSED_USE_STEP_MS:
            self._state.write(later, now_ms)

    def _granted(self, hold: Hold, rate: RateLimitState | None, now_ms: int) -> Granted:
        standing = self._state.standing(hold, now_ms)
        own = call_accounts(hold.id, hold, held_nanousd=hold.granted_nanousd)
        account = tightest([*standing, *own])
        return Granted(
            hold_id=hold.id,
            granted_nanousd=hold.granted_nanousd,
            is_full=hold.granted_nanousd >= hold.want_nanousd,
            expires_at_ms=hold.expires_at_ms,
            available_nanousd=None if account is None else account.available_nanousd,
            session=_session_of(standing),
            rate=rate,
            earlier_tokens=hold.earlier_tokens,
        )

    def _session_view(self, hold: Hold, now_ms: int) -> AccountView | None:
        return _session_of(self._state.standing(hold, now_ms))


def _new_hold(
    request: AdmitRequest, granted_nanousd: int, accounts: list[Account], terms: Terms, passed: Passed, now_ms: int
) -> Hold:
    return Hold(
        id=request.hold_id,
        request=_digest(request),
        scopes=_scopes(accounts),
        granted_nanousd=granted_nanousd,
        want_nanousd=request.want_nanousd,
        floor_nanousd=min(request.floor_nanousd, granted_nanousd),
        expires_at_ms=now_ms + request.ttl_ms,
        used_at_ms=now_ms,
        **msgspec.structs.asdict(terms),
        arrivals_us=passed.arrivals_us,
    )


def _unheld(request: RecordRequest, accounts: list[Account], terms: Terms, passed: Passed, now_ms: int) -> Hold:
    """A record as a hold of nothing, to be ended at once."""
    return Hold(
        id=request.event_id,
        request=_digest(request),
        scopes=_scopes(accounts),
        granted_nanousd=0,
        want_nanousd=0,
        floor_nanousd=0,
        expires_at_ms=now_ms,
        used_at_ms=now_ms,
        **msgspec.structs.asdict(terms),
        arrivals_us=passed.arrivals_us,
    )


def _scopes(accounts: list[Account]) -> tuple[HoldScope, ...]:
    return tuple(HoldScope(account.key, account.starts_at_ms) for account in accounts)


def _session_of(accounts: list[Account]) -> AccountView | None:
    return next((account.view() for account in accounts if account.kind == "session"), None)


def _digest(request: AdmitRequest | RecordRequest) -> str:
    """What a repeat must agree in. A call that asks again does not count against the rate limits again, and whoever
    shares a session may repeat a report with another key."""
    request = msgspec.structs.replace(request, rate_limits=None, key_id=None)
    return hashlib.sha256(to_wire(request).encode()).hexdigest()[:32]


def _other_contents() -> Conflict:
    return Conflict(reason="this id was used before with other contents")
