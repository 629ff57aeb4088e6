"""What a call used, in counts that never overlap, and what it costs: the provider's truth.

Each wire format turns these counts into its own usage object; the journal shows them as they are.
Three rules of the real bills are easy to break: a long prompt moves every token that is billed with
it to the dearer rates, each turn of a search loop is a prompt of its own, and the total is rounded up
once, at the end.
"""

import msgspec

from mock_llm.selling.models import Model, Rates

TOKENS_PER_RATE = 1_000_000


class Usage(msgspec.Struct, frozen=True):
    """Disjoint counts in tokens: no token is in two fields."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    image_input_tokens: int = 0
    output_tokens: int = 0
    """Visible text and tool-call arguments; reasoning and audio are apart."""
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    rejected_prediction_tokens: int = 0
    """Tokens of the request's `prediction` that the answer does not have: billed as if written."""
    web_search_calls: int = 0

    @property
    def prompt_tokens(self) -> int:
        return (
            self.input_tokens
            + self.cached_input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.audio_input_tokens
            + self.image_input_tokens
        )

    @property
    def completion_tokens(self) -> int:
        return self.output_tokens + self.reasoning_tokens + self.audio_output_tokens + self.rejected_prediction_tokens

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def by_turn(self, turns: int) -> tuple["Usage", ...]:
        """The same counts spread evenly over the turns of a search loop; they add up to the whole."""
        counts = {name: getattr(self, name) for name in self.__struct_fields__}
        return tuple(
            Usage(**{name: count * (turn + 1) // turns - count * turn // turns for name, count in counts.items()})
            for turn in range(turns)
        )


def billed_nanousd(usage: Usage, model: Model, service_tier: str | None, *, turns: int = 1) -> int:
    """The bill: one exact sum, rounded up once."""
    scaled = sum(_scaled(turn, model, service_tier) for turn in usage.by_turn(turns))
    return -(-scaled // TOKENS_PER_RATE)


def _scaled(usage: Usage, model: Model, service_tier: str | None) -> int:
    rates = rates_for(model, service_tier, prompt_tokens=usage.prompt_tokens)
    searches = min(usage.web_search_calls, 1) if model.is_search_billed_once else usage.web_search_calls
    return (
        (usage.input_tokens + usage.image_input_tokens) * rates.input
        + (usage.output_tokens + usage.reasoning_tokens + usage.rejected_prediction_tokens) * rates.output
        + _priced(usage.cached_input_tokens, rates.cached_input)
        + _priced(usage.cache_write_5m_tokens, rates.cache_write_5m)
        + _priced(usage.cache_write_1h_tokens, rates.cache_write_1h)
        + _priced(usage.audio_input_tokens, rates.audio_input)
        + _priced(usage.audio_output_tokens, rates.audio_output)
        + _priced(searches, model.web_search_nanousd) * TOKENS_PER_RATE
    )


def rates_for(model: Model, service_tier: str | None, *, prompt_tokens: int) -> Rates:
    tiers = {"flex": model.flex_rates, "priority": model.priority_rates}
    if (tier_rates := tiers.get(service_tier or "")) is not None:
        return tier_rates
    if model.long_context_rates is None or model.long_context_above_tokens is None:
        return model.rates
    is_long = prompt_tokens > model.long_context_above_tokens
    return model.long_context_rates if is_long else model.rates


def _priced(units: int, rate: int | None) -> int:
    if units == 0:
        return 0
    assert rate is not None, "a call may not use what its model does not sell"
    return units * rate
