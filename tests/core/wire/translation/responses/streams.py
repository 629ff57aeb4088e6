"""Streams of the Responses API from memory: as events, as they are heard, and as they are told again."""

from collections.abc import Iterable
from typing import Any

import msgspec
from openai.types.responses import Response

from core.wire.sse import SSEEvent, SSEParser
from core.wire.translation.answer import Heard, Identity, Told
from core.wire.translation.responses.stream_reader import StreamHearing
from core.wire.translation.responses.stream_writer import StreamTelling
from core.wire.translation.sequence import Sequence
from tests.core.wire.streams.sdk_clients import openai_client

IDENTITY = Identity(request_id="req_0123456789abcdef", created_at_s=1_790_000_000)


def event(kind: str, **members: Any) -> SSEEvent:
    data = msgspec.json.encode({"type": kind, **members})
    return SSEEvent(b"", data, kind)


def events_of(stream: bytes) -> list[SSEEvent]:
    parser = SSEParser()
    events = parser.feed(stream)
    rest = parser.close()
    return events if rest is None else [*events, rest]


def heard_in(events: Iterable[SSEEvent]) -> list[Heard]:
    hearing = StreamHearing()
    return [heard for each in events for heard in hearing.hear(each)]


def told_of(heard: Iterable[Heard], *, model: str = "m") -> list[Told]:
    sequence = Sequence(model=model)
    return [told for each in heard for told in sequence.hear(each)]


def written(told: Iterable[Told]) -> bytes:
    telling = StreamTelling(IDENTITY)
    return b"".join(telling.tell(step) for step in told)


def final_response(stream: bytes) -> Response:
    """What the official client has accumulated at the end, having checked that the events fit together."""
    with openai_client([stream]).responses.stream(model="m", input="Hi") as opened:
        *_, last = opened
    assert last.type in ("response.completed", "response.incomplete"), last.type
    response: Response = last.response
    return response
