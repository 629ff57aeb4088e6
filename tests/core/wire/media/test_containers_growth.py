"""Media of a stranger's making cost no more than a small multiple of their size to measure, in time and in memory."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from core.wire.media.containers import (
    audio_duration_ms,
    image_pixels,
    pdf_pages,
    pdf_text_bytes,
    video_duration_ms,
)
from tests.support import media_files as files
from tests.support.growth import least_seconds

Measure = Callable[[bytes], object]
Build = Callable[[int], bytes]

RATIO_MAX = 2.5
"""For twice the bytes. Eight times are measured: there what is quadratic stands out from a busy machine's noise."""

TOO_SHORT_SECONDS = 0.002
"""To be told from the noise of a clock."""

MEMORY_FACTOR_MAX = 24
MEMORY_SPARE_BYTES = 3 << 20


def objects(count: int, thing: bytes, start: int = 10) -> dict[int, bytes]:
    return dict.fromkeys(range(start, start + count), thing)


def a_pdf(count: int, thing: bytes) -> bytes:
    catalog = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [10 0 R] >>"}
    return files.pdf(catalog | objects(count, thing))


def chained(count: int) -> bytes:
    """A tree as deep as it has nodes."""
    things = {
        number: b"<< /Type /Pages /Kids [%d 0 R %d 0 R] >>" % (number + 1, number + 1)
        for number in range(10, 10 + count)
    }
    return files.pdf({1: b"<< /Type /Catalog /Pages 10 0 R >>"} | things)


def opened(count: int) -> bytes:
    """Streams that all end at one place."""
    return (
        b"%PDF-1.7\n"
        + b"".join(b"%d 0 obj << /Type /ObjStm /Length 1 /First 0 >> stream\n" % (n + 1) for n in range(count))
        + b"endstream"
    )


