"""The JSON schemas of our types: msgspec's own, in the form that OpenAPI 3.1's tools expect.

What may be null is a list of types. A name in prose is written once: descriptions are docstrings, unwrapped.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

REFERENCES = "#/components/schemas/"

Schema = dict[str, Any]

_NULL = {"type": "null"}


def schemas_of(kinds: Iterable[type[Any]]) -> tuple[dict[type[Any], Schema], dict[str, Schema]]:
    """What refers to each of these types, and the schemas referred to by name."""
    ordered = sorted(set(kinds), key=lambda kind: (kind.__name__, kind.__module__))
    references, named = msgspec.json.schema_components(ordered, ref_template=REFERENCES + "{name}")
    return dict(zip(ordered, references, strict=True)), {name: _plain(schema) for name, schema in named.items()}


def members_of(kind: type[msgspec.Struct]) -> tuple[dict[str, Schema], frozenset[str]]:
    """A struct's members by their names, and which of them have to be there."""
    references, named = schemas_of([kind])
    shape = named[references[kind]["$ref"].removeprefix(REFERENCES)]
    return shape["properties"], frozenset(shape.get("required", ()))


def _plain(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    said = {
        name: value if name in ("default", "enum", "examples", "const") else _plain(value)
        for name, value in schema.items()
    }
    if isinstance(said.get("description"), str):
        said["description"] = " ".join(said["description"].split())
    return _nullable(said)


def _nullable(schema: Schema) -> Schema:
    """`anyOf` a type and null as that type or null."""
    either = schema.get("anyOf", [])
    others = [each for each in either if each != _NULL]
    if len(either) != 2 or len(others) != 1 or "$ref" in others[0] or "anyOf" in others[0]:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    only = dict(others[0])
    if "enum" in only:
        only["enum"] = [*only["enum"], None]
    if "type" in only:
        only["type"] = [only["type"], "null"]
    return {**only, **rest}
