"""Every object of a PDF, by number, wherever it stands: also those that its cross-references no longer name.

Theory of operation. Which of an object's definitions counts is decided by tables that readers repair in their own
ways, so all definitions are kept and their user takes the largest. Objects are found by their headers in the raw bytes
and inside object streams. Strings and comments are taken out, so that nothing in them passes for a name, and names are
written plainly. What does not tokenise into whole dictionaries is `Unknown`: a reader might see in it what we do not.

Nothing is read twice, and what is inflated has a bound for the whole document.
"""

import binascii
import re
import zlib
from base64 import a85decode
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from core.wire.media.containers.unknown import Unknown

_OBJECTS_MAX = 50_000
"""They take a quarter of a second."""

_INFLATED_SPARE_BYTES = 1 << 18
_INFLATED_FACTOR_MAX = 16
_INFLATED_BYTES_MAX = 32 << 20
_INFLATED_AT_ONCE_BYTES = 8_192
_ASCII85_BYTES_MAX = 1 << 18
"""Decoded in Python, byte by byte."""

_KEYWORD = re.compile(rb"obj(?<!endobj)(?![a-zA-Z])")
_BEFORE_KEYWORD_BYTES = 48
_HEADER = re.compile(rb"(?<![0-9])([0-9]{1,10})[\0\t\n\f\r ]{1,12}[0-9]{1,5}[\0\t\n\f\r ]{0,12}$")
_HIDDEN_HEADER = re.compile(rb"[0-9][\0\t\n\f\r ]*(?:%[^\r\n]*[\r\n][\0\t\n\f\r ]*)?$|[\0\t\n\f\r ]{24}$")
"""A header that a reader may see and `_HEADER` does not: with a comment in it, long numbers, many blanks."""

_STREAM = re.compile(rb">>[\0\t\n\f\r ]*stream(?:\r\n|\n|\r)")
PDF_ESCAPE = re.compile(rb"\\[\\()]")
PDF_STRING = rb"\([^()]*+\)"
"""One without escapes, and without strings in it: what does not end is given up at the next bracket."""

_UNSEEN = re.compile(rb"%[^\r\n]*+|" + PDF_STRING + rb"|(?<!<)<(?!<)[^<>]*+>")
"""Comments, strings without strings in them, hexadecimal strings."""

