"""Server-sent events out of a byte stream, whatever the network cut it into.

Theory of operation. A stream is a row of blocks, each ended by a blank line; a line ends with CR,
LF or CRLF and with nothing else (U+2028 is text). `feed` returns the blocks that have become
complete and keeps the rest. Every event carries the exact bytes it came from, so that joining all
`raw` gives back the stream, and the events are the same however the bytes were chunked: a CR at the
very end waits for its possible LF.

The rule easy to break: the end of the input ends no event. What is left over then is returned by
`close` as an event that says it is unterminated; a decoder that drops it, as the specification
allows, may drop the one with the usage.
"""

import re

import msgspec

from core.bounds import SSE_EVENT_BYTES_MAX

_BOM = b"\xef\xbb\xbf"
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANK_LINE_BYTES_MAX = len(b"\r\n\r\n")


class EventTooLarge(Exception):
    """An event outgrew `SSE_EVENT_BYTES_MAX`: it can be neither held in memory nor metered."""


class SSEEvent(msgspec.Struct, frozen=True, gc=False):
    """One block. `data` is None when it has no data field: a comment, or blank lines alone."""

    raw: bytes
    data: bytes | None
    event: str | None = None
    is_terminated: bool = True


class SSEParser:
    """Feed it bytes, get events. `id` and `retry` fields and comments are kept in `raw` and
    otherwise ignored."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched_bytes = 0
        self._is_first = True

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """The events that this chunk completes. Raises `EventTooLarge`."""
        if not self._pending:
            if b"\r" not in chunk and 0 <= chunk.find(b"\n\n") == len(chunk) - 2:
                return [self._parsed(chunk)]
            return self._split(chunk, 0)
        self._pending += chunk
        search_from = max(0, self._searched_bytes - _BLANK_LINE_BYTES_MAX)
        if _BLANK_LINE.search(self._pending, search_from) is None:
            self._keep_waiting()
            return []
        joined = bytes(self._pending)
        self._pending.clear()
        return self._split(joined, search_from)

    def close(self) -> SSEEvent | None:
        """What was left without its blank line, or None when the stream ended cleanly."""
        rest = bytes(self._pending)
        self._pending.clear()
        if not rest:
            return None
        return self._parsed(rest, is_terminated=_BLANK_LINE.search(rest) is not None)

    def _split(self, joined: bytes, search_from: int) -> list[SSEEvent]:
        events = []
        start = 0
        for end in _block_ends(joined, search_from):
            events.append(self._parsed(joined[start:end]))
            start = end
        if start < len(joined):
            self._pending += joined[start:]
            self._keep_waiting()
        return events

    def _keep_waiting(self) -> None:
        self._searched_bytes = len(self._pending)
        if self._searched_bytes > SSE_EVENT_BYTES_MAX:
            self._pending.clear()
            raise EventTooLarge(f"an event of the stream exceeds {SSE_EVENT_BYTES_MAX} bytes")

    def _parsed(self, raw: bytes, *, is_terminated: bool = True) -> SSEEvent:
        block = raw
        if self._is_first:
            self._is_first = False
            block = raw.removeprefix(_BOM)
        is_one_line = is_terminated and block.find(b"\n") == len(block) - 2
        if is_one_line and block.startswith(b"data: ") and b"\r" not in block:
            return SSEEvent(raw, block[6:-2])
        event, data_lines = _fields(block)
        return SSEEvent(raw, b"\n".join(data_lines) if data_lines else None, event, is_terminated)


def _block_ends(joined: bytes, search_from: int) -> list[int]:
    """Where each block's blank line ends."""
    if b"\r" in joined:
        # A CR at the end may be half of a CRLF: it is looked at again with the next chunk.
        end = len(joined) - joined.endswith(b"\r")
        return [blank.end() for blank in _BLANK_LINE.finditer(joined, search_from, end)]
    ends = []
    found = joined.find(b"\n\n", search_from)
    while found >= 0:
        ends.append(found + 2)
        found = joined.find(b"\n\n", found + 2)
    return ends


def _fields(block: bytes) -> tuple[str | None, list[bytes]]:
    """The event name and the data lines of a block. Of several event fields the last one counts."""
    event = None
    data_lines = []
    for line in block.split(b"\n") if b"\r" not in block else _LINE_END.split(block):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data_lines.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace") or None
    return event, data_lines
