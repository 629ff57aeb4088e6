"""Which web pages may read answers: those that the caller's tenant has named, in its configuration or for the key that
the page calls with (the Fetch standard's CORS protocol).

A browser asks before it sends a token along (a preflight), so that question is answered for whatever page asks; it
tells nothing. Whether the page may read what comes is said with the answer. Until it is known whose token it is, there
are only refusals, in which nothing is anybody's: every page may read those, else a wrong token would look like a broken
network to it. The rule easy to break: what administers is for no page but its own, so it says nothing to any origin.
"""

import re
from collections.abc import Collection, Mapping

PREFLIGHT_MAX_AGE_S = 600

_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
ORIGIN_PATTERN = (
    r"^(?!https://.*:443$|http://.*:80$)"  # browsers leave out the port that a scheme has anyway
    rf"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(?::(?:{_PORT}))?$(?!\n)"
)
ANY_ORIGIN = "*"

_ORIGIN = re.compile(ORIGIN_PATTERN)
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")

_EXPOSED = ", ".join(
    (
        "retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "request-id", "x-agentwatch-request-id",
        "x-agentwatch-provider", "x-agentwatch-model", "x-agentwatch-asked-model", "x-agentwatch-attempts",
        "x-agentwatch-cost-usd", "x-agentwatch-session-spent-usd", "x-agentwatch-session-remaining-usd",
        "x-agentwatch-max-tokens", "x-agentwatch-overhead-ms", "x-agentwatch-tags", "x-agentwatch-redacted",
        "x-agentwatch-downgraded-by", "x-agentwatch-downgrade-skipped", "x-agentwatch-dropped",
        "x-agentwatch-failover-reason", "x-agentwatch-failover-skipped", "x-agentwatch-ratelimit-limit-requests",
        "x-agentwatch-ratelimit-remaining-requests", "x-agentwatch-ratelimit-reset-requests",
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
    )
)  # fmt: skip


def is_origin(text: str) -> bool:
    """Is this an origin as browsers send it?"""
    return _ORIGIN.fullmatch(text) is not None


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What a browser is told that asks whether it may send a request at all."""
    asked = headers.get("access-control-request-headers", "")
    return {
        "access-control-allow-origin": ANY_ORIGIN,
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": asked if _HEADER_NAMES.fullmatch(asked) else "authorization, content-type",
        "access-control-max-age": str(PREFLIGHT_MAX_AGE_S),
        "vary": "access-control-request-headers",
    }


def answer_headers(headers: Mapping[str, str], allowed: Collection[str]) -> dict[str, str]:
    """What lets the page read the answer, if its tenant has named its origin."""
    origin = headers.get("origin")
    if origin is None or not (origin in allowed or ANY_ORIGIN in allowed):
        return {}
    return _readable_from(origin)


def stranger_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What lets every page read the refusal of a request before anybody is known."""
    return _readable_from(ANY_ORIGIN) if "origin" in headers else {}


def _readable_from(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": _EXPOSED,
        "vary": "origin",
    }
