"""What happens to a request, top to bottom.

A metered call: route, authenticate, parse, price, hold the money, send, then stream or read, then settle and record.
From the hold on there is one exit, `close_call`, whatever happens. Every refusal is raised as a `Refusal` and rendered
here, once, in the caller's dialect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

import admin
from accounting import CallEnd, OpenCall, close_call, new_record, send_record
from budgets import Hold, hold_money
from core import estimate, price_book, pricing
from core.call_context import CallContext, read_call_context
from core.calls import ParsedCall
from core.dialects import DIALECTS, Dialect, InvalidAnswer, refusal_headers
from core.forwarding import downstream_headers, upstream_headers
from core.money import format_usd
from core.outage import OutageAllowance
from core.price_book import Price, Unpriced
from core.providers import PROVIDERS
from core.reasoning import hides_reasoning
from core.refusals import (
    InvalidRequest,
    ProviderKeyMissing,
    Refusal,
    UnmeteredPath,
    UnpricedModel,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from core.telemetry import Outcome
from core.text_size import text_tokens
from core.usage import Usage
from exchange import Answer, Inbound
from identity import Caller, IdentityCache, identify
from ports import AttemptFailed, Ports, UpstreamAnswer, UpstreamBroken, UpstreamRequest
from routes import HealthRoute, ProxyRoute, errors_in, resolve
from settings import Settings
from streaming import StreamRelay

SLICE_OUTPUT_TOKENS = 512
"""Output paid for at a time when a stream is held in slices: a few seconds of generation."""


@dataclass(frozen=True, slots=True)
class Isolate:
    """What outlives a request in this isolate: settings, caches, and the outage allowance with what it owes."""

    settings: Settings
    identities: IdentityCache = field(default_factory=IdentityCache)
    outage: OutageAllowance = field(default_factory=OutageAllowance)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its way through: who asked what, when, and the means to answer."""

    request: Inbound
    request_id: str
    started_at_ms: int
    ports: Ports
    isolate: Isolate


async def handle(request: Inbound, ports: Ports, isolate: Isolate) -> Answer:
    """Answer any request; every refusal becomes an answer in the caller's dialect."""
    visit = Visit(request, ports.ids.new("req_"), ports.clock.now_ms(), ports, isolate)
    try:
        route = resolve(request.method, request.path)
        if isinstance(route, HealthRoute):
            return admin.health()
        caller = await identify(request.headers, ports=ports, settings=isolate.settings, cache=isolate.identities)
        if not isinstance(route, ProxyRoute):
            answer = await admin.answer(route, request, caller, ports)
            return _with_headers(answer, {"x-agentwatch-request-id": visit.request_id})
        if route.upstream.charge == "metered":
            return await _metered_call(visit, route, caller)
        return await _free_call(visit, route, caller)
    except Refusal as refusal:
        return refused(refusal, DIALECTS[errors_in(request.path)], visit.request_id)


def refused(refusal: Refusal, dialect: Dialect, request_id: str) -> Answer:
    """A refusal as the caller's own SDK understands it."""
    headers = {
        "content-type": "application/json",
        "x-agentwatch-request-id": request_id,
        **refusal_headers(refusal),
    }
    return Answer(refusal.status, headers, dialect.render_refusal(refusal, request_id))


