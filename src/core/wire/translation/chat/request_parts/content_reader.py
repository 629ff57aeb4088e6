"""What stands in a chat message: a text, or a list of texts, pictures and files.

The rule easy to break: what is uploaded (`file_id`) is in the hands of one provider only, and sound is said by no other
dialect: both leave the other providers out. A part that nobody knows does too, since it may be all that was asked.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64

from core.wire.translation.conversation import Document, Image, Text, Untranslatable
from core.wire.translation.unsaid import Members, Unsaid, members_in, text_in, text_or_none

Content = Text | Image | Document

PLAIN_TEXT = "text/plain"
_PDF = "application/pdf"
_AUTO_DETAIL = "auto"
"""What a picture's detail is where none is said."""

_DATA_ADDRESS = re.compile(r"data:([^;,]*)(?:;[^;,]*)*?;base64,", re.IGNORECASE)


def read_content(said: object, unsaid: Unsaid) -> tuple[Content, ...]:
    """What is empty is not there. Raises `Untranslatable`."""
    if said is None:
        return ()
    if isinstance(said, str):
        return _text(said)
    if not isinstance(said, list):
        raise Untranslatable("body")
    return tuple(part for each in said for part in _part(each, unsaid))


def _part(said: object, unsaid: Unsaid) -> tuple[Content, ...]:
    """None or one. Some clients write a text in a list as it is."""
    if isinstance(said, str):
        return _text(said)
    if not isinstance(said, dict):
        raise Untranslatable("body")
    match said.get("type"):
        case "text" | "refusal" as kind:
            unsaid.rest_is_dropped(said, ("type", kind))
            return _text(text_in(said, kind))
        case "image_url":
            unsaid.rest_is_dropped(said, ("type", "image_url"))
            return (_image(said.get("image_url"), unsaid),)
        case "file":
            unsaid.rest_is_dropped(said, ("type", "file"))
            return _file(members_in(said.get("file")), unsaid)
        case kind:
            unsaid.is_beyond("content", kind or "unknown")
            return ()


def _text(text: str) -> tuple[Content, ...]:
    return (Text(text=text),) if text else ()


def _image(said: object, unsaid: Unsaid) -> Image:
    """Some clients write the address itself in place of the object around it."""
    members: Members = {"url": said} if isinstance(said, str) else members_in(said)
    unsaid.rest_is_dropped(members, ("url", "detail"), within="image_url")
    address, detail = text_in(members, "url"), text_or_none(members, "detail")
    detail = None if detail == _AUTO_DETAIL else detail
    if (found := _data_in(address, unsaid)) is not None:
        return Image(media_type=found[0], data=_some(found[1]), detail=detail)
    return Image(url=_some(address), detail=detail)


def _file(members: Members, unsaid: Unsaid) -> tuple[Content, ...]:
    if members.get("file_id"):
        unsaid.is_beyond("file_id")
        return ()
    unsaid.rest_is_dropped(members, ("file_data", "filename", "file_id"), within="file")
    name = text_or_none(members, "filename")
    said = text_in(members, "file_data")
    media_type, data = _data_in(said, unsaid) or (_type_by(name), said)
    if media_type == PLAIN_TEXT and (text := _decoded(data)) is not None:
        return (Document(media_type=PLAIN_TEXT, text=text, name=name),) if text else ()
    return (Document(media_type=media_type, data=_some(data), name=name),)


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
    """Of base64 that says no type: the name may, and a PDF is what this part was made for."""
    return PLAIN_TEXT if (name or "").lower().endswith((".txt", ".md")) else _PDF


def _decoded(data: str) -> str | None:
    try:
        return b64decode(data, validate=True).decode()
    except (NotBase64, ValueError):
        return None
