"""What a Responses stream has built so far, kept so that it can be ended in good order.

Finished items are kept as the JSON they came in, items still being written as the JSON they were
announced with and the text that followed. All of it is immutable but the text, which only grows and
whose length stands beside it: a value kept from earlier still tells what there was then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from core.money.usage import Usage
from core.wire.json_text import InvalidJSON, read_leniently
from core.wire.streams.observation import sse
from core.wire.streams.responses_usage import usage_object

JSONObject = dict[str, object]

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_MEMBER_WRITTEN = {
    "response.function_call_arguments.delta": "arguments",
    "response.mcp_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
    "response.code_interpreter_call_code.delta": "code",
}
"""Deltas that write a member of the item itself."""

_PART_WRITTEN = {
    "response.output_text.delta": ("content", "output_text", "text"),
    "response.refusal.delta": ("content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text", "text"),
}
"""Deltas that write a part: in which list of the item, of what type, in which member."""

_ANNOUNCED_AS_DONE: dict[str, tuple[str, JSONObject]] = {
    "response.output_text.delta": ("response.output_text.done", {"logprobs": []}),
    "response.refusal.delta": ("response.refusal.done", {}),
}
"""Parts that are closed by events of their own. A tool call's arguments are not declared done: they
are not, and a client would run the tool with them."""


@dataclass(frozen=True, slots=True)
class _GrowingText:
    delta_type: str
    output_index: int
    part_index: int
    shared: bytearray
    length: int

    @property
    def text(self) -> str:
        return bytes(self.shared[: self.length]).decode("utf-8", "replace")

    @property
    def part(self) -> JSONObject:
        _, part_type, member = _PART_WRITTEN[self.delta_type]
        extra: JSONObject = {}
        if part_type == "output_text":
            extra = {"annotations": [], "logprobs": []}
        return {"type": part_type, member: self.text, **extra}


@dataclass(frozen=True, slots=True)
class OpenResponse:
    """The response object as announced, and its items by their index in the output."""

    response: bytes = b""
    done_items: tuple[tuple[int, bytes], ...] = ()
    open_items: tuple[tuple[int, bytes], ...] = ()
    texts: tuple[_GrowingText, ...] = ()

    def item_added(self, index: int, item: bytes) -> "OpenResponse":
        return replace(self, open_items=(*self.open_items, (index, item)))

    def item_done(self, index: int, item: bytes) -> "OpenResponse":
        return replace(
            self,
            done_items=(*self.done_items, (index, item)),
            open_items=tuple(each for each in self.open_items if each[0] != index),
            texts=tuple(each for each in self.texts if each.output_index != index),
        )

    def written(self, delta_type: str, *, output_index: int, part_index: int, text: str) -> "OpenResponse":
        place = (delta_type, output_index, part_index)
        found = [each for each in self.texts if (each.delta_type, each.output_index, each.part_index) == place]
        shared = found[0].shared if found else bytearray()
        shared += text.encode("utf-8", "surrogatepass")
        others = tuple(each for each in self.texts if each.shared is not shared)
        return replace(self, texts=(*others, _GrowingText(*place, shared, len(shared))))


def soft_ending(so_far: OpenResponse, *, after_sequence_number: int) -> bytes:
    """The events with which the API itself ends a response that reached its length limit."""
    events: list[JSONObject] = []
    for index, item, texts in _items_so_far(so_far):
        events += _parts_done(item, index, texts)
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    response = {
        **_members(so_far.response),
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": _output_so_far(so_far),
    }
    events.append({"type": "response.incomplete", "response": response})
    return numbered(events, after_sequence_number=after_sequence_number)


def failed_ending(
    so_far: OpenResponse, error: JSONObject, usage: Usage, *, id: str, after_sequence_number: int
) -> bytes:
    """The end of a response that its budget has cut, around our whole error; `id` names one that has not begun."""
    response = {
        "id": id,
        "object": "response",
        **_members(so_far.response),
        **failed_members(error, usage),
        "output": _output_so_far(so_far),
    }
    return numbered(failed_events(response, error), after_sequence_number=after_sequence_number)


def failed_members(error: JSONObject, usage: Usage) -> JSONObject:
    """What a response object says of its failure. On this code coding agents give up; after one that they do not know
    they ask again."""
    return {
        "status": "failed",
        "error": {"code": "insufficient_quota", "message": error.get("message")},
        "usage": usage_object(usage),
    }


def failed_events(response: JSONObject, error: JSONObject) -> list[JSONObject]:
    """Some clients raise on the one, and take the other for nothing; only in this order does each of them stop."""
    return [{"type": "response.failed", "response": response}, flat_error(error)]


def flat_error(error: JSONObject) -> JSONObject:
    """The API's own error event is flat; its official clients raise on a member `error`."""
    return {"type": "error", **{name: error.get(name) for name in ("code", "message", "param")}, "error": error}


def numbered(events: list[JSONObject], *, after_sequence_number: int) -> bytes:
    return b"".join(
        sse({**event, "sequence_number": number}, event=str(event["type"]))
        for number, event in enumerate(events, start=after_sequence_number + 1)
    )


def _items_so_far(so_far: OpenResponse) -> Iterator[tuple[int, JSONObject, list[_GrowingText]]]:
    """Those still being written, as far as they are."""
    for index, announced in so_far.open_items:
        texts = sorted(
            (text for text in so_far.texts if text.output_index == index),
            key=lambda text: text.part_index,
        )
        yield index, _as_far_as_written(announced, texts), texts


def _output_so_far(so_far: OpenResponse) -> list[msgspec.Raw]:
    output = [(index, msgspec.Raw(item)) for index, item in so_far.done_items]
    output += [(index, msgspec.Raw(msgspec.json.encode(item))) for index, item, _ in _items_so_far(so_far)]
    return [item for _, item in sorted(output, key=lambda placed: placed[0])]


def _members(document: bytes) -> JSONObject:
    """An object's members as they came, whatever stands in them."""
    try:
        return dict(read_leniently(document, _decode_members))
    except InvalidJSON:
        return {}


def _as_far_as_written(announced: bytes, texts: list[_GrowingText]) -> JSONObject:
    item = _members(announced)
    item["status"] = "incomplete"
    parts: dict[str, list[JSONObject]] = {}
    for text in texts:
        if text.delta_type in _MEMBER_WRITTEN:
            item[_MEMBER_WRITTEN[text.delta_type]] = text.text
        elif text.delta_type in _PART_WRITTEN:
            parts.setdefault(_PART_WRITTEN[text.delta_type][0], []).append(text.part)
    return {**item, **parts}


def _parts_done(item: JSONObject, index: int, texts: list[_GrowingText]) -> Iterator[JSONObject]:
    for text in texts:
        if text.delta_type not in _ANNOUNCED_AS_DONE:
            continue
        done_type, extra = _ANNOUNCED_AS_DONE[text.delta_type]
        place = {
            "item_id": item.get("id"),
            "output_index": index,
            "content_index": text.part_index,
        }
        member = _PART_WRITTEN[text.delta_type][2]
        yield {"type": done_type, **place, member: text.text, **extra}
        yield {"type": "response.content_part.done", **place, "part": text.part}
