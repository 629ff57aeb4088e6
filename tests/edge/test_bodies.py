"""A body is taken in when its caller is known, as far as there is room, and its room is free again however it ends."""

import gzip
import json
import zlib
from collections import deque

import pytest

from app import handle
from core.bounds import OWN_BODY_BYTES_MAX, REQUEST_BODIES_BYTES_MAX, REQUEST_BODY_BYTES_MAX
from core.wire.bytes_in_flight import MakeRoom
from core.wire.unpacking import TAKEN, Unpack
from exchange import Answer, Inbound, ReadBody
from isolate import Isolate
from ports import AttemptFailed
from tests.support.api_client import CHAT, an_isolate
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

MB = 1024 * 1024
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}).encode()
DONE = b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
STRANGER = "Bearer aw_live_" + "0" * 48


class Sent:
    """A body on its way in, and how much of it was taken in so far."""

    def __init__(self, body: bytes, *, declared_bytes: int | None = None, chunk_bytes: int = MB) -> None:
        self._body, self._declared_bytes, self._chunk_bytes = body, declared_bytes, chunk_bytes
        self.taken_bytes = 0

    async def read(self, make_room: MakeRoom, unpack: Unpack | None) -> bytes:
        """As the Worker does: all at once where the length was declared, else chunk by chunk."""
        if self._declared_bytes is not None:
            make_room(self._declared_bytes)
        step = self._chunk_bytes if self._declared_bytes is None else len(self._body)
        while self.taken_bytes < len(self._body):
            more = min(step, len(self._body) - self.taken_bytes)
            make_room(self.taken_bytes + more)
            self.taken_bytes += more
        return self._body if unpack is None else unpack(deque((self._body,)))


@pytest.fixture
def world() -> World:
    world = World({})
    world.answer = ScriptedAnswer(chunks=(DONE,))
    return world


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate()


def ask(
    world: World,
    isolate: Isolate,
    read_body: ReadBody,
    path: str = CHAT,
    method: str = "POST",
    **headers: str,
) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Inbound(method, path, "", {"authorization": f"Bearer {TOKEN}", **named}, read_body)
    return world.run(handle(request, world.ports(), isolate))


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["error"]["code"]


def is_all_free(isolate: Isolate) -> bool:
    """Does the whole of what may be on its way fit in?"""
    if not isolate.bodies.take(REQUEST_BODIES_BYTES_MAX):
        return False
    isolate.bodies.give_back(REQUEST_BODIES_BYTES_MAX)
    return True


@pytest.mark.parametrize("path", [CHAT, "/v1/chat/completions", "/v1/ingest", "/v1/proxy/openai/v1/files"])
def test_of_a_stranger_s_body_no_byte_is_read(world: World, isolate: Isolate, path: str) -> None:
    sent = [Sent(b"x" * 10 * MB, declared_bytes=10 * MB) for _ in range(12)]

    answers = [ask(world, isolate, each.read, path, authorization=STRANGER) for each in sent]

    assert {answer.status for answer in answers} == {401}
    assert [each.taken_bytes for each in sent] == [0] * 12
    assert is_all_free(isolate)


@pytest.mark.parametrize("path", ["/v1/proxy/openai/v1/images/generations", "/v1/nowhere", "/v1/proxy/azure/x"])
def test_of_a_body_that_leads_nowhere_no_byte_is_read(world: World, isolate: Isolate, path: str) -> None:
    sent = Sent(b"x" * MB)

    assert ask(world, isolate, sent.read, path).status in (403, 404)
    assert sent.taken_bytes == 0


def padded(length_bytes: int) -> bytes:
    """A body with an image that makes it so long."""
    around = BODY.replace(b'"hi"', b'[{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}]')
    return around % (b"A" * (length_bytes - len(around % b"")))


def test_a_body_of_the_greatest_length_arrives_whole(world: World, isolate: Isolate) -> None:
    body = padded(REQUEST_BODY_BYTES_MAX)

    answer = ask(world, isolate, Sent(body, declared_bytes=len(body)).read)

    assert answer.status == 200, answer.body
    assert world.sent[0].body == body
    assert REQUEST_BODY_BYTES_MAX == 32 * MB


