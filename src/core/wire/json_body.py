"""Reading JSON bodies: typed decodes that refuse by field, and the size of what they hold."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from core.bounds import (
    BODY_MEMBERS_MAX,
    JSON_CONTAINERS_MAX,
    JSON_DEPTH_MAX,
    JSON_MEMBERS_MAX,
    JSON_VALUES_MAX,
    REQUEST_TEXT_BYTES_MAX,
)
from core.money.text_size import json_text_tokens
from core.refusals import BodyTooLarge, InvalidRequest
from core.wire.facts import PromptSize
from core.wire.json_depth import Structure
from core.wire.json_text import InvalidJSON, fitted, read_json
from core.wire.media.lifted_body import LiftedBody
from core.wire.media.walk import Media, folded, second_spelling

T = TypeVar("T", bound=msgspec.Struct)

_CONTAINERS = frozenset((dict, list))
_NAME_CHARACTERS_MAX = 60

_LONG_CACHE_LIFE = re.compile(rb'"ttl"\s*:\s*"(?:1h|12h)"')
_ESCAPED_NAME = re.compile(rb"\\u00(?:4[1-9a-fA-F]|5[0-9aAfF]|[67][0-9a-fA-F])")
"""A letter or underscore written as an escape: no encoder does that, so whoever does may be hiding a name."""


class InvalidAnswer(ValueError):
    """A provider's answer that is not JSON of the expected kind."""


@dataclass(frozen=True, slots=True)
class RequestBody(Generic[T]):
    """A request as it was read: all of it is JSON that the strictest reader takes, and each member stands once."""

    view: T
    """What its dialect knows of it. Members without a type are plain values, long base64 in them a mark."""
    members: dict[str, object]
    lifted: LiftedBody
    """What the marks stand for."""

    def media(self, model: str) -> Media:
        """All that it holds or refers to beside text. A request is of no type, whatever it says: a type would decide
        how its input is read."""
        media = Media(self.lifted, model)
        media.walk({name: member for name, member in self.members.items() if folded(name) != "type"})
        return media


def decode_request(body: bytes, kind: type[T]) -> RequestBody[T]:
    """Read a request. Raises `InvalidRequest` naming the field."""
    lifted = LiftedBody(body)
    if len(lifted.marked) > REQUEST_TEXT_BYTES_MAX:
        raise BodyTooLarge(
            f"a request may have at most {REQUEST_TEXT_BYTES_MAX} bytes beside its base64: shorten its text"
        )
    structure = Structure(lifted.marked)
    if structure.is_too_large:
        raise InvalidRequest(
            f"the request body has more than {JSON_CONTAINERS_MAX} objects and lists, {JSON_MEMBERS_MAX} members "
            f"or {JSON_VALUES_MAX} values: send less of it at once"
        )
    if structure.is_too_deep:
        raise InvalidRequest(f"the request body is nested more than {JSON_DEPTH_MAX} deep: write it flatter")
    members = _members_of(lifted.marked)
    if structure.members != _members_in(members):
        name = _given_twice(lifted.marked)
        raise InvalidRequest(f"the member {name!r} is given twice: write it once", param=name)
    refuse_second_spellings(members, kind.__struct_fields__)
    try:
        return RequestBody(fitted(members, kind), members, lifted)
    except InvalidJSON as error:
        raise does_not_fit(error, kind) from None


def does_not_fit(error: InvalidJSON, kind: type[msgspec.Struct], *, within: str = "") -> InvalidRequest:
    """The refusal of an object that has not the shape of its type, with what to write instead. `within` is where the
    object stands, where that is not at the top."""
    what, _, _ = str(error).partition(" - at `$")
    place = f"{within}.{error.place}" if within and error.place else error.place or within
    optional = {field.encode_name for field in msgspec.structs.fields(kind) if not field.required}
    can_do_without = re.split(r"[.\[]", error.place or "")[0] in optional
    at = f" - at `{place}`" if " - at `" in str(error) and place else ""
    way_out = f"; or leave {place} out" if can_do_without else ""
    return InvalidRequest(f"the request body does not fit: {what}{at}{way_out}", param=place or None)


def _members_of(text: bytes) -> dict[str, object]:
    try:
        members = read_json(text, dict[str, object])
    except InvalidJSON as error:
        name = _unreadable_member(text)
        words = f"is not valid JSON: {error}" if name is None else f"cannot be read in {name!r}: {error}"
        raise InvalidRequest(f"the request body {words}", param=name) from None
    if len(members) > BODY_MEMBERS_MAX:
        raise InvalidRequest(
            f"the request body has {len(members)} members, more than {BODY_MEMBERS_MAX}: no API has so many"
        )
    return members


def _unreadable_member(text: bytes) -> str | None:
    """Which member has a number beyond all bounds, or bytes that are no text; None where the whole is not JSON."""
    try:
        members = read_json(text, dict[str, msgspec.Raw])
    except InvalidJSON:
        return None
    for name, value in members.items():
        try:
            read_json(value, object)
        except InvalidJSON:
            return name[:_NAME_CHARACTERS_MAX]
    return None


def _members_in(value: object) -> int:
    """How many members all objects in it have."""
    members = 0
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            members += len(value)
            waiting.extend([inner for inner in value.values() if type(inner) in _CONTAINERS])
        elif type(value) is list:
            waiting.extend([inner for inner in value if type(inner) in _CONTAINERS])
    return members


def _given_twice(text: bytes) -> str:
    """A member that stands twice in one object: of two such some readers take the first, some the last."""
    twice: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        [(name, times)] = Counter(name for name, _ in pairs).most_common(1) or [("", 0)]
        if times > 1:
            twice.append(name[:_NAME_CHARACTERS_MAX])

    json.loads(text, object_pairs_hook=note)
    return twice[0]


def refuse_second_spellings(members: Iterable[str], known: tuple[str, ...]) -> None:
    """A reader that ignores case, or takes camelCase for snake_case, must not find more in an object than was found
    here: what is known of it has the known names, and nothing has two. Raises `InvalidRequest`."""
    spellings = {folded(name): name for name in known}
    for name in members:
        if name not in known and folded(name) in spellings:
            raise second_spelling(name, spellings[folded(name)])
    seen: dict[str, str] = {}
    for name in members:
        if seen.setdefault(folded(name), name) != name:
            raise second_spelling(name, name)


def prompt_size(
    lifted: LiftedBody, media: Media, *, framing_tokens: int, earlier_answers: int = 0, reads: int = 1
) -> PromptSize:
    """Size what a request sends. All of the body but its media counts as text, members that are no prompt included:
    that is high, cheap, and blind to no field a provider may add."""
    is_veiled = _ESCAPED_NAME.search(lifted.marked) is not None
    return PromptSize(
        text_tokens=json_text_tokens(lifted.text(), media.model) + media.text_tokens + framing_tokens,
        images=media.images,
        image_sizes=tuple(media.image_sizes),
        audio_ms=media.audio_ms,
        video_ms=media.video_ms,
        pdf_pages=media.pdf_pages,
        pdf_text_bytes=media.pdf_text_bytes,
        has_cache_marks=is_veiled or b'"cache_control"' in lifted.marked,
        has_long_cache_marks=is_veiled or _LONG_CACHE_LIFE.search(lifted.marked) is not None,
        hidden_inputs=media.hidden_inputs,
        unsized_media=media.unsized,
        earlier_answers=earlier_answers,
        reads=reads,
    )
