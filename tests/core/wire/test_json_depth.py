"""The depth of a JSON text is found exactly, whatever its strings hold, and without recursion."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bounds import JSON_DEPTH_MAX
from core.wire.json_depth import is_too_deep


def nested(depth: int, *, opening: bytes = b"[", closing: bytes = b"]", inside: bytes = b"1") -> bytes:
    return opening * depth + inside + closing * depth


BRACKETS = [(b"[", b"]"), (b'{"a":', b"}"), (b"[1,[],{},", b"]"), (b'["]}\\"[",', b"]"), (b'[{"a\\\\":1},', b"]")]


@pytest.mark.parametrize(("opening", "closing"), BRACKETS)
def test_the_bound_is_exact(opening: bytes, closing: bytes) -> None:
    assert not is_too_deep(nested(JSON_DEPTH_MAX - 1, opening=opening, closing=closing))
    assert is_too_deep(nested(JSON_DEPTH_MAX + 1, opening=opening, closing=closing))


def test_brackets_in_strings_are_no_depth() -> None:
    text = json.dumps({"a": "[" * 5_000, "b": ["{" * 5_000, '\\"' * 500 + "[" * 999, "\\" * 7]})

    assert not is_too_deep(text.encode())


def test_many_neighbours_are_no_depth() -> None:
    assert not is_too_deep(json.dumps([[{"a": [1]}]] * 20_000).encode())


@pytest.mark.parametrize("text", [b"[" * 10_000, b'{"a":[' * 5_000, b"[1,[]," * 500, b"[}" * 200 + b"[" * 200])
def test_a_text_that_never_closes_is_too_deep(text: bytes) -> None:
    assert is_too_deep(text)


@pytest.mark.parametrize("text", [b"", b"x", b"]]]]", b"[]]", b'"', b'{"a":"[[[', b"[" * JSON_DEPTH_MAX])
def test_what_is_no_json_is_left_to_its_decoder(text: bytes) -> None:
    assert not is_too_deep(text)


JSON = st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=50)


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(value=JSON, wrapped=st.integers(JSON_DEPTH_MAX - 20, JSON_DEPTH_MAX + 20), is_ascii=st.booleans())
def test_it_agrees_with_a_recursive_count(value: object, wrapped: int, is_ascii: bool) -> None:
    text = nested(wrapped, inside=json.dumps(value, ensure_ascii=is_ascii).encode())

    assert is_too_deep(text) == (wrapped + depth_of(value) > JSON_DEPTH_MAX)
