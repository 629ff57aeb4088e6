"""A text as the patterns see it: plain ASCII, a byte for each character, and the way back to where the text has it.

Three things hide a value from a pattern and not from a model: characters without width, full-width forms and blanks or
hyphens of another kind. The first are dropped, the others become what they look like; anything else beyond ASCII is a
question mark, which no pattern takes for part of a value. Look-alikes of other alphabets stay what they are.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")

_LIKE_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_LIKE_ASCII |= dict.fromkeys((0x00A0, 0x2007, 0x2009, 0x202F, 0x3000), ord(" "))
_LIKE_ASCII |= dict.fromkeys((0x2010, 0x2011, 0x2212), ord("-"))
_TELLING = re.compile("[\u00a0\u2007\u2009\u202f\u2010\u2011\u2212\uff10-\uff19\uff20-\uff3a\uff41-\uff5a]")
"""Without one of these, full-width forms are the punctuation of a language that has no other."""
_FORMS = re.compile("[\u00a0\u2007\u2009\u202f\u3000\u2010\u2011\u2212\uff01-\uff5e]+")


@dataclass(frozen=True, slots=True)
class PlainText:
    data: bytes
    dropped: tuple[int, ...] = ()
    """For each character that was dropped, how many of those that were kept stand before it."""

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where the text has what stands here."""
        if not self.dropped:
            return start, end
        return start + bisect_right(self.dropped, start), end + bisect_right(self.dropped, end - 1)


def plain(text: str) -> PlainText:
    if text.isascii():
        return PlainText(text.encode())
    dropped = [match.start() - earlier for earlier, match in enumerate(_INVISIBLE.finditer(text))]
    if dropped:
        text = _INVISIBLE.sub("", text)
    if _TELLING.search(text):
        text = _FORMS.sub(lambda forms: forms.group().translate(_LIKE_ASCII), text)
    return PlainText(text.encode("ascii", "replace"), tuple(dropped))
