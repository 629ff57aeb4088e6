"""Tenant data in Workers KV: key records, copies of tenants' documents, session mirrors."""

from typing import Any

from bindings.deadlines import KV_MS, within
from bindings.ffi import JS_FAULTS, object_to_js, text_or_none
from core.ledger.mirror import SessionMirror, mirror_key, read_mirror
from ports import TenantStoreUnreachable

CACHE_TTL_S = 30
"""How long the data centre may answer from its own cache: the least KV takes. It is part of what a revoked token has
left (`access/identity.py`)."""


class KvTenantStore:
    """`TenantStore` over a KV namespace."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def key_record(self, token_digest: bytes) -> str | None:
        return await self._get(f"key:{token_digest.hex()}")

    async def config(self, tenant: str) -> str | None:
        return await self._get(f"t:{tenant}:config")

    async def session_mirror(self, tenant: str, session_id: str) -> SessionMirror | None:
        return read_mirror(await self._get(mirror_key(tenant, session_id)))

    async def _get(self, key: str) -> str | None:
        try:
            options = object_to_js({"type": "text", "cacheTtl": CACHE_TTL_S})
            return text_or_none(await within(KV_MS, self._namespace, "get", key, options))
        except JS_FAULTS as fault:
            raise TenantStoreUnreachable from fault
