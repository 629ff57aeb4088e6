"""Who is calling, and what that tenant's policy is: KV behind a small isolate cache, the static map beside it.

A token the cache knows costs no await, and one in use is read again behind an answer before it is stale. On a miss
the KV record is read and the static map compared in full, whatever either says, so that known, unknown and disabled
tokens take the same path.

A revoked token is let in for at most `FRESH_MS` and the time KV's own cache takes (`bindings/kv.py`), 40 s together.
While KV is away a token that was good carries on for `CARRIED_ON_MS`, and so does the static map for tenants whose
policy is known: a failed read says nothing, so it is never taken for an empty document. Of two reads the one that
began later is believed, whichever ends first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.ledger.messages import RateLimits
from core.refusals import InvalidConfiguration, TenantsUnavailable
from core.telemetry import AuthOutcome
from core.tenant.credentials import KeyRecord, Role, parse_key_record, read_credential
from core.tenant.policy import DEFAULT_POLICY, InvalidPolicy, TenantPolicy, parse_policy
from core.tenant.provider_keys import OwnKey
from core.wire.json_text import InvalidJSON
from ports import Ports, TenantStoreUnreachable
from settings import Settings

FRESH_MS = 10_000
"""How long a record or policy is believed without a look at KV."""
RENEWED_AFTER_MS = 5_000
"""An entry in use is read again this long after it was, so that no call waits: a token that is never idle for the rest
of `FRESH_MS` meets KV only once on a request's path."""
CARRIED_ON_MS = 4 * 3_600_000
"""How long a token that was good is believed while KV is away: longer than Cloudflare's outage of June 12, 2025 (2 h
28 min), and not for ever, because nobody can revoke it meanwhile."""

ENTRIES_MAX = 2_000
"""Per cache; the oldest goes first."""

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
    policy: TenantPolicy
    own_keys: tuple[OwnKey, ...] = ()

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
    policies: dict[str, Known[TenantPolicy]] = field(default_factory=dict)
    reads: int = 0
    """Reads of KV begun so far: time stands still while a Worker computes, so it does not order them."""

    def record_of(self, token_digest: bytes) -> Known[KeyRecord | None] | None:
        return self.records.get(token_digest) or self.strangers.get(token_digest)

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
    return Caller(
        tenant=record.tenant,
        team=record.team,
        role=record.role,
        key_id=record.key_id,
        key_requests_per_minute=record.requests_per_minute,
        policy=await _policy(record.tenant, ports, cache),
        own_keys=credential.own_keys,
    )


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


async def _policy(tenant: str, ports: Ports, cache: IdentityCache) -> TenantPolicy:
    now_ms = ports.clock.now_ms()
    known = cache.policies.get(tenant)
    if known is None or not known.is_fresh(now_ms):
        return await _read_policy(tenant, ports, cache)
    if known.take_renewal(now_ms):
        ports.defer(_renew_policy(tenant, ports, cache))
    return known.value


async def _renew_policy(tenant: str, ports: Ports, cache: IdentityCache) -> None:
    try:
        await _read_policy(tenant, ports, cache)
    except (TenantsUnavailable, InvalidConfiguration):
        return  # the entry was pushed out meanwhile: the next call reads it, and is told


async def _read_policy(tenant: str, ports: Ports, cache: IdentityCache) -> TenantPolicy:
    """The policy as stored now. Where that cannot be told, the last good one holds, or nothing does: neither a read
    that fails nor a document that does not parse may widen what is allowed."""
    now_ms, read_number = ports.clock.now_ms(), cache.begin_read()
    try:
        document = await ports.tenants.config(tenant)
        policy = DEFAULT_POLICY if document is None else parse_policy(document)
    except TenantStoreUnreachable:
        known = cache.policies.get(tenant)
        if known is None:
            words = "this tenant's configuration cannot be read just now"
            raise TenantsUnavailable(words, retry_after_ms=2_000) from None
        return known.value
    except InvalidPolicy as error:
        known = cache.policies.get(tenant)
        if known is None:
            raise InvalidConfiguration(f"the configuration of this tenant cannot be used: {error}") from None
        return known.value
    known = cache.policies.get(tenant)
    if known is not None and known.read_number > read_number:
        return known.value
    _remember(cache.policies, tenant, policy, read_number, now_ms)
    return policy


def _remember(entries: dict[K, Known[V]], key: K, value: V, read_number: int, now_ms: int) -> None:
    entries.pop(key, None)
    if len(entries) >= ENTRIES_MAX:
        del entries[next(iter(entries))]
    entries[key] = Known(value, read_number, now_ms, now_ms + RENEWED_AFTER_MS)
