"""A request as it will be sent, made ready before any money is held: what then goes in is one number.

Reading and rewriting a body can fail, and a call that is held for must not. So everything that depends on the body is
done here, once: each member has one reading, the changes are in their places, and the body lies open where the output
ceiling stands. The rule easy to break: `to_send` reads nothing and decides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from core.json_text import InvalidJSON, read_json
from core.refusals import InvalidRequest

Piece = bytes | msgspec.Raw | None
"""Bytes of the body, mostly views into the caller's own; None is where the output ceiling goes."""

Members = dict[str, msgspec.Raw]

NUMBER: tuple[Piece, ...] = (None,)
"""The value of a member that is the output ceiling and nothing else."""

_ELSEWHERE = -1
_COMPARED_BYTES = 65_536
_BLANK = rb"[ \t\r\n]*"
_OPENING = re.compile(_BLANK + rb"\{" + _BLANK)
_COLON = re.compile(_BLANK + rb":" + _BLANK)
_COMMA = re.compile(_BLANK + rb"," + _BLANK)
_CLOSING = re.compile(_BLANK + rb"\}" + _BLANK)


@dataclass(frozen=True, slots=True)
class PreparedBody:
    """A request body without anything left to find out."""

    as_asked: tuple[Piece, ...]
    """With the ceiling the caller set, or none."""
    around_ceiling: tuple[Piece, ...]
    """With a lower one."""

    def to_send(self, output_ceiling_tokens: int | None) -> bytes:
        """The bytes for the provider; None leaves the ceiling as the caller set it."""
        pieces = self.as_asked if output_ceiling_tokens is None else self.around_ceiling
        number = str(output_ceiling_tokens).encode()
        return b"".join([number if piece is None else piece for piece in pieces])


def members_of(body: bytes | msgspec.Raw) -> Members:
    """The members of an object, unread, each once: of two with one name the last. Raises `InvalidRequest`."""
    try:
        return read_json(body, dict[str, msgspec.Raw])
    except InvalidJSON as error:
        raise InvalidRequest(f"the request body is not valid JSON: {error}") from None


def object_in(members: Members, name: str) -> Members:
    """The members of an object inside; none where it is not given."""
    value = members.get(name)
    return {} if value is None or bytes(value) == b"null" else members_of(value)


def prepared(
    body: bytes, members: Members, changes: Mapping[str, object], ceiling: Mapping[str, tuple[Piece, ...]]
) -> PreparedBody:
    """The body with some members replaced or added, every other keeping its very bytes; `ceiling` says which members
    hold the output ceiling, and how. Without any change the caller's own bytes are sent."""
    changed: dict[str, tuple[Piece, ...]] = {name: (value,) for name, value in members.items()}
    changed |= {name: (msgspec.json.encode(value),) for name, value in changes.items()}
    is_as_it_was = not changes and _has_each_name_once(body, members)
    return PreparedBody(
        as_asked=(body,) if is_as_it_was else object_of(changed),
        around_ceiling=object_of(changed | dict(ceiling)),
    )


def object_of(members: Mapping[str, tuple[Piece, ...]]) -> tuple[Piece, ...]:
    """The pieces of an object with these members."""
    pieces: list[Piece] = []
    for name, value in members.items():
        pieces += (b"," if pieces else b"{", msgspec.json.encode(name), b":", *value)
    return (*pieces, b"}") if pieces else (b"{}",)


def _has_each_name_once(body: bytes, members: Members) -> bool:
    """Whether the body is just these members in a row: of two with one name some readers take the first, some the
    last. Walks the body once; a name written with escapes makes it False."""
    at = _after(_OPENING, body, 0)
    for number, (name, value) in enumerate(members.items()):
        if number:
            at = _after(_COMMA, body, at)
        written = msgspec.json.encode(name)
        at = _after(_COLON, body, at + len(written)) if at >= 0 and body.startswith(written, at) else _ELSEWHERE
        if at < 0 or not _stands_at(body, at, value):
            return False
        at += len(memoryview(value))
    return _after(_CLOSING, body, at) == len(body)


def _after(token: re.Pattern[bytes], body: bytes, at: int) -> int:
    """Where the body goes on behind this token."""
    found = token.match(body, at) if at >= 0 else None
    return _ELSEWHERE if found is None else found.end()


def _stands_at(body: bytes, at: int, value: msgspec.Raw) -> bool:
    """In pieces, because a value can be nearly the whole of a large body and is not copied for this."""
    view = memoryview(value)
    return all(
        body.startswith(view[start : start + _COMPARED_BYTES].tobytes(), at + start)
        for start in range(0, len(view), _COMPARED_BYTES)
    )
