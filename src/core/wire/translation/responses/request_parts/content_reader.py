"""What stands in a message or in a tool's output: texts, pictures and files.

The rule easy to break: what is uploaded (`file_id`) is in nobody's hands but OpenAI's.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64

from core.wire.translation.conversation import Document, Image, Text, Untranslatable
from core.wire.translation.unsaid import Members, Unsaid, objects_in, text_in, text_or_none

_DATA_ADDRESS = re.compile(r"data:([^;,]*)(?:;[^;,]*)*?;base64,", re.IGNORECASE)
_TEXT = ("type", "text", "annotations", "logprobs")
_REFUSAL = ("type", "refusal")
_IMAGE = ("type", "image_url", "file_id", "detail")
_FILE = ("type", "file_data", "file_url", "file_id", "filename")
_PDF_NAME = ".pdf"
PLAIN_TEXT = "text/plain"
AUTO_DETAIL = "auto"
"""What a picture's detail is where none is said."""


def read_content(said: object, unsaid: Unsaid) -> tuple[Text | Image | Document, ...]:
    """A text, or a list of parts; what is empty is not there. Raises `Untranslatable`."""
    if isinstance(said, str):
        return (Text(text=said),) if said else ()
    read = (_part(part, unsaid) for part in objects_in(said))
    return tuple(part for part in read if part is not None)


def _part(part: Members, unsaid: Unsaid) -> Text | Image | Document | None:
    match part.get("type"):
        case "input_text" | "output_text" | "text":
            return _text(part, unsaid)
        case "refusal":
            unsaid.rest_is_dropped(part, _REFUSAL)
            return _written(text_in(part, "refusal"))
        case "input_image":
            return _image(part, unsaid)
        case "input_file":
            return _file(part, unsaid)
        case kind:
            unsaid.is_beyond("content", kind)
            return None


def _text(part: Members, unsaid: Unsaid) -> Text | None:
    if part.get("annotations"):
        unsaid.is_dropped("annotations")
    unsaid.rest_is_dropped(part, _TEXT)
    return _written(text_in(part, "text"))


def _written(text: str) -> Text | None:
    return Text(text=text) if text else None


def _image(part: Members, unsaid: Unsaid) -> Image | None:
    unsaid.rest_is_dropped(part, _IMAGE)
    if part.get("file_id"):
        unsaid.is_beyond("file_id")
        return None
    address, detail = text_in(part, "image_url"), text_or_none(part, "detail")
    detail = None if detail == AUTO_DETAIL else detail
    if (split := _data_in(address, unsaid)) is not None:
        return Image(media_type=split[0], data=_some(split[1]), detail=detail)
    return Image(url=_some(address), detail=detail)


def _file(part: Members, unsaid: Unsaid) -> Document | None:
    unsaid.rest_is_dropped(part, _FILE)
    if part.get("file_id"):
        unsaid.is_beyond("file_id")
        return None
    name = text_or_none(part, "filename")
    address = text_or_none(part, "file_url")
    if address:
        return Document(url=address, name=name)
    data = text_in(part, "file_data")
    media_type, data = _data_in(data, unsaid) or (_type_by(name), data)
    if media_type == PLAIN_TEXT and (text := _decoded(data)) is not None:
        return Document(media_type=PLAIN_TEXT, text=text, name=name) if text else None
    return Document(media_type=media_type, data=_some(data), name=name)


def _some(text: str) -> str:
    """Where nothing stands there is nothing to look at."""
    if not text:
        raise Untranslatable("body")
    return text


def _data_in(address: str, unsaid: Unsaid) -> tuple[str, str] | None:
    """The media type and base64 of a data address; None where it is another kind of address, or none."""
    if address[:5].lower() != "data:":
        return None
    start = _DATA_ADDRESS.match(address)
    if start is None:
        unsaid.is_beyond("data_address")
        return None
    return start[1].lower(), address[start.end() :]


def _type_by(name: str | None) -> str:
    """Of base64 without a type. The only kind of file that was always taken."""
    return "application/pdf" if (name or "").lower().endswith(_PDF_NAME) else ""


def _decoded(data: str) -> str | None:
    try:
        return b64decode(data, validate=True).decode()
    except (NotBase64, ValueError):
        return None
