"""What given models are priced as: which of them have a price of their own, and which a stand-in's. Nothing is billed.

It asks what calls are priced by, so that it cannot tell another story.
"""

from typing import Annotated

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from core.tenant.rules.document import Named
from exchange import Answer, json_answer

MODELS_MAX = 200


class NamedModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model as records name it: in any usual spelling, its provider apart or not at all."""

    model: Named
    provider: Named | None = None


class PriceTrial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: Annotated[list[NamedModel], msgspec.Meta(min_length=1, max_length=MODELS_MAX)]


class PricedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model and the price that its calls have now."""

    model: str
    provider: str | None
    priced_as: str
    """The name, `provider/model`, under which the price stands."""
    is_stand_in: bool
    """Nobody states a price of this model: that of the dearest of its family, or of its provider, is taken."""


class PricesTried(msgspec.Struct, frozen=True, kw_only=True):
    price_version: str
    data: list[PricedModel]
    """In the order in which they were named."""


async def try_prices(request: ApiRequest[Nothing, PriceTrial]) -> Answer:
    """Say what each model is priced as."""
    prices, at_ms = request.caller.prices, request.exchange.started_at_ms
    tried = []
    for named in request.body.models:
        price = prices.find_reported(named.provider, named.model, at_ms=at_ms)
        tried.append(
            PricedModel(
                model=named.model,
                provider=named.provider,
                priced_as=f"{price.provider}/{price.model}",
                is_stand_in=price.is_estimate,
            )
        )
    return json_answer(PricesTried(price_version=prices.version, data=tried))


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "POST", "/v1/prices/test", try_prices, "Which models have a price of their own, and which a stand-in's",
        PricesTried, audience="admin", body=PriceTrial, is_administration=True,
    ),
)  # fmt: skip
