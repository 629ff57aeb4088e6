"""Between the platform's `Request` and `Response` and our own values. A body is read when asked for, not before."""

import re
from typing import Any
from urllib.parse import urlsplit

from js import Response

from bindings.ffi import bytes_to_js, headers_from_js, object_to_js
from core.refusals import Refusal
from exchange import Answer, Inbound, MakeRoom

_LENGTH = re.compile(r"[0-9]{1,12}")


def head_of(request: Any) -> Inbound:
    """A JavaScript `Request` but for its body, which stays with the platform until it is read."""
    headers = headers_from_js(request.headers)
    parts = urlsplit(request.url)

    async def read_body(make_room: MakeRoom) -> bytes:
        return await _read_body(request, headers.get("content-length"), make_room)

    return Inbound(request.method, parts.path, parts.query, headers, read_body)


def to_response(answer: Answer) -> Any:
    """A JavaScript `Response`; a streamed body is passed on as the stream it is."""
    body = bytes_to_js(answer.body) if isinstance(answer.body, bytes) else answer.body
    init = object_to_js({"status": answer.status, "headers": answer.headers})
    if answer.status in (204, 304):
        return Response.new(None, init)
    return Response.new(body, init)


async def _read_body(request: Any, declared: str | None, make_room: MakeRoom) -> bytes:
    """The whole body. The platform ends one with a declared length there, so it is read in one piece."""
    if not request.body:
        return b""
    if declared is None or _LENGTH.fullmatch(declared) is None:
        return await _read_undeclared(request.body.getReader(), make_room)
    make_room(int(declared))
    buffer = await request.arrayBuffer()
    make_room(buffer.byteLength)
    return bytes(buffer.to_bytes())


async def _read_undeclared(reader: Any, make_room: MakeRoom) -> bytes:
    """A chunked body tells its length only by ending."""
    received = bytearray()
    try:
        while not (step := await reader.read()).done:
            make_room(len(received) + step.value.byteLength)
            received += step.value.to_bytes()
    except Refusal:
        await reader.cancel()
        raise
    return bytes(received)
