"""Chat streams both ways, and streams of no sense."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire.sse import SSEEvent
from core.wire.translation.answer import (
    Argued,
    Finished,
)
from core.wire.translation.chat.stream_reader import StreamHearing
from tests.core.wire.translation.chat.strategies import JUNK, NAMES
from tests.core.wire.translation.chat.streams import (
    call,
    calling,
    events_of,
    final_completion,
    heard_in,
    told_of,
    written,
)

GOLDEN = Path("tests/golden/openai_chat")

BROKEN = ("provider_error", "truncated", "audio")
SOUND = [path.parent.name for path in sorted(GOLDEN.glob("*/upstream.sse")) if path.parent.name not in BROKEN]


@pytest.mark.parametrize("case", SOUND)
def test_a_stream_that_is_told_again_is_to_the_official_client_what_it_was(case: str) -> None:
    stream = (GOLDEN / case / "upstream.sse").read_bytes()
    original = final_completion(stream)

    again = final_completion(written(told_of(heard_in(events_of(stream)))))

    [choice], first = again.choices, original.choices[0]
    said, message = choice.message.to_dict(), first.message.to_dict()
    thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
    assert (choice.message.content or "") == (first.message.content or first.message.refusal or "")
    assert said.get("reasoning_content", "") == thoughts
    assert choice.finish_reason == ("content_filter" if first.message.refusal else first.finish_reason)
    calls = [(each.id, each.function) for each in first.message.tool_calls or () if each.type == "function"]
    assert [(each.id, each.function) for each in choice.message.tool_calls or () if each.type == "function"] == calls
    assert again.model == original.model


MEMBER_NAMES = st.sampled_from(
    [
        "model",
        "choices",
        "usage",
        "x_groq",
        "error",
        "index",
        "delta",
        "finish_reason",
        "content",
        "refusal",
        "reasoning",
        "reasoning_content",
        "tool_calls",
        "function_call",
        "function",
        "custom",
        "name",
        "arguments",
        "id",
        "extra_content",
        "google",
        "thought_signature",
    ]
)
NESTED = st.recursive(
    JUNK | st.sampled_from(["stop", "f", "{}", "", 0, 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBER_NAMES | NAMES, inner, max_size=6),
    max_leaves=25,
)
CHUNKS = st.one_of(
    st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"delta": NESTED}), max_size=2)}),
    st.builds(lambda calls: {"choices": [{"delta": {"tool_calls": calls}}]}, st.lists(NESTED, max_size=3)),
    NESTED,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CHUNKS, st.sampled_from([None, "error", "x"])), max_size=6))
def test_hostile_events_raise_nothing(chunks: list[tuple[Any, str | None]]) -> None:
    heard = heard_in([SSEEvent(b"", msgspec.json.encode(each), name) for each, name in chunks])

    written(told_of([*heard, Finished()]))


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_bytes_of_no_sense_raise_nothing(texts: list[bytes]) -> None:
    hearing = StreamHearing()

    for text in texts:
        hearing.hear(SSEEvent(b"", text))
        hearing.hear(SSEEvent(b"", b'{"choices":[{"delta":{"content":"' + text + b'"}}]}'))


def test_many_pieces_of_a_call_take_no_longer_each() -> None:
    hearing = StreamHearing()
    hearing.hear(calling(call(index=0, id="a", name="f", arguments='{"a":"')))
    piece = calling(call(index=0, arguments="x"))

    heard = [each for _ in range(20_000) for each in hearing.hear(piece)]

    assert heard == [Argued("0", "x")] * 20_000
