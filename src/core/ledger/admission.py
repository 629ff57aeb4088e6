"""What a call may hold: the answers to an admission and to an extension, told from the accounts it would stand on.

Theory of operation. A call names several accounts (its session, its team, its tenant's windows) and holds the same
amount on each, or nothing on any: `spent + held <= limit` is true of every hard limit at the moment a hold is granted.
A decision is a value: the hold to be written and the accounts as they are with it, or a refusal and what the refused
call leaves behind. The rule easy to break: a decision does not know whether its id was used before. Whoever carries it
out learns that as it writes, and a replay gets the first answer whatever was decided now.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from core.bounds import OPEN_HOLDS_PER_TENANT_MAX
from core.ledger.account import Account, session_of, session_view, used, used_at_ms, with_hold, with_terms
from core.ledger.hold import Hold, HoldScope, Terms
from core.ledger.loops.ruling import NO_RULES, Ruling
from core.ledger.loops.turns import PLAIN_TURN
from core.ledger.messages import (
    AdmitAnswer,
    AdmitRequest,
    BudgetDenied,
    ExtendDenied,
    Extended,
    ExtendRequest,
    Granted,
    ModelChanged,
    PausedDenied,
    RateDenied,
    RateLimitState,
    RecordRequest,
    RuleDenied,
)
from core.ledger.questions import to_wire
from core.ledger.rate_limit import Passed

FULL_HOLD_PERCENT = 10
"""A stream whose worst case is at most this share of what is available is held in full and needs no slices."""

OPEN_ENDED_PERCENT = 12
"""What a call that names no ceiling may take of what is available, beyond an ample answer: its worst case is the
longest answer its model can give, and would lock everybody else out of the budget while it runs."""

CROWDED_RETRY_AFTER_MS = 1_000

STOPPING = frozenset({"block", "throttle", "downgrade", "pause_session"})
"""What a rule may end a call with before it has begun."""

REFUSED_USE_STEP_MS = 3_600_000
"""A refused call writes no hold, so its use of the session costs a row of its own: one an hour will do."""


class Admitted(msgspec.Struct, frozen=True):
    """A hold to be written, and the accounts as they are with it."""

    hold: Hold
    accounts: list[Account]
    rate: RateLimitState | None


class Refused(msgspec.Struct, frozen=True):
    """Nothing is held."""

    answer: AdmitAnswer
    arrivals_us: dict[str, int] = {}
    """The call counts against its rates all the same."""
    left: list[Account] = []
    """Accounts that it changes without a hold."""
    judged: list[Account] = []
    """Those that its rules and its money were judged by, where it came so far."""
    ruling: Ruling = NO_RULES


class Extension(msgspec.Struct, frozen=True):
    """A hold and its accounts after an extension, which a denied one changes too: it is a sign of life."""

    hold: Hold
    accounts: list[Account]
    answer: Extended | ExtendDenied


class Grant(msgspec.Struct, frozen=True):
    """A hold that fits on every account; `is_full` says that it covers what was wanted."""

    amount_nanousd: int
    is_full: bool


# Decisions ------------------------------------------------------------------------------------------------


def unless_crowded(passed: Passed | RateDenied, open_holds: int) -> Passed | RateDenied:
    """A call within its rates is denied like one that is too fast where the tenant has too many in flight."""
    if isinstance(passed, RateDenied) or open_holds < OPEN_HOLDS_PER_TENANT_MAX:
        return passed
    nothing = RateLimitState(limit_per_minute=0, remaining=0, reset_ms=CROWDED_RETRY_AFTER_MS)
    return RateDenied(
        rate=passed.state or nothing,
        retry_after_ms=CROWDED_RETRY_AFTER_MS,
        open_holds_max=OPEN_HOLDS_PER_TENANT_MAX,
    )


def may_continue(request: AdmitRequest, earlier_tokens: int | None) -> bool:
    """Whether the call may continue the answers it names, if it names any."""
    return request.earlier is None or not request.earlier.must_be_known or earlier_tokens is not None


def decide_admission(
    request: AdmitRequest,
    found: Sequence[Account],
    passed: Passed,
    earlier_tokens: int | None,
    now_ms: int,
    *,
    ruling: Ruling = NO_RULES,
) -> Admitted | Refused:
    """Hold on every account or on none. `earlier_tokens` are what earlier answers came to, where that is known;
    `ruling` is what the tenant's rules make of the call."""
    terms = terms_of(request, found)
    accounts = [with_terms(each, terms) for each in found]
    asked = knowing(request, earlier_tokens)
    paused = first_paused(accounts) if asked.want_nanousd else None
    if paused is None and ruling.done.action in STOPPING:
        return _stopped(ruling, found, accounts, passed, now_ms)
    grant = paused or fit([*accounts, *call_accounts(request.hold_id, terms)], asked)
    if isinstance(grant, Account):
        left = _left_by_refusal(found, accounts, now_ms)
        return Refused(_denial(grant, asked), passed.arrivals_us, left, [] if paused else accounts, ruling)
    held = grant.amount_nanousd
    hold = Hold(
        id=request.hold_id,
        request=digest(request),
        scopes=_scopes(accounts),
        granted_nanousd=held,
        want_nanousd=asked.want_nanousd,
        floor_nanousd=min(asked.floor_nanousd, held),
        expires_at_ms=now_ms + request.ttl_ms,
        began_at_ms=now_ms,
        used_at_ms=now_ms,
        **msgspec.structs.asdict(terms),
        arrivals_us=passed.arrivals_us,
        earlier_tokens=earlier_tokens,
        turn=request.turn,
        ruling=ruling,
        caller=request.caller,
    )
    return Admitted(hold, [used(with_hold(each, held), now_ms) for each in accounts], passed.state)


