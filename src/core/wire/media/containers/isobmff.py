"""How long an MP4, MOV, M4A or 3GP plays, whole or in fragments: by everything in it that states a time.

Theory of operation. The boxes that hold others are walked through, all others are stepped over, in one pass. A film's
header, its tracks, their sample tables, edit lists and fragments each state a duration, and the largest is taken. A
player of sound may ignore times and play every sample there is, so those of AAC are counted too; sound of any other
kind is unknown.
"""

import re
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import mul

from core.wire.media.containers.frames import AAC_RATES
from core.wire.media.containers.unknown import Unknown, whole_ms

_BOXES_MAX = 100_000
"""Hours in fragments of a second; they take a tenth of a second."""

_DEPTH_MAX = 12
_TRACKS_MAX = 64
_ALL_ONES, _ALL_LONG_ONES = (1 << 32) - 1, (1 << 64) - 1
_POSITIVE_MAX = (1 << 31) - 1

_HOLDERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"mvex"))
_STARTS = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"))

AAC_SAMPLES = 1_024
"""Of one frame; of one at half the rate where a decoder doubles it."""

_AAC_OBJECTS = frozenset((0x40, 0x66, 0x67, 0x68))
_DECODER = re.compile(rb"\x04\x80{0,3}.(.).{12}\x05\x80{0,3}.(..)", re.DOTALL)
"""In `esds`: what is coded, and the start of the decoder's own description."""


def is_iso(media: bytes) -> bool:
    return media[4:8] in _STARTS


@dataclass(slots=True)
class _Track:
    """What one track states. Units are its own timescale's, but for `movie_units`, which are the film's."""

    number: int = 0
    timescale: int = 0
    units: int = 0
    movie_units: int = 0
    edits: int = 1
    late_units: int = 0
    """How much later than its turn a sample may be shown."""
    samples: int = 0
    is_sound: bool = False
    sound_rate: int = 0
    fragment_units: int = 0
    fragment_samples: int = 0
    place_units: int = 0
    """Where the next fragment begins, unless it says so itself."""

    @property
    def duration_ms(self) -> int:
        stated = whole_ms(max(self.units, self.fragment_units) + self.late_units, self.timescale)
        if not self.is_sound:
            return stated
        samples = (self.samples + self.fragment_samples) * self.edits * AAC_SAMPLES
        return max(stated, whole_ms(samples, self.sound_rate))


