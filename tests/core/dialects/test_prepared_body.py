"""A body made ready before the hold: one reading of each member, the caller's bytes where nothing changes, and a number."""

import time

import pytest

from core.dialects import DIALECTS
from core.refusals import InvalidRequest


def sent(body: bytes, dialect: str = "openai_chat", ceiling: int | None = None, **changes: object) -> bytes:
    return DIALECTS[dialect].prepare(body, **changes).to_send(ceiling)


ONE_READING = [
    b'{"model":"m","messages":[ {"a" : 1} ]}',
    b' {"model": "m", "x" :[ 1.0 ]}\n',
    b"{ }",
    b'{"a":1e400,"b":"x"}',
    b'{"a":1,"b":{"a":1},"c":"\\"a\\":1"}',
]


@pytest.mark.parametrize("body", ONE_READING)
def test_a_body_with_one_reading_is_sent_byte_for_byte(body: bytes) -> None:
    assert sent(body) is body


TWICE = {
    "compact": (b'{"model":"dear","messages":[ 1e2 ],"model":"m"}', b'{"model":"m","messages":[ 1e2 ]}'),
    "behind an escape": (b'{ "model":"dear", "\\u006dodel":"m"}', b'{"model":"m"}'),
    "alike": (b'{"n":1, "n":1}', b'{"n":1}'),
    "of equal length": (b'{"a":1,"b":2,"a":3 }', b'{"a":3,"b":2}'),
    "as long as what is between": (b'{"a":1,"c":2,"a":{"b":1} }', b'{"a":{"b":1},"c":2}'),
    "one begins as the other": (b'{"a":12, "a":1}', b'{"a":1}'),
}


@pytest.mark.parametrize(("body", "once"), TWICE.values(), ids=TWICE)
def test_of_a_member_given_twice_only_what_was_read_is_sent(body: bytes, once: bytes) -> None:
    assert sent(body) == once


def test_a_lower_ceiling_takes_the_place_of_each_that_the_caller_named() -> None:
    body = b'{"max_tokens":9, "x": [1 ], "max_completion_tokens":8}'

    assert sent(body, ceiling=3) == b'{"max_tokens":3,"x":[1 ],"max_completion_tokens":3}'


NO_OBJECTS = [b'{"stream_options":[1]}', b'{"stream_options":"x"}']


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_what_cannot_be_changed_is_refused_before_anything_is_held(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        sent(body, include_usage=True)


NULLS = [
    ("gemini", b'{"generationConfig":null}', b'{"generationConfig":{"maxOutputTokens":3}}'),
    ("gemini", b'{"generation_config":{"max_output_tokens":9,"topK":1e400}}', b'{"generation_config":{"topK":1e400,"maxOutputTokens":3}}'),
    ("gemini", b'{"contents":[1e400]}', b'{"contents":[1e400],"generationConfig":{"maxOutputTokens":3}}'),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "body", "expected"), NULLS)
def test_a_ceiling_goes_in_whatever_the_other_members_are(dialect: str, body: bytes, expected: bytes) -> None:
    assert sent(body, dialect, ceiling=3) == expected


def test_usage_is_asked_for_beside_what_else_the_stream_s_options_say() -> None:
    assert sent(b'{"stream_options":{"x":1e400}}', include_usage=True) == (
        b'{"stream_options":{"x":1e400,"include_usage":true}}'
    )


def test_a_body_of_twice_the_members_takes_at_most_about_twice_the_time() -> None:
    def seconds(members: int) -> float:
        body = b'{ "a": 1,' + b",".join(b'"name-%d":%d' % (each, each) for each in range(members)) + b"}"
        began = time.perf_counter()
        assert sent(body) is body
        return time.perf_counter() - began

    ratios = sorted(seconds(20_000) / seconds(10_000) for _ in range(5))

    assert ratios[2] < 2.5
