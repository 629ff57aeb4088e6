"""The passage of a stream that is not metered lets through exactly what the meter would, and hears what was sent."""

import base64
import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from local.paths import NODE
from tests.core.wire.streams.builders import CASE_IDS, CASES, a_meter

HARNESS = Path(__file__).with_name("passage_harness.mjs")
SSE_CASES = [case for case in CASES if case.name != "json_array"]
SSE_IDS = [name for name in CASE_IDS if "json_array" not in name]
SIZES = (1, 7, 300, 100_000)


@dataclass(frozen=True)
class Stream:
    """A provider's stream, and a client that reads so many chunks of it (None: all)."""

    chunks: tuple[bytes, ...]
    strips_usage: bool = False
    is_broken: bool = False
    last_words: bytes = b""
    client_reads: int | None = None


@dataclass(frozen=True)
class Passed:
    got: bytes
    heard: bytes
    pieces: int
    ending: str
    is_upstream_aborted: bool
    left: int


def in_chunks(stream: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(stream[start : start + size] for start in range(0, len(stream), size))


def through_passages(*streams: Stream) -> list[Passed]:
    plays = [
        {
            "chunks": [base64.b64encode(chunk).decode() for chunk in each.chunks],
            "stripsUsage": each.strips_usage,
            "isBroken": each.is_broken,
            "lastWords": base64.b64encode(each.last_words).decode(),
            "clientReads": each.client_reads,
        }
        for each in streams
    ]
    done = subprocess.run([NODE, HARNESS], input=json.dumps(plays).encode(), capture_output=True, check=True)
    return [
        Passed(
            base64.b64decode(each["got"]),
            base64.b64decode(each["heard"]),
            each["pieces"],
            each["ending"],
            each["isUpstreamAborted"],
            each["left"],
        )
        for each in json.loads(done.stdout)
    ]


def last_words(meter, stream: bytes) -> tuple[bytes, bytes]:
    """What a meter with a full hold lets pass of the stream, and what it adds once the provider has closed."""
    return meter.feed(stream).forward, meter.finish().forward


@pytest.mark.parametrize("case", SSE_CASES, ids=SSE_IDS)
def test_what_passes_is_what_the_meter_lets_pass_however_it_is_chunked(case: Path) -> None:
    upstream = (case / "upstream.sse").read_bytes()
    streams, expected = [], []
    for strips_usage in (False, True):
        passes, words = last_words(a_meter(case.parent.name, is_full=True, strips_usage=strips_usage), upstream)
        streams += [Stream(in_chunks(upstream, size), strips_usage, last_words=words) for size in SIZES]
        expected += [passes + words] * len(SIZES)

    passed = through_passages(*streams)

    assert [each.got for each in passed] == expected
    assert {each.heard for each in passed} == {upstream}


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_events_end_as_the_specification_says(ending: bytes) -> None:
    upstream = (
        (CASES[0].parents[1] / "openai_chat" / "text_with_injected_usage" / "upstream.sse")
        .read_bytes()
        .replace(b"\n", ending)
    )
    passes, words = last_words(a_meter(is_full=True, strips_usage=True), upstream)

    passed = through_passages(*(Stream(in_chunks(upstream, size), True, last_words=words) for size in SIZES))

    assert {each.got for each in passed} == {passes + words}


def test_only_whole_events_pass_before_the_last_words() -> None:
    stream = Stream((b"data: 1\n\nda", b"ta: 2\n\ndata: 3"), is_broken=True, last_words=b"data: cut\n\n")

    (passed,) = through_passages(stream)

    assert passed.got == b"data: 1\n\ndata: 2\n\ndata: cut\n\n"
    assert passed.ending == "broken"


def test_a_client_that_leaves_stops_the_provider_and_what_was_sent_is_heard() -> None:
    stream = Stream((b"data: x\n\n",) * 1_000, client_reads=3)

    (passed,) = through_passages(stream)

    assert passed.ending == "client_disconnected"
    assert passed.is_upstream_aborted
    assert passed.left > 990
    assert len(passed.heard) >= len(passed.got)


def test_a_long_stream_is_heard_in_large_pieces_and_not_only_at_its_end() -> None:
    stream = Stream((b"data: " + b"x" * 250 + b"\n\n",) * 1_000)

    (passed,) = through_passages(stream)

    assert 250 * 1_000 / 16_384 < passed.pieces < 50


def test_an_event_that_comes_in_many_chunks_passes_as_one() -> None:
    picture = b'data: {"image":"' + b"A" * 3_000_000 + b'"}\n\n'
    stream = b"data: 1\n\n" + picture + b"data: 2\n\n"

    (passed,) = through_passages(Stream(in_chunks(stream, 16_000)))

    assert passed.got == stream


def test_usage_in_the_text_of_an_answer_is_left_alone() -> None:
    event = b'data: {"choices":[{"delta":{"content":"say \\"usage\\": null"}}],"usage":null}\n\n'
    stream = Stream((event,), strips_usage=True)

    kept, stripped = through_passages(replace(stream, strips_usage=False), stream)

    assert kept.got == event
    assert stripped.got == event.replace(b',"usage":null', b"")
