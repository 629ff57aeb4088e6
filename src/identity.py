"""Who is calling, and what that tenant's policy is: KV behind a small isolate cache, the static map beside it.

A token the cache knows costs no await. On a miss the KV record is read and the static map compared in full, whatever
either says, so that known, unknown and disabled tokens take the same path. While KV is away, stale entries and the
static map carry on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from core.credentials import KeyRecord, Role, parse_key_record, read_credential
from core.policy import DEFAULT_POLICY, InvalidPolicy, TenantPolicy, parse_policy
from core.refusals import TenantsUnavailable
from core.telemetry import AuthOutcome
from ports import Ports, TenantStoreUnreachable
from settings import Settings

FRESH_MS = 30_000
"""How long a record or policy is believed without a look at KV (which itself may be 60 s late)."""
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
    provider_key: str | None = field(repr=False)
    provider_key_header: str | None

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Nobody we let in: why, and the key's record where the token had one."""

    outcome: AuthOutcome
    record: KeyRecord | None = None


@dataclass(slots=True)
class IdentityCache:
    """What this isolate remembers: value and the moment until which it is fresh."""

    records: dict[bytes, tuple[KeyRecord | None, int]] = field(default_factory=dict)
    policies: dict[str, tuple[TenantPolicy, int]] = field(default_factory=dict)


async def identify(
    headers: Mapping[str, str], *, ports: Ports, settings: Settings, cache: IdentityCache
) -> Caller | Stranger:
    """Whoever is behind a request. Raises `TenantsUnavailable`."""
    credential = read_credential(headers)
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
        provider_key=credential.provider_key,
        provider_key_header=credential.provider_key_header,
    )


async def _record(token_digest: bytes, ports: Ports, settings: Settings, cache: IdentityCache) -> KeyRecord | None:
    now_ms = ports.clock.now_ms()
    cached = cache.records.get(token_digest)
    if cached is not None and now_ms < cached[1]:
        return cached[0]
    static = _static_record(token_digest, ports, settings)
    try:
        stored = await ports.tenants.key_record(token_digest)
    except TenantStoreUnreachable:
        known = static or (cached[0] if cached is not None else None)
        if known is None:
            raise TenantsUnavailable("tokens cannot be checked just now", retry_after_ms=2_000) from None
        return known
    record = static if stored is None else _parsed(stored)
    _remember(cache.records, token_digest, (record, now_ms + FRESH_MS))
    return record


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
    except msgspec.DecodeError:
        return None


async def _policy(tenant: str, ports: Ports, cache: IdentityCache) -> TenantPolicy:
    now_ms = ports.clock.now_ms()
    cached = cache.policies.get(tenant)
    if cached is not None and now_ms < cached[1]:
        return cached[0]
    try:
        document = await ports.tenants.config(tenant)
        policy = DEFAULT_POLICY if document is None else parse_policy(document)
    except (TenantStoreUnreachable, InvalidPolicy):
        # A document that no longer parses must not widen what was allowed: the last good one holds.
        return DEFAULT_POLICY if cached is None else cached[0]
    _remember(cache.policies, tenant, (policy, now_ms + FRESH_MS))
    return policy


def _remember(entries: dict[K, V], key: K, value: V) -> None:
    entries.pop(key, None)
    if len(entries) >= ENTRIES_MAX:
        del entries[next(iter(entries))]
    entries[key] = value
