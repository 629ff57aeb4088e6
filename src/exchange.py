"""A request as it came in, on its way, and the answer that goes out, free of any platform type."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from core.bounds import REQUEST_BODY_BYTES_MAX
from core.refusals import Fault, InvalidRequest, Refusal
from core.wire.bytes_in_flight import BodyRoom, MakeRoom
from core.wire.dialects import Dialect, refusal_headers
from core.wire.json_depth import is_too_deep
from core.wire.json_faults import faults_of, pointer_of
from core.wire.json_text import InvalidJSON, read_json
from core.wire.unpacking import Unpack, unpacking
from isolate import Isolate
from ports import Body, Ports

BODILESS = ("GET", "HEAD", "DELETE")
"""Methods whose requests have no body that anybody reads."""

REQUEST_ID_HEADERS = ("x-request-id", "request-id")
"""Where the official clients look for the id of an answer: OpenAI's, and Anthropic's."""

T = TypeVar("T", bound=msgspec.Struct)

ReadBody = Callable[[MakeRoom, Unpack | None], Awaitable[bytes]]
"""Reads the whole body, and unpacks it where it is told how. Nothing of it is taken in before."""


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


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way to its answer: who asked what, when, and the means to answer."""

    request: Inbound
    request_id: str
    started_at_ms: int
    ports: Ports
    isolate: Isolate

    @property
    def client_address(self) -> str:
        """As Cloudflare saw it; empty where it did not say."""
        return self.request.headers.get("cf-connecting-ip", "")

    def room_for_body(self, bytes_max: int = REQUEST_BODY_BYTES_MAX) -> BodyRoom:
        """A scope in which the body may be held."""
        return BodyRoom(self.isolate.bodies, bytes_max=bytes_max)

    async def read_body(self, room: BodyRoom) -> bytes:
        """The request's body, unpacked where it came compressed. Raises `UnsupportedEncoding` or `InvalidRequest`, or
        what `room` raises."""
        encoding = self.request.headers.get("content-encoding", "")
        return await self.request.read_body(room.make, unpacking(encoding, room.make))


def json_answer(document: msgspec.Struct, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of AgentWatch's own."""
    return Answer(status, {"content-type": "application/json", **(headers or {})}, msgspec.json.encode(document))


def check_depth(body: bytes) -> None:
    """Raises `InvalidRequest` for a body that no decoder may see."""
    if is_too_deep(body):
        raise InvalidRequest("the body is nested too deeply")


def decoded(body: bytes, kind: type[T]) -> T:
    """A JSON body of AgentWatch's own API, or a refusal that passes on what is wrong with it and names the field."""
    check_depth(body)
    try:
        return read_json(body, kind)
    except InvalidJSON as error:
        faults = faults_of(body, kind) or [Fault(pointer_of(error.place or ""), "wrong_value", str(error))]
        raise InvalidRequest(f"the body does not fit: {error}", param=error.place, faults=faults) from None


def refused(refusal: Refusal, dialect: Dialect, request_id: str) -> Answer:
    """A refusal as the caller's own SDK understands it."""
    headers = {
        "content-type": "application/json",
        "x-agentwatch-request-id": request_id,
        **dict.fromkeys(REQUEST_ID_HEADERS, request_id),
        **refusal_headers(refusal),
    }
    return Answer(refusal.status, headers, dialect.render_refusal(refusal, request_id))


def with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
