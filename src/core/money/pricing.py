"""The only place where tokens become money.

A cost is the whole sum of counts times rates, divided and rounded up once. Pricing slices and
adding them up would round once per slice, so a stream is priced by its running total, every time.
Which rates apply is the size of the whole prompt and the tier the call was served in; both are
arguments, because the answer may differ from the request.
"""

from core.money.amount import UNITS_PER_RATE, cost_of_units
from core.money.price_book import Price, Rates
from core.money.usage import Usage


def cost_nanousd(usage: Usage, price: Price, *, service_tier: str | None = None) -> int:
    """What the usage costs, rounded up once to a whole nano-dollar."""
    return cost_of_units(rated_units(usage, price, service_tier=service_tier))


def rated_units(usage: Usage, price: Price, *, service_tier: str | None) -> int:
    """The sum of counts times rates before its division: exact, and linear while the prompt
    stays as it is. A bill that the provider has stated stands instead of it."""
    if usage.billed_nanousd is not None:
        return usage.billed_nanousd * UNITS_PER_RATE
    rates = rates_of(usage, price, service_tier=service_tier)
    searches = min(usage.web_search_calls, 1) if price.bills_search_once else usage.web_search_calls
    return (
        usage.input_tokens * rates.input_nanousd_per_mtok
        + usage.cached_input_tokens * rates.cached_input_nanousd_per_mtok
        + usage.cache_write_5m_tokens * rates.cache_write_5m_nanousd_per_mtok
        + usage.cache_write_1h_tokens * rates.cache_write_1h_nanousd_per_mtok
        + usage.audio_input_tokens * rates.audio_input_nanousd_per_mtok
        + usage.cached_audio_input_tokens * rates.cached_audio_input_nanousd_per_mtok
        + usage.image_input_tokens * rates.image_input_nanousd_per_mtok
        + usage.video_input_tokens * rates.video_input_nanousd_per_mtok
        + usage.output_tokens * rates.output_nanousd_per_mtok
        + usage.reasoning_tokens * rates.reasoning_nanousd_per_mtok
        + usage.audio_output_tokens * rates.audio_output_nanousd_per_mtok
        + usage.image_output_tokens * rates.image_output_nanousd_per_mtok
        + searches * rates.web_search_nanousd_per_call * UNITS_PER_RATE
        + usage.document_search_calls * rates.document_search_nanousd_per_call * UNITS_PER_RATE
    )


def rates_of(usage: Usage, price: Price, *, service_tier: str | None) -> Rates:
    """The rates of a call of this usage. The band goes by the prompt of one turn of the model, of which a call that
    searches has several and most usages state only the sum; none is longer than the model's window."""
    longest = usage.prompt_tokens if usage.longest_prompt_tokens is None else usage.longest_prompt_tokens
    if price.input_tokens_max is not None:
        longest = min(longest, price.input_tokens_max)
    return price.rates(prompt_tokens=longest, service_tier=service_tier)
