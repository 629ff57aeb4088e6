"""Which headers travel: to the provider, and back to the caller.

Towards the provider everything passes but what is ours, what belongs to one connection, what would tell the
provider about the caller's network, and every place where a key may stand; then the provider's key is put where
that provider wants it. Whatever could make a provider see another method or path than the one that was judged is
dropped, in headers and in the query: it would make a free GET into a call that costs money.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from core.credentials import TOKEN_HEADERS, is_token
from core.providers import Provider

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
_NEVER_UPSTREAM = _HOP_BY_HOP | frozenset(
    ("host", "content-length", "accept-encoding", "cookie", "forwarded", "via", "x-real-ip", "true-client-ip",
     "cdn-loop", "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
     "expect", *TOKEN_HEADERS)
)  # fmt: skip
_NEVER_UPSTREAM_PREFIXES = (
    "x-agentwatch-",
    "cf-",
    "x-forwarded-",
    "helicone-",
    "x-litellm-",
    "sec-",
)
_OVERRIDES = re.compile(r"_method|x?-?http-?method.*|method-?override|\$http.*|\$req|\$ct", re.IGNORECASE)
"""Query parameters by which frameworks, and Google's front end (`$httpMethod`, `$httpHeaders`, `$req`), take another
method, other headers or a body from the address."""

_NEVER_DOWNSTREAM = _HOP_BY_HOP | frozenset(
    ("content-length", "content-encoding", "set-cookie", "alt-svc", "cf-ray", "cf-cache-status", "server", "nel",
     "report-to", "strict-transport-security")
)  # fmt: skip


def upstream_headers(
    headers: Mapping[str, str], provider: Provider, *, path: str, key: str, key_header: str | None
) -> dict[str, str]:
    """The caller's headers as the provider may see them, with the provider's key in its place.

    `key_header` is where a caller's own key came in: an OAuth token stays in `authorization`.
    """
    kept = {
        name: value
        for name, value in headers.items()
        if name not in _NEVER_UPSTREAM and not name.startswith(_NEVER_UPSTREAM_PREFIXES)
    }
    place = provider.key_place
    if path.endswith("chat/completions") or "/openai/" in path or key_header == "authorization":
        place = "authorization"
    kept[place] = f"Bearer {key}" if place == "authorization" else key
    return kept


def upstream_query(query: str) -> str:
    """The caller's query, byte for byte, without any parameter that holds a token of ours (`?key=aw_live_…`) or would
    override what the request is."""
    return "&".join(part for part in query.split("&") if _travels(part))


def _travels(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return not is_token(unquote(value)) and _OVERRIDES.fullmatch(unquote(name).strip()) is None


def downstream_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The provider's headers as the caller may see them."""
    return {name: value for name, value in headers.items() if name not in _NEVER_DOWNSTREAM}
