"""Taking a request's body in: when its caller is known, as far as there is room, and for no longer than it is needed.

The rule easy to break: a body is read inside its room's scope, so that whatever is raised gives the room back.
"""

from core.bytes_in_flight import BytesInFlight
from core.limits import REQUEST_BODY_BYTES_MAX
from core.refusals import BodyTooLarge, TooManyBytes, UnsupportedEncoding
from visit import Visit

RETRY_AFTER_MS = 1_000


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
        taken_bytes, self._taken_bytes = self._taken_bytes, 0
        if taken_bytes:
            self._in_flight.give_back(taken_bytes)

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


def room_for_body(visit: Visit, bytes_max: int = REQUEST_BODY_BYTES_MAX) -> BodyRoom:
    """A scope in which this request's body may be held."""
    return BodyRoom(visit.isolate.bodies, bytes_max=bytes_max)


async def read_body(visit: Visit, room: BodyRoom) -> bytes:
    """The request's body. Raises `UnsupportedEncoding`, or what `room` raises."""
    encoding = visit.request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedEncoding(
            f"the body is encoded as {encoding[:40]}, and only plain bodies can be judged", param="content-encoding"
        )
    return await visit.request.read_body(room.make)
