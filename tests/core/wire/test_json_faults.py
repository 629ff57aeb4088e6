"""All that is wrong with a body is told at once, each by a pointer to it."""

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from core.refusals import FAULTS_MAX
from core.wire.json_faults import faults_of, oddities_of, pointer_of


class Part(msgspec.Struct, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1)]
    kind: Literal["a", "b"] = "a"


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]
    part: Part | UnsetType | None = UNSET
    parts: Annotated[list[Part], Meta(max_length=3)] = []
    named: dict[str, Part] = {}
    words: list[str] = []
    rest: msgspec.Raw = msgspec.Raw()


FAULTY: list[tuple[Any, list[tuple[str, str]]]] = [
    ({"name": "x"}, []),
    ({"name": "x", "part": None, "rest": {"any": [1]}}, []),
    ([], [("", "wrong_type")]),
    (None, [("", "wrong_type")]),
    ({}, [("/name", "missing_member")]),
    ({"name": ""}, [("/name", "wrong_value")]),
    ({"name": 1, "nmae": 2}, [("/nmae", "unknown_member"), ("/name", "wrong_type")]),
    ({"name": "x", "part": {"size": 0, "kind": "c"}}, [("/part/size", "wrong_value"), ("/part/kind", "wrong_value")]),
    ({"name": "x", "part": 5}, [("/part", "wrong_type")]),
    (
        {"name": "x", "parts": [{"size": 1}, {"size": 1.0}, 3]},
        [("/parts/1/size", "wrong_type"), ("/parts/2", "wrong_type")],
    ),
    ({"name": "x", "parts": [{"size": 1}] * 4}, [("/parts", "wrong_value")]),
    ({"name": "x", "named": {"a/b~c": {}}}, [("/named/a~1b~0c/size", "missing_member")]),
    ({"name": "x", "words": ["a", 2]}, [("/words/1", "wrong_type")]),
    ({"name": "x", "words": {"a": "b"}}, [("/words", "wrong_type")]),
]


@pytest.mark.parametrize(("value", "expected"), FAULTY, ids=str)
def test_each_mistake_is_named_by_its_place(value: Any, expected: list[tuple[str, str]]) -> None:
    text = json.dumps(value).encode()

    found = faults_of(text, Whole)

    assert [(fault.pointer, fault.code) for fault in found] == expected
    try:
        msgspec.json.decode(text, type=Whole)
        assert not expected
    except msgspec.ValidationError:
        assert expected


def test_a_misspelt_member_is_told_the_name_that_is_near() -> None:
    (unknown, _) = faults_of(b'{"nmae": "x"}', Whole)

    assert unknown.message == "there is no such member; did you mean name?"


def test_there_are_no_more_than_anybody_mends() -> None:
    assert len(faults_of(json.dumps({str(number): 1 for number in range(1_000)}).encode(), Whole)) == FAULTS_MAX


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"a": 1e400}', rb'"\ud800"'], ids=repr)
def test_what_is_no_json_has_no_members_to_be_wrong(text: bytes) -> None:
    assert faults_of(text, Whole) == ()


ODDITIES = [
    (b'{"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]}', []),
    (b'{"a": 1, "a": 1}', [("/a", "repeated_member")]),
    (b'{"a": 1, "\\u0061": 1}', [("/a", "repeated_member")]),
    (b'{"b": [{"a": 1, "a": {"c": 1, "c": 2}}]}', [("/b/0/a", "repeated_member"), ("/b/0/a/c", "repeated_member")]),
    (b'{"a": "x\\u0000y"}', [("/a", "wrong_value")]),
    (b'{"a": ["\\u0000"], "\\u0000": 1}', [("/a/0", "wrong_value"), ("", "wrong_value")]),
    (b'{"a": "\\\\u0000"}', []),
    (b'{"a": ' + b"9" * 10_000 + b"}", []),
]


@pytest.mark.parametrize(("text", "expected"), ODDITIES, ids=lambda each: str(each)[:40])
def test_what_a_decoder_says_nothing_of_is_found(text: bytes, expected: list[tuple[str, str]]) -> None:
    assert [(fault.pointer, fault.code) for fault in oddities_of(text)] == expected


PLACES = [
    ("", ""),
    ("name", "/name"),
    ("rules[3].condition.hour_min", "/rules/3/condition/hour_min"),
    ("[0].a", "/0/a"),
    ("models[...].rate", "/models"),
    ("a/b", "/a~1b"),
    ('models["openai/gpt-4.1"].rate', "/models/openai~1gpt-4.1/rate"),
    (r'aliases["a\"b]"]', '/aliases/a"b]'),
]


@pytest.mark.parametrize(("place", "pointer"), PLACES)
def test_a_place_is_a_pointer(place: str, pointer: str) -> None:
    assert pointer_of(place) == pointer