TOO_LONG = [
    Sent(b"", declared_bytes=REQUEST_BODY_BYTES_MAX + 1),
    Sent(b"x" * (REQUEST_BODY_BYTES_MAX + 1)),
    Sent(b"x" * (REQUEST_BODY_BYTES_MAX + MB), declared_bytes=10),
]


@pytest.mark.parametrize("sent", TOO_LONG, ids=["declared", "in chunks", "declared shorter than it is"])
def test_a_longer_body_is_refused_and_not_taken_in_further(world: World, isolate: Isolate, sent: Sent) -> None:
    sent.taken_bytes = 0

    assert code_of(ask(world, isolate, sent.read)) == (413, "body_too_large")
    assert sent.taken_bytes <= REQUEST_BODY_BYTES_MAX
    assert world.sent == []
    assert is_all_free(isolate)


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/ingest"), ("PUT", "/v1/budget"), ("PUT", "/v1/sessions/s")])
def test_our_own_routes_take_a_megabyte_by_what_is_declared(
    world: World, isolate: Isolate, method: str, path: str
) -> None:
    sent = Sent(b"x" * 2 * MB, declared_bytes=2 * MB)
    for key in [name for name in world.kv if name.startswith("key:")]:
        world.kv[key] = '{"tenant": "acme", "role": "admin"}'

    assert code_of(ask(world, isolate, sent.read, path, method)) == (413, "body_too_large")
    assert sent.taken_bytes == 0
    assert OWN_BODY_BYTES_MAX == 1_000_000


@pytest.mark.parametrize("declared_bytes", [30 * MB, None], ids=["declared", "in chunks"])
def test_bodies_beyond_what_an_isolate_holds_are_told_to_come_again(
    world: World, isolate: Isolate, declared_bytes: int | None
) -> None:
    first, second = padded(30 * MB), Sent(padded(30 * MB), declared_bytes=declared_bytes)
    refused = []

    async def read_while_another_comes(make_room: MakeRoom, unpack: Unpack | None) -> bytes:
        make_room(len(first))
        request = Inbound("POST", CHAT, "", {"authorization": f"Bearer {TOKEN}"}, second.read)
        refused.append(await handle(request, world.ports(), isolate))
        return first

    answer = ask(world, isolate, read_while_another_comes)

    assert answer.status == 200
    assert code_of(refused[0]) == (503, "too_many_bytes")
    assert refused[0].headers["retry-after-ms"] == "1000"
    assert second.taken_bytes <= REQUEST_BODIES_BYTES_MAX - len(first)
    assert is_all_free(isolate)


class Surprise(Exception):
    """Something nobody foresaw."""


async def breaks_off(make_room: MakeRoom, unpack: Unpack | None) -> bytes:
    make_room(20 * MB)
    raise Surprise


def test_a_body_that_breaks_off_leaves_its_room(world: World, isolate: Isolate) -> None:
    with pytest.raises(Surprise):
        ask(world, isolate, breaks_off)

    assert is_all_free(isolate)


