"""What becomes of a metered call once its provider has answered, or has not: every way it can end, and what each costs.

Each function says how the call ended and hands that to `close_call`, the one exit; none of them waits for it.
"""

from dataclasses import replace
from typing import Literal

from accounting import CallEnd, OpenCall, close_call
from core import estimate, pricing
from core.dialects import InvalidAnswer
from core.forwarding import downstream_headers
from core.money import format_usd
from core.refusals import Refusal, UpstreamTimedOut, UpstreamUnreachable
from core.telemetry import Outcome
from core.text_size import text_tokens
from core.usage import Usage
from exchange import Answer
from ports import AttemptFailed, UpstreamAnswer, UpstreamBroken
from streaming import StreamRelay
from visit import Visit, refused, with_headers


async def answer_of_call(
    visit: Visit, call: OpenCall, answer: UpstreamAnswer | AttemptFailed, *, sent_at_ms: int
) -> Answer:
    """The caller's answer to a metered call, its end already on its way to the ledger."""
    now_ms = visit.ports.clock.now_ms()
    ttfb_ms = now_ms - sent_at_ms
    overhead_ms = now_ms - visit.started_at_ms - ttfb_ms
    headers = {**_call_headers(call), "x-agentwatch-overhead-ms": str(overhead_ms)}
    if isinstance(answer, AttemptFailed):
        return with_headers(_failed(visit, call, answer), headers)
    if answer.status >= 300:
        return with_headers(_upstream_error(visit, call, answer), headers)
    if call.plan.parsed.is_streaming and _framing_of(call, answer) != "none":
        return with_headers(_streamed(visit, call, answer, overhead_ms), headers)
    return with_headers(await _read(visit, call, answer, ttfb_ms, overhead_ms), headers)


def refusal_of(failure: AttemptFailed) -> Refusal:
    """Why a provider gave no answer at all, as a refusal."""
    if failure.kind == "first_byte_timeout":
        return UpstreamTimedOut("the provider did not begin to answer in time")
    return UpstreamUnreachable("the provider could not be reached")


def _call_headers(call: OpenCall) -> dict[str, str]:
    """What is known of a metered call however it ends."""
    headers = {
        "x-agentwatch-request-id": call.request_id,
        "x-agentwatch-provider": call.plan.provider,
        "x-agentwatch-attempts": "1",
    }
    if call.output_ceiling_tokens is not None:
        headers["x-agentwatch-max-tokens"] = str(call.output_ceiling_tokens)
    rate = call.hold.rate
    if rate is not None:
        headers["x-ratelimit-limit-requests"] = str(rate.limit_per_minute)
        headers["x-ratelimit-remaining-requests"] = str(rate.remaining)
        headers["x-ratelimit-reset-requests"] = f"{rate.reset_ms}ms"
    return headers


def _failed(visit: Visit, call: OpenCall, failure: AttemptFailed) -> Answer:
    refusal = refusal_of(failure)
    outcome: Outcome = "client_disconnected" if failure.kind == "client_gone" else "failed"
    _close(visit, call, CallEnd(outcome, Usage(), 0, None, is_estimated=False, error_code=refusal.code))
    return refused(refusal, call.plan.dialect, call.request_id)


def _upstream_error(visit: Visit, call: OpenCall, answer: UpstreamAnswer) -> Answer:
    """The provider's own error or redirection, passed on; providers do not bill those."""
    _close(visit, call, CallEnd("failed", Usage(), 0, answer.status, is_estimated=False, error_code="upstream_error"))
    return Answer(answer.status, downstream_headers(answer.headers), answer.untouched())


async def _read(visit: Visit, call: OpenCall, answer: UpstreamAnswer, ttfb_ms: int, overhead_ms: int) -> Answer:
    """A complete answer: read it, price it, settle after it has gone out."""
    plan = call.plan
    try:
        body = await answer.read()
        facts = plan.dialect.read_answer(body)
    except (UpstreamBroken, InvalidAnswer):
        return _unreadable(visit, call, answer.status)
    usage = facts.usage or _estimated_usage(call, body)
    cost = pricing.cost_nanousd(usage, plan.price, service_tier=facts.service_tier or plan.parsed.service_tier)
    cost = 0 if plan.is_free else cost
    end = CallEnd(
        "complete",
        usage,
        cost,
        answer.status,
        is_estimated=facts.usage is None,
        model=facts.model,
        ttfb_ms=ttfb_ms,
        overhead_ms=overhead_ms,
    )
    _close(visit, call, end)
    return Answer(answer.status, {**downstream_headers(answer.headers), **_money_headers(call, cost)}, body)


def _unreadable(visit: Visit, call: OpenCall, status: int) -> Answer:
    """The provider said 200, so it has generated and will bill; nothing tells how much, so the hold is charged."""
    usage = estimate.prompt_usage(call.plan.parsed.prompt, call.plan.price)
    charge = call.hold.granted_nanousd
    _close(visit, call, CallEnd("failed", usage, charge, status, is_estimated=True, error_code="invalid_answer"))
    refusal = UpstreamUnreachable("the provider's answer broke off or was not valid")
    return refused(refusal, call.plan.dialect, call.request_id)


def _estimated_usage(call: OpenCall, body: bytes) -> Usage:
    """What an answer without usage is taken to have used: its input and its whole body, both estimated high."""
    parsed = call.plan.parsed
    prompt = estimate.prompt_usage(parsed.prompt, call.plan.price)
    if not parsed.has_output:
        return prompt
    return replace(prompt, output_tokens=text_tokens(body, parsed.model))


def _framing_of(call: OpenCall, answer: UpstreamAnswer) -> Literal["sse", "json_array", "none"]:
    """How an answer is streamed. A provider may answer a call for a stream with one plain document instead."""
    content_type = answer.headers.get("content-type", "").lower()
    if content_type.startswith("text/event-stream"):
        return "sse"
    return "json_array" if call.plan.dialect.name == "gemini" else "none"


def _streamed(visit: Visit, call: OpenCall, answer: UpstreamAnswer, overhead_ms: int) -> Answer:
    relay = StreamRelay(
        call,
        status=answer.status,
        is_sse=_framing_of(call, answer) == "sse",
        overhead_ms=overhead_ms,
        ports=visit.ports,
        outage=visit.isolate.outage,
        settings=visit.isolate.settings,
    )
    return Answer(answer.status, downstream_headers(answer.headers), answer.relayed(relay))


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


def _close(visit: Visit, call: OpenCall, end: CallEnd) -> None:
    visit.ports.defer(close_call(call, end, visit.ports, visit.isolate.outage))
