"""The models that have a price for the caller, under the names that the unified routes take, in a form that OpenAI's
clients and Anthropic's both read; and what belongs behind a provider's base URL.
"""

from typing import Literal

import msgspec

from api.endpoint import ApiRequest, Nothing
from core.call.plan import provider_and_model
from core.money.price_book import Unpriced
from core.providers import PROVIDERS
from core.refusals import InvalidRequest, NotFound
from exchange import Answer, json_answer

MODEL_CHARACTERS_MAX = 256


class Model(msgspec.Struct, frozen=True):
    id: str
    """`provider/model`."""
    owned_by: str
    display_name: str
    object: Literal["model"] = "model"
    type: Literal["model"] = "model"
    created: int = 0
    created_at: str = "1970-01-01T00:00:00Z"
    """Both clients want a moment, and nobody states one."""


class ModelList(msgspec.Struct, frozen=True):
    data: list[Model]
    first_id: str | None
    last_id: str | None
    object: Literal["list"] = "list"
    has_more: bool = False


class BaseUrl(msgspec.Struct, frozen=True):
    provider: str
    message: str


async def list_models(request: ApiRequest[Nothing, Nothing]) -> Answer:
    prices = request.caller.prices
    models = [_model(provider, name) for provider in PROVIDERS for name in prices.models(provider)]
    ids = [model.id for model in models]
    return json_answer(ModelList(models, first_id=ids[0] if ids else None, last_id=ids[-1] if ids else None))


async def read_model(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """The model that a unified route takes by this name. Raises `NotFound`."""
    asked, prices = request.path["model"], request.caller.prices
    unpriced = NotFound(
        f"no model {asked[:MODEL_CHARACTERS_MAX]!r} has a price; GET /v1/models lists those that do", param="model"
    )
    try:
        provider, name = provider_and_model(asked, prices)
    except InvalidRequest:
        raise unpriced from None
    if isinstance(prices.find(provider, name, at_ms=request.exchange.started_at_ms), Unpriced):
        raise unpriced
    return json_answer(_model(provider, name))


async def read_base_url(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """What to write behind a provider's base URL, with a version or without: some clients look there whether anybody
    answers."""
    provider = request.path["provider"].partition("/")[0]
    return json_answer(BaseUrl(provider, f"this is a base URL: the paths of {provider}'s own API come behind it"))


def _model(provider: str, name: str) -> Model:
    return Model(f"{provider}/{name}", provider, display_name=name)
