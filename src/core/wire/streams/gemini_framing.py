"""How Gemini frames a stream: server-sent events with `alt=sse`, else one JSON array that grows
element by element.

Which of the two it is shows in the first byte that is not white space. The array is split without
being parsed: only quotes, escapes, braces and brackets matter, and the state between them survives
any cut of the bytes. Each element becomes an event whose `raw` begins with the bracket or comma
before it, so joining all `raw` gives back the stream.
"""

import re

from core.bounds import SSE_EVENT_BYTES_MAX
from core.wire.sse import EventTooLarge, SSEEvent, SSEParser

_OUTSIDE_STRING = re.compile(rb'["{}\[\]]')
_INSIDE_STRING = re.compile(rb'["\\]')
_WHITE_SPACE = b" \t\r\n\xef\xbb\xbf"
_BETWEEN_ELEMENTS = b" \t\r\n[,]\xef\xbb\xbf"


class GeminiSplitter:
    """Looks at the first bytes and splits as they demand."""

    def __init__(self) -> None:
        self._undecided = b""
        self._chosen: SSEParser | JSONArraySplitter | None = None

    @property
    def is_array(self) -> bool:
        return isinstance(self._chosen, JSONArraySplitter)

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """The events that this chunk completes. Raises `EventTooLarge`."""
        if self._chosen is None:
            self._undecided += chunk
            significant = self._undecided.lstrip(_WHITE_SPACE)
            if not significant:
                return []
            self._chosen = JSONArraySplitter() if significant[:1] in (b"[", b"{") else SSEParser()
            chunk, self._undecided = self._undecided, b""
        return self._chosen.feed(chunk)

    def close(self) -> SSEEvent | None:
        """What was left over, or None."""
        if self._chosen is not None:
            return self._chosen.close()
        rest, self._undecided = self._undecided, b""
        return SSEEvent(rest, None, is_terminated=False) if rest else None


class JSONArraySplitter:
    """The elements of a top-level JSON array, or a single object, as they become complete."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned_bytes = 0
        self._depth = 0
        self._is_in_string = False

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """The elements that this chunk completes. Raises `EventTooLarge`."""
        self._pending += chunk
        events = []
        while (end := self._element_end()) is not None:
            events.append(_element(bytes(self._pending[:end])))
            del self._pending[:end]
            self._scanned_bytes = 0
        if len(self._pending) > SSE_EVENT_BYTES_MAX:
            self._pending.clear()
            raise EventTooLarge(f"an element of the stream exceeds {SSE_EVENT_BYTES_MAX} bytes")
        return events

    def close(self) -> SSEEvent | None:
        """The closing bracket, as an event without data; or an element that broke off, as
        unterminated."""
        rest = bytes(self._pending)
        self._pending.clear()
        if not rest:
            return None
        unfinished = rest.lstrip(_BETWEEN_ELEMENTS)
        return SSEEvent(rest, unfinished or None, is_terminated=not unfinished)

    def _element_end(self) -> int | None:
        """Scan on from where the last scan stopped, up to the end of an element."""
        pending = self._pending
        position = self._scanned_bytes
        while True:
            pattern = _INSIDE_STRING if self._is_in_string else _OUTSIDE_STRING
            found = pattern.search(pending, position)
            if found is None:
                self._scanned_bytes = len(pending)
                return None
            position = found.end()
            mark = found.group()
            if mark == b"\\":
                if position == len(pending):
                    self._scanned_bytes = found.start()
                    return None
                position += 1
            elif mark == b'"':
                self._is_in_string = not self._is_in_string
            elif mark == b"{":
                self._depth += 1
            elif mark == b"}":
                self._depth = max(0, self._depth - 1)
                if self._depth == 0:
                    return position


def _element(raw: bytes) -> SSEEvent:
    return SSEEvent(raw, raw.lstrip(_BETWEEN_ELEMENTS))
