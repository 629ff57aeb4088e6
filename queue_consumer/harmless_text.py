"""Callers' words made harmless for people to read: no control, no change of direction, no link, no mention. Pure.

The rule easy to break: text is cut first and escaped last, once. Cut after that, `&lt;` becomes `&l`; escaped twice, it
is read as `&amp;lt;`.
"""

import re

_BLANKS = re.compile(r"[\t\n\v\f\r\u0085\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls, marks that turn the direction of writing (U+202E makes `gpj.exe` of `exe.jpg`), and characters that show
nothing. The joiners of emoji and of Indic scripts (U+200C, U+200D) remain."""

_SCHEME = re.compile(r"://")


def harmless(text: str, characters_max: int) -> str:
    """One line of at most so many characters, which shows all that it holds, and leads nowhere: `https[:]//…`."""
    line = _SCHEME.sub("[:]//", _UNSEEN.sub("\ufffd", _BLANKS.sub(" ", text[: characters_max + 1])))
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"


def escaped(text: str) -> str:
    """For a place where Slack reads markup: the three characters that begin it, and nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
