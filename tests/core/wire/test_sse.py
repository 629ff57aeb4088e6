"""The SSE parser against the specification's own cases, three ways each: whole, byte by byte, with more behind."""

import pytest

from core.bounds import SSE_EVENT_BYTES_MAX
from core.wire.sse import EventTooLarge, SSEEvent, SSEParser

Seen = list[tuple[str | None, bytes | None]]

CASES: dict[str, tuple[bytes, Seen]] = {
    "one line": (b"data: {}\n\n", [(None, b"{}")]),
    "named": (b"event: ping\ndata: {}\n\n", [("ping", b"{}")]),
    "name after data": (b"data: {}\nevent: ping\n\n", [("ping", b"{}")]),
    "last name counts": (b"event: a\nevent: b\ndata: x\n\n", [("b", b"x")]),
    "empty name is none": (b"event: a\nevent\ndata: x\n\n", [(None, b"x")]),
    "no space": (b"data:x\n\n", [(None, b"x")]),
    "one space is taken": (b"data:  x \n\n", [(None, b" x ")]),
    "many lines": (b"data: a\ndata:\ndata: b\n\n", [(None, b"a\n\nb")]),
    "field without colon": (b"data\n\n", [(None, b"")]),
    "colon in data": (b"data: a: b\n\n", [(None, b"a: b")]),
    "CR": (b"data: a\rdata: b\r\rdata: c\r\r", [(None, b"a\nb"), (None, b"c")]),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [(None, b"a\nb"), (None, b"c")]),
    "LF then CRLF": (b"data: a\n\r\ndata: b\r\n\n", [(None, b"a"), (None, b"b")]),
    "comment": (b": keep-alive\n\ndata: a\n\n", [(None, None), (None, b"a")]),
    "comment inside": (b"data: a\n: aside\ndata: b\n\n", [(None, b"a\nb")]),
    "id and retry": (b"id: 7\nretry: 3000\ndata: a\n\n", [(None, b"a")]),
    "unknown field": (b"datum: a\nDATA: b\n\n", [(None, None)]),
    "spare blank lines": (b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [(None, None), (None, b"a"), (None, None), (None, b"b")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\ndata: b\n\n", [(None, b"a"), (None, b"b")]),
    "byte order mark later is no mark": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [(None, b"a"), (None, None)]),
    "line separators of Unicode are text": (
        "data: a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode(),
        [(None, "a\u2028b\u2029c\u0085d\x0be\x0cf".encode())],
    ),
    "not UTF-8": (b"event: \xff\ndata: \xff\n\n", [("\ufffd", b"\xff")]),
    "multibyte": ("data: 预算 🙂\n\n".encode(), [(None, "预算 🙂".encode())]),
}  # fmt: skip


def parse(chunks: list[bytes]) -> tuple[list[SSEEvent], SSEEvent | None]:
    parser = SSEParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events, parser.close()


def seen(events: list[SSEEvent]) -> Seen:
    return [(event.event, event.data) for event in events]


def with_rest(events: list[SSEEvent], rest: SSEEvent | None) -> list[SSEEvent]:
    return events if rest is None else [*events, rest]


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_a_whole_stream_parses(stream: bytes, expected: Seen) -> None:
    events = with_rest(*parse([stream]))

    assert seen(events) == expected
    assert b"".join(event.raw for event in events) == stream
    assert all(event.is_terminated for event in events)


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_a_stream_parses_byte_by_byte(stream: bytes, expected: Seen) -> None:
    events = with_rest(*parse([bytes([byte]) for byte in stream]))

    assert events == with_rest(*parse([stream]))
    assert seen(events) == expected


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_bytes_behind_a_stream_change_nothing_before_them(stream: bytes, expected: Seen) -> None:
    events, rest = parse([stream + b"data: trailing"])

    assert seen(events) == expected
    assert rest is not None
    assert (rest.data, rest.is_terminated) == (b"trailing", False)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"], ids=repr)
def test_an_event_without_its_blank_line_is_reported_unterminated(end: bytes) -> None:
    events, rest = parse([b"data: a\n\n", b'data: {"usage":1}' + end])

    assert seen(events) == [(None, b"a")]
    assert rest == SSEEvent(b'data: {"usage":1}' + end, b'{"usage":1}', None, is_terminated=False)


def test_a_blank_line_that_ends_in_a_lone_cr_ends_its_event() -> None:
    events, rest = parse([b"data: a\r\r"])

    assert events == []
    assert rest == SSEEvent(b"data: a\r\r", b"a")


def test_an_empty_stream_has_no_events() -> None:
    assert parse([b"", b""]) == ([], None)


def test_closing_twice_reports_the_rest_once() -> None:
    parser = SSEParser()
    parser.feed(b"data: a")

    assert parser.close() is not None
    assert parser.close() is None


def test_an_event_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    parser = SSEParser()
    piece = b"data: " + b"x" * 65_530

    with pytest.raises(EventTooLarge):
        for _ in range(SSE_EVENT_BYTES_MAX // len(piece) + 2):
            parser.feed(piece)
    assert parser.close() is None


def test_a_large_event_in_small_pieces_is_one_event() -> None:
    document = b"x" * 500_000
    stream = b"data: " + document + b"\n\n"

    events, rest = parse([stream[start : start + 997] for start in range(0, len(stream), 997)])

    assert (seen(events), rest) == ([(None, document)], None)
