"""Compressed bodies: unpacked whole however they are cut, and never further than there is room."""

import gzip
import random
import tracemalloc
import zlib
from collections import deque

import pytest

from core.refusals import BodyTooLarge, InvalidRequest, UnsupportedEncoding
from core.wire.unpacking import unpacking

MB = 1024 * 1024


def rather_random(length_bytes: int) -> bytes:
    """Compresses about by half."""
    return random.Random(7).randbytes(length_bytes // 2).hex().encode()


def raw(body: bytes) -> bytes:
    """Deflate without zlib's frame, as some clients send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def in_pieces(body: bytes, length_bytes: int) -> deque[bytes]:
    return deque(body[start : start + length_bytes] for start in range(0, len(body), length_bytes))


def unpacked(encoding: str, pieces: deque[bytes], bytes_max: int = 32 * MB) -> bytes:
    def make_room(length_bytes: int) -> None:
        if length_bytes > bytes_max:
            raise BodyTooLarge("too long")

    unpack = unpacking(encoding, make_room)
    assert unpack is not None
    return unpack(pieces)


PACKED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity, Deflate": raw,
    "deflate, gzip": lambda body: gzip.compress(zlib.compress(body)),
}


@pytest.mark.parametrize("length_bytes", [0, 1, 64 * 1024, 3 * 64 * 1024 + 1, 3 * MB])
@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_comes_out_as_it_was(encoding: str, length_bytes: int) -> None:
    body = rather_random(length_bytes)

    assert unpacked(encoding, in_pieces(PACKED[encoding](body), MB)) == body


@pytest.mark.parametrize("encoding", PACKED)
def test_it_may_come_byte_by_byte(encoding: str) -> None:
    body = rather_random(1_000)

    assert unpacked(encoding, in_pieces(PACKED[encoding](body), 1)) == body


@pytest.mark.parametrize("encoding", ["", "identity", " , Identity"])
def test_a_plain_body_has_nothing_to_undo(encoding: str) -> None:
    assert unpacking(encoding, lambda length_bytes: None) is None


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("damage", ["nothing there", "cut off", "something behind", "other bytes"])
def test_what_is_no_whole_stream_is_refused(encoding: str, damage: str) -> None:
    packed = PACKED[encoding](rather_random(100_000))
    damaged = {
        "nothing there": b"",
        "cut off": packed[:-5],
        "something behind": packed + b"\0" * 20_000,
        "other bytes": b"\xff" + packed,
    }[damage]

    with pytest.raises(InvalidRequest, match=r"send it plain without content-encoding$"):
        unpacked(encoding, in_pieces(damaged, MB))


@pytest.mark.parametrize(
    ("encoding", "named"), [("br", "'br'"), ("gzip, zstandard", "'zstandard'"), ("gzip,deflate,gzip", "3 times")]
)
def test_what_cannot_be_undone_is_named_with_what_can(encoding: str, named: str) -> None:
    with pytest.raises(UnsupportedEncoding, match=rf"{named}.*send it plain.* or once in one of gzip, deflate"):
        unpacking(encoding, lambda length_bytes: None)


def bombs() -> dict[str, tuple[str, bytes]]:
    """Small bodies of which many megabytes come, at the end or in between: nothing follows from empty blocks."""
    blanks = gzip.compress(b" " * 32 * MB, 1)
    return {
        "of blanks": ("gzip", blanks),
        "within another": ("gzip, gzip", gzip.compress(blanks)),
        "of nothing": ("deflate, gzip", gzip.compress(b"\x78\x9c" + b"\0\0\0\xff\xff" * MB, 1)),
    }


@pytest.mark.parametrize(("encoding", "bomb"), bombs().values(), ids=bombs().keys())
def test_a_bomb_ends_where_its_room_does(encoding: str, bomb: bytes) -> None:
    told = []

    def make_room(length_bytes: int) -> None:
        told.append(length_bytes)
        if length_bytes > MB:
            raise BodyTooLarge("too long")

    unpack = unpacking(encoding, make_room)
    assert unpack is not None
    pieces = in_pieces(bomb, MB)
    del bomb
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        unpack(pieces)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 2 * MB
    assert told[-1] <= MB + 64 * 1024


def test_what_still_waits_counts_beside_what_came_of_the_rest() -> None:
    pieces = in_pieces(gzip.compress(random.Random(7).randbytes(4 * MB)), MB)
    told: list[int] = []
    unpack = unpacking("gzip", told.append)
    assert unpack is not None

    unpack(pieces)

    assert all(length_bytes > 3 * MB - 64 * 1024 for length_bytes in told[1:30:2])
    assert max(told) <= 4 * MB + 64 * 1024
    assert not pieces
