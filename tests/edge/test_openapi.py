"""The API's own document against what answers: the same routes, the same statuses, and answers of the types it names."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from api.description.document import PASSED_ON, operation_id
from api.description.parameters import IN_HEADERS, IN_PATH
from api.endpoint import AnyEndpoint, Nothing
from api.table import ENDPOINTS, find
from core.refusals import MethodNotAllowed, RouteNotFound
from core.roles import ROLES_OF
from routes import proxy_route
from tests.support.own_routes import Asker

IDS = [f"{each.method} {each.path}" for each in ENDPOINTS]
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE")


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(Asker().ask("GET", "/openapi.json", token=None).body)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def own_operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    return ((method, path, operation) for method, path, operation in operations(document) if path not in PASSED_ON)


def inside(part: Any) -> Iterator[Any]:
    """Every object in there."""
    if isinstance(part, dict):
        yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from inside(each)


def test_the_document_names_every_route_and_no_other(document: Any) -> None:
    named = {(method, path) for method, path, _ in operations(document)}

    assert named == {(each.method, each.path) for each in ENDPOINTS} | {("POST", path) for path in PASSED_ON}


def test_the_router_takes_what_the_document_names_and_nothing_beside(document: Any) -> None:
    named = {(method, path) for method, path, _ in own_operations(document)}

    for path in {path for _, path in named}:
        filled = re.sub(r"\{\w+\}", "x", path)
        for method in METHODS:
            try:
                found = find(method, filled).endpoint
                assert (found.method, found.path) == (method, path)
                assert (method, path) in named
            except MethodNotAllowed as refusal:
                assert (method, path) not in named
                allowed = {each.strip() for each in str(refusal.details["allow"]).split(",")} - {"HEAD"}
                assert allowed == {method for method, known in named if known == path}


@pytest.mark.parametrize("path", PASSED_ON)
def test_what_the_document_says_is_passed_on_is(path: str) -> None:
    assert proxy_route("POST", path.format(provider="openai", path="responses")) is not None


def test_every_parameter_in_a_path_is_described(document: Any) -> None:
    for _, path, operation in operations(document):
        described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert path == path.format(**{name: f"{{{name}}}" for name in described})


def test_every_parameter_in_a_path_or_header_has_a_form_of_its_own() -> None:
    assert {name for each in ENDPOINTS for name in each.parameters} == set(IN_PATH)
    assert {name for each in ENDPOINTS for name in (*each.headers, *each.optional_headers)} == set(IN_HEADERS)


def test_every_reference_leads_somewhere_and_every_part_is_referred_to(document: Any) -> None:
    references = {each["$ref"] for each in inside(document) if "$ref" in each}

    for reference in references:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    parts = {
        f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in document["components"][kind]
    }
    assert parts == references


def test_operations_are_named_apart(document: Any) -> None:
    names = [operation["operationId"] for _, _, operation in own_operations(document)]

    assert len(set(names)) == len(names)
    assert {"getSessionsBySessionId", "putConfig", "postHoldsByHoldIdSettle", "getOpenapiJson"} <= set(names)


def test_patterns_mean_the_same_to_every_reader(document: Any) -> None:
    r"""`\Z` is Python's own, and a `$` alone is no end for it."""
    patterns = {each["pattern"] for each in inside(document) if isinstance(each.get("pattern"), str)}

    for pattern in patterns:
        assert pattern.startswith("^") and pattern.endswith(r"$(?!\n)"), pattern
        re.compile(pattern)
    assert patterns


def test_what_may_be_null_is_a_list_of_types(document: Any) -> None:
    for each in inside(document["components"]["schemas"]):
        others = [shape for shape in each.get("anyOf", []) if shape != {"type": "null"}]
        assert len(others) != 1 or "$ref" in others[0], each


def test_a_body_with_unknown_members_is_described_as_it_is_read(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for endpoint in ENDPOINTS:
        if endpoint.body is not Nothing:
            is_closed = schemas[endpoint.body.__name__].get("additionalProperties") is False
            assert is_closed == endpoint.body.__struct_config__.forbid_unknown_fields


def test_each_operation_says_who_may_ask(document: Any) -> None:
    for endpoint in ENDPOINTS:
        operation = document["paths"][endpoint.path][endpoint.method.lower()]
        assert set(operation.get("x-roles", ())) == ROLES_OF[endpoint.audience]
        assert (operation["security"] == []) == (endpoint.audience == "public")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
def test_an_endpoint_answers_what_the_table_says(endpoint: AnyEndpoint) -> None:
    answer = Asker().ask_well(endpoint)

    assert answer.status == endpoint.status, answer.body
    assert set(endpoint.answer_headers) <= set(answer.headers)
    assert ("etag" in answer.headers) == ("etag" in endpoint.answer_headers)
    if endpoint.answer is str:
        assert answer.headers["content-type"].startswith("text/plain")
        return
    said = msgspec.json.decode(answer.body)
    assert set(said) <= {field.encode_name for field in msgspec.structs.fields(endpoint.answer)}
    msgspec.convert(said, endpoint.answer)


WITH_NUMBERS = [
    (each, name)
    for each in ENDPOINTS
    if each.query is not Nothing
    for name in each.query.__struct_fields__
    if name in ("limit", "version", "below")
]


@pytest.mark.parametrize(("endpoint", "name"), WITH_NUMBERS, ids=lambda each: getattr(each, "path", each))
def test_a_query_that_does_not_fit_names_its_parameter(endpoint: AnyEndpoint, name: str) -> None:
    asker = Asker()

    for bad in ("0x1", "-1", "1.5", "", str(2**64), "1e400", "%00", "٧"):
        answer = asker.ask_well(endpoint, query=f"{name}={bad}")
        assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, name), bad


def test_whoever_uses_the_administration_is_in_its_log_and_sdks_are_not() -> None:
    assert {each.path for each in ENDPOINTS if not each.is_administration} == {
        "/healthz", "/openapi.json", "/v1/models", "/v1/models/{model}", "/v1/proxy/{provider}",
        "/v1/budget-check", "/v1/ingest", "/v1/holds", "/v1/holds/{hold_id}/settle",
    }  # fmt: skip
    assert find("GET", "/v1/config").endpoint.is_administration


def test_operations_are_named_by_method_and_path() -> None:
    assert operation_id(find("PUT", "/v1/teams/a/budget").endpoint) == "putTeamsByTeamBudget"


def test_a_path_of_no_route_is_not_found() -> None:
    with pytest.raises(RouteNotFound):
        find("GET", "/v1/no-such-thing")
