"""A request's `contents` as turns: who said what, which calls were made, and which result belongs to which call.

Calls and results may have no ids: a result belongs to the first call of its name in the answer before it that has none
yet. Every call gets an id of its own here, made of its place in the conversation, so that it is the same in every later
request; one that the caller gave is kept, unless an earlier call has it.

The rule easy to break: clients keep a streamed answer as they got it, a content for each piece. In an assistant turn
texts that stand side by side are one text.
"""

import binascii
from collections import defaultdict, deque

import msgspec

from core.wire.media.walk import folded
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
from core.wire.translation.fitting.history import FOREIGN_CALL
from core.wire.translation.gemini.members import Notes, listed

_ROLES = {"": "user", "user": "user", "function": "user", "model": "assistant"}
_SOLE_OUTPUTS = ("output", "result")
"""Under which names SDKs put what a tool returned, when that is no object."""

_TEXT_TYPES = ("application/json", "application/xml", "application/x-javascript", "application/x-python")


class _Content(msgspec.Struct, rename=folded):
    role: str = ""
    parts: object = None


class _Part(msgspec.Struct, rename=folded):
    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: object = None
    file_data: object = None
    function_call: object = None
    function_response: object = None
    executable_code: object = None
    code_execution_result: object = None
    tool_call: object = None
    tool_response: object = None
    video_metadata: object = None
    media_resolution: object = None
    part_metadata: object = None


class _Blob(msgspec.Struct, rename=folded):
    mime_type: str = ""
    data: str = ""
    display_name: str | None = None


class _Call(msgspec.Struct, rename=folded):
    name: str
    id: str = ""
    args: dict[str, object] = {}


class _Response(msgspec.Struct, rename=folded):
    name: str = ""
    id: str = ""
    response: dict[str, object] | None = None
    parts: object = None
    will_continue: bool = False
    scheduling: object = None


class _ResponsePart(msgspec.Struct, rename=folded):
    inline_data: object = None
    file_data: object = None
    media_resolution: object = None


def read_system(value: object, notes: Notes) -> list[Turn]:
    """The system turn of a `systemInstruction`."""
    content = notes.read(value, _Content)
    texts: list[AnyPart] = []
    for each in listed(content.parts):
        part = notes.read(each, _Part)
        if _telling(part) not in ((), ("text",)):
            notes.go_beyond("system_media")
        elif part.text:
            texts.append(Text(text=part.text))
    return [Turn("system", tuple(texts))] if texts else []


class Contents:
    """The turns so far."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._turns: list[Turn] = []
        self._role = ""
        self._results: list[AnyPart] = []
        self._parts: list[AnyPart] = []
        """Of the turn that is being read: a user's without the results, which come before them."""
        self._calls = _Calls()

    def turns(self) -> tuple[Turn, ...]:
        self._end_turn()
        return tuple(self._turns)

    def add(self, value: object) -> None:
        """One content. Raises `Untranslatable`."""
        content = self._notes.read(value, _Content)
        role = _ROLES.get(content.role)
        if role is None:
            raise Untranslatable("body")
        parts = [self._notes.read(each, _Part) for each in listed(content.parts)]
        if role != self._role and any(_telling(part) not in ((), ("text",)) or part.text for part in parts):
            self._end_turn()
            self._role = role
        for part in parts:
            self._add(part, is_the_models=role == "assistant")

    def _end_turn(self) -> None:
        if said := (*self._results, *_joined(self._parts, self._role)):
            self._turns.append(Turn("assistant" if self._role == "assistant" else "user", said))
        if self._role == "user":
            self._calls.forget()
        self._results, self._parts = [], []

    def _add(self, part: _Part, *, is_the_models: bool) -> None:
        self._notes.drop("mediaResolution", part.media_resolution)
        self._notes.drop("partMetadata", part.part_metadata)
        match _telling(part):
            case ():
                self._drop_signature(part)
            case ("text",) if is_the_models and part.thought:
                self._add_thought(part)
            case ("text",):
                self._drop_signature(part)
                if part.text:
                    self._parts.append(Text(text=part.text))
            case ("function_call",) if is_the_models:
                self._parts.append(self._call(part))
            case ("function_response",) if not is_the_models:
                self._results.append(self._result(part.function_response))
            case ("inline_data",) if not is_the_models:
                self._parts += _medium(part.inline_data, self._notes)
            case (kind,) if kind not in ("function_call", "function_response"):
                self._notes.go_beyond("assistant_media" if kind == "inline_data" else kind)
            case _:
                raise Untranslatable("body")

    def _drop_signature(self, part: _Part) -> None:
        """Gemini's own, which nobody else can read; of a text nobody asks for it either."""
        if part.thought_signature:
            self._notes.drop("thoughtSignature", part.thought_signature)

    def _add_thought(self, part: _Part) -> None:
        signature = _signature(part)
        if part.text or signature:
            maker = "gemini" if signature else None
            self._parts.append(Thinking(text=part.text or "", signature=signature, maker=maker))

    def _call(self, part: _Part) -> ToolCall:
        call = self._notes.read(part.function_call, _Call)
        if not call.name:
            raise Untranslatable("body")
        arguments = msgspec.json.encode(call.args).decode()
        id = self._calls.made(call.id, call.name)
        return ToolCall(id=id, name=call.name, arguments=arguments, signature=_signature(part))

    def _result(self, value: object) -> ToolResult:
        said = self._notes.read(value, _Response)
        if said.will_continue or said.scheduling is not None:
            self._notes.go_beyond("later_results")
        call_id = self._calls.answered(said.id, said.name)
        if call_id is None:
            raise Untranslatable("tool_results")
        response = said.response or {}
        text = "" if said.response is None else _output(response)
        parts: list[Text | Image | Document] = [Text(text=text)] if text else []
        for each in listed(said.parts):
            part = self._notes.read(each, _ResponsePart)
            self._notes.drop("mediaResolution", part.media_resolution)
            if part.file_data is not None:
                self._notes.go_beyond("file_data")
            elif part.inline_data is not None:
                parts += _medium(part.inline_data, self._notes)
        return ToolResult(call_id=call_id, parts=tuple(parts), is_error=bool(response.get("error")))


