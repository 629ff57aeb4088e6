"""Money before the call: one question to the Ledger, and what a yes or a no of it means for the caller.

The Ledger decides; this file asks it, asks again if it did not answer or if money that is only held may come back
soon, and falls back on the outage allowance. Nothing here compares an amount with a limit.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from core.call_context import CallContext
from core.call_plan import CallPlan
from core.messages import (
    AccountView,
    AdmitAnswer,
    AdmitRequest,
    BudgetDenied,
    Conflict,
    Granted,
    PausedDenied,
    RateDenied,
    RateLimits,
    RateLimitState,
)
from core.money import format_usd
from core.outage import OutageAllowance
from core.patience import ask_again_in_ms
from core.refusals import (
    BudgetExhausted,
    BudgetUnavailable,
    Detail,
    InternalError,
    RateLimited,
    Refusal,
    ScopePaused,
)
from identity import Caller
from ports import LedgerUnreachable, Ports

RETRY_AFTER_MS_MAX = 60_000

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside for one call: by the Ledger, or (`is_fail_open`) out of the outage allowance."""

    id: str
    granted_nanousd: int
    is_full: bool
    is_fail_open: bool = False
    taken_at_ms: int = 0
    session: AccountView | None = None
    rate: RateLimitState | None = None


async def hold_money(
    plan: CallPlan,
    *,
    caller: Caller,
    context: CallContext,
    hold_ttl_ms: int,
    ports: Ports,
    outage: OutageAllowance,
) -> Hold:
    """Hold the worst case, a slice of it, or at least a useful answer's worth. Raises the refusal otherwise."""
    request = AdmitRequest(
        hold_id=ports.ids.new("rsv_"),
        want_nanousd=plan.worst.want_nanousd,
        least_nanousd=plan.worst.least_nanousd,
        floor_nanousd=plan.worst.prompt_nanousd,
        ttl_ms=hold_ttl_ms,
        slice_nanousd=plan.slice_nanousd,
        ample_nanousd=plan.ample_nanousd,
        session_id=context.session_id,
        team=caller.team,
        session_limit_nanousd=context.session_limit_nanousd,
        session_default_limit_nanousd=caller.policy.session_limit_nanousd,
        rate_limits=RateLimits(
            tenant_requests_per_minute=caller.policy.requests_per_minute,
            key_requests_per_minute=caller.key_requests_per_minute,
            key_id=caller.key_id,
        ),
    )
    try:
        answer = await _admit_with_patience(request, caller, ports)
    except LedgerUnreachable:
        return _hold_of_allowance(request, caller, outage, ports)
    if isinstance(answer, Granted):
        return Hold(
            id=request.hold_id,
            granted_nanousd=answer.granted_nanousd,
            is_full=answer.is_full,
            session=answer.session,
            rate=answer.rate,
        )
    if isinstance(answer, BudgetDenied):
        raise budget_refusal(answer.account, plan)
    raise _refusal_of(answer)


async def _admit_with_patience(request: AdmitRequest, caller: Caller, ports: Ports) -> AdmitAnswer:
    ledger = ports.ledger_of(caller.tenant)
    began_at_ms = ports.clock.now_ms()
    answer = await asked_with_one_retry(ledger.admit, request)
    # The rate limit has counted this call: asking again is not another one.
    again = msgspec.structs.replace(request, rate_limits=None)
    tries = 1
    while isinstance(answer, BudgetDenied):
        pause_ms = ask_again_in_ms(
            answer.account,
            least_nanousd=request.least_nanousd,
            hold_id=request.hold_id,
            tries=tries,
            waited_ms=ports.clock.now_ms() - began_at_ms,
            patience_ms=caller.policy.budget_wait_ms,
        )
        if pause_ms is None:
            break
        await ports.clock.sleep_ms(pause_ms)
        answer = await asked_with_one_retry(ledger.admit, again)
        tries += 1
    return answer


async def asked_with_one_retry(ask: Callable[[Q], Awaitable[A]], request: Q) -> A:
    """The Ledger's answer, asked once more if it did not give one. Raises `LedgerUnreachable`."""
    try:
        return await ask(request)
    except LedgerUnreachable:
        return await ask(request)


def _hold_of_allowance(request: AdmitRequest, caller: Caller, outage: OutageAllowance, ports: Ports) -> Hold:
    now_ms = ports.clock.now_ms()
    if caller.policy.fails_closed or ports.unsent.is_full:
        raise BudgetUnavailable("budgets cannot be checked just now", retry_after_ms=1_000)
    is_taken = outage.take(
        caller.tenant,
        request.want_nanousd,
        ceiling_nanousd=caller.policy.outage_allowance_nanousd,
        now_ms=now_ms,
    )
    if not is_taken:
        raise BudgetUnavailable(
            "budgets cannot be checked just now and the allowance for that is used up",
            retry_after_ms=5_000,
        )
    return Hold(
        id=request.hold_id,
        granted_nanousd=request.want_nanousd,
        is_full=True,
        is_fail_open=True,
        taken_at_ms=now_ms,
    )


def _refusal_of(answer: PausedDenied | RateDenied | Conflict) -> Refusal:
    match answer:
        case PausedDenied(account=account):
            return ScopePaused(f"{_scope_words(account)} is paused", details=account_details(account))
        case RateDenied(rate=rate, retry_after_ms=retry_after_ms, open_holds_max=open_holds_max):
            return RateLimited(
                f"more than {rate.limit_per_minute} requests a minute"
                if open_holds_max is None
                else f"more than {open_holds_max} calls in flight at once",
                retry_after_ms=min(retry_after_ms, RETRY_AFTER_MS_MAX),
                details={"limit_per_minute": rate.limit_per_minute, "remaining": rate.remaining},
            )
        case Conflict(reason=reason):
            return InternalError(f"the hold could not be placed: {reason}")


def budget_refusal(account: AccountView, plan: CallPlan | None = None) -> BudgetExhausted:
    """The 402 of a scope that cannot pay: which scope, its numbers, what was needed, and when it begins anew."""
    limit = "none" if account.limit_nanousd is None else f"${format_usd(account.limit_nanousd)}"
    return BudgetExhausted(
        f"the budget of {_scope_words(account)} does not cover this call: limit {limit}, "
        f"spent ${format_usd(account.spent_nanousd)}, held ${format_usd(account.held_nanousd)}" + _needed_words(plan),
        details={
            **account_details(account),
            **({} if plan is None else {"needed_usd": format_usd(plan.worst.least_nanousd)}),
        },
    )


def _needed_words(plan: CallPlan | None) -> str:
    if plan is None:
        return ""
    why = ": the model's whole context window, since the request refers to input that is not in it or cannot be sized"
    return f", needed ${format_usd(plan.worst.least_nanousd)}" + (why if plan.parsed.prompt.is_of_unknown_size else "")


def account_details(account: AccountView) -> dict[str, Detail]:
    """An account's numbers as the wire shows them, dollars as exact decimal text."""
    limit = account.limit_nanousd
    return {
        "scope": account.kind,
        "scope_id": account.id,
        "window": account.window,
        "limit_usd": None if limit is None else format_usd(limit),
        "spent_usd": format_usd(account.spent_nanousd),
        "held_usd": format_usd(account.held_nanousd),
        "resets_at": account.resets_at_ms,
    }


def _scope_words(account: AccountView) -> str:
    if account.kind == "tenant":
        return f"this tenant ({account.window})"
    return f"{account.kind} {account.id!r}" + ("" if account.kind == "session" else f" ({account.window})")
