"""Schemas as Gemini and Anthropic take them: of real tools, of the words each refuses, and of what strangers write."""

import copy
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bounds import JSON_DEPTH_MAX
from core.wire.translation.fitting.schemas import schema_for_anthropic, schema_for_gemini
from tests.core.wire.translation.fitting import schema_samples as samples
from tests.support.growth import least_seconds

GEMINI_WORDS = {
    "type", "description", "nullable", "enum", "format", "items", "properties", "required", "anyOf", "minimum",
    "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern",
}  # fmt: skip
GEMINI_TYPES = {"string", "number", "integer", "boolean", "array", "object"}
FORMATS = {"date-time", "enum", "int32", "int64", "float", "double"}
ROOT_APART = {"anyOf", "oneOf", "allOf", "$ref"}


def assert_gemini_takes(schema: dict, *, is_root: bool = True) -> None:
    assert schema.keys() <= GEMINI_WORDS
    assert (schema.get("type") in GEMINI_TYPES) != ("anyOf" in schema)
    assert schema["type"] == "object" if is_root else True
    assert ("items" in schema) == (schema.get("type") == "array")
    assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
    assert schema.get("properties") != {}
    assert schema.get("format", "enum") in FORMATS
    if "enum" in schema:
        assert schema["type"] == "string"
        assert schema["enum"] and all(isinstance(value, str) and value for value in schema["enum"])
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for each in inner + ([schema["items"]] if "items" in schema else []):
        assert_gemini_takes(each, is_root=False)


def assert_anthropic_takes(schema: dict) -> None:
    assert schema["type"] == "object"
    assert not schema.keys() & ROOT_APART


each_sample = pytest.mark.parametrize("schema", samples.ALL.values(), ids=samples.ALL)
each_fit = pytest.mark.parametrize("fit", [schema_for_gemini, schema_for_anthropic])


@each_sample
def test_the_schemas_of_real_tools_are_fit_for_both(schema):
    assert_gemini_takes(schema_for_gemini(schema))
    assert_anthropic_takes(schema_for_anthropic(schema))


@each_fit
@each_sample
def test_the_same_schema_gives_the_same_bytes_and_stays_as_it_was(schema, fit):
    before = copy.deepcopy(schema)

    first, second = fit(schema), fit(copy.deepcopy(schema))

    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert schema == before


@pytest.mark.parametrize("schema", [samples.BASH, samples.EDIT, samples.TODO_WRITE, samples.NOTION, samples.NAMES])
def test_what_anthropic_takes_passes_unchanged_to_the_byte(schema):
    assert msgspec.json.encode(schema_for_anthropic(schema)) == msgspec.json.encode(schema)


def test_what_is_fit_for_gemini_stays_so():
    for schema in samples.ALL.values():
        fit = schema_for_gemini(schema)
        assert schema_for_gemini(fit) == fit


def test_a_property_may_be_named_like_a_keyword():
    fit = schema_for_gemini(samples.NAMES)

    assert list(fit["properties"]) == list(samples.NAMES["properties"])
    assert fit["required"] == ["const", "$ref", "required"]
    assert fit["properties"]["$ref"] == {"type": "string", "description": "A branch or tag"}


