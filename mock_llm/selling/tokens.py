"""The mock's own tokenizer: what the provider says a text is long.

Deterministic and close to real tokenizers without a vocabulary: short words with their leading
space are one piece, long ones are split every few letters, digits go in threes, CJK characters are
pieces of their own. Splitting loses nothing: the pieces joined are the text.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

IMAGE_TOKENS = 765
"""Any image: OpenAI's count for 1024 x 1024 in high detail."""
AUDIO_TOKENS = 100
"""Any audio clip: about ten seconds at OpenAI's ten tokens a second."""
FILE_TOKENS = 1_000
MESSAGE_OVERHEAD_TOKENS = 4
PRIMING_TOKENS = 3
TOOL_OVERHEAD_TOKENS = 8

_PIECE = re.compile(
    r" ?[\u2e80-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
    r"| ?[A-Z]?[a-z]{1,5}"
    r"| ?[A-Z]{1,3}"
    r"| ?\d{1,3}"
    r"| ?[^\W\d_]{1,2}"
    r"| ?[^\w\s]{1,2}"
    r"|_"
    r"|\s{1,8}"
    r"|."
)

_IMAGE_TYPES = frozenset({"image", "image_url", "input_image"})
_AUDIO_TYPES = frozenset({"input_audio", "audio"})
_FILE_TYPES = frozenset({"file", "input_file"})
_MEDIA_KEYS = frozenset({"inlineData", "inline_data", "fileData", "file_data"})
_NOT_TEXT_KEYS = frozenset(
    {"type", "id", "role", "call_id", "tool_call_id", "tool_use_id", "cache_control", "signature"}
)


class InputCount(NamedTuple):
    """The length of an input by modality."""

    text: int = 0
    image: int = 0
    audio: int = 0

    @property
    def total(self) -> int:
        return self.text + self.image + self.audio


def count_text(text: str) -> int:
    return len(_PIECE.findall(text))


def split_text(text: str) -> list[str]:
    return _PIECE.findall(text)


def plus(counts: Iterable[InputCount]) -> InputCount:
    text = image = audio = 0
    for count in counts:
        text += count.text
        image += count.image
        audio += count.audio
    return InputCount(text, image, audio)


def count_content(content: object) -> InputCount:
    """The length of message content in any of the providers' shapes: text, parts, tool results."""
    match content:
        case str():
            return InputCount(text=count_text(content))
        case list():
            return plus(map(count_content, content))
        case dict():
            return _count_part(content)
        case int() | float():
            return InputCount(text=1)
        case _:
            return InputCount()


def count_json(raw: bytes) -> InputCount:
    """Tool declarations and schemas, which the provider puts into the prompt as text."""
    return InputCount(text=TOOL_OVERHEAD_TOKENS + count_text(raw.decode()))


def _count_part(part: dict[str, object]) -> InputCount:
    kind = part.get("type")
    if kind in _IMAGE_TYPES:
        return InputCount(image=IMAGE_TOKENS)
    if kind in _AUDIO_TYPES:
        return InputCount(audio=AUDIO_TOKENS)
    if kind in _FILE_TYPES:
        return InputCount(text=FILE_TOKENS)
    if kind == "document":
        return _count_document(part.get("source"))
    for key in _MEDIA_KEYS & part.keys():
        return _count_media(part[key])
    return plus(count_content(value) for key, value in part.items() if key not in _NOT_TEXT_KEYS)


def _count_document(source: object) -> InputCount:
    if isinstance(source, dict) and source.get("type") in ("text", "content"):
        return count_content(source.get("data") or source.get("content"))
    return InputCount(text=FILE_TOKENS)


def _count_media(media: object) -> InputCount:
    """Gemini's `inlineData` and `fileData`."""
    described = media if isinstance(media, dict) else {}
    mime_type = str(described.get("mimeType") or described.get("mime_type") or "")
    if mime_type.startswith("image/"):
        return InputCount(image=IMAGE_TOKENS)
    if mime_type.startswith("audio/"):
        return InputCount(audio=AUDIO_TOKENS)
    return InputCount(text=FILE_TOKENS)
