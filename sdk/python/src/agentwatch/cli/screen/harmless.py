"""Text of others made harmless: names come from whoever made a key or a session, and a terminal obeys what it reads.

Control characters, direction marks and invisible ones are shown by their numbers; so every value is on one line, too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_KEPT = {"\u200c", "\u200d"}
"""Joiners: emoji and Persian need them, and they move nothing."""

_SHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of what does something instead of being seen."""


def harmless(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(each) if _is_harmful(each) else each for each in text)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text, should a secret be in it, without."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return text


def _is_harmful(character: str) -> bool:
    return character not in _KEPT and unicodedata.category(character) in _SHOWN


def _shown(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x1_0000 else f"\\U{number:08x}"
