"""What the operator has decided for all tenants, which lies beside theirs in KV and in the same cache.

A copy is read again behind an answer before it is stale, so what is written reaches every isolate within `FRESH_MS` and
the time KV's own cache takes (`bindings/kv.py`), 40 s together. The rule easy to break: nobody's call fails for it and
none asks the platform's Ledger, which is one for all tenants: what cannot be read is as it was last, or nothing.
"""

from access.identity import RENEWED_AFTER_MS, IdentityCache, Known
from core.roles import PLATFORM
from core.tenant.document import InvalidDocument
from core.tenant.documents import TenantDocuments, parse_copy, read_copy
from ports import Ports, TenantStoreUnreachable


async def platform_documents(ports: Ports, cache: IdentityCache) -> TenantDocuments:
    """The operator's documents as they are known here."""
    now_ms = ports.clock.now_ms()
    known = cache.documents.get(PLATFORM)
    if known is None or not known.is_fresh(now_ms):
        return await _read(ports, cache)
    if known.take_renewal(now_ms):
        ports.defer(_renew(ports, cache))
    return known.value


async def _renew(ports: Ports, cache: IdentityCache) -> None:
    await _read(ports, cache)


async def _read(ports: Ports, cache: IdentityCache) -> TenantDocuments:
    """A read that fails is remembered like one that does not: not every call is to wait for it."""
    now_ms, read_number = ports.clock.now_ms(), cache.begin_read()
    found = await _stored(ports)
    known = cache.documents.get(PLATFORM)
    if known is not None and known.read_number > read_number:
        return known.value
    if known is not None and (found is None or found.number < known.value.number):
        found = known.value
    documents = found or TenantDocuments()
    cache.put_documents(PLATFORM, Known(documents, read_number, now_ms, now_ms + RENEWED_AFTER_MS))
    return documents


async def _stored(ports: Ports) -> TenantDocuments | None:
    """What KV has; None where there is nothing that can be used."""
    try:
        copy = read_copy(await ports.tenants.config(PLATFORM) or "")
        return None if copy is None else parse_copy(copy)
    except (TenantStoreUnreachable, InvalidDocument):
        return None
