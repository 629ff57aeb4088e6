"""How long WebM and Matroska play: the stated duration, the last block's time, or every packet of sound, whichever is
the longest.

Theory of operation. Elements that hold others are walked through, all others are stepped over, in one pass; a browser's
recording has no sizes for the outer ones and states no duration. As a player of sound may ignore times, the packets of
Opus, Vorbis and AAC are counted; sound of any other kind, or packed in a way of its own, is unknown.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.wire.media.containers.frames import AAC_RATES
from core.wire.media.containers.isobmff import AAC_SAMPLES
from core.wire.media.containers.ogg import OPUS_SAMPLES_PER_SECOND, opus_samples, vorbis_packets
from core.wire.media.containers.unknown import Unknown, whole_ms

_ELEMENTS_MAX = 300_000
"""An hour and a half of blocks of 20 ms; they take a third of a second."""

_DEPTH_MAX = 8
_SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER, _GROUP = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0x1F43B675, 0xA0
_HOLDERS = frozenset((_SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER, _GROUP))
_ENDLESS = frozenset((_SEGMENT, _CLUSTER))
"""What may have no size: it goes on until its like begins."""

_SCALE, _DURATION, _CLUSTER_TIME, _BLOCK_DURATION, _FRAME_DURATION = 0x2AD7B1, 0x4489, 0xE7, 0x9B, 0x23E383
_NUMBER, _KIND, _CODEC, _PRIVATE, _ENCODINGS, _TRACK_SCALE = 0xD7, 0x83, 0x86, 0x63A2, 0x6D80, 0x23314F
_BLOCKS = frozenset((0xA3, 0xA1))
_CUT_SHORT = _BLOCKS | _ENDLESS | {_GROUP}
"""What a recording may end in the midst of."""

_SOUND = 2
_SCALE_NS = 1_000_000
_NANOSECONDS = 1_000_000_000


@dataclass(slots=True)
class _Track:
    number: int = 0
    is_sound: bool = False
    codec: bytes = b""
    private: bytes = b""


@dataclass(slots=True)
class _Packets:
    """Those of one track: how many, and what they would play as Opus."""

    packets: int = 0
    opus_samples: int = 0
    are_laced: bool = False


@dataclass(slots=True)
class _Film:
    scale_ns: int = 0
    duration_units: int = 0
    cluster_units: int = 0
    last_units: int = 0
    block_units: int = 0
    frame_ns: int = 0
    tracks: list[_Track] = field(default_factory=list)
    packets: dict[int, _Packets] = field(default_factory=dict)

    @property
    def duration_ms(self) -> int:
        units = max(self.duration_units, self.last_units + self.block_units)
        longest = whole_ms(units * (self.scale_ns or _SCALE_NS) + self.frame_ns, _NANOSECONDS)
        for track in self.tracks:
            if track.is_sound or track.codec.startswith(b"A_"):
                longest = max(longest, _sound_ms(track, self.packets.get(track.number) or _Packets()))
        if not self.tracks:
            raise Unknown
        return longest


def is_matroska(media: bytes) -> bool:
    return media.startswith(b"\x1a\x45\xdf\xa3")


def matroska_duration_ms(media: bytes) -> int:
    film = _Film()
    for element, start, end in _elements(media):
        if element in _BLOCKS:
            _add_block(film, media, start, end)
        elif element == _TRACK:
            film.tracks.append(_Track())
        elif element in (_ENCODINGS, _TRACK_SCALE):
            raise Unknown
        elif element in (_NUMBER, _KIND, _CODEC, _PRIVATE):
            _describe(film.tracks[-1], element, media[start:end])
        else:
            _add_time(film, element, media[start:end] if end - start <= 8 else b"")
    return film.duration_ms


def _describe(track: _Track, element: int, value: bytes) -> None:
    if element == _NUMBER:
        track.number = int.from_bytes(value[:8], "big")
    elif element == _KIND:
        track.is_sound = int.from_bytes(value[:8], "big") == _SOUND
    elif element == _CODEC:
        track.codec = value
    else:
        track.private = value


def _add_time(film: _Film, element: int, value: bytes) -> None:
    number = int.from_bytes(value, "big")
    if element == _SCALE:
        film.scale_ns = max(film.scale_ns, number)
    elif element == _DURATION:
        (duration,) = struct.unpack(">d" if len(value) == 8 else ">f", value)
        film.duration_units = max(film.duration_units, int(duration) + 1)
    elif element == _CLUSTER_TIME:
        film.cluster_units = number
    elif element == _BLOCK_DURATION:
        film.block_units = max(film.block_units, number)
    elif element == _FRAME_DURATION:
        film.frame_ns = max(film.frame_ns, number)


def _add_block(film: _Film, media: bytes, start: int, end: int) -> None:
    """The track's number, a time within the cluster, flags, and where a block is laced, how many packets it has."""
    number, at = _size(media, start)
    (units,) = struct.unpack_from(">h", media, at)
    lacing = media[at + 2] & 6
    film.last_units = max(film.last_units, film.cluster_units + units)
    packets = film.packets.setdefault(number, _Packets())
    packets.packets += media[at + 3] + 1 if lacing else 1
    packets.are_laced |= bool(lacing)
    packets.opus_samples += opus_samples(media[at + 3 : min(at + 5, end)])


def _sound_ms(track: _Track, packets: _Packets) -> int:
    if track.codec == b"A_OPUS" and not packets.are_laced:
        return whole_ms(packets.opus_samples, OPUS_SAMPLES_PER_SECOND)
    if track.codec == b"A_VORBIS":
        rate, samples = vorbis_packets(track.private[track.private.find(b"\x01vorbis") :])
        return whole_ms(packets.packets * samples, rate)
    if track.codec == b"A_AAC":
        start = int.from_bytes(track.private[:2], "big")
        if start >> 11 != 31:
            return whole_ms(packets.packets * AAC_SAMPLES, AAC_RATES[start >> 7 & 15])
    raise Unknown


def _elements(media: bytes) -> Iterator[tuple[int, int, int]]:
    """Every element that is stepped over, and where the contents of each that is walked into begin."""
    ends = [len(media)]
    position = 0
    for _ in range(_ELEMENTS_MAX):
        while position >= ends[-1]:
            ends.pop()
            if not ends:
                return
        element, at = _number(media, position)
        size, start = _size(media, at)
        is_endless = size == (1 << 7 * (start - at)) - 1
        if is_endless and element not in _ENDLESS:
            raise Unknown
        end = ends[-1] if is_endless else start + size
        if element in _CUT_SHORT:
            end = min(end, len(media))
        if end > ends[-1] or len(ends) > _DEPTH_MAX:
            raise Unknown
        if element in _HOLDERS and not is_endless:
            ends.append(end)
        if element in _HOLDERS:
            end = start
        yield element, start, end
        position = end
    raise Unknown


def _number(media: bytes, at: int) -> tuple[int, int]:
    """A number of variable length with the bits that mark its length, and where it ends."""
    width = 9 - media[at].bit_length()
    if width > 8 or at + width > len(media):
        raise Unknown
    return int.from_bytes(media[at : at + width], "big"), at + width


def _size(media: bytes, at: int) -> tuple[int, int]:
    number, end = _number(media, at)
    return number & (1 << 7 * (end - at)) - 1, end
