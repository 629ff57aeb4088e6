"""Turns written as chat messages: a user turn is a message for each result of a tool, and one for all the rest.

A model of this dialect refuses a call whose result does not follow at once, so results come first and stand together;
they can hold text only, so pictures and files that a tool returned are shown after them, said to be that call's.

The rules easy to break: thoughts are not written, since they would be refused, or taken for an answer; and a message
without content is left out, since some refuse it.
"""

from collections.abc import Iterable, Iterator

from core.wire.translation.conversation import (
    AnyPart,
    Document,
    Image,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Untranslatable,
)

JSONObject = dict[str, object]

FAILED = "Error: "
"""Before what a tool returned that failed: a message has no member for it."""
SHOWN_BELOW = "What this call returned is shown in the user's message below."
_FILE_NAME = "document"
_NAME_ENDS = {"application/pdf": ".pdf"}


def messages_of(turns: Iterable[Turn], *, has_signatures: bool) -> list[JSONObject]:
    """Raises `Untranslatable` for what has no place in a message, which `fitting` leaves out before."""
    return [message for turn in turns for message in _messages(turn, has_signatures)]


def _messages(turn: Turn, has_signatures: bool) -> Iterator[JSONObject]:
    if turn.role == "assistant":
        yield from _assistant(turn.parts, has_signatures)
        return
    rest: list[JSONObject] = []
    for part in turn.parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.call_id, "content": _said_by_tool(part)}
            rest += _shown_by_tool(part)
    rest += [_content(part) for part in turn.parts if isinstance(part, Text | Image | Document)]
    if rest:
        yield {"role": turn.role, "content": _whole(rest)}


def _assistant(parts: Iterable[AnyPart], has_signatures: bool) -> Iterator[JSONObject]:
    """Text, then calls: what was said after a call is said before it."""
    parts = tuple(parts)
    said = [_text(part.text) for part in parts if isinstance(part, Text)]
    calls = [_call(part, has_signatures) for part in parts if isinstance(part, ToolCall)]
    if any(isinstance(part, Image | Document) for part in parts):
        raise Untranslatable("media_place")
    if said or calls:
        message: JSONObject = {"role": "assistant", "content": _whole(said) if said else None}
        yield {**message, "tool_calls": calls} if calls else message


def _call(call: ToolCall, has_signatures: bool) -> JSONObject:
    function = {"name": call.name, "arguments": call.arguments}
    said: JSONObject = {"id": call.id, "type": "function", "function": function}
    if has_signatures and call.signature is not None:
        said["extra_content"] = signed(call.signature)
    return said


def signed(signature: str) -> JSONObject:
    """As Gemini's OpenAI-style endpoint writes and wants it."""
    return {"google": {"thought_signature": signature}}


def _whole(parts: list[JSONObject]) -> object:
    """A text alone as it is: the form that everybody takes."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _said_by_tool(result: ToolResult) -> object:
    texts = [_content(part) for part in result.parts if _is_said(part)]
    if not texts and result.parts:
        texts = [_text(SHOWN_BELOW)]
    if not result.is_error:
        return _whole(texts) if texts else ""
    first, *others = texts or [_text("")]
    return _whole([_text(f"{FAILED}{first['text']}".rstrip(" ")), *others])


def _shown_by_tool(result: ToolResult) -> list[JSONObject]:
    media = [_content(part) for part in result.parts if not _is_said(part)]
    return [_text(f"Returned by the tool call {result.call_id}:"), *media] if media else []


def _is_said(part: AnyPart) -> bool:
    return isinstance(part, Text) or (isinstance(part, Document) and bool(part.text))


def _content(part: Text | Image | Document) -> JSONObject:
    match part:
        case Text(text=text):
            return _text(text)
        case Image():
            image: JSONObject = {"url": part.url or _data_address(part.media_type, part.data)}
            if part.detail is not None:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case Document(text=text) if text:
            return _text(text if part.name is None else f"{part.name}:\n\n{text}")
        case Document(url=url) if url:
            raise Untranslatable("document_urls")
    return {
        "type": "file",
        "file": {"filename": _file_name(part), "file_data": _data_address(part.media_type, part.data)},
    }


def _text(text: str) -> JSONObject:
    return {"type": "text", "text": text}


def _data_address(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def _file_name(document: Document) -> str:
    """A file must have one."""
    return document.name or _FILE_NAME + _NAME_ENDS.get(document.media_type, "")