def decide_extension(request: ExtendRequest, hold: Hold, accounts: Sequence[Account], now_ms: int) -> Extension:
    """Raise an open hold's total on all the accounts it stands on, or leave it as it is."""
    held = hold.granted_nanousd
    grant = fit_extension(
        [*accounts, *call_accounts(hold.id, hold, held_nanousd=held)],
        held_nanousd=held,
        want_nanousd=request.want_nanousd,
        least_nanousd=request.least_nanousd,
    )
    total = held if isinstance(grant, Account) else grant.amount_nanousd
    extended = msgspec.structs.replace(
        hold,
        granted_nanousd=total,
        metered_nanousd=max(request.metered_nanousd, hold.metered_nanousd or 0),
        expires_at_ms=max(hold.expires_at_ms, now_ms + request.ttl_ms),
        used_at_ms=used_at_ms(hold, accounts, now_ms),
    )
    answer = (
        ExtendDenied(account=grant.view(), granted_nanousd=total)
        if isinstance(grant, Account)
        else Extended(granted_nanousd=total, is_full=grant.is_full, expires_at_ms=extended.expires_at_ms)
    )
    return Extension(extended, [used(with_hold(each, total - held), now_ms) for each in accounts], answer)


def unheld(request: RecordRequest, found: Sequence[Account], passed: Passed, now_ms: int) -> tuple[Hold, list[Account]]:
    """A report as a hold of nothing, to be ended at once, and the accounts that it is to be charged to."""
    terms = terms_of(request, found)
    accounts = [used(with_terms(each, terms), now_ms) for each in found]
    hold = Hold(
        id=request.event_id,
        request=digest(request),
        scopes=_scopes(accounts),
        granted_nanousd=0,
        want_nanousd=0,
        floor_nanousd=0,
        expires_at_ms=now_ms,
        began_at_ms=now_ms,
        used_at_ms=now_ms,
        **msgspec.structs.asdict(terms),
        arrivals_us=passed.arrivals_us,
        turn=request.turn,
    )
    return hold, accounts


def granted(hold: Hold, standing: Sequence[Account], rate: RateLimitState | None) -> Granted:
    """What is said of a hold that stands on these accounts."""
    account = tightest([*standing, *call_accounts(hold.id, hold, held_nanousd=hold.granted_nanousd)])
    return Granted(
        hold_id=hold.id,
        granted_nanousd=hold.granted_nanousd,
        is_full=hold.granted_nanousd >= hold.want_nanousd,
        expires_at_ms=hold.expires_at_ms,
        available_nanousd=None if account is None else account.available_nanousd,
        session=session_view(standing),
        rate=rate,
        earlier_tokens=hold.earlier_tokens,
        ruling=hold.ruling,
    )


def digest(request: AdmitRequest | RecordRequest) -> str:
    """What a repeat must agree in. A call that asks again does not count against the rate limits and throttles
    again, and whoever shares a session may repeat a report with another key, or with its key's next token. Nor is it
    another call because its tenant's documents or its key have changed meanwhile, or another isolate has read older
    ones."""
    request = msgspec.structs.replace(
        request, rate_limits=None, key_id=None, token_number=None, turn=PLAIN_TURN, session_default_limit_nanousd=None
    )
    if isinstance(request, RecordRequest):
        request = msgspec.structs.replace(request, charged_key_id=None, record=msgspec.UNSET)
    else:
        request = msgspec.structs.replace(
            request,
            candidates=(),
            replaces=None,
            target=None,
            insists=False,
            documents_number=None,
            key_version=None,
        )
    return hashlib.sha256(to_wire(request).encode()).hexdigest()[:32]


