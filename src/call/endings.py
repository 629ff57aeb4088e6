"""What becomes of a metered call once its provider has answered, or has not: every way it can end, and what each costs.

Each function says how the call ended and hands that to `OpenCall.close`, the one exit; none of them waits for it. The
one exception is an attempt that failed before its caller has heard anything: its end is a value (`Failed`), because
somebody else may be asked. The rule easy to break: whether somebody is, is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from call.long_answer import LongAnswerRelay
from call.relay import StreamRelay
from call.rules import NAMES_SHOWN_MAX, in_header
from call.settlement import CallEnd, OpenCall, Trail
from core.call.opening import HOLD_BACK_MS, Opening
from core.money import pricing
from core.money.amount import format_usd
from core.money.text_size import text_tokens
from core.money.usage import Usage
from core.refusals import Refusal, UnreadableAnswer, UpstreamTimedOut, UpstreamUnreachable
from core.routing.answer_faults import Fault, fault_at_end, fault_in_answer
from core.routing.failure import Failure, Silence, classify, error_in_place, is_asked_for, of_answer, of_silence
from core.routing.forwarding import downstream_headers, translated_headers
from core.wire.dialects import InvalidAnswer, rate_headers
from core.wire.facts import AnswerFacts
from core.wire.streams import open_reader
from core.wire.translation.answer import Identity
from core.wire.translation.errors import read_error, write_error
from exchange import Answer, refused, with_headers
from ports import AttemptFailed, TooLong, UpstreamAnswer

UNHEARD_STATUSES = frozenset({520, 524})
"""Cloudflare's own words, in the place of a provider's, for a connection that was made and gave no answer: reset or
empty, and too late. Its others (521, 522, 523, 525, 526, 530) say that there was none."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt of which its caller has heard nothing so far. Its call stays open until somebody ends it."""

    end: CallEnd
    failure: Failure
    answer: Answer
    """What the caller is told if nobody else serves the call."""


async def answer_of_call(call: OpenCall, answer: UpstreamAnswer | AttemptFailed, silence_ms: int) -> Answer | Failed:
    """The caller's answer to a metered call, its end already on its way to the ledger; or why there is none. A stream
    of a call that others could serve has `silence_ms` to begin."""
    assert call.sent_at_ms is not None, "who was not asked does not answer"
    clock = call.exchange.ports.clock
    now_ms = clock.now_ms() if isinstance(answer, AttemptFailed) else answer.answered_at_ms
    ttfb_ms = now_ms - call.sent_at_ms
    overhead_ms = now_ms - call.exchange.started_at_ms - ttfb_ms - call.trail.waited_ms
    headers = {**_call_headers(call), "x-agentwatch-overhead-ms": str(overhead_ms)}
    if isinstance(answer, AttemptFailed):
        return _failed(call, answer, headers)
    if answer.status >= 300:
        return await _upstream_error(call, answer, headers)
    framing = _framing_of(call, answer)
    if framing is None:
        return await _read(call, answer, headers, ttfb_ms, overhead_ms)
    if call.target is not None:
        failed = await _failed_at_once(call, answer, headers, silence_ms)
        if failed is not None:
            return failed
    return _streamed(call, answer, headers, overhead_ms, is_sse=framing == "sse")


def refusal_of(failure: AttemptFailed) -> Refusal:
    """Why a provider gave no answer at all, as a refusal."""
    if failure.kind == "first_byte_timeout":
        return UpstreamTimedOut("the provider did not begin to answer in time")
    return UpstreamUnreachable("the provider could not be reached")


def failover_headers(trail: Trail) -> dict[str, str]:
    """Whom a call has asked before, and whom it has left out."""
    said = {
        "x-agentwatch-asked-model": trail.asked_model or "",
        "x-agentwatch-failover-reason": ", ".join(trail.failed),
        "x-agentwatch-failover-skipped": ", ".join(trail.skipped),
    }
    return {name: in_header(text) for name, text in said.items() if text}


def _call_headers(call: OpenCall) -> dict[str, str]:
    """What is known of a metered call however it ends."""
    plan = call.plan
    headers = {
        "x-agentwatch-request-id": call.exchange.request_id,
        "x-agentwatch-provider": plan.provider,
        "x-agentwatch-model": in_header(f"{plan.provider}/{plan.parsed.model}"),
        "x-agentwatch-attempts": str(call.trail.attempt),
        **call.rules.headers(),
        **failover_headers(call.trail),
    }
    if call.translation is not None and call.translation.changes:
        headers["x-agentwatch-dropped"] = in_header(", ".join(call.translation.changes[:NAMES_SHOWN_MAX]))
    if call.output_ceiling_tokens is not None:
        headers["x-agentwatch-max-tokens"] = str(call.output_ceiling_tokens)
    rate = call.receipt.rate
    if rate is not None:
        headers |= rate_headers(rate.limit_per_minute, rate.remaining, rate.reset_ms)
    return headers


