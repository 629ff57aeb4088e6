"""How much came in each of the last sixty seconds, or minutes: requests, nano-dollars.

A unit of time is a number (of the second, of the minute) counted from the epoch. What comes late finds its place. The
rule easy to break: moments need not ascend. A clock that steps back within what is kept changes nothing, since the
window then ends where it ended before; what is older than the window is not kept at all.
"""

import msgspec

UNITS_KEPT = 60
AMOUNT_MAX = 2**60
"""Beyond 64 bits a row could not be written any more."""


class Window(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The amounts of successive units; the last of them belongs to `latest`."""

    latest: int = 0
    amounts: tuple[int, ...] = ()


def with_amount(window: Window, unit: int, amount: int) -> Window:
    """The window with an amount more (or less, where a charge was too high) in one unit."""
    behind = window.latest - unit
    amounts = window.amounts
    if not amounts or behind <= -UNITS_KEPT:
        return Window(unit, (max(0, amount),))
    if behind < 0:
        return Window(unit, (*amounts, *(0,) * (-behind - 1), max(0, amount))[-UNITS_KEPT:])
    if behind >= UNITS_KEPT:
        return window
    if behind >= len(amounts):
        return Window(window.latest, (max(0, amount), *(0,) * (behind - len(amounts)), *amounts))
    place = len(amounts) - 1 - behind
    changed = min(AMOUNT_MAX, max(0, amounts[place] + amount))
    return Window(window.latest, (*amounts[:place], changed, *amounts[place + 1 :]))


def total(window: Window, unit: int) -> int:
    """What came in the sixty units that end with this one."""
    ahead = unit - window.latest
    if ahead >= UNITS_KEPT or ahead <= -UNITS_KEPT:
        return 0
    return sum(window.amounts[max(0, ahead) - UNITS_KEPT :] if ahead > 0 else window.amounts)
