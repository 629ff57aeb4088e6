"""Is the Worker up, and with which prices? Nobody needs a token to ask."""

import msgspec

from api.endpoint import ApiRequest, Nothing
from core.money import price_book
from exchange import Answer, json_answer


class Health(msgspec.Struct, frozen=True):
    status: str
    price_version: str


async def health(_: ApiRequest[Nothing, Nothing]) -> Answer:
    return json_answer(Health("ok", price_book.VERSION))
