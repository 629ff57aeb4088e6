"""What a request says that the form of no dialect has no word for, by short names; and members as they should be.

The rule easy to break: the names are shown in a header. So there are not many of them, and what the caller wrote is in
them only where it looks like a name of the API's.
"""

import re
from collections.abc import Iterable, Mapping

from core.wire.translation.conversation import Untranslatable

Members = Mapping[str, object]

NAMES_MAX = 24
"""Of those that are dropped. Whoever sends more unknown members than that is told of these."""

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,47}")
_EMPTY: tuple[object, ...] = (None, "", [], {})
_OF_NO_KIND = object()


class Unsaid:
    """Gathered while a request is read; each name once, in the order in which they were met."""

    def __init__(self) -> None:
        self._beyond: dict[str, None] = {}
        self._dropped: dict[str, None] = {}

    @property
    def beyond(self) -> tuple[str, ...]:
        return tuple(self._beyond)

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    def is_beyond(self, feature: str, kind: object = _OF_NO_KIND) -> None:
        """No other provider can stand in for this, or for this kind of it as the caller names it."""
        if len(self._beyond) < NAMES_MAX:
            self._beyond[feature if kind is _OF_NO_KIND else f"{feature}:{_shown(kind)}"] = None

    def is_dropped(self, name: str, *, within: str = "") -> None:
        if len(self._dropped) < NAMES_MAX:
            self._dropped[f"{within}.{_shown(name)}" if within else _shown(name)] = None

    def rest_is_dropped(self, members: Members, known: Iterable[str], *, within: str = "") -> None:
        """Members that nobody has heard of are left out, and named; those that hold nothing are not missed."""
        for name in sorted(members.keys() - set(known)):
            if members[name] not in _EMPTY:
                self.is_dropped(name, within=within)


def _shown(name: object) -> str:
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "unknown"


def members_in(value: object) -> Members:
    """An object of a request, without members where nothing is said. Raises `Untranslatable`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Untranslatable("body")
    return value


def objects_in(value: object) -> list[Members]:
    """The objects of a list, none where nothing is said. Raises `Untranslatable`."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Untranslatable("body")
    return value


def text_in(members: Members, name: str) -> str:
    """A text that must be there. Raises `Untranslatable`."""
    value = members.get(name)
    if not isinstance(value, str):
        raise Untranslatable("body")
    return value


def text_or_none(members: Members, name: str) -> str | None:
    """A text that may be missing, or null. Raises `Untranslatable`."""
    return None if members.get(name) is None else text_in(members, name)


def flag_or_none(members: Members, name: str) -> bool | None:
    """Raises `Untranslatable`."""
    value = members.get(name)
    if value is not None and not isinstance(value, bool):
        raise Untranslatable("body")
    return value


def count_or_none(members: Members, name: str) -> int | None:
    """A whole number. Raises `Untranslatable`."""
    value = members.get(name)
    if value is not None and type(value) is not int:
        raise Untranslatable("body")
    return value


def number_or_none(members: Members, name: str) -> float | None:
    """A number; a whole one within the bounds of any parameter. Raises `Untranslatable`."""
    value = members.get(name)
    if value is None:
        return None
    if type(value) is int and abs(value) <= 1_000:
        return float(value)
    if not isinstance(value, float):
        raise Untranslatable("body")
    return value
