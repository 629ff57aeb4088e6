"""What a request says that the form of no dialect has no word for, by short names.

The rule easy to break: the names are shown in a header, so what the caller wrote is in them only where it looks like a
name of the API's.
"""

import re
from collections.abc import Iterable, Mapping

from core.wire.translation.conversation import Untranslatable

Members = Mapping[str, object]

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


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

    def is_beyond(self, feature: str) -> None:
        """No other provider can stand in for this."""
        self._beyond[feature] = None

    def is_beyond_kind(self, feature: str, kind: object) -> None:
        """For this kind of it, as the caller names it."""
        self._beyond[f"{feature}:{_shown(kind)}"] = None

    def is_dropped(self, name: object) -> None:
        self._dropped[_shown(name)] = None

    def rest_is_dropped(self, members: Members, known: Iterable[str]) -> None:
        """Members that nobody has heard of are left out, and named."""
        for name in sorted(members.keys() - set(known)):
            if members[name] is not None:
                self.is_dropped(name)


def _shown(name: object) -> str:
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "unknown"


def members_in(value: object) -> Members:
    """An object of a request. Raises `Untranslatable`."""
    if not isinstance(value, dict):
        raise Untranslatable("body")
    return value


def objects_in(value: object) -> list[Members]:
    """The objects of a list, none where nothing is said. Raises `Untranslatable`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Untranslatable("body")
    return [members_in(each) for each in value]


def text_in(members: Members, name: str) -> str:
    """A text that must be there. Raises `Untranslatable`."""
    value = members.get(name)
    if not isinstance(value, str):
        raise Untranslatable("body")
    return value


def text_or_none(members: Members, name: str) -> str | None:
    """A text that may be missing, or null. Raises `Untranslatable`."""
    return None if members.get(name) is None else text_in(members, name)