STRING = {"type": "string"}
INTEGER = {"type": "integer"}
WORDS = [
    ("greater than 0", {**INTEGER, "exclusiveMinimum": 0}, {**INTEGER, "minimum": 1}),
    ("greater than 0.5", {**INTEGER, "exclusiveMinimum": 0.5}, {**INTEGER, "minimum": 1}),
    ("the tighter bound", {**INTEGER, "minimum": 5, "exclusiveMinimum": 0}, {**INTEGER, "minimum": 5}),
    ("less than 10", {**INTEGER, "exclusiveMaximum": 10}, {**INTEGER, "maximum": 9}),
    ("as in draft 4", {**INTEGER, "minimum": 3, "exclusiveMinimum": True}, {**INTEGER, "minimum": 4}),
    ("draft 4, not so", {**INTEGER, "minimum": 3, "exclusiveMinimum": False}, {**INTEGER, "minimum": 3}),
    (
        "of a number",
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "number", "description": "(exclusiveMinimum: 0)", "minimum": 0},
    ),
    ("const", {"const": "a"}, {**STRING, "enum": ["a"]}),
    ("const of a number", {"const": 4}, {**INTEGER, "description": "(const: 4)"}),
    ("false", {"const": False}, {"type": "boolean", "description": "(const: false)"}),
    ("numbers", {"enum": [1, 2.5]}, {"type": "number", "description": "(enum: [1,2.5])"}),
    ("nothing among texts", {"enum": ["", "a"]}, {**STRING, "description": '(enum: ["","a"])'}),
    ("null among texts", {"enum": ["a", None]}, {**STRING, "enum": ["a"], "nullable": True}),
    ("odd format", {**STRING, "format": "uri"}, {**STRING, "description": '(format: "uri")'}),
    ("format of a number", {**INTEGER, "format": "int64"}, {**INTEGER, "format": "int64"}),
    ("multiples", {**INTEGER, "multipleOf": 5}, {**INTEGER, "description": "(multipleOf: 5)"}),
    ("default", {**STRING, "description": "A name.", "default": ""}, {**STRING, "description": 'A name. (default: "")'}),
    ("unique", {"items": STRING, "uniqueItems": True}, {"type": "array", "description": "(uniqueItems: true)", "items": STRING}),
    ("tuple", {"type": "array", "items": [STRING, STRING]}, {"type": "array", "description": '(prefixItems: [{"type":"string"},{"type":"string"}])', "items": STRING}),
    ("map", {"additionalProperties": STRING}, {"type": "object", "description": '(additionalProperties: {"type":"string"})'}),
    ("closed", {"type": "object", "additionalProperties": False, "$schema": "s", "$id": "i"}, {"type": "object"}),
    ("two types", {"type": ["string", "integer"], "description": "An id"}, {"description": "An id", "anyOf": [STRING, INTEGER]}),
    ("nullable", {"type": ["string", "null"]}, {**STRING, "nullable": True}),
    ("nullable choice", {"anyOf": [STRING, INTEGER, {"type": "null"}]}, {"anyOf": [STRING, INTEGER], "nullable": True}),
    ("choice of one", {"oneOf": [STRING], "description": "A"}, {**STRING, "description": "A"}),
    ("constants", {"oneOf": [{"const": "a"}, {"const": "b"}]}, {**STRING, "enum": ["a", "b"]}),
    ("inside a choice", {"anyOf": [{**INTEGER, "exclusiveMinimum": 0}, STRING]}, {"anyOf": [{**INTEGER, "minimum": 1}, STRING]}),
    ("all", {"allOf": [{**STRING, "maxLength": 9}, {"maxLength": 5}]}, {**STRING, "maxLength": 5}),
    ("capitals", {"type": "STRING"}, STRING),
    ("not", {**STRING, "not": {"const": "x"}}, {**STRING, "description": '(not: {"const":"x"})'}),
    ("a dangling reference", {"$ref": "#/$defs/x"}, {"type": "object", "description": "like x"}),
    (
        "a choice beside properties",
        {"properties": {"a": STRING, "b": STRING}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"type": "object", "description": '(needs one of: [["a"],["b"]])', "properties": {"a": STRING, "b": STRING}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "expected"), [case[1:] for case in WORDS], ids=[case[0] for case in WORDS])
def test_a_word_gemini_refuses_becomes_one_it_knows_or_stands_in_the_description(given_, expected):
    fit = schema_for_gemini({"type": "object", "properties": {"x": given_}})["properties"]["x"]

    assert fit == expected
    assert_gemini_takes(fit, is_root=False)


def test_a_reference_is_written_out_and_a_tree_shows_what_its_children_look_like():
    children = schema_for_gemini(samples.NOTION)["properties"]["children"]

    block = children["items"]["properties"]
    assert block["rich_text"]["items"] == {"type": "object", "properties": {"text": STRING}, "required": ["text"]}
    assert block["children"]["items"]["properties"]["children"]["items"] == {
        "type": "object",
        "description": "like block",
    }


@each_fit
def test_what_all_of_the_root_requires_is_united(fit):
    schema = fit(samples.QUERY)

    assert schema["required"] == ["sql", "limit"]
    assert list(schema["properties"]) == ["sql", "limit"]
    assert schema["description"] == "Runs a query"


