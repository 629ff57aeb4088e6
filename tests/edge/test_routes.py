"""Every request resolves to one route, or to a refusal that says why not."""

import pytest

from core.refusals import MethodNotAllowed, RouteNotFound
from routes import (
    BudgetCheckRoute,
    HealthRoute,
    IngestRoute,
    ModelsRoute,
    ProxyRoute,
    ScopeRoute,
    SessionsRoute,
    errors_in,
    resolve,
)

FOUND = [
    ("GET", "/healthz", HealthRoute()),
    ("GET", "/v1/models", ModelsRoute()),
    ("GET", "/v1/budget-check", BudgetCheckRoute()),
    ("POST", "/v1/ingest", IngestRoute()),
    ("GET", "/v1/sessions", SessionsRoute()),
    ("PUT", "/v1/sessions/a%3Ab", ScopeRoute("session", "a:b")),
    ("PUT", "/v1/teams/research/budget", ScopeRoute("team", "research")),
    ("GET", "/v1/budget", ScopeRoute("tenant", "")),
]


@pytest.mark.parametrize(("method", "path", "route"), FOUND)
def test_a_route_is_found_by_method_and_path(method: str, path: str, route: object) -> None:
    assert resolve(method, path) == route


def test_the_unified_endpoint_names_no_provider() -> None:
    route = resolve("POST", "/v1/chat/completions")

    assert isinstance(route, ProxyRoute)
    assert route.provider is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/healthz"),
        ("GET", "/v1/ingest"),
        ("DELETE", "/v1/budget"),
        ("GET", "/v1/chat/completions"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str) -> None:
    with pytest.raises(MethodNotAllowed, match="this route takes"):
        resolve(method, path)


@pytest.mark.parametrize("path", ["/", "/v2/x", "/v1/proxy", "/v1/proxy/", "/v1/proxy/azure/x", "/v1/teams/x"])
def test_an_unknown_route_or_provider_is_not_found(path: str) -> None:
    with pytest.raises(RouteNotFound):
        resolve("POST", path)


DIALECTS = [
    ("/v1/proxy/anthropic/v1/messages", "anthropic_messages"),
    ("/v1/proxy/anthropic/v1/chat/completions", "openai_chat"),
    ("/v1/proxy/gemini/v1/models/g:generateContent", "gemini"),
    ("/v1/proxy/gemini/v1beta/openai/chat/completions", "openai_chat"),
    ("/v1/proxy/openai/x", "openai_chat"),
    ("/v1/budget-check", "openai_chat"),
]


@pytest.mark.parametrize(("path", "dialect"), DIALECTS)
def test_errors_come_in_the_dialect_of_the_path(path: str, dialect: str) -> None:
    assert errors_in(path) == dialect
