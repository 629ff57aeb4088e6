"""A price with what somebody has stated over it: rates, limits, a discount.

A rate that is stated is that rate, at the standard tier and the shortest prompt; it moves with every other tier and
band as the listed rate does, so that stating the listed price changes nothing. A rate that is left out is the one
below. Where no price is below it is derived as the table's are, never zero by omission: cached input, five-minute cache
writes, audio and image input are the input rate, an hour's cache write is the five-minute one, cached audio is cached
input, video is image; reasoning, audio and image output are the output rate; a search is the provider's dearest.

The rules easy to break: a rate that is listed as another one's goes on following it, so that a dearer output makes
dearer reasoning; and what comes from a cache costs no more than what does not, because holds count on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from core.money import price_book
from core.money.price_book import STANDARD, Band, Price, Rates
from core.money.price_terms import INPUT, OUTPUT, StatedModel, less

_CACHED = "cached_input_nanousd_per_mtok"
_CACHED_AUDIO = "cached_audio_input_nanousd_per_mtok"
_AUDIO = "audio_input_nanousd_per_mtok"
_WRITTEN = "cache_write_5m_nanousd_per_mtok"
_IMAGE = "image_input_nanousd_per_mtok"

FOLLOWED: Mapping[str, tuple[str, ...]] = {
    _CACHED: (INPUT,),
    _WRITTEN: (INPUT,),
    "cache_write_1h_nanousd_per_mtok": (_WRITTEN,),
    _AUDIO: (INPUT,),
    _CACHED_AUDIO: (_CACHED, _AUDIO),
    _IMAGE: (INPUT,),
    "video_input_nanousd_per_mtok": (_IMAGE,),
    "reasoning_nanousd_per_mtok": (OUTPUT,),
    "audio_output_nanousd_per_mtok": (OUTPUT,),
    "image_output_nanousd_per_mtok": (OUTPUT,),
}
"""Whose rate a rate is that is left out: of the first of these that it is listed as. All of them stand before it in
`Rates`."""

UNCACHED: Mapping[str, str] = {_CACHED: INPUT, _CACHED_AUDIO: _AUDIO}
"""What is read from a cache, and the same when it is not."""


def stated_price(provider: str, name: str, stated: StatedModel, below: Price | None) -> Price | None:
    """The price of a model with what is stated of it; None where nobody else prices it and that does not suffice."""
    if below is not None:
        standard = below.rates(prompt_tokens=0, service_tier=None)
        price = _with_rates(below, lambda listed: _over(stated.rates, listed, standard))
    elif stated.is_whole:
        price = Price(provider, name, {STANDARD: (Band(0, _derived(provider, stated.rates)),)}, None, None)
    else:
        return None
    return _with_limits(price, stated)


def discounted(price: Price, parts_off: int) -> Price:
    """The price with so much off every rate, each rounded up to a whole nano-dollar."""
    if parts_off == 0:
        return price
    return _with_rates(
        price, lambda listed: Rates(*(less(rate, parts_off) for rate in msgspec.structs.astuple(listed)))
    )


def _over(stated: Mapping[str, int], listed: Rates, standard: Rates) -> Rates:
    """The rates of one tier and band."""
    rates: dict[str, int] = {}
    for name in Rates.__struct_fields__:
        if name in stated:
            rate = _moved(stated[name], getattr(listed, name), getattr(standard, name))
        else:
            rate = getattr(listed, name)
            followed = next((each for each in FOLLOWED.get(name, ()) if getattr(listed, each) == rate), None)
            rate = rate if followed is None else rates[followed]
        rates[name] = rate
    return _capped(rates)


def _moved(stated: int, listed: int, standard: int) -> int:
    """A stated rate where the listed one is not the standard one."""
    return stated if standard in (0, listed) else -(-stated * listed // standard)


def _derived(provider: str, stated: Mapping[str, int]) -> Rates:
    """Of a model that nobody lists."""
    searches = price_book.stand_in(provider, "").rates(prompt_tokens=0, service_tier=None)
    rates: dict[str, int] = {}
    for name in Rates.__struct_fields__:
        if name in stated:
            rates[name] = stated[name]
        elif name in FOLLOWED:
            rates[name] = rates[FOLLOWED[name][0]]
        else:
            rates[name] = getattr(searches, name)
    return _capped(rates)


def _capped(rates: dict[str, int]) -> Rates:
    return Rates(**rates | {name: min(rates[name], rates[uncached]) for name, uncached in UNCACHED.items()})


def _with_rates(price: Price, change: Callable[[Rates], Rates]) -> Price:
    tiers = {
        tier: tuple(Band(band.above_prompt_tokens, change(band.rates)) for band in bands)
        for tier, bands in price.tiers.items()
    }
    return replace(price, tiers=tiers)


def _with_limits(price: Price, stated: StatedModel) -> Price:
    return replace(
        price,
        input_tokens_max=stated.input_tokens_max or price.input_tokens_max,
        output_tokens_max=stated.output_tokens_max or price.output_tokens_max,
    )
