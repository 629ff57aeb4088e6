"""Parts of a request as plain values, whatever is long in them left where it is.

A transcript may be megabytes of pictures and logs, and nobody here needs to hold them twice. So a value is decoded
whole where it is short. A longer one is opened a level at a time, its members still raw, and a long text in it is told
by a digest of its bytes as they stand in the body, which are never copied. Two long texts of the same characters, one
written with other escapes, differ.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from core.wire.json_depth import is_too_deep
from core.wire.steps.digests import stand_in

LONG_BYTES = 64 * 1024
"""What is longer is not decoded whole: a picture, a large file. Agents cut what tools print at some 30,000."""

OPENED_MAX = 8
"""How many levels are opened: a message, its content, a result, its content, a picture, its source, and one to spare.
Each reads over the same bytes, so this is what bounds the work."""

T = TypeVar("T")


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANYTHING = msgspec.json.Decoder()


def members_of(text: bytes) -> dict[str, msgspec.Raw]:
    """The members of an object, unread; none where it is something else."""
    return _decoded(_MEMBERS.decode, text, {})


def listed(text: bytes) -> list[msgspec.Raw]:
    """What a list holds, unread; nothing where it is something else."""
    return _decoded(_LIST.decode, text, [])


def outline(text: msgspec.Raw, levels: int = OPENED_MAX) -> object:
    """A part of a request that was found to be JSON of moderate depth. None where it is not."""
    if len(text) <= LONG_BYTES:
        return _decoded(_ANYTHING.decode, text, None)
    start = bytes(memoryview(text)[:1])
    if levels and start == b"{":
        return {name: outline(value, levels - 1) for name, value in members_of(text).items()}
    if levels and start == b"[":
        return [outline(value, levels - 1) for value in listed(text)]
    return stand_in(text)


def within(text: str) -> object:
    """What a text that is JSON itself says, as arguments and results are written; that very text where it is none."""
    if text[:1] not in ("{", "["):
        return text
    encoded = text.encode()
    return text if is_too_deep(encoded) else _decoded(_ANYTHING.decode, encoded, text)


def canonical(value: object) -> bytes:
    """A value as JSON with its members in order: the same for whoever wrote them in another."""
    return msgspec.json.encode(value, order="deterministic")


def _decoded(decode: Callable[[bytes], T], text: bytes, otherwise: T) -> T:
    """A malformed part is no part, and hides nothing behind it."""
    try:
        return decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return otherwise