# What is wanted, and on which terms -----------------------------------------------------------------------


def terms_of(request: AdmitRequest | RecordRequest, accounts: Sequence[Account]) -> Terms:
    """Who owns the call's session from now on, and which limit the call's own one is: a session belongs to its first
    caller, and a limit that somebody else states there is not the session's but this call's."""
    session = session_of(accounts)
    owner = None if session is None else session.owner or request.caller
    terms = Terms(owner=owner, default_limit_nanousd=request.session_default_limit_nanousd)
    if isinstance(request, RecordRequest):
        return terms
    if request.session_limit_nanousd is None or session is None or not (request.is_admin or owner == request.caller):
        return msgspec.structs.replace(terms, call_limit_nanousd=call_limit_of(request, request.session_limit_nanousd))
    return msgspec.structs.replace(
        terms,
        stated_limit_nanousd=request.session_limit_nanousd,
        call_limit_nanousd=call_limit_of(request, None),
    )


def call_limit_of(request: AdmitRequest, stated_nanousd: int | None) -> int | None:
    """What this attempt may cost: what is left of the limit that its caller states for the call, and by its chain."""
    left = None if stated_nanousd is None else max(0, stated_nanousd - request.spent_before_nanousd)
    limits = [limit for limit in (left, request.call_limit_nanousd) if limit is not None]
    return min(limits, default=None)


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
        decided_limit_nanousd=terms.call_limit_nanousd,
        held_nanousd=held_nanousd,
    )
    return [account]


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


# What fits ------------------------------------------------------------------------------------------------


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


def first_paused(accounts: Sequence[Account]) -> Account | None:
    return next((account for account in accounts if account.is_paused), None)


def tightest(accounts: Sequence[Account]) -> Account | None:
    """The account with the least available, or None where nothing is limited."""
    limited = [account for account in accounts if account.available_nanousd is not None]
    return min(limited, key=lambda account: account.available_nanousd or 0, default=None)


def _denial(account: Account, asked: AdmitRequest) -> PausedDenied | BudgetDenied:
    if account.is_paused:
        return PausedDenied(account=account.view())
    return BudgetDenied(account=account.view(), needed_nanousd=asked.least_nanousd)


def _stopped(
    ruling: Ruling, found: Sequence[Account], accounts: Sequence[Account], passed: Passed, now_ms: int
) -> Refused:
    """What a rule that stops a call answers. Who is told to come back later is not counted, as with any rate; a call
    that has no session to be paused is stopped by itself. Like every refused call it uses its session, else an agent
    that keeps asking would outlive what stopped it."""
    action = ruling.done.action
    if action == "downgrade":
        return Refused(ModelChanged(ruling=ruling))
    answer = RuleDenied(ruling=ruling, session=session_view(accounts))
    arrivals_us = {} if action == "throttle" else passed.arrivals_us
    left = _left_by_refusal(found, found, now_ms)
    if action == "pause_session":
        sessions = [used(each, now_ms) for each in accounts if each.kind == "session"]
        left = [msgspec.structs.replace(each, is_paused=True, paused_by=ruling.done.rule) for each in sessions]
    return Refused(answer, arrivals_us, left, list(accounts), ruling)


def _left_by_refusal(found: Sequence[Account], accounts: Sequence[Account], now_ms: int) -> list[Account]:
    """What a refused call changes of the accounts found: a limit that it brought along holds for the next one too, and
    it uses its session, to the hour, so that an agent that keeps asking does not outlive its budget."""
    left = []
    for before, after in zip(found, accounts, strict=True):
        is_limit_new = (before.decided_limit_nanousd, before.stated_limit_nanousd) != (
            after.decided_limit_nanousd,
            after.stated_limit_nanousd,
        )
        account = after if is_limit_new else before
        later = used(account, now_ms)
        is_use_new = (later.resets_at_ms or 0) - (account.resets_at_ms or 0) >= REFUSED_USE_STEP_MS
        if is_limit_new or is_use_new:
            left.append(later if is_use_new else account)
    return left


def _scopes(accounts: Sequence[Account]) -> tuple[HoldScope, ...]:
    return tuple(HoldScope(account.key, account.starts_at_ms) for account in accounts)
