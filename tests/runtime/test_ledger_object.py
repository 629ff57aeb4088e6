"""The Ledger's object in workerd: money is conserved while clients race, replies get lost and the object is dropped."""

import asyncio
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local.stack import Stack
from tests.runtime.conftest import Edge, eventually
from tests.runtime.ledger_workers import COUNTED_HOST, DIRECT_HOST, counted_worker, direct_worker

pytestmark = pytest.mark.stack

TTL_MS = 1_500
CALLS = 150
TRIES_MAX = 20


@pytest.fixture(scope="module")
def ledger_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, without a database: nothing else is to slow the races down."""
    state: Path = tmp_path_factory.mktemp("ledger") / "state"
    with Stack(state, with_database=False, extra_workers=[direct_worker(), counted_worker()]) as running:
        yield running


class DirectLedger:
    """One tenant's Ledger by RPC. An answer that got lost is asked for again with the same message."""

    def __init__(self, stack: Stack, client: httpx.AsyncClient, tenant: str) -> None:
        self._stack = stack
        self._client = client
        self.tenant = tenant

    async def call(self, question: str, **message: Any) -> dict[str, Any]:
        body = {"tenant": self.tenant, "text": json.dumps({"type": question, **message})}
        for _ in range(TRIES_MAX):
            response = await self._client.post(self._stack.edge_url, json=body, headers={"host": DIRECT_HOST})
            if response.status_code == 200:
                return dict(response.json())
        raise AssertionError(response.text)

    async def evict(self) -> None:
        """Drop the object from memory; the next call wakes it."""
        await asyncio.to_thread(self._stack.evict, self.tenant)

    async def account(self, **scopes: Any) -> dict[str, Any]:
        return dict((await self.call("status", **scopes))["accounts"][0])


async def one_call(ledger: DirectLedger, number: int, chance: random.Random) -> tuple[str, int, int] | None:
    """Hold, perhaps extend, then settle or abandon. Returns the hold's id, its charge, and the most it may be."""
    hold_id = f"rsv_{number}"
    admission = {
        "hold_id": hold_id, "want_nanousd": chance.randint(50, 500), "least_nanousd": 50, "floor_nanousd": 40,
        "ttl_ms": TTL_MS, "session_id": f"s{number % 3}", "team": "search", "slice_nanousd": 60,
        "session_limit_nanousd": 2_500,
    }  # fmt: skip
    answer = await ledger.call("admit", **admission)
    if answer["type"] != "granted":
        return None
    if chance.random() < 0.3:
        again = await ledger.call("admit", **admission)
        assert again["granted_nanousd"] == answer["granted_nanousd"], "a replay gets the first answer"
    granted, metered, is_open = answer["granted_nanousd"], None, True
    for _ in range(chance.randint(0, 3)):
        wanted = {"hold_id": hold_id, "want_nanousd": granted + 60, "least_nanousd": granted + 1, "ttl_ms": TTL_MS}
        extended = await ledger.call("extend", **wanted, metered_nanousd=max(granted - 10, metered or 0))
        if extended["type"] == "conflict":
            # While its question was lost and asked again, the hold expired: only a settlement can tell now.
            is_open = False
            break
        metered = max(granted - 10, metered or 0)
        granted = extended["granted_nanousd"]
    if is_open and chance.random() < 0.25:
        return hold_id, granted if metered is None else max(metered, min(40, granted)), granted
    actual = chance.randint(0, granted)
    settlement = {"hold_id": hold_id, "actual_nanousd": actual}
    for _ in range(chance.choice([1, 1, 2])):
        assert (await ledger.call("settle", **settlement))["charged_nanousd"] == actual
    return hold_id, actual, -1


def test_no_nano_dollar_is_lost_while_clients_race_and_the_object_is_dropped_again_and_again(ledger_stack):
    async def race() -> None:
        chance = random.Random(20_261_124)
        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            ledger = DirectLedger(ledger_stack, client, "race")
            limit = {"kind": "team", "id": "search", "window": "month", "limit_nanousd": 6_000}
            await ledger.call("configure", **limit)
            calls = [asyncio.create_task(one_call(ledger, n, random.Random(chance.random()))) for n in range(CALLS)]
            evictions = 0
            while not all(call.done() for call in calls):
                await ledger.evict()
                evictions += 1
                account = await ledger.account(team="search")
                taken = account["spent_nanousd"] + account["held_nanousd"]
                assert taken <= 6_000, "held and spent stay within the limit at every moment"
            done = [result for result in await asyncio.gather(*calls) if result is not None]
            await check_sums(ledger, done)
            assert evictions >= 3
            assert CALLS // 5 < len(done) < CALLS, "some calls were refused"

    asyncio.run(race())


