"""The ledger's arithmetic: holds and charges on frozen accounts, whatever stores them.

Theory of operation. A call names several accounts (its session, its team, its tenant's windows) and holds the same
amount on each. `spent + held <= limit` is true of every hard limit at the moment a hold is granted; a charge above
its hold is an overrun, counted and never hidden. Every function takes accounts and returns new ones; a denial
returns the account that denied and changes nothing. A window that has turned is a new account: what belongs to the
old one no longer counts here.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from core.ledger.hold import Charge, Hold, HoldScope, ScopeKey, Terms
from core.ledger.messages import (
    AccountView,
    AdmitRequest,
    ConfigureRequest,
    RecordRequest,
    ScopeKind,
    WindowName,
)
from core.ledger.windows import SESSION_IDLE_MS, window_bounds

FULL_HOLD_PERCENT = 10
"""A stream whose worst case is at most this share of what is available is held in full and needs no slices."""

OPEN_ENDED_PERCENT = 12
"""What a call that names no ceiling may take of what is available, beyond an ample answer: its worst case is the
longest answer its model can give, and would lock everybody else out of the budget while it runs."""

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
    limit_nanousd: Total | None = None
    """The limit in force."""
    owner: str | None = None
    """Whose session it is: the first caller's. Only that one's limits tighten it."""
    stated_limit_nanousd: Total | None = None
    """The smallest limit that a session's owner has stated; only a smaller one tightens the limit in force."""
    is_limit_decided: bool = False
    """The session has, or an administrator took away, its first limit: the tenant's default no longer applies."""
    spent_nanousd: Total = 0
    held_nanousd: Total = 0
    overrun_nanousd: Total = 0
    prompt_tokens: Total = 0
    completion_tokens: Total = 0
    is_paused: bool = False
    is_hard: bool = True
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
            is_hard=self.is_hard,
            alert_percent=self.alert_percent,
            resets_at_ms=self.resets_at_ms,
        )


class Grant(msgspec.Struct, frozen=True):
    """A hold that fits on every account; `is_full` says that it covers what was wanted."""

    amount_nanousd: int
    is_full: bool


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
        limit_nanousd=account.limit_nanousd,
        is_paused=account.is_paused,
        is_hard=account.is_hard,
        alert_percent=account.alert_percent,
    )


def used(account: Account, now_ms: int) -> Account:
    """A session lives on with every use; other windows do not move."""
    if account.kind != "session" or account.resets_at_ms is None:
        return account
    return msgspec.structs.replace(account, resets_at_ms=max(account.resets_at_ms, now_ms + SESSION_IDLE_MS))


def terms_of(request: AdmitRequest | RecordRequest, accounts: Sequence[Account]) -> Terms:
    """Who owns the call's session from now on, and which limit the call's own one is: a session belongs to its first
    caller, and a limit that somebody else states there is not the session's but this call's."""
    session = next((account for account in accounts if account.kind == "session"), None)
    owner = None if session is None else session.owner or request.caller
    terms = Terms(owner=owner, default_limit_nanousd=request.session_default_limit_nanousd)
    if isinstance(request, RecordRequest) or request.session_limit_nanousd is None:
        return terms
    if session is not None and (request.is_admin or owner == request.caller):
        return msgspec.structs.replace(terms, stated_limit_nanousd=request.session_limit_nanousd)
    return msgspec.structs.replace(terms, call_limit_nanousd=request.session_limit_nanousd)


def call_accounts(hold_id: str, terms: Terms, *, held_nanousd: int = 0) -> list[Account]:
    """The account of a call under a limit of its own, if it has one: nobody else's money, and no row."""
    if terms.call_limit_nanousd is None:
        return []
    account = Account(
        kind="call",
        id=hold_id,
        window="call",
        starts_at_ms=0,
        resets_at_ms=None,
        limit_nanousd=terms.call_limit_nanousd,
        held_nanousd=held_nanousd,
    )
    return [account]


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
    limit, stated = account.limit_nanousd, account.stated_limit_nanousd
    if caller_nanousd is not None and (stated is None or caller_nanousd < stated):
        stated = caller_nanousd
        limit = caller_nanousd if limit is None else min(limit, caller_nanousd)
    elif limit is None and not account.is_limit_decided:
        limit = default_nanousd
    if (limit, stated) == (account.limit_nanousd, account.stated_limit_nanousd):
        return account
    return msgspec.structs.replace(
        account, limit_nanousd=limit, stated_limit_nanousd=stated, is_limit_decided=limit is not None
    )


