"""Events page by page, the newest first: budgets, logins and requests in one order."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from core.telemetry import AccessRecord, AuthEvent, BudgetEvent, to_wire
from sink import take
from tests.database.conftest import as_team, as_tenant
from tests.database.rest_services import RestServices
from tests.queue_consumer.records import ACCESS, AT_MS, AUTH, BUDGET

pytestmark = pytest.mark.stack

KINDS = ["budget", "auth", "access"]

Ask = Callable[..., list[dict[str, Any]]]


def an_event(kind: str, number: int, **changes: Any) -> BudgetEvent | AuthEvent | AccessRecord:
    named: dict[str, Any] = {"tenant": "acme", **changes}
    match kind:
        case "budget":
            return msgspec.structs.replace(BUDGET, event_id=f"b{number:03}", **named)
        case "auth":
            return msgspec.structs.replace(AUTH, event_id=f"a{number:03}", **named)
    return msgspec.structs.replace(ACCESS, request_id=f"r{number:03}", **named)


def happened(services: RestServices, *events: BudgetEvent | AuthEvent | AccessRecord) -> None:
    asyncio.run(take([to_wire(event) for event in events], services))
    assert services.buried == []


@pytest.fixture
def events(rest: httpx.Client) -> Ask:
    def ask(headers: dict[str, str] | None = None, **arguments: object) -> list[dict[str, Any]]:
        answer = rest.post(
            "rpc/events_page", json={"p_kinds": KINDS, **arguments}, headers=headers or as_tenant("acme")
        )
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    return ask


def id_of(event: dict[str, Any]) -> str:
    return str(event.get("event_id") or event["request_id"])


def ids_of(events: list[dict[str, Any]]) -> list[str]:
    return [id_of(event) for event in events]


def test_every_event_of_one_millisecond_comes_once(events: Ask, services: RestServices) -> None:
    all_of_them = [an_event(KINDS[n % 3], n) for n in range(500)]
    for begins in range(0, 500, 100):
        happened(services, *all_of_them[begins : begins + 100])
    read: list[dict[str, Any]] = []

    while page := events(**behind(read), p_rows_max=37):
        read += page

    assert len(read) == 500
    assert len(set(ids_of(read))) == 500


def behind(read: list[dict[str, Any]]) -> dict[str, str]:
    if not read:
        return {}
    last = read[-1]
    return {"p_after_occurred_at": last["occurred_at"], "p_after_kind": last["kind"], "p_after_id": id_of(last)}


def test_kinds_are_in_one_order_the_newest_first(events: Ask, services: RestServices) -> None:
    happened(services, *(an_event(KINDS[n % 3], n, occurred_at_ms=AT_MS + n) for n in range(9)))

    assert [(event["kind"], id_of(event)[1:]) for event in events()] == [
        (KINDS[n % 3], f"{n:03}") for n in reversed(range(9))
    ]


def test_what_happens_or_goes_between_pages_moves_nothing_else(
    events: Ask, services: RestServices, sql: psycopg.Connection
) -> None:
    happened(services, *(an_event("budget", n, occurred_at_ms=AT_MS + n) for n in range(6)))
    first = events(p_rows_max=2)
    happened(services, an_event("auth", 9, occurred_at_ms=AT_MS + 9))
    sql.execute("delete from budget_events where event_id in ('b004', 'b003')")

    rest_of_them = events(**behind(first))

    assert ids_of(first) + ids_of(rest_of_them) == ["b005", "b004", "b002", "b001", "b000"]


def test_only_the_kinds_and_the_span_that_are_asked_for_come(events: Ask, services: RestServices) -> None:
    happened(services, *(an_event(kind, n, occurred_at_ms=AT_MS + n) for kind in KINDS for n in range(3)))
    starts, ends = "2026-11-18T11:06:40.124Z", "2026-11-18T11:06:40.125Z"

    assert {event["kind"] for event in events(p_kinds=["auth", "access"])} == {"auth", "access"}
    assert sorted(ids_of(events(p_from=starts, p_until=ends))) == ["a001", "b001", "r001"]


def test_nobody_sees_what_happened_to_others_and_a_team_sees_nothing(events: Ask, services: RestServices) -> None:
    happened(
        services,
        *(an_event(kind, 1) for kind in KINDS),
        *(an_event(kind, 2, tenant="beta") for kind in KINDS),
        an_event("auth", 3, tenant=None),
    )

    assert sorted(ids_of(events())) == ["a001", "b001", "r001"]
    assert sorted(ids_of(events(as_tenant("beta")))) == ["a002", "b002", "r002"]
    assert events(as_team("acme", "search")) == []
