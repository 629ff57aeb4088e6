"""Sums of spend: exact to the nano-dollar, by session, team, model and day."""

import random
from collections import Counter

import httpx
import psycopg
import pytest

from tests.database.conftest import as_service
from tests.database.rest_services import RestServices, store
from tests.queue_consumer.records import AT_MS, a_call

pytestmark = pytest.mark.stack

SPAN = {"p_from": "2026-11-01", "p_until": "2026-12-01"}
DAY_MS = 86_400_000


def spend(rest: httpx.Client, by: str, **arguments: object) -> list[dict[str, object]]:
    answer = rest.post(f"rpc/spend_by_{by}", json={**SPAN, **arguments}, headers=as_service())
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, object]] = answer.json()
    return rows


@pytest.mark.parametrize(("by", "column"), [("session", "session_id"), ("team", "team"), ("model", "model")])
def test_sums_are_exact_to_the_nano_dollar(by: str, column: str, services: RestServices, rest: httpx.Client) -> None:
    dice = random.Random(7)
    calls = [
        a_call(n, **{column: f"{column}-{dice.randrange(5)}"}, cost_nanousd=dice.randrange(10**12)) for n in range(300)
    ]
    expected: Counter[str] = Counter()
    for call in calls:
        expected[getattr(call, column)] += call.cost_nanousd

    store(calls, services)

    rows = spend(rest, by)
    assert {row[column]: row["cost_nanousd"] for row in rows} == expected
    costs = [row["cost_nanousd"] for row in rows]
    assert costs == sorted(costs, reverse=True)


def test_a_sum_beyond_what_a_float_holds_is_exact(services: RestServices, sql: psycopg.Connection) -> None:
    store([a_call(n, session_id="s", cost_nanousd=2**53 - 1) for n in range(3)], services)

    row = sql.execute("select cost_nanousd from spend_by_session('2026-11-01', '2026-12-01')").fetchone()

    assert row == (3 * (2**53 - 1),)


def test_a_day_begins_and_ends_at_midnight_utc(services: RestServices, rest: httpx.Client) -> None:
    midnight_ms = AT_MS - AT_MS % DAY_MS
    moments = (midnight_ms - 1, midnight_ms, midnight_ms + DAY_MS - 1, midnight_ms + DAY_MS)
    store([a_call(n, started_at_ms=at, cost_nanousd=10**n) for n, at in enumerate(moments)], services)

    rows = spend(rest, "day")

    assert [(row["day"], row["cost_nanousd"]) for row in rows] == [
        ("2026-11-17", 1),
        ("2026-11-18", 110),
        ("2026-11-19", 1_000),
    ]


def test_a_span_contains_its_beginning_but_not_its_end(services: RestServices, rest: httpx.Client) -> None:
    store(
        [
            a_call(1, started_at_ms=1_793_491_200_000, cost_nanousd=1),
            a_call(2, started_at_ms=1_796_083_200_000, cost_nanousd=2),
        ],
        services,
    )

    rows = spend(rest, "day")

    assert [(row["day"], row["cost_nanousd"]) for row in rows] == [("2026-11-01", 1)]


def test_requests_and_attempts_are_counted_apart(services: RestServices, rest: httpx.Client) -> None:
    store(
        [a_call(1, attempt=1, team="t"), a_call(1, attempt=2, team="t"), a_call(2, team="t")],
        services,
    )

    (row,) = spend(rest, "team")

    assert (row["requests"], row["attempts"], row["prompt_tokens"], row["completion_tokens"]) == (
        2,
        3,
        30,
        15,
    )


def test_the_same_session_id_of_two_tenants_is_two_sessions(services: RestServices, rest: httpx.Client) -> None:
    store(
        [
            a_call(1, session_id="s", cost_nanousd=1),
            a_call(2, session_id="s", tenant="beta", cost_nanousd=2),
        ],
        services,
    )

    rows = spend(rest, "session")

    assert [(row["tenant"], row["cost_nanousd"]) for row in rows] == [("beta", 2), ("acme", 1)]
    assert len(spend(rest, "session", p_tenant="acme")) == 1


def test_calls_without_a_team_are_counted_too(services: RestServices, rest: httpx.Client) -> None:
    store([a_call(1, team=None), a_call(2, team="t")], services)

    assert {row["team"] for row in spend(rest, "team")} == {None, "t"}


def test_only_as_many_rows_as_asked_for_come_back(services: RestServices, rest: httpx.Client) -> None:
    store([a_call(n, session_id=f"s{n}", cost_nanousd=n) for n in range(9)], services)

    assert [row["session_id"] for row in spend(rest, "session", p_rows_max=2)] == ["s8", "s7"]
