"""Patterns with `*` for any characters and `?` for one, whatever the characters are.

Theory of operation. A pattern is cut at its stars. The first piece must begin the text and the last one end it; each
piece between is looked for from where the one before ended, and the first place found is as good as any later one. So
nothing is ever tried again: the work is at most that of comparing every piece at every place.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """Without the cases of other scripts: `K`, the sign of Kelvin, is no `k`."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern; it is met in either case."""

    first: "Piece"
    between: tuple["Piece", ...]
    last: "Piece | None"
    """None without a star: the first piece is all."""

    def matches(self, text: str) -> bool:
        """Whether the whole text, in lower case, is as the pattern has it."""
        if self.last is None:
            return len(text) == self.first.length and self.first.is_at(text, 0)
        end = len(text) - self.last.length
        if end < self.first.length or not self.first.is_at(text, 0) or not self.last.is_at(text, end):
            return False
        at = self.first.length
        for piece in self.between:
            at = piece.found_in(text, at, end)
            if at < 0:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters in a row, some of which may be any. `known` are the others, each run with its place."""

    length: int
    known: tuple[tuple[int, str], ...]

    def is_at(self, text: str, at: int) -> bool:
        for place, run in self.known:  # noqa: SIM110  # half the time of `all` and a generator, at every place
            if not text.startswith(run, at + place):
                return False
        return True

    def found_in(self, text: str, start: int, end: int) -> int:
        """Where its first occurrence between two places ends; -1 where there is none."""
        if not self.known:
            return start + self.length if start + self.length <= end else -1
        place, run = self.known[0]
        while True:
            at = text.find(run, start + place, end) - place
            if at < start or at + self.length > end:
                return -1
            if self.is_at(text, at):
                return at + self.length
            start = at + 1


@dataclass(frozen=True, slots=True)
class Globs:
    """Several patterns. Most are plain, or a star at an end; those are compared all at once."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...]
    others: tuple[Glob, ...]

    def match_any(self, texts: Iterable[str]) -> bool:
        """Whether one of the texts, in lower case, is as one of the patterns has it."""
        for text in texts:
            if text in self.whole or text.startswith(self.beginnings) or text.endswith(self.endings):
                return True
            for glob in self.others:
                if glob.matches(text):
                    return True
        return False


def compile_globs(patterns: Iterable[str]) -> Globs:
    lower = [ascii_lower(pattern) for pattern in patterns]
    plain = [pattern for pattern in lower if "?" not in pattern]
    whole = [pattern for pattern in plain if "*" not in pattern]
    beginnings = [pattern for pattern in plain if pattern.find("*") == len(pattern) - 1 and pattern not in whole]
    endings = [pattern for pattern in plain if pattern.rfind("*") == 0 and pattern not in beginnings]
    others = set(lower) - {*whole, *beginnings, *endings}
    return Globs(
        frozenset(whole),
        tuple(pattern[:-1] for pattern in beginnings),
        tuple(pattern[1:] for pattern in endings),
        tuple(compile_glob(pattern) for pattern in sorted(others)),
    )


def compile_glob(pattern: str) -> Glob:
    first, *others = ascii_lower(pattern).split("*")
    pieces = [_piece(text) for text in others]
    between = tuple(piece for piece in pieces[:-1] if piece.length)
    return Glob(_piece(first), between, pieces[-1] if pieces else None)


def _piece(text: str) -> Piece:
    known, at = [], 0
    for run in text.split("?"):
        if run:
            known.append((at, run))
        at += len(run) + 1
    return Piece(len(text), tuple(known))
