"""One of our own routes as a value: everything that resolving, roles, decoding, the access log and the API's own
document need to know of it. Its handler is told what was asked, read and judged already, and answers or refuses.

The rule easy to break: what a caller may send is said in the types of a row (`query`, `body`), never in its handler
alone, because the document is made from the types.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from access.identity import Caller, Operator
from core.call.context import session_named
from core.refusals import Refusal
from core.roles import Audience
from exchange import Answer, Exchange
from ports import Ledger

Method = Literal["GET", "POST", "PUT", "DELETE"]
Q = TypeVar("Q")
B = TypeVar("B")

_PARAMETER = re.compile(r"\{(\w+)\}")


class Nothing(msgspec.Struct, frozen=True):
    """The query or the body of a route that takes none."""


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[Q, B]):
    """What was asked of one of our own routes."""

    exchange: Exchange
    who: Caller | Operator | None
    """None on a public route."""
    path: Mapping[str, str]
    """The parameters in the path, decoded."""
    query: Q
    body: B
    text: bytes = field(default=b"", repr=False)
    """The body as it came."""

    @property
    def caller(self) -> Caller:
        assert isinstance(self.who, Caller), "only a tenant's own routes have a caller"
        return self.who

    @property
    def ledger(self) -> Ledger:
        return self.exchange.ports.ledger_of(self.caller.tenant)

    def session_named(self, said: str | None) -> str | None:
        """The session that it is about: what a member of it says, or what names one beside it, where calls name theirs.
        Raises `InvalidRequest`."""
        asked = self.exchange.request
        return session_named(asked.headers, asked.query, self.caller.sessions_behind_token, said)


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
    audience: Audience = "caller"
    query: type[Q] = Nothing  # type: ignore[assignment]  # a default for a parameter of the class has no type
    body: type[B] = Nothing  # type: ignore[assignment]
    headers: tuple[str, ...] = ()
    """Request headers with a meaning of their own here."""
    optional_headers: tuple[str, ...] = ()
    """Others that may be left out."""
    status: int = 200
    """Of an answer that went well."""
    also_status: int | None = None
    """Of one to a request that has been answered before."""
    answer_headers: tuple[str, ...] = ()
    """Headers of the answer that say something beside it."""
    optional_answer_headers: tuple[str, ...] = ()
    """Others that it may have."""
    as_text: str | None = None
    """The media type that the same answer may have instead, as text."""
    also_body: type | None = None
    """Another shape that the body may have; its handler tells them apart."""
    also_answer: type | None = None
    """What is answered to that."""
    reads_body: bool = False
    """The handler reads the body's text by itself: it says more of what is wrong than a type can."""
    is_of_the_past: bool = False
    """It is told what has been spent already: a tenant that is suspended may still tell it."""
    takes_the_rest: bool = False
    """Its last parameter is all that is left of the path, slashes and all, as names of models have them."""
    is_administration: bool = False
    """For people and their tools: each request is in the access log."""
    refuses: tuple[type[Refusal], ...] = ()
    """What its handler refuses by itself, beyond what every route of its kind may be refused for."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What paths the endpoint answers."""
        pattern = _PARAMETER.sub(r"(?P<\1>[^/]*)", self.path.replace(".", r"\."))
        return re.compile(pattern.removesuffix("[^/]*)") + ".*)" if self.takes_the_rest else pattern)


AnyEndpoint = Endpoint[Any, Any]
