"""How the values of a document read: a column is a heading and the way from a record to its text.

Moments are UTC milliseconds on the wire and RFC 3339 here; what is not there is a dash.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

NOTHING = "-"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    heading: str
    text_of: Callable[[Record], str]
    is_number: bool = False
    style_of: Callable[[str], str] = lambda _: ""


def said(value: object) -> str:
    """Any value of a document as text."""
    if value is None or value == "" or value == []:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False)


def moment(value: object) -> str:
    """UTC milliseconds as a moment. A text is one already; what is none stays as it is."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return said(value)
    try:
        return datetime.fromtimestamp(value / 1_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(value)


def value(name: str, heading: str | None = None) -> Column:
    return Column(heading or name, lambda record: said(record.get(name)))


def number(name: str, heading: str | None = None) -> Column:
    return Column(heading or name, lambda record: said(record.get(name)), is_number=True)


def at(name: str, heading: str | None = None) -> Column:
    return Column(heading or name, lambda record: moment(record.get(name)))


_STYLES = {
    "active": "green",
    "complete": "green",
    "ok": "green",
    "true": "green",
    "disabled": "yellow",
    "paused": "yellow",
    "shadow": "yellow",
    "cut": "yellow",
    "expired": "red",
    "revoked": "red",
    "suspended": "red",
    "refused": "red",
    "failed": "red",
    "unusable": "red",
}


def state(name: str, heading: str | None = None) -> Column:
    """A word that has a colour."""
    return Column(heading or name, lambda record: said(record.get(name)), style_of=style_of_state)


def style_of_state(word: str) -> str:
    return _STYLES.get(word, "")
