"""What planning a large body takes in memory beside it: an isolate has 128 MB, of which an interpreter takes a third."""

import base64
import json
import random
import tracemalloc

import pytest

from core.bounds import REQUEST_TEXT_BYTES_MAX
from core.call.plan import plan_call
from core.money.price_list import TABLE
from core.refusals import BodyTooLarge
from core.routing.paths import UpstreamPath
from core.tenant.policy import DEFAULT_POLICY

MB = 1024 * 1024
MESSAGES = UpstreamPath("messages", "metered", "anthropic_messages")
NOISE = random.Random(7)


def a_body(*parts: dict[str, object]) -> bytes:
    message = {"role": "user", "content": list(parts)}
    return json.dumps({"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [message]}).encode()


def media(kind: str, media_type: str, start: bytes, length_bytes: int) -> bytes:
    data = base64.b64encode(start + NOISE.randbytes(length_bytes * 3 // 4)).decode()
    return a_body({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}})


BODIES = {
    "an image": (media("image", "image/png", b"\x89PNG\r\n\x1a\n", 8 * MB), 0.1),
    "a document": (media("document", "application/pdf", b"%PDF-1.7\n", 8 * MB), 1.7),
    "plain text": (a_body({"type": "text", "text": "the quick brown fox " * (2 * MB // 20)}), 1.3),
    "text with escapes": (a_body({"type": "text", "text": 'the "quick"\n\tbrown fox\n' * (2 * MB // 24)}), 2.2),
    "words without a blank": (a_body({"type": "text", "text": "quick-brown-fox." * (2 * MB // 16)}), 1.3),
}


@pytest.mark.parametrize("name", BODIES)
def test_planning_takes_little_memory_beside_a_large_body(name: str) -> None:
    body, times = BODIES[name]
    plan_call("anthropic", MESSAGES, body, DEFAULT_POLICY, 0, TABLE)  # what is loaded once

    tracemalloc.start()
    try:
        plan_call("anthropic", MESSAGES, body, DEFAULT_POLICY, 0, TABLE)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < times * len(body) + MB


def test_what_a_body_has_beside_media_is_bounded() -> None:
    body = a_body({"type": "text", "text": "word " * (REQUEST_TEXT_BYTES_MAX // 5)})

    with pytest.raises(BodyTooLarge, match="beside its base64"):
        plan_call("anthropic", MESSAGES, body, DEFAULT_POLICY, 0, TABLE)
