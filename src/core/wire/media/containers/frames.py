"""How long FLAC, MP3 and AAC play: by the headers of their frames, since no byte count bounds a frame of silence.

Theory of operation. A decoder plays what is behind a frame's header, so no more than all that look like one. They are
counted everywhere, in whatever order and over whatever a tag says of sizes: no reading of the file finds more. Of
MP3 and AAC, sound that looks like a header by chance adds up to a third. A regular expression finds them at C speed, a
slice of the file at a time, and each kind of header is worked out once.
"""

import re
from collections import Counter

from core.wire.media.containers.unknown import Unknown, whole_ms

_FRAMES_MAX = 500_000
"""More than three hours of MP3; they take a tenth of a second."""

_SLICE_BYTES = 1 << 16
_HEADER_BYTES_MAX = 16

_FLAC_FRAMES_MAX = 50_000
"""More than an hour; each is checked by its sum, in two microseconds."""

_FLAC_HEADER = re.compile(
    rb"\xff(?=([\xf8\xf9][\x10-\xff][\x00-\xaf]"
    rb"(?:[\x00-\x7f]|[\xc0-\xdf].|[\xe0-\xef].{2}|[\xf0-\xf7].{3}|[\xf8-\xfb].{4}|[\xfc\xfd].{5}|\xfe.{6}))(.{5}))",
    re.DOTALL,
)
"""Size and rate, channels, the frame's number (its first byte says how long), what may follow of size, rate and sum."""

_MPEG_HEADER = re.compile(rb"\xff(?=([\xe2-\xe7\xf2-\xf7\xfa-\xff])([\x00-\xef]))")
"""Version and layer, then bit rate (free formats have none) and sampling rate."""

_ADTS_HEADER = re.compile(rb"\xff(?=[\xf0\xf1\xf8\xf9](.).{3}(.))", re.DOTALL)
AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_MPEG_RATES = (44_100, 48_000, 32_000)
_FLAC_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)

_ZEROS = re.compile(rb"\0*")

_Header = tuple[int, int]
"""Samples of a frame, and how many of them are a second; nothing for what is no header."""


def flac_duration_ms(media: bytes) -> int:
    """The frames, or what the stream's own header claims."""
    if media[4] & 0x7F:
        raise Unknown
    stated = int.from_bytes(media[18:26], "big")
    rate, samples = stated >> 44, stated & (1 << 36) - 1
    found: Counter[_Header] = Counter()
    for (start, more), times in _headers(_FLAC_HEADER, media, _FLAC_FRAMES_MAX).items():
        block, own_rate = _flac_frame(start, more)
        found[block, own_rate or rate] += times
    return max(whole_ms(samples, rate), _played_ms(found))


def mpeg_duration_ms(media: bytes) -> int:
    """The frames, or what an encoder's note in the first one claims. Bytes that do not start as MPEG audio are odd."""
    start = _behind_tags(media)
    first = _MPEG_HEADER.match(media, start)
    if not first and not _ADTS_HEADER.match(media, start):
        raise Unknown
    if start and b"fLaC" in media:
        raise Unknown
    found: Counter[_Header] = Counter()
    for (kind, rates), times in _headers(_MPEG_HEADER, media, _FRAMES_MAX).items():
        found[_mpeg_frame(kind[0], rates[0])] += times
    for (kind, blocks), times in _headers(_ADTS_HEADER, media, _FRAMES_MAX).items():
        found[_adts_frame(kind[0], blocks[0])] += times
    played = _played_ms(found)
    if not first:
        return played
    samples, rate = _mpeg_frame(first[1][0], first[2][0])
    return max(played, whole_ms(samples * _claimed_frames(media[start : start + 256]), rate))


def _headers(pattern: re.Pattern[bytes], media: bytes, most: int) -> Counter[tuple[bytes, ...]]:
    """How often each header stands anywhere in the file. Slices overlap, so that no header is cut."""
    found: Counter[tuple[bytes, ...]] = Counter()
    total = 0
    padded = media + bytes(_HEADER_BYTES_MAX)
    for start in range(0, len(media), _SLICE_BYTES):
        matches = pattern.findall(padded, start, start + _SLICE_BYTES + _HEADER_BYTES_MAX)
        total += len(matches)
        if total > most:
            raise Unknown
        found.update(matches)
    return found


def _played_ms(found: Counter[_Header]) -> int:
    by_rate: Counter[int] = Counter()
    for (samples, rate), times in found.items():
        if samples:
            by_rate[rate] += samples * times
    if not by_rate:
        raise Unknown
    return sum(whole_ms(samples, rate) for rate, samples in by_rate.items())


def _flac_frame(start: bytes, more: bytes) -> _Header:
    """Nothing where the sum is wrong: these headers are short enough to come up by chance, and then state any time."""
    block_kind, rate_kind = start[1] >> 4, start[1] & 15
    block_bytes = {6: 1, 7: 2}.get(block_kind, 0)
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate_kind, 0)
    stated_block = int.from_bytes(more[:block_bytes], "big")
    stated_rate = int.from_bytes(more[block_bytes : block_bytes + rate_bytes], "big")
    if rate_kind == 15 or _sum(b"\xff" + start + more[: block_bytes + rate_bytes]) != more[block_bytes + rate_bytes]:
        return 0, 0
    rate = _FLAC_RATES[rate_kind] if not rate_bytes else stated_rate * {12: 1_000, 13: 1, 14: 10}[rate_kind]
    if block_bytes:
        return stated_block + 1, rate
    if block_kind < 6:
        return (192 if block_kind == 1 else 576 << block_kind - 2), rate
    return 256 << block_kind - 8, rate


def _sum(header: bytes) -> int:
    """CRC-8 with the polynomial x^8 + x^2 + x + 1."""
    found = 0
    for byte in header:
        found = _SUMS[found ^ byte]
    return found


def _one_sum(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1 ^ 0x07) & 0xFF if byte & 0x80 else byte << 1
    return byte


_SUMS = bytes(map(_one_sum, range(256)))


def _mpeg_frame(kind: int, rates: int) -> _Header:
    version, layer, rate_kind = kind >> 3 & 3, kind >> 1 & 3, rates >> 2 & 3
    if rate_kind == 3:
        return 0, 0
    samples = {3: 384, 2: 1_152, 1: 1_152 if version == 3 else 576}[layer]
    return samples, _MPEG_RATES[rate_kind] >> {3: 0, 2: 1, 0: 2}[version]


def _adts_frame(kind: int, blocks: int) -> _Header:
    rate_kind = kind >> 2 & 15
    return (1_024 * ((blocks & 3) + 1), AAC_RATES[rate_kind]) if rate_kind < len(AAC_RATES) else (0, 0)


def _claimed_frames(frame: bytes) -> int:
    for name, place in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        at = frame.find(name)
        if at >= 0 and (name == b"VBRI" or frame[at + 7] & 1):
            return int.from_bytes(frame[at + place : at + place + 4], "big")
    return 0


def _behind_tags(media: bytes) -> int:
    """Behind the ID3v2 tags and the zeros that pad them."""
    start = 0
    for _ in range(8):
        if not media.startswith(b"ID3", start):
            break
        size = 0
        for digit in media[start + 6 : start + 10]:
            size = size << 7 | digit & 0x7F
        start += 10 + size
        padding = _ZEROS.match(media, start)
        start = padding.end() if padding else start
    return start
