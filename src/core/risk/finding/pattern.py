"""What a pattern is, and the rules all of them keep.

Theory of operation. A pattern is tried only where one of its anchors, rare literals, is in the text at all. It begins
with a literal, so that `re` runs from one candidate to the next at C speed; what may not stand before it is looked at
after that. Every quantifier is bounded, and no class holds what follows it, so that a candidate costs a bounded amount
and a text a multiple of its length. What a regular expression cannot say (a check digit, randomness, what stands far
before) a check decides, over a bounded window. A text may have so many candidates that are none; after that the rest of
it is not searched for this pattern.

The rule easy to break: `OWNED`. What was found is overwritten by it, and so is a placeholder of an earlier redaction.
It blocks: nothing beside it, and no context across it, is ever found. That makes redaction idempotent.
"""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass

OWNED = b"\x01"

CANDIDATES_MAX = 300_000
"""Of one request, found or not, at some ten microseconds each: a body made of little else would keep the interpreter,
and everybody else's calls in it, for a minute."""

Span = tuple[int, int]
Check = Callable[[bytes, "re.Match[bytes]"], Span | None]
"""Of a candidate: what exactly is found, if anything. `bytes` is the text, whatever was matched on."""

_WORD = f"{string.ascii_letters}{string.digits}_".encode() + OWNED
_LONG = frozenset(_WORD[:-1] + b"+/=.~%-")
_IN_LONG_WORDS = bytes(97 if code in _LONG else 32 for code in range(256))
_LONG_WORD = re.compile(b"a" * 20 + b"a*")
_SHAPE = bytes(ord("0") if 48 <= code <= 57 else code + 32 if 65 <= code <= 90 else code for code in range(256))


def _whole(data: bytes, match: re.Match[bytes]) -> Span | None:
    return match.span()


@dataclass(frozen=True, slots=True)
class Pattern:
    anchors: tuple[bytes, ...]
    expression: re.Pattern[bytes]
    check: Check = _whole
    is_of_shape: bool = False
    """Anchors and expression are of the shape: every digit a zero, every letter small."""
    is_long_word: bool = False
    """What is found is a word of twenty characters or more, the anchor in it. Most texts have few of them."""


def pattern(*anchors: bytes, of: bytes, check: Check = _whole, is_of_shape: bool = False) -> Pattern:
    return Pattern(anchors, re.compile(of, re.DOTALL), check, is_of_shape=is_of_shape)


def long_word(*anchors: bytes, of: bytes, check: Check = _whole) -> Pattern:
    return Pattern(anchors, re.compile(of, re.DOTALL), check, is_long_word=True)


class TooManyCandidates(ValueError):
    """More is nearly something than can be looked at: nobody knows what is in the text."""


class Effort:
    """How many candidates have been looked at, over all pieces of one text."""

    __slots__ = ("_left", "_may_end_early")

    def __init__(self, *, may_end_early: bool = False, candidates_max: int | None = None) -> None:
        """`may_end_early`: what was found so far is better than nothing, and nobody takes it for all there is."""
        self._left = CANDIDATES_MAX if candidates_max is None else candidates_max
        self._may_end_early = may_end_early

    def spend(self) -> bool:
        """Whether one more is looked at. Raises `TooManyCandidates` where the search must be complete."""
        self._left -= 1
        if self._left < 0 and not self._may_end_early:
            raise TooManyCandidates("a text is nearly something all over")
        return self._left >= 0


class Scan:
    """A text that is being searched."""

    __slots__ = ("_effort", "_long_words", "_shape", "data")

    def __init__(self, data: bytes, effort: "Effort") -> None:
        self.data = data
        self._effort = effort
        self._shape: bytes | None = None
        words = data.translate(_IN_LONG_WORDS)
        self._long_words = b" ".join([data[slice(*word.span())] for word in _LONG_WORD.finditer(words)])

    def spans(self, pattern: Pattern) -> list[Span]:
        """What a pattern finds, in order; it owns it from then on."""
        seen = self._shape_now() if pattern.is_of_shape else self.data
        where = self._long_words if pattern.is_long_word else seen
        if not any(anchor in where for anchor in pattern.anchors):
            return []
        spans: list[Span] = []
        done = 0
        for match in pattern.expression.finditer(seen):
            if not self._effort.spend():
                break
            span = pattern.check(self.data, match)
            if span is not None and span[0] >= done:
                spans.append(span)
                done = span[1]
        if spans:
            self.own(spans)
        return spans

    def own(self, spans: list[Span]) -> None:
        data = bytearray(self.data)
        for start, end in spans:
            data[start:end] = OWNED * (end - start)
        self.data = bytes(data)
        self._shape = None

    def _shape_now(self) -> bytes:
        if self._shape is None:
            self._shape = self.data.translate(_SHAPE)
        return self._shape


def stands_alone(data: bytes, start: int, end: int, glue: bytes = b"") -> bool:
    """Whether neither neighbour is part of a word, or of `glue`."""
    before, after = data[max(0, start - 1) : start], data[end : end + 1]
    return not (before and (before in _WORD or before in glue)) and not (after and (after in _WORD or after in glue))


def is_random(data: bytes, bits_to_the: int) -> bool:
    """Whether two characters drawn from it are the same at most once in so many times."""
    return len(data) ** 2 >= bits_to_the * sum(data.count(character) ** 2 for character in set(data))
