"""Moments and spans of time as queries name them: RFC 3339, a date being its midnight in UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from core.refusals import InvalidRequest

SPAN_DAYS_MAX = 92

_FORM = r"^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d))?$(?!\n)"

Moment = Annotated[str, msgspec.Meta(pattern=_FORM, description="A date, or a moment with its offset, by RFC 3339")]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def moment_of(text: str, param: str) -> datetime:
    """The moment that a query names, in UTC. Raises `InvalidRequest`."""
    try:
        assert re.search(_FORM, text), "the query's type has judged its form"
        moment = datetime.fromisoformat(text.upper())
        return moment.replace(tzinfo=UTC) if len(text) == len("2026-11-18") else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{param} is no moment that the calendar has", param=param) from None


def span_of(starts: str, ends: str) -> tuple[datetime, datetime]:
    """A span that can be summed up, its end not in it. Raises `InvalidRequest`."""
    from_, until = moment_of(starts, "from"), moment_of(ends, "until")
    if from_ >= until:
        raise InvalidRequest("from must be before until", param="from")
    if until - from_ > timedelta(days=SPAN_DAYS_MAX):
        raise InvalidRequest(f"from and until may be {SPAN_DAYS_MAX} days apart at most", param="until")
    return from_, until


def moment_at(milliseconds: int) -> datetime:
    """The moment of UTC milliseconds."""
    return _EPOCH + milliseconds * _MILLISECOND


def milliseconds_of(moment: datetime) -> int:
    """UTC milliseconds, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND
