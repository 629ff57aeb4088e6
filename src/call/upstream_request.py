"""What a provider is asked, but for the body: whose key it is shown, where it is, which headers and query pass."""

import hashlib

from access.identity import Caller
from core.call.plan import CallPlan
from core.ledger.health.targets import Target
from core.providers import PROVIDERS
from core.refusals import InvalidConfiguration, ProviderKeyMissing
from core.routing.forwarding import headers_of_ours, upstream_headers, upstream_query
from core.tenant.provider_keys import KeyToShow, own_key_for, own_key_of
from core.tenant.sealed.provider_keys import PROVIDER_KEYS
from core.wire.steps.digests import digest_key
from exchange import Exchange
from ports import UpstreamRequest
from routes import ProxyRoute
from settings import Settings

ACCOUNT_DIGEST_BYTES = 8


def key_to_show(
    route: ProxyRoute, caller: Caller, provider: str, settings: Settings, *, asked_provider: str
) -> KeyToShow:
    """The key to show a provider: the caller's own for it, else its tenant's, else the Worker's. A key that may be
    anybody's is shown to the provider that the caller has asked, and to no other."""
    if provider == asked_provider:
        return provider_key(caller, provider, settings, is_in_path=route.provider is not None)
    own = own_key_of(caller.own_keys, provider)
    return own or _key_of_tenant(caller, provider) or _key_of_worker(provider, settings)


def provider_key(caller: Caller, provider: str, settings: Settings, *, is_in_path: bool) -> KeyToShow:
    """The key to show the provider that the caller has asked."""
    own = own_key_for(caller.own_keys, provider, is_in_path=is_in_path)
    return own or _key_of_tenant(caller, provider) or _key_of_worker(provider, settings)


def target_of(exchange: Exchange, caller: Caller, plan: CallPlan, key: KeyToShow) -> Target:
    """Whom a call asks, as its tenant's Ledger knows it. An account is told from others by its key's digest; the place
    is the data centre from which this request goes out, since providers refuse some countries."""
    secret = digest_key(exchange.isolate.settings.secrets, caller.tenant)
    digest = hashlib.blake2b(key.value.encode(), key=secret[:64], digest_size=ACCOUNT_DIGEST_BYTES).hexdigest()
    place = exchange.request.headers.get("cf-ray", "").rpartition("-")[2]
    return Target(provider=plan.provider, account=digest, model=plan.parsed.model[:128], place=place[:8])


def upstream_request(
    exchange: Exchange,
    name: str,
    path: str,
    key: KeyToShow,
    *,
    is_metered: bool,
    is_translated: bool = False,
    is_first: bool = True,
) -> UpstreamRequest:
    """What the provider is asked, but for the body. A call that is said in another dialect has headers of our own: what
    its caller sent was for another provider. Only the first attempt is the call that an idempotency key names."""
    settings, provider = exchange.isolate.settings, PROVIDERS[name]
    given = exchange.request.headers
    if not is_first:
        given = {header: value for header, value in given.items() if header != "idempotency-key"}
    if is_translated:
        has_gateway = settings.base_urls[name] != provider.base_url
        also = settings.passed_headers if has_gateway else frozenset()
        query, headers = "", headers_of_ours(given, provider, path=path, key=key, also=also)
    else:
        query = upstream_query(exchange.request.query, provider, path=path, is_metered=is_metered)
        headers = upstream_headers(
            given, provider, path=path, is_metered=is_metered, key=key, also=settings.passed_headers
        )
    return UpstreamRequest(
        method=exchange.request.method,
        url=f"{settings.base_urls[name]}/{path}" + (f"?{query}" if query else ""),
        headers=headers,
        body=None,
        first_byte_timeout_ms=settings.first_byte_timeout_ms,
    )


def _key_of_tenant(caller: Caller, provider: str) -> KeyToShow | None:
    """The tenant's key, which is never replaced by the Worker's where it has one."""
    key = caller.documents.of(PROVIDER_KEYS).keys.get(provider)
    if key is None:
        return None
    plain = caller.opened_keys.get(key.sealed)
    if plain is None:
        raise InvalidConfiguration(
            f"this tenant's own key for {provider} cannot be opened: an administrator can set it again "
            f"(PUT /v1/provider-keys/{provider}), or the operator bring back the key that it is sealed with",
            details={"provider": provider},
        )
    return KeyToShow(plain, "tenant")


def _key_of_worker(provider: str, settings: Settings) -> KeyToShow:
    key = settings.provider_keys.get(provider)
    if key is None:
        raise ProviderKeyMissing(
            f"no key for {provider}: send your own behind the token (aw_live_…:{provider}=your-key) or set "
            f"the secret {PROVIDERS[provider].secret_name}"
        )
    return KeyToShow(key, "worker")
