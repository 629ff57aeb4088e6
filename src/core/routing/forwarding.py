"""Which headers and query parameters travel: to the provider, and back to the caller.

On a metered path only what is listed passes: what the meter reads must not be the caller's choice, and a parameter
nobody thought of may mask the usage out of an answer (`fields` at Google) or write it otherwise (`$alt`). On a free
path everything passes but what is ours, what belongs to one connection or to the caller's network, and what could
make a provider see another method or path than was judged. A key is put where the provider wants it, and nothing
that chooses who pays travels beside a key that tenants share.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, unquote_plus

from core.providers import Provider
from core.routing.anthropic_betas import judged_betas
from core.tenant.credentials import TOKEN_HEADERS, has_token
from core.tenant.provider_keys import KeyToShow

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
_NEVER_UPSTREAM = _HOP_BY_HOP | frozenset(
    ("host", "content-length", "content-encoding", "accept-encoding", "cookie", "forwarded", "via", "x-real-ip",
     "x-client-ip", "x-cluster-client-ip", "true-client-ip", "fastly-client-ip", "cdn-loop", "range", "prefer",
     "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "expect",
     "origin", "referer", *TOKEN_HEADERS)
)  # fmt: skip
_NEVER_UPSTREAM_PREFIXES = ("x-agentwatch-", "cf-", "x-forwarded-", "helicone-", "x-litellm-", "sec-", "if-")

_CHOOSE_THE_PAYER = frozenset(
    ("openai-organization", "openai-project", "x-goog-user-project", "anthropic-workspace-id",
     "anthropic-organization-id", "anthropic-user-profile-id", "idempotency-key")
)  # fmt: skip
"""Travel with the caller's own key only. An idempotency key among them: of one account, another tenant's answer could
be asked for by it."""

_METERED_HEADERS: dict[str, frozenset[str]] = {
    "openai": frozenset(("openai-organization", "openai-project", "x-client-request-id")),
    "anthropic": frozenset(
        ("anthropic-version", "anthropic-dangerous-direct-browser-access", "anthropic-workspace-id",
         "anthropic-organization-id", "anthropic-user-profile-id", "x-app")
    ),
    "gemini": frozenset(("x-goog-api-client", "x-goog-user-project", "x-server-timeout")),
    "groq": frozenset(),
    "xai": frozenset(("x-grok-conv-id", "anthropic-version")),
}  # fmt: skip
"""What the official clients send beyond what every client does, and none of it changes what an answer contains.
`openai-beta` is for other paths than the metered ones; `anthropic-beta` is judged value by value."""

ANTHROPIC_VERSION = "2023-06-01"
"""The only one there is (August 2026), and Anthropic insists on hearing it."""

_METERED_HEADERS_OF_ALL = frozenset(("user-agent", "idempotency-key"))
_METERED_PREFIX_OF_ALL = "x-stainless-"

_HEADER_NAME = re.compile(r"[a-z0-9-]+")

_METERED_PARAMETERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "anthropic": (("messages", "beta", "true"),),
    "gemini": ((":streamGenerateContent", "alt", "sse"), (":streamGenerateContent", "alt", "json")),
}
"""End of the path, name, value. Anthropic's client marks its beta calls; Google streams events or one array, and the
relay reads both."""

_NEVER_IN_QUERY = re.compile(
    r"_method|x?-?http-?method.*|method-?override|\$http.*|\$req|\$ct|key|access_token|oauth_token|api_key|\$userProject"
    r"|x-agentwatch-.*",
    re.IGNORECASE | re.DOTALL,
)
"""Query parameters by which frameworks, and Google's front end (`$httpMethod`, `$httpHeaders`, `$req`), take another
method, other headers or a body from the address, those that name another key or payer than the headers do, and ours."""

_SAME_EVERYWHERE = frozenset(("retry-after", "retry-after-ms", "x-should-retry"))
_REQUEST_IDS = ("x-request-id", "request-id")
"""What OpenAI and others, and Anthropic, call their own id of a request."""

_NEVER_DOWNSTREAM = _HOP_BY_HOP | frozenset(
    ("content-length", "content-encoding", "set-cookie", "alt-svc", "cf-ray", "cf-cache-status", "server", "nel",
     "report-to", "strict-transport-security")
)  # fmt: skip

_OF_WEB_PAGES = "access-control-"
"""Which pages may read an answer is the tenant's to say (`core.tenant.cors`), and providers let all of them."""


