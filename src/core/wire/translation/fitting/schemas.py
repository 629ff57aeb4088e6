"""JSON Schemas of tools and answers, made fit for providers that refuse a whole request for one keyword.

Gemini takes an allow-list of words and no references; what has no word there is told in the description. Anthropic
takes all of JSON Schema (draft 2020-12), but the root is one object. The original is never changed, and the same schema
always comes out as the same bytes, or a prompt's cached prefix would be lost at every turn.

The rule easy to break: a name under `properties` is the caller's own, even where it is `const` or `$ref`.
"""

import math
import re
from collections.abc import Container, Mapping

from core.bounds import JSON_DEPTH_MAX
from core.wire.translation.fitting.schema_merging import (
    CHOICES,
    ONE_OF,
    Merger,
    Place,
    Schema,
    as_schema,
    has_choice,
    is_number,
    names_in,
    outline,
    references_in,
    schemas_in,
    words_of,
)


def schema_for_gemini(schema: Schema, *, is_answer: bool = False) -> Schema:
    """The arguments of a function as Gemini's endpoints take them: an object, in words they know. An answer may be
    anything else as well."""
    fitting = _ForGemini(schema)
    return fitting.whole() if is_answer else fitting.root()


def schema_for_anthropic(schema: Schema) -> Schema:
    """The arguments of a tool as Anthropic takes them: an object at the root, what was a choice there told in words."""
    root, moved = _one_object(schema)
    fit = dict(_modern(root, JSON_DEPTH_MAX))
    if moved:
        fit["$defs"] = {
            **words_of(fit.get("$defs")),
            **{name: _modern(each, JSON_DEPTH_MAX) for name, each in moved.items()},
        }
    return fit


# Gemini ---------------------------------------------------------------------------------------------------------

_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object"))
_FORMATS = {
    "string": frozenset(("date-time", "enum")),
    "integer": frozenset(("int32", "int64")),
    "number": frozenset(("float", "double")),
}
_COUNTS = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}
_TOLD = (
    "format", "const", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains",
    "prefixItems", "minProperties", "maxProperties", "patternProperties", "propertyNames", "additionalProperties",
    "unevaluatedProperties", "dependentRequired", "dependentSchemas", "dependencies", "anyOf", "oneOf", ONE_OF, "not",
    "if", "then", "else", "contentEncoding", "contentMediaType", "default", "examples", "deprecated",
)  # fmt: skip
"""Words that say something of a value, in the order in which the description tells those that were lost."""

