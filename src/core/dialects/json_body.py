"""Reading and changing JSON bodies: typed decodes that refuse by field, and splices that leave the rest as it was."""

import re
from typing import TypeVar

import msgspec

from core.calls import PromptSize
from core.refusals import InvalidRequest
from core.text_size import json_text_tokens

T = TypeVar("T")

_MEDIA_MARKS = (b'"image_url"', b'"input_image"', b'"input_audio"', b'"input_file"', b'"file"', b'"source"',
                b'"inline_data"', b'"inlineData"', b'"file_data"', b'"fileData"')  # fmt: skip
_LONG_BASE64 = re.compile(rb'"(?:data:[^"]{0,200}?;base64,)?([A-Za-z0-9+/=_-]{512,})"')
_IMAGE_MARKS = re.compile(
    rb'"(?:image_url|input_image|image)"\s*[,:}]|"(?:mime_type|mimeType|media_type)"\s*:\s*"image/'
)
_AUDIO_MARKS = re.compile(rb'"input_audio"\s*:|"(?:mime_type|mimeType|media_type)"\s*:\s*"audio/')
_REMOTE_MARKS = re.compile(
    rb'"(?:file_id|file_uri|fileUri|file_url|previous_response_id|conversation|cachedContent|cached_content)"\s*:\s*["{]'
)
_LONG_CACHE = re.compile(rb'"ttl"\s*:\s*"1h"')


NOTHING = msgspec.Raw()
"""The raw member that is not there: `Raw` cannot stand in a union with None."""


class InvalidAnswer(ValueError):
    """A provider's answer that is not JSON of the expected kind."""


def decode_request(body: bytes, kind: type[T]) -> T:
    """A typed view of a request. Raises `InvalidRequest` naming the field, in msgspec's words."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        words = str(error)
        quoted = words.split("`")
        param = quoted[-2].removeprefix("$.") if len(quoted) > 2 else None
        raise InvalidRequest(f"the request body does not fit: {words}", param=param) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the request body is not valid JSON: {error}") from None


def decode_answer(body: bytes, kind: type[T]) -> T:
    """A typed view of an answer. Raises `InvalidAnswer`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidAnswer(str(error)) from None


def spliced(body: bytes, changes: dict[str, object]) -> bytes:
    """The body with some top-level members replaced or added; every other member keeps its very bytes."""
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    for name, value in changes.items():
        members[name] = msgspec.Raw(msgspec.json.encode(value))
    return msgspec.json.encode(members)


def prompt_size(body: bytes, *, model: str, framing_tokens: int) -> PromptSize:
    """Size what a request sends. The whole body counts as text, members that are no prompt included: that is high,
    cheap, and blind to no field a provider may add. Base64 is taken out first and counted as media."""
    images = audio_bytes = file_bytes = 0
    text = body
    if any(mark in body for mark in _MEDIA_MARKS):
        blobs = [len(match) for match in _LONG_BASE64.findall(body)]
        text = _LONG_BASE64.sub(b'""', body)
        images = len(_IMAGE_MARKS.findall(body))
        audio_clips = len(_AUDIO_MARKS.findall(body))
        largest_first = sorted(blobs, reverse=True)
        audio_bytes = sum(largest_first[:audio_clips]) * 3 // 4
        others = max(0, len(blobs) - images - audio_clips)
        file_bytes = sum(largest_first[:others]) * 3 // 4
    return PromptSize(
        text_tokens=json_text_tokens(text, model) + framing_tokens,
        images=images,
        audio_bytes=audio_bytes,
        file_bytes=file_bytes,
        has_cache_marks=b'"cache_control"' in body,
        has_long_cache_marks=_LONG_CACHE.search(body) is not None,
        hidden_inputs=len(_REMOTE_MARKS.findall(body)),
    )
