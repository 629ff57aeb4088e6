"""How long a film plays: MP4 and its relatives, WebM and Matroska. Of others nothing is known."""

from core.wire.media.containers.isobmff import is_iso, iso_duration_ms
from core.wire.media.containers.matroska import is_matroska, matroska_duration_ms
from core.wire.media.containers.unknown import Unknown, known


def video_duration_ms(media: bytes) -> int | None:
    """How long the longest track plays."""
    return known(_duration_ms, media)


def _duration_ms(media: bytes) -> int:
    if is_iso(media):
        return iso_duration_ms(media)
    if is_matroska(media):
        return matroska_duration_ms(media)
    raise Unknown
