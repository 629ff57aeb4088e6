"""What media costs to read: how many pictures, seconds and pages its bytes are.

What media is said to be is its sender's word, and what its first bytes say may be a disguise of the rest. A provider
goes by the one or the other, so where they differ both are counted. Of what neither tells, nothing is known: it is
unsized, and the whole context window is held for it.
"""

import re
from dataclasses import dataclass
from typing import Literal

from core.wire.media.containers import (
    audio_duration_ms,
    image_pixels,
    pdf_pages,
    pdf_text_bytes,
    video_duration_ms,
)

Family = Literal["image", "audio", "video", "pdf", "archive"]

_DECLARED: tuple[Family, ...] = ("image", "audio", "video", "pdf")
"""In media types."""


@dataclass(frozen=True, slots=True)
class MediaSize:
    """Counts are those of `PromptSize`."""

    images: int = 0
    image_sizes: tuple[tuple[int, int], ...] = ()
    audio_ms: int = 0
    video_ms: int = 0
    pdf_pages: int = 0
    pdf_text_bytes: int = 0
    """Of the text that its pages show."""
    unsized: int = 0
    text: bytes = b""
    """What is to be sized as text."""


_BEGINNINGS: dict[Family, re.Pattern[bytes]] = {
    "image": re.compile(
        rb"\x89PNG|\xff\xd8\xff|GIF8|BM|II\*\0|MM\0\*|RIFF....WEBP|....ftyp(?:hei[cxms]|hev[cx]|avi[fs]|mif1|msf1)",
        re.DOTALL,
    ),
    "audio": re.compile(
        rb"RIFF....WAVE|RF64|fLaC|OggS|ID3|FORM....AIF|#!AMR|caff|....ftypM4[ABP]|\xff[\xe2-\xff]", re.DOTALL
    ),
    "video": re.compile(
        rb"....(?:ftyp|moov|mdat|free|wide)|\x1a\x45\xdf\xa3|RIFF....AVI |\0\0\x01[\xb0-\xbf]|FLV|\x30\x26\xb2\x75"
        rb"|\x47.{187}\x47",
        re.DOTALL,
    ),
    "archive": re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|\xd0\xcf\x11\xe0|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd"),
}
"""The first that fits counts. An office document is an archive, whose few bytes may unfold to any size."""

_PDF_MARK = b"%PDF-"
_PDF_MARK_BYTES_MAX = 1_024
"""Readers look for it so far into the file."""

UNKNOWN = MediaSize(unsized=1)


def media_size(data: bytes | None, declared: str, *, may_be_text: bool) -> MediaSize:
    """The size of media, in every way it may be read. As text too, where it may be text and has no byte that text never
    has; where it is said to be text and has one, nobody knows what is made of it. `data` None could not be decoded."""
    if data is None:
        return MediaSize(images=1) if declared_family(declared) == "image" and not may_be_text else UNKNOWN
    families = {family for family in (declared_family(declared), begins_as(data)) if family is not None}
    found = [_size_as(family, data) for family in sorted(families)]
    is_said_to_be_text = _is_of_text(declared)
    if may_be_text and (is_said_to_be_text or families <= {"image"}):
        if b"\0" not in data:
            found.append(MediaSize(text=data))
        elif is_said_to_be_text:
            found.append(UNKNOWN)
    return _sum(found) if found else UNKNOWN


def declared_family(declared: object) -> Family | None:
    """What a media type says; nothing where it is of documents in general. Its parameters say nothing."""
    kind = _kind(declared)
    return None if kind.startswith("text/") else next((family for family in _DECLARED if family in kind), None)


def _is_of_text(declared: str) -> bool:
    """Any type that is of no family is of some text, but the one that says nothing at all."""
    kind = _kind(declared)
    return kind not in ("", "application/octet-stream") and declared_family(declared) is None


def _kind(declared: object) -> str:
    return str(declared).partition(";")[0].strip().lower()


def begins_as(data: bytes) -> Family | None:
    """What the first bytes of media say that it is."""
    if _PDF_MARK in data[:_PDF_MARK_BYTES_MAX]:
        return "pdf"
    return next((family for family, beginning in _BEGINNINGS.items() if beginning.match(data)), None)


def _size_as(family: Family, data: bytes) -> MediaSize:
    if family == "image":
        pixels = image_pixels(data)
        return MediaSize(images=1, image_sizes=() if pixels is None else (pixels,))
    if family == "audio":
        played_ms = audio_duration_ms(data)
        return UNKNOWN if played_ms is None else MediaSize(audio_ms=played_ms)
    if family == "video":
        played_ms = video_duration_ms(data)
        return UNKNOWN if played_ms is None else MediaSize(video_ms=played_ms)
    if family == "archive":
        return UNKNOWN
    pages, text_bytes = pdf_pages(data), pdf_text_bytes(data)
    return UNKNOWN if pages is None or text_bytes is None else MediaSize(pdf_pages=pages, pdf_text_bytes=text_bytes)


def _sum(sizes: list[MediaSize]) -> MediaSize:
    return MediaSize(
        images=sum(size.images for size in sizes),
        image_sizes=tuple(pixels for size in sizes for pixels in size.image_sizes),
        audio_ms=sum(size.audio_ms for size in sizes),
        video_ms=sum(size.video_ms for size in sizes),
        pdf_pages=sum(size.pdf_pages for size in sizes),
        pdf_text_bytes=sum(size.pdf_text_bytes for size in sizes),
        unsized=sum(size.unsized for size in sizes),
        text=b"".join(size.text for size in sizes),
    )
