"""The models that have a price for the caller, in OpenAI's list form, under the names that the unified route takes."""

from typing import Literal

import msgspec

from api.endpoint import ApiRequest, Nothing
from core.providers import PROVIDERS
from exchange import Answer, json_answer


class Model(msgspec.Struct, frozen=True):
    id: str
    """`provider/model`."""
    owned_by: str
    object: Literal["model"] = "model"
    created: int = 0


class ModelList(msgspec.Struct, frozen=True):
    data: list[Model]
    object: Literal["list"] = "list"


async def list_models(request: ApiRequest[Nothing, Nothing]) -> Answer:
    prices = request.caller.prices
    models = [Model(f"{provider}/{name}", provider) for provider in PROVIDERS for name in prices.models(provider)]
    return json_answer(ModelList(models))
