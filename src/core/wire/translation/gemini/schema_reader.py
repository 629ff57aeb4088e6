"""Gemini's `Schema`, a part of OpenAPI's with types in capitals, as JSON Schema.

The rule easy to break: a name under `properties` is the caller's own, whatever keyword it looks like.
"""

from collections.abc import Mapping

from core.bounds import JSON_DEPTH_MAX
from core.wire.media.walk import folded
from core.wire.shortest_json import NUMBERED_TYPES
from core.wire.translation.conversation import Untranslatable

_WORDS: dict[str, str] = {
    folded(word): word
    for word in (
        "type", "format", "title", "description", "nullable", "enum", "items", "prefixItems", "properties", "required",
        "anyOf", "oneOf", "allOf", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength",
        "minProperties", "maxProperties", "pattern", "default", "example", "propertyOrdering", "additionalProperties",
        "$defs", "$ref",
    )
} | {"defs": "$defs", "ref": "$ref"}  # fmt: skip
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_BOUNDS = frozenset(("minimum", "maximum"))
_BY_NAME = frozenset(("properties", "$defs"))
_EACH = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_ONE = frozenset(("items", "additionalProperties"))
_NULL = {"type": "null"}


def read_schema(schema: object) -> Mapping[str, object]:
    """Raises `Untranslatable`."""
    found = _read(schema, JSON_DEPTH_MAX)
    if not isinstance(found, dict):
        raise Untranslatable("body")
    return found


def _read(schema: object, depth: int) -> object:
    if depth == 0:
        raise Untranslatable("body")
    if not isinstance(schema, dict):
        return schema
    named = ((_WORDS.get(folded(name), str(name)), value) for name, value in schema.items() if value is not None)
    read = {word: _value(word, value, depth - 1) for word, value in named}
    _say_type(read)
    _put_in_order(read)
    if (example := read.pop("example", None)) is not None:
        read["examples"] = [example]
    return _nullable(read) if read.pop("nullable", False) is True else read


def _value(word: str, value: object, depth: int) -> object:
    if word in _BY_NAME and isinstance(value, dict):
        return {name: _read(inner, depth) for name, inner in value.items()}
    if word in _EACH and isinstance(value, list):
        return [_read(inner, depth) for inner in value]
    if word in _ONE:
        return _read(value, depth)
    if word in _COUNTS or word in _BOUNDS:
        return _number(value)
    return value


def _say_type(read: dict[str, object]) -> None:
    kind = read.get("type")
    if type(kind) is int:
        kind = NUMBERED_TYPES.get(kind, "type_unspecified")
    if isinstance(kind, list):
        read["type"] = [each.lower() if isinstance(each, str) else each for each in kind]
    elif isinstance(kind, str):
        read["type"] = kind = kind.lower()
        if kind == "type_unspecified":
            del read["type"]
    values = read.get("enum")
    if kind in ("integer", "number") and isinstance(values, list):  # the values of its `enum` are texts all the same
        read["enum"] = [_number(value) for value in values]


def _number(value: object) -> object:
    """Of a number that is written as a text, as protobuf writes those of 64 bits."""
    if not isinstance(value, str) or len(value) > 40:
        return value
    for kind in (int, float):
        try:
            found = kind(value)
        except ValueError:
            continue
        return found if abs(found) < float("inf") else value
    return value


def _put_in_order(read: dict[str, object]) -> None:
    """The order of the properties is the one in which they are to be written."""
    order, properties = read.pop("propertyOrdering", None), read.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
        read["properties"] = first | properties


def _nullable(read: dict[str, object]) -> dict[str, object]:
    kind, choices = read.get("type"), read.get("anyOf")
    if isinstance(choices, list):
        return read | {"anyOf": choices if _NULL in choices else [*choices, _NULL]}
    if "$ref" in read:
        return {"anyOf": [read, _NULL]}
    if isinstance(kind, str) and kind != "null":
        read["type"] = [kind, "null"]
    elif isinstance(kind, list) and "null" not in kind:
        read["type"] = [*kind, "null"]
    values = read.get("enum")
    if isinstance(values, list) and None not in values:
        read["enum"] = [*values, None]
    return read
