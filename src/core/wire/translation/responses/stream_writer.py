"""A stream told as events of the Responses API, numbered without a gap, an item for each block.

What is the same in all pieces of a block is written once, when it opens. The rules easy to break: the last event holds
the whole response, the same object as a whole answer; and arguments that were cut off are never said to be done, since
a client would run the tool with them.
"""

from collections.abc import Iterator

import msgspec

from core.money.usage import Usage
from core.wire.json_text import InvalidJSON, read_json
from core.wire.streams.observation import sse
from core.wire.streams.open_response import failed_events, failed_members, flat_error, numbered
from core.wire.translation.answer import Break, Close, End, Identity, Open, Start, Told, Write
from core.wire.translation.conversation import ToolCall
from core.wire.translation.errors import write_error
from core.wire.translation.responses.response_object import (
    ID_STARTS,
    JSONObject,
    call_item,
    call_status,
    ended_response,
    item_id,
    message_item,
    reasoning_item,
    response_object,
    summary_part,
    text_part,
)

_encode = msgspec.json.Encoder().encode

_DELTAS = {
    "text": "response.output_text.delta",
    "thinking": "response.reasoning_summary_text.delta",
    "tool_call": "response.function_call_arguments.delta",
}


class _ErrorBody(msgspec.Struct):
    error: dict[str, object]


class StreamTelling:
    """One stream. Steps come in strict order."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._number = 0
        self._model = ""
        self._output: list[JSONObject] = []
        self._id = ""
        self._call: ToolCall | None = None
        self._start = b""
        """Of each piece of the open block, up to its number."""
        self._pieces: list[str] = []

    def tell(self, told: Told) -> bytes:
        if isinstance(told, Write):
            self._pieces.append(told.text)
            piece = b'%b%d,"delta":%b}\n\n' % (self._start, self._number, _encode(told.text))
            self._number += 1
            return piece
        match told:
            case Start(model=model):
                return self._started(model)
            case Open():
                return b"".join(self._opened(told))
            case Close():
                return b"".join(self._closed(told))
            case End():
                return self._ended(told)
            case Break(error=error):
                return self.broken(write_error("openai_responses", error, self._identity.request_id))
        raise AssertionError(f"{type(told).__name__} is told by nobody")

    def broken(self, error_body: bytes) -> bytes:
        return self._told(flat_error(_error_in(error_body)))

    def cut(self, error_body: bytes, charged: Usage) -> bytes:
        """With the items that are whole: what an open one has so far, its caller has."""
        error = _error_in(error_body)
        response = response_object(self._identity, model=self._model, status="failed", output=self._output)
        return self._told(*failed_events({**response, **failed_members(error, charged)}, error))

    def _told(self, *events: JSONObject) -> bytes:
        told = numbered(list(events), after_sequence_number=self._number - 1)
        self._number += len(events)
        return told

    def _event(self, kind: str, members: JSONObject) -> bytes:
        event = sse({"type": kind, "sequence_number": self._number, **members}, event=kind)
        self._number += 1
        return event

    def _started(self, model: str) -> bytes:
        self._model = model
        response = response_object(self._identity, model=model, status="in_progress", output=[])
        created = self._event("response.created", {"response": response})
        return created + self._event("response.in_progress", {"response": response})

    def _opened(self, opened: Open) -> Iterator[bytes]:
        self._id = item_id(self._identity, opened.kind, opened.index)
        self._call, self._pieces = opened.call, []
        place: JSONObject = {"item_id": self._id, "output_index": opened.index}
        item = self._item("", status="in_progress", is_empty=True)
        yield self._event("response.output_item.added", {"output_index": opened.index, "item": item})
        if opened.kind == "text":
            place["content_index"] = 0
            yield self._event("response.content_part.added", {**place, "part": text_part("")})
            place["logprobs"] = []
        elif opened.kind == "thinking":
            place["summary_index"] = 0
            yield self._event("response.reasoning_summary_part.added", {**place, "part": summary_part("")})
        kind = _DELTAS[opened.kind]
        members = _encode({"type": kind, **place}).removesuffix(b"}")
        self._start = b'event: %b\ndata: %b,"sequence_number":' % (kind.encode(), members)

    def _closed(self, closed: Close) -> Iterator[bytes]:
        text, place = "".join(self._pieces), {"item_id": self._id, "output_index": closed.index}
        status = call_status(text) if self._call is not None else "completed"
        if self._call is not None and status == "completed":
            done = {**place, "arguments": text, "name": self._call.name}
            yield self._event("response.function_call_arguments.done", done)
        elif closed.kind == "text":
            place["content_index"] = 0
            yield self._event("response.output_text.done", {**place, "text": text, "logprobs": []})
            yield self._event("response.content_part.done", {**place, "part": text_part(text)})
        elif closed.kind == "thinking":
            place["summary_index"] = 0
            yield self._event("response.reasoning_summary_text.done", {**place, "text": text})
            yield self._event("response.reasoning_summary_part.done", {**place, "part": summary_part(text)})
        item = self._item(text, status=status)
        self._output.append(item)
        yield self._event("response.output_item.done", {"output_index": closed.index, "item": item})

    def _item(self, text: str, *, status: str, is_empty: bool = False) -> JSONObject:
        if self._call is not None:
            return call_item(self._id, status=status, call_id=self._call.id, name=self._call.name, arguments=text)
        if self._id.startswith(ID_STARTS["text"]):
            return message_item(self._id, status=status, content=[] if is_empty else [text_part(text)])
        return reasoning_item(self._id, [] if is_empty else [summary_part(text)])

    def _ended(self, end: End) -> bytes:
        response = ended_response(
            self._identity, model=self._model, stop=end.stop, output=self._output, usage=end.usage
        )
        return self._event(f"response.{response['status']}", {"response": response})


def _error_in(body: bytes) -> JSONObject:
    try:
        return read_json(body, _ErrorBody).error
    except InvalidJSON:
        return {"message": "the stream broke off", "type": "server_error", "code": None, "param": None}
