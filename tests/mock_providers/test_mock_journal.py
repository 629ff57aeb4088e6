"""The journal is the provider's truth: what was really generated, and billed, whatever the client saw."""

import hashlib
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.mock_providers.running_mock import KEY, Mock

CHAT = "/openai/v1/chat/completions"
ASK: list[Any] = [{"role": "user", "content": "Rivers?"}]
BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": ASK}
PACE_MS = 10
INPUT_RATE, OUTPUT_RATE = 150, 600
"""gpt-4o-mini in nano-dollars a token."""


def open_raw(mock: Mock, body: dict[str, Any], **script: object) -> socket.socket:
    """A raw connection on which the request has been sent."""
    address = urlsplit(mock.url)
    payload = json.dumps(body).encode()
    headers = {
        "host": address.netloc,
        "authorization": f"Bearer {KEY}",
        "content-length": str(len(payload)),
        **mock.headers(**script),
    }
    lines = [f"POST {CHAT} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    connection = socket.create_connection((address.hostname, address.port), timeout=5)
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
    return connection


def read_events(connection: socket.socket, wanted: int) -> int:
    """Reads until so many stream events have come; how many had."""
    received = b""
    while received.count(b"data: ") < wanted:
        received += connection.recv(4096)
    return received.count(b"data: ")


def test_a_client_that_leaves_is_billed_what_was_generated(mock: Mock) -> None:
    connection = open_raw(mock, {**BODY, "stream": True}, output_tokens=500, pace_ms=PACE_MS)
    seen = read_events(connection, 6) - 1

    connection.close()

    entry = mock.entry()
    tokens = entry["generated_tokens"]
    assert entry["ended"] == "client_disconnected"
    assert entry["disconnected_at_token"] == tokens
    assert seen <= tokens < 100
    assert entry["usage"]["output_tokens"] == tokens
    prompt = entry["usage"]["input_tokens"]
    assert entry["billed_nanousd"] == prompt * INPUT_RATE + tokens * OUTPUT_RATE


def test_a_disconnect_is_noticed_within_a_few_tokens(mock: Mock) -> None:
    connection = open_raw(mock, {**BODY, "stream": True}, output_tokens=500, pace_ms=PACE_MS)
    read_events(connection, 3)

    before = mock.entries()[0]["generated_tokens"]
    left_at_ms = time.time() * 1000
    connection.close()

    entry = mock.entry()
    assert entry["generated_tokens"] - before < 100 / PACE_MS + 10
    assert entry["ended_at_ms"] - left_at_ms < 1000


def test_a_slow_token_does_not_hide_a_disconnect(mock: Mock) -> None:
    connection = open_raw(mock, {**BODY, "stream": True}, pace_ms=600_000)
    read_events(connection, 1)

    connection.close()

    assert mock.entry()["generated_tokens"] == 0


def test_a_client_that_leaves_before_the_first_byte_pays_its_input(mock: Mock) -> None:
    connection = open_raw(mock, BODY, first_byte_delay_ms=600_000)
    mock.wait_until_running()

    connection.close()

    entry = mock.entry()
    assert entry["generated_tokens"] == 0
    assert entry["billed_nanousd"] == entry["usage"]["input_tokens"] * INPUT_RATE > 0


def test_a_client_that_leaves_a_paced_whole_answer_pays_what_was_written(mock: Mock) -> None:
    with pytest.raises(httpx.ReadTimeout):
        mock.http.post(
            mock.url + CHAT,
            json=BODY,
            headers={"authorization": "Bearer k", **mock.headers(pace_ms=20, output_tokens=9999)},
            timeout=0.3,
        )

    entry = mock.entry()
    assert entry["ended"] == "client_disconnected"
    assert 0 < entry["generated_tokens"] < 1000


def test_an_unpaced_stream_stops_for_a_client_that_does_not_read(mock: Mock) -> None:
    connection = open_raw(mock, {**BODY, "stream": True}, output_tokens=16_000, pace_ms=0)
    read_events(connection, 1)

    connection.close()

    entry = mock.entry()
    assert entry["ended"] == "client_disconnected"
    assert entry["generated_tokens"] < 16_000


def test_a_whole_stream_is_complete_and_all_delivered(mock: Mock) -> None:
    mock.post(CHAT, {**BODY, "stream": True}, output_tokens=25, pace_ms=1)

    entry = mock.entry()
    assert entry["ended"] == "complete"
    assert entry["generated_tokens"] == entry["delivered_tokens"] == 25


def test_a_paced_stream_arrives_token_by_token(mock: Mock) -> None:
    connection = open_raw(mock, {**BODY, "stream": True}, output_tokens=500, pace_ms=PACE_MS)

    events = read_events(connection, 3)
    connection.close()

    assert events < 20


def test_the_journal_shows_which_key_arrived_but_not_the_key(mock: Mock) -> None:
    mock.post(CHAT, BODY)

    entry = mock.entry()
    assert entry["key_sha256"] == hashlib.sha256(KEY.encode()).hexdigest()[:12]
    assert entry["key_place"] == "authorization"
    assert KEY not in json.dumps(entry)


def test_the_journal_has_the_request_as_it_came(mock: Mock) -> None:
    body = b'{ "model":"gpt-4o-mini",  "messages":[{"role":"user","content":"\xc3\xa9"}] }'

    mock.http.post(
        f"{mock.url}{CHAT}?a=1&b=%20",
        content=body,
        headers={"authorization": "Bearer k", "x-odd-one": "1", **mock.headers()},
    )

    entry = mock.entry()
    kept = mock.http.get(f"{mock.url}/_mock/journal/{entry['id']}/body")
    assert entry["path"] == CHAT
    assert entry["query"] == "a=1&b=%20"
    assert "x-odd-one" in entry["header_names"]
    assert entry["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert entry["body_bytes"] == len(body)
    assert kept.content == body


def test_a_refused_call_is_journaled_and_bills_nothing(mock: Mock) -> None:
    mock.post(CHAT, BODY, status=500)

    entry = mock.entry()
    assert (entry["status"], entry["ended"], entry["billed_nanousd"]) == (500, "error", 0)
    assert entry["usage"]["input_tokens"] == 0


def test_the_summary_adds_up_the_entries(mock: Mock) -> None:
    for script in ({"output_tokens": 3}, {"status": 503}, {"output_tokens": 4}):
        mock.post(CHAT, BODY, **script)
    mock.post("/groq/openai/v1/chat/completions", {**BODY, "model": "llama-3.1-8b-instant"})

    summary = mock.summary()
    totals = summary["totals"]
    assert (totals["calls"], totals["failed"], totals["running"]) == (4, 1, 0)
    assert totals["billed_nanousd"] == sum(one["billed_nanousd"] for one in mock.entries())
    assert {one["provider"] for one in summary["models"]} == {"openai", "groq"}


def test_the_journal_filters(mock: Mock) -> None:
    mock.post(CHAT, BODY)
    mock.post(CHAT, {**BODY, "model": "gpt-4o"})
    second = mock.entries()[1]

    def found(**wanted: str | int) -> list[int]:
        query: dict[str, str | int] = {"tag": mock.tag, **wanted}
        answer = mock.http.get(f"{mock.url}/_mock/journal", params=query)
        return [entry["id"] for entry in answer.json()["entries"]]

    assert found(model="gpt-4o") == [second["id"]]
    assert found(provider="groq") == []
    assert found(since=second["at_ms"] + 1) == []


def test_an_unknown_filter_is_an_error(mock: Mock) -> None:
    answer = mock.http.get(f"{mock.url}/_mock/journal", params={"sinse": "1"})

    assert answer.status_code == 400
    assert "sinse" in answer.json()["error"]


def test_a_call_without_a_tag_has_none(mock: Mock) -> None:
    body = {**BODY, "user": mock.tag}
    mock.http.post(mock.url + CHAT, json=body, headers={"authorization": "Bearer k"})

    untagged = [
        entry
        for entry in mock.http.get(f"{mock.url}/_mock/journal").json()["entries"]
        if entry["tag"] is None and entry["body_bytes"] >= len(mock.tag)
    ]

    assert untagged


def test_openai_rejects_a_call_without_a_key(mock: Mock) -> None:
    answer = mock.http.post(mock.url + CHAT, json=BODY, headers=mock.headers())

    assert answer.status_code == 401
    assert mock.entry()["key_sha256"] is None
