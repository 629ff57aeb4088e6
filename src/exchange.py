"""A request as it came in and the answer that goes out, free of any platform type."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ports import Body

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