def first_paused(accounts: Sequence[Account]) -> Account | None:
    return next((account for account in accounts if account.is_paused), None)


def tightest(accounts: Sequence[Account]) -> Account | None:
    """The account with the least available, or None where nothing is limited."""
    limited = [account for account in accounts if account.available_nanousd is not None]
    return min(limited, key=lambda account: account.available_nanousd or 0, default=None)


def knowing(request: AdmitRequest, earlier_tokens: int | None) -> AdmitRequest:
    """The admission with the amounts for earlier answers of this length; its own where that is not known."""
    if request.earlier is None or earlier_tokens is None:
        return request
    step = next((step for step in request.earlier.steps if earlier_tokens <= step.tokens), None)
    if step is None:
        return request
    return msgspec.structs.replace(
        request,
        want_nanousd=step.want_nanousd,
        least_nanousd=step.least_nanousd,
        floor_nanousd=step.floor_nanousd,
        slice_nanousd=step.slice_nanousd,
        ample_nanousd=step.ample_nanousd,
    )


def fit(accounts: Sequence[Account], request: AdmitRequest) -> Grant | Account:
    """The hold that every account can bear, or the account that cannot bear the least."""
    assert 0 <= request.least_nanousd <= request.want_nanousd, "least must be within want"
    account = tightest(accounts)
    available = None if account is None else account.available_nanousd
    if account is None or available is None or request.want_nanousd == 0:
        return Grant(request.want_nanousd, True)
    if available < request.least_nanousd:
        return account
    is_sliced = request.slice_nanousd is not None and request.want_nanousd * 100 > available * FULL_HOLD_PERCENT
    target = request.want_nanousd
    if request.ample_nanousd is not None:
        target = min(target, max(request.ample_nanousd, available * OPEN_ENDED_PERCENT // 100))
    if is_sliced and request.slice_nanousd is not None:
        target = min(target, max(request.slice_nanousd, request.least_nanousd))
    amount = min(target, available)
    return Grant(amount, amount == request.want_nanousd)


def fit_extension(
    accounts: Sequence[Account], *, held_nanousd: int, want_nanousd: int, least_nanousd: int
) -> Grant | Account:
    """A hold's new total, or the account that cannot bear the least of it. What is held already is never denied."""
    if want_nanousd <= held_nanousd:
        return Grant(held_nanousd, True)
    paused = first_paused(accounts)
    if paused is not None:
        return paused
    account = tightest(accounts)
    available = None if account is None else account.available_nanousd
    if account is None or available is None:
        return Grant(want_nanousd, True)
    total = min(want_nanousd, held_nanousd + available)
    if total < least_nanousd or total <= held_nanousd:
        return account
    return Grant(total, total == want_nanousd)


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


def configured(account: Account, request: ConfigureRequest, number: int) -> Account:
    """The account as an administrator wants it; a change that is there already changes nothing.

    A reset forgets what was spent, up to the last end's number; what is held stays held.
    """
    after = account
    if request.clear_limit or request.limit_nanousd is not None:
        is_decided = account.kind == "session"
        after = msgspec.structs.replace(after, limit_nanousd=request.limit_nanousd, is_limit_decided=is_decided)
    if request.is_paused is not None:
        after = msgspec.structs.replace(after, is_paused=request.is_paused)
    if request.is_hard is not None:
        after = msgspec.structs.replace(after, is_hard=request.is_hard)
    if request.alert_percent is not None:
        after = msgspec.structs.replace(after, alert_percent=request.alert_percent)
    if request.reset_spent:
        after = msgspec.structs.replace(
            after, spent_nanousd=0, overrun_nanousd=0, prompt_tokens=0, completion_tokens=0, reset_number=number
        )
    is_other_budget = (after.limit_nanousd, after.alert_percent) != (account.limit_nanousd, account.alert_percent)
    return _rearmed(after) if is_other_budget or request.reset_spent else after


def _rearmed(account: Account) -> Account:
    """The account with its alerts to be told anew, where any was told."""
    if not (account.is_threshold_told or account.is_exhaustion_told):
        return account
    return msgspec.structs.replace(
        account, is_threshold_told=False, is_exhaustion_told=False, alert_round=account.alert_round + 1
    )


def _total(before: int, added: int, taken: int) -> int:
    return min(TOTAL_MAX, max(0, before + added - taken))
