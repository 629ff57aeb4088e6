"""Server-sent events as the providers write them."""

import msgspec

_encode = msgspec.json.encode

DONE = b"data: [DONE]\n\n"


def data_event(document: object) -> bytes:
    return b"data: " + _encode(document) + b"\n\n"


def named_event(name: str, document: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encode(document) + b"\n\n"
