"""A tenant's documents: the present ones, the versions behind them, and whether the edge's copy is the present one.

Versions are numbered over all kinds, so the last number names the whole state. A write names the version that it
replaces, and is refused if somebody was faster. What was written into KV by hand is taken in once: a reader far away
may find an old text there for a minute, and must not bring it back.

The rule easy to break: the row comes first, then memory; the copy in KV follows by the alarm, however often it fails.
"""

import hashlib
from typing import TypeVar

from core.bounds import DOCUMENT_VERSIONS_MAX
from core.ledger.document_messages import (
    DocumentVersion,
    DocumentWritten,
    NoDocument,
    VersionConflict,
    VersionPage,
    VersionsRequest,
    WriteRequest,
    WrittenDocument,
    replaces,
)
from core.ledger.hold import ScopeKey
from core.ledger.messages import PresentDocuments
from core.tenant.ceilings import CEILINGS, session_ceiling
from core.tenant.document import DocumentKind, InvalidDocument
from core.tenant.documents import KINDS, copy_text
from core.tenant.policy import CONFIG
from core.wire.json_text import says_the_same
from durable_objects.outgoing.copies import CopyPace
from durable_objects.storage.rows import LedgerStore

T = TypeVar("T")

BY_HAND = "kv"
"""Who wrote what was found in KV without a number."""

FOUND_IN_KV_MAX = 1_000
"""Texts that are known again when they turn up once more."""

COPY_AGAIN_MS = 60_000
"""After an old text was found in KV: it may be a reader's cache, which takes as long to see the copy."""


class Documents:
    """One tenant's documents, made from the rows at every wake."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._copied_number = store.copied_number()
        self._highest = max(self._copied_number, store.highest_version())
        """Of every version there was: a number stands for one state, though the row of it cannot be read any more."""
        self._present = {document.kind: document for document in store.present_documents()}
        self._copy_pace = CopyPace()
        self.policy, self.ceilings = self._read(CONFIG), self._read(CEILINGS)

    @property
    def number(self) -> int:
        """The last write's; zero where there was none, or none that can be read."""
        return self._highest if self._present else 0

    def present(self) -> PresentDocuments:
        """What an edge needs to know."""
        number = self.number
        texts = {kind: document.text for kind, document in self._present.items()}
        versions = {kind: document.version for kind, document in self._present.items()}
        return PresentDocuments(number=number, text=copy_text(number, texts, versions) if number else "")

    def is_other(self, number: int | None, now_ms: int) -> bool:
        """Was something decided by other documents than these? A number that no write of this Ledger had is that of a
        copy which somebody put into KV, or which is left of rows that are lost: it is overwritten."""
        if number is None or self.number in (0, number):
            return False
        if number > self.number:
            self._copy_again(now_ms)
        return True

    def is_disabled(self, key_id: str | None) -> bool:
        """Does the configuration refuse this key?"""
        return key_id is not None and key_id in self.policy.disabled_keys

    def ceiling_of(self, key: ScopeKey) -> int | None:
        """The most that an account may have as its limit."""
        if key.kind == "session":
            return session_ceiling(self.policy, self.ceilings)
        return self.ceilings.month_limit_max_nanousd if (key.kind, key.window) == ("tenant", "month") else None

    def find(self, kind: str, version: int | None) -> WrittenDocument | NoDocument:
        """A version that is still kept, the present one unless said."""
        found = self._present.get(kind)
        if version is not None and (found is None or found.version != version):
            found = next((each for each in self._versions(kind, version + 1, 1) if each.version == version), None)
        return found or NoDocument()

    def history(self, request: VersionsRequest) -> VersionPage:
        """Versions of a kind, the youngest first, without their texts."""
        found = self._versions(request.kind, request.below, request.limit + 1)
        page = found[: request.limit]
        return VersionPage(
            versions=[DocumentVersion(each.version, each.written_at_ms, each.written_by) for each in page],
            next_below=page[-1].version if len(found) > len(page) else None,
        )

    def write(self, request: WriteRequest, now_ms: int) -> DocumentWritten | VersionConflict:
        """Write a version, in place of the one named if one is. Nothing is written that the present one says already:
        whoever applies the same again and again (CI, Terraform) comes to rest."""
        known = self._present.get(request.kind)
        version = 0 if known is None else known.version
        if not replaces(request.instead_of, version):
            return VersionConflict(present_version=version)
        if known is not None and says_the_same(known.text, request.text):
            return DocumentWritten(version=version, present=self.present())
        document = WrittenDocument(
            kind=request.kind,
            version=self._highest + 1,
            text=request.text,
            written_at_ms=now_ms,
            written_by=request.written_by,
        )
        kind = KINDS.get(request.kind)
        self._store.add_document(document, DOCUMENT_VERSIONS_MAX if kind is None else kind.versions_max)
        self._highest = document.version
        self._present[document.kind] = document
        self._copy_pace.changed()
        self.policy, self.ceilings = self._read(CONFIG), self._read(CEILINGS)
        return DocumentWritten(version=document.version, present=self.present())

    def take_in(self, found: str | None, now_ms: int) -> PresentDocuments:
        """All documents; before, a configuration that was found in KV without a number. One that was taken in before
        is an old copy."""
        if found is not None:
            self._take_in(found, now_ms)
        return self.present()

    # The copy in KV -----------------------------------------------------------------------------------

    def copy_due_at_ms(self) -> int | None:
        """When the copy is to be written, perhaps long past; None where it is the present one."""
        return None if self.number in (0, self._copied_number) else self._copy_pace.due_at_ms

    def copied(self, number: int) -> None:
        """The copy of a state is in KV."""
        self._store.put_copied_number(number)
        self._copied_number = number
        self._copy_pace.written()

    def copy_failed(self, now_ms: int) -> None:
        self._copy_pace.failed(now_ms)

    # Inside -------------------------------------------------------------------------------------------

    def _take_in(self, text: str, now_ms: int) -> None:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._store.was_found_in_kv(digest):
            self._copy_again(now_ms)
            return
        self.write(WriteRequest(kind=CONFIG.name, text=text, written_by=BY_HAND), now_ms)
        self._store.note_found_in_kv(digest, FOUND_IN_KV_MAX)

    def _copy_again(self, now_ms: int) -> None:
        if self._copied_number == self.number:
            self._copied_number = 0
            self._copy_pace.due_at_ms = now_ms + COPY_AGAIN_MS

    def _versions(self, kind: str, below: int, at_most: int) -> list[WrittenDocument]:
        return self._store.document_versions(kind, below, at_most)

    def _read(self, kind: DocumentKind[T]) -> T:
        """A document that cannot be read refuses nobody here: no edge takes it either."""
        written = self._present.get(kind.name)
        try:
            return kind.default if written is None else kind.parse(written.text)
        except InvalidDocument:
            return kind.default
