"""The scripted provider does what its tests rely on: exact bytes, resets after the request, and it sees who leaves."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.scripted_upstream import (
    HANG,
    RESET,
    Repeated,
    ScriptedUpstream,
    a_stream,
    an_answer,
    event,
)


@pytest.fixture
def provider():
    with ScriptedUpstream() as running:
        yield running


def test_bytes_arrive_as_they_were_scripted_and_the_request_is_remembered(provider):
    provider.plays(*a_stream(b'data: {"x":"h\xffllo"}\n\n', event({"a": 1})))

    answer = httpx.post(provider.url + "/v1/chat?x=1", content=b"asked", headers={"x-team": "blue"})

    assert answer.content == b'data: {"x":"h\xffllo"}\n\ndata: {"a": 1}\n\n'
    (received,) = provider.received
    assert (received.method, received.target, received.body) == ("POST", "/v1/chat?x=1", b"asked")
    assert received.headers["x-team"] == "blue"


def test_a_script_may_be_for_some_requests_only(provider):
    provider.plays(*an_answer({"to": "all"}))
    provider.plays(*an_answer({"to": "s7"}, status=429), when=b"s7")

    assert httpx.post(provider.url, content=b"s8").json() == {"to": "all"}
    assert httpx.post(provider.url, content=b"s7").status_code == 429


def test_a_reset_comes_after_the_request_was_read(provider):
    provider.plays(RESET)

    with pytest.raises(httpx.ReadError):
        httpx.post(provider.url, content=b"asked")
    assert provider.received[0].body == b"asked"


def test_a_large_body_is_whole(provider):
    provider.plays(*an_answer(b"[", Repeated(b"0,", 1_000_001), b"0]"))

    assert len(httpx.post(provider.url, content=b"").content) == 2_000_005


def test_a_client_that_leaves_is_seen(provider):
    provider.plays(HANG)

    with pytest.raises(httpx.ReadTimeout):
        httpx.post(provider.url, content=b"asked", timeout=0.2)
    assert provider.received[0].over.wait(10)
    assert provider.received[0].left_after_s is not None


def test_nobody_listens_at_the_refused_address(provider):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((urlsplit(provider.refused_url).hostname, urlsplit(provider.refused_url).port))
