"""One table from method and path to what is asked: every request the Worker answers is one of these values.

It decides nothing about money: a provider path's cost is `core.routing.paths`' business.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from core.providers import PROVIDERS
from core.refusals import MethodNotAllowed, RouteNotFound
from core.routing.paths import DialectName, UpstreamPath, dialect_of_errors, resolve_upstream_path

_PROXY_ROOT = "/v1/proxy/"


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """A provider's own API, or (`provider` None) the unified endpoint whose `model` names the provider."""

    provider: str | None
    upstream: UpstreamPath


@dataclass(frozen=True, slots=True)
class HealthRoute:
    """Is the Worker up? No token needed."""


@dataclass(frozen=True, slots=True)
class ModelsRoute:
    """The models the price table knows, in OpenAI's list form."""


@dataclass(frozen=True, slots=True)
class BudgetCheckRoute:
    """An SDK asks whether a session may go on."""


@dataclass(frozen=True, slots=True)
class IngestRoute:
    """An SDK reports a call it made by itself."""


@dataclass(frozen=True, slots=True)
class SessionsRoute:
    """The tenant's live sessions."""


@dataclass(frozen=True, slots=True)
class ScopeRoute:
    """One scope's budget: read it, or (PUT, DELETE; administrators) change it. The session id is as yet unchecked."""

    kind: str
    id: str


Route = ProxyRoute | HealthRoute | ModelsRoute | BudgetCheckRoute | IngestRoute | SessionsRoute | ScopeRoute

_FIXED: dict[str, tuple[tuple[str, ...], Route]] = {
    "/healthz": (("GET", "HEAD"), HealthRoute()),
    "/v1/models": (("GET", "HEAD"), ModelsRoute()),
    "/v1/budget-check": (("GET",), BudgetCheckRoute()),
    "/v1/ingest": (("POST",), IngestRoute()),
    "/v1/sessions": (("GET",), SessionsRoute()),
    "/v1/budget": (("GET", "PUT"), ScopeRoute("tenant", "")),
    "/v1/chat/completions": (
        ("POST",),
        ProxyRoute(None, UpstreamPath("chat/completions", "metered", "openai_chat")),
    ),
}


def resolve(method: str, path: str) -> Route:
    """The route of a request. Raises `RouteNotFound` or `MethodNotAllowed`."""
    if path.startswith(_PROXY_ROOT):
        return _proxy_route(method, path[len(_PROXY_ROOT) :])
    fixed = _FIXED.get(path.rstrip("/"))
    if fixed is not None:
        return _allowed(fixed[1], method, fixed[0])
    if path.startswith("/v1/sessions/"):
        session_id = unquote(path.removeprefix("/v1/sessions/"))
        return _allowed(ScopeRoute("session", session_id), method, ("GET", "PUT", "DELETE"))
    if path.startswith("/v1/teams/") and path.endswith("/budget"):
        team = unquote(path.removeprefix("/v1/teams/").removesuffix("/budget"))
        return _allowed(ScopeRoute("team", team), method, ("GET", "PUT"))
    raise RouteNotFound(f"there is no route {path[:200]}")


def errors_in(path: str) -> DialectName:
    """The dialect a caller of this path expects errors in, before anything else is known of the request."""
    if not path.startswith(_PROXY_ROOT):
        return "openai_chat"
    provider, _, rest = path[len(_PROXY_ROOT) :].partition("/")
    return dialect_of_errors(provider, rest)


def _proxy_route(method: str, path: str) -> ProxyRoute:
    provider, _, rest = path.partition("/")
    if provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise RouteNotFound(f"there is no provider {provider[:40]!r}; known are {known}", param="provider")
    return ProxyRoute(provider, resolve_upstream_path(provider, rest, method))


def _allowed(route: Route, method: str, methods: tuple[str, ...]) -> Route:
    if method not in methods:
        raise MethodNotAllowed(f"this route takes {', '.join(methods)}, not {method[:20]}")
    return route
