"""Turns written as the items of a Responses request: messages, calls and their outputs one after the other.

The rule easy to break: of thinking only what OpenAI sealed can be read again; any other is no item of its own there,
and said as text it would be taken for an answer. So it is not written.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import groupby

from core.wire.translation.conversation import (
    AnyPart,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from core.wire.translation.responses.request_parts.content_reader import AUTO_DETAIL

JSONObject = dict[str, object]

FAILED = "Error: "
"""Before what a tool answered that failed: an output has no member for it."""

_NAME_ENDS = {"application/pdf": ".pdf", "text/plain": ".txt"}
"""What kind of file it is, OpenAI reads from its name."""


def input_items(turns: Iterable[Turn], *, system_role: str) -> list[JSONObject]:
    return [item for turn in turns for item in _items(turn, system_role)]


def _items(turn: Turn, system_role: str) -> Iterator[JSONObject]:
    """What a model said goes back as it is: a list of parts would need the ids of messages that nobody has."""
    if turn.role == "assistant":
        for part in turn.parts:
            if isinstance(part, Text):
                yield {"type": "message", "role": "assistant", "content": part.text}
            else:
                yield from _item(part)
        return
    role = system_role if turn.role == "system" else turn.role
    for kind, parts in groupby(turn.parts, key=_kind_of):
        if kind == "content":
            yield {"type": "message", "role": role, "content": [_content(part) for part in parts]}
        else:
            yield from (item for part in parts for item in _item(part))


def _kind_of(part: AnyPart) -> str:
    return "content" if isinstance(part, Text | Image | Document) else "item"


def _item(part: AnyPart) -> Iterator[JSONObject]:
    match part:
        case ToolCall(id=id, name=name, arguments=arguments):
            yield {"type": "function_call", "call_id": id, "name": name, "arguments": arguments}
        case ToolResult(call_id=call_id):
            yield {"type": "function_call_output", "call_id": call_id, "output": _output(part)}
        case Thinking(text=text, sealed=sealed, maker="openai") if sealed:
            summary = [{"type": "summary_text", "text": text}] if text else []
            yield {"type": "reasoning", "summary": summary, "encrypted_content": sealed}


def _output(result: ToolResult) -> object:
    """One text as it is; pictures and files are taken here as they are in a message."""
    parts: tuple[AnyPart, ...] = result.parts
    if result.is_error:
        parts = (Text(text=FAILED), *parts)
    if all(isinstance(part, Text) for part in parts) and (len(parts) < 2 or result.is_error):
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [_content(part) for part in parts]


def _content(part: AnyPart) -> JSONObject:
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image():
            address = part.url or _data_address(part.media_type, part.data)
            return {"type": "input_image", "image_url": address, "detail": part.detail or AUTO_DETAIL}
        case Document(url=url) if url:
            return {"type": "input_file", "file_url": url}
        case Document(text=text, data=data):
            if text:
                data = b64encode(text.encode()).decode()
            address = _data_address(part.media_type, data)
            return {"type": "input_file", "filename": _file_name(part), "file_data": address}
    raise AssertionError(f"{type(part).__name__} is no content")


def _data_address(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def _file_name(document: Document) -> str:
    """Its own, with the end of its kind where it has none."""
    end = _NAME_ENDS.get(document.media_type, "")
    name = document.name or "document"
    return name if "." in name else name + end
