"""A request as it came in and the answer that goes out, free of any platform type."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ports import Body


@dataclass(frozen=True, slots=True)
class Inbound:
    """A caller's request. Header names are lower-case; `query` comes without its question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: bytes, or a streamed body made by the upstream adapter."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Body = field(default=b"", repr=False)


def json_answer(document: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of AgentWatch's own."""
    return Answer(status, {"content-type": "application/json", **(headers or {})}, document)
