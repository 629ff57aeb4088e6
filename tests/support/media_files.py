"""Sounds, films, documents and pictures, byte by byte: as small as their formats allow, honest or not."""

import struct
import zlib

PIXEL_PNG_START = b"\x89PNG\r\n\x1a\n"

# Sound ------------------------------------------------------------------------------------------------------


def wav(
    seconds: float,
    *,
    rate: int = 16_000,
    kind: int = 1,
    channels: int = 1,
    bits: int = 16,
    block_bytes: int = 0,
    claimed_bytes: int | None = None,
    start: bytes = b"RIFF",
) -> bytes:
    block_bytes = block_bytes or channels * bits // 8
    data = bytes(int(seconds * rate * block_bytes))
    size = len(data) if claimed_bytes is None else claimed_bytes
    layout = struct.pack("<HHIIHH", kind, channels, rate, rate * block_bytes, block_bytes, bits)
    return (
        start
        + struct.pack("<I", 0xFFFFFFFF)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + layout
        + b"data"
        + struct.pack("<I", size)
        + data
    )


def aiff(seconds: int, *, rate: int = 44_100, compression: bytes = b"") -> bytes:
    exponent = rate.bit_length() - 1
    common = struct.pack(">hIhHQ", 1, seconds * rate, 16, 16383 + exponent, rate << 63 - exponent)
    common += compression + b"\0\0" if compression else b""
    kind = b"AIFC" if compression else b"AIFF"
    return (
        b"FORM"
        + bytes(4)
        + kind
        + b"COMM"
        + struct.pack(">I", len(common))
        + common
        + b"SSND"
        + bytes(12 + seconds * rate * 2)
    )


def flac(*frames: bytes, rate: int = 16_000, samples: int = 0) -> bytes:
    stated = rate << 44 | 15 << 36 | samples
    info = struct.pack(">HH", 16, 65_535) + bytes(6) + stated.to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80\0\0\x22" + info + b"".join(frames)


def flac_frame(samples: int, *, rate_kind: int = 0, number: bytes = b"\0", more: bytes = b"") -> bytes:
    """A frame of silence: 16 bytes, whatever its size."""
    header = bytes((0xFF, 0xF8, 0x70 | rate_kind, 0x08)) + number + struct.pack(">H", samples - 1) + more
    check = 0
    for bit in range(8 * len(header)):
        check ^= header[bit // 8] << bit % 8 & 0x80
        check = (check << 1 ^ 0x07) & 0xFF if check & 0x80 else check << 1
    return header + bytes((check,)) + bytes(3) + b"\0\0"


def mp3_frame(kind: bytes = b"\xff\xfb\x90\xc0", *, note: bytes = b"", size: int = 417) -> bytes:
    return (kind + bytes(17) + note).ljust(size, b"\0")


def xing(frames: int) -> bytes:
    return b"Xing" + struct.pack(">II", 1, frames)


def id3(size: int) -> bytes:
    return b"ID3\x04\0\0" + bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127)) + bytes(size)


def adts_frame(rate_kind: int = 8, *, blocks: int = 1) -> bytes:
    return bytes((0xFF, 0xF1, 0x40 | rate_kind << 2, 0x40, 0x10, 0x1F, 0xFC | blocks - 1)) + bytes(90)


def ogg_page(serial: int, *packets: bytes, granule: int = 0, begins: bool = False, continues: bool = False) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) for packet in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, begins * 2 | continues, granule, serial, 0, 0, len(lacing))
    return head + lacing + b"".join(packets)


OPUS_HEAD = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0"


def opus(*packets: bytes, serial: int = 1, granule: int = 0) -> bytes:
    heads = ogg_page(serial, OPUS_HEAD, begins=True) + ogg_page(serial, b"OpusTags" + bytes(8))
    pages = [packets[start : start + 50] for start in range(0, len(packets), 50)]
    return heads + b"".join(ogg_page(serial, *page, granule=granule) for page in pages)


def vorbis_head(rate: int = 44_100) -> bytes:
    return b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 1, rate, 0, 0, 0, 0xB8, 1)


# Films ------------------------------------------------------------------------------------------------------


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *contents: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def esds(*, rate_kind: int = 8) -> bytes:
    description = (2 << 11 | rate_kind << 7 | 8).to_bytes(2, "big")
    decoder = b"\x04\x11\x40\x15" + bytes(11) + b"\x05\x02" + description
    return full_box(b"esds", b"\x03\x19\0\0\0" + decoder + b"\x06\x01\x02")


