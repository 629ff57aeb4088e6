"""Large bodies through the genuine runtime: whole, in pieces on both sides, and not a byte of a stranger's."""

import base64
import gzip
import hashlib
import json
import random
import subprocess
import zlib
from collections.abc import Iterator

import httpx
import pytest

from bench.measuring.process_memory import read_process
from local.paths import NODE

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


BODY = {"model": "gpt-4o-mini", "max_tokens": 10, "messages": [{"role": "user", "content": "hello " * 200}]}
PLAIN = json.dumps(BODY).encode()


def in_zstd(body: bytes) -> bytes:
    """By a real encoder, which Python has from 3.14 on."""
    script = "process.stdout.write(zlib.zstdCompressSync(fs.readFileSync(0)))"
    return subprocess.run([NODE, "-e", script], input=body, capture_output=True, check=True).stdout


PACKED = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": in_zstd}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_compressed_call_reaches_its_provider_plain(edge, run, encoding):
    answer = edge.post(CHAT, PACKED[encoding](PLAIN), content_encoding=encoding, x_mock_tag=run)

    (entry,) = edge.billed(run)
    assert answer.status_code == 200, answer.text
    assert entry["body_sha256"] == hashlib.sha256(PLAIN).hexdigest()


def zstd_frame(window_bits: int, blocks: list[tuple[int, bytes]]) -> bytes:
    """A frame by hand (RFC 8878, 3.1.1): each block's one byte so many times."""
    frame = bytes.fromhex("28b52ffd") + bytes([0, (window_bits - 10) << 3])
    for place, (times, byte) in enumerate(blocks):
        is_last = place == len(blocks) - 1
        frame += (times << 3 | 1 << 1 | is_last).to_bytes(3, "little") + byte
    return frame


def test_no_bomb_takes_more_memory_than_a_body_may(edge, run):
    """Four gigabytes of blanks; and a window of 128 MB for one of them."""
    bomb = zstd_frame(17, [(128 * 1024, b" ")] * 32_768)
    edge.post(CHAT, bomb, content_encoding="zstd", x_mock_tag=run)
    before = read_process(edge.stack.workerd_pid()).heaps_bytes

    answers = [edge.post(CHAT, bomb, content_encoding="zstd", x_mock_tag=run) for _ in range(5)]
    wide = edge.post(CHAT, zstd_frame(27, [(1, b" ")]), content_encoding="zstd", x_mock_tag=run)

    assert {answer.status_code for answer in answers} == {413}
    assert (wide.status_code, wide.json()["error"]["param"]) == (400, "content-encoding")
    assert read_process(edge.stack.workerd_pid()).heaps_bytes - before < 8 * MB
    assert edge.billed(run) == []


def test_an_encoding_that_cannot_be_read_is_refused_by_its_name(edge, run):
    answer = edge.post(CHAT, b"\x0b\x00", content_encoding="br", x_mock_tag=run)

    assert (answer.status_code, answer.json()["error"]["param"]) == (415, "content-encoding")
    assert "'br', which cannot be read here: send it plain" in answer.text
    assert answer.json()["error"]["message"].endswith("one of gzip, deflate, zstd")
