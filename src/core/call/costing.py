"""What a call can cost, computed once before it is sent, for every answer it may get: `cost_call`.

Theory of operation. The input is taken to be the dearest usage it can turn out to be, and is priced once in each tier
the call may be billed in. Which rates apply goes by the longest prompt, which no answer changes: so a further token of
output adds a fixed number of units, and what an answer of any length costs, or how long an answer some money pays for,
is arithmetic on the two. Every figure errs high: an estimate that is low is recorded as an overrun after the call, one
that is high only holds money for a moment. The rules easy to break: units are rounded once, at the end, in the dearest
tier; and an input of another size may have other rates, so it is another costing (`Costing.with_remembered`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.call.prompt_tokens import MediaTokens, hidden_tokens, media_tokens, search_tokens, window_of
from core.money.amount import UNITS_PER_RATE, cost_of_units
from core.money.price_book import STANDARD, Price, Rates
from core.money.pricing import cost_nanousd, rated_units, rates_of
from core.money.usage import Usage
from core.wire.facts import ParsedCall, PromptSize

USEFUL_OUTPUT_TOKENS = 64
"""The shortest answer worth holding money for, where the request demands no form of it."""

OUTPUT_TOKENS_MAX_UNKNOWN = 128_000
"""Assumed ceiling of a model for which no source states one: the longest answer of any large
model but Gemini 4."""

_DOCUMENT_SEARCHERS = frozenset({"xai"})
"""Providers that do not read an attached document but search it, by the call (xAI's guide to files)."""

_AUTOMATIC_CACHE_WRITERS = frozenset({"openai"})
"""Providers that cache prompts unasked and, on newer models, charge for the write."""

FIRST_TOKEN_MS_MIN = 100
"""No provider answers sooner: a connection, a queue and the reading of the shortest prompt lie before the first token.
An assumption, as the rates below are."""

GENERATED_TOKENS_PER_SECOND_MAX = {"groq": 2_000, "anthropic": 500, "xai": 500}
GENERATED_TOKENS_PER_SECOND_MAX_OTHERS = 1_000
"""Of one answer: above what the providers' fastest models are advertised with (Groq: about 1,000)."""

READ_TOKENS_PER_SECOND_MAX = 100_000
"""Of a prompt: some million tokens take the quickest models more than ten seconds to the first token."""


_HIDDEN_KINDS = ("image_input_tokens", "video_input_tokens", "audio_input_tokens")
"""What is not in the request may be text, or any of these."""

_OUTPUT_KINDS = ("output_tokens", "reasoning_tokens", "audio_output_tokens", "image_output_tokens")

_RATES = {
    kind: kind.replace("_tokens", "_nanousd_per_mtok")
    for kind in ("input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", *_HIDDEN_KINDS, *_OUTPUT_KINDS)
}
"""The rate of each count of a `Usage`."""


@dataclass(frozen=True, slots=True)
class TierUnits:
    """What a call comes to in one tier it may be billed in, not yet divided or rounded."""

    name: str
    prompt: int
    """The input alone."""
    before_output: int
    """The input with every search and what they find, and the output that is billed unshown."""
    per_token: int
    """One more token of each answer."""


NEEDED_PARTS = ("input", "references", "searches", "output", "thinking")
"""Of what a call needs at least: what the request sends, what it only refers to and what tells no size, the searches it
allows and what they find, a short answer, and the thinking before it."""


@dataclass(frozen=True, slots=True)
class Costing:
    """What one call can use and cost. Lengths of output are in tokens of each answer."""

    call: ParsedCall
    price: Price
    media: MediaTokens
    prompt: Usage
    """The dearest usage the input can turn out to be, before any search or answer."""
    searched_prompt: Usage
    """The same with all the searches that the call allows."""
    output_kind: str
    """Which count of a `Usage` the output may at worst be billed as."""
    output_ceiling: int
    """The longest answer there can be."""
    tiers: tuple[TierUnits, ...]
    """Those it may be billed in: a provider may serve a special request as an ordinary one. What is let through free is
    billed in none."""

    @property
    def is_free(self) -> bool:
        return not self.tiers

    @property
    def prompt_nanousd(self) -> int:
        """The input alone."""
        return cost_of_units(max((tier.prompt for tier in self.tiers), default=0))

    @property
    def least_output_tokens(self) -> int:
        """The shortest useful answer, with the thinking before it: no longer than the call's own ceiling, which its
        caller has answered for. One that cannot be kept short is as long as it likes."""
        if not self.call.takes_ceiling:
            return self.output_ceiling
        shortest = max(USEFUL_OUTPUT_TOKENS, self.call.form_tokens)
        return min(self.output_ceiling, self.call.thinking_tokens + shortest)

    @property
    def least_nanousd(self) -> int:
        """The call with the shortest useful answer."""
        return self.nanousd(self.least_output_tokens)

    def least_by_part(self, sent: PromptSize) -> dict[str, int]:
        """The least in nano-dollars by its `NEEDED_PARTS`, those that are nothing left out. `sent` is what of the
        prompt the request itself sends.

        Each part is what it adds to those before it, so that rounding loses nothing between them.
        """
        tokens = self.least_output_tokens
        tier = max(self.tiers, key=lambda each: each.before_output + tokens * each.per_token, default=None)
        if tier is None:
            return {}
        given = _input_usage(sent, self.media, self.price, web_search_calls=0, document_search_calls=0)
        units = rated_units(given, self.price, service_tier=tier.name)
        unshown = self.call.unshown_output_tokens * tier.per_token
        thinking = min(self.call.thinking_tokens, tokens) * tier.per_token
        full = tier.before_output + tokens * tier.per_token
        up_to = (units, tier.prompt, tier.before_output - unshown, full - thinking, full)
        parts, told = {}, 0
        for name, end in zip(NEEDED_PARTS, map(cost_of_units, up_to), strict=True):
            if end > told:
                parts[name] = end - told
                told = end
        return parts

    @property
    def want_nanousd(self) -> int:
        """The call in full."""
        return self.nanousd(self.output_ceiling)

    def nanousd(self, output_tokens: int) -> int:
        """The call with answers of this length, at most."""
        units = (tier.before_output + output_tokens * tier.per_token for tier in self.tiers)
        return cost_of_units(max(units, default=0))

    def output_ceiling_within(self, granted_nanousd: int) -> int:
        """The longest answer that the granted money pays for in the worst case.

        Never above the call's own ceiling; zero when not even the input fits.
        """
        ceiling, granted_units = self.output_ceiling, granted_nanousd * UNITS_PER_RATE
        for tier in self.tiers:
            left_units = granted_units - tier.before_output
            if tier.per_token > 0:
                ceiling = min(ceiling, left_units // tier.per_token)
            elif left_units < 0:
                ceiling = 0
        return max(0, ceiling)

    def unheard(self, waited_ms: int) -> tuple[Usage, int]:
        """What an attempt may have used, and what that may cost, whose answer nobody read.

        A time-out, a connection that was lost, an answer that broke off or makes no sense, a client that left, a fault
        of ours: each leaves a provider that was perhaps at work for this long, and that may bill the input it can have
        read and the output it can have written by then. In less time than a first token takes nobody has done either,
        which makes a refused connection free without being told from a lost one (the platform says the same of both).
        """
        working_ms = max(0, waited_ms - FIRST_TOKEN_MS_MIN)
        if working_ms == 0:
            return Usage(), 0
        rate = GENERATED_TOKENS_PER_SECOND_MAX.get(self.price.provider, GENERATED_TOKENS_PER_SECOND_MAX_OTHERS)
        generated = min(self.output_ceiling, -(-working_ms * rate // 1_000))
        read = _read_within(self.searched_prompt, waited_ms * READ_TOKENS_PER_SECOND_MAX // 1_000)
        output = (generated + self.call.unshown_output_tokens) * self.call.answers
        usage = replace(read, **{self.output_kind: output})
        costs = (cost_nanousd(usage, self.price, service_tier=tier.name) for tier in self.tiers)
        return usage, max(costs, default=0)

    def with_remembered(self, tokens: int) -> "Costing":
        """The call once it is known what the earlier answers it continues came to, all together."""
        tiers = tuple(tier.name for tier in self.tiers)
        return _costing(self.call.with_remembered(tokens), self.price, self.media, tiers)


def cost_call(call: ParsedCall, price: Price, *, is_free: bool = False) -> Costing:
    """What the call can cost at this price, or nothing where it is let through free."""
    tiers = (STANDARD,) if call.service_tier is None else (STANDARD, call.service_tier)
    return _costing(call, price, media_tokens(call.prompt, price), () if is_free else tiers)


def _costing(call: ParsedCall, price: Price, media: MediaTokens, tiers: tuple[str, ...]) -> Costing:
    web = call.web_search_calls_max
    documents = call.document_search_calls_max if price.provider in _DOCUMENT_SEARCHERS else 0
    prompt = searched = _input_usage(call.prompt, media, price, web_search_calls=0, document_search_calls=0)
    if web or documents:
        searched = _input_usage(call.prompt, media, price, web_search_calls=web, document_search_calls=documents)
    output_kind = _dearest(_OUTPUT_KINDS, rates_of(searched, price, service_tier=None))
    return Costing(
        call=call,
        price=price,
        media=media,
        prompt=prompt,
        searched_prompt=searched,
        output_kind=output_kind,
        output_ceiling=_output_ceiling(call, price),
        tiers=tuple(_tier_units(tier, call, price, prompt, searched, output_kind) for tier in tiers),
    )


def _output_ceiling(call: ParsedCall, price: Price) -> int:
    if not call.has_output:
        return 0
    if call.output_tokens_max is not None:
        return call.output_tokens_max
    return price.output_tokens_max or OUTPUT_TOKENS_MAX_UNKNOWN


def _tier_units(
    tier: str, call: ParsedCall, price: Price, prompt: Usage, searched: Usage, output_kind: str
) -> TierUnits:
    per_token = _rate(output_kind, rates_of(searched, price, service_tier=tier)) * call.answers
    prompt_units = rated_units(prompt, price, service_tier=tier)
    input_units = prompt_units if searched is prompt else rated_units(searched, price, service_tier=tier)
    return TierUnits(
        name=tier,
        prompt=prompt_units,
        before_output=input_units + call.unshown_output_tokens * per_token,
        per_token=per_token,
    )


def _input_usage(
    prompt: PromptSize, media: MediaTokens, price: Price, *, web_search_calls: int, document_search_calls: int
) -> Usage:
    """The dearest usage the input can turn out to be. What the searches find and read again is part of it."""
    counts = {
        "image_input_tokens": media.image * prompt.reads,
        "video_input_tokens": media.video * prompt.reads,
        "audio_input_tokens": media.audio * prompt.reads,
    }
    text = prompt.text_tokens * prompt.reads
    hidden = hidden_tokens(prompt, media, price)
    given = text + sum(counts.values()) + hidden
    found, again = search_tokens(given, price, web_search_calls + document_search_calls)
    text += found
    rates = price.rates(prompt_tokens=min(given + found, window_of(price)), service_tier=None)
    text_kind = _dearest(_text_kinds(prompt, price.provider), rates)
    for seen in ("image_input_tokens", "video_input_tokens"):
        if _rate(text_kind, rates) >= _rate(seen, rates):
            text += counts[seen]
            counts[seen] = 0
    counts[text_kind] = text
    counts["cached_input_tokens"] = again
    counts[_dearest((text_kind, *_HIDDEN_KINDS), rates)] += hidden
    return Usage(
        web_search_calls=web_search_calls,
        document_search_calls=document_search_calls,
        longest_prompt_tokens=given + found,
        **counts,
    )


def _text_kinds(prompt: PromptSize, provider: str) -> tuple[str, ...]:
    """Which counts of a `Usage` the prompt's text may be billed as."""
    kinds = ["input_tokens"]
    if prompt.has_cache_marks or provider in _AUTOMATIC_CACHE_WRITERS:
        kinds.append("cache_write_5m_tokens")
    if prompt.has_long_cache_marks:
        kinds.append("cache_write_1h_tokens")
    return tuple(kinds)


def _dearest(kinds: Iterable[str], rates: Rates) -> str:
    """Of several that cost the same, the first."""
    return max(kinds, key=lambda kind: _rate(kind, rates))


def _rate(kind: str, rates: Rates) -> int:
    """Nano-dollars for a million tokens of one count of a `Usage`."""
    rate: int = getattr(rates, _RATES[kind])
    return rate


def _read_within(usage: Usage, tokens: int) -> Usage:
    """The usage with its input, and the searches for it, as far as that can have been read."""
    total = usage.prompt_tokens
    if total <= tokens:
        return usage
    kinds = ("input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
             "audio_input_tokens", "cached_audio_input_tokens", "image_input_tokens", "video_input_tokens",
             "web_search_calls", "document_search_calls")  # fmt: skip
    return replace(usage, **{kind: -(-getattr(usage, kind) * tokens // total) for kind in kinds})
