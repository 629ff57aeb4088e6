"""Our own routes on the platform: what it does with addresses, methods and bodies before we see them, and after."""

import http.client
import json
from urllib.parse import urlsplit

import httpx
import pytest

from local.stack import Stack
from tests.runtime.conftest import Edge
from tests.support.own_routes import Asker

pytestmark = pytest.mark.stack


def raw(stack: Stack, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
    """A request as it is written here: nothing is made regular on the way."""
    connection = http.client.HTTPConnection(urlsplit(stack.edge_url).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"authorization": f"Bearer {stack.tokens['admin']}", **named})
    answer = connection.getresponse()
    answer.read()
    return answer


def test_the_description_is_the_one_that_is_tested(stack: Stack) -> None:
    here = json.loads(Asker().ask("GET", "/openapi.json", token=None).body)

    assert httpx.get(f"{stack.edge_url}/openapi.json", timeout=60).json() == here


ODD_ADDRESSES = [
    ("/v1/sessions/%ff", 404),
    ("/v1/sessions/%00", 404),
    ("/v1/sessions/%c3%28", 404),
    ("/v1/sessions/a%2Fb", 400),
    ("/v1/sessions/%", 400),
    ("/v1/teams/a%2Fb/budget", 200),
    ("/v1/budget?no_such=1", 400),
    ("/v1/sessions?limit=1&limit=2", 400),
    ("/v1/sessions?after=%ff", 400),
    ("/v1/budget/", 200),
]


@pytest.mark.parametrize(("path", "status"), ODD_ADDRESSES)
def test_an_odd_address_is_no_fault_of_ours(stack: Stack, path: str, status: int) -> None:
    assert raw(stack, "GET", path).status == status


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "PROPFIND"])
def test_a_method_that_is_not_taken_is_told_those_that_are(stack: Stack, method: str) -> None:
    answer = raw(stack, method, "/v1/budget")

    assert (answer.status, answer.getheader("allow")) == (405, "GET, HEAD, PUT")


def test_a_head_is_answered_without_a_body(stack: Stack) -> None:
    answer = raw(stack, "HEAD", "/v1/config")

    assert (answer.status, answer.getheader("etag") is not None) == (200, True)


ODD_BODIES = [
    b"",
    b"null",
    b'{"limit_usd": "\xff"}',
    rb'{"limit_usd": "\ud800"}',
    b"[" * 5_000,
    b'{"hard": true, "hard": false}',
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=len)
def test_an_odd_body_is_refused(stack: Stack, body: bytes) -> None:
    assert raw(stack, "PUT", "/v1/budget", body, content_type="application/json").status == 400


def test_a_body_that_nobody_asked_for_is_left_where_it_is(stack: Stack) -> None:
    answers = [raw(stack, "POST", "/v1/webhooks/test", b"x" * 2_000_000).status for _ in range(2)]

    assert answers == [200, 200]


def test_a_body_in_other_words_is_told_apart(stack: Stack) -> None:
    assert raw(stack, "PUT", "/v1/budget", b"<a/>", content_type="text/xml").status == 415
    assert raw(stack, "PUT", "/v1/budget", b"x" * 1_100_000, content_type="application/json").status == 413


def test_what_is_written_already_is_not_written_again(admin: Edge) -> None:
    first = admin.get("/v1/rules")
    again = httpx.put(
        f"{admin.stack.edge_url}/v1/rules",
        content=first.content,
        headers=admin.headers(if_match="*"),
        timeout=60,
    )
    second = httpx.put(
        f"{admin.stack.edge_url}/v1/rules",
        json=first.json(),
        headers=admin.headers(if_match=again.headers["etag"]),
        timeout=60,
    )

    assert (second.status_code, second.headers["etag"]) == (200, again.headers["etag"])
    assert second.headers["cache-control"] == "no-store, no-transform"
