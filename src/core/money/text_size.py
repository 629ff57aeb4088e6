"""How many tokens a text is, estimated high without a tokenizer: counts of kinds of bytes times
measured weights.

Theory of operation. A byte-pair vocabulary spends about one token on a common word, more on a rare
one, one on most punctuation, one per three digits, and between a third of a token and three on a
character beyond ASCII, by script. All that can be counted with `bytes.translate` and `bytes.count`,
which run at C speed. What tells a base64 blob or random letters from words is consonants: four in a
row are rare in any language. What tells English, which vocabularies know best, is its small words;
what tells an alphabet's languages from its letters in no order is the few letters that make up half
of any text. Characters that a vocabulary does not know whole are counted apart.
The weights were fitted so that the estimate is high on at least 99 % of varied text and as low as
that allows (`tests/calibration`, figures in `docs/prices.md`), then raised where a search found
texts far below the truth and no text that people write became dearer. No vocabulary has a token
shorter than a byte, so the number of bytes bounds every estimate.

The rule easy to break: counts add up, estimates do not. A stream is sized by `RunningText`, not by
summing chunks.
"""

import re
from collections.abc import Iterator
from operator import add, mul

from core.money.rare_characters import RARE_HAN, RARE_HANGUL, RARE_LETTERS
from core.money.text_weights import BASE, NOTHING, Counts, vocabulary

_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()
_DIGITS = b"0123456789"
_BLANKS = b" \n\r\t"
_VOWELS = b"aeiouyAEIOUY"
_CONSONANTS = bytes(letter for letter in _LETTERS if letter not in _VOWELS)
_RARE_LETTERS = b"jqxzJQXZ"
_LONG_WORD = b"a" * 16
_ASCII = bytes(range(0x80))
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_SMALL_WORDS = (b" the ", b" of ", b" and ", b" to ", b" in ")


def _classes(groups: dict[bytes, bytes], *, others: bytes) -> bytes:
    """A table for `bytes.translate` that maps every byte of a group to the group's own
    character."""
    table = bytearray(others * 256)
    for name, members in groups.items():
        for member in members:
            table[member] = name[0]
    return bytes(table)


_KINDS = _classes(
    {
        b"a": _LOWER,
        b"A": _LOWER.upper(),
        b"0": _DIGITS,
        b" ": b" ",
        b"n": b"\n\r\t",
        b"c": bytes(code for code in (*range(0x20), 0x7F) if code not in _BLANKS),
        b"w": bytes(range(0x80, 0x100)),
    },
    others=b".",
)
_LETTER_RUNS = _classes({b"a": _LETTERS}, others=b" ")
_DIGIT_RUNS = _classes({b"0": _DIGITS}, others=b" ")
_CONSONANT_RUNS = _classes({b"b": _CONSONANTS, b"v": _VOWELS}, others=b" ")
_LINE_ENDS = _classes(
    {b"a": _LETTERS + bytes(range(0x80, 0x100)), b"0": _DIGITS, b"n": b"\n\r", b"t": b"\t"}, others=b"."
)
_BLANK_RUNS = _classes({b" ": b" ", b"n": b"\n\t\r"}, others=b".")
_SCRIPTS = _classes(
    {
        b"1": b"\xc2",
        b"2": b"\xc3",
        b"3": b"\xc4\xc5\xc6\xc7",
        b"g": b"\xce\xcf",
        b"r": b"\xd0\xd1",
        b"h": b"\xd7",
        b"q": b"\xd8\xd9\xda\xdb",
        b"i": b"\xe0",
        b"e": b"\xe1",
        b"p": b"\xe2",
        b"k": b"\xe3",
        b"m": bytes(range(0xE4, 0xEA)),
        b"o": bytes(range(0xEA, 0xEE)),
        b"u": b"\xee\xef",
        b"f": bytes(range(0xF0, 0x100)),
    },
    others=b"x",
)
_INDIC = tuple(bytes((0xE0, second)) for second in range(0xA4, 0xB6))
_SOUTHEAST_ASIAN = (b"\xe1\x80", b"\xe1\x81", b"\xe1\x82", b"\xe1\x9e", b"\xe1\x9f")
_KANA = (b"\xe3\x81", b"\xe3\x82", b"\xe3\x83")
_RARE_ALPHABETS = re.compile(f"[{RARE_LETTERS}]+")
_RARE_HAN = re.compile(f"[{RARE_HAN}]+")
_RARE_HANGUL = re.compile(f"[{RARE_HANGUL}]+")
_RARE_AT_ONCE_CHARACTERS = 1 << 16

_FREQUENT = {
    name: [letter.encode() for letter in letters]
    for name, letters in (
        (b"g", "αοιετνς"),
        (b"r", "оеаинтсі"),
        (b"h", "יוהלאר"),
        (b"q", "المونريی"),
        (b"i", "านรอกเง่้มยลว"),
        (b"e", "აიესრმო"),
    )
}
"""By their first byte, the letters of Greek, Cyrillic, Hebrew, Arabic, Thai and Georgian that are half of any text."""

