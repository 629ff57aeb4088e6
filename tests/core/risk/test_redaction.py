"""Redaction of any request: still JSON, untouched elsewhere, the tags of the request, and nothing left to find."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.risk.finding.tags import PLACEHOLDERS, find
from core.risk.redaction import redacted
from core.risk.request_text import request_tags
from tests.core.risk.vectors import CASES, HITS
from tests.core.risk.vectors import PLACEHOLDERS as WRITTEN

SHORT = [case.text for case in CASES if len(case.text) < 400]
FRAGMENTS = st.sampled_from(
    [*SHORT, *"\n \t,.;:-+/@\\\"'(){}[]<>_=%0123456789aé中😀\u200b", *WRITTEN.values(), "ssn ", "://"]
)
TEXT = st.one_of(st.lists(FRAGMENTS, max_size=6).map("".join), st.text(max_size=30))
NAMES = st.sampled_from(
    ["content", "text", "input", "arguments", "id", "data", "user", "metadata", "url", "ssn", "type", "thinking", "é\n"]
)
NUMBERS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([4242424242424242, -4242424242424242, 1.5])
)
VALUE = st.recursive(
    st.one_of(TEXT, NUMBERS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(NAMES, inner, max_size=4),
        st.builds(json.dumps, st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3))),
    ),
    max_leaves=12,
)
BODY = st.builds(
    lambda value, is_ascii, indent: json.dumps(value, ensure_ascii=is_ascii, indent=indent).encode("utf-8"),
    st.dictionaries(NAMES, VALUE, max_size=5),
    st.booleans(),
    st.sampled_from([None, 1]),
)
MANY = settings(max_examples=400, deadline=None)


@MANY
@given(BODY)
def test_redacting_twice_is_redacting_once(body: bytes) -> None:
    once, _ = redacted(body)

    assert redacted(once) == (once, ())


@MANY
@given(TEXT)
def test_a_text_has_nothing_left_to_find(text: str) -> None:
    body = json.dumps({"content": text}).encode()

    assert request_tags(redacted(body)[0]) == ()


@MANY
@given(BODY)
def test_the_tags_of_a_redaction_are_those_of_the_request(body: bytes) -> None:
    assert redacted(body)[1] == request_tags(body)


@MANY
@given(BODY)
def test_a_redacted_request_has_the_same_shape(body: bytes) -> None:
    assert shape(json.loads(redacted(body)[0])) == shape(json.loads(body))


@MANY
@given(BODY)
def test_a_string_changes_only_where_something_is_found(body: bytes) -> None:
    for before, after in zip(strings(json.loads(body)), strings(json.loads(redacted(body)[0])), strict=True):
        assert before == after or any(word in after for word in PLACEHOLDERS.values())


LEVELS = [json.dumps(["host=db.example.com password=" + "s3cr-e7x"])]
"""A setting whose value goes on to the escaped quote of JSON in JSON in a string."""


@MANY
@given(BODY)
@example(json.dumps({"content": json.dumps(LEVELS)}).encode())
def test_json_in_a_string_stays_json(body: bytes) -> None:
    for before, after in zip(strings(json.loads(body)), strings(json.loads(redacted(body)[0])), strict=True):
        if before[:1] in ("{", "["):
            try:
                inner = json.loads(before)
            except ValueError:
                continue
            assert type(json.loads(after)) is type(inner)


@pytest.mark.parametrize("case", HITS, ids=lambda case: case.name)
def test_every_hit_is_replaced_in_a_request(case) -> None:
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": f"so: {case.text} !"}], "n": 1.50}
    ).encode()

    new, found = redacted(body)

    assert found == case.tags
    assert find(json.loads(new)["messages"][0]["content"]) == []
    assert new.startswith(b'{"model": "m", "messages": [{"role": "user", "content": "so: ')
    assert new.endswith(b' !"}], "n": 1.5}')


def test_bytes_beside_a_finding_stay_as_they_are_written() -> None:
    body = b'{ "a" : "\\u00e9\\/" ,\n "content":"bob@corp-mail.com", "b":1.0e2 , "c":"\\u0041" }'

    assert redacted(body)[0] == body.replace(b"bob@corp-mail.com", b"[EMAIL]")


def test_a_number_in_the_json_of_a_string_becomes_a_string() -> None:
    arguments = '{"card":4242424242424242,"minus":-4242424242424242,"n":[1,4242424242424242]}'
    body = json.dumps({"messages": [{"tool_calls": [{"function": {"arguments": arguments}}]}]}).encode()

    [call] = json.loads(redacted(body)[0])["messages"][0]["tool_calls"]

    assert json.loads(call["function"]["arguments"]) == {"card": "[CARD]", "minus": "[CARD]", "n": [1, "[CARD]"]}


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "text" if isinstance(value, str) else value


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []
