"""Everything that is wrong with a JSON body, member by member, so that its author mends it once.

A decoder stops at the first mistake. Where it has, the text is gone through once more here: each member is read by
itself, structs and lists of structs from the inside. And what a decoder says nothing of is found: a member given
twice, of which it keeps the last, and a NUL, which no database takes.

The rule easy to break: a message names members and types; the only values in it are those that a decoder quotes.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from core.refusals import FAULTS_MAX, Fault, FaultCode

_PLACE = re.compile(r" - at `\$([^`]*)`\Z")
_STEP = re.compile(r'\.([^.\[\]]+)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]')
_NAME_SHOWN = 64


def faults_of(text: bytes, kind: type[msgspec.Struct]) -> tuple[Fault, ...]:
    """What keeps a text from being a value of this type; nothing where it is no JSON at all."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return ()
    return tuple(islice(_of_struct(value, kind, ""), FAULTS_MAX))


def oddities_of(text: bytes) -> tuple[Fault, ...]:
    """Members given twice and NULs, in a text that has been read already, so that it is JSON and not deep."""
    notes = _Notes()
    value = json.loads(text, object_pairs_hook=notes.take, parse_int=len, parse_float=len)
    if not notes.repeated and b"\\u0000" not in text:
        return ()
    return tuple(islice(_oddities(value, ""), FAULTS_MAX))


def pointer_of(place: str) -> str:
    """A place such as `rules[3].condition` or `models["openai/o3"]` as a JSON pointer; it ends where a decoder names no
    member (`[...]`)."""
    rest = f".{place}" if place and place[0] not in ".[" else place
    pointer = ""
    while (step := _STEP.match(rest)) is not None:
        pointer += "/" + _escaped(json.loads(step[3]) if step[3] else step[1] or step[2])
        rest = rest[step.end() :]
    return pointer


def _escaped(name: str) -> str:
    return name[:_NAME_SHOWN].replace("~", "~0").replace("/", "~1")


def _of_struct(value: object, kind: type[msgspec.Struct], pointer: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(pointer, "wrong_type", "expected an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if kind.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                near = get_close_matches(name[:_NAME_SHOWN], fields, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                yield Fault(f"{pointer}/{_escaped(name)}", "unknown_member", f"there is no such member{hint}")
    for name, field in fields.items():
        if name in value:
            yield from _of_member(value[name], field.type, f"{pointer}/{_escaped(name)}")
        elif field.required:
            yield Fault(f"{pointer}/{_escaped(name)}", "missing_member", "is missing")


def _of_member(value: object, kind: Any, pointer: str) -> Iterator[Fault]:
    inner = _inner(kind)
    if isinstance(value, dict) and inner.struct is not None:
        yield from _of_struct(value, inner.struct, pointer)
    elif isinstance(value, dict) and inner.named is not None:
        yield from _of_value(value, dict[inner.names, Any], pointer)  # type: ignore[name-defined]
        for name, each in value.items():
            yield from _of_struct(each, inner.named, f"{pointer}/{_escaped(name)}")
    elif isinstance(value, list) and inner.listed is not None:
        for number, each in enumerate(value):
            yield from _of_struct(each, inner.listed, f"{pointer}/{number}")
        if len(value) > inner.length_max:
            yield Fault(pointer, "wrong_value", f"expected at most {inner.length_max} entries")
    else:
        yield from _of_value(value, kind, pointer)


def _of_value(value: object, kind: Any, pointer: str) -> Iterator[Fault]:
    if kind is msgspec.Raw:
        return  # whatever it is, somebody else reads it
    try:
        msgspec.convert({"member": value}, _holder(kind))
    except msgspec.ValidationError as error:
        words = str(error)
        found = _PLACE.search(words)
        words = words[: found.start()] if found else words
        below = pointer_of(found[1].removeprefix(".member")) if found else ""
        yield Fault(pointer + below, _code(words), words[:1].lower() + words[1:300])


def _code(words: str) -> FaultCode:
    if "unknown field" in words:
        return "unknown_member"
    if "missing required field" in words:
        return "missing_member"
    return "wrong_type" if ", got " in words else "wrong_value"


class _Inner(msgspec.Struct, frozen=True):
    """The struct that a member's type leads to, if it is one, a list of such, or an object of such by name."""

    struct: type[msgspec.Struct] | None = None
    listed: type[msgspec.Struct] | None = None
    named: type[msgspec.Struct] | None = None
    names: Any = str
    length_max: float = float("inf")


@cache
def _inner(kind: Any) -> _Inner:
    if get_origin(kind) is Annotated:
        bare, *notes = get_args(kind)
        found = _inner(bare)
        most = next((each.max_length for each in notes if isinstance(each, msgspec.Meta) and each.max_length), None)
        return found if most is None else msgspec.structs.replace(found, length_max=most)
    if get_origin(kind) in (Union, UnionType):
        found_in = [each for each in map(_inner, get_args(kind)) if each != _Inner()]
        return found_in[0] if len(found_in) == 1 else _Inner()  # several: which one is meant only the decoder knows
    if _is_struct(kind):
        return _Inner(struct=kind)
    parts = get_args(kind)
    if get_origin(kind) in (list, tuple) and _is_struct(parts[0]):
        return _Inner(listed=parts[0])
    if get_origin(kind) is dict and _is_struct(parts[1]):
        return _Inner(named=parts[1], names=parts[0])
    return _Inner()


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@cache
def _holder(kind: Any) -> type[msgspec.Struct]:
    """A struct with one member of this type: some types are allowed as a member's alone."""
    return msgspec.defstruct("Holder", [("member", kind)])


class _Notes:
    """What is noticed while objects are read."""

    def __init__(self) -> None:
        self.repeated = False

    def take(self, pairs: list[tuple[str, object]]) -> "_Pairs":
        self.repeated = self.repeated or len(dict(pairs)) < len(pairs)
        return _Pairs(pairs)


class _Pairs(list[tuple[str, object]]):
    """An object with all the members that it was given."""


def _oddities(value: object, pointer: str) -> Iterator[Fault]:
    if isinstance(value, str) and "\0" in value:
        yield Fault(pointer, "wrong_value", "has a NUL in it")
    elif isinstance(value, _Pairs):
        yield from _oddities_of_object(value, pointer)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _oddities(each, f"{pointer}/{number}")


def _oddities_of_object(pairs: Sequence[tuple[str, object]], pointer: str) -> Iterator[Fault]:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            yield Fault(f"{pointer}/{_escaped(name)}", "repeated_member", "is given twice")
    for name, value in pairs:
        if "\0" in name:
            yield Fault(pointer, "wrong_value", "has a member whose name has a NUL in it")
        yield from _oddities(value, f"{pointer}/{_escaped(name)}")
