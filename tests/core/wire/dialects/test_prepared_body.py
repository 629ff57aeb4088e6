"""A body made ready before the hold: the caller's bytes where nothing changes, and a number."""

import pytest

from core.refusals import InvalidRequest
from core.wire.dialects import DIALECTS


def sent(body: bytes, dialect: str = "openai_chat", ceiling: int | None = None, **changes: object) -> bytes:
    return DIALECTS[dialect].prepare(body, **changes).to_send(ceiling)


BODIES = [
    b'{"model":"m","messages":[ {"a" : 1} ]}',
    b' {"model": "m", "x" :[ 1.0 ]}\n',
    b"{ }",
    b'{"a":1e400,"b":"x"}',
    b'{"a":1,"b":{"a":1},"c":"\\"a\\":1"}',
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_in_which_nothing_changes_is_sent_byte_for_byte(body: bytes) -> None:
    assert sent(body) is body


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
