"""How many tokens a text is, estimated high without a tokenizer: counts of kinds of bytes times
measured weights.

Theory of operation. A byte-pair vocabulary spends about one token on a common word, more on a rare
one, one on most punctuation, one per three digits, and between a third of a token and three on a
character beyond ASCII, by script. All that can be counted with `bytes.translate` and `bytes.count`,
which run at C speed. What tells a base64 blob or random letters from words is consonants: four in a
row are rare in any language. What tells English, which vocabularies know best, is its small words.
The weights were fitted so that the estimate is high on at least 99 % of varied text and as low as
that allows (`tests/calibration`, figures in `docs/prices.md`). No vocabulary has a token shorter
than a byte, so the number of bytes bounds every estimate.

The rule easy to break: counts add up, estimates do not. A stream is sized by `RunningText`, not by
summing chunks.
"""

import re
from collections.abc import Iterator
from operator import add, mul
from typing import NamedTuple

_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()
_DIGITS = b"0123456789"
_BLANKS = b" \n\r\t"
_CONSONANTS = bytes(letter for letter in _LETTERS if letter not in b"aeiouyAEIOUY")
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
_CONSONANT_RUNS = _classes({b"b": _CONSONANTS}, others=b" ")
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


class _Counts(NamedTuple):
    """What is counted in a text; and, as a vocabulary, the weight of each count in hundredths of
    a token."""

    words: int
    letters: int
    upper: int
    camel: int
    """Capitals after a small letter, where most vocabularies split."""
    digits: int
    digit_runs: int
    punctuation: int
    blanks: int
    """Blanks other than the one before a word, which is part of its token."""
    breaks: int
    controls: int
    consonants: int
    """Runs of four consonants."""
    small_words: int
    """As a weight: what a word of recognised English costs less."""
    latin_signs: int = 0
    latin_accented: int = 0
    latin_extended: int = 0
    greek: int = 0
    cyrillic: int = 0
    hebrew: int = 0
    arabic: int = 0
    two_byte: int = 0
    indic: int = 0
    thai: int = 0
    three_byte_e0: int = 0
    georgian: int = 0
    vietnamese: int = 0
    three_byte_e1: int = 0
    symbols: int = 0
    kana: int = 0
    han: int = 0
    hangul: int = 0
    replacements: int = 0
    private: int = 0
    """Private use and compatibility forms."""
    four_byte: int = 0
    """Emoji and the rarest scripts."""


_NOTHING = _Counts(*[0] * len(_Counts._fields))

_WINDOW_BYTES = 65_536

_BASE = 400
"""Hundredths that every text starts with: the spread of short texts, and the frame of a message
around them."""

_LARGE = _Counts(
    words=124,
    letters=13,
    upper=21,
    camel=58,
    digits=51,
    digit_runs=39,
    punctuation=69,
    blanks=4,
    breaks=5,
    controls=113,
    consonants=351,
    small_words=64,
    latin_signs=50,
    latin_accented=100,
    latin_extended=50,
    greek=57,
    cyrillic=50,
    hebrew=54,
    arabic=51,
    two_byte=187,
    indic=68,
    thai=51,
    three_byte_e0=220,
    georgian=49,
    vietnamese=40,
    three_byte_e1=220,
    symbols=205,
    kana=80,
    han=117,
    hangul=95,
    replacements=70,
    private=250,
    four_byte=230,
)
"""Two hundred thousand tokens and more, fitted to o200k_base; scripts have 15 % more than fits
the texts, because one language of a script is not another."""

_LARGE_DIGIT_BY_DIGIT = _LARGE._replace(digits=105, digit_runs=0)
"""The published relatives of Gemini's vocabulary give every digit a token of its own; Grok's is
unpublished."""

_SMALL = _Counts(
    words=90,
    letters=30,
    upper=38,
    camel=54,
    digits=47,
    digit_runs=63,
    punctuation=67,
    blanks=4,
    breaks=7,
    controls=113,
    consonants=213,
    small_words=80,
    latin_signs=50,
    latin_accented=100,
    latin_extended=50,
    greek=120,
    cyrillic=78,
    hebrew=147,
    arabic=119,
    two_byte=222,
    indic=175,
    thai=115,
    three_byte_e0=223,
    georgian=240,
    vietnamese=50,
    three_byte_e1=303,
    symbols=253,
    kana=107,
    han=180,
    hangul=168,
    replacements=75,
    private=280,
    four_byte=280,
)
"""A hundred thousand tokens, fitted to cl100k_base; Llama's and Qwen's are of that size. Read
for unknown models."""

_CLAUDE = _SMALL._replace(arabic=132, indic=215, thai=182, three_byte_e0=350)
"""Where the one vocabulary of Claude's that was ever published, of its second generation, is
worse than cl100k_base."""

