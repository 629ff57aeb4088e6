"""What a clock on the wall shows in a named time zone, from a table of our own.

`zoneinfo` has no data inside a Python Worker. The table (`time_zones.json`, written by `tools/build_time_zones.py`) has
for every zone of the IANA database the rule that holds from 2026 on, and one by one the changes that no rule foretells.
The rule easy to break: a moment becomes a local time, never the other way round. An hour that is skipped never comes,
and one that is doubled comes twice.
"""

from bisect import bisect_right
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

UTC = "UTC"

_DAY_S = 86_400
_HOUR_S = 3_600
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Switch(msgspec.Struct, frozen=True, array_like=True):
    """On which day of every year a clock is changed, and when on that day."""

    month: int
    week: int
    """The first to the fourth of the month, or with 5 the last."""
    weekday: int
    """Sunday is 0."""
    at_s: int
    """From midnight of that day, by the clock that is to be changed; it may lie on another day."""


class Summer(msgspec.Struct, frozen=True, array_like=True):
    """The other time of a zone that has two. In the south it spans the turn of the year, as winter does in Ireland."""

    offset_s: int
    starts: Switch
    ends: Switch


class Change(msgspec.Struct, frozen=True, array_like=True):
    """From this moment on the offset is another."""

    at_s: int
    offset_s: int


class Zone(msgspec.Struct, frozen=True, omit_defaults=True):
    """Zones that show the same. After the last of the changes the rule holds, before the first of them `first_s`."""

    names: tuple[str, ...]
    offset_s: int
    summer: Summer | None = None
    first_s: int = 0
    changes: tuple[Change, ...] = ()

    def offset_at(self, at_s: int) -> int:
        """How far its clocks are ahead of UTC."""
        if self.changes and at_s < self.changes[-1].at_s:
            passed = bisect_right(self.changes, at_s, key=_moment)
            return self.changes[passed - 1].offset_s if passed else self.first_s
        return self.offset_s if self.summer is None else self._by_rule(at_s, self.summer)

    def _by_rule(self, at_s: int, summer: Summer) -> int:
        year = date.fromordinal(_EPOCH_ORDINAL + at_s // _DAY_S).year
        starts_s = _first_of(year, summer.starts) - self.offset_s
        ends_s = _first_of(year, summer.ends) - summer.offset_s
        is_within = starts_s <= at_s < ends_s if starts_s < ends_s else not ends_s <= at_s < starts_s
        return summer.offset_s if is_within else self.offset_s


class Table(msgspec.Struct, frozen=True):
    version: str
    zones: tuple[Zone, ...]


class LocalTime(NamedTuple):
    hour: int
    weekday: int
    """Monday is 0."""


def local_time(zone: Zone, at_ms: int) -> LocalTime:
    at_s = at_ms // 1_000
    days, seconds = divmod(at_s + zone.offset_at(at_s), _DAY_S)
    return LocalTime(seconds // _HOUR_S, (days + 3) % 7)  # 1970 began on a Thursday


def _moment(change: Change) -> int:
    return change.at_s


@lru_cache(maxsize=512)
def _first_of(year: int, switch: Switch) -> int:
    """The switch of a year, in seconds since 1970 by the clock that is changed."""
    first = date(year, switch.month, 1)
    day = first.toordinal() + (switch.weekday - first.isoweekday()) % 7 + 7 * (switch.week - 1)
    next_month = date(year + switch.month // 12, switch.month % 12 + 1, 1).toordinal()
    if day >= next_month:
        day -= 7
    return (day - _EPOCH_ORDINAL) * _DAY_S + switch.at_s


_TABLE = msgspec.json.decode(Path(__file__).with_name("time_zones.json").read_bytes(), type=Table)

VERSION = _TABLE.version
"""Of the IANA database."""

ZONES: dict[str, Zone] = {name: zone for zone in _TABLE.zones for name in zone.names}