_FREQUENT_INDIC = re.compile(
    rb"\xe0(?:[\xa4\xa6\xa8\xaa\xac\xae\xb0\xb2\xb4][\x95\xa4\xa8\xae\xb0\xb2\xb8\xbe\xbf]|[\xa5\xa7\xa9\xab\xad\xaf\xb1\xb3\xb5][\x80\x81\x87\x8d])"
)
"""Likewise ka, ta, na, ma, ra, la, sa, the signs of a, i, u and e and the virama, which have the same place in each of
the scripts of India."""


_WINDOW_BYTES = 65_536

_UNICODE_ESCAPES = re.compile(rb"(?<!\\)(?:\\u[0-9a-fA-F]{4})+")


def text_tokens(text: bytes, model: str = "") -> int:
    """Tokens of a UTF-8 text as this model reads it, estimated high. An unknown model is read as
    a small vocabulary."""
    counts = NOTHING
    for window in _windows(text):
        counts = Counts(*map(add, counts, _count(window)))
    return _tokens(counts, len(text), model)


def json_text_tokens(body: bytes, model: str) -> int:
    """Tokens of a JSON text whose strings the model reads decoded, punctuation and names included.

    An escape that is itself escaped (JSON inside a string) stays as it is: so the model reads it.
    """
    if b"\\" not in body:
        return text_tokens(body, model)
    size, counts = 0, NOTHING
    for window in _windows(body):
        text = _unescaped(window)
        size += len(text)
        counts = Counts(*map(add, counts, _count(text)))
    return _tokens(counts, size, model)


