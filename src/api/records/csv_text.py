"""Rows as comma-separated values (RFC 4180) that a spreadsheet opens without running anything.

A text that a spreadsheet would take for a formula gets an apostrophe in front, because a team or a session is called
whatever its caller likes. Numbers stay as they are, amounts are decimal text. Nothing is an empty cell, an empty text
one with quotes.
"""

from collections.abc import Iterable, Sequence

_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_QUOTED = ('"', ",", "\r", "\n")

Cell = str | int | None


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A header line and the rows."""
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in (names, *rows)).encode()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = f"'{value}" if value.startswith(_FORMULA_BEGINS) else value
    if not text or any(each in text for each in _QUOTED):
        return '"' + text.replace('"', '""') + '"'
    return text
