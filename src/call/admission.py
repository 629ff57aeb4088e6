"""Money before the call: one question to the Ledger, and what a yes or a no of it means for the caller.

The Ledger decides; this file asks it, asks again if it did not answer or if money that is only held may come back
soon, and falls back on the outage allowance. Nothing here compares an amount with a limit. The rule easy to break: a
question that was not heard may have been answered, so whoever gives up on one sees to it that no hold is left behind.
"""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from access.identity import Caller
from access.permits import key_refusal
from call.rules import CallRules
from core.call.context import CallContext
from core.call.denials.account_words import account_details, paused_by_words, scope_words
from core.call.denials.refused import budget_refusal
from core.call.plan import CallPlan
from core.ledger.account import Account
from core.ledger.admission import STOPPING, call_accounts, call_limit_of, fit
from core.ledger.health.targets import Target
from core.ledger.health.views import CoolingView
from core.ledger.hold import Terms
from core.ledger.loops.ruling import rule_on
from core.ledger.loops.turns import NOTHING_KNOWN
from core.ledger.messages import (
    AccountView,
    AdmitAnswer,
    AdmitRequest,
    AnswersUnknown,
    BudgetDenied,
    Conflict,
    CoolingDown,
    CountRequest,
    Granted,
    KeyDisabled,
    ModelChanged,
    Outdated,
    PausedDenied,
    PresentDocuments,
    Question,
    RateDenied,
    RateLimitState,
    RecordRequest,
    RuleDenied,
    SettleRequest,
)
from core.ledger.patience import ask_again_in_ms
from core.refusals import (
    BudgetUnavailable,
    InternalError,
    InvalidRequest,
    RateLimited,
    Refusal,
    ScopePaused,
    SharedAccount,
)
from delivery import charge
from exchange import Exchange
from ports import Ledger, LedgerUnreachable, Ports

RETRY_AFTER_MS_MAX = 60_000

OWN_HOLDS_START = "rsv_"
"""How the ids of holds begin that are not told to anybody. An SDK makes its own, and none of these."""

A = TypeVar("A")


class DocumentsMoved(Exception):
    """The call was decided by other documents of its tenant than `present`, which hold, or by an older record of its
    key than `key_record`."""

    def __init__(self, present: PresentDocuments, key_record: str | None) -> None:
        super().__init__()
        self.present = present
        self.key_record = key_record


class ModelMoved(Exception):
    """A rule has the call made of another model: it is to be decided anew."""

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule


class TargetCooling(Exception):
    """Whom the call was to ask is left alone until then: somebody else is to be asked."""

    def __init__(self, until_ms: int) -> None:
        super().__init__()
        self.until_ms = until_ms


@dataclass(slots=True)
class Standing:
    """What a call has behind it when it asks for money."""

    is_counted: bool = False
    """It has asked before, and counts against the request rates already."""
    throttles: frozenset[str] = frozenset()
    """Rules that have counted it: a hop may meet others."""
    replaces: SettleRequest | None = None
    """The end of its attempt before, whose money is free for this one in the same breath."""
    has_row: bool = False
    """There was an attempt before: a refusal of this one is no row of its own, and would take that one's place."""
    spent_nanousd: int = 0
    """By all its attempts before."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was granted for one call: by the Ledger, or (`is_fail_open`) out of the outage allowance."""

    id: str
    granted_nanousd: int
    is_full: bool
    is_fail_open: bool = False
    taken_at_ms: int = 0
    session: AccountView | None = None
    rate: RateLimitState | None = None
    earlier_tokens: int | None = None
    """What the earlier answers that the call continues came to, where the Ledger knows them."""
    cooling: tuple[CoolingView, ...] | None = None
    """What the tenant's calls leave alone, where this one could ask somebody else."""
    expires_at_ms: int = 0


