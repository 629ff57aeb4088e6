"""Between the platform's `Request` and `Response` and our own values. A body is read when asked for, not before."""

import re
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from js import Response

from bindings.ffi import bytes_to_js, headers_from_js, object_to_js
from bindings.pieces import PIECE_BYTES, pieces_of, read_in_pieces
from core.wire.bytes_in_flight import MakeRoom
from core.wire.unpacking import Unpack
from exchange import Answer, Inbound

_LENGTH = re.compile(r"[0-9]{1,12}")


def head_of(request: Any) -> Inbound:
    """A JavaScript `Request` but for its body, which stays with the platform until it is read."""
    headers = headers_from_js(request.headers)
    parts = urlsplit(request.url)

    async def read_body(make_room: MakeRoom, unpack: Unpack | None) -> bytes:
        return await _read_body(request, headers.get("content-length"), make_room, unpack)

    return Inbound(request.method, parts.path, parts.query, headers, read_body)


def to_response(answer: Answer) -> Any:
    """A JavaScript `Response`; a streamed body is passed on as the stream it is."""
    body = bytes_to_js(answer.body) if isinstance(answer.body, bytes) else answer.body
    init = object_to_js({"status": answer.status, "headers": answer.headers})
    if answer.status in (204, 304):
        return Response.new(None, init)
    return Response.new(body, init)


async def _read_body(request: Any, declared: str | None, make_room: MakeRoom, unpack: Unpack | None) -> bytes:
    if not request.body:
        return b"" if unpack is None else unpack(deque())
    length_bytes = int(declared) if declared is not None and _LENGTH.fullmatch(declared) else None
    if length_bytes is None or length_bytes > PIECE_BYTES:
        if unpack is not None:
            return unpack(await pieces_of(request.body, length_bytes, make_room))
        return await read_in_pieces(request.body, length_bytes, make_room)
    make_room(length_bytes)
    buffer = await request.arrayBuffer()  # the platform ends a body where its declared length does
    body = bytes(buffer.to_bytes())
    return body if unpack is None else unpack(deque((body,)))