class _Calls:
    """The calls of a conversation: their ids, and which of the latest answer's have no result yet."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._count = 0
        self._open: set[str] = set()
        self._by_id: defaultdict[str, deque[str]] = defaultdict(deque)
        self._by_name: defaultdict[str, deque[str]] = defaultdict(deque)

    def made(self, id: str, name: str) -> str:
        """A new call; the id by which it is known from now on."""
        known = self._free(id or f"call_{self._count}")
        self._count += 1
        self._open.add(known)
        self._by_name[name].append(known)
        if id:
            self._by_id[id].append(known)
        return known

    def answered(self, id: str, name: str) -> str | None:
        """Which call a result with this id, or none, belongs to."""
        for waiting in (self._by_id.get(id), self._by_name.get(name)):
            while waiting:
                known = waiting.popleft()
                if known in self._open:
                    self._open.remove(known)
                    return known
        return None

    def forget(self) -> None:
        """What has no result by now gets none."""
        self._open.clear()
        self._by_id.clear()
        self._by_name.clear()

    def _free(self, wanted: str) -> str:
        number = self._numbers.get(wanted, 1)
        candidate = wanted
        while candidate in self._taken:
            number += 1
            candidate = f"{wanted}_{number}"
        self._numbers[wanted] = number
        self._taken.add(candidate)
        return candidate


_DATA = (
    "text", "inline_data", "file_data", "function_call", "function_response", "executable_code",
    "code_execution_result", "tool_call", "tool_response",
)  # fmt: skip


def _telling(part: _Part) -> tuple[str, ...]:
    """What it holds: one of these."""
    return tuple(name for name in _DATA if getattr(part, name) is not None)


def _signature(part: _Part) -> str | None:
    return part.thought_signature if part.thought_signature not in (None, "", FOREIGN_CALL) else None


def _joined(parts: list[AnyPart], role: str) -> list[AnyPart]:
    """An assistant's texts and thoughts that were kept in pieces, each as one."""
    if role != "assistant":
        return parts
    joined: list[AnyPart] = []
    pieces: list[str] = []
    for at, part in enumerate(parts):
        if not isinstance(part, Text | Thinking):
            joined.append(part)
            continue
        pieces.append(part.text)
        following = parts[at + 1] if at + 1 < len(parts) else None
        is_signed = isinstance(part, Thinking) and part.signature is not None
        if type(following) is not type(part) or is_signed:
            joined.append(msgspec.structs.replace(part, text="".join(pieces)))
            pieces = []
    return joined


def _output(response: dict[str, object]) -> str:
    """What a tool returned, as text: alone under a name that says nothing, or all of it."""
    [(name, value)] = response.items() if len(response) == 1 else [("", None)]
    if name in (*_SOLE_OUTPUTS, "error") and value is not None:
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return msgspec.json.encode(response).decode()


def _medium(value: object, notes: Notes) -> list[Image | Document]:
    blob = notes.read(value, _Blob)
    kind = blob.mime_type.partition(";")[0].strip().lower()
    if not blob.data or not kind:
        raise Untranslatable("body")
    family = kind.partition("/")[0]
    if family == "image":
        return [Image(media_type=kind, data=_standard(blob.data))]
    if kind == "application/pdf":
        return [Document(media_type=kind, data=_standard(blob.data), name=blob.display_name)]
    if family == "text" or kind in _TEXT_TYPES:
        return [Document(media_type="text/plain", text=text, name=blob.display_name)] if (text := _text(blob)) else []
    notes.go_beyond(family if family in ("audio", "video") else "documents")
    return []


def _standard(data: str) -> str:
    """Google takes both alphabets of base64, and its SDK writes the one for addresses, which others refuse."""
    data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)


def _text(blob: _Blob) -> str:
    try:
        return binascii.a2b_base64(_standard(blob.data).encode()).decode()
    except (binascii.Error, UnicodeError):
        raise Untranslatable("body") from None
