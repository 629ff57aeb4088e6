"""The ledger's arithmetic: holds and charges on frozen accounts, whatever stores them.

Theory of operation. A call names several accounts (its session, its team, its tenant's windows) and holds the same
amount on each. `spent + held <= limit` is true of every hard limit at the moment a hold is granted; a charge above
its hold is an overrun, counted and never hidden. Every function takes accounts and returns new ones; a denial
returns the account that denied and changes nothing. A window that has turned is a new account: what belongs to the
old one no longer counts here.
"""

from collections.abc import Sequence

import msgspec

from core.messages import AccountView, AdmitRequest, ScopeKind, WindowName
from core.windows import SESSION_IDLE_MS, window_bounds

FULL_HOLD_PERCENT = 10
"""A stream whose worst case is at most this share of what is available is held in full and needs no slices."""

ALERT_PERCENT_DEFAULT = 80


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One scope's numbers in one window. Amounts in nano-dollars, moments in UTC milliseconds."""

    kind: ScopeKind
    id: str
    window: WindowName
    starts_at_ms: int
    resets_at_ms: int | None
    limit_nanousd: int | None = None
    spent_nanousd: int = 0
    held_nanousd: int = 0
    overrun_nanousd: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_paused: bool = False
    is_hard: bool = True
    alert_percent: int = ALERT_PERCENT_DEFAULT
    is_alerted: bool = False

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
    return Account(kind=kind, id=scope_id, window=window, starts_at_ms=starts_at_ms, resets_at_ms=resets_at_ms)


def turned(account: Account, now_ms: int) -> Account:
    """The account itself, or, once its window has ended, its successor: same limit and pause, nothing spent."""
    if account.resets_at_ms is None or now_ms < account.resets_at_ms:
        return account
    fresh = open_account(account.kind, account.id, account.window, now_ms)
    if account.kind == "session":
        # A session forgets its limit with its money: an id used again after a day is a new session.
        return fresh
    return msgspec.structs.replace(
        fresh,
        limit_nanousd=account.limit_nanousd,
        is_paused=account.is_paused,
        is_hard=account.is_hard,
        alert_percent=account.alert_percent,
    )


def used(account: Account, now_ms: int) -> Account:
    """A session lives on with every use; other windows do not move."""
    if account.kind != "session":
        return account
    return msgspec.structs.replace(account, resets_at_ms=now_ms + SESSION_IDLE_MS)


def with_caller_limit(account: Account, caller_nanousd: int | None, default_nanousd: int | None) -> Account:
    """A session takes the first limit it is given, else the tenant's default; later ones only tighten."""
    limit = account.limit_nanousd
    if limit is None:
        limit = caller_nanousd if caller_nanousd is not None else default_nanousd
    elif caller_nanousd is not None:
        limit = min(limit, caller_nanousd)
    if limit == account.limit_nanousd:
        return account
    return msgspec.structs.replace(account, limit_nanousd=limit)


def first_paused(accounts: Sequence[Account]) -> Account | None:
    return next((account for account in accounts if account.is_paused), None)


def tightest(accounts: Sequence[Account]) -> Account | None:
    """The account with the least available, or None where nothing is limited."""
    limited = [account for account in accounts if account.available_nanousd is not None]
    return min(limited, key=lambda account: account.available_nanousd or 0, default=None)


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
    if is_sliced and request.slice_nanousd is not None:
        target = min(target, max(request.slice_nanousd, request.least_nanousd))
    amount = min(target, available)
    return Grant(amount, amount == request.want_nanousd)


def fit_extension(
    accounts: Sequence[Account], *, held_nanousd: int, want_nanousd: int, least_nanousd: int
) -> Grant | Account:
    """A hold's new total, or the account that cannot bear the least of it."""
    account = first_paused(accounts)
    if account is not None:
        return account
    account = tightest(accounts)
    available = None if account is None else account.available_nanousd
    if want_nanousd <= held_nanousd:
        return Grant(held_nanousd, True)
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
    return msgspec.structs.replace(account, held_nanousd=held)


def with_charge(
    account: Account,
    *,
    spent_nanousd: int,
    overrun_nanousd: int,
    prompt_tokens: int,
    completion_tokens: int,
) -> Account:
    """Money and tokens added to (or, as a correction, taken from) what was spent."""
    spent = account.spent_nanousd + spent_nanousd
    assert spent >= 0, "a correction never exceeds the charge it corrects"
    return msgspec.structs.replace(
        account,
        spent_nanousd=spent,
        overrun_nanousd=max(0, account.overrun_nanousd + overrun_nanousd),
        prompt_tokens=account.prompt_tokens + prompt_tokens,
        completion_tokens=account.completion_tokens + completion_tokens,
    )


def expiry_charge_nanousd(*, held_nanousd: int, floor_nanousd: int, metered_nanousd: int | None) -> int:
    """What a hold costs that nobody closed: what was last metered and at least the input, or all of it."""
    if metered_nanousd is None:
        return held_nanousd
    return min(held_nanousd, max(floor_nanousd, metered_nanousd))


def crosses_alert(account: Account) -> bool:
    """Has the account just passed its alert threshold, untold so far in this window?"""
    if account.is_alerted or not account.limit_nanousd:
        return False
    return account.spent_nanousd * 100 >= account.limit_nanousd * account.alert_percent
