"""Dead letters as an operator sees them, and asking for a replay."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from core.telemetry import to_wire
from tests.database.conftest import as_service, as_tenant
from tests.queue_consumer.records import a_call

pytestmark = pytest.mark.stack

Ask = Callable[..., Any]

MESSAGES = {
    "a call": (to_wire(a_call(tenant="acme")), "acme", "call"),
    "no JSON": ("\\u0000 {", None, None),
    "no object": ('["acme"]', None, None),
    "odd members": ('{"tenant":{"a":1},"type":7}', '{"a": 1}', "7"),
    "nothing": ("", None, None),
    "an escaped NUL": ('{"tenant":"\\u0000"}', None, None),
}


@pytest.fixture
def service(rest: httpx.Client) -> Ask:
    def ask(function: str, **arguments: object) -> Any:
        answer = rest.post(f"rpc/{function}", json=arguments, headers=as_service())
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def bury(sql: psycopg.Connection, letter_id: str, message: str = "{}", at: str = "2026-11-18T00:00:00Z") -> None:
    sql.execute(
        "insert into dead_letters (letter_id, reason, message, buried_at) values (%s, 'why', %s, %s)",
        (letter_id, message, at),
    )


@pytest.mark.parametrize(("message", "tenant", "kind"), MESSAGES.values(), ids=MESSAGES)
def test_a_letter_is_shown_without_its_message(
    message: str, tenant: str | None, kind: str | None, service: Ask, sql: psycopg.Connection
) -> None:
    bury(sql, "l", message)

    (letter,) = service("dead_letters_page")

    assert letter == {
        "letter_id": "l",
        "reason": "why",
        "buried_at": "2026-11-18T00:00:00+00:00",
        "replay_requested_at": None,
        "replayed_at": None,
        "result": None,
        "tenant": tenant,
        "type": kind,
    }


def test_letters_of_one_moment_come_once_each_the_last_buried_first(service: Ask, sql: psycopg.Connection) -> None:
    for n in range(25):
        bury(sql, f"l{n:02}")
    bury(sql, "newest", at="2026-11-19T00:00:00Z")
    read: list[Any] = []

    while page := service(
        "dead_letters_page",
        p_after_buried_at=read[-1]["buried_at"] if read else None,
        p_after_letter_id=read[-1]["letter_id"] if read else None,
        p_rows_max=4,
    ):
        read += page

    assert [letter["letter_id"] for letter in read] == ["newest", *(f"l{n:02}" for n in reversed(range(25)))]


def test_a_replay_that_was_asked_for_is_found_by_whoever_does_it(service: Ask, sql: psycopg.Connection) -> None:
    bury(sql, "l")

    (letter,) = service("request_replay", p_letter_id="l")

    assert letter["replay_requested_at"] is not None
    assert [each["letter_id"] for each in service("dead_letters_to_replay", p_rows_max=9)] == ["l"]


def test_asking_again_keeps_the_place_of_one_that_waits(service: Ask, sql: psycopg.Connection) -> None:
    bury(sql, "l")
    first, again = (service("request_replay", p_letter_id="l")[0]["replay_requested_at"] for _ in range(2))

    assert first == again


def test_what_was_replayed_can_be_replayed_once_more(service: Ask, sql: psycopg.Connection) -> None:
    bury(sql, "l")
    (first,) = service("request_replay", p_letter_id="l")
    sql.execute("select finish_replay('l', 'buried again')")

    (again,) = service("request_replay", p_letter_id="l")

    assert again["replay_requested_at"] > first["replay_requested_at"]
    assert (again["replayed_at"], again["result"]) == (None, None)


def test_a_letter_that_nobody_knows_is_nothing(service: Ask) -> None:
    assert service("request_replay", p_letter_id="x") == []


@pytest.mark.parametrize("function", ["dead_letters_page", "request_replay"])
def test_letters_are_no_tenant_s(function: str, rest: httpx.Client) -> None:
    arguments = {"p_letter_id": "l"} if function == "request_replay" else {}

    assert rest.post(f"rpc/{function}", json=arguments, headers=as_tenant("acme")).status_code == 403
