"""A stream told as chunks of a chat completion.

What is the same in all chunks is written once, at the start. The rules easy to break: the reason of the end is given
once, in a chunk without output; the usage comes after it, without a choice, and only where the caller asked; and calls
are numbered among calls, whatever stood before them.
"""

import msgspec

from core.money.usage import Usage
from core.wire.streams.observation import on_one_line, sse_raw
from core.wire.translation.answer import Break, End, Identity, Open, Start, Told, Write
from core.wire.translation.chat.answer_writer import answer_id, call_object, finish_reason
from core.wire.translation.chat.usage_writer import usage_object
from core.wire.translation.conversation import ToolCall
from core.wire.translation.errors import write_error

_encode = msgspec.json.Encoder().encode

_DONE = b"data: [DONE]\n\n"
_WITHOUT_CHOICE = b'"choices":[]'


class StreamTelling:
    """One stream. Steps come in strict order. `calls_as_functions` is for a caller that knows chat's older way only:
    of several calls it hears the first."""

    def __init__(self, identity: Identity, *, wants_usage: bool, calls_as_functions: bool = False) -> None:
        self._identity = identity
        self._wants_usage = wants_usage
        self._calls_as_functions = calls_as_functions
        self._head = b""
        """Of every chunk, up to its choices."""
        self._tail = b',"usage":null}\n\n' if wants_usage else b"}\n\n"
        self._after_delta = b',"logprobs":null,"finish_reason":null}]' + self._tail
        self._has_said_role = False
        self._calls = 0

    def tell(self, told: Told) -> bytes:
        match told:
            case Write(kind="text", text=text):
                return self._delta(b'{"content":%b}' % _encode(text))
            case Write(kind="thinking", text=text):
                return self._delta(b'{"reasoning_content":%b}' % _encode(text))
            case Write(text=text):
                return self._argued(_encode(text))
            case Open(call=ToolCall() as call):
                return self._called(call)
            case Open(kind=kind):
                return self._role(kind)
            case Start(model=model):
                self._started(model)
            case End():
                return self._ended(told)
            case Break(error=error):
                return self.broken(write_error("openai_chat", error, self._identity.request_id))
        return b""

    def broken(self, error_body: bytes) -> bytes:
        """On an event that is an error the official client raises."""
        return sse_raw(on_one_line(error_body)) + _DONE

    def cut(self, error_body: bytes, charged: Usage) -> bytes:
        return self.broken(error_body)

    def _started(self, model: str) -> None:
        """The first chunk is written with what it opens: a message that is all calls has no content, not an empty
        one."""
        head = {
            "id": answer_id(self._identity),
            "object": "chat.completion.chunk",
            "created": self._identity.created_at_s,
            "model": model,
        }
        self._head = b"data: " + _encode(head).removesuffix(b"}") + b","

    def _delta(self, delta: bytes) -> bytes:
        return b'%b"choices":[{"index":0,"delta":%b%b' % (self._head, delta, self._after_delta)

    def _role(self, kind: str) -> bytes:
        if self._has_said_role:
            return b""
        self._has_said_role = True
        return self._delta(b'{"role":"assistant","content":%b,"refusal":null}' % (b'""' if kind == "text" else b"null"))

    def _called(self, call: ToolCall) -> bytes:
        self._calls += 1
        if not self._calls_as_functions:
            said = _encode([{"index": self._calls - 1, **call_object(call)}])
            return self._role("tool_call") + self._delta(b'{"tool_calls":%b}' % said)
        if self._calls > 1:
            return b""
        said = _encode({"name": call.name, "arguments": ""})
        return self._role("tool_call") + self._delta(b'{"function_call":%b}' % said)

    def _argued(self, text: bytes) -> bytes:
        if not self._calls_as_functions:
            return self._delta(b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (self._calls - 1, text))
        return self._delta(b'{"function_call":{"arguments":%b}}' % text) if self._calls == 1 else b""

    def _ended(self, end: End) -> bytes:
        reason = _encode(finish_reason(end.stop, self._calls_as_functions))
        finish = b'%b"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":%b}]%b'
        last = self._role("tool_call") + finish % (self._head, reason, self._tail)
        if self._wants_usage and end.usage is not None:
            last += b'%b%b,"usage":%b}\n\n' % (self._head, _WITHOUT_CHOICE, _encode(usage_object(end.usage)))
        return last + _DONE
