"""The table of time zones shows what `zoneinfo` shows, wherever a Worker runs."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import tzdata

from core.tenant.rules.time_zones import VERSION, ZONES, local_time
from tools.build_time_zones import TABLE, table_text, zone_file, zone_names

FROM_S = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
UNTIL_S = int(datetime(2038, 1, 1, tzinfo=UTC).timestamp())
WEEK_S = 7 * 86_400


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


def zone_info(name: str) -> ZoneInfo:
    return ZoneInfo.from_file(io.BytesIO(zone_file(name)))


def offset_s(zone: ZoneInfo, at_s: int) -> float:
    offset = datetime.fromtimestamp(at_s, zone).utcoffset()
    assert offset is not None
    return offset.total_seconds()


def telling_moments(zone: ZoneInfo) -> Iterator[int]:
    """A moment of every week, and those around every change of the clocks."""
    before = offset_s(zone, FROM_S)
    for start in range(FROM_S, UNTIL_S, WEEK_S):
        yield start
        after = offset_s(zone, start + WEEK_S)
        if after != before:
            low, high = start, start + WEEK_S
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_s(zone, middle) == before else (low, middle)
            yield from (high + beside for beside in (-7_200, -3_600, -1, 0, 3_599, 3_600, 7_200))
        before = after


def test_the_table_is_what_the_pinned_package_gives() -> None:
    assert TABLE.read_text() == table_text()
    assert tzdata.IANA_VERSION == VERSION


def test_the_table_has_every_zone() -> None:
    assert sorted(ZONES) == zone_names()


def test_every_zone_shows_what_zoneinfo_shows() -> None:
    compared = {}
    for name in zone_names():
        compared.setdefault((id(ZONES[name]), zone_file(name)), name)

    for name in compared.values():
        zone = zone_info(name)
        for moment in telling_moments(zone):
            assert ZONES[name].offset_at(moment) == offset_s(zone, moment), (name, moment)


LOCAL = [
    ("America/New_York", "2026-03-08T06:59:59+00:00", 1, 6),
    ("America/New_York", "2026-03-08T07:00:00+00:00", 3, 6),
    ("America/New_York", "2026-11-01T05:59:59+00:00", 1, 6),
    ("America/New_York", "2026-11-01T06:30:00+00:00", 1, 6),
    ("America/New_York", "2026-11-01T07:00:00+00:00", 2, 6),
    ("Asia/Kolkata", "2026-06-01T18:29:59+00:00", 23, 0),
    ("Asia/Kolkata", "2026-06-01T18:30:00+00:00", 0, 1),
    ("Pacific/Apia", "2026-01-01T10:59:59+00:00", 23, 3),
    ("Pacific/Apia", "2026-01-01T11:00:00+00:00", 0, 4),
    ("Africa/Casablanca", "2026-02-15T01:59:59+00:00", 2, 6),
    ("Africa/Casablanca", "2026-02-15T02:00:00+00:00", 2, 6),
    ("Africa/Casablanca", "2027-01-01T12:00:00+00:00", 12, 4),
    ("Europe/Dublin", "2026-03-29T01:00:00+00:00", 2, 6),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00+00:00", 1, 6),
    ("UTC", "2026-01-01T00:00:00+00:00", 0, 3),
]


@pytest.mark.parametrize(("name", "moment", "hour", "weekday"), LOCAL)
def test_a_moment_is_an_hour_of_a_local_day(name: str, moment: str, hour: int, weekday: int) -> None:
    assert local_time(ZONES[name], at(moment)) == (hour, weekday)


def test_an_hour_that_is_skipped_never_comes_and_a_doubled_one_comes_twice() -> None:
    zone = ZONES["America/New_York"]

    spring = [local_time(zone, at("2026-03-08T00:00:00-05:00") + hour * 3_600_000).hour for hour in range(23)]
    autumn = [local_time(zone, at("2026-11-01T00:00:00-04:00") + hour * 3_600_000).hour for hour in range(25)]

    assert (spring.count(2), autumn.count(1)) == (0, 2)
    assert spring == [hour for hour in range(24) if hour != 2]
    assert autumn == sorted([*range(24), 1])
