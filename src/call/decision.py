"""What is to become of a request at one provider, and the money for it: decided as often as its tenant's documents, its
rules or the Ledger want it decided anew.
"""

from dataclasses import dataclass, replace

from access import audit
from access.identity import Caller, learn, learn_key
from access.permits import check_may_call, check_not_suspended, check_origin, check_session
from access.tenant_keys import with_tenant_keys
from call.admission import DocumentsMoved, ModelMoved, Receipt, Standing, TargetCooling, count_call, hold_money
from call.rules import CallRules, Rulebook
from call.settlement import new_record
from call.upstream_request import key_to_show, target_of, upstream_request
from core.call.context import SESSION_NAME, CallContext, session_named
from core.call.plan import CallPlan
from core.ledger.health.targets import Target
from core.refusals import BudgetUnavailable, RateLimited, Refusal, ScopePaused, TenantsUnavailable, Unauthenticated
from core.routing.failover import Attempt
from core.tenant.failover.chains import Chain
from core.tenant.shared_account import refuse_shared_references
from core.wire.dialects.prepared_body import PreparedBody
from core.wire.translation.translate import Translation
from delivery import send_message
from exchange import Exchange
from ports import UpstreamRequest
from routes import ProxyRoute

OF_THE_CALLER = (RateLimited, ScopePaused, Unauthenticated, TenantsUnavailable, BudgetUnavailable)
"""Refusals that no other provider would change."""

DECISIONS_MAX = 4
"""An isolate may have to learn of a change, and there may be another while the call waits for money; and a rule may
want another model. A tenant that changes its documents more often changes them faster than calls can go."""


@dataclass(slots=True)
class Asked:
    """A call as its caller made it. All its attempts are made of this."""

    exchange: Exchange
    route: ProxyRoute
    caller: Caller
    """By the latest documents of its tenant."""
    context: CallContext
    received: bytes
    """Let go once nobody will need it again: an answer may begin minutes later."""
    first: "Decision | None" = None
    """On the call as its caller made it, by which the hops after it are decided."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a request at one provider, by one state of its tenant's documents."""

    caller: Caller
    plan: CallPlan
    body: PreparedBody
    translation: Translation | None
    question: UpstreamRequest
    """What the provider is asked, but for the body."""
    is_own_key: bool
    is_shared_account: bool
    rules: CallRules
    chain: Chain | None
    """Who else may serve the call."""
    target: Target | None
    """Who is asked, as the Ledger knows it; None where nobody else could be."""


async def held(asked: Asked, attempt: Attempt, standing: Standing) -> tuple[Decision, Receipt]:
    """The call as it goes out to one provider, and the money for it. Raises the refusal of a call that may not be made,
    `Untranslatable` for a hop that cannot serve it, and `TargetCooling` where its target is left alone."""
    changed_by = None
    for _ in range(DECISIONS_MAX):
        asked.caller = await with_tenant_keys(asked.caller, asked.exchange)
        decision = decide(asked, attempt, changed_by)
        if attempt.place == 0:
            asked.first = decision
        if decision.target is not None and not attempt.insists:
            _check_cooling(asked, decision.target)
        try:
            receipt = await hold_money(
                asked.exchange,
                decision.caller,
                asked.context,
                decision.plan,
                decision.rules,
                standing,
                is_shared_account=decision.is_shared_account,
                target=decision.target,
                insists=attempt.insists,
                dollars_left_nanousd=_dollars_left(decision.chain, standing),
            )
            return decision, receipt
        except ModelMoved as moved:
            changed_by = moved.rule
        except DocumentsMoved as moved:
            changed_by = None
            asked.caller = with_documents(asked.caller, moved, asked.exchange)
        except Refusal as refusal:
            if not standing.has_row and (attempt.place == 0 or isinstance(refusal, OF_THE_CALLER)):
                record_refusal(asked, decision, refusal)
            raise
    restless = TenantsUnavailable("this tenant's documents change while they are read", retry_after_ms=1_000)
    if not standing.has_row:
        record_refusal(asked, decision, restless)
    raise restless


