"""What becomes of a metered call once its provider has answered, or has not: every way it can end, and what each costs.

Each function says how the call ended and hands that to `OpenCall.close`, the one exit; none of them waits for it.
"""

from dataclasses import replace
from typing import Literal

from call.long_answer import LongAnswerRelay
from call.relay import StreamRelay
from call.settlement import CallEnd, OpenCall
from core.money import pricing
from core.money.amount import format_usd
from core.money.text_size import text_tokens
from core.money.usage import Usage
from core.refusals import Refusal, UnreadableAnswer, UpstreamTimedOut, UpstreamUnreachable
from core.routing.forwarding import downstream_headers
from core.wire.dialects import InvalidAnswer
from core.wire.facts import AnswerFacts
from exchange import Answer, refused, with_headers
from ports import AttemptFailed, TooLong, UpstreamAnswer

UNHEARD_STATUSES = frozenset({520, 524})
"""Cloudflare's own words, in the place of a provider's, for a connection that was made and gave no answer: reset or
empty, and too late. Its others (521, 522, 523, 525, 526, 530) say that there was none."""


async def answer_of_call(call: OpenCall, answer: UpstreamAnswer | AttemptFailed) -> Answer:
    """The caller's answer to a metered call, its end already on its way to the ledger."""
    assert call.sent_at_ms is not None, "who was not asked does not answer"
    now_ms = call.exchange.ports.clock.now_ms()
    ttfb_ms = now_ms - call.sent_at_ms
    overhead_ms = now_ms - call.exchange.started_at_ms - ttfb_ms
    headers = {**_call_headers(call), "x-agentwatch-overhead-ms": str(overhead_ms)}
    if isinstance(answer, AttemptFailed):
        return with_headers(_failed(call, answer), headers)
    if answer.status >= 300:
        return with_headers(_upstream_error(call, answer), headers)
    framing = _framing_of(call, answer)
    if framing is not None:
        return _streamed(call, answer, headers, overhead_ms, is_sse=framing == "sse")
    return await _read(call, answer, headers, ttfb_ms, overhead_ms)


def refusal_of(failure: AttemptFailed) -> Refusal:
    """Why a provider gave no answer at all, as a refusal."""
    if failure.kind == "first_byte_timeout":
        return UpstreamTimedOut("the provider did not begin to answer in time")
    return UpstreamUnreachable("the provider could not be reached")


def _call_headers(call: OpenCall) -> dict[str, str]:
    """What is known of a metered call however it ends."""
    headers = {
        "x-agentwatch-request-id": call.exchange.request_id,
        "x-agentwatch-provider": call.plan.provider,
        "x-agentwatch-attempts": "1",
        **call.rules.headers(),
    }
    if call.output_ceiling_tokens is not None:
        headers["x-agentwatch-max-tokens"] = str(call.output_ceiling_tokens)
    rate = call.receipt.rate
    if rate is not None:
        headers["x-ratelimit-limit-requests"] = str(rate.limit_per_minute)
        headers["x-ratelimit-remaining-requests"] = str(rate.remaining)
        headers["x-ratelimit-reset-requests"] = f"{rate.reset_ms}ms"
    return headers


def _failed(call: OpenCall, failure: AttemptFailed, status: int | None = None) -> Answer:
    """No answer came, or none with an end."""
    refusal = refusal_of(failure) if status is None else _unreadable()
    if failure.kind == "client_gone":
        call.close_unheard(None, outcome="client_disconnected", status=status)
    else:
        call.close_unheard(refusal.code, status=status)
    return refused(refusal, call.plan.dialect, call.exchange.request_id)


def _unreadable() -> UnreadableAnswer:
    return UnreadableAnswer("the provider's answer broke off or was not valid; it may have billed it")


def _upstream_error(call: OpenCall, answer: UpstreamAnswer) -> Answer:
    """The provider's own error or redirection, passed on; providers do not bill those."""
    if answer.status in UNHEARD_STATUSES:
        call.close_unheard("upstream_error", status=answer.status)
    call.close(CallEnd("failed", Usage(), 0, answer.status, is_estimated=False, error_code="upstream_error"))
    return Answer(answer.status, downstream_headers(answer.headers), answer.untouched())


