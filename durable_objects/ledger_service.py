"""One tenant's ledger as transaction scripts: look at the accounts, let the core decide, write, answer.

Nothing here awaits, so in a Durable Object each method is atomic. Totals live in memory and are rebuilt at every wake
from the last checkpoint and the holds that ended after it. The rule easy to break: a hold's end and its row are written
in the same breath as the totals change, and a checkpoint names the last end it contains.
"""

import hashlib

import msgspec

from core import ledger
from core.ledger import Account
from core.messages import (
    AccountView,
    AdmitAnswer,
    AdmitRequest,
    BudgetDenied,
    Configured,
    ConfigureRequest,
    Conflict,
    ExtendAnswer,
    ExtendDenied,
    Extended,
    ExtendRequest,
    Granted,
    ListSessionsRequest,
    Message,
    PausedDenied,
    RateDenied,
    RateLimits,
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
    WindowName,
    to_wire,
)
from core.rate_limit import admit_request
from durable_objects.ledger_store import Hold, HoldScope, LedgerStore, ScopeKey

ENDED_KEPT_MS = 15 * 60_000
"""How long an ended hold is remembered, so that late replays and settlements are recognised."""

TENANT_WINDOWS: tuple[WindowName, ...] = ("day", "month", "total")
RETIRED_PER_SWEEP_MAX = 500