class RunningText:
    """A text that grows: adding a piece costs as much as the piece is long, whatever came
    before."""

    __slots__ = ("_counted", "_counts", "_model", "_pending")

    _PENDING_BYTES_MAX = 512
    """Pieces are counted this many bytes at a time, so that words cut between them are seen
    whole."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._counts = NOTHING
        self._counted = 0
        self._pending = b""

    def add(self, piece: bytes) -> None:
        self._pending += piece
        if len(self._pending) >= self._PENDING_BYTES_MAX:
            self._counts = Counts(*map(add, self._counts, _count(self._pending)))
            self._counted += len(self._pending)
            self._pending = b""

    @property
    def tokens(self) -> int:
        """Tokens of everything added so far, estimated high; zero while nothing was."""
        size = self._counted + len(self._pending)
        if not self._pending:
            return _tokens(self._counts, size, self._model)
        return _tokens(Counts(*map(add, self._counts, _count(self._pending))), size, self._model)


def _windows(text: bytes) -> Iterator[bytes]:
    """A large text in order, cut behind blanks where there are any: counting makes several copies of what it counts."""
    start = 0
    while start < len(text):
        end = start + _WINDOW_BYTES
        end = text.find(b" ", end, end + _WINDOW_BYTES) + 1 or end
        yield text[start:end]
        start = end


def _unescaped(body: bytes) -> bytes:
    if b"\\u" in body:
        body = _UNICODE_ESCAPES.sub(_characters, body)
    for escape, character in ((b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\t", b"\t"), (b'\\"', b'"')):
        body = body.replace(escape, character)
    return body


def _characters(escapes: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(escapes.group().replace(b"\\u", b"").decode())
    return units.decode("utf-16-be", "replace").encode()


def _tokens(counts: Counts, size: int, model: str) -> int:
    weights, percent = vocabulary(model)
    hundredths: int = BASE + sum(map(mul, _weighable(counts), weights))
    return min(-(-hundredths * percent // 10_000), size)


def _weighable(counts: Counts) -> Counts:
    """The counts with those that are signs of something in place of what they are signs of."""
    latin = counts.letters + counts.upper
    recognised = min(5 * counts.small_words, counts.words, latin // 3) - 4 * counts.consonants
    alphabets = (
        counts.greek + counts.cyrillic + counts.hebrew + counts.arabic + counts.indic + counts.thai + counts.georgian
    )
    return counts._replace(
        small_words=-max(0, recognised),
        rare_letters=max(0, counts.rare_letters - latin // 12),
        frequent=max(0, 5 * alphabets // 12 - counts.frequent),
        latin_marks=max(0, counts.latin_extended + counts.vietnamese - 2 * latin // 5),
    )


def _count(text: bytes) -> Counts:
    kinds = text.translate(_KINDS)
    words = (b" " + text.translate(_LETTER_RUNS)).count(b" a")
    breaks = kinds.count(b"n")
    runs = text.translate(_CONSONANT_RUNS)
    ends = text.translate(_LINE_ENDS)
    counts = Counts(
        words=words,
        letters=kinds.count(b"a"),
        upper=kinds.count(b"A"),
        capitals=kinds.count(b"AAAA"),
        camel=kinds.count(b"aA"),
        humps=kinds.count(b"aAaA"),
        digits=kinds.count(b"0"),
        digit_runs=len(text.translate(_DIGIT_RUNS).split()),
        spaced=kinds.count(b" 0"),
        punctuation=kinds.count(b"."),
        blanks=max(0, kinds.count(b" ") + breaks - words),
        breaks=breaks,
        blank_runs=text.translate(_BLANK_RUNS).count(b".  ") if b"  " in text else 0,
        mixed_blanks=_mixed_blanks(text),
        letter_ends=ends.count(b"an"),
        digit_ends=ends.count(b"0n") + (ends.count(b"0t") + ends.count(b"at") if b"\t" in text else 0),
        controls=kinds.count(b"c"),
        consonants=runs.count(b"bbbb"),
        vowels=runs.count(b"vvvv"),
        long_words=kinds.count(_LONG_WORD),
        rare_letters=len(text) - len(text.translate(None, _RARE_LETTERS)),
        small_words=sum(map(text.count, _SMALL_WORDS)),
    )
    return counts if text.isascii() else _with_scripts(counts, text)


def _mixed_blanks(text: bytes) -> int:
    mixed = text.count(b" \n")
    if b"\t" in text:
        mixed += sum(map(text.count, (b" \t", b"\t ", b"\t\n", b"\t\r")))
    if b"\r" in text:
        mixed += text.count(b" \r") + text.count(b"\r") - text.count(b"\r\n")
    return mixed


def _with_scripts(counts: Counts, text: bytes) -> Counts:
    """Characters beyond ASCII by their first byte, and where that is shared by many scripts, by
    their second."""
    leads = text.translate(_SCRIPTS, _ASCII + _CONTINUATIONS)
    characters = text.decode("utf-8", "ignore")
    thai = text.count(b"\xe0\xb8") + text.count(b"\xe0\xb9")
    indic = sum(map(text.count, _INDIC)) if b"i" in leads else 0
    georgian = text.count(b"\xe1\x83")
    vietnamese = text.count(b"\xe1\xba") + text.count(b"\xe1\xbb")
    southeast_asian = sum(map(text.count, _SOUTHEAST_ASIAN)) if b"e" in leads else 0
    ideographic = text.count(b"\xe3\x80")
    kana = sum(map(text.count, _KANA)) if b"k" in leads else 0
    replacements = text.count(b"\xef\xbf\xbd")
    fullwidth = text.count(b"\xef\xbc") + text.count(b"\xef\xbd")
    emoji = text.count(b"\xf0\x9f")
    han, hangul = leads.count(b"m"), leads.count(b"o")
    return counts._replace(
        spaced=counts.spaced + text.count(b" \xe3"),
        frequent=_frequent(leads, text) + (len(_FREQUENT_INDIC.findall(text)) if indic else 0),
        odd_letters=_rare(_RARE_ALPHABETS, characters),
        latin_signs=leads.count(b"1"),
        latin_accented=leads.count(b"2"),
        latin_extended=leads.count(b"3"),
        greek=leads.count(b"g"),
        cyrillic=leads.count(b"r"),
        hebrew=leads.count(b"h"),
        arabic=leads.count(b"q"),
        two_byte=leads.count(b"x"),
        indic=indic,
        thai=thai,
        three_byte_e0=leads.count(b"i") - indic - thai,
        georgian=georgian,
        vietnamese=vietnamese,
        southeast_asian=southeast_asian,
        three_byte_e1=leads.count(b"e") - georgian - vietnamese - southeast_asian,
        symbols=leads.count(b"p"),
        ideographic=ideographic,
        kana=kana,
        three_byte_e3=leads.count(b"k") - kana - ideographic,
        han=han,
        rare_han=_rare(_RARE_HAN, characters) if han else 0,
        hangul=hangul,
        rare_hangul=_rare(_RARE_HANGUL, characters) if hangul else 0,
        replacements=replacements,
        fullwidth=fullwidth,
        private=leads.count(b"u") - fullwidth - replacements,
        emoji=emoji,
        four_byte=leads.count(b"f") - emoji,
    )


def _frequent(leads: bytes, text: bytes) -> int:
    return sum(text.count(letter) for lead, letters in _FREQUENT.items() if lead in leads for letter in letters)


def _rare(those: re.Pattern[str], characters: str) -> int:
    """How many there are; counted by pieces, since each place where they stand takes memory."""
    pieces = (
        characters[start : start + _RARE_AT_ONCE_CHARACTERS]
        for start in range(0, len(characters), _RARE_AT_ONCE_CHARACTERS)
    )
    return len(characters) - sum(len(those.sub("", piece)) for piece in pieces)
