"""What a provider answers, read member by member, so that an odd member costs no more than itself.

Counts are written as integers, whole floats or strings of digits (protobuf's JSON does so for every 64-bit integer),
names as the numbers that stand for them, and members in snake_case or camelCase.

The rule easy to break: a member that is odd is absent, never zero; what an absent one means, its dialect says.
"""

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache

import msgspec

from core.bounds import JSON_DEPTH_MAX
from core.money.usage import COUNT_MAX
from core.wire.json_body import InvalidAnswer
from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_leniently

_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")

NO_RAW = msgspec.Raw()
"""The raw member that is not there: `Raw` cannot stand in a union with None."""

_ANSWERS = ("choices", "output", "content", "candidates", "data")
"""Where the dialects write what was generated."""


class Members:
    """One JSON object, its members decoded or still raw. Every name is looked for in both spellings; of several names
    the first that fits counts."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    def count(self, *names: str, at_most: int = COUNT_MAX) -> int | None:
        """A count, bounded; None where there is none."""
        members = self._members
        for name in names:
            value = members.get(name)
            if value is None:
                value = members.get(_other_spelling(name))
                if value is None:
                    continue
            found = value if type(value) is int and 0 <= value <= at_most else _whole(_plain(value), at_most)
            if found is not None:
                return found
        return None

    def word(self, *names: str) -> str:
        """A text, or the number that stands for it as text; empty where there is neither."""
        for value in map(_plain, self._given(names)):
            if isinstance(value, str) or type(value) is int:
                return str(value)
        return ""

    def texts(self, name: str) -> list[str]:
        """The texts of a list."""
        for value in map(_plain, self._given((name,))):
            if isinstance(value, list):
                return [text for text in value if isinstance(text, str)]
        return []

    def inner(self, *names: str) -> "Members":
        """An object within; without members where there is none."""
        for value in self._given(names):
            found = _apart(value) if isinstance(value, msgspec.Raw) else value
            if isinstance(found, dict):
                return Members(found)
        return NO_MEMBERS

    def each(self, *names: str) -> list["Members"]:
        """The objects of a list; a single object is a list of one."""
        for value in self._given(names):
            listed = _listed(value) if isinstance(value, msgspec.Raw) else value
            if isinstance(listed, dict):
                listed = [listed]
            if isinstance(listed, list):
                return [Members(member) for member in listed if isinstance(member, dict)]
        return []

    def raw(self, name: str) -> msgspec.Raw:
        """A member of an object that is not decoded, as it stands there."""
        for value in self._given((name,)):
            if isinstance(value, msgspec.Raw):
                return value
        return NO_RAW

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return bool([value for value in map(_plain, self._given((name,))) if value is not None])

    def _given(self, names: tuple[str, ...]) -> list[object]:
        found = []
        for name in names:
            value = self._members.get(name)
            if value is None:
                value = self._members.get(_other_spelling(name))
            if value is not None:
                found.append(value)
        return found


NO_MEMBERS = Members({})


def members_of(text: bytes | msgspec.Raw) -> Members:
    """The members of a small object, all of it decoded; none where it is something else."""
    found = _read(text) if text else None
    return Members(found) if isinstance(found, dict) else NO_MEMBERS


def members_apart(text: bytes | msgspec.Raw) -> Members:
    """The same, none of them decoded."""
    return Members((text and _apart(text)) or {})


def answer_members(body: bytes) -> Members:
    """The members of a whole answer, none of them decoded. Raises `InvalidAnswer`."""
    if is_too_deep(body):
        raise InvalidAnswer(f"nested more than {JSON_DEPTH_MAX} deep")
    try:
        return Members(read_leniently(body, _decode_apart))
    except InvalidJSON as error:
        raise InvalidAnswer(str(error)) from None


def error_code_in(answer: Members, *names: str) -> str | None:
    """What the error in place of an answer calls itself, by the first of these members; None where there is no error,
    or some of an answer beside it."""
    if not answer.has("error") or any(answer.each(name) for name in _ANSWERS):
        return None
    return answer.inner("error").word(*names) or "error"


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


_decode = msgspec.json.Decoder(float_hook=_number).decode
_decode_apart = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _read(text: bytes | msgspec.Raw) -> object:
    """A value of any shape. Where some member cannot be read at all (a number of thousands of digits), the others."""
    try:
        return read_leniently(text, _decode)
    except InvalidJSON:
        members = _apart(text) or {}
        return {name: _read(member) for name, member in members.items()}


def _apart(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    try:
        return read_leniently(text, _decode_apart)
    except InvalidJSON:
        return None


def _listed(text: msgspec.Raw) -> list[dict[str, msgspec.Raw] | None]:
    try:
        members = read_leniently(text, _decode_list)
    except InvalidJSON:
        members = [text]
    return [_apart(member) for member in members]


def _plain(value: object) -> object:
    return _read(value) if isinstance(value, msgspec.Raw) else value


def _whole(value: object, at_most: int) -> int | None:
    """Parts of a unit are a unit, and what exceeds the bound is the bound."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = Decimal(value)
    if type(value) is not int and not isinstance(value, Decimal):
        return None
    if value < 0:
        return None
    return at_most if value >= at_most else math.ceil(value)


@cache
def _other_spelling(name: str) -> str:
    """`promptTokenCount` for `prompt_token_count`, and the other way round."""
    if "_" not in name:
        return _HUMP.sub(r"_\1", name).lower()
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
