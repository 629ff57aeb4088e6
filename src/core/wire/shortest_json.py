"""How many tokens the shortest JSON has that a schema allows.

An estimate, by what no valid answer goes without: the names of required members, the brackets around them, the least of
items, the shortest of alternatives. Each part of the schema is looked at once, a definition that is referred to often
included, so the time is linear in its bytes. The rule easy to break: what is not understood is short, never long, since
a call is refused for what is long.
"""

from collections.abc import Mapping

SHORTEST_TOKENS_MAX = 8_000
"""An ample answer: nobody is refused for the sake of a longer one."""

_DEPTH_MAX = 64
"""Of values within each other. Definitions may refer to further ones without end."""

_CHARACTERS_PER_TOKEN = 4
_BRACKETS = 2
_MEMBER = 2
"""The quotes around a member's name, and what stands between it and its value."""
_TEXT = 4
"""A text of a word or two with its quotes: an empty one is allowed, and no use."""
_FORMATS = {"uuid": 24, "date-time": 14, "date": 7, "time": 7, "email": 8, "uri": 8}
_ANYTHING = 1

NUMBERED_TYPES = {1: "string", 2: "number", 3: "integer", 4: "boolean", 5: "array", 6: "object", 7: "null"}
"""The numbers that stand for them in Gemini's schemas (google/ai/generativelanguage, `Type`)."""

Schema = Mapping[str, object]


def shortest_tokens(schema: object) -> int:
    """The estimate, for a schema as JSON Schema, OpenAPI or Gemini write it."""
    return _Sizing(schema).tokens(schema, 0)


class _Sizing:
    """One schema, and what its parts come to."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._known: dict[int, int] = {}
        """By the part's identity. A part within itself is short: whatever ends there may."""

    def tokens(self, schema: object, depth: int) -> int:
        if not isinstance(schema, dict) or depth > _DEPTH_MAX:
            return _ANYTHING
        if id(schema) not in self._known:
            self._known[id(schema)] = _ANYTHING
            self._known[id(schema)] = self._worked_out(schema, depth)
        return self._known[id(schema)]

    def _worked_out(self, schema: Schema, depth: int) -> int:
        if schema.get("nullable") is True:
            return _ANYTHING
        shortest = [_ANYTHING, self._stated(schema, depth)]
        if isinstance(reference := schema.get("$ref"), str):
            shortest.append(self.tokens(self._definition(reference), depth + 1))
        shortest += [self.tokens(part, depth + 1) for part in _list(schema.get("allOf"))]
        for name in ("anyOf", "oneOf"):
            if parts := _list(schema.get(name)):
                shortest.append(min(self.tokens(part, depth + 1) for part in parts))
        return min(max(shortest), SHORTEST_TOKENS_MAX)

    def _stated(self, schema: Schema, depth: int) -> int:
        """What the schema says itself, without what else it is put together from: all of that is said of one value, in
        which a member that two of them require stands once."""
        if "const" in schema:
            return _literal(schema["const"])
        if values := _list(schema.get("enum")):
            return min(map(_literal, values))
        stated = schema.get("type")
        kinds = [_kind(kind) for kind in (stated if isinstance(stated, list) else [stated])]
        if stated is None:
            kinds = [kind for kind, name in (("object", "properties"), ("array", "items")) if name in schema]
        return min((self._of_kind(kind, schema, depth) for kind in dict.fromkeys(kinds)), default=0)

    def _of_kind(self, kind: str, schema: Schema, depth: int) -> int:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "string":
            least = -(-_count(schema.get("minLength")) // _CHARACTERS_PER_TOKEN)
            return max(_FORMATS.get(str(schema.get("format")), _TEXT), least)
        return _ANYTHING

    def _object(self, schema: Schema, depth: int) -> int:
        properties = schema.get("properties")
        known: Schema = properties if isinstance(properties, dict) else {}
        tokens = _BRACKETS
        for name in dict.fromkeys(name for name in _list(schema.get("required")) if isinstance(name, str)):
            tokens += _MEMBER + _letters(name) + self.tokens(known.get(name), depth + 1)
        return tokens

    def _array(self, schema: Schema, depth: int) -> int:
        items = _count(schema.get("minItems", schema.get("min_items")))
        firsts = _list(schema.get("prefixItems"))[:items]
        tokens = _BRACKETS + sum(self.tokens(first, depth + 1) for first in firsts) + items
        rest = items - len(firsts)
        return tokens + (rest * self.tokens(schema.get("items"), depth + 1) if rest else 0)

    def _definition(self, reference: str) -> object:
        found = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found


def _kind(stated: object) -> str:
    return NUMBERED_TYPES.get(stated, "") if type(stated) is int else str(stated).lower()


def _literal(value: object) -> int:
    return _TEXT // 2 + _letters(value) if isinstance(value, str) else _ANYTHING


def _letters(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _count(value: object) -> int:
    """Google writes whole numbers as texts, too."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    return min(value, SHORTEST_TOKENS_MAX) if isinstance(value, int) and value > 0 else 0


def _list(value: object) -> list[object]:
    """Google reads one alone as a list of one."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str | dict) else []