class LedgerService:
    """Holds, charges and limits of one tenant. `now_ms` never comes from here."""

    def __init__(self, store: LedgerStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant
        self._accounts: dict[ScopeKey, Account] = {}
        self._holds: dict[str, Hold] = {}
        self._open: dict[str, None] = {}
        self._changed: set[ScopeKey] = set()
        self._sessions_to_mirror: set[str] = set()
        self._arrivals_us: dict[str, int] = {}
        self._ended = 0
        self._rebuild()

    # Calls --------------------------------------------------------------------------------------------

    def admit(self, request: AdmitRequest, now_ms: int) -> AdmitAnswer:
        """Hold on every scope or on none; the same request again gets the same hold."""
        digest = _digest(request)
        known = self._holds.get(request.hold_id)
        if known is not None:
            return self._granted(known) if known.request == digest else _other_contents()
        rate = self._rate(request.rate_limits, now_ms)
        if isinstance(rate, RateDenied):
            return rate
        accounts = self._accounts_of(request.session_id, request.team, now_ms)
        accounts = [_limited(account, request, now_ms) for account in accounts]
        paused = ledger.first_paused(accounts)
        if paused is not None and request.want_nanousd > 0:
            return PausedDenied(account=paused.view())
        grant = ledger.fit(accounts, request)
        if isinstance(grant, Account):
            self._remember_limits(accounts)
            return BudgetDenied(account=grant.view())
        hold = Hold(
            id=request.hold_id,
            request=digest,
            scopes=tuple(HoldScope(_key(account), account.starts_at_ms) for account in accounts),
            granted_nanousd=grant.amount_nanousd,
            want_nanousd=request.want_nanousd,
            floor_nanousd=min(request.floor_nanousd, grant.amount_nanousd),
            expires_at_ms=now_ms + request.ttl_ms,
            session_limit_nanousd=_session_limit(accounts),
        )
        self._store.put_hold(hold, 0)
        for account in accounts:
            self._set(ledger.with_hold(account, grant.amount_nanousd))
        self._holds[hold.id] = hold
        self._open[hold.id] = None
        return self._granted(hold, rate)

    def extend(self, request: ExtendRequest, now_ms: int) -> ExtendAnswer:
        """Raise an open hold's total. Stating totals makes a repeat harmless."""
        hold = self._holds.get(request.hold_id)
        if hold is None or hold.state != "open":
            return Conflict(reason="there is no such open hold")
        accounts = self._standing(hold)
        grant = ledger.fit_extension(
            accounts,
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
        )
        self._store.put_hold(extended, 0)
        self._holds[hold.id] = extended
        for account in accounts:
            self._set(ledger.with_hold(account, granted - hold.granted_nanousd))
        if isinstance(grant, Account):
            return ExtendDenied(account=grant.view(), granted_nanousd=granted)
        return Extended(granted_nanousd=granted, is_full=grant.is_full, expires_at_ms=extended.expires_at_ms)

    def settle(self, request: SettleRequest, now_ms: int) -> SettleAnswer:
        """End a hold at its real cost. A repeat answers as before; an expired hold's charge is corrected."""
        hold = self._holds.get(request.hold_id)
        if hold is None:
            return Conflict(reason="there is no such hold")
        if hold.state == "settled":
            is_same = hold.charged_nanousd == request.actual_nanousd
            return self._settled(hold, is_replay=True) if is_same else _other_contents()
        if hold.state == "recorded":
            return _other_contents()
        return self._settled(
            self._end(
                hold,
                "settled",
                request.actual_nanousd,
                now_ms,
                prompt_tokens=request.prompt_tokens,
                completion_tokens=request.completion_tokens,
            ),
            was_expired=hold.state == "expired",
        )

    def record(self, request: RecordRequest, now_ms: int) -> RecordAnswer:
        """Charge what was never held, once per event id."""
        digest = _digest(request)
        known = self._holds.get(request.event_id)
        if known is not None and known.request != digest:
            return _other_contents()
        if known is not None:
            return Recorded(is_replay=True, session=self._session_view(known))
        accounts = self._accounts_of(request.session_id, request.team, now_ms)
        accounts = [
            ledger.used(_with_default(account, request.session_default_limit_nanousd), now_ms) for account in accounts
        ]
        for account in accounts:
            self._set(account)
        unheld = Hold(
            id=request.event_id,
            request=digest,
            scopes=tuple(HoldScope(_key(account), account.starts_at_ms) for account in accounts),
            granted_nanousd=0,
            want_nanousd=0,
            floor_nanousd=0,
            expires_at_ms=now_ms,
            session_limit_nanousd=_session_limit(accounts),
        )
        ended = self._end(
            unheld,
            "recorded",
            request.cost_nanousd,
            now_ms,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.completion_tokens,
        )
        return Recorded(session=self._session_view(ended))

    # Reading and steering -----------------------------------------------------------------------------

    def status(self, request: StatusRequest, now_ms: int) -> Status:
        """The accounts asked for. A limit given for the session counts as the caller's own."""
        accounts = self._accounts_of(request.session_id, request.team, now_ms, include_tenant=request.include_tenant)
        limited = [
            ledger.with_caller_limit(account, request.session_limit_nanousd, request.session_default_limit_nanousd)
            if account.kind == "session"
            else account
            for account in accounts
        ]
        self._remember_limits(limited)
        return Status(accounts=[account.view() for account in limited])

    def configure(self, request: ConfigureRequest, now_ms: int) -> Configured:
        """An administrator's change takes effect at once and is written at once."""
        key = ScopeKey(request.kind, request.id, request.window)
        account = self._account(key, now_ms)
        changes: dict[str, object] = {}
        if request.limit_nanousd is not None or request.clear_limit:
            changes |= {"limit_nanousd": request.limit_nanousd, "is_alerted": False}
        if request.is_paused is not None:
            changes["is_paused"] = request.is_paused
        if request.is_hard is not None:
            changes["is_hard"] = request.is_hard
        if request.alert_percent is not None:
            changes |= {"alert_percent": request.alert_percent, "is_alerted": False}
        if request.reset_spent:
            changes |= {"spent_nanousd": 0, "overrun_nanousd": 0, "is_alerted": False}
        changed = msgspec.structs.replace(account, **changes)
        self._set(changed)
        self.checkpoint()
        return Configured(account=changed.view())

    def list_sessions(self, request: ListSessionsRequest, now_ms: int) -> SessionPage:
        """A page of live sessions in the order of their ids."""
        live = sorted(
            account.id
            for account in self._accounts.values()
            if account.kind == "session"
            and account.id > request.after_session_id
            and ledger.turned(account, now_ms) is account
        )
        page = live[: request.limit]
        return SessionPage(
            accounts=[self._accounts[ScopeKey("session", each, "session")].view() for each in page],
            next_after_session_id=page[-1] if len(live) > len(page) else None,
        )

    def enqueue(self, text: str) -> None:
        """Keep a telemetry message for the alarm to deliver."""
        self._store.enqueue(text)

    def outbox(self, messages_max: int) -> list[tuple[int, str]]:
        return self._store.outbox(messages_max)

    def delivered(self, up_to_id: int) -> None:
        self._store.delete_outbox(up_to_id)

    # The alarm's work ---------------------------------------------------------------------------------

    def sweep(self, now_ms: int) -> None:
        """End overdue holds, checkpoint, and forget what nobody can ask about any more."""
        overdue = [each for each in self._open if self._holds[each].expires_at_ms <= now_ms]
        for hold_id in overdue:
            hold = self._holds[hold_id]
            charge = ledger.expiry_charge_nanousd(
                held_nanousd=hold.granted_nanousd,
                floor_nanousd=hold.floor_nanousd,
                metered_nanousd=hold.metered_nanousd,
            )
            self._end(hold, "expired", charge, now_ms, prompt_tokens=0, completion_tokens=0)
        self.checkpoint()
        self._retire(now_ms)

    def checkpoint(self) -> None:
        """Write the accounts that changed, and the last end they contain."""
        if not self._changed:
            return
        for key in self._changed:
            self._store.put_account(msgspec.structs.replace(self._accounts[key], held_nanousd=0))
        self._store.put_checkpoint(self._ended)
        self._changed.clear()

    def next_expiry_at_ms(self) -> int | None:
        """When the first open hold is overdue, or None."""
        return min((self._holds[each].expires_at_ms for each in self._open), default=None)

    def needs_checkpoint(self) -> bool:
        return bool(self._changed)

    def take_sessions_to_mirror(self) -> list[AccountView]:
        """Sessions that changed since the last call, for their KV mirrors."""
        keys = [ScopeKey("session", each, "session") for each in self._sessions_to_mirror]
        self._sessions_to_mirror.clear()
        return [self._accounts[key].view() for key in keys if key in self._accounts]

    # Inside -------------------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        """Totals are the checkpoint, what ended after it, and what is held now."""
        for account in self._store.accounts():
            self._accounts[_key(account)] = account
        checkpoint = self._store.checkpoint_ended()
        for ended, hold in self._store.holds():
            self._holds[hold.id] = hold
            self._ended = max(self._ended, ended)
            if hold.state == "open":
                self._open[hold.id] = None
            elif ended <= checkpoint:
                continue
            for scope in hold.scopes:
                self._replay(hold, scope)
        self._ended = max(self._ended, checkpoint)

    def _replay(self, hold: Hold, scope: HoldScope) -> None:
        account = self._accounts.get(scope.key)
        if account is None or account.starts_at_ms < scope.starts_at_ms:
            successor = ledger.open_account(scope.key.kind, scope.key.id, scope.key.window, scope.starts_at_ms)
            if account is not None and scope.key.kind != "session":
                successor = ledger.turned(account, scope.starts_at_ms)
            account = successor
        if account.starts_at_ms != scope.starts_at_ms:
            return
        if scope.key.kind == "session":
            account = ledger.with_caller_limit(account, hold.session_limit_nanousd, None)
            account = ledger.used(account, max(hold.ended_at_ms, scope.starts_at_ms))
        if hold.state == "open":
            account = ledger.with_hold(account, hold.granted_nanousd)
        else:
            account = _charged(account, hold, hold.charged_nanousd, hold.overrun_nanousd)
        self._set(account)

    def _accounts_of(
        self, session_id: str | None, team: str | None, now_ms: int, *, include_tenant: bool = True
    ) -> list[Account]:
        keys = []
        if session_id is not None:
            keys.append(ScopeKey("session", session_id, "session"))
        if team is not None:
            keys.append(ScopeKey("team", team, "month"))
        if include_tenant:
            keys += [ScopeKey("tenant", self._tenant, window) for window in TENANT_WINDOWS]
        return [self._account(key, now_ms) for key in keys]

    def _account(self, key: ScopeKey, now_ms: int) -> Account:
        account = self._accounts.get(key)
        if account is None:
            return ledger.open_account(key.kind, key.id, key.window, now_ms)
        return ledger.turned(account, now_ms)

    def _standing(self, hold: Hold) -> list[Account]:
        """The accounts a hold still stands on: those whose window has not turned since."""
        standing = []
        for scope in hold.scopes:
            account = self._accounts.get(scope.key)
            if account is not None and account.starts_at_ms == scope.starts_at_ms:
                standing.append(account)
        return standing

    def _set(self, account: Account) -> None:
        key = _key(account)
        self._accounts[key] = account
        self._changed.add(key)
        if account.kind == "session":
            self._sessions_to_mirror.add(account.id)

    def _remember_limits(self, accounts: list[Account]) -> None:
        """A limit that a refused call or a check brought along must hold for the next one too, and after a wake."""
        for account in accounts:
            known = self._accounts.get(_key(account))
            is_new_limit = account.limit_nanousd is not None if known is None else account != known
            if account.kind == "session" and is_new_limit:
                self._set(account)
                # Never one account's row alone: a wake replays what ended after the checkpoint into it.
                self.checkpoint()

    def _end(
        self,
        hold: Hold,
        state: str,
        charge_nanousd: int,
        now_ms: int,
        *,
        prompt_tokens: int,
        completion_tokens: int,
    ) -> Hold:
        """End a hold, or correct the charge of an expired one: its row, and the totals of where it stands."""
        overrun = max(0, charge_nanousd - hold.granted_nanousd)
        ended = msgspec.structs.replace(
            hold,
            state=state,
            ended_at_ms=now_ms,
            charged_nanousd=charge_nanousd,
            overrun_nanousd=overrun,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )
        if hold.state == "expired":
            # The charge of the expiry may be in a checkpoint: write the totals with the correction.
            self.checkpoint()
        self._ended += 1
        self._store.put_hold(ended, self._ended)
        for account in self._standing(hold):
            if hold.id in self._open:
                account = ledger.with_hold(account, -hold.granted_nanousd)
            account = _charged(
                account,
                ended,
                charge_nanousd - hold.charged_nanousd,
                overrun - hold.overrun_nanousd,
            )
            self._set(ledger.used(account, now_ms))
        self._holds[hold.id] = ended
        self._open.pop(hold.id, None)
        if hold.state == "expired":
            self.checkpoint()
        return ended

    def _retire(self, now_ms: int) -> None:
        old = [
            each.id
            for each in self._holds.values()
            if each.state != "open" and each.ended_at_ms + ENDED_KEPT_MS <= now_ms
        ][:RETIRED_PER_SWEEP_MAX]
        self._store.delete_holds(old)
        for hold_id in old:
            del self._holds[hold_id]
        idle = [
            key
            for key, account in self._accounts.items()
            if account.kind == "session" and ledger.turned(account, now_ms) is not account
        ][:RETIRED_PER_SWEEP_MAX]
        for key in idle:
            self._store.delete_account(key)
            del self._accounts[key]
            self._changed.discard(key)

    def _rate(self, limits: RateLimits | None, now_ms: int) -> RateLimitState | RateDenied | None:
        if limits is None:
            return None
        asked = [("tenant", limits.tenant_requests_per_minute)]
        if limits.key_id is not None:
            asked.append((f"key:{limits.key_id}", limits.key_requests_per_minute))
        verdicts = [
            (
                name,
                limit,
                admit_request(self._arrivals_us.get(name), limit_per_minute=limit, now_ms=now_ms),
            )
            for name, limit in asked
            if limit is not None
        ]
        for _, limit, verdict in verdicts:
            if not verdict.is_allowed:
                state = RateLimitState(limit_per_minute=limit, remaining=0, reset_ms=verdict.reset_ms)
                return RateDenied(rate=state, retry_after_ms=verdict.retry_after_ms)
        for name, _, verdict in verdicts:
            self._arrivals_us[name] = verdict.arrival_at_us
        if not verdicts:
            return None
        _, limit, verdict = min(verdicts, key=lambda each: each[2].remaining)
        return RateLimitState(limit_per_minute=limit, remaining=verdict.remaining, reset_ms=verdict.reset_ms)

    def _granted(self, hold: Hold, rate: RateLimitState | None = None) -> Granted:
        account = ledger.tightest(self._standing(hold))
        return Granted(
            hold_id=hold.id,
            granted_nanousd=hold.granted_nanousd,
            is_full=hold.granted_nanousd >= hold.want_nanousd,
            expires_at_ms=hold.expires_at_ms,
            available_nanousd=None if account is None else account.available_nanousd,
            session=self._session_view(hold),
            rate=rate,
        )

    def _settled(self, hold: Hold, *, was_expired: bool = False, is_replay: bool = False) -> Settled:
        return Settled(
            charged_nanousd=hold.charged_nanousd,
            overrun_nanousd=hold.overrun_nanousd,
            was_expired=was_expired,
            is_replay=is_replay,
            session=self._session_view(hold),
        )

    def _session_view(self, hold: Hold) -> AccountView | None:
        return next((each.view() for each in self._standing(hold) if each.kind == "session"), None)


def _key(account: Account) -> ScopeKey:
    return ScopeKey(account.kind, account.id, account.window)


def _limited(account: Account, request: AdmitRequest, now_ms: int) -> Account:
    if account.kind != "session":
        return account
    limited = ledger.with_caller_limit(account, request.session_limit_nanousd, request.session_default_limit_nanousd)
    return ledger.used(limited, now_ms)


def _with_default(account: Account, default_nanousd: int | None) -> Account:
    if account.kind != "session":
        return account
    return ledger.with_caller_limit(account, None, default_nanousd)


def _session_limit(accounts: list[Account]) -> int | None:
    return next((account.limit_nanousd for account in accounts if account.kind == "session"), None)


def _charged(account: Account, hold: Hold, spent_nanousd: int, overrun_nanousd: int) -> Account:
    return ledger.with_charge(
        account,
        spent_nanousd=spent_nanousd,
        overrun_nanousd=overrun_nanousd,
        prompt_tokens=hold.prompt_tokens,
        completion_tokens=hold.completion_tokens,
    )


def _digest(request: Message) -> str:
    return hashlib.sha256(to_wire(request).encode()).hexdigest()[:32]


def _other_contents() -> Conflict:
    return Conflict(reason="this id was used before with other contents")