async def hold_money(
    exchange: Exchange,
    caller: Caller,
    context: CallContext,
    plan: CallPlan,
    rules: CallRules,
    standing: Standing,
    *,
    is_shared_account: bool,
    target: Target | None = None,
    insists: bool = False,
    dollars_left_nanousd: int | None = None,
) -> Receipt:
    """Hold the worst case, a slice of it, or at least a useful answer's worth. Raises the refusal otherwise,
    `DocumentsMoved`, `ModelMoved` or `TargetCooling`. What the tenant's rules came to is told to `rules`, however it
    ends.

    Under an account that tenants share a call may only continue answers that the Ledger knows.
    """
    if caller.key_id in caller.policy.disabled_keys:
        raise key_refusal()  # the Ledger has just told so, and might be away when it is asked again
    ports = exchange.ports
    hold_ttl_ms = exchange.isolate.settings.first_hold_ttl_ms
    hold_id = ports.ids.new(OWN_HOLDS_START)
    request = msgspec.structs.replace(
        _admit_request(plan, caller=caller, context=context, hold_ttl_ms=hold_ttl_ms, hold_id=hold_id),
        earlier=plan.earlier_answers(must_be_known=is_shared_account),
        turn=rules.turn,
        rate_limits=caller.rate_limits,
        candidates=tuple(each for each in rules.candidates if each.rate is None or each.id not in standing.throttles),
        replaces=standing.replaces,
        call_limit_nanousd=dollars_left_nanousd,
        spent_before_nanousd=standing.spent_nanousd,
        target=target,
        insists=insists,
    )
    if standing.is_counted:
        request = msgspec.structs.replace(request, rate_limits=None)
    is_decided = False
    try:
        answer, tries = await _admit_with_patience(request, caller, exchange, patience_ms=caller.policy.budget_wait_ms)
        is_decided = True
    except LedgerUnreachable:
        receipt = _receipt_without_ledger(request, plan, rules, caller, exchange)
        is_decided = True
        return receipt
    finally:
        if not is_decided:
            _leave_no_hold(request, caller, exchange)
    if tries > 1 or isinstance(answer, Granted | BudgetDenied):
        standing.is_counted = True
        standing.throttles |= {each.id for each in request.candidates if each.rate is not None}
    if isinstance(answer, CoolingDown):
        exchange.isolate.cooling.learn(caller.tenant, answer.cooling)
    return _receipt_of(answer, plan, rules)


def _receipt_without_ledger(
    request: AdmitRequest, plan: CallPlan, rules: CallRules, caller: Caller, exchange: Exchange
) -> Receipt:
    """A hold out of the outage allowance, if the tenant's rules let the call go: those that ask for its session or
    count are not judged, and are named in its record."""
    ruling = rule_on(request.candidates, NOTHING_KNOWN, lambda _: 0)
    uncounted = tuple(each.id for each in request.candidates if each.rate is not None and not each.is_shadow)
    rules.ruling = msgspec.structs.replace(ruling, unknown=(*ruling.unknown, *uncounted))
    if ruling.done.action == "downgrade":
        raise ModelMoved(ruling.done.rule or "")  # nobody has counted it, and it may yet be
    if ruling.done.action in STOPPING:
        raise rules.refusal(RuleDenied(ruling=ruling))
    return _receipt_of_allowance(request, plan, caller, exchange)


def _uncounted(request: AdmitRequest) -> AdmitRequest:
    """The same question of a call that counts against its rates already: asking again is not another call."""
    unthrottled = tuple(each for each in request.candidates if each.rate is None)
    return msgspec.structs.replace(request, rate_limits=None, candidates=unthrottled)


def take_from_allowance(amount_nanousd: int, *, caller: Caller, exchange: Exchange) -> int:
    """The Ledger is away: take the money out of the outage allowance. Returns when; raises `BudgetUnavailable`."""
    now_ms, isolate = exchange.ports.clock.now_ms(), exchange.isolate
    if caller.policy.fails_closed or isolate.backlog.is_full:
        raise BudgetUnavailable("budgets cannot be checked just now", retry_after_ms=1_000)
    ceiling_nanousd = caller.policy.outage_allowance_nanousd
    if not isolate.outage.take(caller.tenant, amount_nanousd, ceiling_nanousd=ceiling_nanousd, now_ms=now_ms):
        raise BudgetUnavailable(
            "budgets cannot be checked just now and the allowance for that is used up",
            retry_after_ms=5_000,
        )
    return now_ms


