"""A stream told as events of the Messages API: a message of blocks, each opened, written and closed.

What is the same in all pieces of a block is written once, when it opens. The rules easy to break: the message starts
before anything else, and ends with one `message_delta`, whose usage is of the whole call; thinking is signed with our
mark before its block closes, or a client would send it back unsigned, and the mark is what it is known by.
"""

import msgspec

from core.money.usage import Usage
from core.wire.streams.observation import on_one_line, sse, sse_raw
from core.wire.translation.answer import Break, Close, End, Identity, Open, Start, Told, Write
from core.wire.translation.errors import write_error
from core.wire.translation.fitting.history import UNSIGNED
from core.wire.translation.messages.answer_writer import JSONObject, message_object, stop_members, usage_object

_encode = msgspec.json.Encoder().encode

_PIECE = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":%b'
_PIECES = {
    "text": b'"text_delta","text":',
    "thinking": b'"thinking_delta","thinking":',
    "tool_call": b'"input_json_delta","partial_json":',
}
_STOPPED = sse({"type": "message_stop"}, event="message_stop")


class StreamTelling:
    """One stream. Steps come in strict order."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._usage: Usage | None = None
        """What was known of the input at the start."""
        self._start = b""
        """Of each piece of the open block, up to its text."""

    def tell(self, told: Told) -> bytes:
        if isinstance(told, Write):
            return b"%b%b}}\n\n" % (self._start, _encode(told.text))
        match told:
            case Start():
                return self._started(told)
            case Open():
                return self._opened(told)
            case Close():
                return _closed(told)
            case End():
                return self._ended(told)
            case Break(error=error):
                return self.broken(write_error("anthropic_messages", error, self._identity.request_id))
        raise AssertionError(f"{type(told).__name__} is told by nobody")

    def broken(self, error_body: bytes) -> bytes:
        """Official clients raise on this event, whatever is open."""
        return sse_raw(on_one_line(error_body), event="error")

    def cut(self, error_body: bytes, charged: Usage) -> bytes:
        return self.broken(error_body)

    def _started(self, start: Start) -> bytes:
        self._usage = start.usage
        message = message_object(self._identity, model=start.model, content=[], usage=start.usage)
        return _event("message_start", {"message": message})

    def _opened(self, opened: Open) -> bytes:
        self._start = _PIECE % (opened.index, _PIECES[opened.kind])
        return _event("content_block_start", {"index": opened.index, "content_block": _empty_block(opened)})

    def _ended(self, end: End) -> bytes:
        usage = usage_object(end.usage or self._usage or Usage())
        delta = stop_members(end.stop, end.stop_sequence)
        return _event("message_delta", {"delta": delta, "usage": usage}) + _STOPPED


def _empty_block(opened: Open) -> JSONObject:
    if opened.call is not None:
        return {"type": "tool_use", "id": opened.call.id, "name": opened.call.name, "input": {}}
    if opened.kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _closed(closed: Close) -> bytes:
    stopped = _event("content_block_stop", {"index": closed.index})
    if closed.kind != "thinking":
        return stopped
    delta = {"type": "signature_delta", "signature": UNSIGNED}
    return _event("content_block_delta", {"index": closed.index, "delta": delta}) + stopped


def _event(kind: str, members: JSONObject) -> bytes:
    return sse({"type": kind, **members}, event=kind)
