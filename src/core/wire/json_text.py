"""JSON text to typed values, with one exception for whatever is wrong with it.

A decoder can fail in several ways: bytes that are no UTF-8, a number beyond a double, a surrogate without its half, a
member of another type. Callers have one question, whether it could be read; so here every failure is `InvalidJSON`.

The rule easy to break: a caller's request is read strictly, since what is sent must be what was judged; what a
provider answers is read leniently, since it was billed however odd its bytes are.
"""

import json
import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

Decode = Callable[[bytes | msgspec.Raw], T]
"""A `msgspec.json.Decoder`'s method: cheaper for a type that is read often than naming the type each time."""

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)
"""Escapes one by one, a pair of surrogates as one: what is left of `\\\\ud8xx` is an escaped backslash and text."""

_LONE_SURROGATE_BYTES = len(b"\\ud83d")


class InvalidJSON(ValueError):
    """Not JSON, or not of the shape expected. `place` names the member at fault where the shape is wrong."""

    def __init__(self, words: str, place: str | None = None) -> None:
        super().__init__(words)
        self.place = place


def read_json(text: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """A JSON text as a value of this type, exactly as it stands there. Raises `InvalidJSON`."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidJSON(str(error), _place_in(str(error))) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidJSON(str(error)) from None


def fitted(value: object, kind: type[T]) -> T:
    """What was read already, as a value of this type: a number may be written as a string, as Google's reader has it.
    Raises `InvalidJSON`."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidJSON(str(error), _place_in(str(error))) from None


def says_the_same(one: str, other: str) -> bool:
    """Do two JSON texts differ in nothing but blanks and the order of members? A number is the same where it is
    written alike, and a text that cannot be read says only what it says letter by letter."""
    if one == other:
        return True
    try:
        return _with_digits(one) == _with_digits(other)
    except (ValueError, RecursionError):
        return False


def _with_digits(text: str) -> object:
    """A text as values, its numbers as their digits stand there: `1` is neither `1.0` nor `true`."""
    return json.loads(text, parse_int=_digits, parse_float=_digits)


def _digits(text: str) -> tuple[str]:
    return (text,)


def read_leniently(text: bytes | msgspec.Raw, decode: Decode[T]) -> T:
    """The same, with U+FFFD for what is no character: bytes that are no UTF-8, halves of surrogate pairs. Raises
    `InvalidJSON`."""
    try:
        return decode(text)
    except msgspec.ValidationError as error:
        raise InvalidJSON(str(error), _place_in(str(error))) from None
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:
        return decode(_with_characters_only(bytes(text)))
    except msgspec.ValidationError as error:
        raise InvalidJSON(str(error), _place_in(str(error))) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidJSON(str(error)) from None


def _with_characters_only(text: bytes) -> bytes:
    text = text.decode("utf-8", "replace").encode()
    return _ESCAPES.sub(_character, text)


def _character(escape: re.Match[bytes]) -> bytes:
    is_lone = len(escape.group()) == _LONE_SURROGATE_BYTES
    return rb"\ufffd" if is_lone else escape.group()


def _place_in(words: str) -> str | None:
    """The member that msgspec's words end in: "… - at `$.a.b`"."""
    quoted = words.split("`")
    return quoted[-2].removeprefix("$.") if len(quoted) > 2 else None
