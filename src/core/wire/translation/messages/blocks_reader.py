"""The system prompt and the messages of a request as turns of parts.

A message may be a text or a list of blocks, and the system may speak before the first message or between two. The rules
easy to break: thinking that we wrote into an earlier answer is nobody's, and goes no further; and Claude Code begins
its system prompt with a line that differs in every request, at which every other provider's prompt cache would start
anew.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.call_arguments import object_text
from core.wire.translation.conversation import (
    AnyPart,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
    Untranslatable,
)
from core.wire.translation.fitting.history import UNSIGNED
from core.wire.translation.unsaid import Members, Unsaid, members_in, text_in, text_or_none

BILLING_HEADER = "x-anthropic-billing-header"
"""The beginning of the line that is mostly the whole first system block of Claude Code's."""

_ROLES = ("user", "assistant", "system")
_MESSAGE = ("role", "content")
_TEXT = ("type", "text")
_IMAGE = ("type", "source")
_DOCUMENT = ("type", "source", "title", "context", "citations")
_CALL = ("type", "id", "name", "input", "caller")
_RESULT = ("type", "tool_use_id", "content", "is_error")
_THINKING = ("type", "thinking", "signature", "data")
_SOURCE = ("type", "media_type", "data", "url", "file_id", "content")

T = TypeVar("T")

RawMembers = dict[str, msgspec.Raw]


def read_turns(system: msgspec.Raw | None, messages: msgspec.Raw, unsaid: Unsaid) -> tuple[Turn, ...]:
    """The system prompt comes before the first turn. Raises `Untranslatable`."""
    said = [("system", _system(system, unsaid))]
    said += [_message(members, unsaid) for members in _decoded(messages, list[RawMembers])]
    return tuple(_merged(said))


def _merged(said: Iterable[tuple[str, list[AnyPart]]]) -> Iterator[Turn]:
    """Without empty turns, neighbours of one role in one, and results before whatever else a user's turn says."""
    turns: list[tuple[str, list[AnyPart]]] = []
    for role, parts in said:
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        elif parts:
            turns.append((role, parts))
    for role, parts in turns:
        yield Turn(role, tuple(sorted(parts, key=lambda part: not isinstance(part, ToolResult))))  # type: ignore[arg-type]


def _system(said: msgspec.Raw | None, unsaid: Unsaid) -> list[AnyPart]:
    parts = [] if said is None else _content("system", said, unsaid)
    if not parts or not isinstance(parts[0], Text) or not parts[0].text.startswith(BILLING_HEADER):
        return parts
    unsaid.is_dropped("billing_header")
    rest = parts[0].text.partition("\n")[2].lstrip("\n")
    return [Text(text=rest), *parts[1:]] if rest else parts[1:]


def _message(message: RawMembers, unsaid: Unsaid) -> tuple[str, list[AnyPart]]:
    role = _decoded(message.get("role"), str)
    if role not in _ROLES:
        raise Untranslatable("body")
    for name in message.keys() - set(_MESSAGE):
        if bytes(message[name]) != b"null":
            unsaid.is_beyond("message", name)
    return role, _content(role, message.get("content"), unsaid)


def _content(role: str, said: msgspec.Raw | None, unsaid: Unsaid) -> list[AnyPart]:
    if said is None or bytes(said) == b"null":
        return []
    if bytes(said).startswith(b'"'):
        text = _decoded(said, str)
        return [Text(text=text)] if text else []
    read = (_block(role, block, unsaid) for block in _decoded(said, list[msgspec.Raw]))
    return [part for part in read if part is not None]


def _block(role: str, raw: msgspec.Raw, unsaid: Unsaid) -> AnyPart | None:
    block = _decoded(raw, dict[str, object])
    match block.get("type"):
        case "tool_use":
            return _call(role, block, raw, unsaid)
        case "tool_result":
            return _result(role, block, unsaid)
        case "thinking" | "redacted_thinking":
            return _thinking(role, block, unsaid)
        case "image" | "document" if role != "user":
            unsaid.is_beyond(f"{role}_media")
            return None
    return _shown(block, unsaid)


def _shown(block: Members, unsaid: Unsaid) -> Text | Image | Document | None:
    """What may stand in a tool's result too."""
    match block.get("type"):
        case "text":
            unsaid.rest_is_dropped(block, _TEXT if block.get("citations") else (*_TEXT, "citations"))
            text = text_in(block, "text")
            return Text(text=text) if text else None
        case "image":
            unsaid.rest_is_dropped(block, _IMAGE)
            return _image(members_in(block.get("source")), unsaid)
        case "document":
            return _document(block, unsaid)
        case kind:
            unsaid.is_beyond("content", kind)
            return None