async def _metered_call(visit: Visit, route: ProxyRoute, caller: Caller) -> Answer:
    context = read_call_context(visit.request.headers)
    dialect = DIALECTS[route.upstream.dialect]
    parsed = dialect.parse_request(visit.request.body, path=route.upstream.path)
    provider, parsed = _provider_of(route, parsed)
    key, key_header = _provider_key(caller, provider, visit.isolate.settings)
    price, is_free = _price_of(provider, parsed.model, caller, visit.started_at_ms)
    worst = estimate.worst_case(parsed, price)
    if is_free:
        worst = replace(worst, prompt_nanousd=0, least_nanousd=0, want_nanousd=0)
    slice_nanousd = None if is_free else _slice_nanousd(provider, parsed, price)
    try:
        hold = await hold_money(
            worst,
            caller=caller,
            context=context,
            slice_nanousd=slice_nanousd,
            hold_ttl_ms=visit.isolate.settings.hold_ttl_ms,
            ports=visit.ports,
            outage=visit.isolate.outage,
        )
    except Refusal as refusal:
        _record_refusal(visit, route, caller, context, provider, parsed, refusal)
        raise
    is_sliced = slice_nanousd is not None
    ceiling = None if is_sliced else _clamped_ceiling(parsed, price, hold)
    call = OpenCall(
        request_id=visit.request_id,
        started_at_ms=visit.started_at_ms,
        caller=caller,
        context=context,
        provider=provider,
        path=_path_in(provider, route),
        dialect=dialect.name,
        parsed=parsed,
        price=price,
        is_free=is_free,
        hold=hold,
        is_clamped=ceiling is not None,
    )
    body = _body_to_send(visit.request.body, dialect, route, parsed, ceiling)
    sent_at_ms = visit.ports.clock.now_ms()
    answer = await _send(visit, call.provider, call.path, body, key, key_header)
    ttfb_ms = visit.ports.clock.now_ms() - sent_at_ms
    headers = _call_headers(call, ceiling, visit, ttfb_ms)
    if isinstance(answer, AttemptFailed):
        return _failed(visit, call, answer, dialect, headers)
    if answer.status >= 400:
        return await _upstream_error(visit, call, answer, headers)
    if parsed.is_streaming:
        return _streamed(visit, call, answer, dialect, headers, slice_nanousd)
    return await _read(visit, call, answer, dialect, headers, ttfb_ms)


async def _free_call(visit: Visit, route: ProxyRoute, caller: Caller) -> Answer:
    """A path that costs nothing, or one the tenant lets through unmetered: passed on as it is."""
    assert route.provider is not None, "the unified endpoint is always metered"
    request = visit.request
    if route.upstream.charge == "unmetered" and not caller.policy.allows_unmetered_paths:
        raise UnmeteredPath(
            f"{request.method} {route.upstream.path} may cost money in a way that is not metered; "
            "the tenant's configuration can let such paths through"
        )
    if request.headers.get("upgrade"):
        raise UnmeteredPath("connections that leave HTTP cannot be metered", param="upgrade")
    key, key_header = _provider_key(caller, route.provider, visit.isolate.settings)
    body = None if request.method in ("GET", "HEAD", "DELETE") else request.body
    answer = await _send(visit, route.provider, route.upstream.path, body, key, key_header)
    headers = {
        "x-agentwatch-request-id": visit.request_id,
        "x-agentwatch-provider": route.provider,
    }
    if isinstance(answer, AttemptFailed):
        return _with_headers(
            refused(_refusal_of(answer), DIALECTS[route.upstream.dialect], visit.request_id),
            headers,
        )
    return Answer(answer.status, {**downstream_headers(answer.headers), **headers}, answer.untouched())


# Before the money -----------------------------------------------------------------------------------------


def _provider_of(route: ProxyRoute, parsed: ParsedCall) -> tuple[str, ParsedCall]:
    """The provider of a call; on the unified endpoint `model` names it, or the price table knows it."""
    if route.provider is not None:
        return route.provider, parsed
    provider, slash, model = parsed.model.partition("/")
    if slash and provider in PROVIDERS:
        return provider, replace(parsed, model=model)
    providers = price_book.providers_of(parsed.model)
    if not providers:
        raise InvalidRequest(
            f"model must be provider/model with a provider of {', '.join(PROVIDERS)}, or a listed model",
            param="model",
        )
    return providers[0], parsed


def _path_in(provider: str, route: ProxyRoute) -> str:
    if route.provider is None and provider == "gemini":
        return "v1beta/openai/" + route.upstream.path
    return route.upstream.path


def _provider_key(caller: Caller, provider: str, settings: Settings) -> tuple[str, str | None]:
    if caller.provider_key is not None:
        return caller.provider_key, caller.provider_key_header
    key = settings.provider_keys.get(provider)
    if key is None:
        raise ProviderKeyMissing(
            f"no key for {provider}: send your own behind the token (aw_live_…:your-key) or set "
            f"the secret {PROVIDERS[provider].secret_name}"
        )
    return key, None


def _price_of(provider: str, model: str, caller: Caller, now_ms: int) -> tuple[Price, bool]:
    """The price of a model, and whether the tenant's policy makes this unpriced one free."""
    price = price_book.find(provider, model, at_ms=now_ms)
    if not isinstance(price, Unpriced):
        return price, False
    if caller.policy.unpriced_models == "block":
        raise UnpricedModel(f"{provider} model {model[:100]!r} has no listed price", param="model")
    return price_book.stand_in(provider), caller.policy.unpriced_models == "free"


