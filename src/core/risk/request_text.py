"""Which strings of a request a model reads as text, and what is found in them.

Theory of operation. One pass over the raw bytes knows what names mean (`finding.member_names`), in any spelling and at
any depth, and no dialect's schema: every string is text but those whose name says otherwise, and those that are base64
or a `data:` address by themselves. Nothing that is left out is decoded. Texts are joined by line breaks, in order, and
searched in pieces; all of a body is searched, however long.

JSON in a string is searched with its own escapes undone, once.

The rule easy to break: the body is one that `decode_request` takes or refuses. A string that is no JSON is no text.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import msgspec

from core.risk.finding.member_names import (
    ADDRESS,
    BASE64,
    BASE64_CHARACTERS_MIN,
    MEDIA,
    NAME_CHARACTERS_MAX,
    OUT,
    OWN,
    SIGNED,
    WALKED,
    escapes_in,
    inside,
    meaning_of,
    tells,
    unescaped,
)
from core.risk.finding.pattern import Effort
from core.risk.finding.tags import find, in_order

PIECE_BYTES = 131_072
"""What is searched together at least, where there is so much. A longer text is searched whole."""

_TOKEN = re.compile(rb'"([^"\\]{0,1000}+(?:\\.[^"\\]{0,1000}+){0,8}+)"(?:[ \t\r\n]{0,20}:)?|["{}\[\]]', re.DOTALL)
"""A string that is short or has few escapes, with the colon that makes it a name; the beginning of any other string."""
_UNESCAPED = re.compile(rb'(?:[^"\\]+|\\.){0,500}', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]{0,20}:")
_ADDRESS = re.compile(ADDRESS.encode())


class Text(NamedTuple):
    """A string of a request, and where it stands in the body, between its quotes."""

    start: int
    end: int
    text: str


class FoundInText(NamedTuple):
    tag: str
    text: Text
    start: int
    """In the text."""
    end: int


def request_tags(body: bytes) -> tuple[str, ...]:
    """What is in the texts of a request, in the order of `TAGS`. Raises `TooManyCandidates`."""
    return in_order({found.tag for found in found_in(body)})


def found_in(body: bytes) -> Iterator[FoundInText]:
    """All of it, in the order in which it stands. What goes over several texts is told for each of them. Raises
    `TooManyCandidates`."""
    effort = Effort()
    piece = _Piece(body)
    for start, end, is_name in _strings(body):
        piece.add(start, end, is_name=is_name)
        if piece.bytes >= PIECE_BYTES:
            yield from piece.found(effort)
            piece = _Piece(body)
    yield from piece.found(effort)


class _Piece:
    """Strings that are searched together."""

    __slots__ = ("_body", "_seen", "_spans", "bytes")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._spans: list[tuple[int, int, bool]] = []
        self._seen: list[bytes] = []
        self.bytes = 0

    def add(self, start: int, end: int, *, is_name: bool) -> None:
        seen = self._body[start:end]
        if b"\\" in seen:
            seen = unescaped(_decoded(seen)).encode("utf-8", "replace")
        self._spans.append((start, end, is_name))
        self._seen.append(seen)
        self.bytes += len(seen) + 1

    def found(self, effort: Effort) -> Iterator[FoundInText]:
        findings = find(b"\n".join(self._seen).decode("utf-8", "replace"), effort)
        if not findings:
            return
        lengths = [len(seen.decode("utf-8", "replace")) for seen in self._seen]
        places = list(accumulate((length + 1 for length in lengths), initial=0))
        text = None
        for tag, start, end in findings:
            for index in range(bisect_right(places, start) - 1, bisect_left(places, end)):
                inside = max(0, start - places[index]), min(lengths[index], end - places[index])
                string_start, string_end, is_name = self._spans[index]
                if is_name or inside[0] >= inside[1]:
                    continue
                if text is None or text.start != string_start:
                    text = Text(string_start, string_end, _decoded(self._body[string_start:string_end]))
                    escapes = _Escapes(text.text)
                yield FoundInText(tag, text, escapes.place(inside[0]), escapes.place(inside[1]))


# Strings as they are searched --------------------------------------------------------------------------------------


def _decoded(literal: bytes) -> str:
    """What a string says. What is no JSON says nothing; a request that has it is refused."""
    if b"\\" not in literal:
        return literal.decode("utf-8", "replace")
    try:
        return msgspec.json.decode(b'"%b"' % literal, type=str)
    except (msgspec.DecodeError, UnicodeError):
        return ""


class _Escapes:
    """The way back from a text whose escapes were undone."""

    def __init__(self, text: str) -> None:
        spans = escapes_in(text)
        self._longer = list(accumulate((end - start - 1 for start, end in spans), initial=0))
        self._places = [start - longer for (start, _), longer in zip(spans, self._longer, strict=False)]

    def place(self, place: int) -> int:
        return place + self._longer[bisect_left(self._places, place)]


# The pass over the body --------------------------------------------------------------------------------------------


def _strings(body: bytes) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each string that is text, and whether it is the name of a member."""
    containers = [WALKED]
    kind = meaning = WALKED
    place = 0
    while place < len(body):
        for token in _TOKEN.finditer(body, place):
            start, end = token.span(1)
            place = token.end()
            is_long = False
            if start < 0:
                character = body[place - 1]
                if character != 0x22:
                    if character in b"{[":
                        kind = inside(kind, meaning, is_object=character == 0x7B, is_at_top=len(containers) <= 2)
                        containers.append(kind)
                    elif len(containers) > 1:
                        containers.pop()
                        kind = containers[-1]
                    meaning = WALKED
                    continue
                is_long = True
                start, end = place, _string_end(body, place)
                colon = _COLON.match(body, end + 1)
                place = colon.end() if colon else end + 1
            if place > end + 1:
                if kind == WALKED:
                    meaning = _meaning_of(body[start : min(end, start + NAME_CHARACTERS_MAX)])
                elif kind == OWN and _tells(body, start, end):
                    yield start, end, True
            else:
                if kind != OUT and _is_text(body, start, end, meaning):
                    yield start, end, False
                meaning = WALKED
            if is_long:
                break  # the search goes on behind it
        else:
            return