_ALL_BUT_ONE_OF = frozenset(_TOLD) - {ONE_OF}
_VALUES = ("default", "const", "enum", "examples")
_OPEN = ("additionalProperties", "unevaluatedProperties")
_SAYING = ("description", "title")
_EXACT_MAX = 2**53
_IMPLIED = (
    ("object", ("properties", "required", "additionalProperties", "patternProperties", "propertyNames",
                "minProperties", "maxProperties")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    ("string", ("pattern", "minLength", "maxLength", "format")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)  # fmt: skip
_ANY: Schema = {
    "anyOf": [
        *({"type": kind} for kind in ("string", "number", "boolean", "object")),
        {"type": "array", "items": {"type": "string"}},
    ]
}
"""Of a value of which nothing is said; a schema without a type is refused."""


class _ForGemini:
    """One schema on its way."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._merger = Merger(schema)

    def whole(self) -> Schema:
        return self._fit(self._schema, Place())

    def root(self) -> Schema:
        flat, place = self._merger.flat(self._schema, Place())
        if has_choice(flat):
            flat, place = self._merger.united(flat, place)
        return self._typed({**flat, "type": "object"}, "object", place)

    def _fit(self, node: object, place: Place) -> Schema:
        schema = as_schema(node)
        if schema is None or place.is_too_deep:
            return _ANY
        flat, place = self._merger.flat(schema, place)
        kinds, is_nullable = _kinds(flat)
        if has_choice(flat) and (kinds == ["object"] or "properties" in flat):
            flat, place = self._merger.united({**flat, "type": "object"}, place)
            kinds = ["object"]
        if not kinds:
            return self._choice(flat, place) if has_choice(flat) else _described(_ANY, flat, told=_lost(flat, ()))
        if len(kinds) == 1:
            return self._typed(flat, kinds[0], place, is_nullable=is_nullable)
        unsaid = {word: value for word, value in flat.items() if word not in _SAYING}
        branches = [self._typed(unsaid, kind, place) for kind in kinds]
        return _described(_nullable({"anyOf": branches}, is_nullable), flat, told={})

    def _choice(self, flat: Schema, place: Place) -> Schema:
        """One of several schemas; null is none of them, but makes the others nullable."""
        word = next(each for each in CHOICES if isinstance(flat.get(each), list))
        branches: list[Schema] = []
        is_nullable = False
        for each in schemas_in(flat[word]):
            if _is_null(each):
                is_nullable = True
                continue
            branch = self._fit(each, place.below())
            if branch not in branches[-3:]:
                branches.append(branch)
        branches = _one_enum(branches)
        if not branches:
            branches = [{"type": "string"}]
        chosen = branches[0] if len(branches) == 1 else {"anyOf": branches}
        return _described(_nullable(chosen, is_nullable), flat, told=_lost(flat, (word,)))

    def _typed(self, flat: Schema, kind: str, place: Place, *, is_nullable: bool = False) -> Schema:
        fit: dict[str, object] = {"type": kind}
        kept = {"type"}
        if kind == "object":
            kept |= self._add_properties(fit, flat, place)
        elif kind == "array":
            kept.add("items")
            flat = {**flat, "prefixItems": flat["items"]} if isinstance(flat.get("items"), list) else flat
            fit["items"] = self._items(flat, place)
        elif kind == "string":
            kept |= _add_enum(fit, flat)
        else:
            kept |= _add_bounds(fit, flat, is_whole=kind == "integer")
        kept |= _add_simple(fit, flat, kind)
        return _described(_nullable(fit, is_nullable), flat, told=_lost(flat, kept))

    def _add_properties(self, fit: dict[str, object], flat: Schema, place: Place) -> set[str]:
        properties = {
            name: self._fit(schema, place.below())
            for name, schema in words_of(flat.get("properties")).items()
            if schema is not False
        }
        needed = [name for name in names_in(flat.get("required")) if name in properties]
        if properties:
            fit["properties"] = properties
        if needed:
            fit["required"] = list(dict.fromkeys(needed))
        return {"properties", "required"}

    def _items(self, flat: Schema, place: Place) -> Schema:
        """Of a list whose places have schemas of their own, one of those."""
        items = flat.get("items")
        if isinstance(items, Mapping):
            return self._fit(items, place.below())
        places = items if isinstance(items, list) else flat.get("prefixItems")
        if schemas := schemas_in(places):
            return self._fit({"anyOf": schemas}, place)
        return _ANY


def _kinds(flat: Schema) -> tuple[list[str], bool]:
    """Which types a value may be of, and whether it may be null."""
    stated = flat.get("type")
    names = [each.lower() for each in (stated if isinstance(stated, list) else [stated]) if isinstance(each, str)]
    kinds = list(dict.fromkeys(each for each in names if each in _TYPES))
    values = _values(flat)
    is_nullable = "null" in names or flat.get("nullable") is True or (values is not None and None in values)
    if kinds == ["number", "integer"] or kinds == ["integer", "number"]:
        kinds = ["number"]
    if not kinds and "null" in names:
        kinds = ["string"]
    if not kinds and not has_choice(flat):
        kinds = _implied(flat, values)
    return kinds, is_nullable


def _implied(flat: Schema, values: list[object] | None) -> list[str]:
    if values:
        types = {type(value) for value in values if value is not None}
        if types == {bool}:
            return ["boolean"]
        if types and types <= {int, float}:
            return ["integer" if types == {int} else "number"]
        return ["string"]
    return next(([kind] for kind, words in _IMPLIED if any(word in flat for word in words)), [])


def _values(flat: Schema) -> list[object] | None:
    """All that it may be, where that is said."""
    if "const" in flat:
        return [flat["const"]]
    values = flat.get("enum")
    return values if isinstance(values, list) else None


def _add_enum(fit: dict[str, object], flat: Schema) -> set[str]:
    """Texts only, none of them empty."""
    values = _values(flat)
    if not values:
        return set()
    texts = list(dict.fromkeys(value for value in values if isinstance(value, str) and value))
    is_whole = all(value is None or (isinstance(value, str) and value) for value in values)
    if not texts:
        return set()
    if is_whole:
        fit["enum"] = texts
    return {"enum", "const"} if is_whole else set()


def _add_bounds(fit: dict[str, object], flat: Schema, *, is_whole: bool) -> set[str]:
    """A bound that is excluded is the next whole number; of other numbers it is told."""
    kept = set()
    for word, excluding, step in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        bound, beyond = flat.get(word), flat.get(excluding)
        if beyond is True:  # as drafts up to 4 say that `bound` is excluded
            bound, beyond = None, bound
        limits = [bound] if is_number(bound) else []
        if is_number(beyond):
            limits.append(_next(beyond, step) if is_whole else beyond)
            kept |= {excluding} if is_whole else set()
        if limits:
            fit[word] = max(limits) if step == 1 else min(limits)
            kept.add(word)
    return kept


def _next(bound: float, step: int) -> float:
    """The first whole number beyond a bound, as far as doubles tell them apart."""
    if abs(bound) >= _EXACT_MAX:
        return bound
    return math.floor(bound) + 1 if step == 1 else math.ceil(bound) - 1


def _add_simple(fit: dict[str, object], flat: Schema, kind: str) -> set[str]:
    kept = set()
    for word in _COUNTS.get(kind, ()):
        count = flat.get(word)
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            fit[word] = count
            kept.add(word)
    if kind == "string" and isinstance(flat.get("pattern"), str):
        fit["pattern"] = flat["pattern"]
        kept.add("pattern")
    named = flat.get("format")
    if isinstance(named, str) and named in _FORMATS.get(kind, ()):
        fit["format"] = named
        kept.add("format")
    return kept


def _lost(flat: Schema, kept: Container[str]) -> Schema:
    """The words that say something and are not kept."""
    return {word: flat[word] for word in _TOLD if word in flat and word not in kept and _says(word, flat[word])}


def _says(word: str, value: object) -> bool:
    if word in _VALUES:
        return value is not None
    if word == "propertyNames" and value == {"type": "string"}:
        return False
    return (bool(value) or is_number(value)) and not (value is True and word in _OPEN)


def _described(fit: Schema, flat: Schema, *, told: Schema) -> Schema:
    """With what is said of it, and what was lost."""
    words = next((text for word in _SAYING if isinstance(text := flat.get(word), str) and text), fit.get("description"))
    said = words.strip() if isinstance(words, str) else ""
    if told:
        lost = "; ".join(f"{word}: {outline(value)[0]}" for word, value in told.items())
        said = f"{said} ({lost})".strip()
    if not said:
        return fit
    return (
        {name: fit[name] for name in ("type",) if name in fit}
        | {"description": said}
        | {name: value for name, value in fit.items() if name not in ("type", "description")}
    )


def _nullable(fit: Schema, is_nullable: bool) -> Schema:
    return {**fit, "nullable": True} if is_nullable else fit


def _is_null(schema: Schema) -> bool:
    return schema.get("type") in ("null", ["null"]) or _values(schema) == [None]


def _one_enum(branches: list[Schema]) -> list[Schema]:
    """Several lists of texts are one."""
    lists = [branch.get("enum") for branch in branches if branch.keys() == {"type", "enum"}]
    if len(branches) < 2 or len(lists) < len(branches):
        return branches
    return [{"type": "string", "enum": list(dict.fromkeys(text for texts in lists for text in _texts(texts)))}]


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


# Anthropic ------------------------------------------------------------------------------------------------------

_APART = ("$ref", "allOf", *CHOICES)
_SIMPLE_TYPES = frozenset((*_TYPES, "null"))
_BY_NAME = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
_EACH = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_ONE = frozenset(
    ("items", "additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "contains",
     "propertyNames", "not", "if", "then", "else")
)  # fmt: skip
_MOVED = re.compile("#/(allOf|anyOf|oneOf)/([0-9]{1,6})(?=/|$)")


def _one_object(schema: Schema) -> tuple[Schema, dict[str, Schema]]:
    """The root as an object alone; and of what stood in its choices what something refers to, by its new name."""
    if schema.get("type") == "object" and not any(word in schema for word in _APART):
        return schema, {}
    merger = Merger(schema)
    flat, place = merger.flat(schema, Place())
    if has_choice(flat):
        flat, _ = merger.united(flat, place)
    kept = {word: value for word, value in flat.items() if word not in (*_APART, "type", ONE_OF)}
    root: Schema = {"type": "object", "properties": {}, **kept}
    if told := _lost(flat, _ALL_BUT_ONE_OF):
        root = _described(root, kept, told=told)
    referred = {found.group() for found in map(_MOVED.match, references_in(schema)) if found}
    moved = {_new_name(reference): merger.target(reference) for reference in sorted(referred)}
    return root, {name: each for name, each in moved.items() if each is not None}


def _new_name(reference: str) -> str:
    return "root." + reference.removeprefix("#/").replace("/", ".")


def _modern(node: Schema, depth: int) -> Schema:
    """In the words of draft 2020-12, references to what was moved following it. Beyond the depth nothing is changed."""
    if depth == 0:
        return node
    fit = {word: _modern_value(word, value, depth - 1) for word, value in node.items()}
    if isinstance(fit.get("items"), list):
        fit["prefixItems"] = [_modern(each, depth - 1) for each in schemas_in(fit.pop("items"))]
        if "additionalItems" in fit:
            fit["items"] = fit.pop("additionalItems")
    for word, excluding in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(excluded := fit.get(excluding), bool):
            del fit[excluding]
            if excluded and word in fit:
                fit[excluding] = fit.pop(word)
    if isinstance(fit.get("required"), bool):
        del fit["required"]
    if "type" in fit and not _is_type(fit["type"]):
        del fit["type"]
    return fit


def _modern_value(word: str, value: object, depth: int) -> object:
    if word in _BY_NAME and isinstance(value, Mapping):
        return {name: _modern(each, depth) if isinstance(each, Mapping) else each for name, each in value.items()}
    if word in _EACH and isinstance(value, list):
        return [_modern(each, depth) if isinstance(each, Mapping) else each for each in value]
    if word in _ONE and isinstance(value, Mapping):
        return _modern(value, depth)
    if word == "$ref" and isinstance(value, str):
        return _MOVED.sub(lambda found: f"#/$defs/{_new_name(found.group())}", value, count=1)
    return value


def _is_type(kind: object) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return bool(kinds) and all(isinstance(each, str) and each in _SIMPLE_TYPES for each in kinds)