def _answer_headers(call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str]) -> dict[str, str]:
    """The provider's headers as the caller may see them, and ours. Of an answer that is said in another dialect only
    those that mean the same there."""
    if call.translation is None:
        return {**downstream_headers(answer.headers), **headers}
    return {**translated_headers(answer.headers), **headers}


# Failures -------------------------------------------------------------------------------------------------


def _failed(
    call: OpenCall, failure: AttemptFailed, headers: Mapping[str, str], status: int | None = None
) -> Answer | Failed:
    """No answer came, or none with an end."""
    refusal = refusal_of(failure) if status is None else _unreadable()
    told = with_headers(refused(refusal, call.spoken, call.exchange.request_id), headers)
    if failure.kind == "client_gone":
        call.close_unheard(None, outcome="client_disconnected", status=status)
        return told
    end = call.unheard(refusal.code, status=status)
    kept: Silence = "uncertain" if end.cost_nanousd else "network"
    return Failed(end, of_silence("timeout" if failure.kind == "first_byte_timeout" else kept), told)


def _unreadable() -> UnreadableAnswer:
    return UnreadableAnswer("the provider's answer broke off or was not valid; it may have billed it")


async def _upstream_error(call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str]) -> Answer | Failed:
    """The provider's own error or redirection, passed on; providers do not bill those."""
    headers = _answer_headers(call, answer, headers)
    end = CallEnd("failed", Usage(), 0, answer.status, is_estimated=False, error_code="upstream_error")
    if answer.status in UNHEARD_STATUSES:
        end = call.unheard("upstream_error", status=answer.status)
    if call.target is None and call.translation is None:
        call.close(end)
        return Answer(answer.status, headers, answer.untouched())
    body = await answer.read()
    if isinstance(body, AttemptFailed) and body.kind == "client_gone":
        return _failed(call, body, headers, answer.status)
    if isinstance(body, TooLong):
        answer.discard()
    said = body if isinstance(body, bytes) else b""
    failure = classify(
        call.plan.provider,
        status=answer.status,
        headers=answer.headers,
        body=said,
        is_own_key=call.is_own_key,
        now_ms=call.exchange.ports.clock.now_ms(),
    )
    if failure.kind == "bad_tool_call":  # it has generated what it then did not like
        usage = _estimated_usage(call, None, said)
        cost = min(pricing.cost_nanousd(usage, call.plan.price), call.receipt.granted_nanousd)
        end = replace(end, usage=usage, cost_nanousd=0 if call.plan.is_free else cost, is_estimated=True)
    if call.target is not None:
        end = replace(end, error_code=failure.kind)
    if call.translation is not None:
        headers = {**headers, "content-type": "application/json"}
        said = call.translation.error(said, answer.status, call.exchange.request_id)
    return Failed(end, failure, Answer(answer.status, headers, said))


def _error_in_place(
    call: OpenCall, answer: UpstreamAnswer, error: bytes, headers: Mapping[str, str], *, is_whole: bool
) -> Failed:
    """An error under a status that says that all went well: the whole answer, or an event of a stream, which is then
    told like any other error."""
    status = answer.status
    failure = error_in_place(
        call.plan.provider,
        error,
        headers=answer.headers,
        is_own_key=call.is_own_key,
        now_ms=call.exchange.ports.clock.now_ms(),
    ) or of_silence("uncertain")
    code = failure.kind if call.target is not None else failure.code or "error"
    end = CallEnd("failed", Usage(), 0, status, is_estimated=False, error_code=code)
    if is_whole and call.translation is None:
        return Failed(end, failure, Answer(status, headers, error))
    said = read_error(error)
    told = write_error(call.spoken.name, said, call.exchange.request_id)
    return Failed(end, failure, Answer(said.status, {**headers, "content-type": "application/json"}, told))


async def _failed_at_once(
    call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str], silence_ms: int
) -> Answer | Failed | None:
    """Why a stream is none, as its beginning tells. None where it is one, or nobody can tell: all of it is still to be
    passed on then."""
    opening = Opening(open_reader(call.plan.dialect))
    failure = await answer.begun(opening, silence_ms=silence_ms, hold_back_ms=HOLD_BACK_MS)
    headers = _answer_headers(call, answer, headers)
    if failure is not None:
        answer.discard()
        return _failed(call, failure, headers, answer.status)
    match opening.verdict:
        case "error":
            answer.discard()
            return _error_in_place(call, answer, opening.error, headers, is_whole=False)
        case "broken":
            return _failed(call, AttemptFailed("connection_lost"), headers, answer.status)
        case "ended":
            unwanted = _unwanted_of(call, fault_at_end(opening.finish_reason, has_said=False))
            if unwanted is not None:
                answer.discard()
                usage = opening.usage or call.plan.costing.prompt
                return _unwanted(call, unwanted, usage, answer.status, headers, is_estimated=opening.usage is None)
    return None


def _unwanted_of(call: OpenCall, fault: Fault | None) -> Failure | None:
    """The failure that an answer is to a tenant which has said so."""
    failure = None if fault is None else of_answer(fault)
    return failure if failure is not None and is_asked_for(failure, call.moves_on_for) else None


