"""What is odd about prices that can be used: a slip of the point is a price, too."""

import json
from collections.abc import Iterator

from core.money.price_book import Price
from core.money.price_list import PriceList
from core.money.price_terms import FREE, PARTS, PriceTerms, StatedModel
from core.tenant.document import DocumentWarning
from core.tenant.document_text import some_of

FAR_FACTOR = 10
LARGE_DISCOUNT = PARTS // 2

OWN_BILL = "xai"
"""Whose answers state what they cost."""


def warnings_of(terms: PriceTerms, below: PriceList, at_ms: int) -> tuple[DocumentWarning, ...]:
    """`below` is what holds without these terms."""
    found = []
    for provider, models in terms.models.items():
        for name, model in models.items():
            place = f"{_member(model)}[{json.dumps(f'{provider}/{name}')}]"
            found += [DocumentWarning(place, *odd) for odd in _about_model(model, below, provider, name, at_ms)]
    for provider, aliases in terms.aliases.items():
        for name in aliases:
            if isinstance(below.find(provider, name, at_ms=at_ms), Price):
                words = "has a price of its own, which is not used any more"
                found.append(DocumentWarning(f"aliases[{json.dumps(f'{provider}/{name}')}]", "listed_alias", words))
    for provider, parts_off in terms.discounts.items():
        if parts_off > LARGE_DISCOUNT:
            words = "more than half of every rate is taken off"
            found.append(DocumentWarning(f"discount_percent.{provider}", "large_discount", words))
    if OWN_BILL in {*terms.models, *terms.aliases, *terms.discounts}:
        words = f"{OWN_BILL} bills each answer by itself, and that is charged: prices decide what is held"
        found.append(DocumentWarning("", "own_bill", words))
    return tuple(found)


def _member(model: StatedModel) -> str:
    return "free_models" if model is FREE else "models"


def _about_model(
    model: StatedModel, below: PriceList, provider: str, name: str, at_ms: int
) -> Iterator[tuple[str, str]]:
    listed = below.find(provider, name, at_ms=at_ms)
    if not isinstance(listed, Price):
        yield "unknown_model", "nobody lists it: is this how its provider calls it?"
        return
    if model is FREE:
        return
    rates = listed.rates(prompt_tokens=0, service_tier=None)
    far = [
        member.replace("_nanousd_", "_usd_")
        for member, rate in model.rates.items()
        if _is_far(rate, getattr(rates, member))
    ]
    if far:
        yield "far_from_listed", f"{FAR_FACTOR} times or a tenth of what it costs otherwise: {some_of(far)}"


def _is_far(rate: int, listed: int) -> bool:
    return listed > 0 and not listed < rate * FAR_FACTOR < listed * FAR_FACTOR**2
