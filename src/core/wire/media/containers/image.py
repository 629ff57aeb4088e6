"""Width and height of a picture as its header states them; the largest where several places state some."""

import re
import struct
from collections.abc import Callable

from core.wire.media.containers.unknown import Unknown, known

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers that state a frame's size."""

_JPEG_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
"""Markers without a length."""

_JPEG_MARKERS_MAX = 10_000
_GIF_BLOCKS_MAX = 10_000
_ITEM_SIZE = re.compile(rb"ispe.{4}(.{4})(.{4})", re.DOTALL)
_ITEM_SIZES_MAX = 10_000


def image_pixels(media: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF, WebP, BMP, HEIC or AVIF."""
    return known(_pixels, media)


def _pixels(media: bytes) -> tuple[int, int]:
    for is_meant, measure in _FORMATS:
        if is_meant(media):
            width, height = measure(media)
            if width > 0 and height > 0:
                return width, height
    raise Unknown


def _png(media: bytes) -> tuple[int, int]:
    if media[12:16] != b"IHDR":
        raise Unknown
    width, height = struct.unpack_from(">II", media, 16)
    return width, height


def _gif(media: bytes) -> tuple[int, int]:
    """The screen, or a frame drawn beyond it."""
    width, height, flags = struct.unpack_from("<HHB", media, 6)
    position = _behind_extensions(media, 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0))
    if media[position] != 0x2C:
        raise Unknown
    left, top, frame_width, frame_height = struct.unpack_from("<4H", media, position + 1)
    return max(width, left + frame_width), max(height, top + frame_height)


def _behind_extensions(media: bytes, position: int) -> int:
    blocks = 0
    while media[position] == 0x21:
        position += 2
        while media[position]:
            position += 1 + media[position]
            blocks += 1
            if blocks > _GIF_BLOCKS_MAX:
                raise Unknown
        position += 1
    return position


def _jpeg(media: bytes) -> tuple[int, int]:
    """The sizes before the first scan. A height of zero is stated behind it, so is unknown."""
    sizes: list[tuple[int, int]] = []
    position = 2
    for _ in range(_JPEG_MARKERS_MAX):
        if media[position] != 0xFF:
            break
        marker = media[position + 1]
        if marker == 0xDA:
            return _largest(sizes)
        if marker == 0xFF:
            position += 1
            continue
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", media, position + 5)
            sizes.append((width, height))
        position += 2 if marker in _JPEG_ALONE else 2 + struct.unpack_from(">H", media, position + 2)[0]
    raise Unknown


def _webp(media: bytes) -> tuple[int, int]:
    kind, data = media[12:16], media[20:30]
    if kind == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if kind == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise Unknown


def _bmp(media: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", media, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", media, 18)
    else:
        width, height = struct.unpack_from("<ii", media, 18)
    return abs(width), abs(height)


def _heif(media: bytes) -> tuple[int, int]:
    """A grid of tiles states its own size beside theirs."""
    found = _ITEM_SIZE.findall(media)
    if len(found) > _ITEM_SIZES_MAX:
        raise Unknown
    return _largest([(int.from_bytes(width, "big"), int.from_bytes(height, "big")) for width, height in found])


def _largest(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    if not sizes:
        raise Unknown
    if any(0 in size for size in sizes):
        raise Unknown
    return max(width for width, _ in sizes), max(height for _, height in sizes)


_HEIF_BRANDS = re.compile(rb"ftyp.{0,60}(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis)", re.DOTALL)

_FORMATS: tuple[tuple[Callable[[bytes], object], Callable[[bytes], tuple[int, int]]], ...] = (
    (lambda media: media.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda media: media.startswith(b"\xff\xd8"), _jpeg),
    (lambda media: media[:6] in (b"GIF87a", b"GIF89a"), _gif),
    (lambda media: media.startswith(b"RIFF") and media[8:12] == b"WEBP", _webp),
    (lambda media: media.startswith(b"BM"), _bmp),
    (lambda media: _HEIF_BRANDS.match(media, 4), _heif),
)
