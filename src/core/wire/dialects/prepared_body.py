"""A request as it will be sent, made ready before any money is held: what then goes in is one number.

Reading and rewriting a body can fail, and a call that is held for must not. So everything that depends on the body is
done here, once: the changes are in their places, and the body lies open where the output ceiling stands. The rule easy
to break: `to_send` reads nothing and decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from core.refusals import InvalidRequest
from core.wire.json_text import InvalidJSON, read_json

Piece = bytes | msgspec.Raw | None
"""Bytes of the body, mostly views into the caller's own; None is where the output ceiling goes."""

Members = dict[str, msgspec.Raw]

NUMBER: tuple[Piece, ...] = (None,)
"""The value of a member that is the output ceiling and nothing else."""


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
    """The members of an object, unread. Raises `InvalidRequest`."""
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
    return PreparedBody(
        as_asked=object_of(changed) if changes else (body,),
        around_ceiling=object_of(changed | dict(ceiling)),
    )


def object_of(members: Mapping[str, tuple[Piece, ...]]) -> tuple[Piece, ...]:
    """The pieces of an object with these members."""
    pieces: list[Piece] = []
    for name, value in members.items():
        pieces += (b"," if pieces else b"{", msgspec.json.encode(name), b":", *value)
    return (*pieces, b"}") if pieces else (b"{}",)
