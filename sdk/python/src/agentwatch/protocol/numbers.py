"""Numbers as the wire has them: a number, decimal text, or nothing. What is none of these is nothing, and absent is
never zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


def number_of(value: object) -> float | None:
    """A finite number, or decimal text as amounts of dollars are written."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def mapping_of(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, Mapping) else None