@lru_cache(maxsize=2_048)
def _meaning_of(name: bytes) -> int:
    return meaning_of(_decoded(name))


def _tells(body: bytes, start: int, end: int) -> bool:
    return tells(body[start : min(end, start + NAME_CHARACTERS_MAX)].decode("ascii", "replace"))


def _string_end(body: bytes, start: int) -> int:
    """Where the quote is that ends a string; the body's end where there is none."""
    end = body.find(b'"', start)
    if end > start and body[end - 1] == 0x5C:
        end = start
        while body[end : end + 1] != b'"':
            chunk = _UNESCAPED.match(body, end)
            if chunk is None or chunk.end() == end:
                return len(body)
            end = chunk.end()
    return len(body) if end < 0 else end


_NO_TEXT = (OUT, SIGNED)


def _is_text(body: bytes, start: int, end: int, meaning: int) -> bool:
    if start == end or meaning in _NO_TEXT or _ADDRESS.match(body, start, end):
        return False
    is_suspect = meaning == MEDIA or end - start >= BASE64_CHARACTERS_MIN
    return not (is_suspect and _is_base64(body, start, end))


def _is_base64(body: bytes, start: int, end: int) -> bool:
    """Judged by both its ends."""
    ends = body[start : min(end, start + BASE64_CHARACTERS_MIN)] + body[max(start, end - BASE64_CHARACTERS_MIN) : end]
    if b"\\" in ends:
        ends = ends.replace(rb"\n", b"").replace(rb"\r", b"").replace(rb"\/", b"").strip(b"\\nr")
    return not ends.translate(None, BASE64)
