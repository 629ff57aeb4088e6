"""What is said between the Workers and a tenant's Ledger about its documents (`core.tenant.documents`): read one, write
one in place of a version, list its versions, and have a copy of all. A text is not read here: who writes it judges it.
"""

from typing import Annotated

import msgspec

from core.bounds import DOCUMENT_CHARACTERS_MAX, DOCUMENT_VERSIONS_MAX
from core.ledger.messages import KeyDisabled, Message, Name, PresentDocuments, Question

VERSION_MAX = 10**15 - 1
Version = Annotated[int, msgspec.Meta(ge=0, le=VERSION_MAX)]
DocumentText = Annotated[str, msgspec.Meta(max_length=DOCUMENT_CHARACTERS_MAX)]


class WrittenDocument(Message, frozen=True, tag="document"):
    """One version of one kind of document, as its author wrote it."""

    kind: Name
    version: Version
    text: DocumentText
    written_at_ms: int
    written_by: str | None = None
    """`key:` and a key's id, who signed on, or `kv` for what was found in KV."""


class NoDocument(Message, frozen=True, tag="no_document"):
    """Nothing was written so far, or not under this version."""


DocumentAnswer = WrittenDocument | NoDocument


class DocumentRequest(Question[DocumentAnswer], frozen=True, tag="read_document"):
    """Read a document, the present version unless said."""

    kind: Name
    version: Version | None = None


class VersionConflict(Message, frozen=True, tag="version_conflict"):
    """Another version is there than the one that was to be replaced. Nothing was written."""

    present_version: int


class DocumentWritten(Message, frozen=True, tag="document_written"):
    """The write stands, under this version: the present one's, where that says the same already."""

    version: int
    present: PresentDocuments


WriteAnswer = DocumentWritten | VersionConflict | KeyDisabled


Replaced = Version | tuple[Version, ...] | None
"""What a write is in place of: a version (zero: none), any of several, or (None) whichever is there."""


def replaces(instead_of: Replaced, present: int) -> bool:
    """Is the present version the one that a write is in place of?"""
    return instead_of is None or present in (instead_of if isinstance(instead_of, tuple) else (instead_of,))


class WriteRequest(Question[WriteAnswer], frozen=True, tag="write_document"):
    """Write a document in place of another. One that says what the present one says is not written."""

    kind: Name
    text: DocumentText
    instead_of: Replaced = None
    written_by: Name | None = None
    """For whoever looks back on it."""
    key_id: Name | None = None
    """Refused where that key is: nobody brings a key back with that key."""
    token_number: Annotated[int, msgspec.Meta(ge=0)] | None = None


class DocumentVersion(msgspec.Struct, frozen=True):
    """Who wrote a version and when, in UTC milliseconds. `written_by` is `key:` and a key's id, `access:` or
    `service:` and who signed on, `operator`, or `kv` for what was found in KV."""

    version: int
    written_at_ms: int
    written_by: str | None


class VersionPage(Message, frozen=True, tag="version_page"):
    versions: list[DocumentVersion]
    next_below: int | None = None


class VersionsRequest(Question[VersionPage], frozen=True, tag="list_versions"):
    """A page of a document's versions, the youngest first."""

    kind: Name
    below: Version = VERSION_MAX
    limit: Annotated[int, msgspec.Meta(ge=1, le=DOCUMENT_VERSIONS_MAX)] = DOCUMENT_VERSIONS_MAX


class CopyRequest(Question[PresentDocuments], frozen=True, tag="copy_documents"):
    """All present documents. A configuration that was found in KV without a number is taken in before."""

    found: DocumentText | None = None