_FAMILIES = (
    (re.compile(r"gemini|gemma|learnlm|grok"), _LARGE_DIGIT_BY_DIGIT, 100),
    (re.compile(r"claude-(?:v?[123]|instant|\w+-4(?:-[0-6])?(?:[@-]\d{8})?$)"), _CLAUDE, 125),
    (re.compile(r"claude"), _CLAUDE, 165),
    (re.compile(r"(?:ft:)?(?:gpt-4o|gpt-4\.|gpt-[5-9]|chatgpt|gpt-audio|o\d)"), _LARGE, 100),
    (re.compile(r"openai/gpt-oss"), _LARGE, 100),
)
"""Vocabulary by start of the model name, and a percentage of it. Claude's are unpublished: 20 to
30 % more tokens than OpenAI's are reported for the same text, and from Opus 4.7 on 1.0 to 1.35
times that."""

_UNICODE_ESCAPES = re.compile(rb"(?<!\\)(?:\\u[0-9a-fA-F]{4})+")


def text_tokens(text: bytes, model: str = "") -> int:
    """Tokens of a UTF-8 text as this model reads it, estimated high. An unknown model is read as
    a small vocabulary."""
    counts = _NOTHING
    for window in _windows(text):
        counts = _Counts(*map(add, counts, _count(window)))
    return _tokens(counts, len(text), model)


def json_text_tokens(body: bytes, model: str) -> int:
    """Tokens of a JSON text whose strings the model reads decoded, punctuation and names included.

    An escape that is itself escaped (JSON inside a string) stays as it is: so the model reads it.
    """
    if b"\\" not in body:
        return text_tokens(body, model)
    size, counts = 0, _NOTHING
    for window in _windows(body):
        text = _unescaped(window)
        size += len(text)
        counts = _Counts(*map(add, counts, _count(text)))
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
        self._counts = _NOTHING
        self._counted = 0
        self._pending = b""

    def add(self, piece: bytes) -> None:
        self._pending += piece
        if len(self._pending) >= self._PENDING_BYTES_MAX:
            self._counts = _Counts(*map(add, self._counts, _count(self._pending)))
            self._counted += len(self._pending)
            self._pending = b""

    @property
    def tokens(self) -> int:
        """Tokens of everything added so far, estimated high; zero while nothing was."""
        size = self._counted + len(self._pending)
        if not self._pending:
            return _tokens(self._counts, size, self._model)
        return _tokens(_Counts(*map(add, self._counts, _count(self._pending))), size, self._model)


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
    for escape, character in ((b"\\n", b"\n"), (b"\\t", b"\t"), (b'\\"', b'"')):
        body = body.replace(escape, character)
    return body


def _characters(escapes: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(escapes.group().replace(b"\\u", b"").decode())
    return units.decode("utf-16-be", "replace").encode()


def _tokens(counts: _Counts, size: int, model: str) -> int:
    weights, percent = _vocabulary(model)
    recognised = min(5 * counts.small_words, counts.words) - 4 * counts.consonants
    hundredths: int = _BASE + sum(map(mul, counts, weights)) - counts.small_words * weights.small_words
    hundredths -= max(0, recognised) * weights.small_words
    return min(-(-hundredths * percent // 10_000), size)


def _vocabulary(model: str) -> tuple[_Counts, int]:
    for start, weights, percent in _FAMILIES:
        if start.match(model):
            return weights, percent
    return _SMALL, 100


def _count(text: bytes) -> _Counts:
    kinds = text.translate(_KINDS)
    words = (b" " + text.translate(_LETTER_RUNS)).count(b" a")
    breaks = kinds.count(b"n")
    counts = _Counts(
        words=words,
        letters=kinds.count(b"a"),
        upper=kinds.count(b"A"),
        camel=kinds.count(b"aA"),
        digits=kinds.count(b"0"),
        digit_runs=len(text.translate(_DIGIT_RUNS).split()),
        punctuation=kinds.count(b"."),
        blanks=max(0, kinds.count(b" ") + breaks - words),
        breaks=breaks,
        controls=kinds.count(b"c"),
        consonants=text.translate(_CONSONANT_RUNS).count(b"bbbb"),
        small_words=sum(map(text.count, _SMALL_WORDS)),
    )
    return counts if text.isascii() else _with_scripts(counts, text)


def _with_scripts(counts: _Counts, text: bytes) -> _Counts:
    """Characters beyond ASCII by their first byte, and where that is shared by many scripts, by
    their second."""
    leads = text.translate(_SCRIPTS, _ASCII + _CONTINUATIONS)
    thai = text.count(b"\xe0\xb8") + text.count(b"\xe0\xb9")
    indic = sum(map(text.count, _INDIC)) if b"i" in leads else 0
    georgian = text.count(b"\xe1\x83")
    vietnamese = text.count(b"\xe1\xba") + text.count(b"\xe1\xbb")
    replacements = text.count(b"\xef\xbf\xbd")
    return counts._replace(
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
        three_byte_e1=leads.count(b"e") - georgian - vietnamese,
        symbols=leads.count(b"p"),
        kana=leads.count(b"k"),
        han=leads.count(b"m"),
        hangul=leads.count(b"o"),
        replacements=replacements,
        private=leads.count(b"u") - replacements,
        four_byte=leads.count(b"f"),
    )