def upstream_headers(
    headers: Mapping[str, str],
    provider: Provider,
    *,
    path: str,
    is_metered: bool,
    key: KeyToShow,
    also: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """The caller's headers as the provider may see them, with the provider's key in its place.

    `also` are names the operator lets pass on metered paths, for gateways of its own.
    """
    kept = _metered_headers(headers, provider.name, also) if is_metered else _free_headers(headers)
    if not key.is_own:
        kept = {name: value for name, value in kept.items() if name not in _CHOOSE_THE_PAYER}
    return _with_key(kept, provider, path=path, key=key)


def headers_of_ours(
    headers: Mapping[str, str],
    provider: Provider,
    *,
    path: str,
    key: KeyToShow,
    also: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """The headers of a request that its caller has not written as it is sent: nothing of the caller's but its name, and
    what the operator lets pass (`also`)."""
    stated = {"content-type": "application/json", "accept": "*/*"}
    stated |= {name: value for name, value in headers.items() if name == "user-agent" or name in also}
    if provider.name == "anthropic":
        stated["anthropic-version"] = ANTHROPIC_VERSION
    return _with_key(stated, provider, path=path, key=key)


def may_be_let_pass(name: str) -> bool:
    """May an operator name this header as one that passes? Not where something here decides what it says."""
    fixed = _NEVER_UPSTREAM | _CHOOSE_THE_PAYER | {"accept", "content-type", "anthropic-beta"}
    return (
        _HEADER_NAME.fullmatch(name) is not None and name not in fixed and not name.startswith(_NEVER_UPSTREAM_PREFIXES)
    )


def upstream_query(query: str, provider: Provider, *, path: str, is_metered: bool) -> str:
    """The caller's query as the provider may see it. Of a free path it is kept byte for byte, without what holds a key
    or a token or would override what the request is."""
    if is_metered:
        return _metered_query(query, provider.name, path)
    return "&".join(part for part in query.split("&") if _travels(part))


def downstream_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The provider's headers as the caller may see them."""
    return {
        name: value
        for name, value in headers.items()
        if name not in _NEVER_DOWNSTREAM and not name.startswith(_OF_WEB_PAGES)
    }


def _with_key(headers: dict[str, str], provider: Provider, *, path: str, key: KeyToShow) -> dict[str, str]:
    place = provider.key_place
    if path.endswith("chat/completions") or "/openai/" in path or key.is_bearer:
        place = "authorization"
    return {**headers, place: f"Bearer {key.value}" if place == "authorization" else key.value}


def translated_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of a provider's headers that mean the same to a caller of another dialect. The provider's id of the request
    stands where that caller's client looks for it."""
    same = {name: value for name, value in headers.items() if name in _SAME_EVERYWHERE}
    ids = [headers[name] for name in _REQUEST_IDS if name in headers]
    return same | dict.fromkeys(_REQUEST_IDS, ids[0]) if ids else same


def _metered_headers(headers: Mapping[str, str], provider: str, also: frozenset[str]) -> dict[str, str]:
    allowed = _METERED_HEADERS_OF_ALL | _METERED_HEADERS[provider] | also
    kept = {
        name: value for name, value in headers.items() if name in allowed or name.startswith(_METERED_PREFIX_OF_ALL)
    }
    betas = judged_betas(headers.get("anthropic-beta", "")) if provider == "anthropic" else None
    if betas is not None:
        kept["anthropic-beta"] = betas
    # Both stated by us: a body has been read as JSON, and an answer is read in the form a plain client gets.
    return {**kept, "content-type": "application/json", "accept": "*/*"}


def _free_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name not in _NEVER_UPSTREAM and not name.startswith(_NEVER_UPSTREAM_PREFIXES)
    }


def _metered_query(query: str, provider: str, path: str) -> str:
    """Each listed parameter once, in our own spelling: whatever the caller wrote has one reading only."""
    asked = dict(parse_qsl(query))
    listed = _METERED_PARAMETERS.get(provider, ())
    return "&".join(f"{name}={value}" for end, name, value in listed if path.endswith(end) and asked.get(name) == value)


def _travels(parameter: str) -> bool:
    name = unquote(parameter.partition("=")[0]).strip()
    return not has_token(unquote_plus(parameter)) and _NEVER_IN_QUERY.fullmatch(name) is None