@each_fit
def test_of_a_choice_at_the_root_what_every_branch_requires_is_required(fit):
    schema = fit(samples.ACTION)

    assert schema["required"] == ["action"]
    assert list(schema["properties"]) == ["action", "name", "id"]
    assert schema["description"] == '(needs one of: [["action: create","name"],["action: delete","id"]])'


def test_a_referenced_root_and_lists_of_places_are_written_as_anthropic_reads_them():
    schema = schema_for_anthropic(samples.FILESYSTEM)

    places = {"type": "array", "prefixItems": [INTEGER, INTEGER]}
    assert schema["properties"] == {"path": STRING, "range": places}
    assert schema["definitions"]["Args"]["properties"]["range"] == places
    assert schema["additionalProperties"] is False


def test_a_reference_into_a_choice_of_the_root_still_points_at_something():
    branch = {"type": "object", "properties": {"a": STRING}, "required": ["a"]}
    again = {"$ref": "#/anyOf/0/properties/a"}
    schema = schema_for_anthropic({"anyOf": [branch, {"properties": {"b": again}, "required": ["b"]}]})

    assert schema["properties"]["b"] == {"$ref": "#/$defs/root.anyOf.0/properties/a"}
    assert schema["$defs"] == {"root.anyOf.0": branch}


ANSWERS = [
    ({"type": "array", "items": {"const": "a"}}, {"type": "array", "items": {**STRING, "enum": ["a"]}}),
    ({"anyOf": [STRING, INTEGER]}, {"anyOf": [STRING, INTEGER]}),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"enum": ["x", "y"]}}}, {**STRING, "enum": ["x", "y"]}),
    (samples.QUERY, schema_for_gemini(samples.QUERY)),
]


@pytest.mark.parametrize(("schema", "expected"), ANSWERS, ids=str)
def test_an_answer_need_not_be_an_object(schema, expected):
    fit = schema_for_gemini(schema, is_answer=True)

    assert fit == expected
    assert_gemini_takes(fit, is_root=False)


ODD_ROOTS = [
    {"type": ["object", "null"], "properties": {"a": STRING}},
    {"properties": {"a": STRING}},
    {"type": "string"},
    {"type": "object", "$ref": "#"},
    {"$ref": "#/nowhere"},
    {"oneOf": [{"type": "null"}, {"type": "string"}]},
    {"anyOf": [{"allOf": [{"oneOf": [{"required": ["a"]}]}]}], "properties": {"a": STRING}},
    {"type": "Any", "properties": {"a": {"type": "Any"}}},
]


@pytest.mark.parametrize("schema", ODD_ROOTS, ids=str)
def test_whatever_the_root_is_both_get_an_object(schema):
    assert_gemini_takes(schema_for_gemini(schema))
    assert_anthropic_takes(schema_for_anthropic(schema))


# What strangers write -----------------------------------------------------------------------------------------------

KEYWORDS = [
    "type", "properties", "items", "anyOf", "oneOf", "allOf", "$ref", "$defs", "enum", "const", "required", "format",
    "minimum", "exclusiveMinimum", "maximum", "minLength", "not", "description", "title", "prefixItems", "nullable",
    "additionalProperties", "default",
]  # fmt: skip
WORDS_IN_SCHEMAS = st.sampled_from(
    ["object", "array", "string", "integer", "null", "#", "#/$defs/a", "#/properties/a", "#/anyOf/0", "a", "b", ""]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS_IN_SCHEMAS
NONSENSE = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*KEYWORDS, "a", "b"]), inner, max_size=6)
    ),
    max_leaves=40,
)
SCHEMAS = st.dictionaries(st.sampled_from(KEYWORDS), NONSENSE, max_size=8)


@given(SCHEMAS)
@settings(max_examples=300, deadline=None)
def test_any_nonsense_is_made_fit_and_never_raises(schema):
    before = msgspec.json.encode(schema)

    assert_gemini_takes(schema_for_gemini(schema))
    assert_gemini_takes(schema_for_gemini(schema, is_answer=True), is_root=False)
    assert_anthropic_takes(schema_for_anthropic(schema))
    assert msgspec.json.encode(schema) == before
    assert msgspec.json.encode(schema_for_gemini(schema)) == msgspec.json.encode(schema_for_gemini(schema))


