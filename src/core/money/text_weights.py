"""What is counted in a text, and what each count weighs in each kind of vocabulary.

The rule easy to break: a weight raised for texts that nobody writes must not make dearer what people do write;
`tests/calibration` measures both.
"""

import re
from typing import NamedTuple


class Counts(NamedTuple):
    """What is counted in a text; and, as a vocabulary, the weight of each count in hundredths of
    a token."""

    words: int
    letters: int
    upper: int
    capitals: int
    """Runs of four capitals."""
    camel: int
    """Capitals after a small letter, where most vocabularies split."""
    humps: int
    """Capitals that take turns with small letters, twice."""
    digits: int
    digit_runs: int
    spaced: int
    """Digits and kana behind a blank, which there is a token of its own."""
    punctuation: int
    blanks: int
    """Blanks other than the one before a word, which is part of its token."""
    breaks: int
    blank_runs: int
    """Of two or more, behind something: one of them is no part of a word's token."""
    mixed_blanks: int
    """Places where one kind of blank follows another, but for the indentation of a line."""
    letter_ends: int
    """Breaks behind a letter, or what may be one; those behind punctuation are part of its token."""
    digit_ends: int
    """Breaks behind a digit, and tabulators behind a digit or a letter."""
    controls: int
    consonants: int
    """Runs of four consonants."""
    vowels: int
    """Runs of four vowels."""
    long_words: int
    """Runs of sixteen small letters."""
    rare_letters: int
    """As a weight: of one beyond one letter in twelve."""
    small_words: int
    """As a weight: what a word of recognised English costs less."""
    frequent: int = 0
    """Frequent letters of alphabets beyond Latin. As a weight: of one that is missing, where five in twelve are due."""
    latin_marks: int = 0
    """As a weight: of a letter with a mark beyond two for five plain ones."""
    odd_letters: int = 0
    """Of alphabets beyond Latin: what one that is more than a token costs more."""
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
    southeast_asian: int = 0
    """Of Myanmar and Khmer."""
    three_byte_e1: int = 0
    symbols: int = 0
    ideographic: int = 0
    """Punctuation of Chinese and Japanese."""
    kana: int = 0
    three_byte_e3: int = 0
    han: int = 0
    rare_han: int = 0
    """What one of those that are more than a token costs more."""
    hangul: int = 0
    rare_hangul: int = 0
    replacements: int = 0
    fullwidth: int = 0
    private: int = 0
    """Private use and compatibility forms."""
    emoji: int = 0
    four_byte: int = 0
    """The rarest scripts."""


NOTHING = Counts(*[0] * len(Counts._fields))

BASE = 400
"""Hundredths that every text starts with: the spread of short texts, and the frame of a message
around them."""

_LARGE = Counts(
    words=124,
    letters=13,
    upper=21,
    capitals=40,
    camel=58,
    humps=130,
    digits=40,
    digit_runs=64,
    spaced=85,
    punctuation=69,
    blanks=4,
    breaks=5,
    blank_runs=90,
    mixed_blanks=60,
    letter_ends=25,
    digit_ends=90,
    controls=113,
    consonants=351,
    vowels=150,
    long_words=240,
    rare_letters=65,
    small_words=64,
    frequent=300,
    latin_marks=90,
    odd_letters=110,
    latin_signs=95,
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
    southeast_asian=220,
    three_byte_e1=290,
    symbols=230,
    ideographic=115,
    kana=80,
    three_byte_e3=290,
    han=103,
    rare_han=115,
    hangul=90,
    rare_hangul=150,
    replacements=70,
    fullwidth=130,
    private=290,
    emoji=230,
    four_byte=390,
)
"""Two hundred thousand tokens and more, fitted to o200k_base; scripts have 15 % more than fits
the texts, because one language of a script is not another."""

_LARGE_DIGIT_BY_DIGIT = _LARGE._replace(digits=105, digit_runs=0)
"""The published relatives of Gemini's vocabulary give every digit a token of its own; Grok's is
unpublished."""

_SMALL = Counts(
    words=90,
    letters=30,
    upper=38,
    capitals=30,
    camel=54,
    humps=100,
    digits=40,
    digit_runs=64,
    spaced=85,
    punctuation=67,
    blanks=4,
    breaks=7,
    blank_runs=90,
    mixed_blanks=60,
    letter_ends=40,
    digit_ends=90,
    controls=113,
    consonants=213,
    vowels=80,
    long_words=150,
    rare_letters=40,
    small_words=80,
    frequent=80,
    latin_marks=125,
    odd_letters=60,
    latin_signs=100,
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
    southeast_asian=303,
    three_byte_e1=310,
    symbols=270,
    ideographic=135,
    kana=107,
    three_byte_e3=300,
    han=175,
    rare_han=65,
    hangul=160,
    rare_hangul=110,
    replacements=75,
    fullwidth=150,
    private=300,
    emoji=280,
    four_byte=390,
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
    (re.compile(r"gpt-oss"), _LARGE, 100),
)
"""Vocabulary by start of the model's own name, and a percentage of it. Claude's are unpublished: 20 to
30 % more tokens than OpenAI's are reported for the same text, and from Opus 4.7 on 1.0 to 1.35
times that."""


def vocabulary(model: str) -> tuple[Counts, int]:
    """Whoever serves a model may stand before its name (`anthropic/`, `groq/openai/`, `models/`)."""
    name = model.lower().rpartition("/")[2]
    for start, weights, percent in _FAMILIES:
        if start.match(name):
            return weights, percent
    return _SMALL, 100