def decide(asked: Asked, attempt: Attempt, changed_by: str | None = None) -> Decision:
    """What the call may cost, whom it asks with whose key, and which rules it meets. `changed_by` is a rule that the
    Ledger has found to want another model. Raises what `held` raises, but for what the Ledger says."""
    exchange, route, caller = asked.exchange, asked.route, asked.caller
    check_session(caller, asked.context.session_id, SESSION_NAME)
    settings = exchange.isolate.settings
    first = asked.first if attempt.place else None
    asked_plan = None if first is None else first.plan
    book = Rulebook(route, caller, asked.context, settings, exchange.started_at_ms, attempt, asked_plan)
    call = book.apply(asked.received, changed_by)
    audit.note_broken(exchange, caller, "rule", call.broken)
    audit.note_broken(exchange, caller, "chain", caller.documents.failover.broken)
    plan, translation = call.hop.plan, call.hop.translation
    key = key_to_show(route, caller, plan.provider, settings, asked_provider=(asked_plan or plan).provider)
    is_shared_account = key.is_shared and not caller.policy.reaches_shared_accounts
    if is_shared_account:
        refuse_shared_references(plan.parsed, path=plan.path)
    question = upstream_request(
        exchange,
        plan.provider,
        plan.path,
        key,
        is_metered=True,
        is_translated=translation is not None,
        is_first=attempt.place == 0 and not attempt.strips_history,
    )
    chain = first.chain if first is not None else _chain_for(asked, plan)
    target = None if chain is None else target_of(exchange, caller, plan, key)
    return Decision(
        caller,
        plan,
        call.hop.body,
        translation,
        question,
        is_own_key=key.is_own,
        is_shared_account=is_shared_account,
        rules=call.rules,
        chain=chain,
        target=target,
    )


def _check_cooling(asked: Asked, target: Target) -> None:
    """Raises `TargetCooling` where this isolate knows that nobody will be let through."""
    exchange = asked.exchange
    until_ms = exchange.isolate.cooling.until_ms(asked.caller.tenant, target, exchange.ports.clock.now_ms())
    if until_ms is not None:
        raise TargetCooling(until_ms)


def record_refusal(asked: Asked, decision: Decision, refusal: Refusal) -> None:
    """A row for a call that is not made."""
    exchange, plan = asked.exchange, decision.plan
    record = new_record(
        request_id=exchange.request_id,
        started_at_ms=exchange.started_at_ms,
        caller=decision.caller,
        context=asked.context,
        provider=plan.provider,
        path=plan.path,
        dialect=plan.dialect.name,
        model=plan.parsed.model,
        is_streaming=plan.parsed.is_streaming,
        **decision.rules.record_fields(),
    )
    record = record.refused(refusal, ended_at_ms=exchange.ports.clock.now_ms())
    exchange.ports.defer(send_message(record, exchange))


def _dollars_left(chain: Chain | None, standing: Standing) -> int | None:
    """What the call may still cost by its tenant's chain."""
    most = None if chain is None else chain.dollars_max_nanousd
    return None if most is None else max(0, most - standing.spent_nanousd)


def _chain_for(asked: Asked, plan: CallPlan) -> Chain | None:
    if not asked.context.may_fail_over:
        return None
    provider, model = plan.provider, plan.parsed.model
    chain = asked.caller.documents.failover.for_model(provider, model, asked.route.upstream.dialect)
    hops = () if chain is None else chain.hops_from(provider, model)
    return replace(chain, hops=hops) if chain is not None and hops else None


async def counted(exchange: Exchange, caller: Caller) -> Caller:
    """The caller of what costs nothing, counted against its request rate, as its Ledger knows it now. Raises the
    refusal, also where a session is named badly: what was meant as a provider key behind it would not be shown."""
    session_named(exchange.request.headers, exchange.request.query, caller.sessions_behind_token)
    for _ in range(DECISIONS_MAX):
        try:
            await count_call(caller, exchange.ports)
            return caller
        except DocumentsMoved as moved:
            caller = with_documents(caller, moved, exchange)
    raise TenantsUnavailable("this tenant's documents change while they are read", retry_after_ms=1_000)


def with_documents(caller: Caller, moved: DocumentsMoved, exchange: Exchange) -> Caller:
    """The caller by its tenant's present documents and its key's present record, which this isolate learns. Raises
    `NotPermitted` for one that may not call any more, or not from there, `TenantSuspended` for one of a tenant that may
    not."""
    identities, now_ms = exchange.isolate.identities, exchange.ports.clock.now_ms()
    if moved.key_record is not None:
        caller = learn_key(caller, moved.key_record, cache=identities, now_ms=now_ms)
        check_origin(caller, exchange)
        check_may_call(caller)
    if moved.present.number != caller.documents.number:
        documents = learn(
            caller.tenant, moved.present, instead_of=caller.documents.number, cache=identities, now_ms=now_ms
        )  # fmt: skip
        caller = replace(caller, documents=documents)
        check_not_suspended(caller)
    return caller
