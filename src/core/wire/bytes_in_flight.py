"""How many bytes of request bodies an isolate holds at once: one bound over all its requests.

An isolate has 128 MB for everything, and every tenant on it shares them. A body counts from before it is read until
it has been sent. The rule easy to break: whoever takes gives back exactly that, whatever is raised in between.
"""

from collections.abc import Callable

from core.bounds import REQUEST_BODIES_BYTES_MAX
from core.refusals import BodyTooLarge, TooManyBytes

RETRY_AFTER_MS = 1_000

MakeRoom = Callable[[int], None]
"""Told how long a body is at least, before that much of it is taken in; raises the refusal where it may not be."""


class BytesInFlight:
    """Takes bytes while they fit below the ceiling."""

    def __init__(self, ceiling_bytes: int = REQUEST_BODIES_BYTES_MAX) -> None:
        self._ceiling_bytes = ceiling_bytes
        self._taken_bytes = 0

    def take(self, count_bytes: int) -> bool:
        """Count these bytes too, unless they do not fit."""
        if self._taken_bytes + count_bytes > self._ceiling_bytes:
            return False
        self._taken_bytes += count_bytes
        return True

    def give_back(self, count_bytes: int) -> None:
        assert 0 <= count_bytes <= self._taken_bytes, "nobody gives back what was not taken"
        self._taken_bytes -= count_bytes


class BodyRoom:
    """Room for one request's body, made as its length becomes known and given back when the scope ends."""

    def __init__(self, in_flight: BytesInFlight, *, bytes_max: int) -> None:
        self._in_flight = in_flight
        self._bytes_max = bytes_max
        self._taken_bytes = 0

    def __enter__(self) -> "BodyRoom":
        return self

    def __exit__(self, *raised: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """The body is on its way: its room is free before the scope ends."""
        self._in_flight.give_back(self._taken_bytes)
        self._taken_bytes = 0

    def make(self, length_bytes: int) -> None:
        """Room for a body of this length, as far as is known by now. Raises `BodyTooLarge` or `TooManyBytes`."""
        if length_bytes > self._bytes_max:
            raise BodyTooLarge(f"a request body may have at most {self._bytes_max} bytes here")
        more_bytes = max(0, length_bytes - self._taken_bytes)
        if not self._in_flight.take(more_bytes):
            raise TooManyBytes(
                "too many bytes of request bodies are on their way through this isolate", retry_after_ms=RETRY_AFTER_MS
            )
        self._taken_bytes += more_bytes
