"""What was recorded, read back over HTTP: usage equals what the Ledger charged, a follower sees every call once, and the
operator has dead letters dealt with again."""

import csv
import hashlib
import io
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest

from core.telemetry import to_wire
from tests.queue_consumer.records import a_call
from tests.runtime.conftest import Edge, Stack, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
TODAY = datetime.now(UTC).date()
SPAN = f"from={TODAY - timedelta(days=1)}&until={TODAY + timedelta(days=2)}"
MODELS = ("gpt-4o-mini", "gpt-4o")
TEAMS = ("search", "ads")


@dataclass
class Tenant:
    """A tenant that nobody has heard of before: its administrator, and a developer of each of two teams."""

    name: str
    admin: Edge
    developers: dict[str, Edge]


@pytest.fixture
def tenant(stack: Stack) -> Tenant:
    name = f"usage-{secrets.token_hex(4)}"

    def known(key_id: str, **record: Any) -> Edge:
        token = f"aw_live_{secrets.token_hex(24)}"
        record = {"tenant": name, "key_id": f"key_{key_id}", **record}
        stack.put_kv(f"key:{hashlib.sha256(token.encode()).hexdigest()}", record)
        return Edge(stack, token)

    stack.put_kv(f"t:{name}:config", {"requests_per_minute": 1_000_000})
    developers = {team: known(team, role="developer", team=team) for team in TEAMS}
    return Tenant(name, known("admin", role="admin"), developers)


@pytest.fixture
def operator(stack: Stack) -> Edge:
    return Edge(stack, stack.tokens["operator"])


def call(edge: Edge, model: str = "gpt-4o-mini", **headers: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}
    return edge.post(CHAT, body, **headers).status_code


def usage(edge: Edge, group_by: str, more: str = "") -> list[dict[str, Any]]:
    answer = edge.get(f"/v1/usage?{SPAN}&group_by={group_by}{more}")
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def usage_of(edge: Edge, group_by: str, attempts: int) -> dict[Any, Decimal]:
    """Dollars by name, once so many attempts are stored."""
    groups = eventually(
        lambda: usage(edge, group_by), lambda groups: sum(group["attempts"] for group in groups) == attempts
    )
    return {group.get(group_by): Decimal(group["cost_usd"]) for group in groups}


def spent(edge: Edge, path: str) -> Decimal:
    """By the Ledger, once nothing is held any more."""
    accounts = eventually(
        lambda: edge.get(path).json()["accounts"],
        lambda all_of_them: {each["held_usd"] for each in all_of_them} == {"0"},
    )
    return next(Decimal(each["spent_usd"]) for each in accounts if each["window"] in ("month", "session"))


def test_usage_is_what_the_ledger_charged_by_whatever_it_is_grouped(tenant: Tenant) -> None:
    admin, (search, ads) = tenant.admin, tenant.developers.values()
    for path in ("/v1/budget", *(f"/v1/teams/{team}/budget" for team in TEAMS)):
        assert admin.put(path, {"limit_usd": "50"}).status_code == 200
    made = [
        call(edge, model, x_agentwatch_session_id=f"{team}-{model}")
        for team, edge in tenant.developers.items()
        for model in MODELS
        for _ in range(2)
    ]
    made.append(call(ads, x_agentwatch_session_id="refused", x_agentwatch_budget_usd="0.00000001"))
    assert sorted(made) == [200] * 8 + [402]

    by_team = usage_of(admin, "team", attempts=9)

    charged = spent(admin, "/v1/budget")
    assert charged > 0
    assert by_team == {team: spent(admin, f"/v1/teams/{team}/budget") for team in TEAMS}
    sessions = {f"{team}-{model}" for team in TEAMS for model in MODELS}
    assert usage_of(admin, "session", attempts=9) == {
        **{session: spent(admin, f"/v1/sessions/{session}") for session in sessions},
        "refused": 0,
    }
    assert usage_of(admin, "outcome", attempts=9) == {"complete": charged, "refused": 0}
    assert usage_of(admin, "key", attempts=9) == {f"key_{team}": cost for team, cost in by_team.items()}
    for group_by in ("day", "model", "provider", ""):
        assert sum(usage_of(admin, group_by, attempts=9).values()) == charged
    assert usage_of(search, "team", attempts=4) == {"search": by_team["search"]}
    assert usage(search, "team", "&team=ads") == []


