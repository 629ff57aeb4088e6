"""Where a request holds media, dialect by dialect, and what its text is once that media is taken out.

Theory of operation. Only media in a place where its provider reads media is media: a typed view of those places finds
it, and its base64 is cut out of the body. Whatever is left is text, fields nobody has heard of and members given twice
included, so a caller gains nothing by dressing a long text as a picture. What the request only refers to (file ids,
addresses, stored conversations) is counted, since its size is not in the body.

The rule easy to break: every member of a view is raw, so that no odd value makes a place unreadable.
"""

from typing import TypeVar

import msgspec

NOTHING = msgspec.Raw()
"""The raw member that is not there: `Raw` cannot stand in a union with None."""

NESTED_BLOCKS_DEPTH_MAX = 4
"""Blocks inside the content of a block (a picture in a tool's result, in a document): deeper ones are text."""

_SOUGHT_BYTES = 96
_SOUGHT_TIMES_MAX = 8

View = TypeVar("View")


class Media:
    """Media found so far. Counts are those of `PromptSize`."""

    __slots__ = ("_blobs", "audio_bytes", "file_bytes", "hidden_inputs", "images")

    def __init__(self) -> None:
        self._blobs: list[msgspec.Raw] = []
        self.images = 0
        self.audio_bytes = 0
        self.file_bytes = 0
        self.hidden_inputs = 0

    def add_data(self, data: msgspec.Raw, media_type: str) -> None:
        """Base64 in the body. Blobs must be added in the order in which they stand there."""
        if not is_given(data):
            return
        self._blobs.append(data)
        size = max(0, len(memoryview(data)) - 2) * 3 // 4
        if media_type.startswith("image/"):
            self.images += 1
        elif media_type.startswith("audio/"):
            self.audio_bytes += size
        else:
            self.file_bytes += size

    def add_address(self, address: msgspec.Raw, *, is_image: bool) -> None:
        """A `data:` address holds the media itself; any other is fetched by the provider."""
        start = bytes(memoryview(address)[1:200]).replace(b"\\", b"")
        if start.startswith(b"data:"):
            self.add_data(address, start[5:].partition(b";")[0].decode("ascii", "replace").lower())
        elif is_given(address):
            self.add_reference(is_image=is_image)

    def add_reference(self, *, is_image: bool = False) -> None:
        """Something that is not in the body. A picture has its highest price; anything else any size."""
        if is_image:
            self.images += 1
        else:
            self.hidden_inputs += 1

    def text_of(self, body: bytes) -> bytes:
        """The body without the blobs.

        Each is sought behind the one before it by its beginning. One whose beginning also stands too often in text
        before it stays where it is, as text: that is high, and keeps the search linear whatever a caller writes.
        """
        pieces = []
        done = 0
        for blob in self._blobs:
            start = _found(body, bytes(memoryview(blob)), done)
            if start is not None:
                pieces.append(body[done:start])
                done = start + len(memoryview(blob))
        return b"".join((*pieces, body[done:]))


def _found(body: bytes, blob: bytes, start: int) -> int | None:
    for _ in range(_SOUGHT_TIMES_MAX):
        start = body.find(blob[:_SOUGHT_BYTES], start)
        if start < 0:
            return None
        if body.startswith(blob, start):
            return start
        start += 1
    return None


def is_given(value: msgspec.Raw) -> bool:
    """Whether a member is there and not null."""
    return bool(value) and bytes(memoryview(value)[:5]) not in (b"null", b'""')


def text_in(value: msgspec.Raw) -> str:
    """A member that should be a string; empty when it is not."""
    if not value:
        return ""
    try:
        return msgspec.json.decode(value, type=str)
    except msgspec.DecodeError:
        return ""


def view(value: msgspec.Raw, kind: type[View]) -> View | None:
    """A member that should be an object; None when it is not."""
    if not value:
        return None
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError:
        return None


