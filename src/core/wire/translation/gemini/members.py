"""The objects of a request as structs, their members in camelCase or snake_case, and notes of what has no word.

The rule easy to break: a member that is known has a field, even if nothing is done with it. One without is a feature
that nobody here has looked at, and may change what the answer means.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from core.wire.json_text import InvalidJSON, fitted
from core.wire.media.walk import folded
from core.wire.translation.conversation import Untranslatable

T = TypeVar("T", bound=msgspec.Struct)


class Notes:
    """What a reader found and the form of no dialect has no word for, each once and in order."""

    def __init__(self) -> None:
        self._beyond: dict[str, None] = {}
        self._dropped: dict[str, None] = {}

    @property
    def beyond(self) -> tuple[str, ...]:
        return tuple(self._beyond)

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    def go_beyond(self, feature: str) -> None:
        self._beyond[feature] = None

    def drop(self, member: str, value: object) -> None:
        """A member, if it is given at all."""
        if value is not None:
            self._dropped[member] = None

    def read(self, value: object, kind: type[T]) -> T:
        """An object as a struct whose fields bear folded names. Raises `Untranslatable`."""
        if not isinstance(value, dict):
            raise Untranslatable("body")
        members: dict[str, object] = {}
        for name, member in value.items():
            if member is not None and members.setdefault(folded(name), member) is not member:
                raise Untranslatable("body")
        try:
            read = fitted(members, kind)
        except InvalidJSON:
            raise Untranslatable("body") from None
        if not members.keys() <= set(kind.__struct_encode_fields__):
            self.go_beyond("unknown_member")
        return read


def named(value: object, numbers: Mapping[int, str]) -> str:
    """An enum's value by its name, in capitals; a number stands for one. Raises `Untranslatable`."""
    name = value if isinstance(value, str) else numbers.get(value) if type(value) is int else None
    if name is None:
        raise Untranslatable("body")
    return name.upper()


def texts(value: object) -> list[str]:
    """A list of texts, of which one may stand alone. Raises `Untranslatable`."""
    found = listed(value)
    if not all(isinstance(each, str) for each in found):
        raise Untranslatable("body")
    return [str(each) for each in found]


def listed(value: object) -> list[object]:
    """The members of a list; one alone is a list of one, and lists within lists are one list, as protobuf's reader of
    JSON has it."""
    found: list[object] = []
    waiting = [] if value is None else [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        else:
            found.append(value)
    return found
