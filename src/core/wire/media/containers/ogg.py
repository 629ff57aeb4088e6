"""How long Ogg plays: Opus and Vorbis, one stream after another or beside one another.

A page states the time of its end, but a decoder plays the packets: one byte can be 120 ms of Opus. So packets are
counted as well, and the larger of the two is the answer.
"""

import struct
from dataclasses import dataclass

from core.wire.media.containers.unknown import Unknown, whole_ms

_PAGES_MAX = 200_000
_PACKETS_MAX = 500_000
"""Nearly three hours of Opus; they take a fifth of a second."""

OPUS_SAMPLES_PER_SECOND = 48_000
_OPUS_HEADERS = 2
_BEGINS, _CONTINUES = 2, 1


@dataclass(slots=True)
class _Stream:
    """One logical stream: what its pages state, and what its packets play."""

    samples_per_second: int
    samples_per_packet: int
    """Of Vorbis. An Opus packet states its own; then this is nothing."""
    granule: int = 0
    packets: int = 0
    samples: int = 0

    @property
    def duration_ms(self) -> int:
        samples = self.samples + self.packets * self.samples_per_packet
        return whole_ms(max(self.granule, samples), self.samples_per_second)

    def add(self, media: bytes, position: int, lacing: bytes, *, continues: bool) -> None:
        """The packets that begin on a page."""
        if self.samples_per_packet:
            self.packets += len(lacing) - lacing.count(255)
            return
        begins = not continues
        for size in lacing:
            if begins:
                self.packets += 1
                if self.packets > _OPUS_HEADERS:
                    self.samples += opus_samples(media[position : position + 2])
            position += size
            begins = size < 255


def ogg_duration_ms(media: bytes) -> int:
    """Of all streams together: a chain plays one after the other."""
    streams: dict[int, _Stream] = {}
    ended_ms = position = pages = packets = 0
    while position < len(media):
        if not media.startswith(b"OggS", position):
            raise Unknown
        flags, granule, serial, segments = struct.unpack_from("<5xBqI8xB", media, position)
        body = position + 27 + segments
        lacing = media[position + 27 : body]
        if flags & _BEGINS or serial not in streams:
            ended_ms += streams[serial].duration_ms if serial in streams else 0
            streams[serial] = _begun(media[body : body + lacing[0]])
        stream = streams[serial]
        stream.granule = max(stream.granule, granule)
        stream.add(media, body, lacing, continues=bool(flags & _CONTINUES))
        pages += 1
        packets += segments
        if pages > _PAGES_MAX or packets > _PACKETS_MAX:
            raise Unknown
        position = body + sum(lacing)
    return ended_ms + sum(each.duration_ms for each in streams.values())


def _begun(header: bytes) -> _Stream:
    if header.startswith(b"OpusHead"):
        return _Stream(OPUS_SAMPLES_PER_SECOND, samples_per_packet=0)
    return _Stream(*vorbis_packets(header))


def vorbis_packets(header: bytes) -> tuple[int, int]:
    """Samples of a second, and of the longest packet, by the first header of Vorbis."""
    if not header.startswith(b"\x01vorbis"):
        raise Unknown
    return int.from_bytes(header[12:16], "little"), 1 << (header[28] >> 4) >> 1


def opus_samples(start: bytes) -> int:
    """Samples of a packet, by its first bytes (RFC 6716, 3.1). An empty one plays what was lost."""
    if not start:
        return 0
    kind, frames = start[0] >> 3, start[0] & 3
    if kind < 12:
        samples = (480, 960, 1_920, 2_880)[kind & 3]
    elif kind < 16:
        samples = (480, 960)[kind & 1]
    else:
        samples = 120 << (kind & 3)
    if frames == 3:
        return samples * (start[1] & 63 if len(start) > 1 else 0)
    return samples * (2 if frames else 1)
