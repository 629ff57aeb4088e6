"""Where a page ends (`core.cursors`): a position of the list's own type, and a digest of what was asked.

Whoever makes a cursor up reads his own rows from another place: the tenant is the token's and never in here. The rule
easy to break: a cursor is good for the question that it came from alone.
"""

import hashlib
from typing import Annotated, TypeVar

import msgspec

from core.cursors import cursor_of
from core.cursors import read_cursor as read_places
from core.refusals import InvalidRequest
from core.wire.json_text import InvalidJSON, read_json

P = TypeVar("P")

PAGE_MAX = 200

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]

Text = Annotated[str, msgspec.Meta(max_length=256, pattern=r"^[^\x00]*$(?!\n)")]
"""What a column may hold: PostgreSQL stores no NUL, and nothing longer is recorded."""

After = Annotated[str, msgspec.Meta(max_length=12_000)]
"""A cursor. Eight names of 256 characters in any script are about that long."""


def written_cursor(position: msgspec.Struct, *asked: object) -> str:
    """A position behind which the next page begins, of what was asked."""
    return cursor_of(_digest(asked), msgspec.json.encode(position).decode())


def read_cursor(cursor: str, position: type[P], *asked: object) -> P | None:
    """The position in a cursor; None for an empty one, where reading begins. Raises `InvalidRequest`."""
    places = read_places(cursor, _digest(asked))
    if not places:
        return None
    try:
        return read_json(str(places[0]), position)
    except InvalidJSON:
        raise InvalidRequest("after must be the `next` of the page before", param="after") from None


def _digest(asked: tuple[object, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]
