"""How many bytes of request bodies an isolate holds at once: one bound over all its requests.

An isolate has 128 MB for everything, and every tenant on it shares them. A body counts from before it is read until
it has been sent. The rule easy to break: whoever takes gives back exactly that, whatever is raised in between.
"""

from core.limits import REQUEST_BODIES_BYTES_MAX


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