def test_usage_comes_as_a_table_for_spreadsheets_too(tenant: Tenant) -> None:
    assert call(tenant.developers["ads"], x_agentwatch_agent='=HYPERLINK("x")') == 200
    (costs,) = usage_of(tenant.admin, "agent", attempts=1).values()

    answer = tenant.admin.get(f"/v1/usage?{SPAN}&group_by=agent", accept="text/csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    names, row = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    assert (names[0], row[0]) == ("agent", '\'=HYPERLINK("x")')
    assert Decimal(row[-1]) == costs


def test_pages_of_usage_lose_and_double_no_group(tenant: Tenant) -> None:
    edge = tenant.developers["search"]
    for n in range(7):
        call(edge, x_agentwatch_session_id=f"s{n}")
    assert len(usage_of(edge, "session", attempts=7)) == 7
    read, after = [], ""

    while after is not None:
        page = edge.get(f"/v1/usage?{SPAN}&group_by=session&limit=2&after={after}").json()
        read += [group["session"] for group in page["data"]]
        after = page["next"]
        call(edge, x_agentwatch_session_id="s6")

    assert sorted(read) == [f"s{n}" for n in range(7)]


def test_a_follower_sees_each_of_200_calls_exactly_once(tenant: Tenant) -> None:
    edges, seen = [*tenant.developers.values()], []
    after = tenant.admin.get("/v1/calls").json()["next"]

    def look() -> None:
        nonlocal after
        answer = tenant.admin.get(f"/v1/calls?limit=7&after={after}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen.extend(page["data"])
        after = page["next"]

    with ThreadPoolExecutor(8) as pool:
        calls: list[Future[int]] = [pool.submit(call, edges[n % 2]) for n in range(200)]
        while not all(each.done() for each in calls):
            look()
    eventually(lambda: (look(), len(seen))[1], lambda count: count >= 200)
    for _ in range(3):
        look()

    assert [each.result() for each in calls] == [200] * 200
    assert len({each["request_id"] for each in seen}) == len(seen) == 200
    assert [each["stored_at"] for each in seen] == sorted(each["stored_at"] for each in seen)
    ads = tenant.developers["ads"].get("/v1/calls?limit=200").json()["data"]
    assert {each["team"] for each in ads} == {"ads"} and len(ads) == 100


def test_what_an_administrator_did_is_among_the_events(tenant: Tenant) -> None:
    assert tenant.admin.put("/v1/budget", {"limit_usd": "12.5"}).status_code == 200

    events = eventually(
        lambda: tenant.admin.get("/v1/events").json()["data"],
        lambda events: {event["kind"] for event in events} == {"budget", "auth", "access"},
    )

    (changed,) = (event for event in events if event["kind"] == "budget")
    assert (changed["change"], changed["limit_usd"], changed["actor"]) == ("limit_changed", "12.5", "key:key_admin")
    moments = [event["occurred_at"] for event in events]
    assert moments == sorted(moments, reverse=True)


def test_an_operator_has_a_dead_letter_dealt_with_again(tenant: Tenant, operator: Edge, stack: Stack) -> None:
    letter_id = hashlib.sha256(tenant.name.encode()).hexdigest()
    now_ms = int(datetime.now(UTC).timestamp() * 1_000)
    message = to_wire(a_call(tenant=tenant.name, request_id=f"req_{tenant.name}", started_at_ms=now_ms))
    with psycopg.connect(stack.postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "insert into dead_letters (letter_id, reason, message) values (%s, 'tried', %s)", (letter_id, message)
        )
    (letter,) = (each for each in operator.get("/v1/dead-letters").json()["data"] if each["letter_id"] == letter_id)
    assert (letter["tenant"], letter["type"], letter["replay_requested_at"]) == (tenant.name, "call", None)

    answer = httpx.post(f"{stack.edge_url}/v1/dead-letters/{letter_id}/replay", headers=operator.headers(), timeout=60)

    assert answer.json()["replay_requested_at"] >= now_ms - 1_000
    stack.run_cron("agentwatch-telemetry", "*/10 * * * *")
    (letter,) = (each for each in operator.get("/v1/dead-letters").json()["data"] if each["letter_id"] == letter_id)
    assert letter["result"] == "stored"
    assert [each["request_id"] for each in tenant.admin.get("/v1/calls").json()["data"]] == [f"req_{tenant.name}"]
    assert (
        httpx.post(
            f"{stack.edge_url}/v1/dead-letters/{'0' * 64}/replay", headers=operator.headers(), timeout=60
        ).status_code
        == 404
    )
    assert tenant.admin.get("/v1/dead-letters").status_code == 403
