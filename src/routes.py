"""Which requests are passed on to a provider, and which of its calls they are. Everything else is a route of our own
(`api.table`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.providers import PROVIDERS
from core.refusals import MethodNotAllowed, RouteNotFound
from core.routing.paths import Billing, DialectName, UpstreamPath, dialect_of_errors, is_base_url, resolve_upstream_path

_PROXY_ROOT = "/v1/proxy/"
_DOUBLED = re.compile(r"(?:/v1)+(?=/v1/)")


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """A provider's own API, or (`provider` None) the unified endpoint whose `model` names the provider."""

    provider: str | None
    upstream: UpstreamPath


_UNIFIED_PATHS: tuple[tuple[str, Billing, DialectName], ...] = (
    ("chat/completions", "metered", "openai_chat"),
    ("responses", "metered", "openai_responses"),
    ("responses/compact", "metered", "openai_compaction"),
    ("messages", "metered", "anthropic_messages"),
    ("embeddings", "metered", "openai_embeddings"),
    ("completions", "metered", "openai_completions"),
    ("messages/count_tokens", "free", "anthropic_messages"),
)

UNIFIED = {
    f"/v1/{path}": ProxyRoute(None, UpstreamPath(path, billing, dialect)) for path, billing, dialect in _UNIFIED_PATHS
}
"""Every dialect over all providers: whom a call asks is for its model to say."""


def proxy_route(method: str, path: str) -> ProxyRoute | None:
    """Where a request is passed on to; None for one of our own routes. Raises `RouteNotFound` or `MethodNotAllowed`."""
    path = undoubled(path)
    if path.startswith(_PROXY_ROOT):
        return _of_provider(method, path[len(_PROXY_ROOT) :])
    unified = UNIFIED.get(path.rstrip("/"))
    if unified is not None and method != "POST":
        raise not_allowed(method, ["POST"])
    return unified


def errors_in(path: str) -> DialectName:
    """The dialect a caller of this path expects errors in, before anything else is known of the request."""
    path = undoubled(path)
    if not path.startswith(_PROXY_ROOT):
        is_messages = f"{path}/".startswith("/v1/messages/")
        return "anthropic_messages" if is_messages else "openai_chat"
    provider, _, rest = path[len(_PROXY_ROOT) :].partition("/")
    return dialect_of_errors(provider, rest)


def undoubled(path: str) -> str:
    """The path without the second version of a client that writes one behind a base URL that ends with it."""
    found = _DOUBLED.match(path)
    return path if found is None else path[found.end() :]


def check_provider(name: str) -> None:
    """Raises `RouteNotFound`."""
    if name not in PROVIDERS:
        raise RouteNotFound(f"there is no provider {name[:40]!r}; known are {', '.join(PROVIDERS)}", param="provider")


def not_allowed(method: str, methods: Sequence[str]) -> MethodNotAllowed:
    """The 405 of a route that takes other methods; a GET can be asked as a HEAD, too."""
    allowed = ", ".join(name for each in methods for name in ((each, "HEAD") if each == "GET" else (each,)))
    return MethodNotAllowed(f"this route takes {allowed}, not {method[:20]}", details={"allow": allowed})


def _of_provider(method: str, path: str) -> ProxyRoute | None:
    """None for a base URL itself, which a route of our own tells what to do with; a POST there is a chat completion."""
    provider, _, rest = path.partition("/")
    check_provider(provider)
    if method != "POST" and is_base_url(provider, rest):
        if method in ("PUT", "PATCH", "DELETE"):
            raise not_allowed(method, ["GET", "POST"])
        return None
    return ProxyRoute(provider, resolve_upstream_path(provider, rest, method))