SHAPES: list[tuple[str, Measure, Build]] = [
    ("frames of silence", audio_duration_ms, lambda n: files.flac(files.flac_frame(65_535) * n)),
    ("starts of flac frames", audio_duration_ms, lambda n: files.flac(b"\xff\xf8\x10\0\0" * 3 * n)),
    ("starts of mp3 frames", audio_duration_ms, lambda n: b"\xff\xfb\x10\xc0" * 4 * n),
    ("all ones", audio_duration_ms, lambda n: b"\xff\xfb\x10\xc0" + b"\xff" * 16 * n),
    ("tags", audio_duration_ms, lambda n: files.id3(0) * n + files.mp3_frame()),
    ("ogg pages", audio_duration_ms, lambda n: files.opus(*[b"\x08"] * n * 5)),
    ("ogg streams", audio_duration_ms, lambda n: b"".join(files.ogg_page(at, files.OPUS_HEAD, begins=True) for at in range(n // 3))),
    ("formats of a wav", audio_duration_ms, lambda n: b"RIFF\0\0\0\0WAVE" + b"fmt " * 4 * n),
    ("boxes", video_duration_ms, lambda n: files.mp4(files.track(units=1), more=files.box(b"free") * 2 * n)),
    ("boxes in boxes", video_duration_ms, lambda n: files.box(b"ftyp") + struct.pack(">I4s", 0, b"moov") * 2 * n),
    ("tracks", video_duration_ms, lambda n: files.mp4(*[files.track(number=at) for at in range(n // 8)])),
    ("fragments", video_duration_ms, lambda n: files.mp4(files.track(), more=files.fragment(9, units=9) * (n // 8))),
    ("sample times", video_duration_ms, lambda n: files.mp4(files.track(times=(1, 1) * 2 * n))),
    ("webm blocks", video_duration_ms, lambda n: files.webm((0, files.webm_block(1) * n), tracks=files.webm_track())),
    ("webm clusters", video_duration_ms, lambda n: files.webm(*[(1, b"")] * n, tracks=files.webm_track(), endless=True)),
    ("jpeg markers", image_pixels, lambda n: b"\xff\xd8" + b"\xff\xe0\0\x02" * 4 * n),
    ("gif blocks", image_pixels, lambda n: files.gif(1, 1)[:19] + b"\x21\xfe" + b"\x01a" * 8 * n),
    ("tile sizes", image_pixels, lambda n: files.heif(*[(1, 1)] * n)),
    ("objects", pdf_pages, lambda n: a_pdf(n, b"<< /Type /Page >>")),
    ("words that are no objects", pdf_pages, lambda n: a_pdf(1, b"obj " * 4 * n)),
    ("digits", pdf_pages, lambda n: a_pdf(1, b"1" * 16 * n)),
    ("numbers", pdf_pages, lambda n: a_pdf(1, b"1 " * 8 * n)),
    ("brackets", pdf_pages, lambda n: a_pdf(1, b"(" * 16 * n)),
    ("pairs of brackets", pdf_pages, lambda n: a_pdf(1, b"(" * 8 * n + b")" * 8 * n)),
    ("escapes in a string", pdf_pages, lambda n: a_pdf(1, b"(" + b"\\(" * 8 * n)),
    ("angles", pdf_pages, lambda n: a_pdf(1, b"< " * 8 * n)),
    ("comments", pdf_pages, lambda n: a_pdf(1, b"%" * 16 * n)),
    ("escaped names", pdf_pages, lambda n: a_pdf(1, b"#41" * 5 * n)),
    ("kids without an end", pdf_pages, lambda n: a_pdf(1, b"/Kids [" * 2 * n)),
    ("counts", pdf_pages, lambda n: a_pdf(1, b"/Kids [] /Count 1 " + b"/Count 1 " * 2 * n)),
    ("one page over and over", pdf_pages, lambda n: a_pdf(1, b"<< /Kids [%b] >>" % (b"9 0 R " * 3 * n))),
    ("a deep tree", pdf_pages, chained),
    ("nodes that share their kids", pdf_pages, lambda n: files.pdf({1: b"<< /Pages 9 0 R >>", 9: b"<< /Kids [%b] >>" % b"".join(b"%d 0 R " % (10 + at) for at in range(n // 2)), 8: b"[%b]" % (b"7 0 R " * n)} | objects(n // 2, b"<< /Kids 8 0 R >>"))),
    ("streams that end at one place", pdf_pages, opened),
    ("ends of streams", pdf_pages, lambda n: a_pdf(1, b"endstream " * 2 * n)),
    ("filters without an end", pdf_text_bytes, lambda n: a_pdf(1, b"<< /Contents 10 0 R %b >> stream\n endstream" % (b"/Filter [" * 2 * n))),
    ("pages that share one stream", pdf_text_bytes, lambda n: files.pages_pdf(n, b"(a)" * 1_000)),
    ("names that are drawn", pdf_text_bytes, lambda n: files.pages_pdf(1, b"/a " * 5 * n)),
    ("forms of one name", pdf_text_bytes, lambda n: a_pdf(n, b"<< /Subtype /Form /XObject << /F 10 0 R >> /Contents 10 0 R >> stream\n/F Do\nendstream")),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "build"), [pytest.param(*row, id=name) for name, *row in SHAPES])
def test_time_grows_with_the_bytes(measure: Measure, build: Build) -> None:
    size = 1_000
    seconds = least_seconds(measure, build(size))
    while seconds < TOO_SHORT_SECONDS and size < 20_000:
        size *= 2
        seconds = least_seconds(measure, build(size))

    assert least_seconds(measure, build(8 * size)) <= RATIO_MAX**3 * max(seconds, TOO_SHORT_SECONDS)


@pytest.mark.parametrize(("measure", "build"), [pytest.param(*row, id=name) for name, *row in SHAPES])
def test_memory_stays_a_small_multiple_of_the_bytes(measure: Measure, build: Build) -> None:
    media = build(5_000)

    tracemalloc.start()
    measure(media)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most <= MEMORY_FACTOR_MAX * len(media) + MEMORY_SPARE_BYTES


BOMB = zlib.compress(bytes(64 << 20), 9)


@pytest.mark.parametrize("copies", [1, 20])
def test_a_bomb_is_put_out_early(copies: int) -> None:
    document = a_pdf(
        copies, b"<< /Type /ObjStm /N 1 /First 3 /Filter /FlateDecode /Length 9 >> stream\n%b\nendstream" % BOMB
    )

    tracemalloc.start()
    found = pdf_pages(document)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found is None
    assert most <= 4 * MEMORY_FACTOR_MAX * len(document) + MEMORY_SPARE_BYTES