class _Film:
    """Everything stated so far, and the track that boxes now speak of."""

    def __init__(self, media: bytes) -> None:
        self._media = media
        self._timescale = 0
        self._units = 0
        self._index_ms = 0
        self._tracks: list[_Track] = []
        self._track = _Track()
        self._sample_units: dict[int, int] = {}
        self._fragment_sample_units = 0

    @property
    def duration_ms(self) -> int:
        if not self._tracks:
            raise Unknown
        units = max(self._units, *(each.movie_units for each in self._tracks))
        longest = max(self._index_ms, *(each.duration_ms for each in self._tracks))
        return max(longest, whole_ms(units, self._timescale))

    def read(self, kind: bytes, start: int, end: int) -> None:
        """One box, by its contents."""
        if kind == b"trak":
            self._track = _Track()
            self._tracks.append(self._track)
            if len(self._tracks) > _TRACKS_MAX:
                raise Unknown
        elif reader := _READERS.get(kind):
            reader(self, start, end)

    def _movie_header(self, start: int, end: int) -> None:
        timescale, units = self._header(start)
        if self._timescale not in (0, timescale):
            raise Unknown
        self._timescale, self._units = timescale, max(self._units, units)

    def _movie_extends(self, start: int, end: int) -> None:
        self._units = max(self._units, self._number(start + 4, is_long=self._media[start] == 1))

    def _sample_defaults(self, start: int, end: int) -> None:
        number, units = struct.unpack_from(">I4xI", self._media, start + 4)
        self._sample_units[number] = units

    def _track_header(self, start: int, end: int) -> None:
        is_long = self._media[start] == 1
        number = self._number(start + (20 if is_long else 12))
        if any(each.number == number for each in self._tracks):
            raise Unknown
        self._track.number = number
        self._track.movie_units = max(
            self._track.movie_units, self._number(start + (28 if is_long else 20), is_long=is_long)
        )

    def _media_header(self, start: int, end: int) -> None:
        timescale, units = self._header(start)
        if self._track.timescale:
            raise Unknown
        self._track.timescale, self._track.units = timescale, max(self._track.units, units)

    def _handler(self, start: int, end: int) -> None:
        self._track.is_sound |= self._media[start + 8 : start + 12] == b"soun"

    def _descriptions(self, start: int, end: int) -> None:
        """Of sound: the lowest rate that AAC is described with, nothing where something else is described."""
        described = self._media[start:end]
        entries = int.from_bytes(described[4:8], "big")
        self._track.is_sound |= described[12:16] == b"mp4a"
        if self._track.sound_rate or entries != 1:
            self._track.is_sound, self._track.sound_rate = True, 0
            return
        self._track.sound_rate = min(map(_aac_rate, _DECODER.findall(described)), default=0)

    def _times(self, start: int, end: int) -> None:
        counts, units = self._pairs(start, end)
        self._track.units = max(self._track.units, sum(map(mul, counts, units)))
        self._track.samples = max(self._track.samples, sum(counts))

    def _delays(self, start: int, end: int) -> None:
        delays = _words(self._media[start + 8 : end], "i")[1::2]
        self._track.late_units = max(self._track.late_units, max(delays, default=0))

    def _sizes(self, start: int, end: int) -> None:
        self._track.samples = max(self._track.samples, self._number(start + 8))

    def _edits(self, start: int, end: int) -> None:
        """An edit that shows nothing has all ones for its place."""
        words = _words(self._media[start + 8 : end])
        if self._media[start] == 1:
            units = (sum(words[0::5]) << 32) + sum(words[1::5])
            places = words[2::5]
        else:
            units, places = sum(words[0::3]), words[1::3]
        self._track.movie_units = max(self._track.movie_units, units)
        self._track.edits = max(self._track.edits, len(places) - places.count(_ALL_ONES))

    def _fragment_header(self, start: int, end: int) -> None:
        flags, number = struct.unpack_from(">II", self._media, start)
        for each in self._tracks:
            if each.number == number:
                self._track = each
                break
        else:
            raise Unknown
        at = start + 8 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
        self._fragment_sample_units = self._number(at) if flags & 0x8 else self._sample_units.get(number, 0)

    def _fragment_start(self, start: int, end: int) -> None:
        self._track.place_units = self._number(start + 4, is_long=self._media[start] == 1)
        self._track.units = max(self._track.units, self._track.place_units)

    def _run(self, start: int, end: int) -> None:
        flags, samples = struct.unpack_from(">II", self._media, start)
        at = start + 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
        width = (flags >> 8 & 0xF).bit_count()
        words = _words(self._media[at:end])[: samples * width]
        if len(words) != samples * width:
            raise Unknown
        self._track.fragment_samples += samples
        units = sum(words[::width]) if flags & 0x100 else samples * self._fragment_sample_units
        self._track.fragment_units += units
        self._track.place_units += units
        self._track.units = max(self._track.units, self._track.place_units)
        if flags & 0x800:
            delays = [delay for delay in words[width - 1 :: width] if delay <= _POSITIVE_MAX]
            self._track.late_units = max(self._track.late_units, max(delays, default=0))

    def _index(self, start: int, end: int) -> None:
        is_long = self._media[start] == 1
        timescale = self._number(start + 8)
        first = self._number(start + 12, is_long=is_long)
        words = _words(self._media[start + (32 if is_long else 24) : end])
        self._index_ms = max(self._index_ms, whole_ms(first + sum(words[1::3]), timescale))

    def _compressed(self, start: int, end: int) -> None:
        raise Unknown

    def _header(self, start: int) -> tuple[int, int]:
        """Timescale and duration, as films and media state them."""
        is_long = self._media[start] == 1
        at = start + (20 if is_long else 12)
        return self._number(at), self._number(at + 4, is_long=is_long)

    def _number(self, at: int, *, is_long: bool = False) -> int:
        """All ones mean that a duration is not known."""
        (number,) = struct.unpack_from(">Q" if is_long else ">I", self._media, at)
        return 0 if number in (_ALL_ONES, _ALL_LONG_ONES) else int(number)

    def _pairs(self, start: int, end: int) -> "tuple[array[int], array[int]]":
        words = _words(self._media[start + 8 : end])
        return words[0::2], words[1::2]


_READERS: dict[bytes, Callable[[_Film, int, int], None]] = {
    b"mvhd": _Film._movie_header,
    b"mehd": _Film._movie_extends,
    b"trex": _Film._sample_defaults,
    b"tkhd": _Film._track_header,
    b"mdhd": _Film._media_header,
    b"hdlr": _Film._handler,
    b"stsd": _Film._descriptions,
    b"stts": _Film._times,
    b"ctts": _Film._delays,
    b"stsz": _Film._sizes,
    b"stz2": _Film._sizes,
    b"elst": _Film._edits,
    b"tfhd": _Film._fragment_header,
    b"tfdt": _Film._fragment_start,
    b"trun": _Film._run,
    b"sidx": _Film._index,
    b"cmov": _Film._compressed,
}


def iso_duration_ms(media: bytes) -> int:
    film = _Film(media)
    for kind, start, end in _boxes(media):
        film.read(kind, start, end)
    return film.duration_ms


def _boxes(media: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every box that is stepped over, and where the contents of each that is walked into begin."""
    ends = [len(media)]
    position = 0
    for _ in range(_BOXES_MAX):
        while position >= ends[-1]:
            ends.pop()
            if not ends:
                return
        size, kind = struct.unpack_from(">I4s", media, position)
        start = position + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", media, start)
            start += 8
        end = position + size if size else ends[-1]
        if kind == b"mdat" and len(ends) == 1:
            end = min(end, len(media))
        if not start <= end <= ends[-1] or len(ends) > _DEPTH_MAX:
            raise Unknown
        if kind in _HOLDERS:
            ends.append(end)
            end = start
        yield kind, start, end
        position = end
    raise Unknown


def _words(data: bytes, kind: str = "I") -> "array[int]":
    words = array(kind, data[: len(data) & ~3])
    if sys.byteorder == "little":
        words.byteswap()
    return words


def _aac_rate(description: tuple[bytes, bytes]) -> int:
    """Nothing for what is no AAC, or AAC whose rate is not one of the table's."""
    kind, start = description
    bits = int.from_bytes(start, "big")
    rate = bits >> 7 & 15
    if kind[0] not in _AAC_OBJECTS or bits >> 11 == 31 or rate >= len(AAC_RATES):
        return 0
    return AAC_RATES[rate]