_STRINGS_DEPTH_MAX = 8
_ESCAPE = re.compile(rb"#([0-9a-fA-F]{2})")
_OBJECT_STREAM = re.compile(rb"/Type[\0\t\n\f\r ]*/ObjStm(?![A-Za-z])")
_FIRST = re.compile(rb"/First[\0\t\n\f\r ]*([0-9]{1,10})(?![0-9]|[\0\t\n\f\r ]+[0-9]+[\0\t\n\f\r ]+R)")
_LENGTH = re.compile(rb"/Length[\0\t\n\f\r ]*([0-9]{1,10})(?![0-9]|[\0\t\n\f\r ]+[0-9]+[\0\t\n\f\r ]+R)")
_FILTERS = re.compile(rb"/Filter[\0\t\n\f\r ]*(\[[^\]]{0,200}\]|/[A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True)
class PdfObject:
    """One definition. `text` is what is not its stream, without strings and comments."""

    text: bytes
    stream_start: int | None = None


class PdfObjects:
    """The definitions of each number."""

    def __init__(self, document: bytes) -> None:
        self._document = document
        spare = _INFLATED_SPARE_BYTES + _INFLATED_FACTOR_MAX * len(document)
        self._inflatable_bytes = min(spare, _INFLATED_BYTES_MAX)
        self._ascii85_bytes = _ASCII85_BYTES_MAX
        self._stream_ends = _places(b"endstream", document)
        self._count = 0
        self.by_number: dict[int, list[PdfObject]] = {}
        self._read()

    def data(self, thing: PdfObject) -> bytes:
        """The decoded stream of an object."""
        if thing.stream_start is None or b"/Predictor" in thing.text:
            raise Unknown
        names = _filters(thing.text)
        data = None if names[:1] in ([b"FlateDecode"], [b"Fl"]) else self._stored(thing.text, thing.stream_start)
        for name in names:
            if name in (b"FlateDecode", b"Fl"):
                data = self._inflated(self._document, thing.stream_start) if data is None else self._inflated(data, 0)
            elif name in (b"ASCII85Decode", b"A85"):
                data = self._from_ascii85(data or b"")
            elif name in (b"ASCIIHexDecode", b"AHx"):
                data = binascii.unhexlify(b"".join((data or b"").partition(b">")[0].split()))
            else:
                raise Unknown
        return data or b""

    def _read(self) -> None:
        headers = list(_headers(self._document))
        ends = [start for _, start, _ in headers[1:]] + [len(self._document)]
        for (number, _, start), end in zip(headers, ends, strict=True):
            stream = _STREAM.search(self._document, start, end)
            text = _plain(self._document[start : stream.start() + 2 if stream else end])
            thing = PdfObject(text, stream.end() if stream else None)
            self._add(number, thing)
            if _OBJECT_STREAM.search(text):
                self._read_object_stream(thing)

    def _read_object_stream(self, thing: PdfObject) -> None:
        """Numbers and places in pairs, then from `First` on the objects."""
        data = self.data(thing)
        firsts = _FIRST.findall(thing.text)
        if len(firsts) != 1:
            raise Unknown
        first = int(firsts[0])
        heads = list(map(int, data[:first].split()))
        places = sorted({*heads[1::2], len(data) - first})
        for number, place in zip(heads[0::2], heads[1::2], strict=True):
            if place < 0 or place >= places[-1]:
                raise Unknown
            end = places[bisect_left(places, place) + 1]
            self._add(number, PdfObject(_plain(data[first + place : first + end])))

    def _add(self, number: int, thing: PdfObject) -> None:
        self._count += 1
        if self._count > _OBJECTS_MAX:
            raise Unknown
        self.by_number.setdefault(number, []).append(thing)

    def _stored(self, text: bytes, start: int) -> bytes:
        """A stream as it stands: to its length or to its end's mark, whichever is farther."""
        lengths = _LENGTH.findall(text)
        if len(lengths) != 1:
            raise Unknown
        after = bisect_left(self._stream_ends, start + int(lengths[0]))
        if after == len(self._stream_ends):
            raise Unknown
        end = self._stream_ends[after]
        self._spend(end - start)
        return self._document[start:end]

    def _inflated(self, data: bytes, start: int) -> bytes:
        """Deflated data says itself where it ends."""
        inflater = zlib.decompressobj()
        pieces = []
        while not inflater.eof:
            piece = inflater.unconsumed_tail or data[start : start + _INFLATED_AT_ONCE_BYTES]
            if not piece:
                raise Unknown
            start += 0 if inflater.unconsumed_tail else len(piece)
            pieces.append(inflater.decompress(piece, _INFLATED_AT_ONCE_BYTES * 8))
            self._spend(len(pieces[-1]))
        return b"".join(pieces)

    def _from_ascii85(self, data: bytes) -> bytes:
        coded = data.partition(b"~>")[0]
        self._ascii85_bytes -= len(coded)
        if self._ascii85_bytes < 0:
            raise Unknown
        return a85decode(coded, ignorechars=b"\0\t\n\f\r ")

    def _spend(self, size: int) -> None:
        self._inflatable_bytes -= size
        if self._inflatable_bytes < 0:
            raise Unknown


def _headers(document: bytes) -> Iterator[tuple[int, int, int]]:
    """Each object's number, where its header starts, and where the object does."""
    for count, keyword in enumerate(_KEYWORD.finditer(document)):
        if count > _OBJECTS_MAX:
            raise Unknown
        at = keyword.start()
        before = document[max(0, at - _BEFORE_KEYWORD_BYTES) : at]
        if header := _HEADER.search(before):
            yield int(header[1]), at - len(before) + header.start(), keyword.end()
        elif _HIDDEN_HEADER.search(before):
            raise Unknown


def _places(mark: bytes, document: bytes) -> list[int]:
    if document.count(mark) > _OBJECTS_MAX:
        raise Unknown
    return [found.start() for found in re.finditer(mark, document)]


def _plain(text: bytes) -> bytes:
    """Without strings and comments, names without escapes. What then is not whole is read by each reader in its way."""
    seen = _UNSEEN.sub(b" ", PDF_ESCAPE.sub(b"", text))
    if b"(" in seen and b"%" in text:
        raise Unknown
    for _ in range(_STRINGS_DEPTH_MAX):
        if b"(" not in seen:
            break
        seen = _UNSEEN.sub(b" ", seen)
    if b"(" in seen or b")" in seen or seen.count(b"<<") != seen.count(b">>"):
        raise Unknown
    if b"#" in seen:
        if seen.count(b"#") > 8 + len(seen) // 64:
            raise Unknown
        seen = _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), seen)
    return seen


def _filters(text: bytes) -> list[bytes]:
    found = _FILTERS.findall(text)
    if len(found) != text.count(b"/Filter") or len(found) > 1:
        raise Unknown
    return re.findall(rb"/([A-Za-z0-9]+)", found[0]) if found else []
