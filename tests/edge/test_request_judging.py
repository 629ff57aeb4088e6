"""In which order a request to one of our own routes is judged, and that whatever comes in is told what is wrong with it:
every row of the table is asked all of it.
"""

import json
from typing import Any

import msgspec
import pytest

from api.endpoint import AnyEndpoint, Nothing
from api.table import ENDPOINTS
from core.bounds import OWN_BODY_BYTES_MAX
from core.roles import may
from tests.support.own_routes import TOKENS, Asker, body_of, error_of


def named(endpoint: AnyEndpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


WITH_BODY = [each for each in ENDPOINTS if each.body is not Nothing]
WITH_VERSION = [each for each in ENDPOINTS if "if-match" in each.headers]
READ = [each for each in ENDPOINTS if each.method == "GET"]
WITH_NAMES = [each for each in ENDPOINTS if each.parameters]
NO_PRECONDITION: dict[str, Any] = {"if_match": None}
TOO_LONG = b'"' + b"x" * OWN_BODY_BYTES_MAX + b'"'


def refused(asker: Asker, endpoint: AnyEndpoint, token: str | None = "", **changes: Any) -> tuple[int, str | None]:
    """The status, and what is at fault."""
    status, error = error_of(asker.ask_well(endpoint, token, **changes))
    return status, error["param"]


# The order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_what_is_judged_first_is_told_first(endpoint: AnyEndpoint) -> None:
    """Mistakes are mended one by one, beginning with all of them."""
    asker = Asker()
    wrong: dict[str, Any] = {
        "query": "no_such=1",
        "body": TOO_LONG,
        "headers": {"content_type": "text/plain", **NO_PRECONDITION},
    }

    assert refused(asker, endpoint, None, **wrong, method="PATCH")[0] == 405
    if endpoint.audience != "public":
        assert refused(asker, endpoint, None, **wrong)[0] == 401
        for role, token in TOKENS.items():
            if not may(role, endpoint.audience):
                assert refused(asker, endpoint, token, **wrong)[0] == 403
    if endpoint.body is not Nothing:
        assert refused(asker, endpoint, **wrong) == (415, "content-type")
        wrong["headers"] = NO_PRECONDITION
        assert refused(asker, endpoint, **wrong)[0] == 413
        wrong["body"] = b"[]"
    assert refused(asker, endpoint, **wrong) == (400, "no_such")
    del wrong["query"]
    if endpoint in WITH_VERSION:
        assert refused(asker, endpoint, **wrong) == (428, "if-match")
        wrong["headers"] = {"if_match": "7"}
        assert refused(asker, endpoint, **wrong) == (400, "if-match")
        del wrong["headers"]
    if endpoint.body is not Nothing:
        assert refused(asker, endpoint, **wrong)[0] == 400
        del wrong["body"]
    assert asker.ask_well(endpoint, **wrong).status == endpoint.status


@pytest.mark.parametrize("endpoint", [each for each in WITH_VERSION if each.reads_body], ids=named)
def test_who_replaces_an_old_version_is_told_that_before_what_is_wrong_with_the_new_one(endpoint: AnyEndpoint) -> None:
    asker = Asker().lives()

    assert refused(asker, endpoint, body={"no_such": 1}, headers={"if_match": '"99"'}) == (412, "if-match")
    assert refused(asker, endpoint, body={"no_such": 1}, headers={"if_match": "*"})[0] == 400


@pytest.mark.parametrize("method", ["TRACE", "PATCH", "OPTIONS", "QUERY", "get", ""])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_a_method_that_a_path_does_not_take_is_told_those_that_it_does(endpoint: AnyEndpoint, method: str) -> None:
    answer = Asker().ask_well(endpoint, None, method=method)

    assert answer.status == 405
    assert endpoint.method in answer.headers["allow"].split(", ")


# Addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", READ, ids=named)
def test_a_head_is_a_get_and_a_slash_at_the_end_is_nothing(endpoint: AnyEndpoint) -> None:
    asker = Asker()

    assert asker.ask_well(endpoint, method="HEAD").status == endpoint.status
    assert asker.ask_well(endpoint, path=asker.path_of(endpoint) + "/").status == endpoint.status


@pytest.mark.parametrize("escape", ["%ff", "%c3%28", "%00", "a%0ab", "%7f", "%ed%a0%80"])
@pytest.mark.parametrize("endpoint", WITH_NAMES, ids=named)
def test_a_path_that_is_no_text_leads_nowhere(endpoint: AnyEndpoint, escape: str) -> None:
    path = endpoint.path
    for name in endpoint.parameters:
        path = path.replace(f"{{{name}}}", escape)

    status, error = error_of(Asker().ask_well(endpoint, path=path))

    assert (status, error["code"]) == (404, "route_not_found")


@pytest.mark.parametrize("name", ["%2F", "%", "%zz", "%2e%2e", "x" * 5_000, "%F0%9F%98%80", "a%20b", "{x}", "*"])
@pytest.mark.parametrize("endpoint", WITH_NAMES, ids=named)
def test_an_odd_name_in_a_path_surprises_nobody(endpoint: AnyEndpoint, name: str) -> None:
    path = endpoint.path
    for parameter in endpoint.parameters:
        path = path.replace(f"{{{parameter}}}", name)

    assert Asker().ask_well(endpoint, path=path).status in (endpoint.status, 400, 404)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_a_parameter_that_nobody_knows_is_named(endpoint: AnyEndpoint) -> None:
    asker = Asker()

    assert refused(asker, endpoint, query="Limit=1") == (400, "Limit")
    assert refused(asker, endpoint, query="=1") == (400, "")
    assert refused(asker, endpoint, query=f"{'x' * 5_000}=1") == (400, "x" * 64)


@pytest.mark.parametrize(
    "query", ["a=%ff", "%ff=a", "%c3%28=1", "&".join(f"a{number}=1" for number in range(200))], ids=len
)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_a_query_that_is_no_text_is_refused(endpoint: AnyEndpoint, query: str) -> None:
    assert refused(Asker(), endpoint, query=query)[0] == 400


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.query is not Nothing], ids=named)
def test_a_parameter_that_is_given_twice_or_has_a_nul_is_named(endpoint: AnyEndpoint) -> None:
    asker, name = Asker(), msgspec.structs.fields(endpoint.query)[0].encode_name

    assert refused(asker, endpoint, query=f"{name}=1&{name}=1") == (400, name)
    assert refused(asker, endpoint, query=f"{name}=a%00") == (400, name)


