"""A tenant's documents (`core.tenant.documents`): each kind is read, replaced and looked back on under its own name.

A write names the version it replaces, so that of two people who change a document at once one is told; and it holds
from the next metered call on, in every isolate, because admission knows the number of the last write.
"""

from typing import Annotated, Any

import msgspec

from access.identity import learn
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from call.admission import key_refusal
from core.bounds import DOCUMENT_CHARACTERS_MAX, DOCUMENT_VERSIONS_MAX
from core.ledger.document_messages import (
    VERSION_MAX,
    DocumentRequest,
    DocumentVersion,
    Version,
    VersionConflict,
    VersionsRequest,
    WriteRequest,
    WrittenDocument,
)
from core.ledger.messages import KeyDisabled
from core.refusals import BodyTooLarge, InvalidRequest, NotFound, VersionChanged
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument, Writing
from core.tenant.etag import etag, version_to_replace
from exchange import Answer, json_answer

NOTHING_WRITTEN = b"{}"
"""A document of which nothing was written says nothing: every default holds."""


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


def document_endpoints(kind: DocumentKind[Any]) -> tuple[AnyEndpoint, ...]:
    """The routes of one kind of document."""

    async def read(request: ApiRequest[DocumentQuery, Nothing]) -> Answer:
        return await _read(kind, request)

    async def write(request: ApiRequest[Nothing, Any]) -> Answer:
        return await _write(kind, request)

    async def history(request: ApiRequest[HistoryQuery, Nothing]) -> Answer:
        return await _history(kind, request)

    path, what = f"/v1/{kind.name}", kind.summary
    return (
        Endpoint(
            "GET", path, read, f"{what}, its version as ETag", kind.schema,
            audience="admin", query=DocumentQuery, answer_headers=("etag",), is_administration=True,
        ),
        Endpoint(
            "PUT", path, write, f"Replace: {what}", DocumentReceipt,
            audience="admin", body=kind.schema, headers=("if-match",), answer_headers=("etag",), is_administration=True,
            reads_body=True,
        ),
        Endpoint(
            "GET", f"{path}/history", history, f"Who wrote it when: {what}", History,
            audience="admin", query=HistoryQuery, is_administration=True,
        ),
    )  # fmt: skip


async def _read(kind: DocumentKind[Any], request: ApiRequest[DocumentQuery, Nothing]) -> Answer:
    version = request.query.version
    found = await request.ledger.tell(DocumentRequest(kind=kind.name, version=version))
    if isinstance(found, WrittenDocument):
        return _document(found.text.encode(), found.version)
    if version:
        raise NotFound(f"version {version} of this document is not kept", param="version")
    return _document(NOTHING_WRITTEN, 0)


async def _write(kind: DocumentKind[Any], request: ApiRequest[Nothing, Any]) -> Answer:
    exchange, caller = request.exchange, request.caller
    instead_of = version_to_replace(exchange.request.headers.get("if-match"))
    text, warnings = _judged(kind, request)
    question = WriteRequest(kind=kind.name, text=text, instead_of=instead_of, written_by=caller.key_id)
    written = await request.ledger.tell(question)
    if isinstance(written, KeyDisabled):
        raise key_refusal()
    if isinstance(written, VersionConflict):
        present = written.present_version
        raise VersionChanged(
            f"somebody has written version {present} meanwhile: read it, and decide again",
            param="if-match",
            details={"present_version": present},
        )
    now_ms = exchange.ports.clock.now_ms()
    learn(caller.tenant, written.present, cache=exchange.isolate.identities, now_ms=now_ms)
    return json_answer(DocumentReceipt(written.version, warnings), headers={"etag": etag(written.version)})


async def _history(kind: DocumentKind[Any], request: ApiRequest[HistoryQuery, Nothing]) -> Answer:
    asked = request.query
    page = await request.ledger.tell(VersionsRequest(kind=kind.name, below=asked.below, limit=asked.limit))
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
    try:
        return written, kind.judge(written, Writing(settings.allows_private_receivers, at_ms))
    except InvalidDocument as error:
        raise InvalidRequest(f"the document does not fit: {error}", param=error.param) from None


def _document(text: bytes, version: int) -> Answer:
    return Answer(200, {"content-type": "application/json", "etag": etag(version)}, text)
