"""How long uncompressed sound plays: WAV and AIFF, and the compressions of theirs that have a fixed ratio.

Every byte of the file counts as sound, wherever its chunks say the sound is: a decoder that goes on to the end plays
no more than that.
"""

import re
import struct

from core.wire.media.containers.unknown import Unknown, whole_ms

_WAV_FORMAT = re.compile(rb"fmt (.{20}.{0,24})", re.DOTALL)
_WAV_DATA = re.compile(rb"data(.{4})", re.DOTALL)
_FORMATS_MAX = 4
"""Four letters come up by chance once in four gigabytes."""

_PCM, _FLOAT, _A_LAW, _MU_LAW, _MS_ADPCM, _IMA_ADPCM, _EXTENSIBLE = 1, 3, 6, 7, 2, 0x11, 0xFFFE
_OPEN_ENDED_BYTES = 0x7FFF_0000
"""A size from here on is a recorder's way of saying that it did not know."""

_AIFF_PLAIN = frozenset((b"NONE", b"sowt", b"twos", b"raw ", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32"))
_AIFF_HALVED = frozenset((b"alaw", b"ALAW", b"ulaw", b"ULAW"))


def wav_duration_ms(media: bytes) -> int:
    formats = _WAV_FORMAT.findall(media)
    if not 0 < len(formats) <= _FORMATS_MAX:
        raise Unknown
    claimed = _WAV_DATA.search(media)
    claimed_bytes = int.from_bytes(claimed[1], "little") if claimed else 0
    size = max(len(media), claimed_bytes if claimed_bytes < _OPEN_ENDED_BYTES else 0)
    return max(_wav_ms(each, size) for each in formats)


def _wav_ms(stated: bytes, size: int) -> int:
    kind, channels, rate, bytes_per_second, block_bytes, bits = struct.unpack_from("<HHIIHH", stated, 4)
    if not channels or not block_bytes:
        raise Unknown
    if kind == _EXTENSIBLE:
        (kind,) = struct.unpack_from("<H", stated, 28)
    if kind in (_PCM, _FLOAT, _A_LAW, _MU_LAW):
        if block_bytes != channels * (-(-bits // 8)):
            raise Unknown
        samples_per_block = 1
    elif kind == _IMA_ADPCM and bits == 4:
        samples_per_block = 1 + 2 * max(0, block_bytes - 4 * channels) // channels
    elif kind == _MS_ADPCM and bits == 4:
        samples_per_block = 2 + 2 * max(0, block_bytes - 7 * channels) // channels
    else:
        raise Unknown
    played = whole_ms(-(-size // block_bytes) * samples_per_block, rate)
    return max(played, whole_ms(size, bytes_per_second)) if bytes_per_second else played


def aiff_duration_ms(media: bytes) -> int:
    if media.count(b"COMM") != 1:
        raise Unknown
    start = media.find(b"COMM") + 8
    channels, frames, bits, exponent, mantissa = struct.unpack_from(">hIhHQ", media, start)
    compression = media[start + 18 : start + 22] if media[8:12] == b"AIFC" else b"NONE"
    if compression in _AIFF_HALVED:
        bits = 8
    elif compression not in _AIFF_PLAIN:
        raise Unknown
    shift = 16383 + 63 - exponent
    rate = mantissa >> shift if 0 <= shift < 64 else 0
    frame_bytes = channels * -(-bits // 8)
    if frame_bytes <= 0:
        raise Unknown
    return whole_ms(max(frames, len(media) // frame_bytes), rate)
