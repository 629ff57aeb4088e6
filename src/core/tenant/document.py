"""What a tenant's document is: a name, a schema, and how its text becomes the value that calls are judged by.

An unknown field is an error, so that a misspelt limit is noticed where it is written and not where it is missed. A
document is stored as its author wrote it; whoever reads it parses it once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from core.bounds import DOCUMENT_VERSIONS_MAX
from core.money.amount import InvalidAmount, parse_usd
from core.money.price_list import TABLE, PriceList

T = TypeVar("T")


class InvalidDocument(ValueError):
    """The document does not parse; the message names the field and is safe to show, `param` is the field alone.
    `others` are further mistakes, where the document was read on after this one."""

    def __init__(self, words: str, param: str | None = None) -> None:
        super().__init__(words)
        self.param = param
        self.others: Sequence[InvalidDocument] = ()


def raise_all(faults: Sequence[InvalidDocument]) -> None:
    """Raise what is wrong with a document's parts as one, the first before the others; nothing where nothing is."""
    if faults:
        faults[0].others = faults[1:]
        raise faults[0]


def usd_member(text: str | None, name: str) -> int | None:
    """A document's amount of dollars in nano-dollars, if it states one. Raises `InvalidDocument` naming the member."""
    if text is None:
        return None
    try:
        return parse_usd(text)
    except InvalidAmount as error:
        raise InvalidDocument(f"{name} {error}", name) from None


class DocumentWarning(msgspec.Struct, frozen=True):
    """Something odd about a document that can be used. `path` leads to it, `code` is the contract."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a stored document that this version cannot use: its id, or its place where the id cannot be read; and
    why."""

    id: str
    reason: str
    is_whole: bool = False
    """It is all of the document."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What a new text is judged under besides what it says."""

    allows_private_receivers: bool
    """The operator lets alerts go into private networks."""
    at_ms: int
    """Prices change."""
    prices: PriceList = TABLE
    """Of whom it is written for, as they are before."""


@dataclass(frozen=True, slots=True)
class DocumentKind(Generic[T]):
    """One kind of document. Its name stands in its route (`/v1/{name}`) and in the rows."""

    name: str
    summary: str
    schema: type[msgspec.Struct]
    """What may be written, for the API's own document."""
    parse: Callable[[bytes | str], T]
    """Raises `InvalidDocument`."""
    default: T
    """What holds while nothing was written."""
    judge: Callable[[str, Writing], tuple[DocumentWarning, ...]]
    """What a new text has to pass, where `parse` forgives what was written before there was such a rule; what is odd
    about it. Raises `InvalidDocument`."""
    has_routes: bool = True
    """False for what has routes of its own, and is not read and replaced by whoever administers the tenant."""
    versions_max: int = DOCUMENT_VERSIONS_MAX
    """That are kept. One of what is sealed: what was deleted is gone."""
