"""How long a sound plays, by what its first bytes say it is."""

from core.wire.media.containers.frames import flac_duration_ms, mpeg_duration_ms
from core.wire.media.containers.isobmff import is_iso, iso_duration_ms
from core.wire.media.containers.matroska import is_matroska, matroska_duration_ms
from core.wire.media.containers.ogg import ogg_duration_ms
from core.wire.media.containers.samples import aiff_duration_ms, wav_duration_ms
from core.wire.media.containers.unknown import known


def audio_duration_ms(media: bytes) -> int | None:
    """How long a WAV, AIFF, FLAC, Ogg, MP3, AAC, MP4 or WebM plays."""
    return known(_duration_ms, media)


def _duration_ms(media: bytes) -> int:
    if media[:4] in (b"RIFF", b"RF64", b"BW64") and media[8:12] == b"WAVE":
        return wav_duration_ms(media)
    if media.startswith(b"FORM") and media[8:12] in (b"AIFF", b"AIFC"):
        return aiff_duration_ms(media)
    if media.startswith(b"fLaC"):
        return flac_duration_ms(media)
    if media.startswith(b"OggS"):
        return ogg_duration_ms(media)
    if is_iso(media):
        return iso_duration_ms(media)
    if is_matroska(media):
        return matroska_duration_ms(media)
    return mpeg_duration_ms(media)
