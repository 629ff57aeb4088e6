"""The Responses API's stream: every item is announced, written in deltas and closed, and each event
is numbered.
"""

from collections.abc import Iterator
from itertools import count

from mock_llm.selling.models import Kind
from mock_llm.wire.openai import responses as whole
from mock_llm.wire.sse import named_event
from mock_llm.writing.calls import Call, Frame, Wire
from mock_llm.writing.plan import Channel, Finish, ToolCall


def frames(call: Call) -> Iterator[Frame]:
    return _Stream(call).frames()


def stream_error(_call: Call, message: str) -> bytes:
    """The error event as OpenAI really sends it, nested, which its client raises on.

    The documented form has the fields at the top (seen by users of its .NET client, December 2025).
    """
    error = {"type": "server_error", "code": "server_error", "message": message, "param": None}
    return named_event("error", {"type": "error", "error": error})


class _Stream:
    """Numbers the events and counts the items of one response."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._choice = call.choices[0]
        self._sequence = count()
        self._output_index = 0

    def frames(self) -> Iterator[Frame]:
        for kind in ("response.created", "response.in_progress"):
            opened = whole.response(self._call, status="in_progress", output=[])
            yield self._event(kind, response=opened), None
        for place in range(self._call.script.web_searches):
            yield from self._search(place)
        if self._choice.reasoning:
            yield from self._reasoning()
        if self._choice.text or not self._choice.tools:
            yield from self._message()
        for place, tool in enumerate(self._choice.tools):
            yield from self._function(place, tool)
        finished = whole.finished(self._call)
        yield self._event(f"response.{finished['status']}", response=finished), None

    def _event(self, kind: str, **fields: object) -> bytes:
        document = {"type": kind, "sequence_number": next(self._sequence), **fields}
        return named_event(kind, document)

    def _item_event(self, kind: str, item: dict[str, object]) -> bytes:
        return self._event(f"response.output_item.{kind}", output_index=self._output_index, item=item)

    def _search(self, place: int) -> Iterator[Frame]:
        item = whole.search_item(self._call, place, "in_progress")
        yield self._item_event("added", item), None
        for state in ("in_progress", "searching", "completed"):
            kind = f"response.web_search_call.{state}"
            event = self._event(kind, output_index=self._output_index, item_id=item["id"])
            yield event, None
        yield self._item_event("done", whole.search_item(self._call, place, "completed")), None
        self._output_index += 1

    def _reasoning(self) -> Iterator[Frame]:
        pieces = self._choice.reasoning
        item = whole.reasoning_item(self._call, "")
        yield self._item_event("added", item), None
        if self._call.ask.shows_thinking:
            yield from self._summary(str(item["id"]), pieces)
            item = whole.reasoning_item(self._call, "".join(pieces))
        else:
            yield from ((b"", Channel.REASONING) for _ in pieces)
        yield self._item_event("done", item), None
        self._output_index += 1

    def _summary(self, item_id: str, pieces: list[str]) -> Iterator[Frame]:
        place = {"item_id": item_id, "output_index": self._output_index, "summary_index": 0}
        empty = {"type": "summary_text", "text": ""}
        kind = "response.reasoning_summary"
        yield self._event(f"{kind}_part.added", **place, part=empty), None
        for piece in pieces:
            yield self._event(f"{kind}_text.delta", **place, delta=piece), Channel.REASONING
        text = "".join(pieces)
        yield self._event(f"{kind}_text.done", **place, text=text), None
        part = {"type": "summary_text", "text": text}
        yield self._event(f"{kind}_part.done", **place, part=part), None

    def _message(self) -> Iterator[Frame]:
        item = whole.message_item(self._call, None, "in_progress")
        place = {"item_id": item["id"], "output_index": self._output_index, "content_index": 0}
        yield self._item_event("added", item), None
        part = whole.text_part("")
        yield self._event("response.content_part.added", **place, part=part), None
        for piece in self._choice.text:
            delta = self._event("response.output_text.delta", **place, delta=piece, logprobs=[])
            yield delta, Channel.TEXT
        text = "".join(self._choice.text)
        yield self._event("response.output_text.done", **place, text=text, logprobs=[]), None
        part = whole.text_part(text)
        yield self._event("response.content_part.done", **place, part=part), None
        status = "incomplete" if self._choice.finish is Finish.LENGTH else "completed"
        yield self._item_event("done", whole.message_item(self._call, text, status)), None
        self._output_index += 1

    def _function(self, place: int, tool: ToolCall) -> Iterator[Frame]:
        opened = whole.function_item(self._call, place, tool.name, "", "in_progress")
        where = {"item_id": opened["id"], "output_index": self._output_index}
        kind = "response.function_call_arguments"
        yield self._item_event("added", opened), None
        for piece in tool.pieces:
            yield self._event(f"{kind}.delta", **where, delta=piece), Channel.TOOL
        done = self._event(f"{kind}.done", **where, arguments=tool.arguments, name=tool.name)
        yield done, None
        status = "completed" if tool.is_complete else "incomplete"
        closed = whole.function_item(self._call, place, tool.name, tool.arguments, status)
        yield self._item_event("done", closed), None
        self._output_index += 1


RESPONSES = Wire(
    "responses",
    Kind.CHAT,
    whole.parse_responses,
    whole.answer,
    frames,
    stream_error,
    shows_web_searches=True,
)
