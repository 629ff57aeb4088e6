"""Reading a request costs time in proportion to its bytes, whatever shape a caller gives it.

Each shape is measured at n and 2n bytes: a cost that grows with the square doubles that ratio.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from core.refusals import InvalidRequest
from core.wire.dialects import DIALECTS
from tests.core.wire.media.media_samples import wav
from tests.support.growth import least_ratio

PATH = "v1beta/models/m:generateContent"
RATIO_MAX = 2.5
SOUND = wav(1)[:400].encode()

PLACES = {
    "openai_chat": b'"model":"gpt-4o","messages":[{"role":"user","content":%b}]',
    "openai_completions": b'"model":"gpt-4o","prompt":"a","x":%b',
    "openai_responses": b'"model":"gpt-4o","input":[{"role":"user","content":%b}]',
    "openai_embeddings": b'"model":"gpt-4o","input":"a","x":%b',
    "anthropic_messages": b'"model":"claude-opus-5","max_tokens":1,"messages":[{"role":"user","content":%b}]',
    "gemini": b'"contents":[{"parts":%b}]',
    "gemini_embed": b'"content":{"parts":%b}',
}


def many(piece: bytes, *, between: bytes = b",", around: bytes = b"[%b]") -> Callable[[int], bytes]:
    return lambda size: around % between.join([piece] * (size // (len(piece) + len(between))))


def numbered(piece: bytes, *, around: bytes = b"{%b}") -> Callable[[int], bytes]:
    return lambda size: around % b",".join(piece % number for number in range(size // (len(piece) + 4)))


SHAPES: dict[str, Callable[[int], bytes]] = {
    "members": numbered(b'"%d":1'),
    "members, all one but for case": lambda size: (
        b"{%b}"
        % b",".join(
            b'"%b":1' % format(number, "017b").translate({48: "a", 49: "A"}).encode() for number in range(size // 22)
        )
    ),
    "members with an escape": numbered(b'"\\u006d%d":1'),
    "members in objects": numbered(b'{"type":"text","a%d":"b"}', around=b"[%b]"),
    "parts": many(b'{"type":"text","text":"abc"}'),
    "parts with media": many(b'{"inlineData":{"mimeType":"audio/wav","data":"%b"}}' % SOUND),
    "parts with media behind their file": many(
        b'{"file_data":{"file_uri":"u"},"inline_data":{"data":"%b","mime_type":"a"}}' % SOUND
    ),
    "parts with pictures": many(b'{"type":"image_url","image_url":{"url":"data:image/png;base64,%b"}}' % SOUND),
    "parts with files": many(b'{"type":"file","file":{"file_data":"%b","file_id":"f"}}' % SOUND),
    "documents": many(b'{"type":"document","source":{"type":"base64","data":"%b"}}' % SOUND),
    "signatures": many(b'{"thoughtSignature":"%b","type":"thinking"}' % SOUND),
    "imitations of media": many(b'{"type":"text","text":"%b"}' % SOUND),
    "media of one beginning": numbered(b'{"inlineData":{"data":"' + SOUND + b'%07d"}}', around=b"[%b]"),
    "one long base64": many(b"QUJD", between=b"", around=b'[{"inlineData":{"data":"%b"}}]'),
    "one long base64 with line breaks": many(b"QUJD\\n", between=b"", around=b'[{"inlineData":{"data":"%b"}}]'),
    "quotes in a text": many(b'\\"', between=b"", around=b'"%b"'),
    "backslashes in a text": many(b"\\\\", between=b"", around=b'"%b"'),
    "characters as escapes": many(b"\\u4e2d", between=b"", around=b'"%b"'),
    "characters as escapes, apart": many(b"\\u4e2d ", between=b"", around=b'"%b"'),
    "letters as escapes": many(b"\\u0061", between=b"", around=b'"%b"'),
    "runs just long enough": many(b'"%b"' % (b"QUJD" * 17)),
    "runs just too short": many(b'"%b"' % (b"QUJD" * 15)),
    "runs that end in no base64": many(b'"%b!"' % (b"QUJD" * 60)),
    "lists": many(b"[]"),
    "lists in lists": many(b"[" * 50 + b"]" * 50),
    "numbers": many(b"7"),
    "digits": many(b"7", between=b"", around=b'"%b"'),
    "a fraction": many(b"7", between=b"", around=b"0.%b"),
    "blanks": many(b" ", between=b"", around=b"[%b]"),
    "empty strings": many(b'""'),
    "names of references": numbered(b'{"file_id":"%d"}', around=b"[%b]"),
    "nested content": many(b'{"content":[' * 15 + b"1" + b"]}" * 15),
}


def test_every_dialect_is_measured() -> None:
    """A compaction is read by what reads Responses."""
    assert DIALECTS.keys() - PLACES.keys() == {"openai_compaction"}


@pytest.mark.parametrize("dialect", sorted(PLACES))
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_bytes_take_twice_the_time(dialect: str, shape: str) -> None:
    once, twice = (body_of(dialect, shape, size) for size in (60_000, 120_000))

    ratio_max = RATIO_MAX * len(twice) / (2 * len(once))

    assert least_ratio(partial(read, dialect), once, twice, enough=ratio_max) < ratio_max


def body_of(dialect: str, shape: str, size: int) -> bytes:
    return b"{%b}" % (PLACES[dialect] % SHAPES[shape](size))


def read(dialect: str, body: bytes) -> None:
    with suppress(InvalidRequest):
        DIALECTS[dialect].parse_request(body, path=PATH)


def test_members_of_the_request_itself_are_bounded() -> None:
    members = b",".join(b'"%d":1' % number for number in range(64_000))

    with pytest.raises(InvalidRequest, match="64003 members"):
        DIALECTS["openai_chat"].parse_request(b'{ "model":"m","messages":[{}],"x":1,%b}' % members, path="")
