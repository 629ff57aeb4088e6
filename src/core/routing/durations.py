"""Spans and moments as providers write them: one strict reader for each notation, and nothing where it is not that.

The rule easy to break: what is not understood is not zero. A hint that was read as "at once" has providers asked
without a pause, which is what they had asked to be spared.
"""

import re
from datetime import datetime, timedelta, timezone
from decimal import ROUND_CEILING, Decimal

TEXT_CHARACTERS_MAX = 64
"""None of the notations is longer, so reading one takes no time to speak of, whatever stands there."""

SPAN_MS_MAX = 366 * 24 * 3_600_000
"""What is longer is this long."""

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SPAN = re.compile(
    r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+(?:\.[0-9]+)?)ms)?"
    r"(?:([0-9]+(?:\.[0-9]+)?)(?:us|µs|μs))?(?:([0-9]+)ns)?"
)
_UNITS_MS = (Decimal(86_400_000), Decimal(3_600_000), Decimal(60_000), Decimal(1_000), Decimal(1), Decimal("0.001"),
             Decimal("0.000001"))  # fmt: skip

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(" + "|".join(_MONTHS) + ")"
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG_DAY = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_TIME = "([0-9]{2}):([0-9]{2}):([0-9]{2})"
_IMF_DATE = re.compile(f"{_DAY}, ([0-9]{{2}}) {_MONTH} ([0-9]{{4}}) {_TIME} gmt")
_RFC_850_DATE = re.compile(f"{_LONG_DAY}, ([0-9]{{2}})-{_MONTH}-([0-9]{{2}}) {_TIME} gmt")
_ASCTIME_DATE = re.compile(f"{_DAY} {_MONTH} ([ 0-9][0-9]) {_TIME} ([0-9]{{4}})")
_RFC_3339 = re.compile(
    "([0-9]{4})-([0-9]{2})-([0-9]{2})[t ]([0-9]{2}):([0-9]{2}):([0-9]{2})([.][0-9]{1,9})?"
    "(?:z|([+-])([0-9]{2}):([0-9]{2}))"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017


def seconds_ms(text: str) -> int | None:
    """`1`, `0.5`: seconds."""
    return _scaled(text, 1_000)


def milliseconds_ms(text: str) -> int | None:
    """`1500`, `0.5`: milliseconds."""
    return _scaled(text, 1)


def span_ms(text: str) -> int | None:
    """`6ms`, `2m59.56s`, `45.837900000s`: spans as Go and protobuf write them."""
    text = text.strip()
    found = _SPAN.fullmatch(text) if 0 < len(text) <= TEXT_CHARACTERS_MAX else None
    if found is None:
        return None
    parts = [Decimal(part) * unit for part, unit in zip(found.groups(), _UNITS_MS, strict=True) if part]
    return _whole(sum(parts, Decimal(0)))


def http_date_ms(text: str, now_ms: int) -> int | None:
    """A moment in one of the three forms of RFC 9110, 5.6.7. Years of two digits are those next to `now_ms`."""
    text = text.strip().lower()
    if len(text) > TEXT_CHARACTERS_MAX:
        return None
    if found := _IMF_DATE.fullmatch(text):
        day, month, year, *time = found.groups()
        return _moment_ms(int(year), month, day, time)
    if found := _RFC_850_DATE.fullmatch(text):
        day, month, year, *time = found.groups()
        return _moment_ms(_full_year(int(year), now_ms), month, day, time)
    if found := _ASCTIME_DATE.fullmatch(text):
        month, day, *time, year = found.groups()
        return _moment_ms(int(year), month, day, time)
    return None


def rfc_3339_ms(text: str) -> int | None:
    """`2026-11-26T10:00:00Z`, with parts of a second or an offset."""
    text = text.strip().lower()
    found = _RFC_3339.fullmatch(text) if len(text) <= TEXT_CHARACTERS_MAX else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    at_ms = _calendar_ms(int(year), int(month), int(day), int(hour), int(minute), int(second))
    if at_ms is None or int(off_hours or 0) > 23 or int(off_minutes or 0) > 59:
        return None
    offset_ms = (int(off_hours or 0) * 60 + int(off_minutes or 0)) * 60_000
    return at_ms + _whole(Decimal(fraction or 0) * 1_000) - (offset_ms if sign == "+" else -offset_ms)


def epoch_seconds_ms(text: str) -> int | None:
    """`1790000000`: a moment in seconds since 1970; one that is no present moment is none."""
    at_ms = _scaled(text, 1_000, at_most=10**13)
    return at_ms if at_ms is not None and 10**12 <= at_ms < 10**13 else None


def _scaled(text: str, unit_ms: int, *, at_most: int = SPAN_MS_MAX) -> int | None:
    text = text.strip()
    if len(text) > TEXT_CHARACTERS_MAX or not _NUMBER.fullmatch(text):
        return None
    return _whole(Decimal(text) * unit_ms, at_most=at_most)


def _whole(amount_ms: Decimal, *, at_most: int = SPAN_MS_MAX) -> int:
    """Rounded up: a little later is within the hint, a little sooner is not."""
    return at_most if amount_ms >= at_most else int(amount_ms.to_integral_value(rounding=ROUND_CEILING))


def _full_year(year: int, now_ms: int) -> int:
    """RFC 9110: what would lie more than 50 years ahead is the past year with the same digits."""
    present = (_EPOCH + timedelta(milliseconds=min(max(now_ms, 0), 4 * 10**12))).year
    full = present - present % 100 + year
    if full > present + 50:
        return full - 100
    return full + 100 if full <= present - 50 else full


def _moment_ms(year: int, month: str, day: str, time: list[str]) -> int | None:
    hour, minute, second = (int(part) for part in time)
    return _calendar_ms(year, _MONTHS.index(month) + 1, int(day), hour, minute, second)


def _calendar_ms(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """None where the calendar has no such moment. A leap second is the one before it."""
    try:
        at = datetime(year, month, day, hour, minute, min(second, 59) if second == 60 else second, tzinfo=_EPOCH.tzinfo)
    except ValueError:
        return None
    return (at - _EPOCH) // timedelta(milliseconds=1)
