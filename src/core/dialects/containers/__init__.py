"""How long a sound or a film plays, how many pages a document has, how large a picture is. A beginning."""

import re

_WAV = re.compile(rb"RIFF....WAVEfmt \x10\0\0\0.{8}(.{4}).{4}data(.{4})", re.DOTALL)


def audio_duration_ms(media: bytes) -> int | None:
    wav = _WAV.match(media)
    if wav is None:
        return None
    rate, size = (int.from_bytes(group, "little") for group in wav.groups())
    return -(-size * 1_000 // rate) if rate and size == len(media) - 44 else None


def video_duration_ms(media: bytes) -> int | None:
    return None


def pdf_pages(document: bytes) -> int | None:
    return len(re.findall(rb"/Type */Page\b", document)) or None
