"""A stream as `streamGenerateContent` gives it: each event is a partial answer, as server-sent events or as elements of
one JSON array.

A call is written whole, when its block closes. The rule easy to break: an array stays open until the last word, and
whichever that is closes it; after it nothing follows.
"""

import msgspec

from core.money.usage import Usage
from core.wire.streams.observation import on_one_line, sse_raw
from core.wire.translation.answer import Break, Close, End, Identity, Open, Start, Told, Write
from core.wire.translation.conversation import ToolCall
from core.wire.translation.errors import write_error
from core.wire.translation.gemini.answer_writer import NOTHING_SAID
from core.wire.translation.gemini.parts_writer import FINISH_REASONS, call_part
from core.wire.translation.gemini.usage_writer import usage_object

_encode = msgspec.json.Encoder().encode

_BEFORE = b'{"candidates":[{"content":{"parts":['
_AFTER_PARTS = b'],"role":"model"},"index":0}],'


class StreamTelling:
    """One stream. `is_sse` says which framing the caller asked for (`alt=sse`); `shows_thinking` False leaves the
    thoughts out, as Gemini does unless asked for them."""

    def __init__(self, identity: Identity, *, is_sse: bool, shows_thinking: bool = True) -> None:
        self._identity = identity
        self._is_sse = is_sse
        self._shows_thinking = shows_thinking
        self._model = ""
        self._after = b""
        """What follows an event's parts: always the same."""
        self._has_begun = False
        self._has_ended = False
        self._has_called = False
        self._call: ToolCall | None = None
        self._arguments: list[str] = []

    def tell(self, told: Told) -> bytes:
        match told:
            case Write(kind="text", text=text):
                return self._said(b'{"text":' + _encode(text) + b"}")
            case Write(kind="thinking", text=text):
                return self._said(b'{"text":' + _encode(text) + b',"thought":true}') if self._shows_thinking else b""
            case Write(text=text):
                self._arguments.append(text)
            case Open(call=call):
                self._call, self._arguments = call, []
            case Close(kind="tool_call"):
                return self._called()
            case Start(model=model):
                self._model = model
                self._after = _AFTER_PARTS + _encode(self._known())[1:]
            case End():
                return self._last(_encode(self._ending(told)))
            case Break(error=error):
                return self.broken(write_error("gemini", error, self._identity.request_id))
        return b""

    def broken(self, error_body: bytes) -> bytes:
        """Around an error's JSON object, as the official SDK raises it. Nothing where the answer has ended."""
        return self._last(on_one_line(error_body))

    def cut(self, error_body: bytes, charged: Usage) -> bytes:
        return self.broken(error_body)

    def _known(self) -> dict[str, object]:
        return {"modelVersion": self._model, "responseId": self._identity.request_id}

    def _called(self) -> bytes:
        if self._call is None:
            return b""
        call = msgspec.structs.replace(self._call, arguments="".join(self._arguments))
        part = call_part(call, is_first=not self._has_called)
        self._call, self._has_called = None, True
        return self._said(_encode(part))

    def _ending(self, end: End) -> dict[str, object]:
        content = {"parts": [NOTHING_SAID], "role": "model"}
        candidate = {"content": content, "finishReason": FINISH_REASONS[end.stop], "index": 0}
        usage = {} if end.usage is None else {"usageMetadata": usage_object(end.usage)}
        return {"candidates": [candidate], **usage, **self._known()}

    def _said(self, part: bytes) -> bytes:
        return self._framed(_BEFORE + part + self._after)

    def _last(self, document: bytes) -> bytes:
        if self._has_ended:
            return b""
        self._has_ended = True
        return self._framed(document) + (b"" if self._is_sse else b"\n]")

    def _framed(self, document: bytes) -> bytes:
        if self._is_sse:
            return sse_raw(document)
        start = b",\r\n" if self._has_begun else b"["
        self._has_begun = True
        return start + document
