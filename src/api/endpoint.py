"""One of our own routes as a value: everything that resolving, roles, decoding, the access log and the API's own
document need to know of it. Its handler is told what was asked, read and judged already, and answers or refuses.

The rule easy to break: what a caller may send is said in the types of a row (`query`, `body`), never in its handler
alone, because the document is made from the types.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec

from access.identity import Caller
from core.refusals import InvalidRequest
from core.wire.json_text import InvalidJSON, fitted
from exchange import Answer, Exchange
from ports import Ledger

Method = Literal["GET", "POST", "PUT", "DELETE"]
Audience = Literal["public", "member", "admin"]
"""Who may ask: everybody without a token, any token of the tenant, or one with the admin role."""

Q = TypeVar("Q")
B = TypeVar("B")

_PARAMETER = re.compile(r"\{(\w+)\}")


class Nothing(msgspec.Struct, frozen=True):
    """The query or the body of a route that takes none."""


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[Q, B]):
    """What was asked of one of our own routes."""

    exchange: Exchange
    who: Caller | None
    """None on a public route."""
    path: Mapping[str, str]
    """The parameters in the path, decoded."""
    query: Q
    body: B
    text: bytes = field(default=b"", repr=False)
    """The body as it came."""

    @property
    def caller(self) -> Caller:
        assert self.who is not None, "a public route knows nobody"
        return self.who

    @property
    def ledger(self) -> Ledger:
        return self.exchange.ports.ledger_of(self.caller.tenant)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B]):
    """A row of the table."""

    method: Method
    path: str
    """With `{name}` for each parameter, which is one segment."""
    handler: Callable[[ApiRequest[Q, B]], Awaitable[Answer]]
    summary: str
    answer: type
    """A struct, told as JSON; `str` for plain text."""
    audience: Audience = "member"
    query: type[Q] = Nothing  # type: ignore[assignment]  # a default for a parameter of the class has no type
    body: type[B] = Nothing  # type: ignore[assignment]
    headers: tuple[str, ...] = ()
    """Request headers with a meaning of their own here."""
    answer_headers: tuple[str, ...] = ()
    """Headers of the answer that say something beside it."""
    also_body: type | None = None
    """Another shape that the body may have; its handler tells them apart."""
    also_answer: type | None = None
    """What is answered to that."""
    takes_gzip: bool = False
    """The body may be compressed, which is for what programs send without end."""
    reads_body: bool = False
    """The handler reads the body's text by itself: it says more of what is wrong than a type can."""
    is_administration: bool = False
    """For people and their tools: each request is in the access log."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What paths the endpoint answers."""
        return re.compile(_PARAMETER.sub(r"(?P<\1>[^/]*)", self.path.replace(".", r"\.")))


def read_query(query: str, kind: type[Q]) -> Q:
    """The query as its type has it; of a parameter named twice the first counts, and unknown ones are nobody's
    business. Raises `InvalidRequest` naming the parameter."""
    given = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    try:
        return fitted(given, kind)
    except InvalidJSON as error:
        raise InvalidRequest(f"the query does not fit: {error}", param=error.place) from None


def decoded_path(found: re.Match[str]) -> dict[str, str]:
    return {name: unquote(value) for name, value in found.groupdict().items()}


AnyEndpoint = Endpoint[Any, Any]
