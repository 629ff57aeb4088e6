"""Between the platform's `Request` and `Response` and our own values, with the body's size bounded while it is read."""

from typing import Any
from urllib.parse import urlsplit

from js import Response

from bindings.ffi import bytes_to_js, headers_from_js, object_to_js
from core.limits import REQUEST_BODY_BYTES_MAX
from core.refusals import BodyTooLarge
from exchange import Answer, Inbound


async def read_request(request: Any) -> Inbound:
    """Read a JavaScript `Request` whole.

    Raises `BodyTooLarge` as soon as the declared or the received length passes the bound.
    """
    headers = headers_from_js(request.headers)
    parts = urlsplit(request.url)
    body = b"" if request.method in ("GET", "HEAD") else await _read_body(request, headers)
    return Inbound(request.method, parts.path, parts.query, headers, body)


def to_response(answer: Answer) -> Any:
    """A JavaScript `Response`; a streamed body is passed on as the stream it is."""
    body = bytes_to_js(answer.body) if isinstance(answer.body, bytes) else answer.body
    init = object_to_js({"status": answer.status, "headers": answer.headers})
    if answer.status in (204, 304):
        return Response.new(None, init)
    return Response.new(body, init)


async def _read_body(request: Any, headers: dict[str, str]) -> bytes:
    declared = headers.get("content-length")
    if declared is not None and declared.isdigit():
        if int(declared) > REQUEST_BODY_BYTES_MAX:
            raise _too_large()
        buffer = await request.arrayBuffer()
        return bytes(buffer.to_bytes())
    if not request.body:
        return b""
    return await _read_undeclared(request.body.getReader())


async def _read_undeclared(reader: Any) -> bytes:
    """A chunked body tells its length only by ending."""
    received = bytearray()
    while not (step := await reader.read()).done:
        received += step.value.to_bytes()
        if len(received) > REQUEST_BODY_BYTES_MAX:
            await reader.cancel()
            raise _too_large()
    return bytes(received)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"a request body may have at most {REQUEST_BODY_BYTES_MAX} bytes")
