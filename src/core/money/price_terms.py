"""What an operator or a tenant states of prices, as values: rates and limits of models, names that are billed as
others, discounts. How that stands over other prices is `derived_price`'s business.

The rule easy to break: a stated name is matched as a listed one is, so it stands for itself and for itself followed by
one version; but not for a version that the table lists at a price of its own, which is another model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.money import price_book
from core.money.model_names import undecorated, without_version
from core.money.price_book import Rates

PARTS = 1_000_000
"""Of a whole rate: a discount has at most four decimals of a percent."""

INPUT, OUTPUT = "input_nanousd_per_mtok", "output_nanousd_per_mtok"


@dataclass(frozen=True, slots=True)
class StatedModel:
    """What a document says of one model. What it leaves out is not here."""

    rates: Mapping[str, int] = field(default_factory=dict)
    """By the field of `Rates`."""
    input_tokens_max: int | None = None
    output_tokens_max: int | None = None

    @property
    def is_whole(self) -> bool:
        """It says enough for a model that nobody else prices."""
        return INPUT in self.rates and OUTPUT in self.rates

    def less(self, parts_off: int) -> "StatedModel":
        """With a discount taken off."""
        return replace(self, rates={name: less(rate, parts_off) for name, rate in self.rates.items()})


def less(rate: int, parts_off: int) -> int:
    """A rate with a discount taken off, rounded up to a whole nano-dollar."""
    return -(-rate * (PARTS - parts_off) // PARTS)


FREE = StatedModel(rates=dict.fromkeys(Rates.__struct_fields__, 0))


@dataclass(frozen=True, slots=True, eq=False)
class PriceTerms:
    """A document of prices. Names are lower case, by their provider. It equals itself alone, so that what was derived
    from it can be kept under it."""

    models: Mapping[str, Mapping[str, StatedModel]] = field(default_factory=dict)
    """Free ones are among them."""
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The name as which another one is billed, which is none of these."""
    discounts: Mapping[str, int] = field(default_factory=dict)
    """By provider, in `PARTS`."""

    @property
    def is_nothing(self) -> bool:
        return not (self.models or self.aliases or self.discounts)

    def billed_as(self, provider: str, model: str) -> str:
        """The name as which a model is billed: its own, unless an alias says otherwise."""
        aliases = self.aliases.get(provider, {})
        name = _matching(aliases, provider, model)
        return model if name is None else aliases[name]

    def stated_name(self, provider: str, model: str) -> str | None:
        """The name under which something is stated of a model."""
        return _matching(self.models.get(provider, {}), provider, model)

    def names_model(self, provider: str, model: str) -> bool:
        """Does it say what a model costs, or as which it is billed?"""
        name = self.billed_as(provider, model)
        return name != model or self.stated_name(provider, name) is not None

    def names(self, provider: str) -> set[str]:
        """All that it brings into being or changes."""
        return {*self.models.get(provider, ()), *self.aliases.get(provider, ())}


NO_TERMS = PriceTerms()


def _matching(names: Mapping[str, object], provider: str, model: str) -> str | None:
    if not names:
        return None
    name = undecorated(model)
    if name in names:
        return name
    base = without_version(name)
    if base is None or base not in names or price_book.is_priced_apart(provider, name, base):
        return None
    return base
