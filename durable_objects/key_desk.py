"""What administrators do with their tenant's keys, each as one transaction: look, judge, write, answer.

The rule easy to break: a key's budget is its account's limit and nowhere else, so the account is written first; the
key's row, which says that the change stands, comes last.
"""

import msgspec

from core.bounds import KEYS_PER_TENANT_MAX
from core.ledger.account import with_limit
from core.ledger.document_messages import VersionConflict, replaces
from core.ledger.hold import ScopeKey
from core.ledger.keys.grants import fault_of_grant, shuts_the_door
from core.ledger.keys.key import KeyTerms, StoredKey, changed, revoked, rotated
from core.ledger.keys.messages import (
    ChangeKeyRequest,
    CreateKeyRequest,
    KeyFound,
    KeyMadeBefore,
    KeyPage,
    KeyQuestion,
    KeyRequest,
    KeyRevoked,
    KeyView,
    KeyWritten,
    ListKeysRequest,
    NoKey,
    NotGranted,
    OnceReused,
    RevokeKeyRequest,
    RotateKeyRequest,
    Standing,
    StandingRequest,
    TooManyKeys,
    Writer,
)
from core.ledger.messages import KeyDisabled, Message
from durable_objects.state import LedgerState

ONCE_KEPT_MS = 24 * 3_600_000
"""How long a repeat of a request is known by its name."""

KeyWriting = CreateKeyRequest | ChangeKeyRequest | RotateKeyRequest | RevokeKeyRequest


