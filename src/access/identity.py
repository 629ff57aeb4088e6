"""Who is calling, and what that tenant has decided: KV behind a small isolate cache, the static map beside it.

A token the cache knows costs no await, and one in use is read again behind an answer before it is stale. On a miss
the KV record is read and the static map compared in full, whatever either says, so that known, unknown and disabled
tokens take the same path.

A revoked token is let in for at most `FRESH_MS` and the time KV's own cache takes (`bindings/kv.py`), 40 s together.
While KV is away a token that was good carries on for `CARRIED_ON_MS`, and so does the static map for tenants whose
documents are known here or to their Ledger: a failed read says nothing, so it is never taken for an empty document. Of
two reads the one that began later is believed, whichever ends first; of two states of a tenant's documents the later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.ledger.document_messages import CopyRequest
from core.ledger.messages import PresentDocuments, RateLimits
from core.refusals import InvalidConfiguration, TenantsUnavailable
from core.telemetry import AuthOutcome
from core.tenant.credentials import KeyRecord, Role, parse_key_record, read_credential
from core.tenant.document import InvalidDocument
from core.tenant.documents import TenantDocuments, parse_by_hand, parse_copy, read_copy
from core.tenant.policy import TenantPolicy
from core.tenant.provider_keys import OwnKey
from core.wire.json_text import InvalidJSON
from ports import LedgerUnreachable, Ports, TenantStoreUnreachable
from settings import Settings

FRESH_MS = 10_000
"""How long a record or a tenant's documents are believed without a look at KV."""
RENEWED_AFTER_MS = 5_000
"""An entry in use is read again this long after it was, so that no call waits: a token that is never idle for the rest
of `FRESH_MS` meets KV only once on a request's path."""
CARRIED_ON_MS = 4 * 3_600_000
"""How long a token that was good is believed while KV is away: longer than Cloudflare's outage of June 12, 2025 (2 h
28 min), and not for ever, because nobody can revoke it meanwhile."""

ENTRIES_MAX = 2_000
"""Per cache; the oldest goes first."""

DOCUMENTS_CHARACTERS_MAX = 4_000_000
"""Of all tenants' documents that an isolate remembers: rules, compiled, take some five times what was written."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Caller:
    """A tenant, as the token says and nothing else does, with what came along."""

    tenant: str
    team: str | None
    role: Role
    key_id: str | None
    key_requests_per_minute: int | None
    documents: TenantDocuments
    own_keys: tuple[OwnKey, ...] = ()

    @property
    def policy(self) -> TenantPolicy:
        return self.documents.policy

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def owner(self) -> str:
        """Whose the sessions are that this caller opens: its team's, else its key's, else its tenant's."""
        if self.team is not None:
            return f"team:{self.team}"
        return "tenant" if self.key_id is None else f"key:{self.key_id}"

    @property
    def rate_limits(self) -> RateLimits:
        """How often this caller may ask, by its tenant's configuration and its key."""
        return RateLimits(
            tenant_requests_per_minute=self.policy.requests_per_minute,
            key_requests_per_minute=self.key_requests_per_minute,
            key_id=self.key_id,
        )


@dataclass(frozen=True, slots=True)
class Stranger:
    """Nobody we let in: why, and the key's record where the token had one."""

    outcome: AuthOutcome
    record: KeyRecord | None = None


@dataclass(slots=True)
class Known(Generic[V]):
    """What was read at a moment, by which of all reads, and from when on it is to be read again behind an answer."""

    value: V
    read_number: int
    read_at_ms: int
    renew_at_ms: int

    def is_fresh(self, now_ms: int) -> bool:
        return now_ms < self.read_at_ms + FRESH_MS

    def take_renewal(self, now_ms: int) -> bool:
        """Is it time, for the first caller that asks? Should that renewal fail, the entry just becomes stale."""
        if now_ms < self.renew_at_ms:
            return False
        self.renew_at_ms = self.read_at_ms + FRESH_MS
        return True


