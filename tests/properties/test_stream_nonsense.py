"""Whatever a provider sends: nothing raises, every whole event passes as it came, and the stream can be ended."""

from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire.sse import SSEEvent
from tests.core.wire.streams.builders import (
    CASES,
    OUTPUT_NANOUSD,
    REFUSAL,
    REQUEST_ID,
    a_meter,
    a_reader,
    grants_all,
    hold_for,
    play,
    refuses,
)

BAD_BYTES = st.sampled_from(
    [b"\xff", b"\xed\xa0\xbd", b"\xc3", b"\\ud83d", b"\\udc00x", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b"\n\n",
     b"\r", b"\x00", b"1e400", b"9" * 400, b"null", b"data: ", b"\xe2\x80\xa8"]
)  # fmt: skip
ODD_VALUES = st.sampled_from(
    [None, True, -1, 0, 5.0, 1.5, 10**14, 2**70, "", "7", "\ufffd", [], {}, [None], [[]], {"a": {"b": None}}, [{}], "x"]
)
PLACES = st.lists(st.tuples(st.integers(0, 10**6), BAD_BYTES), min_size=1, max_size=4)
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), ODD_VALUES), min_size=1, max_size=6)


def torn(stream: bytes, places: list[tuple[int, bytes]]) -> bytes:
    for seed, piece in places:
        place = seed % (len(stream) + 1)
        stream = stream[:place] + piece + stream[place + seed % 3 :]
    return stream


def odd(stream: bytes, changes: list[tuple[int, Any]]) -> bytes:
    """The stream with some members of its events replaced, each somewhere inside one event."""
    *blocks, rest = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    for seed, value in changes:
        number = seed % len(blocks)
        head, mark, data = blocks[number].partition(b"data: ")
        if not data.endswith(b"}"):
            continue
        document = msgspec.json.decode(data)
        _replace_somewhere(document, seed, value)
        blocks[number] = head + mark + msgspec.json.encode(document)
    return b"\n\n".join([*blocks, rest])


def _replace_somewhere(inside: Any, seed: int, value: Any) -> None:
    keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
    if not keys:
        return
    key = keys[seed % len(keys)]
    if isinstance(inside[key], dict | list) and inside[key] and seed % 7:
        _replace_somewhere(inside[key], seed // 3, value)
    else:
        inside[key] = value


def whole_events(dialect: str, stream: bytes) -> bytes:
    """The bytes of the events that are complete."""
    splitter = a_reader(dialect).splitter
    events: list[SSEEvent] = splitter.feed(stream)
    return b"".join(event.raw for event in events)


def check(case: Path, stream: bytes) -> None:
    dialect = case.parent.name
    whole = play(a_meter(dialect, is_full=True), [stream], refuses)
    assert whole.forwarded.startswith(whole_events(dialect, stream))
    assert whole.result.cost_nanousd >= 0

    sliced = a_meter(dialect, granted_nanousd=200_000, slice_tokens=10)
    assert play(sliced, [stream], grants_all).forwarded == whole.forwarded

    for is_soft in (False, True):
        cut = a_meter(dialect, granted_nanousd=hold_for(case, output_tokens=5), slice_tokens=5)
        played = play(cut, [stream], refuses)
        ending = cut.render_cut(REFUSAL, REQUEST_ID, is_soft=is_soft)
        assert whole.forwarded.startswith(played.forwarded)
        assert b"\n\n" not in ending.strip() or b"data: " in ending


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(CASES), PLACES)
def test_bytes_that_are_no_text_or_no_json_pass_and_are_counted(case: Path, places: list[tuple[int, bytes]]) -> None:
    check(case, torn((case / "upstream.sse").read_bytes(), places))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([case for case in CASES if case.name != "json_array"]), CHANGES)
def test_members_of_any_kind_pass_and_are_counted(case: Path, changes: list[tuple[int, Any]]) -> None:
    check(case, odd((case / "upstream.sse").read_bytes(), changes))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CASES), st.sampled_from([b"\xff", b"\\ud83d", b"\xed\xa0\xbd\xff"]), st.integers(0, 10**6))
def test_a_text_that_is_none_costs_a_stream_no_more_than_itself(case: Path, bad: bytes, seed: int) -> None:
    """Put into the middle of a word, so that the event stays JSON: the provider's final count still decides."""
    stream = (case / "upstream.sse").read_bytes()
    words = [
        place
        for word in (b"Budgets", b"budget", b"gpt-4o", b"claude", b"stop", b"STOP")
        if (place := stream.find(word)) >= 0
    ]
    place = words[seed % len(words)] + 2 if words else 0
    spoilt = stream[:place] + bad + stream[place:] if words else stream

    before = play(a_meter(case.parent.name), [stream], grants_all).result
    after = play(a_meter(case.parent.name), [spoilt], grants_all)

    assert after.forwarded == spoilt or before.is_truncated
    assert after.result.is_provider_usage == before.is_provider_usage
    if before.is_provider_usage:
        assert after.result.cost_nanousd == before.cost_nanousd
    else:
        assert abs(after.result.cost_nanousd - before.cost_nanousd) <= 20 * OUTPUT_NANOUSD
