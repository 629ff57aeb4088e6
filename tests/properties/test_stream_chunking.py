"""However the network cuts a stream, the events, the forwarded bytes and the bill are the same."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.wire.sse import SSEEvent, SSEParser
from core.wire.streams.gemini_framing import GeminiSplitter
from core.wire.streams.observation import Splitter
from tests.core.wire.streams.builders import CASES, OUTPUT_NANOUSD, Played, a_meter, has_left, play

LINES = st.sampled_from(
    [b"data: a", b"data: {}", b"data:", b"data", b"event: x", b": c", b"id: 1", b"", b"\xe2\x80\xa8", b"\xef\xbb\xbf"]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=12).map(lambda parts: b"".join(a + b for a, b in parts))
SEEDS = st.lists(st.integers(0, 10**6), max_size=12)


def cut_at(stream: bytes, seeds: list[int]) -> list[bytes]:
    places = sorted({seed % (len(stream) + 1) for seed in seeds})
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


def events_of(splitter: Splitter, chunks: list[bytes]) -> list[SSEEvent]:
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    rest = splitter.close()
    return events if rest is None else [*events, rest]


def naively(stream: bytes) -> list[tuple[str | None, bytes]]:
    """The specification's own words, on the whole text at once; only what it would dispatch."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    dispatched = []
    event, data = b"", b""
    for line in text.split(b"\n")[:-1]:
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if not line:
            if data:
                dispatched.append((event.decode() or None, data[:-1]))
            event, data = b"", b""
        elif name == b"event":
            event = value
        elif name == b"data":
            data += value + b"\n"
    return dispatched


@given(STREAMS)
def test_the_parser_dispatches_what_the_specification_says(stream: bytes) -> None:
    events = events_of(SSEParser(), [stream])

    ours = [(each.event, each.data) for each in events if each.is_terminated and each.data is not None]
    assert ours == naively(stream)


@given(STREAMS, SEEDS)
def test_any_split_gives_the_same_events(stream: bytes, seeds: list[int]) -> None:
    split = events_of(SSEParser(), cut_at(stream, seeds))

    assert split == events_of(SSEParser(), [stream])
    assert b"".join(event.raw for event in split) == stream


@given(st.sampled_from([case for case in CASES if case.parent.name == "gemini"]), SEEDS)
def test_any_split_of_a_gemini_stream_gives_the_same_events(case: Path, seeds: list[int]) -> None:
    stream = (case / "upstream.sse").read_bytes()

    split = events_of(GeminiSplitter(), cut_at(stream, seeds))

    assert split == events_of(GeminiSplitter(), [stream])
    assert b"".join(event.raw for event in split) == stream


@settings(deadline=None)
@given(st.sampled_from(CASES), SEEDS, st.integers(0, 60), st.booleans())
def test_any_split_forwards_the_same_bytes_at_the_same_cost(
    case: Path, seeds: list[int], output_tokens: int, strips_usage: bool
) -> None:
    """With a ledger that answers at once, so that the moment of its answer is the same too."""
    stream = (case / "upstream.sse").read_bytes()

    def played(chunks: list[bytes]) -> Played:
        meter = a_meter(case.parent.name, granted_nanousd=200_000, slice_tokens=10, strips_usage=strips_usage)
        return play(meter, chunks, has_left(200_000 + output_tokens * OUTPUT_NANOUSD))

    whole, split = played([stream]), played(cut_at(stream, seeds))
    assert (split.forwarded, split.is_cut) == (whole.forwarded, whole.is_cut)
    assert whole.is_cut or split.result == whole.result