@dataclass(slots=True)
class IdentityCache:
    """What this isolate remembers. Tokens that nobody knows have a place of their own, where whoever makes them up
    pushes out nobody else's."""

    records: dict[bytes, Known[KeyRecord | None]] = field(default_factory=dict)
    strangers: dict[bytes, Known[KeyRecord | None]] = field(default_factory=dict)
    documents: dict[str, Known[TenantDocuments]] = field(default_factory=dict)
    documents_characters: int = 0
    """Of all of them."""
    reads: int = 0
    """Reads of KV begun so far: time stands still while a Worker computes, so it does not order them."""

    def record_of(self, token_digest: bytes) -> Known[KeyRecord | None] | None:
        return self.records.get(token_digest) or self.strangers.get(token_digest)

    def put_documents(self, tenant: str, known: Known[TenantDocuments]) -> None:
        """Remember them, and forget the oldest of others while all are too many or too long."""
        self.drop_documents(tenant)
        self.documents_characters += known.value.characters
        while self.documents and (
            len(self.documents) >= ENTRIES_MAX or self.documents_characters > DOCUMENTS_CHARACTERS_MAX
        ):
            self.drop_documents(next(iter(self.documents)))
        self.documents[tenant] = known

    def drop_documents(self, tenant: str) -> None:
        known = self.documents.pop(tenant, None)
        self.documents_characters -= 0 if known is None else known.value.characters

    def begin_read(self) -> int:
        self.reads += 1
        return self.reads


async def identify(
    headers: Mapping[str, str], query: str, *, ports: Ports, settings: Settings, cache: IdentityCache
) -> Caller | Stranger:
    """Whoever is behind a request. Raises `TenantsUnavailable` or `InvalidConfiguration`."""
    credential = read_credential(headers, query)
    if credential is None:
        return Stranger("missing")
    record = await _record(credential.token_digest, ports, settings, cache)
    if record is None or record.disabled:
        return Stranger("unknown" if record is None else "disabled", record)
    documents = await _documents(record.tenant, ports, cache)
    if record.key_id in documents.policy.disabled_keys:
        return Stranger("disabled", record)
    return Caller(
        tenant=record.tenant,
        team=record.team,
        role=record.role,
        key_id=record.key_id,
        key_requests_per_minute=record.requests_per_minute,
        documents=documents,
        own_keys=credential.own_keys,
    )


def learn(
    tenant: str, present: PresentDocuments, *, instead_of: int | None = None, cache: IdentityCache, now_ms: int
) -> TenantDocuments:
    """Take in what the Ledger says of a tenant's documents, which is the truth; what it has refused (`instead_of`)
    goes, though its number be greater. Raises `InvalidConfiguration`."""
    read_number = cache.begin_read()
    try:
        documents = _parsed_present(present)
    except InvalidDocument as error:
        raise _unusable(error) from None
    known = cache.documents.get(tenant)
    if known is not None and known.value.number == instead_of:
        cache.drop_documents(tenant)
    return _remember_documents(tenant, documents, cache, read_number, now_ms)


async def _record(token_digest: bytes, ports: Ports, settings: Settings, cache: IdentityCache) -> KeyRecord | None:
    now_ms = ports.clock.now_ms()
    known = cache.record_of(token_digest)
    if known is None or not known.is_fresh(now_ms):
        return await _read_record(token_digest, ports, settings, cache)
    if known.value is not None and known.take_renewal(now_ms):
        ports.defer(_renew_record(token_digest, ports, settings, cache))
    return known.value


async def _renew_record(token_digest: bytes, ports: Ports, settings: Settings, cache: IdentityCache) -> None:
    try:
        await _read_record(token_digest, ports, settings, cache)
    except TenantsUnavailable:
        return  # nobody waits for it: the next call after `FRESH_MS` is told


async def _read_record(token_digest: bytes, ports: Ports, settings: Settings, cache: IdentityCache) -> KeyRecord | None:
    now_ms, read_number = ports.clock.now_ms(), cache.begin_read()
    static = _static_record(token_digest, ports, settings)
    try:
        stored = await ports.tenants.key_record(token_digest)
    except TenantStoreUnreachable:
        return _record_without_kv(cache.record_of(token_digest), static, ports.clock.now_ms())
    known = cache.record_of(token_digest)
    if known is not None and known.read_number > read_number:
        return known.value
    record = static if stored is None else _parsed(stored)
    cache.records.pop(token_digest, None)
    cache.strangers.pop(token_digest, None)
    place = cache.strangers if record is None else cache.records
    _remember(place, token_digest, record, read_number, now_ms)
    return record


def _record_without_kv(
    known: Known[KeyRecord | None] | None, static: KeyRecord | None, now_ms: int
) -> KeyRecord | None:
    """What may be believed while KV is away: once disabled is disabled, whatever the static map says."""
    last = None if known is None else known.value
    if last is not None and known is not None and (last.disabled or now_ms < known.read_at_ms + CARRIED_ON_MS):
        return last
    if static is None:
        raise TenantsUnavailable("tokens cannot be checked just now", retry_after_ms=2_000) from None
    return static


def _static_record(token_digest: bytes, ports: Ports, settings: Settings) -> KeyRecord | None:
    """Compares with every entry, so that the place of a match does not show in the time taken."""
    found = None
    for known_digest, record in settings.static_keys:
        if ports.digests_equal(known_digest, token_digest):
            found = record
    return found


