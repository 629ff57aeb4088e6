"""Which strings of a request or an answer a model reads as text, and which risk tags they have together.

What comes in is what the clients take and give: dicts, lists, strings and pydantic models, in any mixture. Nothing is
changed, called or consumed: a generator, a file and bytes are passed over. Names mean what they mean at the edge
(`finding.member_names`); media is told by its name or by both its ends and never read.

An agent sends its history again with each turn. So a request is searched by its messages, and what was found in one is
kept under the digest of its texts: a turn costs a digest of the old messages and a search of the new ones.

The rule easy to break: what is kept are digests and tags, never a text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from .finding.member_names import (
    ADDRESS,
    BASE64,
    BASE64_CHARACTERS_MIN,
    MEDIA,
    NAME_CHARACTERS_MAX,
    OUT,
    OWN,
    SIGNED,
    WALKED,
    inside,
    meaning_of,
    tells,
    unescaped,
)
from .finding.pattern import Effort
from .finding.tags import in_order, tags_of

DEPTH_MAX = 100
"""Of lists and objects within each other. What is deeper is no request."""

VALUES_MAX = 1_000_000
"""Of one request or answer, looked at to find its texts."""

CHARACTERS_MAX = 8_000_000
"""Of one request or answer; more fits in no model. The rest is not searched."""

CANDIDATES_MAX = 30_000
"""Of one message, at some ten microseconds each: the user's call waits for it."""

SEEN_MESSAGES_MAX = 8_192
"""Twice so many are known at most, at less than 300 bytes each."""

_ADDRESS = re.compile(ADDRESS)
_MEDIA_CHARACTERS = frozenset((BASE64 + b"\r\n").decode())
_NO_NAME = dict.fromkeys(map(ord, "0123456789@"))
"""A name is there for what it tells, and never a finding by itself."""


def texts_of(value: object) -> Iterator[str]:
    """Every string that a model reads, in its order; and before a value of the caller's own the name that tells what it
    is. JSON within a string has its own escapes undone."""
    for text in _texts(value):
        if text is not None:
            yield text


def risk_tags_of(value: object) -> tuple[str, ...]:
    """What is in those strings, in the order in which tags are told. What stands in one message is searched together,
    line by line. It never raises: the user's call does not depend on it."""
    try:
        return in_order({tag for message in _messages(value) for tag in _seen.tags_of(message)})
    except Exception:  # a mapping of the user's own may do anything
        return ()


def _messages(value: object) -> Iterator[str]:
    lines: list[str] = []
    for text in _texts(value):
        if text is not None:
            lines.append(text)
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


# What was searched before ------------------------------------------------------------------------------------------


class SeenMessages:
    """What was found in messages, by their digests. There is no lock that a fork could leave locked: two generations of
    which the elder is dropped, each step of which is whole by itself. What a race loses is searched again."""

    def __init__(self, messages_max: int = SEEN_MESSAGES_MAX) -> None:
        self._messages_max = messages_max
        self._generations: tuple[dict[bytes, tuple[str, ...]], dict[bytes, tuple[str, ...]]] = ({}, {})

    def __len__(self) -> int:
        return sum(map(len, self._generations))

    def tags_of(self, message: str) -> tuple[str, ...]:
        digest = hashlib.sha256(message.encode("utf-8", "surrogatepass")).digest()
        young, old = self._generations
        tags = young.get(digest)
        if tags is not None:
            return tags
        tags = old.get(digest)
        if tags is None:
            tags = tags_of(message, Effort(may_end_early=True, candidates_max=CANDIDATES_MAX))
        if len(young) >= self._messages_max:
            self._generations = young, old = {}, young
        young[digest] = tags
        return tags


_seen = SeenMessages()


# The walk over objects ---------------------------------------------------------------------------------------------

_Members = Iterator[tuple["str | None", object]]


def _texts(value: object) -> Iterator[str | None]:
    """Texts, and None where a message may end: around the members of a request and the items of its lists."""
    root = _members((value,) if isinstance(value, str) else value)
    return iter(()) if root is None else _Walk(root, message_depth=1 if _is_list(value) else 2).texts()


class _Walk:
    """Over one request or answer. What is open is kept in a list, so that no depth is too much for the interpreter."""

    def __init__(self, root: _Members, *, message_depth: int) -> None:
        self._open: list[tuple[_Members, int]] = [(root, WALKED)]
        self._message_depth = message_depth
        self._values_left = VALUES_MAX
        self._characters_left = CHARACTERS_MAX

    def texts(self) -> Iterator[str | None]:
        while self._open and self._values_left > 0 and self._characters_left > 0:
            members, kind = self._open[-1]
            self._values_left -= 1
            pair = next(members, None)
            if pair is None:
                self._open.pop()
                if len(self._open) <= self._message_depth:
                    yield None
                continue
            name, value = pair
            if name is not None and len(self._open) == 1:
                yield None
            if name is not None and kind == OWN and tells(name):
                yield name.translate(_NO_NAME)
            meaning = WALKED if name is None or kind == OWN else meaning_of(name)
            if isinstance(value, str):
                yield from self._text(value, meaning)
            elif meaning != OUT and self._enter(value, kind, meaning) and len(self._open) <= self._message_depth + 1:
                yield None

    def _enter(self, value: object, kind: int, meaning: int) -> bool:
        members = _members(value) if len(self._open) < DEPTH_MAX else None
        if members is not None:
            is_at_top = len(self._open) == 1
            self._open.append((members, inside(kind, meaning, is_object=not _is_list(value), is_at_top=is_at_top)))
        return members is not None

    def _text(self, string: str, meaning: int) -> Iterator[str]:
        if not string or meaning in (OUT, SIGNED) or _ADDRESS.match(string):
            return
        if (meaning == MEDIA or len(string) >= BASE64_CHARACTERS_MIN) and _is_base64(string):
            return
        text = unescaped(string[: self._characters_left])
        self._characters_left -= len(text)
        yield text


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _members(value: object) -> _Members | None:
    """What is in a list or an object; None of anything else. A copy: the user may change theirs meanwhile."""
    if isinstance(value, (list, tuple)):
        return ((None, item) for item in tuple(value) if item.__class__ not in _PLAIN)
    if isinstance(value, Mapping):
        pairs = tuple(value.items())
    elif any(hasattr(type(value), mark) for mark in _MARKS_OF_A_MODEL):
        pairs = (*vars(value).items(), *(getattr(value, "__pydantic_extra__", None) or {}).items())
    else:
        return None
    return ((name[:NAME_CHARACTERS_MAX], item) for name, item in pairs if isinstance(name, str))


_MARKS_OF_A_MODEL = ("__pydantic_fields_set__", "__fields_set__")
"""Of pydantic 2 and 1, on the class. Asked for nothing else: a property of the user's may do anything."""

_PLAIN = frozenset((int, float, bool, type(None)))
"""Of numbers there may be very many: an embedding's tokens."""


def _is_base64(string: str) -> bool:
    """Judged by both its ends."""
    ends = string[:BASE64_CHARACTERS_MIN] + string[-BASE64_CHARACTERS_MIN:]
    return _MEDIA_CHARACTERS.issuperset(ends)
