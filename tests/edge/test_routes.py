"""Every request resolves to one route, or to a refusal that says why not."""

import pytest

from api.table import ENDPOINTS, Found, find
from core.refusals import MethodNotAllowed, RouteNotFound
from core.wire.dialects import refusal_headers
from routes import ProxyRoute, errors_in, proxy_route


def resolve(method: str, path: str) -> ProxyRoute | Found:
    return proxy_route(method, path) or find(method, path)


def test_every_endpoint_is_found_by_its_method_and_path() -> None:
    for endpoint in ENDPOINTS:
        parameters = {name: "openai" if name == "provider" else f"a:{name}" for name in endpoint.parameters}
        escaped = {name: text.replace(":", "%3A") for name, text in parameters.items()}

        found = resolve(endpoint.method, endpoint.path.format(**escaped))

        assert found == Found(endpoint, parameters)


@pytest.mark.parametrize("path", ["/v1/budget/", "/v1/sessions/"])
def test_a_slash_at_the_end_changes_nothing(path: str) -> None:
    found = resolve("GET", path)

    assert isinstance(found, Found) and found.endpoint.path == path.rstrip("/")


def test_a_head_is_answered_as_a_get() -> None:
    assert resolve("HEAD", "/healthz") == resolve("GET", "/healthz")


def test_no_two_endpoints_answer_the_same() -> None:
    assert len({(each.method, each.path) for each in ENDPOINTS}) == len(ENDPOINTS)


def test_the_unified_endpoint_names_no_provider() -> None:
    route = resolve("POST", "/v1/chat/completions")

    assert isinstance(route, ProxyRoute)
    assert route.provider is None


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/v1/ingest", "POST"),
        ("DELETE", "/v1/budget", "GET, HEAD, PUT"),
        ("POST", "/v1/sessions/s", "GET, HEAD, PUT, DELETE"),
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/proxy/openai/v1", "GET, HEAD, POST"),
        ("TRACE", "/v1/proxy/openai/models", "GET, HEAD, POST, PUT, PATCH, DELETE"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allowed: str) -> None:
    with pytest.raises(MethodNotAllowed) as refusal:
        resolve(method, path)

    assert refusal.value.details == {"allow": allowed}
    assert refusal_headers(refusal.value)["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v2/x",
        "/v1/proxy",
        "/v1/proxy/",
        "/v1/proxy/azure/x",
        "/v1/teams/x",
        "/v1/sessions/a/b",
        "/v1/teams/a/b/budget",
    ],
)
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
    ("/v1/v1/messages", "anthropic_messages"),
    ("/v1/v1/proxy/anthropic/v1/messages", "anthropic_messages"),
]


@pytest.mark.parametrize(("path", "dialect"), DIALECTS)
def test_errors_come_in_the_dialect_of_the_path(path: str, dialect: str) -> None:
    assert errors_in(path) == dialect
