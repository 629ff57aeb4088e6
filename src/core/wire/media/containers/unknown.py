"""What the readers of containers share: how they give up, and how samples become time."""

import struct
import zlib
from collections.abc import Callable
from typing import TypeVar


class Unknown(Exception):
    """The bytes do not bound what was asked."""


_ODD = (Unknown, struct.error, zlib.error, ValueError, IndexError, OverflowError)
"""What reading a stranger's bytes can raise."""

Found = TypeVar("Found")


def known(measure: Callable[[bytes], Found], media: bytes) -> Found | None:
    """What the bytes are measured to be; None when they do not tell."""
    try:
        return measure(media)
    except _ODD:
        return None


def whole_ms(units: int, units_per_second: int) -> int:
    """A time in milliseconds, rounded up."""
    if units_per_second <= 0:
        raise Unknown
    return -(-units * 1_000 // units_per_second)
