"""Requests as they come in, their bodies not taken in until they are read."""

from collections.abc import Mapping

from exchange import Inbound, MakeRoom


def an_inbound(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Inbound:
    async def read_body(make_room: MakeRoom) -> bytes:
        make_room(len(body))
        return body

    return Inbound(method, path, query, headers, read_body)
