"""What a provider is asked, but for the body: whose key it is shown, where it is, which headers and query pass."""

from access.identity import Caller
from core.providers import PROVIDERS
from core.refusals import ProviderKeyMissing
from core.routing.forwarding import upstream_headers, upstream_query
from core.tenant.provider_keys import KeyToShow, own_key_for
from exchange import Exchange
from ports import UpstreamRequest
from settings import Settings


def provider_key(caller: Caller, provider: str, settings: Settings, *, is_in_path: bool) -> KeyToShow:
    """The key to show a provider: the caller's own for it, or the Worker's."""
    own = own_key_for(caller.own_keys, provider, is_in_path=is_in_path)
    if own is not None:
        return own
    key = settings.provider_keys.get(provider)
    if key is None:
        raise ProviderKeyMissing(
            f"no key for {provider}: send your own behind the token (aw_live_…:{provider}=your-key) or set "
            f"the secret {PROVIDERS[provider].secret_name}"
        )
    return KeyToShow(key, is_own=False)


def upstream_request(exchange: Exchange, name: str, path: str, key: KeyToShow, *, is_metered: bool) -> UpstreamRequest:
    """What the provider is asked, but for the body."""
    settings, provider = exchange.isolate.settings, PROVIDERS[name]
    query = upstream_query(exchange.request.query, provider, path=path, is_metered=is_metered)
    headers = upstream_headers(
        exchange.request.headers, provider, path=path, is_metered=is_metered, key=key, also=settings.passed_headers
    )
    return UpstreamRequest(
        method=exchange.request.method,
        url=f"{settings.base_urls[name]}/{path}" + (f"?{query}" if query else ""),
        headers=headers,
        body=None,
        first_byte_timeout_ms=settings.first_byte_timeout_ms,
    )
