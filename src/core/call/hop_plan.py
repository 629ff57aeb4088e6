"""A call planned for the provider that is to serve it: the one its caller named, or a hop of its tenant's chain.

Each plan is made of the caller's own request, never of what the hop before was sent. The rules easy to break: what a
hop is sent is planned and priced like any request that came in, in the dialect in which it is sent; and what cannot be
said faithfully is not said, so the hop is left out, by a reason that is shown.
"""

from dataclasses import dataclass
from typing import cast

from core.call.other_model import with_model
from core.call.plan import CallPlan, NotSpoken, plan_call
from core.money.price_book import Unpriced
from core.money.price_list import PriceList
from core.refusals import InvalidRequest, Refusal
from core.routing.failover import Attempt
from core.routing.paths import DialectName, UpstreamPath, native_path, speaks
from core.tenant.policy import TenantPolicy
from core.wire.dialects.prepared_body import PreparedBody
from core.wire.translation.conversation import Untranslatable
from core.wire.translation.fitting.history import repaired_body
from core.wire.translation.fitting.same_provider import with_traits
from core.wire.translation.fitting.target import Target
from core.wire.translation.responses.returned_items import without_our_items
from core.wire.translation.translate import REQUEST_READERS, Translation, translated

OUTPUT_TOKENS_DEFAULT = 32_000
"""For a model that must be told a ceiling, whose caller names none, and whose own nobody states."""


_SAID_NOWHERE_ELSE = {
    "openai_embeddings": "embeddings",
    "gemini_embed": "embeddings",
    "openai_completions": "completions",
    "openai_compaction": "compaction",
}
"""Dialects of what one provider's answers mean nothing for to another."""

_THREADS_END = {"error_code": "thread_unsupported_request"}
"""By which Anthropic's own clients know that they have to send the whole conversation from now on."""


@dataclass(frozen=True, slots=True)
class AskedCall:
    """Where a caller's request came in, and what it is planned by."""

    provider: str | None
    """That the path names; None where the model does."""
    upstream: UpstreamPath
    policy: TenantPolicy
    prices: PriceList
    now_ms: int
    user_key: bytes
    """By which the caller's names of its users are hidden from other providers."""


@dataclass(frozen=True, slots=True)
class HopPlan:
    """A call as one provider will be asked, and how its answer is said to the caller where that takes a translation."""

    plan: CallPlan
    body: PreparedBody
    translation: Translation | None = None


def plan_as_asked(asked: AskedCall, body: bytes, *, strips_history: bool = False) -> HopPlan:
    """The call as its caller made it, but for what an earlier failover has left in its history; `strips_history` takes
    out all that models have signed or sealed. Raises what `plan_call` raises."""
    body = _repaired(asked.upstream.dialect, body, strips_all=strips_history)
    try:
        return HopPlan(*plan_call(asked.provider, asked.upstream, body, asked.policy, asked.now_ms, asked.prices))
    except NotSpoken as elsewhere:
        try:
            return _plan_translated(asked, body, elsewhere.provider, elsewhere.model)
        except Untranslatable as why:
            raise InvalidRequest(
                f"{elsewhere.provider} does not take this kind of request, and it cannot be translated for it: "
                f"{why.feature}. Leave that out, or name a model of a provider that takes it",
                param="model",
                details=_THREADS_END if why.feature == "thread" else None,
            ) from None


def plan_hop(
    asked: AskedCall, body: bytes, provider: str, model: str, *, asked_provider: str, strips_history: bool = False
) -> HopPlan:
    """The call as a hop of a chain is to serve it. Raises `Untranslatable`, or what `plan_call` raises."""
    if provider == asked_provider and (asked.provider is not None or speaks(provider, asked.upstream)):
        return _plan_same_provider(asked, body, provider, model, strips_history=strips_history)
    return _plan_translated(asked, body, provider, model)


def reason_to_leave_out(hop: HopPlan, asked: CallPlan, attempt: Attempt) -> str | None:
    """Why a hop that could be asked is not: its window is too small, it costs where the caller's own model does not, or
    it costs more than the call may still."""
    window, worst, left = hop.plan.price.input_tokens_max, worst_nanousd(hop.plan), attempt.dollars_left_nanousd
    if window is not None and max(hop.plan.new_prompt_tokens or 0, attempt.window_above_tokens + 1) > window:
        return "window"
    if worst and not asked.costing.want_nanousd and not attempt.allows_paid:
        return "paid"
    return "dollars_max" if left is not None and worst > left else None


def worst_nanousd(plan: CallPlan) -> int:
    """What a call will cost at most, by any likely length of its answer."""
    worst = plan.costing.want_nanousd
    return worst if plan.ample_nanousd is None else min(worst, plan.ample_nanousd)


def _plan_same_provider(asked: AskedCall, body: bytes, provider: str, model: str, *, strips_history: bool) -> HopPlan:
    """Another model of the provider that was asked, in the caller's own words but for what that model refuses."""
    dialect = asked.upstream.dialect
    body = _repaired(dialect, body, strips_all=strips_history)
    body = with_traits(dialect, body, Target(provider, model, dialect))
    upstream, body = with_model(asked.provider, asked.upstream, body, f"{provider}/{model}")
    try:
        return HopPlan(*plan_call(asked.provider, upstream, body, asked.policy, asked.now_ms, asked.prices))
    except NotSpoken:
        raise Untranslatable("dialect") from None


def _repaired(dialect: str, body: bytes, *, strips_all: bool) -> bytes:
    """The request without what answers of ours have brought into its history, which no provider but us has made."""
    if dialect in ("openai_responses", "openai_compaction"):
        body = without_our_items(body)
    return repaired_body(dialect, body, strips_all=strips_all) or body


def _plan_translated(asked: AskedCall, body: bytes, provider: str, model: str) -> HopPlan:
    dialect = asked.upstream.dialect
    if dialect not in REQUEST_READERS:
        raise Untranslatable(_SAID_NOWHERE_ELSE.get(dialect, dialect))
    price = asked.prices.find(provider, model, at_ms=asked.now_ms)
    longest = None if isinstance(price, Unpriced) else price.output_tokens_max
    said, translation = translated(
        body,
        spoken=dialect,
        path=asked.upstream.path,
        provider=provider,
        model=model,
        output_tokens_default=longest or OUTPUT_TOKENS_DEFAULT,
        user_key=asked.user_key,
    )
    upstream = native_path(provider, cast(DialectName, translation.target.dialect))
    try:
        plan, prepared = plan_call(provider, upstream, said, asked.policy, asked.now_ms, asked.prices)
    except Refusal as refusal:
        raise Untranslatable(refusal.code) from None
    return HopPlan(plan, prepared, translation)