def _admit_request(
    plan: CallPlan, *, caller: Caller, context: CallContext, hold_ttl_ms: int, hold_id: str
) -> AdmitRequest:
    return AdmitRequest(
        hold_id=hold_id,
        want_nanousd=plan.costing.want_nanousd,
        least_nanousd=plan.costing.least_nanousd,
        floor_nanousd=plan.costing.prompt_nanousd,
        ttl_ms=hold_ttl_ms,
        slice_nanousd=plan.slice_nanousd,
        ample_nanousd=plan.ample_nanousd,
        session_id=context.session_id,
        team=caller.team,
        caller=caller.owner,
        is_admin=caller.is_admin,
        session_limit_nanousd=context.session_limit_nanousd or context.call_limit_nanousd,
        session_default_limit_nanousd=caller.policy.session_limit_nanousd,
        key_id=caller.key_id,
        token_number=caller.token_number,
        key_version=caller.key_version,
        documents_number=caller.documents.number,
    )


async def hold_told(
    exchange: Exchange,
    caller: Caller,
    context: CallContext,
    plan: CallPlan,
    rules: CallRules,
    *,
    hold_id: str,
    ttl_ms: int,
    wait_ms: int,
) -> Receipt:
    """Hold the money of a call that its caller makes by itself, under the caller's own id; asked again with the same,
    the answer is the same. Raises the refusal, `DocumentsMoved`, `ModelMoved`, or `LedgerUnreachable`: whether it goes
    on then is for its caller to decide."""
    request = msgspec.structs.replace(
        _admit_request(plan, caller=caller, context=context, hold_ttl_ms=ttl_ms, hold_id=hold_id),
        turn=rules.turn,
        rate_limits=caller.rate_limits,
        candidates=rules.candidates,
    )
    answer, _ = await _admit_with_patience(request, caller, exchange, patience_ms=wait_ms)
    if isinstance(answer, Conflict):
        raise InvalidRequest("hold_id was used before for another call", param="hold_id")
    return _receipt_of(answer, plan, rules)


async def _admit_with_patience(
    request: AdmitRequest, caller: Caller, exchange: Exchange, *, patience_ms: int
) -> tuple[AdmitAnswer, int]:
    """The Ledger's answer, and how often it was asked; once it has said no, that stands though it goes away while it is
    asked again."""
    ports = exchange.ports
    ledger = ports.ledger_of(caller.tenant)
    began_at_ms = ports.clock.now_ms()
    again = _uncounted(request)
    answer = await asked_with_one_retry(ledger, request)
    tries = 1
    while isinstance(answer, BudgetDenied):
        pause_ms = ask_again_in_ms(
            answer.account,
            least_nanousd=answer.needed_nanousd,
            hold_id=request.hold_id,
            tries=tries,
            waited_ms=ports.clock.now_ms() - began_at_ms,
            patience_ms=patience_ms,
        )
        if pause_ms is None:
            break
        await ports.clock.sleep_ms(pause_ms)
        try:
            answer = await asked_with_one_retry(ledger, again)
        except LedgerUnreachable:
            _leave_no_hold(request, caller, exchange)
            break
        tries += 1
    return answer, tries


def _leave_no_hold(request: AdmitRequest, caller: Caller, exchange: Exchange) -> None:
    """End at zero what the Ledger may have granted unheard; if it hears the question only now, there is no hold either.
    What others owe is not thrown away for it."""
    if exchange.isolate.backlog.is_full:
        return
    nothing = RecordRequest(
        event_id=request.hold_id,
        cost_nanousd=0,
        prompt_tokens=0,
        completion_tokens=0,
        session_id=request.session_id,
        team=request.team,
        caller=request.caller,
        session_default_limit_nanousd=request.session_default_limit_nanousd,
        charged_key_id=request.key_id,
    )
    charge(caller.tenant, nothing, exchange)


async def count_call(caller: Caller, ports: Ports) -> None:
    """Count a call that costs nothing against the caller's request rate. Raises the refusal, or `DocumentsMoved` and it
    is not counted; a Ledger that is away stops nobody."""
    question = CountRequest(
        rate_limits=caller.rate_limits,
        key_id=caller.key_id,
        token_number=caller.token_number,
        key_version=caller.key_version,
        documents_number=caller.documents.number,
    )
    try:
        answer = await ports.ledger_of(caller.tenant).tell(question)
    except LedgerUnreachable:
        return
    match answer:
        case RateDenied():
            raise rate_refusal(answer)
        case KeyDisabled():
            raise key_refusal()
        case Outdated(present=present, key_record=key_record):
            raise DocumentsMoved(present, key_record)


