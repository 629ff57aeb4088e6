"""What is written as Messages, made up or from memory; and what the official client makes of it."""

from collections.abc import Iterable
from typing import Any

import anthropic
import httpx2
import msgspec
from anthropic.types import Message
from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.sse import SSEParser
from core.wire.translation.answer import Heard, Identity, Told
from core.wire.translation.messages.stream_writer import StreamTelling
from core.wire.translation.sequence import Sequence

IDENTITY = Identity(request_id="req_0123456789abcdef", created_at_s=1_790_000_000)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=20)
IDS = st.text("abcdefXYZ_-0123456789", min_size=1, max_size=40)
ARGUMENTS = st.sampled_from(["{}", '{"city":"Paris"}', '{ "a": [1, {"b": null}],\n "c": "é\\n" }'])
COUNTS = st.integers(0, 10_000)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cached_input_tokens=COUNTS,
    cache_write_5m_tokens=COUNTS,
    cache_write_1h_tokens=COUNTS,
    output_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    web_search_calls=COUNTS,
)

PROMPT: list[Any] = [{"role": "user", "content": "Hi"}]


def client_of(body: bytes, content_type: str) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, content=body, headers={"content-type": content_type})
    )
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def created(body: bytes) -> Message:
    """A whole answer, as the official client reads it."""
    return client_of(body, "application/json").messages.create(model="m", max_tokens=9, messages=PROMPT)


def final_message(stream: bytes) -> Message:
    """What the official client has accumulated at the end of a stream."""
    with client_of(stream, "text/event-stream").messages.stream(model="m", max_tokens=9, messages=PROMPT) as opened:
        return opened.get_final_message()


def members_of(message: Message) -> dict[str, object]:
    """Those that are set: the client's two ways differ in members that nobody wrote."""
    return message.to_dict(exclude_none=True)


def told_of(heard: Iterable[Heard], *, model: str = "m", input_usage: Usage | None = None) -> list[Told]:
    sequence = Sequence(model=model, input_usage=input_usage)
    return [told for each in heard for told in sequence.hear(each)]


def written(told: Iterable[Told]) -> bytes:
    telling = StreamTelling(IDENTITY)
    return b"".join(telling.tell(step) for step in told)


def events_in(stream: bytes) -> list[dict[str, Any]]:
    """The events' data, each of which names itself as the event does."""
    parser = SSEParser()
    events = parser.feed(stream)
    assert parser.close() is None
    listed = [msgspec.json.decode(event.data or b"") for event in events]
    assert [event.event for event in events] == [each["type"] for each in listed]
    return listed


def check_grammar(events: list[dict[str, Any]]) -> None:
    """What Anthropic's own streams keep to: one beginning, blocks one after the other, one delta of the message, one
    end."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    open_index, next_index = None, 0
    for event in events[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert open_index is None and event["index"] == next_index
                open_index, next_index = next_index, next_index + 1
            case "content_block_delta":
                assert event["index"] == open_index
            case "content_block_stop":
                assert event["index"] == open_index
                open_index = None
            case kind:
                raise AssertionError(kind)
    assert open_index is None
