"""What people type for dollars, moments and spans of time, read into what AgentWatch takes. Raises `CommandFailed` with
the code of a wrong command line.
"""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from .failures import CommandFailed, usage

NONE = "none"
"""Lifts a limit, where a limit is asked for."""

_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def dollars(text: str, name: str) -> str | None:
    """Decimal text; None for `none`."""
    if text == NONE:
        return None
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise usage(f"{name} must be dollars such as 12.50, or {NONE}") from None
    if not amount.is_finite() or amount < 0:
        raise usage(f"{name} must be dollars such as 12.50, or {NONE}")
    return format(amount, "f")


def whole_number(text: str, name: str) -> int | None:
    if text == NONE:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise usage(f"{name} must be a whole number, or {NONE}")
    return int(text)


def span_seconds(text: str, name: str) -> int:
    """`90s`, `15m`, `24h`, `7d`, `2w`; or 0."""
    if text == "0":
        return 0
    span = _SPAN.fullmatch(text)
    if span is None:
        raise usage(f"{name} must be a span of time such as 15m, 24h or 7d")
    return int(span[1]) * _SECONDS[span[2]]


def moment_ahead_ms(text: str, name: str) -> int | None:
    """UTC milliseconds of a moment, or of so long from now; None for `none`."""
    if text == NONE:
        return None
    if _SPAN.fullmatch(text):
        return (int(time.time()) + span_seconds(text, name)) * 1_000
    return int(_moment(text, name).timestamp() * 1_000)


def moment_ago(text: str, name: str) -> str:
    """A moment by RFC 3339: as given, or so long ago."""
    if text == "now" or _SPAN.fullmatch(text):
        seconds = 0 if text == "now" else span_seconds(text, name)
        at = datetime.fromtimestamp(int(time.time()) - seconds, timezone.utc)
    else:
        at = _moment(text, name)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_json_file(path: str, what: str) -> Any:
    """A JSON file, or standard input for `-`."""
    try:
        if path == "-":
            text = "" if sys.stdin is None else sys.stdin.read()
        else:
            text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandFailed(f"{path} cannot be read: {why}") from None
    return parsed_json(text, what if path == "-" else f"{path} ({what})")


def parsed_json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise usage(f"{what} is no JSON{where}") from None


def _moment(text: str, name: str) -> datetime:
    """A date is its beginning, and what names no zone is in UTC."""
    spelled = re.sub(r"[zZ]$", "+00:00", text)
    try:
        at = datetime.fromisoformat(spelled)
        return at.astimezone(timezone.utc) if at.tzinfo else at.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise usage(
            f"{name} must be a moment such as 2026-11-01 or 2026-11-01T08:00:00Z, or a span such as 7d"
        ) from None
