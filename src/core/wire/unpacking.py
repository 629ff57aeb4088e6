"""Compressed bodies as the plain ones they were made of.

Theory of operation. The compressed pieces lie ready, all of them, and are given up one by one as they are used: what is
in memory is what still waits and what came of the rest. Each step makes a little, and room for it before the next. An
encoding within another is bounded like the body itself, so that nothing grows out of sight between the two. The rule
easy to break: no step waits for anything, so there is one decoder in an isolate at a time, whose window is counted
nowhere.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Protocol

from core.refusals import InvalidRequest, UnsupportedEncoding
from core.wire.bytes_in_flight import MakeRoom

try:
    from compression import zstd  # type: ignore[import-not-found]
except ImportError:  # before Python 3.14, and in an interpreter built without it
    zstd = None

GIVEN_BYTES = 16 * 1024
MADE_BYTES = 64 * 1024
"""What one step takes and makes at most."""

ENCODINGS_MAX = 2
"""One within another. Nobody compresses more often, and each takes the time of a whole body."""

WINDOW_BITS_MAX = 23
"""How far back a zstd body may refer, 8 MB: as much as RFC 9659 lets a content encoding ask for."""

Unpack = Callable[[deque[bytes]], bytes]
"""Makes the plain body out of the compressed pieces, which it takes away. Raises what a `MakeRoom` does, or
`InvalidRequest`."""


class _Decoder(Protocol):
    """As `compression` has them: what was given and is not used yet stays inside."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Inflater:
    """zlib's decompressor in that form."""

    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        made = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = not self._stream.unconsumed_tail and len(made) < max_length
        return made


def _deflated(first_byte: int) -> _Decoder:
    """RFC 9110 means zlib's format, and some send what is inside it alone: the one begins with its method, 8, where the
    other would have a block of a kind that no encoder begins with."""
    return _Inflater(zlib.MAX_WBITS if first_byte & 15 == zlib.DEFLATED else -zlib.MAX_WBITS)


def _gzipped(first_byte: int) -> _Decoder:
    return _Inflater(zlib.MAX_WBITS + 16)


def _zstandard(first_byte: int) -> _Decoder:
    decoder: _Decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_BITS_MAX})
    return decoder


_DECODERS: dict[str, Callable[[int], _Decoder]] = {"gzip": _gzipped, "deflate": _deflated}
_FAULTS: tuple[type[Exception], ...] = (zlib.error,)
if zstd is not None:
    _DECODERS["zstd"] = _zstandard
    _FAULTS = (zlib.error, zstd.ZstdError)

TAKEN = tuple(_DECODERS)
"""What a body may be compressed with. Python has nothing for `br`, and no client is known to send it."""

_SAME = {"x-gzip": "gzip"}
"""RFC 9110, 8.4.1.3."""


def unpacking(content_encoding: str, make_room: MakeRoom) -> Unpack | None:
    """What undoes the encodings that a header lists, the first of which was applied first; None where there is none.
    Raises `UnsupportedEncoding`."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    listed = [_SAME.get(name, name) for name in names if name not in ("", "identity")]
    if not listed:
        return None
    for name in listed:
        if name not in _DECODERS:
            raise _unsupported(f"the body is encoded as {name[:40]!r}, which cannot be read here")
    if len(listed) > ENCODINGS_MAX:
        raise _unsupported(f"the body is encoded {len(listed)} times")

    def unpack(pieces: deque[bytes]) -> bytes:
        return _unpacked(pieces, listed, make_room)

    return unpack


def _unsupported(what: str) -> UnsupportedEncoding:
    return UnsupportedEncoding(
        f"{what}: send it plain, without content-encoding, or once in one of {', '.join(TAKEN)}",
        param="content-encoding",
    )


def _unpacked(pieces: deque[bytes], encodings: list[str], make_room: MakeRoom) -> bytes:
    made: Iterator[bytes] = _given_up(pieces)
    for name in reversed(encodings):
        made = _bounded(_decoded(made, name), make_room)
    contents = BytesIO()
    for piece in made:
        make_room(contents.tell() + len(piece) + sum(map(len, pieces)))
        contents.write(piece)
    return contents.getvalue()


def _given_up(pieces: deque[bytes]) -> Iterator[bytes]:
    while pieces:
        piece = pieces.popleft()
        for start in range(0, len(piece), GIVEN_BYTES):
            yield piece[start : start + GIVEN_BYTES]


def _bounded(made: Iterable[bytes], make_room: MakeRoom) -> Iterator[bytes]:
    length_bytes = 0
    for piece in made:
        length_bytes += len(piece)
        make_room(length_bytes)
        yield piece


def _decoded(given: Iterable[bytes], name: str) -> Iterator[bytes]:
    """One encoding undone: all of what is given must be one stream. Raises `InvalidRequest`."""
    decoder: _Decoder | None = None
    for piece in given:
        decoder = decoder or _DECODERS[name](piece[0])
        if decoder.eof:
            raise _no_stream(name)
        try:
            yield from _steps(decoder, piece)
        except _FAULTS:
            raise _no_stream(name) from None
    if decoder is None or not decoder.eof or decoder.unused_data:
        raise _no_stream(name)


def _steps(decoder: _Decoder, data: bytes) -> Iterator[bytes]:
    while True:
        made = decoder.decompress(data, MADE_BYTES)
        data = b""
        if made:
            yield made
        if decoder.eof or decoder.needs_input:
            return


def _no_stream(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"content-encoding says {name}, and the body is not one whole {name} stream: compress it once, "
        "or send it plain without content-encoding",
        param="content-encoding",
    )
