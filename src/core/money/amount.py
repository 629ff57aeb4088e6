"""Money is an integer count of nano-dollars (`_nanousd`); dollars exist only at the wire (`_usd`).

A token of a $0.15-per-million model costs 150 nano-dollars, so whole numbers can price every token there is.
The rule easy to break: a cost is one rounded-up division of a running total, never a sum of rounded slices,
and no float ever holds an amount. The one way out to JSON numbers is `usd_number`, for fields that a
published contract types as numbers.
"""

import re
from typing import Annotated

import msgspec

NANOUSD_PER_USD = 1_000_000_000
UNITS_PER_RATE = 1_000_000
"""Rates are nano-dollars per million units (tokens, mostly)."""

NANOUSD_MAX = 9_000_000 * NANOUSD_PER_USD
"""No single amount exceeds nine million dollars: the storage returns JavaScript numbers."""

assert NANOUSD_MAX < 2**53, "amounts must survive a round trip through a JavaScript number"

_CENT_NANOUSD = NANOUSD_PER_USD // 100

_TEXT_CHARACTERS_MAX = 40
_FRACTION_DIGITS = 9
_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
"""The one form an amount is written in. What other readers of numbers take besides (`1_0`, `1e3`, `+5`, digits of other
scripts, blanks around it) has more than one reading, and a limit may have only one."""

_POSITIVE = (
    r"(?!0+(\.0{1,9}|\.0{9}[0-9]*)?$)"
    r"(0*([0-9]{1,6}|[0-8][0-9]{6})(\.[0-9]+)?|0*9000000(\.0{1,9}|\.0{9}[0-9]*)?)"
)
_NOTHING = r"0+(\.0+)?"
_END = r"$(?!\n)"


def _form(pattern: str, words: str) -> msgspec.Meta:
    """How an amount is described; what is wrong with one is said in words, by who reads it."""
    form = {"pattern": f"^{pattern}{_END}", "maxLength": _TEXT_CHARACTERS_MAX}
    return msgspec.Meta(description=words, examples=["2.50"], extra_json_schema=form)


Usd = Annotated[str, _form(_POSITIVE, "Dollars, as a positive decimal of at most 9000000")]
"""What `parse_usd` takes."""

UsdOrNothing = Annotated[
    str, _form(f"({_NOTHING}|{_POSITIVE})", "Dollars, as a decimal of at most 9000000; 0 is nothing")
]
"""What `parse_usd_or_nothing` takes."""


class InvalidAmount(ValueError):
    """A dollar amount that is not a positive decimal within bounds. The message is safe to show."""


def parse_usd(text: str) -> int:
    """Read a positive decimal dollar amount, such as `12.50`, as nano-dollars.

    Digits beyond the nano-dollar are dropped, so a limit is never read as more than was written.
    Raises `InvalidAmount` for anything that is not a positive plain decimal of at most $9,000,000.
    """
    if len(text) > _TEXT_CHARACTERS_MAX:
        raise InvalidAmount(f"must be a decimal number of dollars of at most {_TEXT_CHARACTERS_MAX} characters")
    digits = _DECIMAL.fullmatch(text)
    if digits is None:
        raise InvalidAmount("must be a positive decimal number of dollars, such as 12.50")
    fraction = (digits[2] or "")[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0")
    nanousd = int(digits[1]) * NANOUSD_PER_USD + int(fraction)
    if nanousd == 0:
        raise InvalidAmount("must be at least 0.000000001 dollars")
    if nanousd > NANOUSD_MAX:
        raise InvalidAmount("must be at most 9000000 dollars")
    return nanousd


def parse_usd_or_nothing(text: str) -> int:
    """The same, where nothing may be said, too: `0`."""
    is_nothing = len(text) <= _TEXT_CHARACTERS_MAX and re.fullmatch(_NOTHING, text) is not None
    return 0 if is_nothing else parse_usd(text)


def format_usd(amount_nanousd: int) -> str:
    """Write an amount as exact decimal dollars without trailing zeros: `12.5`, `0.000000001`, `0`."""
    sign = "-" if amount_nanousd < 0 else ""
    whole, fraction = divmod(abs(amount_nanousd), NANOUSD_PER_USD)
    if fraction == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:09d}".rstrip("0")


def dollars(amount_nanousd: int) -> str:
    """An amount for people: `$1,234.57`, rounded to the cent, and never to nothing."""
    if 0 < amount_nanousd < _CENT_NANOUSD:
        return "under $0.01"
    cents = (amount_nanousd + _CENT_NANOUSD // 2) // _CENT_NANOUSD
    return f"${cents // 100:,}.{cents % 100:02d}"


def usd_number(amount_nanousd: int) -> float:
    """The nearest JSON number of dollars, for fields that a published contract types as numbers."""
    return amount_nanousd / NANOUSD_PER_USD


def cost_of_units(total_units_times_rate: int) -> int:
    """Turn a running total of (units x nano-dollars per million units) into nano-dollars, rounded up once; an amount
    beyond `NANOUSD_MAX` is that."""
    return min(-(-total_units_times_rate // UNITS_PER_RATE), NANOUSD_MAX)
