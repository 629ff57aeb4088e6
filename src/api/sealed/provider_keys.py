"""A tenant's own keys of providers: set, listed by their last four characters, taken away. A key goes in and never
comes out again, but to its provider.
"""

from collections.abc import Mapping

import msgspec

from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.sealed.rewriting import present, rewritten, sealed_for
from core.providers import PROVIDERS
from core.refusals import InvalidRequest, NotFound
from core.tenant.sealed.form import sealed_with
from core.tenant.sealed.provider_keys import (
    PROVIDER_KEYS,
    PlainKey,
    ProviderKeysDocument,
    SealedKey,
    key_fault,
    purpose_of,
)
from exchange import Answer, json_answer


class ProviderKeyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: PlainKey

    def __repr__(self) -> str:
        return "ProviderKeyBody(key=…)"


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that the tenant has for a provider. Moments in UTC milliseconds."""

    provider: str
    last_four: str
    set_at: int
    set_by: str
    sealed_with: str | None
    """The id of the deployment's key (`KEY_ENCRYPTION_KEY`) that it is sealed with."""


class ProviderKeyList(msgspec.Struct, frozen=True):
    data: list[ProviderKey]
    next: str | None = None
    """There are never more than one page of them."""


async def list_provider_keys(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Those that are set."""
    document, _ = await present(PROVIDER_KEYS, request)
    return json_answer(_listed(document))


async def set_provider_key(request: ApiRequest[Nothing, ProviderKeyBody]) -> Answer:
    """Calls of the tenant are made with it from now on."""
    provider, key = _provider(request.path), request.body.key
    fault = key_fault(key, provider)
    if fault is not None:
        raise InvalidRequest(f"key {fault}", param="key")
    entry = SealedKey(
        sealed=await sealed_for(request, key, purpose_of(provider)),
        last_four=key[-4:],
        set_at=request.exchange.started_at_ms,
        set_by=request.caller.actor,
    )

    async def change(document: ProviderKeysDocument) -> ProviderKeysDocument:
        return ProviderKeysDocument(keys={**document.keys, provider: entry})

    await rewritten(PROVIDER_KEYS, request, change)
    return json_answer(_shown(provider, entry))


async def delete_provider_key(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Calls are made with the Worker's key again, where it has one. The answer is what is left."""
    provider = _provider(request.path)

    async def change(document: ProviderKeysDocument) -> ProviderKeysDocument:
        return ProviderKeysDocument(keys={name: key for name, key in document.keys.items() if name != provider})

    return json_answer(_listed(await rewritten(PROVIDER_KEYS, request, change)))


def _provider(path: Mapping[str, str]) -> str:
    provider = path["provider"]
    if provider not in PROVIDERS:
        raise NotFound(f"there is no such provider; there are {', '.join(PROVIDERS)}", param="provider")
    return provider


def _listed(document: ProviderKeysDocument) -> ProviderKeyList:
    return ProviderKeyList([_shown(provider, key) for provider, key in sorted(document.keys.items())])


def _shown(provider: str, key: SealedKey) -> ProviderKey:
    return ProviderKey(
        provider=provider,
        last_four=key.last_four,
        set_at=key.set_at,
        set_by=key.set_by,
        sealed_with=sealed_with(key.sealed),
    )


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/provider-keys", list_provider_keys, "The tenant's own keys of providers, by their last characters",
        ProviderKeyList, audience="admin", is_administration=True,
    ),
    Endpoint(
        "PUT", "/v1/provider-keys/{provider}", set_provider_key, "Set the tenant's own key of a provider", ProviderKey,
        audience="admin", body=ProviderKeyBody, is_administration=True,
        refuses=(NotFound,),
    ),
    Endpoint(
        "DELETE", "/v1/provider-keys/{provider}", delete_provider_key, "Forget it", ProviderKeyList,
        audience="admin", is_administration=True, refuses=(NotFound,),
    ),
)  # fmt: skip
