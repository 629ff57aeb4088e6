"""What the mock writes: plain words, or JSON that fits a schema, the same for the same request.

Every word is exactly one token of the mock's own tokenizer, so a text of n words is n tokens also
when it comes back as input.
"""

import msgspec

from mock_llm.selling.tokens import count_text, split_text

_TEXT = (
    "the road to the river was long and the light over the hills was warm when we set out "
    "with bread and water a map and two old coats for the rain that never came so we sang "
    "about ships and stars until night fell on the quiet field by the mill where a dog slept "
    "near the gate and a man had left a lamp in the open door then it was late and the wind "
    "moved in the tall grass like a slow green sea under the moon"
)
_WORDS = _TEXT.split()
_CAPITALS = [word.capitalize() for word in _WORDS]
_SPACED = [" " + word for word in _WORDS]
_DOUBLED = _SPACED + _SPACED

_DEPTH_MAX, _LIST_DEPTH_MAX = 12, 8
"""Schemas may refer to themselves; below these depths a value is null, and a list is empty."""

_FORMATS = {
    "date-time": "2026-11-26T12:00:00Z",
    "date": "2026-11-26",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "6b1f7f43-9d3c-4a55-8d1e-0c2f5b7a9e10",
}


def write_words(seed: int, count: int) -> list[str]:
    """`count` tokens of prose, beginning where the seed says."""
    if count <= 0:
        return []
    start = seed % len(_WORDS)
    rest = _DOUBLED[start + 1 : start + count]
    while len(rest) < count - 1:
        rest = rest + _SPACED[: count - 1 - len(rest)]
    return [_CAPITALS[start], *rest]


def write_json(seed: int, schema: dict[str, object], count: int) -> list[str]:
    """JSON that fits the schema, as near to `count` tokens as its first text field can make it."""
    bare = msgspec.json.encode(_fill(schema, "", schema, 0)).decode()
    text = "".join(write_words(seed, count - count_text(bare) + 1))
    filled = _fill(schema, text, schema, 0)
    return split_text(msgspec.json.encode(filled).decode())


def _fill(schema: object, text: str, root: dict[str, object], depth: int) -> object:
    """A value that fits the schema; the first text in it is `text`, the others are empty."""
    if not isinstance(schema, dict) or depth > _DEPTH_MAX:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        return _fill(_resolve(reference, root), text, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    for several in ("anyOf", "oneOf", "allOf"):
        if isinstance(variants := schema.get(several), list) and variants:
            return _fill(variants[0], text, root, depth + 1)
    return _fill_type(schema, text, root, depth)


def _fill_type(schema: dict[str, object], text: str, root: dict[str, object], depth: int) -> object:
    kind = schema.get("type")
    kind = str(kind[0] if isinstance(kind, list) and kind else kind).lower()
    properties = schema.get("properties")
    if isinstance(properties, dict):
        return _fill_properties(properties, text, root, depth)
    if kind == "array":
        return _fill_list(schema, text, root, depth)
    plain: dict[str, object] = {
        "integer": _within(schema),
        "number": _within(schema),
        "boolean": True,
        "null": None,
        "object": {},
    }
    return plain[kind] if kind in plain else _fill_text(schema, text)


def _fill_list(schema: dict[str, object], text: str, root: dict[str, object], depth: int) -> list[object]:
    """As many as must be, and one where there is room for it; only the first has the text."""
    if isinstance(members := schema.get("prefixItems"), list):
        return [_fill(member, "" if place else text, root, depth + 1) for place, member in enumerate(members)]
    least, most = (schema.get(bound) for bound in ("minItems", "maxItems"))
    count = int(str(least or 0)) or (0 if depth > _LIST_DEPTH_MAX or most == 0 else 1)
    return [_fill(schema.get("items"), "" if place else text, root, depth + 1) for place in range(count)]


def _within(schema: dict[str, object]) -> int:
    """Seven, or the whole number nearest to it that the bounds allow."""
    number = 7
    for bound, step in (("minimum", 0), ("exclusiveMinimum", 1)):
        if isinstance(least := schema.get(bound), int | float):
            number = max(number, int(least) + step)
    for bound, step in (("maximum", 0), ("exclusiveMaximum", 1)):
        if isinstance(most := schema.get(bound), int | float):
            number = min(number, int(most) - step)
    return number


def _fill_text(schema: dict[str, object], text: str) -> str:
    if isinstance(known := _FORMATS.get(str(schema.get("format"))), str):
        return known
    least, most = (schema.get(bound) for bound in ("minLength", "maxLength"))
    if isinstance(least, int):
        text = text.ljust(least, ".")
    return text[:most] if isinstance(most, int) else text


def _fill_properties(
    properties: dict[str, object], text: str, root: dict[str, object], depth: int
) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, schema in properties.items():
        values[name] = _fill(schema, text, root, depth + 1)
        if text and text in str(values[name]):
            text = ""
    return values


def _resolve(reference: str, root: dict[str, object]) -> object:
    found: object = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        found = found.get(step) if isinstance(found, dict) else None
    return found
