"""What a price list says of a chain: whether its hops have a price, and which models it is for.

It is asked where a chain is written, not where it is read: a model that its list has lost since is no reason to take a
chain away from calls that fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from core.money.model_names import family_of
from core.money.price_book import Price, Rates
from core.money.price_list import PriceList
from core.providers import PROVIDERS
from core.tenant.failover.chains import Chain, Hop, Matcher
from core.tenant.failover.document import ChainMatch, InvalidChain
from core.tenant.rules.document import listed
from core.tenant.rules.facts import Models, models_called


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that has a price."""

    provider: str
    name: str
    called: Models
    price: Price

    @property
    def rates(self) -> Rates:
        return rates_of(self.price)

    @property
    def is_free(self) -> bool:
        return is_free(self.price)


def listed_models(at_ms: int, prices: PriceList) -> tuple[ListedModel, ...]:
    """All there are, at a moment."""
    return tuple(
        ListedModel(provider, name, models_called(provider, name, name), price)
        for provider in PROVIDERS
        for name in prices.models(provider)
        if isinstance(price := prices.find(provider, name, at_ms=at_ms), Price)
    )


def met_by(matcher: Matcher, models: Sequence[ListedModel]) -> tuple[ListedModel, ...]:
    """Those that a chain is for."""
    return tuple(model for model in models if matcher.meets(model.provider, model.called))


def hop_prices(chain: Chain, at_ms: int, prices: PriceList) -> tuple[Price, ...]:
    """What its hops cost. Raises `InvalidChain` for one that nobody could hold money for, or that makes vectors."""
    return tuple(_hop_price(place, hop, at_ms, prices) for place, hop in enumerate(chain.hops))


def refuse_embeddings(match: ChainMatch, met: Sequence[ListedModel]) -> None:
    """Raises `InvalidChain` for a chain that would be for embeddings alone; one for everything passes them over."""
    named = next((pattern for pattern in listed(match.model) if _makes_vectors("", pattern.rpartition("/")[2])), None)
    if named is None and met and all(_makes_vectors(model.provider, model.name) for model in met):
        named = met[0].name
    if named is not None:
        raise InvalidChain("match.model", f"is for embeddings ({named}): {_VECTORS}")


def rates_of(price: Price) -> Rates:
    """Of an ordinary call."""
    return price.rates(prompt_tokens=0, service_tier=None)


def is_free(price: Price) -> bool:
    rates = rates_of(price)
    return rates.input_nanousd_per_mtok == rates.output_nanousd_per_mtok == 0


_VECTORS = "the vectors of one model are no replacement for another's, so embeddings have no chain"


def _hop_price(place: int, hop: Hop, at_ms: int, prices: PriceList) -> Price:
    price = prices.find(hop.provider, hop.model, at_ms=at_ms)
    if not isinstance(price, Price):
        near = get_close_matches(hop.model.lower(), prices.models(hop.provider), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        words = f"{hop.provider}/{hop.model} is not in the price table, so no money could be held for it{hint}"
        raise InvalidChain(f"hops[{place}].model", words)
    if _makes_vectors(hop.provider, hop.model):
        raise InvalidChain(f"hops[{place}].model", f"makes embeddings: {_VECTORS}")
    return price


def _makes_vectors(provider: str, name: str) -> bool:
    family = family_of(provider, name)
    return family is not None and family.apart == "embedding"
