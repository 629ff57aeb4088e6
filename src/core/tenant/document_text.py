"""How the text of a document that has parts is read, and how what is wrong with it is said: by member, in words that
are safe to show.

The rule easy to break: a decoder keeps the last of two members of one name and says nothing, so a text that is written
anew is looked through for such.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from core.tenant.document import InvalidDocument

IS_MISSING = "is missing"

_NAMES_SHOWN = 3

_PLACE = re.compile(r" - at `\$\.?([^`]*)`\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_MEMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INDEX = re.compile(r"\[[0-9]+\]")


def characters_of(text: bytes | str, name: str, *, most: int) -> str:
    """The text of a document of this name. Raises `InvalidDocument`."""
    try:
        written = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        raise InvalidDocument(f"{name}: not UTF-8", name) from None
    if len(written) > most:
        raise InvalidDocument(f"{name}: more than {most} characters", name)
    return written


def fault_in(words: str, members: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """The member at fault, out of msgspec's words, and what is wrong with it. `members` are those that may be written,
    by their place, in which every place in a list is `[]`."""
    found = _PLACE.search(words)
    place = found[1] if found else ""
    words = words[: found.start()] if found else words
    unknown, missing = _UNKNOWN.fullmatch(words), _MISSING.fullmatch(words)
    if missing:
        return joined(place, missing[1]), IS_MISSING
    if unknown:
        return _unknown_member(place, unknown[1], members.get(_INDEX.sub("[]", place), ()))
    return place, words[:300] if words[:2].isupper() else words[:1].lower() + words[1:300]


def joined(place: str, member: str) -> str:
    return f"{place}.{member}" if place and member else place or member


def some_of(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


class NotedObject(dict[str, object]):
    """An object that knows which member it was given twice."""

    repeated: str | None = None

    def listed(self, member: str) -> "list[NotedObject]":
        """The objects in a list of objects, as which it was read."""
        parts = self.get(member, [])
        assert isinstance(parts, list), "it was read as a list"
        return parts


def objects_in(text: str) -> NotedObject:
    """The objects of a text that has been read already, so that it is neither deep nor of another shape; numbers are
    not looked at."""
    document = json.loads(text, object_pairs_hook=_noted, parse_int=len, parse_float=len)
    assert isinstance(document, NotedObject), "it was read as an object"
    return document


def repeated_member(part: object, place: str = "") -> str | None:
    """The place of a member that an object in here was given twice."""
    if isinstance(part, NotedObject):
        if part.repeated is not None:
            return joined(place, part.repeated)
        inner = [(joined(place, member), value) for member, value in part.items()]
    else:
        inner = [(f"{place}[{number}]", each) for number, each in enumerate(part if isinstance(part, list) else ())]
    return next((found for where, each in inner if (found := repeated_member(each, where)) is not None), None)


def _noted(pairs: list[tuple[str, object]]) -> NotedObject:
    made = NotedObject(pairs)
    if len(made) < len(pairs):
        made.repeated = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return made


def _unknown_member(place: str, name: str, known: Sequence[str]) -> tuple[str, str]:
    near = get_close_matches(name[:64], known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if _MEMBER.fullmatch(name):
        return joined(place, name), f"there is no such member{hint}"
    return place, f"has a member of no known name{hint}"
