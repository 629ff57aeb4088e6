"""Whatever a transcript holds, it is read without an exception, in time and memory that grow with it and no faster."""

import json
import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bounds import JSON_DEPTH_MAX
from core.wire.dialects import DIALECTS as ALL_DIALECTS
from core.wire.steps.repeats import Repeats
from core.wire.steps.steps import read_steps
from tests.core.wire.steps.transcripts import DIALECTS, KEY, Call, ran
from tests.support.growth import least_ratio

RATIO_MAX = 2.6

NAMES = st.sampled_from(
    ["messages", "input", "contents", "role", "content", "parts", "type", "text", "tool_calls", "function", "arguments",
     "name", "id", "tool_call_id", "call_id", "output", "status", "error", "is_error", "functionCall", "function_response",
     "response", "args", "codeExecutionResult", "outcome", "tools", "source", "metadata", "exit_code"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["user", "assistant", "tool", "model", "function_call", "function_call_output", "mcp_call", "tool_use", "tool_result",
     "message", "text", '{"error":1}', "[", "{", '{"a":', "<system-reminder>", "Exit code: 1\nWall time: ", "\U0010ffff0\U0010ffff"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES | WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=500, deadline=None)
@given(value=VALUES, dialect=st.sampled_from(sorted(ALL_DIALECTS)))
def test_no_json_raises(value: object, dialect: str) -> None:
    read_steps(json.dumps(value).encode(), dialect, key=KEY)


@settings(max_examples=500, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(DIALECTS)), odd=VALUES)
def test_no_oddity_within_a_transcript_raises(data: st.DataObject, name: str, odd: object) -> None:
    dialect, write = DIALECTS[name]
    request = write(["Do it.", ran("a", "b"), ran("a", "b", is_error=True), ran("a", "b")])
    node: object = request
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    node[key] = odd

    read_steps(json.dumps(request).encode(), dialect, key=KEY)


@given(body=st.binary(max_size=50), dialect=st.sampled_from(sorted(ALL_DIALECTS)))
def test_what_is_no_json_has_no_steps(body: bytes, dialect: str) -> None:
    assert read_steps(body, dialect, key=KEY).step is None


def test_bytes_that_are_no_characters_hide_nothing_before_them() -> None:
    dialect, write = DIALECTS["openai_chat"]
    body = json.dumps(write(["Do it.", ran("a", "b"), ran("a", "b")])).encode().removesuffix(b"]}")

    assert read_steps(body + b',{"role":"\xff"}]}', dialect, key=KEY).repeated_steps == 2


def test_of_different_steps_the_last_five_are_looked_at() -> None:
    repeats = Repeats()

    assert [repeats.add(digest, has_failed=False) for digest in "abcde"] == [True] * 4 + [False]


def test_a_malformed_message_hides_nothing_before_it() -> None:
    dialect, write = DIALECTS["openai_chat"]
    request = write(["Do it.", ran("a", "b"), ran("a", "b")])
    request["messages"] += [None, 7, [], {}, {"role": 7}, {"role": "user"}, {"role": "assistant", "tool_calls": 7}]

    assert read_steps(json.dumps(request).encode(), dialect, key=KEY).repeated_steps == 2


def test_arguments_nested_beyond_all_bounds_are_text() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    arguments = [deep[100_000 - depth : 100_000 + depth] for depth in (JSON_DEPTH_MAX + 1, 30_000, 100_000)]
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": text}} for text in arguments]
    messages = [{"role": "assistant", "tool_calls": [call]} for call in calls]
    results = [{"role": "tool", "tool_call_id": "c", "content": text} for text in arguments]
    body = json.dumps({"messages": [each for pair in zip(messages, results, strict=True) for each in pair]})

    assert read_steps(body.encode(), "openai_chat", key=KEY).repeated_steps == 1


def loop(count: int) -> list:
    return ["Do it.", *[ran("make", "no rule" * 20, is_error=True)] * count]


def different(count: int) -> list:
    return ["Do it.", *(ran(f"make {number}", "made" * 50) for number in range(count))]


def at_once(count: int) -> list:
    return ["Do it.", [Call("made", {"command": f"make {number}"}) for number in range(count)]]


def long(count: int) -> list:
    return ["Do it.", *[ran("cat", "a line\n" * 30 * count)] * 5]


def asides(count: int) -> list:
    return ["Do it.", ran("make", "made"), "<system-reminder>" * count, ran("make", "<reminder>" * count)]


def without_steps(count: int) -> list:
    return ["<system-reminder>x</system-reminder>"] * count


SHAPES: dict[str, Callable[[int], list]] = {
    "a loop": loop,
    "different steps": different,
    "calls at once": at_once,
    "long results": long,
    "asides that nobody closes": asides,
    "no steps": without_steps,
}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_transcript_takes_twice_the_time(name: str, shape: str) -> None:
    dialect, write = DIALECTS[name]
    once, twice = (json.dumps(write(SHAPES[shape](count))).encode() for count in (800, 1_600))

    assert least_ratio(partial(read_often, dialect), once, twice, enough=RATIO_MAX) < RATIO_MAX


def read_often(dialect: str, body: bytes) -> None:
    for _ in range(3):
        read_steps(body, dialect, key=KEY)


def nested(size: int) -> bytes:
    """A long text inside as many levels as a request may have."""
    content: object = "x" * size
    for _ in range(25):
        content = {"content": [content]}
    block = {"type": "tool_result", "tool_use_id": "t", "content": content}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    messages = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [block]}]
    return json.dumps({"messages": messages}).encode()


def test_a_long_text_in_many_levels_is_read_over_a_few_times_only() -> None:
    deep = nested(4_000_000)
    flat = deep.replace(b'{"content": [' * 25, b"[").replace(b"]}" * 25, b"]")

    assert least_ratio(partial(read_often, "anthropic_messages"), flat, deep, enough=4) < 4


def results(*contents: object) -> bytes:
    """A step twice, with these results."""
    calls = [{"type": "tool_use", "id": str(place), "name": "f", "input": {}} for place in range(len(contents))]
    blocks = [
        {"type": "tool_result", "tool_use_id": str(place), "content": content} for place, content in enumerate(contents)
    ]
    return json.dumps(
        {"messages": [{"role": "assistant", "content": calls}, {"role": "user", "content": blocks}] * 2}
    ).encode()


PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD" * 1_000_000}}
JSON_TEXT = json.dumps({"rows": [{"a": [1, {}]}] * 3_000})

LARGE = {
    "pictures are not copied": (results([PICTURE], [PICTURE]), 0.01),
    "long texts are not copied": (results(*["a line\n" * 200_000] * 4), 0.01),
    "shorter ones are held for a step": (results(*["a line\n" * 8_000] * 100), 1.2),
    "JSON written as text is never held as objects": (results(*[JSON_TEXT] * 40), 1.5),
}


@pytest.mark.parametrize("name", LARGE)
def test_steps_take_little_memory_beside_a_large_body(name: str) -> None:
    body, times = LARGE[name]

    tracemalloc.start()
    try:
        told = read_steps(body, "anthropic_messages", key=KEY)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert told.repeated_steps == 2
    assert peak_bytes < times * len(body) + 1_000_000