def _parsed(document: str) -> KeyRecord | None:
    """A record nobody can read names nobody."""
    try:
        return parse_key_record(document)
    except InvalidJSON:
        return None


async def _documents(tenant: str, ports: Ports, cache: IdentityCache) -> TenantDocuments:
    now_ms = ports.clock.now_ms()
    known = cache.documents.get(tenant)
    if known is None or not known.is_fresh(now_ms):
        return await _read_documents(tenant, ports, cache)
    if known.take_renewal(now_ms):
        ports.defer(_renew_documents(tenant, ports, cache))
    return known.value


async def _renew_documents(tenant: str, ports: Ports, cache: IdentityCache) -> None:
    try:
        await _read_documents(tenant, ports, cache)
    except (TenantsUnavailable, InvalidConfiguration):
        return  # the entry was pushed out meanwhile: the next call reads it, and is told


async def _read_documents(tenant: str, ports: Ports, cache: IdentityCache) -> TenantDocuments:
    """The documents as stored now. Where that cannot be told, the last good ones hold, or nothing does: neither a read
    that fails nor a document that does not parse may widen what is allowed."""
    now_ms, read_number = ports.clock.now_ms(), cache.begin_read()
    try:
        documents = await _stored_documents(tenant, ports, cache)
    except TenantStoreUnreachable:
        known = cache.documents.get(tenant)
        if known is not None:
            return known.value
        documents = await _documents_of_ledger(tenant, ports)
    except InvalidDocument as error:
        known = cache.documents.get(tenant)
        if known is not None:
            return known.value
        documents = await _documents_instead(tenant, ports, error)
    return _remember_documents(tenant, documents, cache, read_number, now_ms)


async def _stored_documents(tenant: str, ports: Ports, cache: IdentityCache) -> TenantDocuments:
    """What KV has: a copy of the Ledger's, which is read only if it says something new, or a configuration written by
    hand, which the Ledger takes in if it can be reached. Raises `TenantStoreUnreachable` or `InvalidDocument`."""
    text = await ports.tenants.config(tenant)
    if text is None:
        return TenantDocuments()
    copy = read_copy(text)
    if copy is not None:
        known = cache.documents.get(tenant)
        return known.value if known is not None and known.value.digest == copy.digest else parse_copy(copy)
    by_hand = parse_by_hand(text)
    try:
        return _parsed_present(await ports.ledger_of(tenant).tell(CopyRequest(found=text)))
    except LedgerUnreachable:
        return by_hand


async def _documents_of_ledger(tenant: str, ports: Ports) -> TenantDocuments:
    """What the Ledger has while KV is away. One that has none says nothing: a configuration may lie in KV, by hand."""
    try:
        documents = _parsed_present(await ports.ledger_of(tenant).tell(CopyRequest()))
    except LedgerUnreachable:
        documents = TenantDocuments()
    except InvalidDocument as error:
        raise _unusable(error) from None
    if documents.number == 0:
        raise TenantsUnavailable("this tenant's configuration cannot be read just now", retry_after_ms=2_000)
    return documents


async def _documents_instead(tenant: str, ports: Ports, error: InvalidDocument) -> TenantDocuments:
    """What the Ledger has, where KV's text cannot be used. Raises `InvalidConfiguration` where it has none."""
    try:
        return await _documents_of_ledger(tenant, ports)
    except TenantsUnavailable:
        raise _unusable(error) from None


def _remember_documents(
    tenant: str, documents: TenantDocuments, cache: IdentityCache, read_number: int, now_ms: int
) -> TenantDocuments:
    """What holds from now on: KV may show an older state than this isolate has been told of."""
    known = cache.documents.get(tenant)
    if known is not None and known.read_number > read_number:
        return known.value
    if known is not None and known.value.number > documents.number:
        documents = known.value
    cache.put_documents(tenant, Known(documents, read_number, now_ms, now_ms + RENEWED_AFTER_MS))
    return documents


def _parsed_present(present: PresentDocuments) -> TenantDocuments:
    """Raises `InvalidDocument`."""
    copy = read_copy(present.text)
    return TenantDocuments() if copy is None else parse_copy(copy)


def _unusable(error: InvalidDocument) -> InvalidConfiguration:
    return InvalidConfiguration(f"the configuration of this tenant cannot be used: {error}")


def _remember(entries: dict[K, Known[V]], key: K, value: V, read_number: int, now_ms: int) -> None:
    entries.pop(key, None)
    if len(entries) >= ENTRIES_MAX:
        del entries[next(iter(entries))]
    entries[key] = Known(value, read_number, now_ms, now_ms + RENEWED_AFTER_MS)
