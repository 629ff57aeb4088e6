"""Requests as they come in, their bodies not taken in until they are read."""

from collections import deque
from collections.abc import Mapping

from core.wire.bytes_in_flight import MakeRoom
from core.wire.unpacking import Unpack
from exchange import Inbound


def an_inbound(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Inbound:
    async def read_body(make_room: MakeRoom, unpack: Unpack | None) -> bytes:
        make_room(len(body))
        return body if unpack is None else unpack(deque((body,)))

    return Inbound(method, path, query, headers, read_body)