def _slice_nanousd(provider: str, parsed: ParsedCall, price: Price) -> int | None:
    """What a metered stream holds at first: its input and a slice of output. None holds the whole."""
    if not parsed.is_streaming or parsed.web_search_calls_max or hides_reasoning(provider, parsed.model):
        return None
    ceiling = parsed.output_tokens_max or SLICE_OUTPUT_TOKENS
    sliced = replace(parsed, output_tokens_max=min(ceiling, SLICE_OUTPUT_TOKENS))
    return estimate.worst_case(sliced, price).want_nanousd


def _clamped_ceiling(parsed: ParsedCall, price: Price, hold: Hold) -> int | None:
    """The lowered output ceiling of a call whose hold is short of its worst case; None leaves it as it is."""
    if hold.is_full or not parsed.has_output:
        return None
    return estimate.output_ceiling_within(parsed, price, hold.granted_nanousd)


def _body_to_send(body: bytes, dialect: Dialect, route: ProxyRoute, parsed: ParsedCall, ceiling: int | None) -> bytes:
    """The caller's own bytes, unless something must change."""
    needs_usage = _injects_usage(parsed)
    model = parsed.model if route.provider is None else None
    if ceiling is None and not needs_usage and model is None:
        return body
    return dialect.with_changes(body, output_tokens_max=ceiling, model=model, include_usage=needs_usage)


def _injects_usage(parsed: ParsedCall) -> bool:
    """A stream whose caller did not ask for usage is made to tell it; the relay takes it out again."""
    return parsed.is_streaming and not parsed.wants_stream_usage


def _record_refusal(
    visit: Visit,
    route: ProxyRoute,
    caller: Caller,
    context: CallContext,
    provider: str,
    parsed: ParsedCall,
    refusal: Refusal,
) -> None:
    record = new_record(
        request_id=visit.request_id,
        started_at_ms=visit.started_at_ms,
        caller=caller,
        context=context,
        provider=provider,
        path=route.upstream.path,
        dialect=route.upstream.dialect,
    )
    record = msgspec.structs.replace(record, model=parsed.model, is_streaming=parsed.is_streaming)
    record = record.refused(refusal, ended_at_ms=visit.ports.clock.now_ms())
    visit.ports.defer(send_record(record, visit.ports.ledger_of(caller.tenant), visit.ports))


# The provider ---------------------------------------------------------------------------------------------


async def _send(
    visit: Visit, provider: str, path: str, body: bytes | None, key: str, key_header: str | None
) -> UpstreamAnswer | AttemptFailed:
    settings = visit.isolate.settings
    query = visit.request.query
    headers = upstream_headers(visit.request.headers, PROVIDERS[provider], path=path, key=key, key_header=key_header)
    return await visit.ports.upstream.send(
        UpstreamRequest(
            method=visit.request.method,
            url=f"{settings.base_urls[provider]}/{path}" + (f"?{query}" if query else ""),
            headers=headers,
            body=body,
            first_byte_timeout_ms=settings.first_byte_timeout_ms,
        )
    )


def _refusal_of(failure: AttemptFailed) -> Refusal:
    if failure.kind == "first_byte_timeout":
        return UpstreamTimedOut("the provider did not begin to answer in time")
    return UpstreamUnreachable("the provider could not be reached")


def _call_headers(call: OpenCall, ceiling: int | None, visit: Visit, upstream_ms: int) -> dict[str, str]:
    """What is known of a metered call once the provider has begun to answer."""
    overhead_ms = visit.ports.clock.now_ms() - visit.started_at_ms - upstream_ms
    headers = {
        "x-agentwatch-request-id": call.request_id,
        "x-agentwatch-provider": call.provider,
        "x-agentwatch-attempts": "1",
        "x-agentwatch-overhead-ms": str(overhead_ms),
    }
    if ceiling is not None:
        headers["x-agentwatch-max-tokens"] = str(ceiling)
    rate = call.hold.rate
    if rate is not None:
        headers["x-ratelimit-limit-requests"] = str(rate.limit_per_minute)
        headers["x-ratelimit-remaining-requests"] = str(rate.remaining)
        headers["x-ratelimit-reset-requests"] = f"{rate.reset_ms}ms"
    return headers


# After the money ------------------------------------------------------------------------------------------


