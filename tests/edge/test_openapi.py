"""The API's own document against what answers: the same routes, and answers of the types that it names."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from api.endpoint import AnyEndpoint, Nothing
from api.openapi import PASSED_ON
from api.table import ENDPOINTS, find
from core.refusals import NotPermitted, Unauthenticated
from exchange import Answer
from routes import proxy_route
from tests.support.api_client import ADMIN, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import TOKEN

BODIES: dict[str, Any] = {
    "Report": {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5},
    "HoldRequest": {"hold_id": "x", "model": "gpt-4o-mini", "dialect": "openai_chat", "input_bytes": 100},
    "BudgetChange": {"limit_usd": "5"},
    "FailoverTest": {
        "path": "/v1/chat/completions",
        "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]},
    },
    "RulesTest": {"call": {"provider": "openai", "model": "gpt-4o"}},
}
"""A body of each type that does not take `{}`."""

QUERIES = {"BudgetCheckQuery": "?session_id=s"}
"""A query of each type that has to say something."""

IDS = [f"{each.method} {each.path}" for each in ENDPOINTS]


WITH_QUERY = [each for each in ENDPOINTS if each.query is not Nothing]


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(ask(next(each for each in ENDPOINTS if each.path == "/openapi.json"), token="").body)


def ask(endpoint: AnyEndpoint, token: str = ADMIN) -> Answer:
    client = Client(a_world_with_administrators(), an_isolate(), token)
    path = endpoint.path.format(**dict.fromkeys(endpoint.parameters, "x")) + QUERIES.get(endpoint.query.__name__, "")
    body = None if endpoint.body is Nothing else BODIES.get(endpoint.body.__name__, {})
    return client.ask(endpoint.method, path, body, if_match="*")


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_document_names_every_route_and_no_other(document: Any) -> None:
    named = {(method, path) for method, path, _ in operations(document)}

    assert named == {(each.method, each.path) for each in ENDPOINTS} | {("POST", path) for path in PASSED_ON}


@pytest.mark.parametrize("path", PASSED_ON)
def test_what_the_document_says_is_passed_on_is(path: str) -> None:
    assert proxy_route("POST", path.format(provider="openai", path="responses")) is not None


def test_every_parameter_in_a_path_is_described(document: Any) -> None:
    for _, path, operation in operations(document):
        described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert path == path.format(**{name: f"{{{name}}}" for name in described})


def test_every_reference_leads_somewhere(document: Any) -> None:
    references = {words.partition('"')[0] for words in json.dumps(document).split('"#/')[1:]}

    for reference in references:
        place = document
        for step in reference.split("/"):
            place = place[step]
    assert references


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_an_endpoint_answers_what_the_table_says(endpoint: AnyEndpoint) -> None:
    answer = ask(endpoint, token="" if endpoint.audience == "public" else ADMIN)

    assert answer.status == 200, answer.body
    assert set(endpoint.answer_headers) <= set(answer.headers)
    assert ("etag" in answer.headers) == ("etag" in endpoint.answer_headers)
    if endpoint.answer is str:
        assert answer.headers["content-type"].startswith("text/plain")
        return
    said = msgspec.json.decode(answer.body)
    assert set(said) <= {field.encode_name for field in msgspec.structs.fields(endpoint.answer)}
    msgspec.convert(said, endpoint.answer)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_an_endpoint_is_for_whom_the_table_says(endpoint: AnyEndpoint) -> None:
    statuses = [ask(endpoint, token).status for token in ("", TOKEN, ADMIN)]

    assert (
        statuses
        == {
            "public": [200, 200, 200],
            "member": [Unauthenticated.status, 200, 200],
            "admin": [Unauthenticated.status, NotPermitted.status, 200],
        }[endpoint.audience]
    )


@pytest.mark.parametrize("endpoint", WITH_QUERY, ids=lambda each: each.path)
def test_a_query_that_does_not_fit_names_its_parameter(endpoint: AnyEndpoint) -> None:
    client = Client(a_world_with_administrators(), an_isolate(), ADMIN)
    numbers = [name for name in endpoint.query.__struct_fields__ if name in ("limit", "version", "below")]

    for name in numbers:
        for bad in ("0x1", "-1", "1.5", "", str(2**64)):
            answer = client.ask("GET", f"{endpoint.path}?{name}={bad}")
            assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, name), bad


def test_whoever_uses_the_administration_is_in_its_log_and_sdks_are_not() -> None:
    assert {each.path for each in ENDPOINTS if not each.is_administration} == {
        "/healthz", "/openapi.json", "/v1/models", "/v1/budget-check", "/v1/ingest", "/v1/holds",
        "/v1/holds/{hold_id}/settle",
    }  # fmt: skip
    assert find("GET", "/v1/config").endpoint.is_administration
