"""Several JSON Schemas as one: what a `$ref` stands for, all of an `allOf`, and the branches of a choice.

A merged schema says what holds for all of its parts, or of a choice what holds whichever branch is taken: properties
are united, what `allOf` requires is united, what the branches of `anyOf` and `oneOf` require is what all of them do.

Theory of operation. A schema of a few hundred bytes can stand for one of any size: references that name two more each,
or themselves. So whatever lies behind a reference is paid for from one allowance for the whole schema, a reference is
followed twice at most inside itself, and beyond either the place holder of its type stands. All else is looked at once.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TypeGuard, TypeVar
from urllib.parse import unquote

import msgspec

T = TypeVar("T")

Schema = Mapping[str, object]

NODES_BEHIND_REFERENCES_MAX = 2_000
"""Of schemas and their keywords. The largest of real tools, written out, have some hundreds."""

REPEATS_MAX = 2
"""How often a reference is followed inside itself: a tree's node, and what its children look like."""

DEPTH_MAX = 28
"""How deeply schemas may stand in each other, written out: each is two levels of JSON. Real ones reach some fifteen."""

CHOICES = ("anyOf", "oneOf")

ONE_OF = "needs one of"
"""A word of our own, for which there is no keyword: what the branches of a choice require, apart from each other."""

_INDEX_DIGITS_MAX = 6
_PLAIN_TYPES = frozenset(("string", "number", "integer", "boolean"))
_AT_LEAST = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_AT_MOST = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))


class Place(msgspec.Struct, frozen=True):
    """Where in the written-out schema something stands."""

    references: tuple[str, ...] = ()
    """That were followed to it."""
    depth: int = 0

    @property
    def is_too_deep(self) -> bool:
        return self.depth >= DEPTH_MAX

    def below(self) -> "Place":
        return Place(self.references, self.depth + 1)

    def behind(self, reference: str) -> "Place":
        return Place((*self.references, reference), self.depth + 1)

    def with_all(self, places: Iterable["Place"]) -> "Place":
        """Of what was put together from several places that lie behind this one."""
        known = len(self.references)
        further = [reference for place in places for reference in place.references[known:]]
        return Place((*self.references, *further), self.depth)


class Merger:
    """Of the parts of one schema."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._left = NODES_BEHIND_REFERENCES_MAX
        self._pointed: dict[str, object] = {}

    def flat(self, node: Schema, place: Place) -> tuple[Schema, Place]:
        """The same without `$ref` and `allOf`, and the place of what stands in it."""
        if "$ref" not in node and "allOf" not in node:
            self._pay(node, place)
            return node, place
        merged = _Merged()
        places = []
        for part, where in self._parts(node, place):
            merged.add(part)
            places.append(where)
        return merged.schema(), place.with_all(places)

    def united(self, node: Schema, place: Place) -> tuple[Schema, Place]:
        """A schema of objects without the choices at its top. What the branches require apart is its `one of`."""
        places = []
        merged = _Merged()
        merged.add({name: value for name, value in node.items() if name not in CHOICES})
        for word in CHOICES:
            branches = []
            for branch in schemas_in(node.get(word)):
                flat, where = self.flat(branch, place.below())
                if has_choice(flat) and not where.is_too_deep:
                    flat, where = self.united(flat, where)
                branches.append(flat)
                places.append(where)
            merged.add(_either([branch for branch in branches if _is_of_objects(branch)]))
        return merged.schema(), place.with_all(places)

    def _parts(self, node: Schema, place: Place) -> Iterator[tuple[Schema, Place]]:
        """What holds for a node, its own words first."""
        own = {name: value for name, value in node.items() if name not in ("$ref", "allOf")}
        self._pay(own, place)
        yield own, place
        reference = node.get("$ref")
        if isinstance(reference, str):
            target = self.target(reference)
            if target is None or not self._may_follow(reference, place):
                yield place_holder(reference, target), place
            else:
                yield self.flat(target, place.behind(reference))
        if not place.is_too_deep:
            for part in schemas_in(node.get("allOf")):
                yield self.flat(part, place.below())

    def _may_follow(self, reference: str, place: Place) -> bool:
        return self._left > 0 and place.references.count(reference) < REPEATS_MAX and not place.is_too_deep

    def _pay(self, node: Schema, place: Place) -> None:
        if place.references:
            self._left -= 1 + sum(len(value) if isinstance(value, Mapping | list) else 1 for value in node.values())

    def target(self, reference: str) -> Schema | None:
        """What a reference within the schema points to."""
        if reference not in self._pointed:
            self._pointed[reference] = _found(self._root, reference)
        return as_schema(self._pointed[reference])


class _Merged:
    """Schemas that hold together. Of words that cannot be joined the first one counts."""

    def __init__(self) -> None:
        self._words: dict[str, object] = {}
        self._properties: dict[str, list[object]] = {}
        self._required: dict[str, None] = {}

    def add(self, part: Schema) -> None:
        for name, value in part.items():
            if name == "properties" and isinstance(value, Mapping):
                for each, schema in value.items():
                    same = self._properties.setdefault(each, [])
                    if not any(schema is other for other in same[-3:]):
                        same.append(schema)
            elif name == "required" and isinstance(value, list):
                self._required |= dict.fromkeys(each for each in value if isinstance(each, str))
            elif name not in self._words:
                self._words[name] = value
            elif name in CHOICES:
                self._words[ONE_OF] = value
            else:
                self._words[name] = _both(name, self._words[name], value)

    def schema(self) -> Schema:
        properties = {
            name: schemas[0] if len(schemas) == 1 else {"allOf": schemas} for name, schemas in self._properties.items()
        }
        more = {"properties": properties} if properties else {}
        return self._words | more | ({"required": list(self._required)} if self._required else {})


def _both(name: str, first: object, second: object) -> object:
    """What holds where both do."""
    if name == "items" and isinstance(first, Mapping) and isinstance(second, Mapping) and first is not second:
        return {"allOf": [first, second]}
    if name == "type":
        return _common_type(first, second)
    if name == "enum" and isinstance(first, list) and isinstance(second, list):
        allowed = {msgspec.json.encode(each) for each in second if not isinstance(each, dict | list)}
        return [each for each in first if not isinstance(each, dict | list) and msgspec.json.encode(each) in allowed]
    if name in _AT_LEAST and is_number(first) and is_number(second):
        return max(first, second)
    if name in _AT_MOST and is_number(first) and is_number(second):
        return min(first, second)
    return first


def _common_type(first: object, second: object) -> object:
    """The narrower of two; the first where they have nothing in common."""
    firsts, seconds = ([each] if isinstance(each, str) else each for each in (first, second))
    if not isinstance(firsts, list) or not isinstance(seconds, list):
        return first
    both = [each for each in firsts if each in seconds or (each == "integer" and "number" in seconds)]
    if "number" in firsts and "integer" in seconds and "integer" not in both:
        both = ["integer" if each == "number" else each for each in both] or ["integer"]
    return first if not both else both[0] if len(both) == 1 else both


def _either(branches: list[Schema]) -> Schema:
    """What holds whichever of these does, for an object."""
    if not branches:
        return {}
    properties: dict[str, list[object]] = {}
    required: dict[str, int] = {}
    for branch in branches:
        for name, schema in words_of(branch.get("properties")).items():
            properties.setdefault(name, []).append(schema)
        for name in names_in(branch.get("required")):
            required[name] = required.get(name, 0) + 1
    common = [name for name, count in required.items() if count == len(branches)]
    shared = frozenset(common)
    apart = [_needs(branch, shared) for branch in branches]
    merged: dict[str, object] = {"properties": {name: _choice(schemas) for name, schemas in properties.items()}}
    if common:
        merged["required"] = common
    if any(apart) and len(branches) > 1:
        merged[ONE_OF] = apart
    return merged


def _needs(branch: Schema, shared: Container[str]) -> list[str]:
    """What a branch requires that not all do, and the values by which it is told from the others."""
    properties = words_of(branch.get("properties"))
    marks = [
        f"{name}: {words['const']}"
        for name, schema in properties.items()
        if name in shared and isinstance((words := words_of(schema)).get("const"), str)
    ]
    return marks + [name for name in names_in(branch.get("required")) if name not in shared]


def _choice(schemas: list[object]) -> object:
    """Of one property's schemas in several branches."""
    different = list({_key(schema): schema for schema in reversed(schemas)}.values())[::-1]
    return different[0] if len(different) == 1 else {"anyOf": different}