def _failed(
    visit: Visit,
    call: OpenCall,
    failure: AttemptFailed,
    dialect: Dialect,
    headers: Mapping[str, str],
) -> Answer:
    refusal = _refusal_of(failure)
    outcome: Outcome = "client_disconnected" if failure.kind == "client_gone" else "failed"
    end = CallEnd(outcome, Usage(), 0, None, is_estimated=False, error_code=refusal.code)
    visit.ports.defer(close_call(call, end, visit.ports, visit.isolate.outage))
    return _with_headers(refused(refusal, dialect, call.request_id), headers)


async def _upstream_error(visit: Visit, call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str]) -> Answer:
    """The provider's own error, passed on; providers do not bill those."""
    end = CallEnd("failed", Usage(), 0, answer.status, is_estimated=False, error_code="upstream_error")
    visit.ports.defer(close_call(call, end, visit.ports, visit.isolate.outage))
    return Answer(answer.status, {**downstream_headers(answer.headers), **headers}, answer.untouched())


async def _read(
    visit: Visit,
    call: OpenCall,
    answer: UpstreamAnswer,
    dialect: Dialect,
    headers: Mapping[str, str],
    ttfb_ms: int,
) -> Answer:
    """A complete answer: read it, price it, settle after it has gone out."""
    try:
        body = await answer.read()
        facts = dialect.read_answer(body)
    except (UpstreamBroken, InvalidAnswer):
        # The provider said 200, so it has generated and will bill; nothing tells how much, so the hold is charged.
        usage = estimate.prompt_usage(call.parsed.prompt, call.price)
        end = CallEnd(
            "failed",
            usage,
            call.hold.granted_nanousd,
            answer.status,
            is_estimated=True,
            error_code="invalid_answer",
        )
        visit.ports.defer(close_call(call, end, visit.ports, visit.isolate.outage))
        refusal = UpstreamUnreachable("the provider's answer broke off or was not valid")
        return _with_headers(refused(refusal, dialect, call.request_id), headers)
    usage = facts.usage or _estimated_usage(call, body)
    cost = pricing.cost_nanousd(usage, call.price, service_tier=facts.service_tier or call.parsed.service_tier)
    cost = 0 if call.is_free else cost
    end = CallEnd(
        "complete",
        usage,
        cost,
        answer.status,
        is_estimated=facts.usage is None,
        model=facts.model,
        ttfb_ms=ttfb_ms,
        overhead_ms=int(headers["x-agentwatch-overhead-ms"]),
    )
    visit.ports.defer(close_call(call, end, visit.ports, visit.isolate.outage))
    return Answer(
        answer.status,
        {**downstream_headers(answer.headers), **headers, **_money_headers(call, cost)},
        body,
    )


def _estimated_usage(call: OpenCall, body: bytes) -> Usage:
    """What an answer without usage is taken to have used: its input and its whole body, both estimated high."""
    prompt = estimate.prompt_usage(call.parsed.prompt, call.price)
    if not call.parsed.has_output:
        return prompt
    return replace(prompt, output_tokens=text_tokens(body, call.parsed.model))


def _streamed(
    visit: Visit,
    call: OpenCall,
    answer: UpstreamAnswer,
    dialect: Dialect,
    headers: Mapping[str, str],
    slice_nanousd: int | None,
) -> Answer:
    relay = StreamRelay(
        call,
        dialect,
        slice_nanousd=slice_nanousd or max(1, call.hold.granted_nanousd),
        strips_usage=_injects_usage(call.parsed),
        status=answer.status,
        overhead_ms=int(headers["x-agentwatch-overhead-ms"]),
        ports=visit.ports,
        outage=visit.isolate.outage,
        settings=visit.isolate.settings,
    )
    return Answer(answer.status, {**downstream_headers(answer.headers), **headers}, answer.relayed(relay))


def _money_headers(call: OpenCall, cost_nanousd: int) -> dict[str, str]:
    """What a complete call cost, and the session's numbers with it."""
    headers = {"x-agentwatch-cost-usd": format_usd(cost_nanousd)}
    session = call.hold.session
    if session is not None:
        spent = session.spent_nanousd + cost_nanousd
        headers["x-agentwatch-session-spent-usd"] = format_usd(spent)
        if session.limit_nanousd is not None:
            headers["x-agentwatch-session-remaining-usd"] = format_usd(max(0, session.limit_nanousd - spent))
    return headers


def _with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
