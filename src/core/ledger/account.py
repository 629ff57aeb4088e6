"""The ledger's arithmetic: one scope's numbers, and what a hold, a charge, a turn of its window or an administrator
makes of them, whatever stores them.

A charge above its hold is an overrun, counted and never hidden. Every function takes an account and returns a new one.
The rule easy to break: a window that has turned is a new account, where what belongs to the old one no longer counts.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from core.ledger.hold import Charge, Hold, HoldScope, ScopeKey, Terms
from core.ledger.messages import AccountView, CeilingMember, ConfigureRequest, ScopeKind, WindowName
from core.ledger.windows import SESSION_IDLE_MS, window_bounds

ALERT_PERCENT_DEFAULT = 80
"""Of a team's or tenant's limit. Sessions come and go by thousands: one tells only if an administrator asks for it."""

TOTAL_MAX = 2**60
"""Totals stop here (over a billion dollars): beyond 64 bits a row could not be written any more."""

Total = Annotated[int, msgspec.Meta(ge=0, le=TOTAL_MAX)]


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scope's numbers in one window. Amounts in nano-dollars, moments in UTC milliseconds."""

    kind: ScopeKind
    id: str
    window: WindowName
    starts_at_ms: int
    resets_at_ms: int | None
    decided_limit_nanousd: Total | None = msgspec.field(name="limit_nanousd", default=None)
    """What its callers, the tenant's default or an administrator have made its limit."""
    ceiling_nanousd: Total | None = None
    """The most that may be in force, whatever was decided: as its tenant's documents had it when it was last read."""
    owner: str | None = None
    """Whose session it is: the first caller's. Only that one's limits tighten it."""
    stated_limit_nanousd: Total | None = None
    """The smallest limit that a session's owner has stated; only a smaller one tightens the limit that was decided."""
    is_limit_decided: bool = False
    """The session has, or an administrator took away, its first limit: the tenant's default no longer applies."""
    spent_nanousd: Total = 0
    held_nanousd: Total = 0
    overrun_nanousd: Total = 0
    prompt_tokens: Total = 0
    completion_tokens: Total = 0
    is_paused: bool = False
    paused_by: str | None = None
    """The rule that paused it; None where a person did."""
    is_decided_hard: bool = msgspec.field(name="is_hard", default=True)
    alert_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    """The share of the limit at which the tenant is told; None never tells."""
    is_threshold_told: bool = False
    is_exhaustion_told: bool = False
    alert_round: int = 0
    """How often a changed limit has made this window's alerts new."""
    reset_number: int = 0
    """Ends up to this number were forgotten by an administrator's reset."""

    @property
    def key(self) -> ScopeKey:
        return ScopeKey(self.kind, self.id, self.window)

    @property
    def limit_nanousd(self) -> int | None:
        """The limit in force. Where what was decided only warns, the ceiling is what refuses."""
        decided, ceiling = self.decided_limit_nanousd, self.ceiling_nanousd
        if decided is None or ceiling is None:
            return decided if ceiling is None else ceiling
        return min(decided, ceiling) if self.is_decided_hard else ceiling

    @property
    def is_hard(self) -> bool:
        return self.is_decided_hard or self.ceiling_nanousd is not None

    @property
    def available_nanousd(self) -> int | None:
        """What a new hold may take; None where nothing limits it."""
        if self.limit_nanousd is None or not self.is_hard:
            return None
        return max(0, self.limit_nanousd - self.spent_nanousd - self.held_nanousd)

    def view(self) -> AccountView:
        """The account as other Workers see it."""
        return AccountView(
            kind=self.kind,
            id=self.id,
            window=self.window,
            limit_nanousd=self.limit_nanousd,
            spent_nanousd=self.spent_nanousd,
            held_nanousd=self.held_nanousd,
            overrun_nanousd=self.overrun_nanousd,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            is_paused=self.is_paused,
            paused_by=self.paused_by,
            is_hard=self.is_hard,
            alert_percent=self.alert_percent,
            resets_at_ms=self.resets_at_ms,
            owner=self.owner,
            ceiling_nanousd=self.ceiling_nanousd,
        )


def open_account(kind: ScopeKind, scope_id: str, window: WindowName, now_ms: int) -> Account:
    """A scope's first account in a window."""
    starts_at_ms, resets_at_ms = window_bounds(window, now_ms)
    if kind == "session":
        starts_at_ms, resets_at_ms = now_ms, now_ms + SESSION_IDLE_MS
    return Account(
        kind=kind,
        id=scope_id,
        window=window,
        starts_at_ms=starts_at_ms,
        resets_at_ms=resets_at_ms,
        alert_percent=None if kind == "session" else ALERT_PERCENT_DEFAULT,
    )