async def asked_with_one_retry(ledger: Ledger, question: Question[A]) -> A:
    """The Ledger's answer, asked once more if it did not give one at once. Raises `LedgerUnreachable`."""
    try:
        return await ledger.tell(question)
    except LedgerUnreachable as away:
        if away.has_hung:
            raise
        return await ledger.tell(question)


def _receipt_of(answer: AdmitAnswer, plan: CallPlan, rules: CallRules) -> Receipt:
    """What the Ledger has granted. Raises what it means for the call where that is nothing."""
    match answer:
        case Granted():
            rules.ruling = answer.ruling
            return Receipt(
                id=answer.hold_id,
                granted_nanousd=answer.granted_nanousd,
                is_full=answer.is_full,
                session=answer.session,
                rate=answer.rate,
                earlier_tokens=answer.earlier_tokens,
                cooling=answer.cooling,
                expires_at_ms=answer.expires_at_ms,
            )
        case Outdated(present=present, key_record=key_record):
            raise DocumentsMoved(present, key_record)
        case ModelChanged(ruling=ruling):
            raise ModelMoved(ruling.done.rule or "")
        case CoolingDown(until_ms=until_ms):
            raise TargetCooling(until_ms)
        case RuleDenied():
            rules.ruling = answer.ruling
            raise rules.refusal(answer)
        case BudgetDenied(account=account, needed_nanousd=needed_nanousd):
            raise budget_refusal(account, plan, needed_nanousd=needed_nanousd)
        case _:
            raise _refusal_of(answer)


def _receipt_of_allowance(request: AdmitRequest, plan: CallPlan, caller: Caller, exchange: Exchange) -> Receipt:
    """A hold out of the outage allowance. Of all limits only the caller's own is known here: it limits the call."""
    if request.earlier is not None and request.earlier.must_be_known:
        raise BudgetUnavailable("whose answer the request continues cannot be checked just now", retry_after_ms=1_000)
    terms = Terms(call_limit_nanousd=call_limit_of(request, request.session_limit_nanousd))
    own = call_accounts(request.hold_id, terms)
    grant = fit(own, msgspec.structs.replace(request, slice_nanousd=None, ample_nanousd=None))
    if isinstance(grant, Account):
        raise budget_refusal(grant.view(), plan, needed_nanousd=request.least_nanousd)
    taken_at_ms = take_from_allowance(grant.amount_nanousd, caller=caller, exchange=exchange)
    return Receipt(
        id=request.hold_id,
        granted_nanousd=grant.amount_nanousd,
        is_full=grant.is_full,
        is_fail_open=True,
        taken_at_ms=taken_at_ms,
    )


def _refusal_of(answer: PausedDenied | RateDenied | KeyDisabled | AnswersUnknown | Conflict) -> Refusal:
    match answer:
        case AnswersUnknown():
            return SharedAccount(
                "the request continues an answer that this tenant did not get through AgentWatch, or long ago, and the "
                "provider's account is shared; send your own provider key, or the conversation itself"
            )
        case PausedDenied(account=account):
            words = f"{scope_words(account)} is paused{paused_by_words(account)}"
            return ScopePaused(words, details=account_details(account))
        case RateDenied():
            return rate_refusal(answer)
        case KeyDisabled():
            return key_refusal()
        case Conflict(reason=reason):
            return InternalError(f"the hold could not be placed: {reason}")


def rate_refusal(denied: RateDenied) -> RateLimited:
    """The 429 of a caller that is too fast, or has too many calls in flight."""
    limit = denied.rate.limit_per_minute
    return RateLimited(
        f"more than {limit} {denied.rate.unit} a minute"
        if denied.open_holds_max is None
        else f"more than {denied.open_holds_max} calls in flight at once",
        retry_after_ms=min(denied.retry_after_ms, RETRY_AFTER_MS_MAX),
        details={"limit_per_minute": limit, "remaining": denied.rate.remaining, "unit": denied.rate.unit},
    )
