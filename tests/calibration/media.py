"""Estimates of what is no text beside what is true of it, as pairs, for the table of `figures`.

A kind is a name and pairs of (estimate, truth) in whatever unit its provider bills it by. Sounds, documents and
pictures are built here, so the truth is known: it is what a provider's published formula makes of it.
"""

from core.wire.media.containers import (
    audio_duration_ms,
    image_pixels,
    pdf_pages,
    pdf_text_bytes,
    video_duration_ms,
)
from tests.support import media_files as files

Pairs = list[tuple[int, int]]

GEMINI_AUDIO_TOKENS_PER_SECOND = 32
OPENAI_AUDIO_TOKENS_PER_SECOND = 10
GEMINI_VIDEO_TOKENS_PER_SECOND = 295
"""258 a frame, one frame a second, and the sound."""

GEMINI_PAGE_TOKENS = 258
CLAUDE_PIXELS_PER_TOKEN = 750
"""Of the pictures that are not scaled down first."""

_SECONDS = (1, 5, 60)
_OPUS_20_MS = b"\x08\0"


def _sounds(seconds: int) -> list[bytes]:
    aac = files.track(
        handler=b"soun", codec=b"mp4a", description=files.esds(), timescale=16_000, units=16_000 * seconds
    )
    return [
        files.wav(seconds),
        files.wav(seconds, kind=6, bits=8, rate=8_000),
        files.aiff(seconds),
        files.flac(*[files.flac_frame(4_000)] * (4 * seconds)),
        files.opus(*[_OPUS_20_MS] * (50 * seconds)),
        files.mp3_frame(b"\xff\xfb\x94\xc0", size=384) * -(-seconds * 1_000 // 24),
        files.adts_frame() * -(-seconds * 1_000 // 64),
        files.mp4(aac),
        files.webm((0, files.webm_block(0) * (50 * seconds)), tracks=files.webm_track()),
    ]


def _films(seconds: int) -> list[bytes]:
    picture = files.webm_track(b"V_VP9", kind=1)
    return [
        files.mp4(files.track(times=(25 * seconds, 40))),
        files.mp4(
            files.track(), more=b"".join(files.fragment(25, start_units=1_000 * at, units=40) for at in range(seconds))
        ),
        files.webm(*[(1_000 * at, files.webm_block(999)) for at in range(seconds)], tracks=picture, endless=True),
    ]


def _tokens(duration_ms: int | None, tokens_per_second: int) -> int:
    """Nothing where nothing is known: such a call holds the whole window."""
    return -(-(duration_ms or 0) * tokens_per_second // 1_000)


def kinds() -> dict[str, Pairs]:
    """By kind."""
    sounds = [(audio_duration_ms(media), seconds) for seconds in _SECONDS for media in _sounds(seconds)]
    films = [(video_duration_ms(media), seconds) for seconds in _SECONDS for media in _films(seconds)]
    papers = [(pages, files.pages_pdf(pages, b"(%b) Tj" % (b"word " * 300))) for pages in (1, 7, 100)]
    pictures = [(64, 64), (640, 480), (1_000, 1_000)]
    return {
        "audio, Gemini": [(_tokens(found, GEMINI_AUDIO_TOKENS_PER_SECOND), _tokens(1_000 * true, GEMINI_AUDIO_TOKENS_PER_SECOND)) for found, true in sounds],
        "audio, OpenAI": [(_tokens(found, OPENAI_AUDIO_TOKENS_PER_SECOND), _tokens(1_000 * true, OPENAI_AUDIO_TOKENS_PER_SECOND)) for found, true in sounds],
        "video, Gemini": [(_tokens(found, GEMINI_VIDEO_TOKENS_PER_SECOND), _tokens(1_000 * true, GEMINI_VIDEO_TOKENS_PER_SECOND)) for found, true in films],
        "PDF pages, Gemini": [((pdf_pages(paper) or 0) * GEMINI_PAGE_TOKENS, pages * GEMINI_PAGE_TOKENS) for pages, paper in papers],
        "PDF text, bytes": [(pdf_text_bytes(paper) or 0, pages * 1_500) for pages, paper in papers],
        "picture, Claude": [(_claude(image_pixels(files.png(*size))), _claude(size)) for size in pictures],
    }  # fmt: skip


def _claude(size: tuple[int, int] | None) -> int:
    width, height = size or (0, 0)
    return -(-width * height // CLAUDE_PIXELS_PER_TOKEN)
