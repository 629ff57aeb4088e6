"""A request body whose long base64 is set aside, so that what is read, checked and sized is small.

Theory of operation. Media is nearly all of a body that has some, and no part of its reading needs to touch it. So every
run of base64 between two quotes is lifted out once, in one pass, and a short mark is left in its place. Whoever finds a
mark where the provider reads media *takes* the run. A run that nobody takes is put back before the text is sized: text
dressed as base64, or base64 in a place of text, is paid for as text. Order and number of the runs do not matter.

The rule easy to break: a caller must not be able to write a mark. It is a character that Unicode promises never to
assign; where a body has it in any spelling, nothing is lifted.
"""

import binascii
import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice

_MARK = "\U0010ffff"
_MARK_BYTES = _MARK.encode()
_MARK_ESCAPED = re.compile(rb"\\u[dD][bB][fF][fF]\\u[dD][fF][fF][fF]")
_MARKED = re.compile(f"{_MARK}([0-9]+){_MARK}")

LIFTED_BYTES_MIN = 64
"""A shorter run is left where it is: it costs little as text."""

LIFTED_MAX = 5_000
"""Pieces of media in a request; providers take hundreds. What comes after is text: each piece costs some 100 µs, and a
body of ten megabytes can have a hundred thousand."""

LOOKED_AT_MAX = 20_000
"""Long strings that may be base64, in the order in which they stand. A thousand turns have a few thousand."""

_RUN = re.compile(rb'"([^"]{%d,})(?=")' % LIFTED_BYTES_MIN)
"""From a quote to the next one. Only inside a string can what lies between be base64."""

_ADDRESS_START_BYTES_MAX = 200
"""Of `data:image/png;base64,`, with parameters."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WINDOW_BYTES = 65_536
_LINE_BREAKS = re.compile(rb"\\[nr]")


class LiftedBody:
    """A body, its text with marks in it, and which of what they stand for was taken."""

    __slots__ = ("_body", "_runs", "_taken", "marked")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._runs: list[tuple[int, int]] = []
        self._taken: set[int] = set()
        self.marked = body if _may_hold_marks(body) else self._lift()
        """The JSON text, a mark for each run."""

    def take(self, value: str) -> bool:
        """Whether a string of the text is base64 that was lifted. If so, it is not put back."""
        mark = self._mark(value)
        if mark is None:
            return False
        self._taken.add(int(mark[1]))
        return True

    def decoded(self, value: str, *, start_bytes: int | None = None) -> bytes | None:
        """The bytes that a string is the base64 of, or the first of them; None where decoders may disagree."""
        mark = self._mark(value)
        if mark is None:
            return _decoded(value.encode("utf-8", "surrogatepass"), start_bytes)
        start, end = self._runs[int(mark[1])]
        return _decoded(memoryview(self._body)[start:end], start_bytes)

    def length(self, value: str) -> int:
        """Of a string of the text, or of what it is a mark for."""
        mark = self._mark(value)
        start, end = self._runs[int(mark[1])] if mark else (0, 0)
        return end - start if mark else len(value)

    def text(self) -> bytes:
        """The body without what was taken."""
        if not self._taken:
            return self._body
        pieces = []
        done = 0
        for index in sorted(self._taken):
            start, end = self._runs[index]
            pieces.append(self._body[done:start])
            done = end
        return b"".join((*pieces, self._body[done:]))

    def _mark(self, value: str) -> re.Match[str] | None:
        """What looks like one in a body from which nothing was lifted is none."""
        return _MARKED.fullmatch(value) if self._runs else None

    def _lift(self) -> bytes:
        pieces: list[bytes] = []
        done = 0
        for run in islice(_RUN.finditer(self._body), LOOKED_AT_MAX):
            start = _base64_start(self._body, *run.span(1))
            if start is not None:
                pieces += (self._body[done:start], f"{_MARK}{len(self._runs)}{_MARK}".encode())
                self._runs.append((start, run.end()))
                done = run.end()
                if len(self._runs) == LIFTED_MAX:
                    break
        return b"".join((*pieces, self._body[done:])) if pieces else self._body


def _may_hold_marks(body: bytes) -> bool:
    return _MARK_BYTES in body or _MARK_ESCAPED.search(body) is not None


def _base64_start(body: bytes, start: int, end: int) -> int | None:
    """Where in this part of it base64 begins that goes on to the part's end, if any does."""
    if body[start : start + 5].lower() == b"data:":
        start = body.find(b",", start, min(end, start + _ADDRESS_START_BYTES_MAX)) + 1 or start
    for window in _windows(memoryview(body)[start:end]):
        odd = window.translate(None, _BASE64)
        if b"\\" in odd:
            odd = _LINE_BREAKS.sub(b"", window).replace(rb"\/", b"").translate(None, _BASE64)
        if odd:
            return None
    return start


def _decoded(text: bytes | memoryview, start_bytes: int | None) -> bytes | None:
    """A window at a time, so that beside the text and what it says there is never a third copy."""
    view = memoryview(text)
    if start_bytes is not None:
        view = view[: start_bytes * 4 // 3]
    decoded = BytesIO()
    rest = b""
    try:
        for window in _windows(view):
            if b"=" in rest:
                return None  # what fills up the last group stands at the end
            rest += _LINE_BREAKS.sub(b"", window).translate(_URL_SAFE, b"\\ \r\n\t")
            unfilled = rest.rstrip(b"=")
            if b"=" in unfilled:
                return None
            whole = len(unfilled) // 4 * 4
            decoded.write(binascii.a2b_base64(rest[:whole], strict_mode=True))
            rest = rest[whole:]
        decoded.write(binascii.a2b_base64(_last_group(rest.rstrip(b"=")), strict_mode=True))
    except binascii.Error:
        return None
    return decoded.getvalue()


def _windows(text: memoryview) -> Iterator[bytes]:
    """The text in order, no escape of two characters cut apart."""
    start = 0
    while start < len(text):
        window = bytes(text[start : start + _WINDOW_BYTES])
        backslashes = len(window) - len(window.rstrip(b"\\"))
        if backslashes % 2:  # the last one begins an escape
            window += text[start + len(window) : start + len(window) + 1]
        yield window
        start += len(window)


def _last_group(text: bytes) -> bytes:
    """What is left over from groups of four, filled up; a single character says nothing."""
    rest = text[len(text) // 4 * 4 :]
    return rest.ljust(4, b"=") if len(rest) > 1 else b""
