"""The prices of one caller: the table's, with what the platform and the caller's tenant have stated over them.

Whoever stands higher is asked first: the tenant, the platform, the table. Each takes a name as what he says it is
billed as, and states what he states of that; everything else comes from below. One discount counts, the highest there
is, and is taken off all that comes from below whoever gives it. The rule easy to break: what somebody has stated costs
that, so his own discount is not taken off it.

What is derived is kept, under names of table and documents alone, so that no caller's spelling makes it grow; of
spellings a few are kept, too, since those of a caller are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

from core.money import price_book
from core.money.derived_price import discounted, stated_price
from core.money.price_book import Price, Unpriced
from core.money.price_terms import NO_TERMS, PriceTerms
from core.providers import PROVIDERS

PRICE_LISTS_MAX = 64
"""Price lists that an isolate keeps: one for each tenant that states prices, and one for all others."""

SPELLINGS_MAX = 500
SPELLING_CHARACTERS_MAX = 200
"""Names as callers write them that a price list knows the way of."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A model on its way down: what somebody says of it there, and under which name."""

    terms: PriceTerms
    name: str | None
    """Under which something is stated; None where nothing is."""


@dataclass(frozen=True, slots=True, eq=False)
class PriceList:
    """What each model costs, by the lookups of `price_book`."""

    version: str = price_book.VERSION
    """Names everything that a cost is computed by; every recorded cost carries it."""
    platform: PriceTerms = NO_TERMS
    tenant: PriceTerms = NO_TERMS
    _derived: dict[tuple[str | int | None, ...], Price | None] = field(default_factory=dict)
    _ways: dict[tuple[str, str], tuple[Sequence[_Step], str]] = field(default_factory=dict)

    def find(self, provider: str, model: str, *, at_ms: int) -> Price | Unpriced:
        """The price of a model as the provider knows it, at a moment."""
        if not self._layers:
            return price_book.find(provider, model, at_ms=at_ms)
        steps, name = self._way_down(provider, model)
        listed = price_book.find(provider, name, at_ms=at_ms)
        below = listed if isinstance(listed, Price) else None
        place = ("", 0) if below is None else (below.model, id(below.tiers))  # a period's, which the table keeps
        key = (provider, *(step.name for step in steps), *place)
        if key not in self._derived:
            self._derived[key] = _price_over(provider, steps, None, below)
        return self._derived[key] or Unpriced(provider, model)

    def find_reported(self, provider: str | None, model: str, *, at_ms: int) -> Price:
        """The price of a call that its caller reports, provider and model in any usual spelling."""
        return price_book.read_reported(
            provider, model, partial(self.find, at_ms=at_ms), self.providers_of, self.stand_in
        )

    def models(self, provider: str) -> tuple[str, ...]:
        """The names that have a price at a provider, sorted."""
        stated = self.platform.names(provider) | self.tenant.names(provider)
        listed = price_book.models(provider)
        return tuple(sorted({*listed, *stated})) if stated else listed

    def providers_of(self, model: str) -> tuple[str, ...]:
        """The providers at which a model has a price, those that list it first."""
        listed = price_book.providers_of(model)
        stated = [
            provider
            for provider in PROVIDERS
            if provider not in listed and any(terms.names_model(provider, model) for terms in self._layers)
        ]
        return (*listed, *stated)

    def stand_in(self, provider: str, model: str) -> Price:
        """A price for a model that has none, by the table's own, less the discount on its provider."""
        price = price_book.stand_in(provider, model)
        parts_off = next((terms.discounts[provider] for terms in self._layers if provider in terms.discounts), 0)
        if not parts_off:
            return price
        key = ("stand-in", provider, id(price.tiers))
        found = self._derived.get(key)
        if found is None:
            found = self._derived[key] = discounted(price, parts_off)
        return found

    @property
    def _layers(self) -> tuple[PriceTerms, ...]:
        return tuple(terms for terms in (self.tenant, self.platform) if not terms.is_nothing)

    def _way_down(self, provider: str, model: str) -> tuple[Sequence[_Step], str]:
        """The model on its way down, and the name under which the table is asked for it."""
        known = self._ways.get((provider, model))
        if known is not None:
            return known
        way = self._steps(provider, model)
        if len(model) <= SPELLING_CHARACTERS_MAX:
            if len(self._ways) >= SPELLINGS_MAX:
                self._ways.clear()
            self._ways[provider, model] = way
        return way

    def _steps(self, provider: str, model: str) -> tuple[Sequence[_Step], str]:
        steps = []
        for terms in self._layers:
            model = terms.billed_as(provider, model)
            steps.append(_Step(terms, terms.stated_name(provider, model)))
        return steps, model


TABLE = PriceList()
"""Nobody has stated anything."""


@lru_cache(maxsize=PRICE_LISTS_MAX)
def price_list(platform: PriceTerms, platform_version: int, tenant: PriceTerms, tenant_version: int) -> PriceList:
    """The prices by two documents. One that says nothing is none, whatever its version."""
    version = price_book.VERSION
    version += "" if platform.is_nothing else f"+p{platform_version}"
    version += "" if tenant.is_nothing else f"+t{tenant_version}"
    return PriceList(version, platform, tenant)


def _price_over(provider: str, steps: Sequence[_Step], parts_off: int | None, listed: Price | None) -> Price | None:
    """The price from here on down. `parts_off` is the discount of whoever stands above, None where nobody gives one."""
    if not steps:
        return None if listed is None else discounted(listed, parts_off or 0)
    terms, name = steps[0].terms, steps[0].name
    below = _price_over(provider, steps[1:], terms.discounts.get(provider) if parts_off is None else parts_off, listed)
    if name is None:
        return below
    return stated_price(provider, name, terms.models[provider][name].less(parts_off or 0), below)