def turned(account: Account, now_ms: int) -> Account:
    """The account itself, or, once its window has ended, its successor: same limit and pause, nothing spent."""
    if account.resets_at_ms is None or now_ms < account.resets_at_ms:
        return account
    if account.kind == "session":
        # An open hold keeps its session alive. Without one, an id used again after a day is a new session, which
        # has forgotten its limit with its money.
        return account if account.held_nanousd else open_account(account.kind, account.id, account.window, now_ms)
    return successor(account, now_ms)


def successor(account: Account, now_ms: int) -> Account:
    """What an administrator has set, in the window of a moment, with nothing spent."""
    return msgspec.structs.replace(
        open_account(account.kind, account.id, account.window, now_ms),
        decided_limit_nanousd=account.decided_limit_nanousd,
        is_paused=account.is_paused,
        paused_by=account.paused_by,
        is_decided_hard=account.is_decided_hard,
        alert_percent=account.alert_percent,
    )


def under_ceiling(account: Account, ceiling_nanousd: int | None) -> Account:
    """The account as a ceiling has it that holds now; where that moves its limit, its alerts begin anew."""
    if ceiling_nanousd == account.ceiling_nanousd:
        return account
    after = msgspec.structs.replace(account, ceiling_nanousd=ceiling_nanousd)
    return after if after.limit_nanousd == account.limit_nanousd else _rearmed(after)


def used(account: Account, now_ms: int) -> Account:
    """A session lives on with every use; other windows do not move."""
    if account.kind != "session" or account.resets_at_ms is None:
        return account
    return msgspec.structs.replace(account, resets_at_ms=max(account.resets_at_ms, now_ms + SESSION_IDLE_MS))


def used_at_ms(hold: Hold, standing: Sequence[Account], now_ms: int) -> int:
    """When a hold that stands on these accounts last used its session: now, unless that session is over."""
    is_over = any(scope.key.kind == "session" for scope in hold.scopes) and not any(
        account.kind == "session" for account in standing
    )
    return hold.used_at_ms if is_over else max(hold.used_at_ms, now_ms)


def session_of(accounts: Sequence[Account]) -> Account | None:
    """The session among a call's accounts."""
    return next((account for account in accounts if account.kind == "session"), None)


def session_view(accounts: Sequence[Account]) -> AccountView | None:
    """The session among a call's accounts, as other Workers see it."""
    session = session_of(accounts)
    return None if session is None else session.view()


def with_terms(account: Account, terms: Terms) -> Account:
    """A session takes its first caller as its owner, and the first limit the owner states, else the tenant's default;
    later ones only tighten.

    A limit stated again changes nothing, so it does not undo what an administrator has set since.
    """
    if account.kind != "session":
        return account
    if account.owner is None and terms.owner is not None:
        account = msgspec.structs.replace(account, owner=terms.owner)
    return _with_limit(account, terms.stated_limit_nanousd, terms.default_limit_nanousd)


def _with_limit(account: Account, caller_nanousd: int | None, default_nanousd: int | None) -> Account:
    limit, stated = account.decided_limit_nanousd, account.stated_limit_nanousd
    if caller_nanousd is not None and (stated is None or caller_nanousd < stated):
        stated = caller_nanousd
        limit = caller_nanousd if limit is None else min(limit, caller_nanousd)
    elif limit is None and not account.is_limit_decided:
        limit = default_nanousd
    if (limit, stated) == (account.decided_limit_nanousd, account.stated_limit_nanousd):
        return account
    return msgspec.structs.replace(
        account, decided_limit_nanousd=limit, stated_limit_nanousd=stated, is_limit_decided=limit is not None
    )


def with_hold(account: Account, change_nanousd: int) -> Account:
    """More held, or less."""
    held = account.held_nanousd + change_nanousd
    assert held >= 0, "a hold is released once"
    return msgspec.structs.replace(account, held_nanousd=min(held, TOTAL_MAX))


