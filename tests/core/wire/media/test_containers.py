"""How long sounds and films play and how large pictures are, whatever their headers leave out or make up."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wire.media.containers import audio_duration_ms, image_pixels, video_duration_ms
from tests.support import media_files as files

HOUR_MS = 3_600_000
OPUS_20_MS, OPUS_120_MS = b"\x08\0", b"\x1b\x02\0"
SILENCE = files.flac(*[files.flac_frame(65_535)] * 3_750, rate=8_000)


def aac_track(**members: object) -> bytes:
    return files.track(handler=b"soun", codec=b"mp4a", description=files.esds(), timescale=16_000, **members)  # type: ignore[arg-type]


SOUNDS: list[tuple[str, bytes, int]] = [
    ("wav", files.wav(10), 10_000),
    ("wav of one byte a second", files.wav(0, rate=1, bits=8) + bytes(60_000), 60_000_000),
    ("wav that states no size", files.wav(10, claimed_bytes=0xFFFFFFFF), 10_000),
    ("wav that states none", files.wav(10, claimed_bytes=0), 10_000),
    ("wav cut short", files.wav(1, claimed_bytes=320_000), 10_000),
    ("rf64", files.wav(10, start=b"RF64"), 10_000),
    ("wav of a-law", files.wav(10, kind=6, bits=8), 10_000),
    ("wav of adpcm", files.wav(0, kind=0x11, bits=4, rate=8_000, block_bytes=256) + bytes(256 * 100), 6_313),
    ("aiff", files.aiff(3), 3_000),
    ("aifc", files.aiff(3, compression=b"sowt"), 3_000),
    ("flac by its header", files.flac(rate=16_000, samples=160_000) + files.flac_frame(16), 10_000),
    ("flac beyond its header", files.flac(*[files.flac_frame(4_096)] * 100, rate=16_000, samples=16), 25_600),
    ("flac of silence", SILENCE, 30_719_532),
    ("flac of its frames' own rate", files.flac(*[files.flac_frame(8_000, rate_kind=4)] * 10, rate=48_000), 10_000),
    ("flac of numbered frames", files.flac(*[files.flac_frame(8_000, number=b"\xe0\x80\x80")] * 4, rate=8_000), 4_000),
    ("ogg opus", files.opus(*[OPUS_20_MS] * 500), 10_000),
    ("ogg opus of long packets", files.opus(*[OPUS_120_MS] * 500), 60_000),
    ("ogg opus by its pages", files.opus(OPUS_20_MS, granule=480_000), 10_000),
    ("ogg opus twice", files.opus(OPUS_20_MS, granule=480_000) + files.opus(*[OPUS_20_MS] * 500), 20_000),
    ("ogg opus beside another", files.opus(*[OPUS_20_MS] * 500) + files.opus(*[OPUS_20_MS] * 500, serial=2), 20_000),
    (
        "ogg vorbis",
        files.ogg_page(1, files.vorbis_head(), begins=True) + files.ogg_page(1, *[b"\0"] * 100, granule=44_100),
        2_346,
    ),
    ("mp3", files.mp3_frame() * 100, 2_613),
    ("mp3 behind a tag", files.id3(5_000) + files.mp3_frame() * 100, 2_613),
    ("mp3 by its encoder's note", files.mp3_frame(note=files.xing(1_000)), 26_123),
    ("mp3 of free format", files.mp3_frame(b"\xff\xfb\x00\xc0", size=30) * 100, 2_613),
    ("mp3 of 8 kHz", files.mp3_frame(b"\xff\xe3\x18\xc0", size=72) * 100, 7_200),
    ("mp3 whose frames hide in one another", files.mp3_frame() + b"\xff\xf3" * 3 + files.mp3_frame() * 99, 2_613),
    ("aac", files.adts_frame() * 100, 6_400),
    ("aac of many blocks", files.adts_frame(blocks=4) * 100, 25_600),
    ("m4a", files.mp4(aac_track(units=160_000)), 10_000),
    ("m4a whose times are made up", files.mp4(aac_track(units=1, samples=10_000)), 640_000),
    ("m4a in fragments", files.mp4(aac_track(), more=files.fragment(500, units=1_024) * 2), 64_000),
    ("webm opus", files.webm((0, files.webm_block(0) * 500), tracks=files.webm_track()), 10_000),
    ("webm opus by its times", files.webm((60_000, files.webm_block(7)), tracks=files.webm_track()), 60_007),
    ("webm aac", files.webm((0, files.webm_block(0) * 100), tracks=files.webm_track(b"A_AAC", private=b"\x14\x08")), 6_400),
    (
        "webm vorbis",
        files.webm(
            (0, files.webm_block(0, b"\x03", flags=2) * 25),
            tracks=files.webm_track(b"A_VORBIS", private=b"\x02\x1e\x20" + files.vorbis_head()),
        ),
        2_322,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("media", "least_ms"), [pytest.param(*row, id=name) for name, *row in SOUNDS])
def test_a_sound_is_as_long_as_a_decoder_would_play_it(media: bytes, least_ms: int) -> None:
    found = audio_duration_ms(media)

    assert found is not None
    assert least_ms <= found <= least_ms * 1.01 + 60


UNKNOWN_SOUNDS: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no sound", b"hello world" * 20),
    ("wav with mp3 inside", files.wav(1, kind=0x55)),
    ("wav that disagrees with itself", files.wav(1, block_bytes=200)),
    ("wav without a rate", files.wav(1, rate=0)),
    ("flac without a rate", files.flac(files.flac_frame(16), rate=0)),
    ("flac behind a tag", files.id3(10) + SILENCE),
    ("flac named in a tag before mp3", files.id3(10) + files.mp3_frame() + SILENCE),
    ("ogg of another kind", files.ogg_page(1, b"Speex   " + bytes(80), begins=True)),
    ("ogg with a gap", files.opus(OPUS_20_MS) + b"x" + files.opus(OPUS_20_MS)),
    ("m4a of another kind", files.mp4(files.track(handler=b"soun", codec=b"alac", units=10_000))),
    ("m4a without a decoder", files.mp4(files.track(handler=b"soun", codec=b"mp4a", units=10_000))),
    ("m4a with a compressed header", files.mp4(aac_track(units=9), extends=files.box(b"cmov", bytes(8)))),
    ("m4a whose box outgrows its holder", files.mp4(aac_track(), extends=struct.pack(">I4s", 99, b"free"))),
    ("m4a of a track that is not there", files.mp4(aac_track(), more=files.fragment(9, number=7))),
    ("webm of another kind", files.webm((0, files.webm_block(0)), tracks=files.webm_track(b"A_AC3"))),
    ("webm with compressed packets", files.webm((0, b""), tracks=files.webm_track(more=files.element("6D80", b"x")))),
    ("webm with packed opus", files.webm((0, files.webm_block(0, flags=2)), tracks=files.webm_track())),
]  # fmt: skip


@pytest.mark.parametrize("media", [pytest.param(media, id=name) for name, media in UNKNOWN_SOUNDS])
def test_a_sound_that_does_not_tell_is_unknown(media: bytes) -> None:
    assert audio_duration_ms(media) is None


FILMS: list[tuple[str, bytes, int]] = [
    ("mp4 by its header", files.mp4(files.track(), units=60_000), 60_000),
    ("mp4 by its track", files.mp4(files.track(movie_units=60_000)), 60_000),
    ("mp4 by its media", files.mp4(files.track(units=60_000)), 60_000),
    ("mp4 by its samples", files.mp4(files.track(times=(30, 1_000, 10, 3_000))), 60_000),
    ("mp4 by its edits", files.mp4(files.track(units=1_000, edits=(1_000, 0, 1 << 16) * 60)), 60_000),
    ("mp4 by a late sample", files.mp4(files.track(times=(1, 1), delays=(1, 59_999))), 60_000),
    ("mp4 that states no duration", files.mp4(files.track(units=60_000), units=0xFFFFFFFF), 60_000),
    ("mp4 by its second track", files.mp4(files.track(), files.track(number=2, units=60_000)), 60_000),
    ("mp4 by its sound", files.mp4(files.track(), aac_track(number=2, samples=938)), 60_032),
    (
        "mp4 in fragments",
        files.mp4(files.track(), more=files.fragment(30, units=1_000) + files.fragment(3, unit_list=(10_000,) * 3)),
        60_000,
    ),
    (
        "mp4 in fragments of the film's own sample time",
        files.mp4(files.track(), extends=files.box(b"mvex", files.full_box(b"trex", files.words(1, 1, 1_000, 0, 0))), more=files.fragment(60)),
        60_000,
    ),
    ("mp4 in a late fragment", files.mp4(files.track(), more=files.fragment(1, start_units=59_000, units=1_000)), 60_000),
    (
        "mp4 by its fragments' sum",
        files.mp4(files.track(), extends=files.box(b"mvex", files.full_box(b"mehd", files.words(60_000)))),
        60_000,
    ),
    (
        "mp4 by its index",
        files.mp4(files.track(), more=files.full_box(b"sidx", files.words(1, 1_000, 0, 0, 2, 0, 30_000, 0, 0, 30_000, 0))),
        60_000,
    ),
    ("webm by its header", files.webm(tracks=files.webm_track(b"V_VP9", kind=1), duration=60_000.0), 60_000),
    ("webm by its blocks", files.webm((59_000, files.webm_block(1_000)), tracks=files.webm_track(b"V_VP9", kind=1)), 60_000),
    (
        "webm as browsers record it",
        files.webm(*((at, files.webm_block(999)) for at in range(0, 60_000, 1_000)), tracks=files.webm_track(b"V_VP8", kind=1), endless=True),
        59_999,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("media", "least_ms"), [pytest.param(*row, id=name) for name, *row in FILMS])
def test_a_film_is_as_long_as_anything_in_it_says(media: bytes, least_ms: int) -> None:
    found = video_duration_ms(media)

    assert found is not None
    assert least_ms <= found <= least_ms + 2


@pytest.mark.parametrize(
    "media", [b"", b"RIFF\0\0\0\0AVI LIST", b"\x47" + bytes(187), files.mp4(), b"\x1a\x45\xdf\xa3"]
)
def test_a_film_that_does_not_tell_is_unknown(media: bytes) -> None:
    assert video_duration_ms(media) is None


LARGE = (4_000, 3_000)
VP8L = (4_000 - 1) | (3_000 - 1) << 14

PICTURES: list[tuple[str, bytes]] = [
    ("png", files.png(*LARGE)),
    ("jpeg", files.jpeg(*LARGE)),
    ("jpeg with a small picture inside", files.jpeg(*LARGE, before=b"\xff\xe1\0\x25" + files.jpeg(160, 120))),
    ("gif", files.gif(*LARGE)),
    ("gif drawn beyond its screen", files.gif(10, 10, frame=(1_000, 1_000, 3_000, 2_000))),
    ("webp", files.webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", *LARGE))),
    ("webp lossless", files.webp(b"VP8L", b"\x2f" + struct.pack("<I", VP8L))),
    ("webp extended", files.webp(b"VP8X", bytes(4) + (3_999).to_bytes(3, "little") + (2_999).to_bytes(3, "little"))),
    ("bmp", b"BM" + bytes(12) + struct.pack("<Iii", 40, 4_000, -3_000)),
    ("bmp of old", b"BM" + bytes(12) + struct.pack("<IHH", 12, *LARGE)),
    ("heic of tiles", files.heif((512, 512), LARGE)),
    ("avif", files.heif(LARGE, brand=b"avif")),
]


@pytest.mark.parametrize("media", [pytest.param(media, id=name) for name, media in PICTURES])
def test_a_picture_is_as_large_as_its_header_says(media: bytes) -> None:
    assert image_pixels(media) == LARGE


@pytest.mark.parametrize(
    "media", [b"", b"II*\0", files.png(0, 5), files.jpeg(5, 0), files.jpeg(5, 5)[:9], files.heif()]
)
def test_a_picture_that_does_not_tell_is_unknown(media: bytes) -> None:
    assert image_pixels(media) is None


def test_nine_hours_of_silence_in_60_kb_are_nine_hours() -> None:
    found = audio_duration_ms(SILENCE)

    assert len(SILENCE) < 61_000
    assert found is not None
    assert found > 8.5 * HOUR_MS


ANY = [media for _, media, *_ in (*SOUNDS, *UNKNOWN_SOUNDS, *FILMS, *PICTURES)]
MEASURES: list[Callable[[bytes], object]] = [audio_duration_ms, video_duration_ms, image_pixels]


@given(st.sampled_from(ANY), st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=9)), max_size=6))
def test_no_bytes_raise(media: bytes, changes: list[tuple[int, bytes]]) -> None:
    changed = bytearray(media[:4_000])
    for at, piece in changes:
        changed[at : at + len(piece)] = piece

    for measure in MEASURES:
        measure(bytes(changed))


@given(st.sampled_from(ANY), st.integers(0, 400))
def test_no_end_raises(media: bytes, end: int) -> None:
    for measure in MEASURES:
        measure(media[:end])