def nested(word: str, size: int, *, is_list: bool = False, name: str | None = None) -> dict:
    schema: dict = {"type": "string"}
    for _ in range(size):
        inner = [schema, {"type": "integer"}] if is_list else {name: schema} if name else schema
        schema = {word: inner}
    return schema


def bomb(word: str) -> Callable[[int], dict]:
    """Each definition names the next one twice."""

    def schema(size: int) -> dict:
        defs = {
            f"d{at}": {word: [{"$ref": f"#/$defs/d{at + 1}"}] * 2} if word != "properties"
            else {word: {name: {"$ref": f"#/$defs/d{at + 1}"} for name in "ab"}}
            for at in range(size)
        }  # fmt: skip
        return {"$defs": defs, "$ref": "#/$defs/d0"}

    return schema


def wide(size: int) -> dict:
    return {f"p{at}": STRING for at in range(size)}


def many_references(size: int) -> dict:
    return {
        "$defs": {"wide": {"properties": wide(size)}},
        "properties": {f"q{at}": {"$ref": "#/$defs/wide"} for at in range(size)},
    }


HOSTILE: dict[str, Callable[[int], dict]] = {
    "bomb of properties": bomb("properties"),
    "bomb of choices": bomb("anyOf"),
    "bomb of all": bomb("allOf"),
    "a reference for each of many properties to all of them": many_references,
    "all of many references to many properties": lambda size: {
        "$defs": {"wide": {"properties": wide(size)}}, "allOf": [{"$ref": "#/$defs/wide"}] * size
    },
    "choice of many references to many properties": lambda size: {
        "$defs": {"wide": {"properties": wide(size)}}, "anyOf": [{"$ref": "#/$defs/wide"}] * size
    },
    "itself, many times": lambda size: {"properties": {f"p{at}": {"$ref": "#"} for at in range(size)}},
    "a chain": lambda size: {
        "$ref": "#/$defs/d0", "$defs": {f"d{at}": {"$ref": f"#/$defs/d{at + 1}"} for at in range(size)}
    },
    "long references": lambda size: {"properties": {f"p{at}": {"$ref": "#" + "/a" * 200} for at in range(size // 50)}},
    "deep properties": lambda size: nested("properties", size, name="a"),
    "deep items": lambda size: nested("items", size),
    "deep choices": lambda size: nested("anyOf", size, is_list=True),
    "deep all": lambda size: nested("allOf", size, is_list=True),
    "deep and not looked into": lambda size: {"properties": {"a": nested("not", size)}},
    "deep choices of a property": lambda size: {"properties": {"a": nested("oneOf", size, is_list=True)}},
    "one property, all of many": lambda size: {"allOf": [{"properties": {"a": {"type": "string", "maxLength": at}}} for at in range(size)]},
    "one property, one of many": lambda size: {"oneOf": [{"properties": {"a": {"const": str(at)}}, "required": ["a"]} for at in range(size)]},
    "many properties": lambda size: {"properties": wide(size), "required": list(wide(size))},
    "many values": lambda size: {"properties": {"a": {"enum": [str(at) for at in range(size)]}}},
    "a long default many times": lambda size: {
        "$defs": {"a": {"default": ["x"] * size}}, "properties": {f"p{at}": {"$ref": "#/$defs/a"} for at in range(size)}
    },
}  # fmt: skip


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, inner), default=0)


SIZE = 1_000
TIMES = 4
RATIO_MAX = 11
"""Of four times the schema: a cost that grows with the square has sixteen."""

LEAST_MS = 4


@each_fit
@pytest.mark.parametrize("shape", HOSTILE)
def test_the_cost_grows_with_the_schema_and_no_faster(fit, shape):
    small, large = (least_seconds(fit, HOSTILE[shape](size)) * 1_000 for size in (SIZE, TIMES * SIZE))

    assert large < LEAST_MS or large / small < RATIO_MAX
    assert large < 1_000


@pytest.mark.parametrize("shape", HOSTILE)
def test_what_comes_out_is_no_deeper_and_hardly_larger_than_what_went_in(shape):
    schema = HOSTILE[shape](60)

    fit = schema_for_gemini(schema)

    assert_gemini_takes(fit)
    text = msgspec.json.encode(fit)
    assert len(text) < 20 * len(msgspec.json.encode(schema)) + 400_000
    assert msgspec.json.decode(text) == fit
    assert depth_of(fit) <= JSON_DEPTH_MAX