def _image(source: Members, unsaid: Unsaid) -> Image | None:
    unsaid.rest_is_dropped(source, _SOURCE)
    match source.get("type"):
        case "base64":
            return Image(media_type=_some(source, "media_type"), data=_some(source, "data"))
        case "url":
            return Image(url=_some(source, "url"))
        case kind:
            _is_beyond_source(kind, unsaid)
            return None


def _document(block: Members, unsaid: Unsaid) -> Document | None:
    if block.get("context"):
        unsaid.is_beyond("document_context")
    if members_in(block.get("citations") or {}).get("enabled"):
        unsaid.is_beyond("citations")
    unsaid.rest_is_dropped(block, _DOCUMENT)
    source, name = members_in(block.get("source")), text_or_none(block, "title") or None
    unsaid.rest_is_dropped(source, _SOURCE)
    match source.get("type"):
        case "base64":
            return Document(media_type=_some(source, "media_type"), data=_some(source, "data"), name=name)
        case "url":
            return Document(url=_some(source, "url"), name=name)
        case "text":
            text = text_in(source, "data")
            return Document(media_type="text/plain", text=text, name=name) if text else None
        case kind:
            _is_beyond_source(kind, unsaid)
            return None


def _is_beyond_source(kind: object, unsaid: Unsaid) -> None:
    """What is uploaded is in nobody's hands but Anthropic's; a document made of blocks is there to be cited."""
    if kind == "file":
        unsaid.is_beyond("file_id")
    else:
        unsaid.is_beyond("source", kind)


def _some(members: Members, name: str) -> str:
    """Where nothing stands there is nothing to look at."""
    if not (text := text_in(members, name)):
        raise Untranslatable("body")
    return text


def _call(role: str, block: Members, raw: msgspec.Raw, unsaid: Unsaid) -> ToolCall:
    _must_be("assistant", role)
    if members_in(block.get("caller") or {}).get("type") not in (None, "direct"):
        unsaid.is_beyond("programmatic")
    unsaid.rest_is_dropped(block, _CALL)
    return ToolCall(id=text_in(block, "id"), name=text_in(block, "name"), arguments=_arguments(block, raw))


def _arguments(block: Members, raw: msgspec.Raw) -> str:
    """As they stand there, down to the spaces; what is no object is put into one."""
    said = block.get("input")
    if said is None or isinstance(said, str):
        return object_text(said or "")
    return object_text(bytes(_decoded(raw, RawMembers)["input"]).decode())


def _result(role: str, block: Members, unsaid: Unsaid) -> ToolResult:
    _must_be("user", role)
    unsaid.rest_is_dropped(block, _RESULT)
    said, is_error = block.get("content"), block.get("is_error") or False
    if not isinstance(is_error, bool):
        raise Untranslatable("body")
    call_id = text_in(block, "tool_use_id")
    if said is None or isinstance(said, str):
        return ToolResult(call_id=call_id, parts=(Text(text=said),) if said else (), is_error=is_error)
    if not isinstance(said, list):
        raise Untranslatable("body")
    shown = (_shown(members_in(each), unsaid) for each in said)
    return ToolResult(call_id=call_id, parts=tuple(part for part in shown if part is not None), is_error=is_error)


def _thinking(role: str, block: Members, unsaid: Unsaid) -> Thinking | None:
    _must_be("assistant", role)
    unsaid.rest_is_dropped(block, _THINKING)
    if block.get("type") == "redacted_thinking":
        return Thinking(sealed=_some(block, "data"), maker="anthropic")
    text, signature = text_in(block, "thinking"), text_or_none(block, "signature")
    if signature == UNSIGNED or not (text or signature):
        unsaid.is_dropped("thinking")
        return None
    if not signature:
        return Thinking(text=text)
    return Thinking(text=text, signature=signature, maker="anthropic")


def _must_be(expected: str, role: str) -> None:
    if role != expected:
        raise Untranslatable("body")


def _decoded(raw: msgspec.Raw | None, kind: type[T]) -> T:
    try:
        return read_json(b"null" if raw is None else raw, kind)
    except InvalidJSON:
        raise Untranslatable("body") from None
