"""What a metered call is going to be, before any money or byte moves: provider, model, price, worst case, and how much
of it to hold at first.

It decides from the request, the tenant's policy and its price list alone. The rule easy to break: whatever can be
billed must be in its costing or refused here; after this nothing looks at the request again.
"""

from dataclasses import dataclass, replace

from core.call.costing import Costing, cost_call
from core.call.prompt_tokens import window_of
from core.call.reasoning import hides_reasoning
from core.ledger.messages import AmountsAt, EarlierAnswers
from core.money.price_book import Price, Unpriced
from core.money.price_list import PriceList
from core.providers import PROVIDERS
from core.refusals import InvalidRequest, UnmeteredPath, UnpricedModel
from core.routing.paths import UpstreamPath, speaks
from core.tenant.policy import TenantPolicy
from core.wire.dialects import DIALECTS, Dialect
from core.wire.dialects.prepared_body import PreparedBody
from core.wire.facts import ParsedCall

SLICE_OUTPUT_TOKENS = 512
"""Output paid for at a time when a stream is held in slices: a few seconds of generation."""

AMPLE_OUTPUT_TOKENS = 8_192
AMPLE_REASONING_TOKENS = 32_768
"""What is ample for an answer to a caller that names no ceiling, and for one with reasoning out of sight before it."""

KEEPS_TO_TOOL_CALLS_MAX = frozenset({"openai", "anthropic"})
"""Providers whose reference says that `max_tool_calls` or `max_uses` bounds what they run. xAI and Groq take the
members, and state nothing of the kind."""

AS_UNPRICED = "name another model, or have an administrator state its price (PUT /v1/prices) or set unpriced_models"

EARLIER_STEP_TOKENS = 1_024
"""The shortest past that is told from a longer one; each step is twice as long, so at most twice is held for it."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A metered call as it will be held for and sent."""

    provider: str
    path: str
    dialect: Dialect
    costing: Costing
    hides_reasoning: bool
    """Its answer may owe output that it never shows."""
    slice_tokens: int | None
    """Output that a metered stream holds for at first. None holds for the whole."""
    ample_tokens: int | None
    """Of an ample answer, where the caller named no ceiling."""

    @property
    def parsed(self) -> ParsedCall:
        """The request as it was read."""
        return self.costing.call

    @property
    def price(self) -> Price:
        return self.costing.price

    @property
    def is_free(self) -> bool:
        """An unpriced model that the tenant's policy lets through at no charge."""
        return self.costing.is_free

    @property
    def slice_nanousd(self) -> int | None:
        """What a metered stream holds at first: its input and a slice of output."""
        return None if self.slice_tokens is None else self.costing.nanousd(self.slice_tokens)

    @property
    def ample_nanousd(self) -> int | None:
        """What pays for an ample answer."""
        return None if self.ample_tokens is None else self.costing.nanousd(self.ample_tokens)

    @property
    def new_prompt_tokens(self) -> int | None:
        """What the request itself sends, estimated high, without what it continues; None where nobody can tell."""
        prompt, media = self.parsed.prompt, self.costing.media
        if prompt.hidden_inputs or prompt.unsized_media:
            return None
        return prompt.text_tokens + media.image + media.video + media.audio

    @property
    def injects_usage(self) -> bool:
        """A stream whose caller did not ask for usage is made to tell it; the relay takes it out again."""
        return self.parsed.is_streaming and not self.parsed.wants_stream_usage

    def with_remembered(self, tokens: int) -> "CallPlan":
        """The plan once it is known what the earlier answers that the call continues came to, all together."""
        return replace(self, costing=self.costing.with_remembered(tokens))

    def earlier_answers(self, *, must_be_known: bool) -> EarlierAnswers | None:
        """The answers that the call continues, with what it costs for several lengths of what they came to."""
        if not self.parsed.names_earlier_answers:
            return None
        steps = tuple(self.with_remembered(tokens).amounts_at(tokens) for tokens in self._earlier_lengths())
        return EarlierAnswers(ids=self.parsed.earlier_answers, steps=steps, must_be_known=must_be_known)

    def amounts_at(self, earlier_tokens: int) -> AmountsAt:
        return AmountsAt(
            earlier_tokens,
            want_nanousd=self.costing.want_nanousd,
            least_nanousd=self.costing.least_nanousd,
            floor_nanousd=self.costing.prompt_nanousd,
            slice_nanousd=self.slice_nanousd,
            ample_nanousd=self.ample_nanousd,
        )

    def least_by_part(self, needed_nanousd: int) -> dict[str, int]:
        """What a call needs that was refused for want of so much, by its parts. Where the Ledger knows what the earlier
        answers came to, that may be less than this plan says."""
        prompt = self.parsed.prompt
        sent = replace(prompt, hidden_inputs=0, unsized_media=0, earlier_answers=0, reads=1)
        costings = [self.costing]
        costings += [self.costing.with_remembered(tokens) for tokens in self._earlier_lengths()]
        known = next((each for each in costings if each.least_nanousd == needed_nanousd), None)
        return {} if known is None else known.least_by_part(sent)

    def _earlier_lengths(self) -> list[int]:
        """Those of earlier answers that are told apart."""
        if not self.parsed.names_earlier_answers:
            return []
        window, lengths = window_of(self.price), [EARLIER_STEP_TOKENS]
        while lengths[-1] < window:
            lengths.append(2 * lengths[-1])
        return lengths[:-1]

    def output_ceiling_within(self, granted_nanousd: int) -> int | None:
        """The lowered output ceiling of a call held in full for less than its worst case; None leaves it as it is."""
        if self.slice_nanousd is not None or granted_nanousd >= self.costing.want_nanousd:
            return None
        if not (self.parsed.has_output and self.parsed.takes_ceiling):
            return None
        return self.costing.output_ceiling_within(granted_nanousd)


