"""The shortest JSON of a schema, estimated: against documents written by hand, and in time that is linear in its bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money.text_size import text_tokens
from core.wire.shortest_json import SHORTEST_TOKENS_MAX, shortest_tokens
from tests.support.growth import least_ratio

STRING, NULLABLE = {"type": "string"}, {"type": ["string", "null"]}


def an_object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


TREE = {
    "$defs": {"node": an_object(name=STRING, children={"type": "array", "items": {"$ref": "#/$defs/node"}})},
    "$ref": "#/$defs/node",
}
PERSON = an_object(
    name=STRING, age={"type": "integer"}, is_member={"type": "boolean"}, role={"enum": ["administrator", "guest"]}
)
SHORTEST: dict[str, tuple[Any, Any]] = {
    "an object": (PERSON, {"name": "Al Bo", "age": 7, "is_member": True, "role": "guest"}),
    "optional members": (an_object([], a=STRING, b=PERSON), {}),
    "members without a schema": ({"type": "object", "required": ["anything_at_all"]}, {"anything_at_all": 1}),
    "a list": ({"type": "array", "items": PERSON}, []),
    "a list of several": (
        {"type": "array", "items": an_object(word=STRING), "minItems": 20}, [{"word": "a word"}] * 20,
    ),
    "a list that begins": (
        {"type": "array", "prefixItems": [PERSON], "items": STRING, "minItems": 2},
        [{"name": "Al Bo", "age": 7, "is_member": True, "role": "guest"}, "a word"],
    ),
    "null, where it may be": (an_object(first_name=NULLABLE, last_name=NULLABLE), {"first_name": None, "last_name": None}),
    "the shorter of two": ({"anyOf": [PERSON, an_object(error=STRING)]}, {"error": "a word"}),
    "both of two": ({"allOf": [an_object(left=STRING), an_object(right=STRING)]}, {"left": "a word", "right": "b word"}),
    "one value, said twice": (
        {"$defs": {"person": PERSON}, "$ref": "#/$defs/person", "allOf": [PERSON, {"$ref": "#/$defs/person"}], **PERSON},
        {"name": "Al Bo", "age": 7, "is_member": True, "role": "guest"},
    ),
    "one value, narrowed": (
        {**PERSON, "anyOf": [PERSON, an_object(**PERSON["properties"], more=STRING)], "oneOf": [PERSON]},
        {"name": "Al Bo", "age": 7, "is_member": True, "role": "guest"},
    ),
    "a definition, narrowed": (
        {"$defs": {"person": PERSON}, "$ref": "#/$defs/person", **an_object(name=STRING)},
        {"name": "Al Bo", "age": 7, "is_member": True, "role": "guest"},
    ),
    "a definition": (
        {"definitions": {"person": PERSON}, **an_object(one={"$ref": "#/definitions/person"}, two={"$ref": "#/definitions/person"})},
        {each: {"name": "Al Bo", "age": 7, "is_member": True, "role": "guest"} for each in ("one", "two")},
    ),
    "a definition within itself": (TREE, {"name": "a word", "children": []}),
    "a long text": ({"type": "string", "minLength": 400}, "word " * 80),
    "a moment": (an_object(at={"type": "string", "format": "date-time"}), {"at": "2026-11-27T19:17:54Z"}),
    "a constant": ({"const": "exactly this and nothing else"}, "exactly this and nothing else"),
    "as Gemini writes it": (
        {"type": "ARRAY", "minItems": "3", "items": {"type": "OBJECT", "properties": {"word": {"type": "STRING"}}, "required": ["word"]}},
        [{"word": "a word"}] * 3,
    ),
    "as Gemini reads it, by numbers and one for a list": (
        {"type": 5, "minItems": 3, "items": {"type": 6, "properties": {"word": {"type": 1}}, "required": "word"}},
        [{"word": "a word"}] * 3,
    ),
    "nothing, where Gemini allows it": ({"type": "OBJECT", "nullable": True, "properties": {"a": PERSON}, "required": ["a"]}, None),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "shortest"), SHORTEST.values(), ids=SHORTEST)
def test_the_estimate_is_near_the_shortest_document(schema: Any, shortest: Any) -> None:
    tokens = text_tokens(json.dumps(shortest).encode(), "gpt-4o")

    assert 0.5 * tokens - 2 <= shortest_tokens(schema) <= 1.5 * tokens + 4


@pytest.mark.parametrize(
    "schema", [None, True, 7, "object", [], {}, {"type": 7}, {"type": []}, {"$ref": "https://example.com/x"}, {"$ref": "#/a/b"},
               {"type": "object", "required": 7, "properties": []}, {"type": "array", "minItems": -1e300},
               {"type": "array", "minItems": "many"}, {"enum": [[], {}, None]}, {"$ref": "#"}, {"anyOf": [], "allOf": {}},
               {"type": True, "minLength": 400}, {"type": 8, "required": ["name"]}]
)  # fmt: skip
def test_what_is_not_understood_is_short(schema: Any) -> None:
    assert 1 <= shortest_tokens(schema) <= 4


@given(
    st.recursive(
        st.sampled_from([STRING, NULLABLE, {"type": "array", "minItems": 10**9, "items": True}, {"$ref": "#"}, True]),
        lambda inner: st.one_of(
            st.dictionaries(st.text(max_size=9), inner, max_size=4).map(lambda each: an_object(x=1) | {"properties": each, "required": list(each)}),
            st.lists(inner, max_size=3).map(lambda each: {"anyOf": each}),
            st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 10**12)),
        ),
    )
)  # fmt: skip
def test_it_is_bounded_whatever_the_schema_says(schema: Any) -> None:
    assert 1 <= shortest_tokens(schema) <= SHORTEST_TOKENS_MAX


def test_a_chain_of_definitions_ends() -> None:
    definitions = {f"d{number}": an_object(next={"$ref": f"#/$defs/d{number + 1}"}) for number in range(5_000)}

    assert shortest_tokens({"$defs": definitions, "$ref": "#/$defs/d0"}) < SHORTEST_TOKENS_MAX


def repeated(count: int) -> dict[str, Any]:
    """Every way to name one part often."""
    big = an_object(**{f"member_{number}": STRING for number in range(count)})
    names = [f"#/{number}/../$defs/big" for number in range(count)] + [f"#{number}" for number in range(count)]
    return {
        "$defs": {"big": big},
        "type": ["object"] * count,
        "properties": {"a": {"$ref": "#/$defs/big"}},
        "required": ["a"] * count,
        "anyOf": [{"$ref": "#/$defs/big"}] * count + [{"$ref": name} for name in names],
    }


def test_its_time_grows_with_the_schema_however_often_a_part_is_named() -> None:
    assert least_ratio(shortest_tokens, repeated(300), repeated(2_400), enough=16) < 16