async def _read(
    call: OpenCall, answer: UpstreamAnswer, headers: dict[str, str], ttfb_ms: int, overhead_ms: int
) -> Answer:
    """A complete answer: read it, price it, settle after it has gone out."""
    plan = call.plan
    headers = {**downstream_headers(answer.headers), **headers}
    body = await answer.read()
    if isinstance(body, AttemptFailed):
        return with_headers(_failed(call, body, answer.status), headers)
    if isinstance(body, TooLong):
        relay = LongAnswerRelay(call, status=answer.status, ttfb_ms=ttfb_ms, overhead_ms=overhead_ms)
        return Answer(answer.status, headers, relay.over(answer))
    try:
        facts = plan.dialect.read_answer(body)
    except InvalidAnswer:
        call.close_unheard(UnreadableAnswer.code, status=answer.status)
        return with_headers(refused(_unreadable(), plan.dialect, call.exchange.request_id), headers)
    if facts.usage is None and facts.error_code is not None:
        call.close(CallEnd("failed", Usage(), 0, answer.status, is_estimated=False, error_code=facts.error_code))
        return Answer(answer.status, headers, body)
    usage, cost = _used(call, facts, body)
    end = CallEnd(
        "complete",
        usage,
        cost,
        answer.status,
        is_estimated=facts.usage is None or facts.usage.is_beyond_belief,
        model=facts.model,
        answer_ids=(facts.answer_id, facts.conversation_id),
        ttfb_ms=ttfb_ms,
        overhead_ms=overhead_ms,
    )
    call.close(end)
    return Answer(answer.status, {**headers, **_money_headers(call, cost)}, body)


def _used(call: OpenCall, facts: AnswerFacts, body: bytes) -> tuple[Usage, int]:
    """What a complete answer used and costs. Without the provider's counts that is its input and its whole body, both
    estimated high and at most what is held; or all that is held, where it may have thought out of sight."""
    plan = call.plan
    usage = facts.usage or _estimated_usage(call, facts, body)
    cost = pricing.cost_nanousd(usage, plan.price, service_tier=facts.service_tier or plan.parsed.service_tier)
    if facts.usage is None:
        is_unseen = plan.hides_reasoning and not facts.is_blocked
        cost = call.receipt.granted_nanousd if is_unseen else min(cost, call.receipt.granted_nanousd)
    return usage, 0 if plan.is_free else cost


def _estimated_usage(call: OpenCall, facts: AnswerFacts, body: bytes) -> Usage:
    """What an answer without usage is taken to have used: its input and its whole body, both estimated high. Of a
    prompt that was turned away Google charges the input, as the counts say that it mostly sends with it."""
    parsed, prompt = call.plan.parsed, call.plan.costing.prompt
    if facts.is_blocked or not parsed.has_output:
        return prompt
    return replace(prompt, output_tokens=text_tokens(body, parsed.model) + parsed.unshown_output_tokens)


def _framing_of(call: OpenCall, answer: UpstreamAnswer) -> Literal["sse", "json_array"] | None:
    """How an answer is streamed. A provider may answer a call for a stream with one plain document instead: None."""
    if not call.plan.parsed.is_streaming:
        return None
    if answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
        return "sse"
    return "json_array" if call.plan.dialect.name == "gemini" else None


def _streamed(
    call: OpenCall, answer: UpstreamAnswer, headers: dict[str, str], overhead_ms: int, *, is_sse: bool
) -> Answer:
    relay = StreamRelay(
        call,
        status=answer.status,
        is_sse=is_sse,
        overhead_ms=overhead_ms,
        settings=call.exchange.isolate.settings,
    )
    return Answer(answer.status, {**downstream_headers(answer.headers), **headers}, relay.over(answer))


def _money_headers(call: OpenCall, cost_nanousd: int) -> dict[str, str]:
    """What a complete call cost, and the session's numbers with it."""
    headers = {"x-agentwatch-cost-usd": format_usd(cost_nanousd)}
    session = call.receipt.session
    if session is not None:
        spent = session.spent_nanousd + cost_nanousd
        headers["x-agentwatch-session-spent-usd"] = format_usd(spent)
        if session.limit_nanousd is not None:
            headers["x-agentwatch-session-remaining-usd"] = format_usd(max(0, session.limit_nanousd - spent))
    return headers