def with_charge(account: Account, charge: Charge, *, instead_of: Charge | None = None) -> Account:
    """Money and tokens added to what was spent, in place of an earlier charge if one is given."""
    before = instead_of or Charge(0, 0, 0)
    if before.number and before.number <= account.reset_number:
        # The earlier charge was forgotten by a reset, and the call with it.
        return account
    return msgspec.structs.replace(
        account,
        spent_nanousd=_total(account.spent_nanousd, charge.charged_nanousd, before.charged_nanousd),
        overrun_nanousd=_total(account.overrun_nanousd, charge.overrun_nanousd, before.overrun_nanousd),
        prompt_tokens=_total(account.prompt_tokens, charge.prompt_tokens, before.prompt_tokens),
        completion_tokens=_total(account.completion_tokens, charge.completion_tokens, before.completion_tokens),
    )


def with_end(account: Account, before: Hold, after: Hold) -> Account:
    """The account a hold stands on, after the hold's end or the correction of its charge."""
    assert after.charge is not None, "an end has a charge"
    if before.state == "open":
        account = with_hold(account, -before.granted_nanousd)
    return used(with_charge(account, after.charge, instead_of=before.charge), after.used_at_ms)


def with_replay(account: Account, hold: Hold, contained_number: int) -> Account:
    """The account as its row has it, which contains ends up to a number, with what of this hold it lacks."""
    account = used(with_terms(account, hold), hold.used_at_ms)
    if hold.charge is None:
        return with_hold(account, hold.granted_nanousd)
    if hold.charge.number <= contained_number:
        return account
    known = hold.corrected is not None and hold.corrected.number <= contained_number
    return with_charge(account, hold.charge, instead_of=hold.corrected if known else None)


def standing_in(account: Account | None, scope: HoldScope) -> Account | None:
    """The account in the window that a hold was made in; None where that window is over and another has begun."""
    if account is None:
        return open_account(scope.key.kind, scope.key.id, scope.key.window, scope.starts_at_ms)
    if account.starts_at_ms < scope.starts_at_ms and account.kind == "session":
        return open_account(scope.key.kind, scope.key.id, scope.key.window, scope.starts_at_ms)
    if account.starts_at_ms < scope.starts_at_ms:
        return turned(account, scope.starts_at_ms)
    return account if account.starts_at_ms == scope.starts_at_ms else None


def refused_by_ceiling(account: Account, request: ConfigureRequest) -> CeilingMember | None:
    """What of an administrator's change the account's ceiling does not allow: a limit above it or none, one that only
    warns, and for all but a session to begin its window anew, which would be as good as more money."""
    if account.ceiling_nanousd is None:
        return None
    if request.clear_limit or (request.limit_nanousd or 0) > account.ceiling_nanousd:
        return "limit_usd"
    if request.is_hard is False:
        return "hard"
    return "reset" if request.reset_spent and account.kind != "session" else None


def configured(account: Account, request: ConfigureRequest, number: int) -> Account:
    """The account as an administrator wants it; a change that is there already changes nothing.

    A reset forgets what was spent, up to the last end's number; what is held stays held.
    """
    after = account
    if request.clear_limit or request.limit_nanousd is not None:
        is_decided = account.kind == "session"
        after = msgspec.structs.replace(after, decided_limit_nanousd=request.limit_nanousd, is_limit_decided=is_decided)
    if request.is_paused is not None:
        after = msgspec.structs.replace(after, is_paused=request.is_paused, paused_by=None)
    if request.is_hard is not None:
        after = msgspec.structs.replace(after, is_decided_hard=request.is_hard)
    if request.alert_percent is not None:
        after = msgspec.structs.replace(after, alert_percent=request.alert_percent)
    if request.reset_spent:
        after = msgspec.structs.replace(
            after, spent_nanousd=0, overrun_nanousd=0, prompt_tokens=0, completion_tokens=0, reset_number=number
        )
    is_other_budget = (after.limit_nanousd, after.alert_percent) != (account.limit_nanousd, account.alert_percent)
    return _rearmed(after) if is_other_budget or request.reset_spent else after


def with_limit(account: Account, limit_nanousd: int | None) -> Account:
    """The account under another limit, which may be zero, or under none; its alerts then begin anew."""
    if limit_nanousd == account.decided_limit_nanousd:
        return account
    return _rearmed(msgspec.structs.replace(account, decided_limit_nanousd=limit_nanousd))


def _rearmed(account: Account) -> Account:
    """The account with its alerts to be told anew, where any was told."""
    if not (account.is_threshold_told or account.is_exhaustion_told):
        return account
    return msgspec.structs.replace(
        account, is_threshold_told=False, is_exhaustion_told=False, alert_round=account.alert_round + 1
    )


def _total(before: int, added: int, taken: int) -> int:
    return min(TOTAL_MAX, max(0, before + added - taken))