def place_holder(reference: str, target: Schema | None) -> Schema:
    """What stands where a reference is not followed."""
    kind = target.get("type") if target is not None else None
    name = unquote(reference.rpartition("/")[2])[:60]
    described = {"description": f"like {name}"} if name not in ("", "#") else {}
    return {"type": kind if isinstance(kind, str) and kind in _PLAIN_TYPES else "object", **described}


def _key(schema: object) -> object:
    """The same for schemas that are alike, as far as a look at their beginning tells."""
    text, is_whole = outline(schema)
    return text if is_whole else id(schema)


_OUTLINE_VALUES_MAX = 60
_OUTLINE_DEPTH_MAX = 6
_OUTLINE_CHARACTERS_MAX = 400


def outline(value: object) -> tuple[str, bool]:
    """The JSON text of a value, and whether that is all of it: of one that is large or deep the beginning."""
    left = [_OUTLINE_VALUES_MAX]
    text = msgspec.json.encode(_beginning(value, _OUTLINE_DEPTH_MAX, left)).decode()
    is_whole = left[0] > 0 and len(text) <= _OUTLINE_CHARACTERS_MAX
    return (text if is_whole else text[:_OUTLINE_CHARACTERS_MAX] + "…"), is_whole


def _beginning(value: object, depth: int, left: list[int]) -> object:
    left[0] -= 1
    if depth == 0 and isinstance(value, Mapping | list):
        left[0] -= _OUTLINE_VALUES_MAX * bool(value)
        return [] if isinstance(value, list) else {}
    if isinstance(value, str):
        return value[:_OUTLINE_CHARACTERS_MAX]
    if isinstance(value, Mapping):
        return {name: _beginning(inner, depth - 1, left) for name, inner in _some(value.items(), left)}
    if isinstance(value, list):
        return [_beginning(inner, depth - 1, left) for inner in _some(value, left)]
    return value


def _some(values: Iterable[T], left: list[int]) -> Iterator[T]:
    """The first of them, while there is some left."""
    for value in values:
        if left[0] <= 0:
            return
        yield value


def _found(root: Schema, reference: str) -> object:
    steps = unquote(reference).split("/")
    if steps[0] != "#":
        return None
    value: object = root
    for step in steps[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and len(name) <= _INDEX_DIGITS_MAX:
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def as_schema(value: object) -> Schema | None:
    return value if isinstance(value, Mapping) else None


def words_of(value: object) -> Schema:
    """The members of an object; none of what is none."""
    return value if isinstance(value, Mapping) else {}


def schemas_in(value: object) -> list[Schema]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def names_in(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def has_choice(schema: Schema) -> bool:
    return any(isinstance(schema.get(word), list) for word in CHOICES)


def references_in(schema: Schema) -> Iterator[str]:
    """All that stand somewhere in it."""
    waiting: list[object] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            if isinstance(reference := value.get("$ref"), str):
                yield reference
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _is_of_objects(schema: Schema) -> bool:
    kind = schema.get("type", "object")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