def track(
    *,
    number: int = 1,
    handler: bytes = b"vide",
    codec: bytes = b"avc1",
    timescale: int = 1_000,
    units: int = 0,
    movie_units: int = 0,
    times: tuple[int, ...] = (),
    samples: int = 0,
    edits: tuple[int, ...] = (),
    delays: tuple[int, ...] = (),
    description: bytes = b"",
) -> bytes:
    table = box(
        b"stbl",
        full_box(b"stsd", words(1), box(codec, bytes(28), description)),
        full_box(b"stts", words(len(times) // 2, *times)),
        full_box(b"ctts", words(len(delays) // 2, *delays)) if delays else b"",
        full_box(b"stsz", words(0, samples)),
    )
    return box(
        b"trak",
        full_box(b"tkhd", words(0, 0, number, 0, movie_units)),
        box(b"edts", full_box(b"elst", words(len(edits) // 3, *edits))) if edits else b"",
        box(
            b"mdia",
            full_box(b"mdhd", words(0, 0, timescale, units, 0)),
            full_box(b"hdlr", bytes(4), handler, bytes(12)),
            box(b"minf", table),
        ),
    )


def mp4(*tracks: bytes, timescale: int = 1_000, units: int = 0, more: bytes = b"", extends: bytes = b"") -> bytes:
    head = full_box(b"mvhd", words(0, 0, timescale, units), bytes(80))
    return box(b"ftyp", b"isom") + box(b"moov", head, *tracks, extends) + more + box(b"mdat", bytes(100))


def fragment(
    samples: int, *, number: int = 1, start_units: int = 0, units: int = 0, unit_list: tuple[int, ...] = ()
) -> bytes:
    head = full_box(b"tfhd", words(number, units), flags=0x8) if units else full_box(b"tfhd", words(number))
    run = full_box(b"trun", words(samples, *unit_list), flags=0x100 if unit_list else 0)
    return box(b"moof", box(b"traf", head, full_box(b"tfdt", words(start_units)), run))


def element(name: str, contents: bytes = b"", *, endless: bool = False) -> bytes:
    size = b"\x01" + b"\xff" * 7 if endless else (1 << 56 | len(contents)).to_bytes(8, "big")
    return bytes.fromhex(name) + size + contents


def webm_track(codec: bytes = b"A_OPUS", *, kind: int = 2, private: bytes = b"", more: bytes = b"") -> bytes:
    return element(
        "AE",
        element("D7", b"\x01") + element("83", bytes((kind,))) + element("86", codec) + element("63A2", private) + more,
    )


def webm_block(units: int, packet: bytes = b"\x08\0", *, flags: int = 0) -> bytes:
    return element("A3", b"\x81" + struct.pack(">hB", units, flags) + packet)


def webm(*clusters: tuple[int, bytes], tracks: bytes, duration: float | None = None, endless: bool = False) -> bytes:
    stated = b"" if duration is None else element("4489", struct.pack(">d", duration))
    info = element("1549A966", element("2AD7B1", (1_000_000).to_bytes(3, "big")) + stated)
    body = b"".join(
        element("1F43B675", element("E7", units.to_bytes(8, "big")) + blocks, endless=endless)
        for units, blocks in clusters
    )
    return element("1A45DFA3") + element("18538067", info + element("1654AE6B", tracks) + body, endless=endless)


# Documents --------------------------------------------------------------------------------------------------


def stream(data: bytes, entries: bytes = b"", *, deflate: bool = True) -> bytes:
    stored = zlib.compress(data) if deflate else data
    name = b"/Filter /FlateDecode " if deflate else b""
    return b"<< %b%b/Length %d >>\nstream\n%b\nendstream" % (name, entries, len(stored), stored)


def pdf(objects: dict[int, bytes], *, root: int = 1, trailer: bytes = b"") -> bytes:
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % each for each in objects.items())
    return b"%PDF-1.7\n" + body + b"trailer\n<< /Root %d 0 R %b >>\nstartxref\n0\n%%%%EOF\n" % (root, trailer)


def pages_pdf(
    count: int, text: bytes = b"(Hello) Tj", *, claimed: int | None = None, kids: bytes | None = None
) -> bytes:
    """Pages that all show one stream."""
    numbers = range(10, 10 + count)
    tree = kids if kids is not None else b" ".join(b"%d 0 R" % number for number in numbers)
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%b] >>" % (count if claimed is None else claimed, tree),
        3: stream(text),
    }
    return pdf(objects | dict.fromkeys(numbers, b"<< /Type /Page /Parent 2 0 R /Contents 3 0 R >>"))


def object_stream(objects: dict[int, bytes]) -> bytes:
    head, body = b"", b""
    for number, thing in objects.items():
        head += b"%d %d " % (number, len(body))
        body += thing + b" "
    return stream(head + body, b"/Type /ObjStm /N %d /First %d " % (len(objects), len(head)))


# Pictures ---------------------------------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    return PIXEL_PNG_START + words(13) + b"IHDR" + words(width, height) + b"\x08\x02\0\0\0" + bytes(4)


def jpeg(width: int, height: int, *, before: bytes = b"") -> bytes:
    frame = b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\0"
    return b"\xff\xd8" + before + frame + b"\xff\xda\0\x08" + bytes(16)


def gif(width: int, height: int, *, frame: tuple[int, int, int, int] = (0, 0, 1, 1)) -> bytes:
    comment = b"\x21\xfe\x03abc\0"
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + comment
        + b"\x2c"
        + struct.pack("<4H", *frame)
        + b"\0"
    )


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBP" + kind + struct.pack("<I", len(data)) + data


def heif(*sizes: tuple[int, int], brand: bytes = b"heic") -> bytes:
    return box(b"ftyp", brand) + box(b"ipco", *(full_box(b"ispe", words(*size)) for size in sizes))