class KeyDesk:
    """The keys of one tenant, as they are administered."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state

    def answer(self, question: KeyQuestion, now_ms: int) -> Message:
        match question:
            case KeyRequest() | ListKeysRequest():
                return self._read(question, now_ms)
            case StandingRequest():
                return self._standing(question, now_ms)
            case _:
                return self._write(question, now_ms)

    def _write(self, request: KeyWriting, now_ms: int) -> Message:
        writer = request.writer
        if self._state.refuses_writer(writer.key_id, writer.token_number, now_ms):
            return KeyDisabled()
        if isinstance(request, CreateKeyRequest):
            return self._create(request, now_ms)
        key = self._state.keys.find(request.key_id)
        if key is None:
            return NoKey()
        match request:
            case RevokeKeyRequest():
                return self._revoke(key, writer, now_ms)
            case _ if key.is_revoked:
                return KeyRevoked()
            case ChangeKeyRequest():
                return self._change(key, request, now_ms)
            case RotateKeyRequest():
                return self._rotate(key, request, now_ms)

    def _read(self, request: KeyRequest | ListKeysRequest, now_ms: int) -> Message:
        if isinstance(request, KeyRequest):
            key = self._state.keys.find(request.key_id)
            return NoKey() if key is None else KeyFound(key=self._view(key, now_ms))
        found = self._state.keys.rows.page(request.after_key_id, request.limit + 1)
        page = found[: request.limit]
        return KeyPage(
            keys=[self._view(each, now_ms) for each in page],
            next_after_key_id=page[-1].key_id if len(found) > len(page) else None,
        )

    def _standing(self, request: StandingRequest, now_ms: int) -> Standing | KeyDisabled:
        """Is a caller whom no admission asks about still let in, and by what?"""
        state, documents = self._state, self._state.documents
        if state.refuses_key(request.key_id, request.token_number, now_ms):
            return KeyDisabled()
        state.key_used(request.key_id, now_ms)
        is_other = documents.is_other(request.documents_number, now_ms)
        return Standing(
            present=documents.present() if is_other else None,
            key_record=state.keys.newer_record(request.key_id, request.token_number, request.key_version),
        )

    def _create(self, request: CreateKeyRequest, now_ms: int) -> Message:
        keys, once = self._state.keys, request.once
        made = None if once is None else keys.rows.made_by(once.name, not_before_ms=now_ms - ONCE_KEPT_MS)
        first = None if made is None else keys.find(made[1])
        if once is not None and made is not None and made[0] != once.contents:
            return OnceReused()
        if first is not None:
            return KeyMadeBefore(key=self._view(first, now_ms))
        fault = fault_of_grant(keys.find(request.writer.key_id), request.terms)
        if fault is not None:
            return NotGranted(fault=fault)
        if keys.rows.count() >= KEYS_PER_TENANT_MAX:
            return TooManyKeys(most=KEYS_PER_TENANT_MAX)
        key = StoredKey(
            key_id=request.key_id,
            version=1,
            terms=request.terms,
            tokens=(msgspec.structs.replace(request.token, number=1),),
            created_at_ms=now_ms,
            created_by=request.writer.actor,
        )
        if once is not None:
            keys.rows.note_made(
                once.name, once.contents, key.key_id, now_ms=now_ms, forget_before_ms=now_ms - ONCE_KEPT_MS
            )
        self._set_budget(key.key_id, request.budget_nanousd, now_ms)
        return self._written(key, now_ms)

    def _change(self, key: StoredKey, request: ChangeKeyRequest, now_ms: int) -> Message:
        if not replaces(request.instead_of, key.version):
            return VersionConflict(present_version=key.version)
        actor = self._state.keys.find(request.writer.key_id)
        fault = fault_of_grant(actor, request.terms)
        if fault is not None:
            return NotGranted(fault=fault)
        if self._locks_out(actor, key, request.terms, request.writer, now_ms):
            return NotGranted(fault="last_administrator")
        has_moved = self._set_budget(key.key_id, request.budget_nanousd, now_ms)
        if request.terms == key.terms and not has_moved:
            return KeyWritten(key=self._view(key, now_ms))
        return self._written(changed(key, request.terms), now_ms)

    def _rotate(self, key: StoredKey, request: RotateKeyRequest, now_ms: int) -> Message:
        """Whoever rotates a key learns its token: that is giving, too."""
        fault = fault_of_grant(self._state.keys.find(request.writer.key_id), key.terms)
        if fault is not None:
            return NotGranted(fault=fault)
        after = rotated(key, request.token, overlap_ms=request.overlap_s * 1_000, now_ms=now_ms)
        return self._written(after, now_ms)

    def _revoke(self, key: StoredKey, writer: Writer, now_ms: int) -> Message:
        if key.is_revoked:
            return KeyWritten(key=self._view(key, now_ms))
        if self._locks_out(self._state.keys.find(writer.key_id), key, None, writer, now_ms):
            return NotGranted(fault="last_administrator")
        return self._written(revoked(key), now_ms)

    def _locks_out(
        self, actor: StoredKey | None, key: StoredKey, after: KeyTerms | None, writer: Writer, now_ms: int
    ) -> bool:
        others = (each for each in self._state.keys.rows.unrevoked() if each.key_id != key.key_id)
        has_other = writer.has_operator or any(
            each.terms.role == "admin"
            and each.state(now_ms) == "active"
            and not self._state.documents.is_disabled(each.key_id)
            for each in others
        )
        return shuts_the_door(actor, key, after, has_other_administrator=has_other)

    def _set_budget(self, key_id: str, limit_nanousd: int | None, now_ms: int) -> bool:
        """Returns whether it is another than before."""
        before = self._state.account(ScopeKey("key", key_id, "month"), now_ms)
        after = with_limit(before, limit_nanousd)
        if after != before:
            self._state.changed([after], now_ms)
            self._state.tell([after], now_ms)
        return after != before

    def _written(self, key: StoredKey, now_ms: int) -> KeyWritten:
        self._state.keys.put(key)
        return KeyWritten(key=self._view(key, now_ms))

    def _view(self, key: StoredKey, now_ms: int) -> KeyView:
        account = self._state.account(ScopeKey("key", key.key_id, "month"), now_ms)
        return KeyView(
            key_id=key.key_id,
            version=key.version,
            terms=key.terms,
            state=key.state(now_ms),
            start=key.token.start,
            last_four=key.token.last_four,
            created_at_ms=key.created_at_ms,
            created_by=key.created_by,
            last_used_at_ms=self._state.keys.used_at_ms(key.key_id),
            rotated_until_ms=key.rotated_until_ms(now_ms),
            account=account.view(),
        )
