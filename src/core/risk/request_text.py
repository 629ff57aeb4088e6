"""Which strings of a request a model reads as text, and what is found in them.

Theory of operation. One pass over the raw bytes knows names as `core.wire.media.walk` does, in any spelling and at any
depth, and no dialect's schema: every string is text but those whose name says that they are an id, a choice, an address
or media, and those that are base64 or a `data:` address by themselves. Where a caller's own JSON stands (what a tool is
called with, what it answered, a schema) names say nothing; they are read for what they tell of the value after them.
Nothing that is left out is decoded. Texts are joined by line breaks, in their order, and searched in pieces; all of a
body is searched, however long.

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

from core.risk.pattern import Effort
from core.risk.tags import find, in_order
from core.wire.media.walk import folded

PIECE_BYTES = 131_072
"""What is searched together at least, where there is so much. A longer text is searched whole."""

BASE64_BYTES_MIN = 4_096
"""A string of so much base64 and nothing else is media, whatever its name. The longest key in one line is shorter."""

_LEFT_OUT = frozenset({
    # ids
    "id", "toolcallid", "tooluseid", "callid", "itemid", "responseid", "previousresponseid", "conversation",
    "conversationid", "fileid", "fileids", "container", "containerid", "vectorstoreids", "filesearchstorenames",
    "cachedcontent", "promptcachekey", "safetyidentifier", "user", "metadata", "approvalrequestid",
    # choices
    "model", "role", "type", "name", "status", "object", "servicetier", "mimetype", "mediatype", "stop",
    "stopsequences", "toolchoice", "cachecontrol", "logitbias", "include", "modalities", "responsemodalities",
    # addresses, and what opens them
    "url", "uri", "imageurl", "videourl", "audiourl", "documenturl", "fileurl", "fileuri", "serverurl", "serverlabel",
    "authorization", "authorizationtoken", "headers", "env",
    # what only the provider reads
    "signature", "thoughtsignature", "encryptedcontent", "encryptedindex", "encryptedstdout",
    # media
    "filedata", "b64json",
})  # fmt: skip
_OWN_DATA = frozenset({
    "args", "arguments", "response", "parameters", "parametersjsonschema", "schema", "inputschema", "inputexamples",
    "outputschema", "responseschema", "responsejsonschema", "variables",
})  # fmt: skip

_WALKED, _OWN, _OUT, _MEDIA, _INPUT, _SIGNED = range(6)
"""What a list or object is: the dialect's, the caller's own data, or left out. A name may mean more: what is media
unless it is text, what a tool is called with, what a provider thought and signed."""

_MEANINGS = (
    dict.fromkeys(_LEFT_OUT, _OUT)
    | dict.fromkeys(_OWN_DATA, _OWN)
    | {"data": _MEDIA, "result": _MEDIA, "input": _INPUT, "thinking": _SIGNED}
)
_NAME_BYTES_MAX = 60

_TOKEN = re.compile(rb'"([^"\\]{0,1000}+(?:\\.[^"\\]{0,1000}+){0,8}+)"(?:[ \t\r\n]{0,20}:)?|["{}\[\]]', re.DOTALL)
"""A string that is short or has few escapes, with the colon that makes it a name; the beginning of any other string."""
_UNESCAPED = re.compile(rb'(?:[^"\\]+|\\.){0,500}', re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]{0,20}:")
_ADDRESS = re.compile(rb"[dD][aA][tT][aA]:[^\s,]{0,200},")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_TELLING_NAME = re.compile(rb"ssn|social|access_?key|account_?key", re.IGNORECASE)
"""Of a member that tells what its value is."""

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\\/nrtbf]))")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}
"""An escaped quote stays as it is: either way it is part of nothing."""


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
            seen = _unescaped(_decoded(seen)).encode("utf-8", "replace")
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


def is_like_json(text: str) -> bool:
    """Whether it may be an object or a list."""
    inner = text.strip(" \t\r\n")
    return inner[:1] + inner[-1:] in ("{}", "[]")


def _has_escapes(text: str) -> bool:
    return "\\" in text and is_like_json(text)


def _unescaped(text: str) -> str:
    """JSON without its own escapes; any other text as it is."""
    return _ESCAPE.sub(_character, text) if _has_escapes(text) else text


def _character(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    if code:
        number = int(code, 16)
        return "?" if 0xD800 <= number < 0xE000 else chr(number)
    return _LETTERS.get(letter, letter)


class _Escapes:
    """The way back from a text whose escapes were undone."""

    def __init__(self, text: str) -> None:
        spans = [escape.span() for escape in _ESCAPE.finditer(text)] if _has_escapes(text) else []
        self._longer = list(accumulate((end - start - 1 for start, end in spans), initial=0))
        self._places = [start - longer for (start, _), longer in zip(spans, self._longer, strict=False)]

    def place(self, place: int) -> int:
        return place + self._longer[bisect_left(self._places, place)]


# The pass over the body --------------------------------------------------------------------------------------------


def _strings(body: bytes) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each string that is text, and whether it is the name of a member."""
    containers = [_WALKED]
    kind = meaning = _WALKED
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
                        kind = _inside(containers, meaning, is_object=character == 0x7B)
                        containers.append(kind)
                    elif len(containers) > 1:
                        containers.pop()
                        kind = containers[-1]
                    meaning = _WALKED
                    continue
                is_long = True
                start, end = place, _string_end(body, place)
                colon = _COLON.match(body, end + 1)
                place = colon.end() if colon else end + 1
            if place > end + 1:
                if kind == _WALKED:
                    meaning = _meaning_of(body[start : min(end, start + _NAME_BYTES_MAX)])
                elif kind == _OWN and _tells(body[start : min(end, start + _NAME_BYTES_MAX)]):
                    yield start, end, True
            else:
                if kind != _OUT and _is_text(body, start, end, meaning):
                    yield start, end, False
                meaning = _WALKED
            if is_long:
                break  # the search goes on behind it
        else:
            return


def _inside(containers: list[int], meaning: int, *, is_object: bool) -> int:
    """What a list or object is that begins here. `input` at the top is all of a request; deeper it is a tool's."""
    if containers[-1] != _WALKED:
        return containers[-1]
    if meaning in (_OWN, _OUT):
        return meaning
    return _OWN if meaning == _INPUT and is_object and len(containers) > 2 else _WALKED


@lru_cache(maxsize=2_048)
def _meaning_of(name: bytes) -> int:
    return _MEANINGS.get(folded(_decoded(name)), _WALKED)


@lru_cache(maxsize=2_048)
def _tells(name: bytes) -> bool:
    return _TELLING_NAME.search(name) is not None


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


_NO_TEXT = (_OUT, _SIGNED)


def _is_text(body: bytes, start: int, end: int, meaning: int) -> bool:
    if start == end or meaning in _NO_TEXT or _ADDRESS.match(body, start, end):
        return False
    is_suspect = meaning == _MEDIA or end - start >= BASE64_BYTES_MIN
    return not (is_suspect and _is_base64(body, start, end))


def _is_base64(body: bytes, start: int, end: int) -> bool:
    """Judged by both its ends."""
    ends = body[start : min(end, start + BASE64_BYTES_MIN)] + body[max(start, end - BASE64_BYTES_MIN) : end]
    if b"\\" in ends:
        ends = ends.replace(rb"\n", b"").replace(rb"\r", b"").replace(rb"\/", b"").strip(b"\\nr")
    return not ends.translate(None, _BASE64)
