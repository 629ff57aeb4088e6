"""Reading JSON bodies: typed decodes that refuse by field, and the size of what they hold."""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from core.calls import PromptSize
from core.dialects.media import Media
from core.json_depth import is_too_deep
from core.json_text import InvalidJSON, read_json
from core.limits import JSON_DEPTH_MAX
from core.refusals import InvalidRequest
from core.text_size import json_text_tokens

T = TypeVar("T", bound=msgspec.Struct)

_LONG_CACHE_LIFE = re.compile(rb'"ttl"\s*:\s*"(?:1h|12h)"')
_ESCAPED_NAME = re.compile(rb"\\u00(?:4[1-9a-fA-F]|5[0-9aAfF]|[67][0-9a-fA-F])")
"""A letter or underscore written as an escape: no encoder does that, so whoever does may be hiding a name."""


class InvalidAnswer(ValueError):
    """A provider's answer that is not JSON of the expected kind."""


def decode_request(body: bytes, kind: type[T]) -> T:
    """A typed view of a request. Raises `InvalidRequest` naming the field, in msgspec's words."""
    if is_too_deep(body):
        raise InvalidRequest(f"the request body is nested more than {JSON_DEPTH_MAX} deep")
    try:
        request = read_json(body, kind)
        members = read_json(body, dict[str, msgspec.Raw])
    except InvalidJSON as error:
        words = "does not fit" if error.place is not None else "is not valid JSON"
        raise InvalidRequest(f"the request body {words}: {error}", param=error.place) from None
    _refuse_second_spellings(members, kind.__struct_fields__)
    return request


def _refuse_second_spellings(members: Iterable[str], known: tuple[str, ...]) -> None:
    """A reader that ignores case, or takes camelCase for snake_case, must not find more than was found here."""
    spellings = {_folded(name): name for name in known}
    seen: dict[str, str] = {}
    for name in members:
        folded = _folded(name)
        other = seen.setdefault(folded, name)
        if other != name or (folded in spellings and name not in known):
            raise InvalidRequest(
                f"the member {name[:60]!r} has a second spelling", param=spellings.get(folded, name)[:60]
            )


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()




def prompt_size(body: bytes, media: Media, *, model: str, framing_tokens: int) -> PromptSize:
    """Size what a request sends. All of the body but its media counts as text, members that are no prompt included:
    that is high, cheap, and blind to no field a provider may add."""
    is_veiled = _ESCAPED_NAME.search(body) is not None
    return PromptSize(
        text_tokens=json_text_tokens(media.text_of(body), model) + framing_tokens,
        images=media.images,
        audio_bytes=media.audio_bytes,
        file_bytes=media.file_bytes,
        has_cache_marks=is_veiled or b'"cache_control"' in body,
        has_long_cache_marks=is_veiled or _LONG_CACHE_LIFE.search(body) is not None,
        hidden_inputs=media.hidden_inputs,
    )