async def check_sums(ledger: DirectLedger, done: list[tuple[str, int, int]]) -> None:
    """Once nothing is held any more, every account says what the calls cost; then late settlements correct it."""

    async def spent_of_all() -> list[int]:
        sessions = [await ledger.account(session_id=f"s{number}") for number in range(3)]
        team = await ledger.account(team="search")
        tenant = (await ledger.call("status", include_tenant=True))["accounts"]
        return [sum(each["spent_nanousd"] for each in sessions), *(each["spent_nanousd"] for each in (team, *tenant))]

    while (await ledger.account(team="search"))["held_nanousd"]:
        # Every question may wake the object; only its alarm ends what nobody settled.
        await ledger.evict()
    assert await spent_of_all() == [sum(charge for _, charge, _ in done)] * 5

    late = [(hold_id, granted // 2) for hold_id, _, granted in done if granted >= 0]
    assert late, "some calls were abandoned"
    for hold_id, actual in late:
        settled = await ledger.call("settle", hold_id=hold_id, actual_nanousd=actual)
        assert (settled["type"], settled["was_expired"]) == ("settled", True)
    await ledger.evict()
    on_time = sum(charge for _, charge, granted in done if granted < 0)
    assert await spent_of_all() == [on_time + sum(actual for _, actual in late)] * 5


def counted(stack: Stack, tenant: str, *calls: tuple[str, dict[str, Any]]) -> list[tuple[dict[str, Any], int, int]]:
    """Answers of a Ledger that counts: each with the rows it read and the rows it wrote."""
    return [tuple(each) for each in ask_counted(stack, tenant, "counted", *calls)]


def ask_counted(stack: Stack, tenant: str, how: str, *calls: tuple[str, dict[str, Any]]) -> Any:
    body = {"tenant": tenant, "how": how, "calls": calls}
    response = httpx.post(stack.edge_url, json=body, headers={"host": COUNTED_HOST}, timeout=120)
    assert response.status_code == 200, response.text
    return response.json()


def admission(number: int, session: str) -> tuple[str, dict[str, Any]]:
    message = {"hold_id": f"rsv_{number}", "want_nanousd": 10, "least_nanousd": 5, "floor_nanousd": 1}
    return "admit", {**message, "ttl_ms": 600_000, "session_id": session, "team": "search"}


def settlement(number: int) -> tuple[str, dict[str, Any]]:
    return "settle", {"hold_id": f"rsv_{number}", "actual_nanousd": 7}


@pytest.mark.parametrize("others", [0, 2_000])
def test_a_call_writes_one_row_to_admit_and_one_to_settle_whatever_else_is_held(ledger_stack, others):
    tenant = f"rows-{others}"
    for start in range(0, others, 500):
        counted(ledger_stack, tenant, *(admission(n, f"s{n}") for n in range(start, start + 500)))
    counted(ledger_stack, tenant, admission(others, "s"))

    calls = [call for n in range(others + 1, others + 51) for call in (admission(n, "s"), settlement(n))]
    answers = counted(ledger_stack, tenant, *calls)

    assert {answer["type"] for answer, _, _ in answers} == {"granted", "settled"}
    assert [written for _, _, written in answers] == [1] * 100
    assert max(read for _, read, _ in answers) <= 10


def test_forgetting_old_holds_is_billed_by_the_table_and_not_by_the_hold(ledger_stack):
    calls = [call for n in range(400) for call in (admission(n, "s"), settlement(n))]
    counted(ledger_stack, "forgetting", *calls)

    sweeps = [("sweep", {"later_ms": minutes * 60_000}) for minutes in (1, 6, 30, 40)]
    answers = counted(ledger_stack, "forgetting", *sweeps)
    (late,) = counted(ledger_stack, "forgetting", settlement(1))

    assert late[0]["type"] == "conflict", "the hold is forgotten"
    assert sum(written for _, _, written in answers) < 40


def test_what_is_not_delivered_outlives_the_holds_in_tables_set_apart(ledger_stack):
    for number in range(3):
        settle, end = settlement(number)
        record = {"type": "call", "request_id": f"req_{number}"}
        counted(ledger_stack, "undelivered", admission(number, "s"), (settle, {**end, "record": record}))
        # The object's own alarm delivers nothing of it: the counting Ledger's way in never plans one.
        sweeps = [("sweep", {"later_ms": (number * 60 + minutes) * 60_000}) for minutes in (1, 7, 30, 31)]
        counted(ledger_stack, "undelivered", *sweeps)
    (forgotten,) = counted(ledger_stack, "undelivered", settlement(0))

    (first,), (second,) = (counted(ledger_stack, "undelivered", ("journal", {})) for _ in range(2))

    assert forgotten[0]["type"] == "conflict"
    entries = [entry for text in first[0]["texts"] for entry in json.loads(text)["entries"]]
    assert [entry["record"]["request_id"] for entry in entries] == ["req_0", "req_1", "req_2"]
    assert second[0]["texts"] == []


@pytest.mark.parametrize("statements", range(8))
def test_a_fault_of_the_storage_leaves_no_difference_between_memory_and_rows(ledger_stack, statements):
    """The call that met it is answered as by a ledger out of reach; repeated, it does what it would have done."""

    def ask(method: str, message: dict[str, Any]) -> dict[str, Any]:
        return dict(ask_counted(ledger_stack, f"fault-{statements}", "interrupted", (method, message)))

    ask("configure", {"kind": "team", "id": "search", "window": "month", "limit_nanousd": 16})
    ask(*admission(1, "s"))
    ask(*admission(2, "s"))
    method, message = "settle", {"hold_id": "rsv_1", "actual_nanousd": 13}
    first = ask(method, {**message, "fails_after": statements})
    again = ask(method, message)
    account = ask("status", {"team": "search"})["accounts"][0]

    assert first["type"] in ("fault", "settled")
    assert statements > 0 or first["type"] == "fault"
    assert (again["type"], again["charged_nanousd"]) == ("settled", 13)
    assert (account["spent_nanousd"], account["held_nanousd"]) == (13, 6)


@pytest.mark.parametrize(
    "bad",
    [
        {"want_nanousd": -5, "least_nanousd": -5},
        {"want_nanousd": 10**17},
        {"want_nanousd": 2**70},
        {"ttl_ms": 10**15},
        {"ttl_ms": -1},
        {"session_limit_nanousd": -1},
        {"least_nanousd": 50},
        {"hold_id": "x" * 5_000},
        {"rate_limits": {"tenant_requests_per_minute": 0}},
    ],
    ids=str,
)
def test_a_bad_message_changes_nothing_and_the_object_lives_on(ledger_stack, bad):
    async def ask() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            ledger = DirectLedger(ledger_stack, client, "bad")
            method, good = admission(1, "s")
            assert (await ledger.call(method, **{**good, "hold_id": "rsv_bad", **bad}))["type"] == "fault"
            await ledger.evict()
            answer = await ledger.call(method, **good)
            assert (answer["type"], (await ledger.account(team="search"))["held_nanousd"]) == ("granted", 10)

    asyncio.run(ask())


def test_a_budget_that_passes_its_threshold_is_told_once_and_recorded(stack, admin, run):
    """End to end: outbox, alarm, queue, telemetry Worker, PostgreSQL."""
    admin.put("/v1/teams/alerted/budget", {"limit_usd": "0.0000005"})
    token = "aw_live_" + "a1" * 24
    stack.put_kv(f"key:{hashlib.sha256(token.encode()).hexdigest()}", {"tenant": "demo", "team": "alerted"})
    report = {"model": "gpt-4o-mini", "prompt_tokens": 1, "completion_tokens": 1, "latency_ms": 1}
    answers = [Edge(stack, token).post("/v1/ingest", {**report, "event_id": f"{run}-{n}"}) for n in range(4)]
    assert [answer.text for answer in answers] == ["Success"] * 4

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(stack.postgres_dsn) as connection:
            return connection.execute(sql).fetchall()

    told = eventually(
        lambda: rows(
            "select dispatch_key from report_dispatches where kind = 'alert' and dispatch_key like '%alerted%'"
            " and result is not null order by 1"
        ),
        lambda found: len(found) == 2,
    )
    assert [key.rsplit(":", 1)[0] for (key,) in told] == [
        "budget_exhausted:team:alerted:month",
        "budget_threshold:team:alerted:month",
    ]
    events = "select change, limit_nanousd from budget_events where scope_id = 'alerted' and key_id is null"
    assert eventually(lambda: rows(events), bool) == [("threshold_reached", 500)]
