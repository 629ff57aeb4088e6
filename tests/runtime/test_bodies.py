"""Large bodies through the genuine runtime: whole, in pieces on both sides, and not a byte of a stranger's."""

import base64
import hashlib
import json
import random
from collections.abc import Iterator

import httpx
import pytest

from bench.measuring.process_memory import read_process

pytestmark = pytest.mark.stack

MESSAGES = "/v1/proxy/anthropic/v1/messages"
CHAT = "/v1/proxy/openai/v1/chat/completions"
MB = 1024 * 1024
STRANGER = {"authorization": "Bearer aw_live_" + "0" * 48}


def with_image(length_bytes: int) -> bytes:
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(length_bytes * 3 // 4)).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    message = {"role": "user", "content": [image]}
    return json.dumps({"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [message]}).encode()


def in_chunks(body: bytes) -> Iterator[bytes]:
    """A body of which only its end tells how long it is."""
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


@pytest.mark.parametrize("length_bytes", [2 * MB, 30 * MB])
@pytest.mark.parametrize("send", [bytes, in_chunks], ids=["declared", "in chunks"])
def test_a_large_body_arrives_byte_for_byte_with_its_length(edge, run, length_bytes, send):
    body = with_image(length_bytes)

    answer = httpx.post(
        edge.stack.edge_url + MESSAGES,
        content=send(body),
        headers=edge.headers(x_mock_tag=run, anthropic_version="2023-06-01"),
        timeout=60,
    )

    (entry,) = edge.billed(run)
    assert answer.status_code == 200, answer.text
    assert entry["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert entry["headers"]["content-length"] == str(len(body))


def test_a_body_that_is_changed_on_its_way_arrives_whole(edge, run):
    """A stream without `include_usage` is made to tell its usage."""
    text = "word " * (MB // 2)
    body = {"model": "gpt-4o-mini", "stream": True, "max_tokens": 5, "messages": [{"role": "user", "content": text}]}

    answer = edge.post(CHAT, body, x_mock_tag=run)

    (entry,) = edge.billed(run)
    assert answer.status_code == 200, answer.text
    assert int(entry["headers"]["content-length"]) > len(text)


@pytest.mark.parametrize("send", [bytes, in_chunks], ids=["declared", "in chunks"])
def test_a_body_beyond_the_bound_is_refused(edge, send):
    answer = httpx.post(edge.stack.edge_url + CHAT, content=send(b" " * 33 * MB), headers=edge.headers(), timeout=60)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_strangers_bodies_take_no_memory(edge):
    before = read_process(edge.stack.workerd_pid()).heaps_bytes

    answers = [
        httpx.post(edge.stack.edge_url + CHAT, content=b" " * 30 * MB, headers=STRANGER, timeout=60) for _ in range(12)
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert read_process(edge.stack.workerd_pid()).heaps_bytes == before


def test_a_compressed_body_is_refused_by_its_encoding(edge, run):
    answer = edge.post(CHAT, b"\x1f\x8b", content_encoding="gzip", x_mock_tag=run)

    assert (answer.status_code, answer.json()["error"]["param"]) == (415, "content-encoding")
    assert edge.billed(run) == []