def _unwanted(
    call: OpenCall, failure: Failure, usage: Usage, status: int, headers: Mapping[str, str], *, is_estimated: bool
) -> Failed:
    """A refusal of the model, or nothing at all, after which the tenant has chosen to ask somebody else. It was
    billed."""
    cost = 0 if call.plan.is_free else pricing.cost_nanousd(usage, call.plan.price)
    end = CallEnd("failed", usage, cost, status, is_estimated=is_estimated, error_code=failure.kind)
    refusal = UnreadableAnswer("the provider answered, but neither with text nor with a call of a tool")
    return Failed(end, failure, with_headers(refused(refusal, call.spoken, call.exchange.request_id), headers))


# Answers --------------------------------------------------------------------------------------------------


async def _read(
    call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str], ttfb_ms: int, overhead_ms: int
) -> Answer | Failed:
    """A complete answer: read it, price it, settle after it has gone out."""
    headers = _answer_headers(call, answer, headers)
    body = await answer.read()
    if isinstance(body, AttemptFailed):
        return _failed(call, body, headers, answer.status)
    if isinstance(body, TooLong):
        return _too_long(call, answer, headers, ttfb_ms, overhead_ms)
    try:
        facts = call.plan.dialect.read_answer(body)
    except InvalidAnswer:
        return _failed(call, AttemptFailed("connection_lost"), headers, answer.status)
    if facts.usage is None and facts.error_code is not None:
        return _error_in_place(call, answer, body, headers, is_whole=True)
    usage, cost = _used(call, facts, body)
    unwanted = _unwanted_of(call, fault_in_answer(body)) if call.moves_on_for else None
    if unwanted is not None:
        return _unwanted(call, unwanted, usage, answer.status, headers, is_estimated=facts.usage is None)
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
    if call.translation is not None:
        headers["content-type"] = "application/json"
        try:
            body = call.translation.answer(body, _identity(call))
        except InvalidAnswer:
            told = with_headers(refused(_unreadable(), call.spoken, call.exchange.request_id), headers)
            return Failed(
                replace(end, outcome="failed", error_code=UnreadableAnswer.code), of_silence("uncertain"), told
            )
    call.served()
    call.close(end)
    return Answer(answer.status, {**headers, **_money_headers(call, cost)}, body)


def _too_long(
    call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str], ttfb_ms: int, overhead_ms: int
) -> Answer | Failed:
    """An answer that is not kept passes as it comes, unless it would have to be said otherwise."""
    if call.translation is not None:
        answer.discard()
        return _failed(call, AttemptFailed("connection_lost"), headers, answer.status)
    relay = LongAnswerRelay(call, status=answer.status, ttfb_ms=ttfb_ms, overhead_ms=overhead_ms)
    return Answer(answer.status, headers, relay.over(answer))


def _identity(call: OpenCall) -> Identity:
    exchange = call.exchange
    return Identity(request_id=exchange.request_id, created_at_s=exchange.started_at_ms // 1_000)


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


def _estimated_usage(call: OpenCall, facts: AnswerFacts | None, body: bytes) -> Usage:
    """What an answer without usage is taken to have used: its input and its whole body, both estimated high. Of a
    prompt that was turned away Google charges the input, as the counts say that it mostly sends with it."""
    parsed, prompt = call.plan.parsed, call.plan.costing.prompt
    if (facts is not None and facts.is_blocked) or not parsed.has_output:
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
    call: OpenCall, answer: UpstreamAnswer, headers: Mapping[str, str], overhead_ms: int, *, is_sse: bool
) -> Answer:
    call.served()
    wants_sse = call.spoken.name != "gemini" or "alt=sse" in call.exchange.request.query
    relay = StreamRelay(
        call,
        status=answer.status,
        is_sse=is_sse,
        overhead_ms=overhead_ms,
        settings=call.exchange.isolate.settings,
        translation=None
        if call.translation is None
        else call.translation.stream(_identity(call), input_usage=call.plan.costing.prompt, is_sse=wants_sse),
    )
    headers = _answer_headers(call, answer, headers)
    if call.translation is not None:
        headers["content-type"] = "text/event-stream; charset=utf-8" if wants_sse else "application/json"
    return Answer(answer.status, headers, relay.over(answer))


def _money_headers(call: OpenCall, cost_nanousd: int) -> dict[str, str]:
    """What a complete call cost, with all its attempts, and the session's numbers with it."""
    headers = {"x-agentwatch-cost-usd": format_usd(call.trail.cost_nanousd + cost_nanousd)}
    session = call.receipt.session
    if session is not None:
        spent = session.spent_nanousd + cost_nanousd
        headers["x-agentwatch-session-spent-usd"] = format_usd(spent)
        if session.limit_nanousd is not None:
            headers["x-agentwatch-session-remaining-usd"] = format_usd(max(0, session.limit_nanousd - spent))
    return headers