@pytest.mark.parametrize(
    "path", ["/v1/config?version=null", "/v1/calls?outcome=null", "/v1/calls?outcome=NULL", "/v1/usage?format=null"]
)
def test_a_filter_that_is_null_is_no_filter_and_refused(path: str) -> None:
    span = "&from=2026-11-01&until=2026-11-02" if "usage" in path else ""

    status, error = error_of(Asker().ask("GET", path + span))

    assert (status, error["param"]) == (400, path.partition("?")[2].partition("=")[0])


def test_a_session_may_be_called_null() -> None:
    assert Asker().ask("GET", "/v1/budget-check?session_id=null").status == 200


def test_a_token_in_the_query_is_no_unknown_parameter() -> None:
    assert Asker().ask("GET", f"/v1/budget?key={TOKENS['admin']}", token=None).status == 200


# Bodies ---------------------------------------------------------------------------------------------------

NO_BODIES = {
    "absent": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"1e400",
    "cut short": b'{"a": ',
    "two": b"{}{}",
    "not UTF-8": b'{"name": "\xff"}',
    "name that is not UTF-8": b'{"\xff": 1}',
    "half a surrogate pair": rb'{"name": "\ud83d"}',
    "NUL": b'{"name": "\0"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "too deep": b"[" * 10_000,
    "deep inside": b'{"a": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "XML": b"<a/>",
}


