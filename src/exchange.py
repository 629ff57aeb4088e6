"""A request as it came in and the answer that goes out, free of any platform type."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from core.refusals import InvalidRequest
from core.wire.json_depth import is_too_deep
from core.wire.json_text import InvalidJSON, read_json
from ports import Body

T = TypeVar("T")

MakeRoom = Callable[[int], None]
"""Told how long a body is at least, before that much of it is taken in; raises the refusal where it may not be."""

ReadBody = Callable[[MakeRoom], Awaitable[bytes]]
"""Reads the whole body. Nothing of it is taken in before."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A caller's request. Header names are lower-case; `query` comes without its question mark. Its body stays outside
    until somebody who knows the caller reads it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    read_body: ReadBody = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: bytes, or a streamed body made by the upstream adapter."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Body = field(default=b"", repr=False)


def json_answer(document: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of AgentWatch's own."""
    return Answer(status, {"content-type": "application/json", **(headers or {})}, document)


def decoded(body: bytes, kind: type[T]) -> T:
    """A JSON body of AgentWatch's own API, or a refusal that passes on what is wrong with it and names the field."""
    if is_too_deep(body):
        raise InvalidRequest("the body is nested too deeply")
    try:
        return read_json(body, kind)
    except InvalidJSON as error:
        raise InvalidRequest(f"the body does not fit: {error}", param=error.place) from None
