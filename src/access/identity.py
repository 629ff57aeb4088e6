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
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from typing import Generic, Literal, TypeVar

from core.ledger.document_messages import CopyRequest
from core.ledger.messages import PresentDocuments, RateLimits
from core.money.price_list import PriceList, price_list
from core.refusals import InvalidConfiguration, TenantsUnavailable
from core.roles import OPERATOR, Role
from core.telemetry import AuthOutcome
from core.tenant.credentials import KeyRecord, parse_key_record, read_credential
from core.tenant.document import InvalidDocument
from core.tenant.documents import TenantDocuments, parse_by_hand, parse_copy, read_copy
from core.tenant.policy import TenantPolicy
from core.tenant.prices.reading import PRICES
from core.tenant.provider_keys import OwnKey
from core.tenant.sign_on.claims import SignedOn
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
    sessions_behind_token: tuple[str, ...] = ()
    """As it came."""
    may_call: bool = True
    """False for a key that only administers."""
    origins: tuple[str, ...] | None = None
    """The web pages that the key is for; None for one that may be used from anywhere."""
    key_version: int | None = None
    token_number: int | None = None
    expires_at_ms: int | None = None
    token_digest: bytes = field(default=b"", repr=False)
    platform: TenantDocuments = field(default_factory=TenantDocuments)
    """What the operator has decided for all tenants; read where somebody logs in."""
    signed_on: SignedOn | None = None
    """By what somebody came who has no key."""
    opened_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The tenant's own provider keys by the texts that they are sealed in; who calls has them opened
    (`access.tenant_keys`)."""

    @property
    def actor(self) -> str:
        """Who did it, for logs."""
        return self.person or (f"key:{self.key_id}" if self.key_id is not None else "key")

    @property
    def person(self) -> str | None:
        """Who signed on without a key, such as `access:{sub}`; None for whoever came with one."""
        return None if self.signed_on is None else self.signed_on.actor

    @property
    def policy(self) -> TenantPolicy:
        return self.documents.policy

    @property
    def prices(self) -> PriceList:
        """By which all of one call is priced, whatever is written meanwhile."""
        platform, own = self.platform, self.documents
        return price_list(platform.of(PRICES), platform.version_of(PRICES), own.prices, own.version_of(PRICES))

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def owner(self) -> str:
        """Whose the sessions are that this caller opens: its team's, else its key's, else its tenant's. A person has
        opened none, and is not the tenant."""
        if self.team is not None:
            return f"team:{self.team}"
        if self.person is not None:
            return self.person
        return "tenant" if self.key_id is None else f"key:{self.key_id}"

    @property
    def rate_limits(self) -> RateLimits:
        """How often this caller may ask, by its tenant's configuration and its key."""
        return RateLimits(
            tenant_requests_per_minute=self.policy.requests_per_minute,
            key_requests_per_minute=self.key_requests_per_minute,
            key_id=self.key_id,
            tenant_tokens_per_minute=self.policy.tokens_per_minute,
        )


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs the deployment: of no tenant."""

    actor: str = OPERATOR
    role: Literal["operator"] = "operator"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Nobody we let in: why, and the key's record where the token had one, or who has signed on in vain."""

    outcome: AuthOutcome
    record: KeyRecord | SignedOn | None = None


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
) -> Caller | Operator | Stranger:
    """Whoever is behind a request. Raises `TenantsUnavailable` or `InvalidConfiguration`."""
    credential = read_credential(headers, query)
    if credential is None:
        return Stranger("missing")
    if settings.operator_digest is not None and compare_digest(settings.operator_digest, credential.token_digest):
        return Operator()  # also while KV is away: a tenant may have to be stopped just then
    record = await _record(credential.token_digest, ports, settings, cache)
    if record is None or record.disabled:
        return Stranger("unknown" if record is None else "disabled", record)
    if record.expires_at_ms is not None and record.expires_at_ms <= ports.clock.now_ms():
        return Stranger("expired", record)
    documents = await documents_of(record.tenant, ports, cache)
    if record.key_id in documents.policy.disabled_keys:
        return Stranger("disabled", record)
    return _caller_by(
        record,
        Caller(
            tenant=record.tenant,
            team=None,
            role="member",
            key_id=record.key_id,
            key_requests_per_minute=None,
            documents=documents,
            own_keys=credential.own_keys,
            sessions_behind_token=credential.sessions,
            token_digest=credential.token_digest,
        ),
    )


def learn_key(caller: Caller, text: str, *, cache: IdentityCache, now_ms: int) -> Caller:
    """The caller by the record of its key that its Ledger has, which is the truth, and which this isolate goes by until
    KV shows it or a later one."""
    record = parse_key_record(text)
    cache.records.pop(caller.token_digest, None)
    _remember(cache.records, caller.token_digest, record, cache.begin_read(), now_ms)
    return _caller_by(record, caller)


def _caller_by(record: KeyRecord, caller: Caller) -> Caller:
    return replace(
        caller,
        team=record.team,
        role=record.role,
        key_requests_per_minute=record.requests_per_minute,
        may_call=record.calls,
        origins=record.origins,
        key_version=record.version,
        token_number=record.token_number,
        expires_at_ms=record.expires_at_ms,
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
    static = _static_record(token_digest, settings)
    try:
        stored = await ports.tenants.key_record(token_digest)
    except TenantStoreUnreachable:
        return _record_without_kv(cache.record_of(token_digest), static, ports.clock.now_ms())
    known = cache.record_of(token_digest)
    if known is not None and known.read_number > read_number:
        return known.value
    record = static if stored is None else _parsed(stored)
    if known is not None and _is_older(record, known.value):
        record = known.value
    cache.records.pop(token_digest, None)
    cache.strangers.pop(token_digest, None)
    place = cache.strangers if record is None else cache.records
    _remember(place, token_digest, record, read_number, now_ms)
    return record


def _is_older(record: KeyRecord | None, known: KeyRecord | None) -> bool:
    """Has KV shown a writing of a key that another has followed already?"""
    if record is None or known is None or record.version is None or known.version is None:
        return False
    return record.key_id == known.key_id and record.version < known.version


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


def _static_record(token_digest: bytes, settings: Settings) -> KeyRecord | None:
    """Compares with every entry, so that the place of a match does not show in the time taken."""
    found = None
    for known_digest, record in settings.static_keys:
        if compare_digest(known_digest, token_digest):
            found = record
    return found


def _parsed(document: str) -> KeyRecord | None:
    """A record nobody can read names nobody."""
    try:
        return parse_key_record(document)
    except InvalidJSON:
        return None


async def documents_of(tenant: str, ports: Ports, cache: IdentityCache) -> TenantDocuments:
    """What a tenant has decided, at most `FRESH_MS` ago as KV has it. Raises `TenantsUnavailable` or
    `InvalidConfiguration`."""
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
