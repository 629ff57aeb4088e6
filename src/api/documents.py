"""A tenant's documents (`core.tenant.documents`), and the operator's, which are of the same kinds: each kind is read,
replaced and looked back on under its own name.

A write names the version it replaces, so that of two people who change a document at once one is told; and it holds
from the next metered call on, in every isolate, because admission knows the number of the last write.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from access.identity import Caller, learn
from access.permits import key_refusal
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.reading import refuse_oddities
from core.bounds import DOCUMENT_CHARACTERS_MAX, DOCUMENT_VERSIONS_MAX
from core.ledger.document_messages import (
    VERSION_MAX,
    DocumentRequest,
    DocumentVersion,
    Replaced,
    Version,
    VersionConflict,
    VersionsRequest,
    WriteRequest,
    WrittenDocument,
    replaces,
)
from core.ledger.messages import KeyDisabled
from core.money.price_list import TABLE
from core.refusals import BodyTooLarge, Fault, InvalidRequest, NotFound, VersionChanged
from core.roles import PLATFORM, Audience
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument, Writing
from core.tenant.documents import unheeded
from core.tenant.etag import etag, version_to_replace
from core.wire.json_faults import faults_of, pointer_of
from exchange import Answer, json_answer
from ports import Ledger

NOTHING_WRITTEN = b"{}"
"""A document of which nothing was written says nothing: every default holds."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose documents some routes are for: where these begin, and who may use them."""

    root: str
    audience: Audience


TENANT_S = Holder("/v1", "admin")
OPERATOR_S = Holder("/v1/platform", "operator")


class DocumentQuery(msgspec.Struct, frozen=True):
    version: Version | None = None
    """An earlier version; the present one unless said."""


class DocumentReceipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A write that stands."""

    version: int
    warnings: tuple[DocumentWarning, ...] = ()
    """What is odd about a document that can be used."""


class HistoryQuery(msgspec.Struct, frozen=True):
    below: Version = VERSION_MAX
    limit: Annotated[int, msgspec.Meta(ge=1, le=DOCUMENT_VERSIONS_MAX)] = DOCUMENT_VERSIONS_MAX


class History(msgspec.Struct, frozen=True):
    versions: list[DocumentVersion]
    """The youngest first."""
    next_below: int | None


def document_endpoints(kind: DocumentKind[Any], holder: Holder = TENANT_S) -> tuple[AnyEndpoint, ...]:
    """The routes of one kind of document."""

    async def read(request: ApiRequest[DocumentQuery, Nothing]) -> Answer:
        return await read_document(kind, request)

    async def write(request: ApiRequest[Nothing, Any]) -> Answer:
        return await write_document(kind, request)

    async def history(request: ApiRequest[HistoryQuery, Nothing]) -> Answer:
        return await document_history(kind, request)

    path, what, audience = f"{holder.root}/{kind.name}", kind.summary, holder.audience
    return (
        Endpoint(
            "GET", path, read, f"{what}, its version as ETag", kind.schema,
            audience=audience, query=DocumentQuery, answer_headers=("etag",), is_administration=True,
            refuses=(NotFound,),
        ),
        Endpoint(
            "PUT", path, write, f"Replace: {what}", DocumentReceipt,
            audience=audience, body=kind.schema, headers=("if-match",), optional_headers=("if-none-match",),
            answer_headers=("etag",), reads_body=True, is_administration=True,
        ),
        Endpoint(
            "GET", f"{path}/history", history, f"Who wrote it when: {what}", History,
            audience=audience, query=HistoryQuery, is_administration=True,
        ),
    )  # fmt: skip


async def read_document(kind: DocumentKind[Any], request: ApiRequest[DocumentQuery, Nothing]) -> Answer:
    version = request.query.version
    found = await _ledger_of(request).tell(DocumentRequest(kind=kind.name, version=version))
    if isinstance(found, WrittenDocument):
        return _document(found.text.encode(), found.version)
    if version:
        raise NotFound(f"version {version} of this document is not kept", param="version")
    return _document(NOTHING_WRITTEN, 0)


async def write_document(kind: DocumentKind[Any], request: ApiRequest[Nothing, Any]) -> Answer:
    exchange, who = request.exchange, request.who
    assert who is not None, "no public route writes"
    headers = exchange.request.headers
    instead_of = version_to_replace(headers.get("if-match"), headers.get("if-none-match"))
    try:
        text, warnings = _judged(kind, request)
    except InvalidRequest:
        await _refuse_stale(kind, request, instead_of)  # who has an old document is to read the new one first
        raise
    question = WriteRequest(
        kind=kind.name,
        text=text,
        instead_of=instead_of,
        written_by=who.actor,
        key_id=who.key_id if isinstance(who, Caller) else None,
        token_number=who.token_number if isinstance(who, Caller) else None,
    )
    written = await _ledger_of(request).tell(question)
    if isinstance(written, KeyDisabled):
        raise key_refusal()
    if isinstance(written, VersionConflict):
        raise _changed(written.present_version)
    now_ms = exchange.ports.clock.now_ms()
    learn(_tenant_of(request), written.present, cache=exchange.isolate.identities, now_ms=now_ms)
    return json_answer(DocumentReceipt(written.version, warnings), headers={"etag": etag(written.version)})


async def _refuse_stale(kind: DocumentKind[Any], request: ApiRequest[Nothing, Any], instead_of: Replaced) -> None:
    found = await _ledger_of(request).tell(DocumentRequest(kind=kind.name))
    present = found.version if isinstance(found, WrittenDocument) else 0
    if not replaces(instead_of, present):
        raise _changed(present)


def _changed(present: int) -> VersionChanged:
    return VersionChanged(
        f"somebody has written version {present} meanwhile: read it, and decide again"
        if present
        else 'nobody has written this document yet: If-Match with "0", or If-None-Match with *, is for the first time',
        param="if-match",
        details={"present_version": present},
    )


async def document_history(kind: DocumentKind[Any], request: ApiRequest[HistoryQuery, Nothing]) -> Answer:
    asked = request.query
    page = await _ledger_of(request).tell(VersionsRequest(kind=kind.name, below=asked.below, limit=asked.limit))
    return json_answer(History(page.versions, page.next_below))


def _judged(kind: DocumentKind[Any], request: ApiRequest[Nothing, Any]) -> tuple[str, tuple[DocumentWarning, ...]]:
    """The document as it came, if it can be used, and what is odd about it. Raises the refusal otherwise, naming the
    field."""
    try:
        written = request.text.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("the document is not UTF-8") from None
    if len(written) > DOCUMENT_CHARACTERS_MAX:
        raise BodyTooLarge(f"a document has at most {DOCUMENT_CHARACTERS_MAX} characters")
    settings, at_ms = request.exchange.isolate.settings, request.exchange.started_at_ms
    prices = request.who.prices if isinstance(request.who, Caller) else TABLE
    try:
        warnings = kind.judge(written, Writing(settings.allows_private_receivers, at_ms, prices))
    except InvalidDocument as error:
        faults = faults_of(request.text, kind.schema) or [_fault(each) for each in (error, *error.others)]
        raise InvalidRequest(f"the document does not fit: {error}", param=error.param, faults=faults) from None
    refuse_oddities(request.text)
    if isinstance(request.who, Caller):
        warnings = (*warnings, *unheeded(kind, written, request.who.documents.ceilings))
    return written, warnings


def _fault(error: InvalidDocument) -> Fault:
    return Fault(pointer_of(error.param or ""), "wrong_value", str(error))


def _tenant_of(request: ApiRequest[Any, Any]) -> str:
    """Whose documents are meant: the caller's tenant's, the one in an operator's path, or the platform's."""
    return request.who.tenant if isinstance(request.who, Caller) else request.path.get("tenant", PLATFORM)


def _ledger_of(request: ApiRequest[Any, Any]) -> Ledger:
    return request.exchange.ports.ledger_of(_tenant_of(request))


def _document(text: bytes, version: int) -> Answer:
    return Answer(200, {"content-type": "application/json", "etag": etag(version)}, text)
