"""Large bodies cross the border to JavaScript in pieces, so that only one side holds them whole.

An isolate's 128 MB are shared by both sides' memory, and WebAssembly's never shrinks. A small body crosses in one
piece: an await costs more than its copy.
"""

from collections import deque
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

from js import Uint8Array
from pyodide.ffi import create_proxy

from bindings.ffi import bytes_to_js, object_to_js, own_javascript
from core.refusals import Refusal
from core.wire.bytes_in_flight import MakeRoom

PIECE_BYTES = 1024 * 1024


class Outgoing:
    """A body for `fetch`. It must be closed when `fetch` has answered or failed."""

    def __init__(self, body: bytes) -> None:
        self._view = memoryview(body)
        self._sent_bytes = 0
        self._next: Any = None
        if len(body) <= PIECE_BYTES:
            self.js_body = bytes_to_js(body)
        else:
            self._next = create_proxy(self._take)
            self.js_body = own_javascript("pieces").streamOf(len(body), self._next)

    def close(self) -> None:
        """A provider that answers before it has taken all in gets no more."""
        if self._next is not None:
            self._next.destroy()
        self._view.release()

    def _take(self) -> Any:
        piece = self._view[self._sent_bytes : self._sent_bytes + PIECE_BYTES]
        self._sent_bytes += len(piece)
        return bytes_to_js(piece) if piece else None


async def read_in_pieces(stream: Any, declared_bytes: int | None, make_room: MakeRoom) -> bytes:
    """A JavaScript stream's bytes. `make_room` hears how many there will be before they are taken in; what it raises
    ends the reading."""
    received = BytesIO()
    if declared_bytes is not None:
        make_room(declared_bytes)
        _extend(received, declared_bytes)
    async for piece in _read(stream, make_room):
        received.write(piece)
    received.truncate()
    return received.getvalue()


async def pieces_of(stream: Any, declared_bytes: int | None, make_room: MakeRoom) -> deque[bytes]:
    """The same in pieces, each of which can be let go by itself."""
    make_room(declared_bytes or 0)
    return deque([piece async for piece in _read(stream, make_room)])


async def _read(stream: Any, make_room: MakeRoom) -> AsyncIterator[bytes]:
    read_bytes = 0
    reader = stream.getReader(object_to_js({"mode": "byob"}))
    try:
        buffer = Uint8Array.new(PIECE_BYTES)
        while not (step := await reader.readAtLeast(PIECE_BYTES, buffer)).done:
            read_bytes += step.value.byteLength
            make_room(read_bytes)
            yield bytes(step.value.to_bytes())
            buffer = Uint8Array.new(step.value.buffer)
    except Refusal:
        await reader.cancel()
        raise


def _extend(file: BytesIO, length_bytes: int) -> None:
    """Take memory for all of it at once: growing into it would need it twice for a while."""
    file.seek(max(0, length_bytes - 1))
    file.write(b"\0")
    file.seek(0)
