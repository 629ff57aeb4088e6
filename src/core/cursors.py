"""The cursor of a list: where the page before has ended, in a form that nobody has to understand.

It says which list it is of, and by which filters, because the place in one list is none in another. It never says whose
the list is: that is for the token to say. The rule easy to break: a page begins behind the last row that was shown, not
after a count of rows, so that what is added or taken away in between moves nothing.
"""

import base64
import binascii

import msgspec

from core.refusals import InvalidRequest

CURSOR_CHARACTERS_MAX = 1_000

Place = str | int | None


def cursor_of(of: str, *places: Place) -> str:
    """A cursor behind the row with these sort values, in the list (and by the filters) that `of` names."""
    return base64.urlsafe_b64encode(msgspec.json.encode((of, *places))).rstrip(b"=").decode()


def read_cursor(text: str, of: str, param: str = "after") -> tuple[Place, ...]:
    """The places in a cursor; none for an empty one. Raises `InvalidRequest`."""
    if not text:
        return ()
    try:
        padded = text + "=" * (-len(text) % 4)
        list_name, *places = msgspec.json.decode(
            base64.b64decode(padded, altchars=b"-_", validate=True), type=tuple[Place, ...]
        )
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise InvalidRequest(f"{param} must be the `next` of the page before", param=param) from None
    if list_name != of or not places:
        raise InvalidRequest(f"{param} is the cursor of another list", param=param)
    return tuple(places)
