"""Failover looked at: whom a tenant's calls leave alone just now, and who would serve a call. Nothing is sent."""

from dataclasses import replace
from typing import Annotated

import msgspec

from access.tenant_keys import with_tenant_keys
from api.endpoint import ApiRequest, Nothing
from call.decision import Asked, Decision, decide
from core.bounds import DOCUMENT_CHARACTERS_MAX
from core.call.context import CallContext
from core.call.hop_plan import worst_nanousd
from core.ledger.health.messages import HealthRequest
from core.ledger.health.views import CoolingView, keeps_away
from core.money.amount import format_usd
from core.refusals import InvalidRequest, Refusal, RouteNotFound
from core.routing.failover import AS_ASKED, Attempt
from core.tenant.document import InvalidDocument
from core.tenant.failover.chains import Chain
from core.tenant.failover.document import FailoverDocument
from core.tenant.failover.reading import FAILOVER, judge_failover, parse_failover
from core.wire.translation.conversation import Untranslatable
from exchange import Answer, json_answer
from routes import ProxyRoute, proxy_route

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


CALLED_PATTERN = r"^/v1/(chat/completions|responses|messages|embeddings|proxy/[a-z]+/[!-~]+)$(?!\n)"
"""Where calls are sent to; which of a provider's paths those are, only the provider's list says."""


class ProvidersHealth(msgspec.Struct, frozen=True):
    """What the tenant's calls leave alone just now: by provider, account (a digest of its key), model or place."""

    cooling: tuple[CoolingView, ...]


class HealthQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the entries to clear: all of them, a provider's, or a model's."""

    provider: Name | None = None
    model: Name | None = None


class FailoverTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call to try: the path that it would be sent to (`/v1/chat/completions`), and its body. By the chains in force,
    or by others."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000, extra_json_schema={"pattern": CALLED_PATTERN})]
    body: msgspec.Raw
    failover: FailoverDocument | None = None


class TriedHop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may serve the call. `left_out` says why it would not; then nothing else is known of it."""

    provider: str
    model: str
    left_out: str | None = None
    dialect: str | None = None
    """In which it would be asked."""
    path: str | None = None
    estimated_cost_usd: str | None = None
    changes: tuple[str, ...] = ()
    """What of the request would be said otherwise, or dropped."""
    cooling_until_ms: int | None = None
    """It is left alone until then."""


class FailoverTried(msgspec.Struct, frozen=True, kw_only=True):
    """The chain that the call falls under, and everybody whom it would ask, in that order."""

    chain: str | None
    hops: tuple[TriedHop, ...]


async def read_health(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """What this tenant's calls leave alone, why, and until when."""
    return json_answer(ProvidersHealth((await request.ledger.tell(HealthRequest())).cooling))


async def clear_health(request: ApiRequest[HealthQuery, Nothing]) -> Answer:
    """Ask them again from now on. The answer is what is still left alone."""
    query = request.query
    if query.model is not None and query.provider is None:
        raise InvalidRequest("name the provider of the model, too", param="provider")
    asked = HealthRequest(clears=True, provider=query.provider, model=query.model)
    health = await request.ledger.tell(asked)
    request.exchange.isolate.cooling.learn(request.caller.tenant, health.cooling)
    return json_answer(ProvidersHealth(health.cooling))


async def try_failover(request: ApiRequest[Nothing, FailoverTest]) -> Answer:
    """Say who would serve a call, who would be left out, and why."""
    asked = _asked(request)
    asked.caller = await with_tenant_keys(asked.caller, asked.exchange)
    try:
        first = decide(asked, AS_ASKED)
    except Untranslatable as why:
        raise InvalidRequest(f"the call cannot be made: {why.feature}", param="body") from None
    asked.first, chain = first, first.chain
    health = await request.ledger.tell(HealthRequest())
    hops = [_hop_of(first, health.cooling, request.exchange.started_at_ms)]
    for place in range(1, 1 + (0 if chain is None else len(chain.hops))):
        assert chain is not None
        hops.append(_tried(asked, chain, place, health.cooling))
    return json_answer(FailoverTried(chain=None if chain is None else chain.id, hops=tuple(hops)))


def _asked(request: ApiRequest[Nothing, FailoverTest]) -> Asked:
    try:
        route = proxy_route("POST", request.body.path)
    except RouteNotFound as why:
        raise InvalidRequest(why.message, param="path") from None
    if not isinstance(route, ProxyRoute) or route.upstream.billing != "metered":
        raise InvalidRequest("path must be one that a call is sent to, such as /v1/chat/completions", param="path")
    caller = request.caller
    if request.body.failover is not None:
        text = msgspec.json.encode(request.body.failover).decode()
        if len(text) > DOCUMENT_CHARACTERS_MAX:
            raise InvalidRequest("the chains are too long", param="failover")
        try:
            judge_failover(text, request.exchange.started_at_ms, caller.prices)
        except InvalidDocument as error:
            raise InvalidRequest(f"the chains do not fit: {error}", param=f"failover.{error.param}") from None
        values = {**caller.documents.values, FAILOVER.name: parse_failover(text)}
        caller = replace(caller, documents=replace(caller.documents, values=values))
    return Asked(request.exchange, route, caller, CallContext(), bytes(request.body.body))


def _tried(asked: Asked, chain: Chain, place: int, cooling: tuple[CoolingView, ...]) -> TriedHop:
    hop = chain.hops[place - 1]
    attempt = Attempt(place, hop.provider, hop.model, allows_paid=chain.allows_paid)
    try:
        return _hop_of(decide(asked, attempt), cooling, asked.exchange.started_at_ms)
    except Untranslatable as why:
        return TriedHop(provider=hop.provider, model=hop.model, left_out=why.feature)
    except Refusal as refusal:
        return TriedHop(provider=hop.provider, model=hop.model, left_out=refusal.code)


def _hop_of(decision: Decision, cooling: tuple[CoolingView, ...], now_ms: int) -> TriedHop:
    plan, translation, target = decision.plan, decision.translation, decision.target
    view = None if target is None else keeps_away(cooling, target, now_ms)
    return TriedHop(
        provider=plan.provider,
        model=plan.parsed.model,
        dialect=plan.dialect.name,
        path=plan.path,
        estimated_cost_usd=format_usd(worst_nanousd(plan)),
        changes=() if translation is None else translation.changes,
        cooling_until_ms=None if view is None else view.until_ms,
    )