def views(value: msgspec.Raw, kind: type[View]) -> list[View]:
    """A member that should be a list of objects; whatever in it is none is left out."""
    if not value:
        return []
    try:
        return msgspec.json.decode(value, type=list[kind])  # type: ignore[valid-type]
    except msgspec.DecodeError:
        pass
    try:
        members = msgspec.json.decode(value, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return []
    return [found for member in members if (found := view(member, kind)) is not None]


# OpenAI's chat ----------------------------------------------------------------------------------------------


class Message(msgspec.Struct):
    content: msgspec.Raw = NOTHING
    audio: msgspec.Raw = NOTHING
    """An earlier spoken answer, by its id."""


class _ChatPart(msgspec.Struct):
    image_url: msgspec.Raw = NOTHING
    input_audio: msgspec.Raw = NOTHING
    file: msgspec.Raw = NOTHING


class _ImageAddress(msgspec.Struct):
    url: msgspec.Raw = NOTHING


class _Audio(msgspec.Struct):
    data: msgspec.Raw = NOTHING


class _File(msgspec.Struct):
    file_data: msgspec.Raw = NOTHING
    file_id: msgspec.Raw = NOTHING
    file_url: msgspec.Raw = NOTHING


def chat_media(messages: list[Message]) -> Media:
    """`messages[].content[]`: `image_url`, `input_audio`, `file`; and `messages[].audio`."""
    media = Media()
    for message in messages:
        for part in views(message.content, _ChatPart):
            _add_chat_part(media, part)
        if is_given(message.audio):
            media.add_reference()
    return media


def _add_chat_part(media: Media, part: _ChatPart) -> None:
    if part.image_url:
        address = view(part.image_url, _ImageAddress)
        media.add_address(part.image_url if address is None else address.url, is_image=True)
    if audio := view(part.input_audio, _Audio):
        media.add_data(audio.data, "audio/")
    if file := view(part.file, _File):
        _add_file(media, file)


def _add_file(media: Media, file: _File) -> None:
    start = bytes(memoryview(file.file_data)[1:6])
    if start == b"data:":
        media.add_address(file.file_data, is_image=False)
    else:
        media.add_data(file.file_data, "")
    for reference in (file.file_id, file.file_url):
        if is_given(reference):
            media.add_reference()


# OpenAI's Responses -----------------------------------------------------------------------------------------


class _Item(msgspec.Struct):
    type: msgspec.Raw = NOTHING
    role: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING
    result: msgspec.Raw = NOTHING


class _ResponsesPart(_File):
    type: msgspec.Raw = NOTHING
    image_url: msgspec.Raw = NOTHING
    input_audio: msgspec.Raw = NOTHING


def responses_media(items: msgspec.Raw) -> Media:
    """`input[]`: the parts of messages and of tools' outputs, pictures drawn earlier, references to stored items."""
    media = Media()
    for item in views(items, _Item):
        for part in (*views(item.content, _ResponsesPart), *views(item.output, _ResponsesPart)):
            _add_responses_part(media, part)
        if screenshot := view(item.output, _ResponsesPart):
            _add_responses_part(media, screenshot)
        kind = text_in(item.type)
        if kind == "image_generation_call":
            media.add_data(item.result, "image/")
        if kind == "item_reference" or not (kind or item.role):
            media.add_reference()
    return media


def _add_responses_part(media: Media, part: _ResponsesPart) -> None:
    if part.image_url:
        media.add_address(part.image_url, is_image=True)
    elif is_given(part.file_id) and text_in(part.type) in ("input_image", "computer_screenshot"):
        media.add_reference(is_image=True)
    else:
        _add_file(media, part)
    if audio := view(part.input_audio, _Audio):
        media.add_data(audio.data, "audio/")


# Anthropic's messages ---------------------------------------------------------------------------------------


class _Block(msgspec.Struct):
    type: msgspec.Raw = NOTHING
    source: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING
    file_id: msgspec.Raw = NOTHING


class _Source(msgspec.Struct):
    type: msgspec.Raw = NOTHING
    media_type: msgspec.Raw = NOTHING
    data: msgspec.Raw = NOTHING
    url: msgspec.Raw = NOTHING
    file_id: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING


def anthropic_media(messages: list[Message]) -> Media:
    """`messages[].content[]`: images and documents, also inside tools' results and other documents."""
    media = Media()
    for message in messages:
        _add_blocks(media, message.content, depth=0)
    return media


def _add_blocks(media: Media, content: msgspec.Raw, *, depth: int) -> None:
    if depth > NESTED_BLOCKS_DEPTH_MAX:
        return
    for block in views(content, _Block):
        if source := view(block.source, _Source):
            _add_source(media, source, is_image=text_in(block.type) == "image")
            _add_blocks(media, source.content, depth=depth + 1)
        _add_blocks(media, block.content, depth=depth + 1)
        if is_given(block.file_id):
            media.add_reference()


def _add_source(media: Media, source: _Source, *, is_image: bool) -> None:
    if text_in(source.type) == "base64":
        media.add_data(source.data, text_in(source.media_type))
    for reference in (source.url, source.file_id):
        if is_given(reference):
            media.add_reference(is_image=is_image)


# Gemini -----------------------------------------------------------------------------------------------------


class _Content(msgspec.Struct):
    parts: msgspec.Raw = NOTHING


class _EmbedRequest(msgspec.Struct):
    content: msgspec.Raw = NOTHING


class _GeminiPart(msgspec.Struct):
    inlineData: msgspec.Raw = NOTHING
    inline_data: msgspec.Raw = NOTHING
    fileData: msgspec.Raw = NOTHING
    file_data: msgspec.Raw = NOTHING
    functionResponse: msgspec.Raw = NOTHING
    function_response: msgspec.Raw = NOTHING


class _GeminiBlob(msgspec.Struct):
    mimeType: msgspec.Raw = NOTHING
    mime_type: msgspec.Raw = NOTHING
    data: msgspec.Raw = NOTHING

    @property
    def media_type(self) -> str:
        return text_in(self.mimeType or self.mime_type).lower()


def gemini_media(contents: msgspec.Raw) -> Media:
    """`contents[].parts[]`: inline data and files, also inside functions' responses."""
    media = Media()
    for content in views(contents, _Content):
        _add_parts(media, content.parts, depth=0)
    return media


def gemini_embed_media(content: msgspec.Raw, requests: msgspec.Raw) -> Media:
    """The same in the one `content`, and in that of each request."""
    media = Media()
    if alone := view(content, _Content):
        _add_parts(media, alone.parts, depth=0)
    for request in views(requests, _EmbedRequest):
        if each := view(request.content, _Content):
            _add_parts(media, each.parts, depth=0)
    return media


def _add_parts(media: Media, parts: msgspec.Raw, *, depth: int) -> None:
    for part in views(parts, _GeminiPart):
        if blob := view(part.inlineData or part.inline_data, _GeminiBlob):
            media.add_data(blob.data, blob.media_type)
        if file := view(part.fileData or part.file_data, _GeminiBlob):
            media.add_reference(is_image=file.media_type.startswith("image/"))
        response = view(part.functionResponse or part.function_response, _Content)
        if response and depth < NESTED_BLOCKS_DEPTH_MAX:
            _add_parts(media, response.parts, depth=depth + 1)