class NotSpoken(Exception):
    """The provider that the model names does not take the call in the dialect in which it was made."""

    def __init__(self, provider: str, model: str) -> None:
        super().__init__()
        self.provider = provider
        self.model = model


def plan_call(
    provider: str | None, upstream: UpstreamPath, body: bytes, policy: TenantPolicy, now_ms: int, prices: PriceList
) -> tuple[CallPlan, PreparedBody]:
    """Read a request, price its worst case, and make its body ready to send. `provider` None lets the model name it.

    The body stands apart from the plan, which lives as long as the call's stream does.

    Raises `InvalidRequest` naming the field, `UnmeteredPath`, `UnpricedModel`, or `NotSpoken`.
    """
    dialect = DIALECTS[upstream.dialect]
    parsed = dialect.parse_request(body, path=upstream.path)
    if parsed.unmetered_tools and not policy.allows_unmetered_paths:
        raise unmetered(parsed.unmetered_tools, param="tools")
    path, model_to_send = upstream.path, None
    if provider is None:
        provider, model_to_send = provider_and_model(parsed.model, prices)
        if not speaks(provider, upstream):
            raise NotSpoken(provider, model_to_send)
        parsed = replace(parsed, model=model_to_send)
        path = PROVIDERS[provider].openai_root + path
    parsed = with_searches_bounded(parsed, provider)
    if policy.shrinks_structured:
        parsed = replace(parsed, form_tokens=0)
    price, is_free = _price_of(provider, parsed.model, policy, now_ms, prices)
    hides = hides_reasoning(provider, parsed.model, parsed.thinking)
    costing = cost_call(parsed, price, is_free=is_free)
    plan = CallPlan(
        provider=provider,
        path=path,
        dialect=dialect,
        costing=costing,
        hides_reasoning=hides,
        slice_tokens=None if is_free or hides else _slice_tokens(costing),
        ample_tokens=None if is_free else ample_tokens(parsed, hides_reasoning=hides),
    )
    return plan, dialect.prepare(body, model=model_to_send, include_usage=plan.injects_usage)


def with_searches_bounded(call: ParsedCall, provider: str) -> ParsedCall:
    """By the request's own bound, where the provider keeps to it; elsewhere it can only be that more is meant."""
    bound, searches = call.tool_calls_max, call.web_search_calls_max
    if bound is None or not searches:
        return call
    return replace(call, web_search_calls_max=bound if provider in KEEPS_TO_TOOL_CALLS_MAX else max(bound, searches))


def unmetered(tools: tuple[str, ...], *, param: str) -> UnmeteredPath:
    """The 403 of what the provider would run, by the member that asks for it."""
    names = ", ".join(name[:60] for name in tools[:5])
    return UnmeteredPath(
        f"the provider would run {names} and bill it in a way that is not metered: leave that out, or have an "
        "administrator set allow_unmetered_paths in the tenant's configuration",
        param=param,
    )


def provider_and_model(model: str, prices: PriceList) -> tuple[str, str]:
    """On the unified endpoint `model` is provider/model, or a name that has a price."""
    provider, slash, bare = model.partition("/")
    if slash and provider in PROVIDERS:
        return provider, bare
    providers = prices.providers_of(model)
    if not providers:
        raise InvalidRequest(
            f"model must be provider/model with a provider of {', '.join(PROVIDERS)}, or a listed model "
            "(GET /v1/models)",
            param="model",
        )
    return providers[0], model


def _price_of(provider: str, model: str, policy: TenantPolicy, now_ms: int, prices: PriceList) -> tuple[Price, bool]:
    """The price of a model, and whether the tenant's policy makes this unpriced one free."""
    price = prices.find(provider, model, at_ms=now_ms)
    if not isinstance(price, Unpriced):
        return price, False
    if policy.unpriced_models == "block":
        raise UnpricedModel(f"{provider} model {model[:100]!r} has no listed price: {AS_UNPRICED}", param="model")
    return prices.stand_in(provider, model), policy.unpriced_models == "free"


def _slice_tokens(costing: Costing) -> int | None:
    call = costing.call
    if not call.is_streaming or call.web_search_calls_max or call.unshown_output_tokens:
        return None
    return min(costing.output_ceiling, SLICE_OUTPUT_TOKENS)


def ample_tokens(parsed: ParsedCall, *, hides_reasoning: bool) -> int | None:
    if parsed.output_tokens_max is not None or not (parsed.has_output and parsed.takes_ceiling):
        return None
    return AMPLE_REASONING_TOKENS if hides_reasoning else AMPLE_OUTPUT_TOKENS