ENDS: dict[str, ScriptedAnswer | AttemptFailed] = {
    "an answer": ScriptedAnswer(chunks=(DONE,)),
    "an error": ScriptedAnswer(status=500),
    "a stream": ScriptedAnswer(headers={"content-type": "text/event-stream"}, chunks=(b"data: [DONE]\n\n",)),
    "nothing": AttemptFailed("unreachable"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("path", [CHAT, "/v1/proxy/anthropic/v1/messages/count_tokens", "/v1/nowhere"])
def test_however_a_call_ends_its_room_is_free(world: World, path: str, end: str) -> None:
    isolate = an_isolate(ANTHROPIC_API_KEY="sk-ours")
    world.answer = ENDS[end]

    ask(world, isolate, Sent(padded(MB)).read, path)

    assert is_all_free(isolate)


def test_a_body_s_room_is_free_as_soon_as_the_provider_answers(world: World, isolate: Isolate) -> None:
    class Slow(ScriptedAnswer):
        async def read(self) -> bytes:
            was_free.append(is_all_free(isolate))
            return DONE

    was_free: list[bool] = []
    world.answer = Slow()

    ask(world, isolate, Sent(padded(MB)).read)

    assert was_free == [True]


def as_sent(body: bytes, encoding: str) -> bytes:
    """A body as the header says that it is encoded."""
    for name in encoding.lower().split(","):
        if "gzip" in name:
            body = gzip.compress(body)
        elif "deflate" in name:
            body = zlib.compress(body)
    return body


READABLE = ["gzip", "x-gzip", "GZIP", "deflate", "identity, gzip", "deflate, gzip", " gzip , identity,", "identity", ""]


@pytest.mark.parametrize("encoding", READABLE)
def test_a_compressed_call_is_judged_and_sent_as_the_plain_one(world: World, isolate: Isolate, encoding: str) -> None:
    answer = ask(world, isolate, Sent(as_sent(BODY, encoding)).read, content_encoding=encoding)

    assert answer.status == 200, answer.body
    assert world.sent[0].body == BODY
    assert "content-encoding" not in world.sent[0].headers
    assert is_all_free(isolate)


@pytest.mark.parametrize("path", ["messages/count_tokens", "images/generations"])
def test_a_call_that_passes_on_unread_is_unpacked_too(path: str) -> None:
    world, isolate = World({"allow_unmetered_paths": True}), an_isolate(ANTHROPIC_API_KEY="sk-ours")
    sent = Sent(gzip.compress(BODY))

    ask(world, isolate, sent.read, f"/v1/proxy/anthropic/v1/{path}", content_encoding="gzip")

    assert world.sent[0].body == BODY
    assert "content-encoding" not in world.sent[0].headers


@pytest.mark.parametrize("encoding", ["br", "gzip, br", "compress", "BR", "gzip, gzip, gzip"])
@pytest.mark.parametrize("path", [CHAT, "/v1/holds", "/v1/proxy/anthropic/v1/messages/count_tokens"])
def test_another_encoding_is_refused_by_its_name_with_those_that_are_taken(
    world: World, path: str, encoding: str
) -> None:
    isolate = an_isolate(ANTHROPIC_API_KEY="sk-ours")
    sent = Sent(b"\x1f\x8b")

    answer = ask(world, isolate, sent.read, path, content_encoding=encoding)

    assert answer.status == 415
    named = "3 times" if "gzip, gzip" in encoding else f"'{encoding.lower().rpartition(' ')[2]}'"
    assert named in answer.body.decode()
    assert f"send it plain, without content-encoding, or once in one of {', '.join(TAKEN)}" in answer.body.decode()
    assert (sent.taken_bytes, world.sent) == (0, [])


def test_a_body_of_the_greatest_length_may_come_packed(world: World, isolate: Isolate) -> None:
    body = padded(REQUEST_BODY_BYTES_MAX)

    assert ask(world, isolate, Sent(gzip.compress(body, 1)).read, content_encoding="gzip").status == 200
    assert world.sent[0].body == body
    assert is_all_free(isolate)


def test_what_unpacks_to_more_than_a_plain_body_may_have_is_refused(world: World, isolate: Isolate) -> None:
    sent = Sent(gzip.compress(padded(REQUEST_BODY_BYTES_MAX + 1), 1))

    assert code_of(ask(world, isolate, sent.read, content_encoding="gzip")) == (413, "body_too_large")
    assert is_all_free(isolate)


def test_what_a_body_unpacks_to_needs_room_as_a_plain_one_does(world: World) -> None:
    isolate = an_isolate()
    assert isolate.bodies.take(REQUEST_BODIES_BYTES_MAX - 20 * MB)
    sent = Sent(gzip.compress(padded(20 * MB + 1), 1))

    assert code_of(ask(world, isolate, sent.read, content_encoding="gzip")) == (503, "too_many_bytes")


@pytest.mark.parametrize("path", [CHAT, "/v1/ingest", "/v1/proxy/anthropic/v1/messages/count_tokens"])
def test_a_body_that_is_not_what_it_says_is_refused_by_that(world: World, path: str) -> None:
    isolate = an_isolate(ANTHROPIC_API_KEY="sk-ours")

    answer = ask(world, isolate, Sent(BODY).read, path, content_encoding="gzip")

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "content-encoding")
    assert world.sent == []
