"""Which provider an address belongs to, and what is known of the servers there.

The rule easy to break: an address that is not known here is nobody's, so nothing is added to its requests.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOSTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:[a-z]{2}\.)?api\.openai\.com"), "openai"),
    (re.compile(r".*\.(?:openai|services\.ai|cognitiveservices)\.azure\.com"), "openai"),
    (re.compile(r"api\.anthropic\.com"), "anthropic"),
    (re.compile(r"generativelanguage\.googleapis\.com"), "gemini"),
    (re.compile(r"api\.groq\.com"), "groq"),
    (re.compile(r"(?:[a-z0-9-]+\.)?api\.x\.ai"), "xai"),
)
_PROXIED_HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "api.groq.com": "groq",
    "api.x.ai": "xai",
}
"""Where AgentWatch itself sends a provider's calls: only an address that it would reach too can go through it."""

_TAKE_INCLUDE_USAGE = frozenset({"openai", "groq", "xai"})
_AZURE = re.compile(r".*\.azure\.com")
"""Its older versions refuse a request that asks for usage in a stream, and so do some of its features."""


def provider_of(address: str) -> str | None:
    url = urlsplit(address)
    host = url.hostname or ""
    if _AZURE.fullmatch(host) and url.path.startswith("/anthropic"):
        return "anthropic"
    return next((name for pattern, name in _HOSTS if pattern.fullmatch(host)), None)


def proxied_url(address: str, base_url: str) -> str | None:
    """The same request through AgentWatch; None where it does not know the address."""
    url = urlsplit(address)
    provider = _PROXIED_HOSTS.get(url.netloc)
    if provider is None or url.scheme != "https":
        return None
    return f"{base_url}/v1/proxy/{provider}{url.path}" + (f"?{url.query}" if url.query else "")


def takes_include_usage(address: str) -> bool:
    """Does a server there take `stream_options.include_usage`? Some compatible ones answer 400 to it."""
    is_azure = _AZURE.fullmatch(urlsplit(address).hostname or "") is not None
    return not is_azure and provider_of(address) in _TAKE_INCLUDE_USAGE