@pytest.mark.parametrize("body", NO_BODIES.values(), ids=NO_BODIES)
@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_a_body_that_cannot_be_read_is_refused(endpoint: AnyEndpoint, body: bytes) -> None:
    status, error = error_of(Asker().ask_well(endpoint, body=body))

    assert (status, error["code"]) == (400, "invalid_request")


ODD = [each for each in WITH_BODY if each.path != "/v1/ingest"]
"""What programs send without end is money that was spent: a report is taken as it can be read."""


@pytest.mark.parametrize("endpoint", ODD, ids=named)
def test_a_body_with_two_readings_is_refused_by_the_member_s_name(endpoint: AnyEndpoint) -> None:
    whole = json.dumps(body_of(endpoint))
    name, value = next(iter(body_of(endpoint).items()))
    twice = f"{whole[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}".encode()

    status, error = error_of(Asker().ask_well(endpoint, body=twice))

    assert (status, error["param"]) == (400, name)
    assert {"pointer": f"/{name}", "code": "repeated_member", "message": "is given twice"} in error.get(
        "errors", []
    ) or ("given twice" in error["message"])


TEXTS = [(each, name) for each in ODD for name, value in body_of(each).items() if isinstance(value, str)]


@pytest.mark.parametrize(
    ("endpoint", "name"), TEXTS, ids=lambda each: named(each) if not isinstance(each, str) else each
)
def test_a_nul_in_a_text_is_refused(endpoint: AnyEndpoint, name: str) -> None:
    body = {**body_of(endpoint), name: "a\0b"}

    assert refused(Asker(), endpoint, body=body)[0] == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 200),
        ("", 200),
        ("application/json", 200),
        ("Application/JSON ; Charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("text/plain;charset=UTF-8", 415),
        ("application/x-www-form-urlencoded", 200),
        ("multipart/form-data; boundary=x", 415),
        ("application/json; charset=latin-1", 415),
        ("application/json, text/plain", 415),
        ("application/jsonp", 415),
    ],
)
@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_a_body_is_json_unless_it_is_said_to_be_something_else(
    endpoint: AnyEndpoint, content_type: str | None, status: int
) -> None:
    answer = Asker().ask_well(endpoint, headers={"content_type": content_type})

    assert answer.status == (endpoint.status if status == 200 else status)


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=named)
def test_a_compressed_body_is_refused_where_nobody_sends_one(endpoint: AnyEndpoint) -> None:
    answer = Asker().ask_well(endpoint, headers={"content_encoding": "br"})

    assert (answer.status, error_of(answer)[1]["code"]) == (415, "unsupported_encoding")


# Answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.is_administration], ids=named)
def test_answers_of_administration_are_kept_nowhere(endpoint: AnyEndpoint) -> None:
    asker = Asker()

    for answer in (asker.ask_well(endpoint), asker.ask_well(endpoint, None), asker.ask_well(endpoint, query="x=1")):
        assert answer.headers["cache-control"] == "no-store, no-transform"


@pytest.mark.parametrize(
    "endpoint",
    [each for each in ENDPOINTS if each.audience not in ("public", "operator")],  # whom the Worker knows by itself
    ids=named,
)
def test_where_nobody_can_be_known_everybody_is_to_come_again(endpoint: AnyEndpoint) -> None:
    asker = Asker()
    path = asker.path_of(endpoint)
    asker.world.is_kv_away = asker.world.is_ledger_away = True

    status, error = error_of(Asker(asker.world).ask_well(endpoint, path=path))

    assert (status, error["code"]) == (503, "tenants_unavailable")


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.audience != "public"], ids=named)
def test_a_stranger_who_asks_too_often_is_told_when_to_come_again(endpoint: AnyEndpoint) -> None:
    asker = Asker()
    asker.world.strangers_max = 0

    answer = asker.ask_well(endpoint, None)

    assert answer.status == 429
    assert "retry-after" in answer.headers
