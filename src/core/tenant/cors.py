"""Which web pages may read answers: those that the caller's tenant has named (the Fetch standard's CORS protocol).

A browser asks before it sends a token along (a preflight), so that question is answered for whatever page asks; it
tells nothing. Whether the page may read what comes is said with the answer, by the configuration of the tenant whose
token it is. The rule easy to break: what administers is for no page but its own, so it says nothing to any origin.
"""

import re
from collections.abc import Collection, Mapping

PREFLIGHT_MAX_AGE_S = 600

_ORIGIN = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
_ANY = "*"

_EXPOSED = ", ".join(
    (
        "retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "x-agentwatch-request-id",
        "x-agentwatch-provider", "x-agentwatch-attempts", "x-agentwatch-cost-usd", "x-agentwatch-session-spent-usd",
        "x-agentwatch-session-remaining-usd", "x-agentwatch-max-tokens", "x-agentwatch-tags",
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
    )
)  # fmt: skip


def is_origin(text: str) -> bool:
    """May a configuration name this: an origin as browsers send it, or `*` for every page?"""
    return text == _ANY or _ORIGIN.fullmatch(text) is not None


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What a browser is told that asks whether it may send a request at all."""
    asked = headers.get("access-control-request-headers", "")
    return {
        "access-control-allow-origin": _ANY,
        "access-control-allow-methods": "GET, POST, PUT, DELETE",
        "access-control-allow-headers": asked if _HEADER_NAMES.fullmatch(asked) else "authorization, content-type",
        "access-control-max-age": str(PREFLIGHT_MAX_AGE_S),
        "vary": "access-control-request-headers",
    }


def answer_headers(headers: Mapping[str, str], allowed: Collection[str]) -> dict[str, str]:
    """What lets the page read the answer, if its tenant has named its origin."""
    origin = headers.get("origin")
    if origin is None or not (origin in allowed or _ANY in allowed):
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": _EXPOSED,
        "vary": "origin",
    }
