"""The smallest value that a client's type of an answer takes: what is required, and the usage wherever there is one.

The rule easy to break: a usage is what an answer is billed by, so its counts are never none.
"""

import datetime
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

COUNTS = {
    "prompt_tokens": 10, "input_tokens": 10, "completion_tokens": 5, "output_tokens": 5, "total_tokens": 15
}  # fmt: skip
ALWAYS_THERE = {"usage", "finish_reason", "stop_reason", *COUNTS}
WHOLE_STREAM = (
    "message_start", "message_delta", "message_stop", "response.created", "response.completed"
)  # fmt: skip
"""Of the events that a stream may consist of, those that a finished one has; else its first will do."""
_SCALARS: Mapping[Any, Any] = {
    str: "string", int: 0, float: 0.5, bool: True, bytes: "AA==", object: {}, Any: {}, type(None): None,
    datetime.datetime: "2026-01-01T00:00:00Z", datetime.date: "2026-01-01",
}  # fmt: skip
_LISTS = (list, Sequence, Iterable)


def example(kind: Any, *, named: str = "", within: tuple[Any, ...] = ()) -> Any:
    """A value of this type, fit for JSON; `within` are the models it is part of, which it does not repeat."""
    kind, arguments, origin = _plain(kind)
    if named in COUNTS and (kind is int or int in arguments):
        return COUNTS[named]
    if kind in _SCALARS:
        return _SCALARS[kind]
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return _of_union(arguments, named=named, within=within)
    if origin in _LISTS:
        item = _plain(arguments[0])[0]
        return [] if item in within else [example(item, within=within)]
    if origin is dict or kind in (dict, Mapping) or origin is Mapping:
        return {}
    if is_typeddict(kind):
        required = get_type_hints(kind)
        return {name: example(required[name], named=name, within=(*within, kind)) for name in kind.__required_keys__}
    assert issubclass(kind, BaseModel), kind
    return _of_model(kind, (*within, kind))


def events(kind: Any) -> list[Any]:
    """The events of a whole stream."""
    variants = [example(each) for each in _variants(kind)]
    finished = [each for name in WHOLE_STREAM for each in variants if each.get("type") == name]
    return finished or variants[:1]


def joined(one: Any, other: Any) -> Any:
    """What both need; where they disagree, the first."""
    if isinstance(one, dict) and isinstance(other, dict):
        return other | one | {name: joined(one[name], other[name]) for name in one.keys() & other.keys()}
    if isinstance(one, list) and isinstance(other, list):
        return [joined(*pair) for pair in zip(one, other, strict=False)] or one or other
    return one


def _plain(kind: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """A type without its name and its annotations, its arguments and what they are arguments of."""
    while isinstance(kind, (TypeAliasType, TypeVar)) or get_origin(kind) is Annotated:
        if isinstance(kind, TypeAliasType):
            kind = kind.__value__
        elif isinstance(kind, TypeVar):
            kind = kind.__bound__ or object
        else:
            kind = get_args(kind)[0]
    return kind, get_args(kind), get_origin(kind)


def _of_union(variants: tuple[Any, ...], *, named: str, within: tuple[Any, ...]) -> Any:
    """Of its first variant that ends: one that is not what it is part of."""
    for variant in variants:
        if _plain(variant)[0] not in (type(None), *within):
            return example(variant, named=named, within=within)
    return None


def _of_model(model: type[BaseModel], within: tuple[Any, ...]) -> dict[str, Any]:
    model.model_rebuild()
    return {
        field.alias or name: example(field.annotation, named=name, within=within)
        for name, field in model.model_fields.items()
        if name in ALWAYS_THERE or not _may_be_left_out(field)
    }


def _may_be_left_out(field: FieldInfo) -> bool:
    """Not what has a default alone: the clients do not fill it in."""
    return not field.is_required() and type(None) in _plain(field.annotation)[1]


def _variants(kind: Any) -> Iterable[Any]:
    kind, arguments, origin = _plain(kind)
    if origin not in (Union, types.UnionType):
        return (kind,)
    return (each for argument in arguments for each in _variants(argument))
