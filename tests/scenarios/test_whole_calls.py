"""A call that is not streamed, whose isolate dies, whose ports fail or whose world goes dark at each of its awaits: no
hold stays, no money is lost or made, and there is a record of it or its charge is safe."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from core.ledger.messages import StatusRequest
from core.money.usage import COUNT_MAX
from core.tenant.documents import copy_text
from ports import LedgerUnreachable, QueueUnreachable
from sink import take
from tests.queue_consumer.scripted_services import ScriptedServices
from tests.support.api_client import ANSWER, BILLED_NANOUSD, CALL, Client, an_isolate
from tests.support.failover import an_error
from tests.support.memory_ports import START_MS, Killed, ScriptedAnswer, World

SETTINGS = {"GEMINI_API_KEY": "AIza-ours", "HOLD_TTL_MS": "20000", "FIRST_BYTE_TIMEOUT_MS": "40000"}
TTL_MS = 60_000
HELD_NANOUSD_MAX = 1_000 * 600 + 500 * 150

OUTAGES = {
    "ledger": frozenset({LedgerUnreachable}),
    "queue": frozenset({QueueUnreachable}),
    "ledger and queue": frozenset({LedgerUnreachable, QueueUnreachable}),
}


@dataclass
class Called:
    """A call and the world after it, when everything is back and the alarm has rung."""

    world: World
    status: int | None
    """None where nobody was left to answer."""
    spent_nanousd: int
    held_nanousd: int
    records: list[dict[str, Any]]
    """What became a row, each once."""


def a_world(answer: dict[str, Any] = ANSWER) -> World:
    world = World({"requests_per_minute": 1_000_000})
    world.answer = ScriptedAnswer(chunks=(json.dumps(answer).encode(),), world=world)
    return world


def play(world: World, path: str = "openai/v1/chat/completions", body: dict[str, Any] = CALL) -> Called:
    """Make the call, then let everything be back: the consumer's deliveries, the Ledger's outbox, its alarm."""
    isolate = an_isolate(**SETTINGS)
    status = None
    try:
        status = Client(world, isolate).call(body, f"/v1/proxy/{path}", x_agentwatch_session_id="s1").status
    except Killed:
        world.dies_at = None
    world.outage = world.fails_at = None
    ledger = world.ledger_of("acme")
    kept = list(iter(isolate.backlog.take, None))
    services = ScriptedServices(ledgers=world.ledger_of)
    texts = [*(json.dumps(record) for record in world.records), *ledger.outbox, *kept]
    asyncio.run(take(texts * 2, services))
    asyncio.run(take([json.dumps(record) for record in ledger.journal()] * 2, services))
    assert services.buried == []
    world.pass_time(2 * TTL_MS)
    ledger.service.sweep(world.now_ms())
    accounts = ledger.service.status(StatusRequest(include_tenant=True, session_id="s1"), world.now_ms()).accounts
    assert len({(account.spent_nanousd, account.held_nanousd) for account in accounts}) == 1
    rows = list(services.tables["llm_request_logs"].values())
    return Called(world, status, accounts[0].spent_nanousd, accounts[0].held_nanousd, rows)


AWAITS = range(1, play(a_world()).world.awaits + 1)
"""Every await of a call that nothing happens to: before and after each port's effect."""


def test_a_call_that_nothing_happens_to_is_charged_as_billed() -> None:
    called = play(a_world())

    assert (called.status, called.spent_nanousd, called.held_nanousd) == (200, BILLED_NANOUSD, 0)
    assert [record["cost_nanousd"] for record in called.records] == [BILLED_NANOUSD]
    assert len(AWAITS) >= 8


def test_a_usage_beyond_belief_is_settled_and_its_row_says_so() -> None:
    called = play(a_world({**ANSWER, "usage": {"prompt_tokens": 10**14, "completion_tokens": 10}}))

    assert (called.spent_nanousd, called.held_nanousd) == (COUNT_MAX * 150 + 10 * 600, 0)
    assert [(row["cost_nanousd"], row["is_estimated"]) for row in called.records] == [(called.spent_nanousd, True)]


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "gemini-2.5-pro"])
def test_a_prompt_turned_away_without_counts_costs_no_output(model: str) -> None:
    path = f"gemini/v1beta/models/{model}:generateContent"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}

    called = play(a_world({"promptFeedback": {"blockReason": "MODEL_ARMOR"}}), path, body)

    assert [row["completion_tokens"] for row in called.records] == [0]
    assert 0 < called.spent_nanousd < 50 * 1_250


@pytest.mark.parametrize("await_number", AWAITS)
def test_an_isolate_that_dies_leaves_no_hold_and_a_safe_charge(await_number: int) -> None:
    world = a_world()
    world.dies_at = await_number

    called = play(world)

    assert called.held_nanousd == 0
    assert called.spent_nanousd <= HELD_NANOUSD_MAX
    if world.sent:
        assert called.spent_nanousd >= BILLED_NANOUSD


@pytest.mark.parametrize("await_number", AWAITS)
def test_a_port_that_fails_once_changes_neither_charge_nor_record(await_number: int) -> None:
    world = a_world()
    world.fails_at = await_number

    called = play(world)

    (record,) = called.records
    assert (called.held_nanousd, called.spent_nanousd) == (0, record["cost_nanousd"])
    if called.status == 200:
        assert called.spent_nanousd == BILLED_NANOUSD
    else:
        # The answer's body broke off: it costs what can have been generated by then.
        assert (called.status, record["outcome"]) == (424, "failed")
        assert called.spent_nanousd <= HELD_NANOUSD_MAX


@pytest.mark.parametrize("parts", OUTAGES)
@pytest.mark.parametrize("await_number", AWAITS)
def test_an_outage_that_begins_anywhere_ends_with_the_books_right(await_number: int, parts: str) -> None:
    world = a_world()
    world.outage = (await_number, OUTAGES[parts])

    called = play(world)

    assert (called.status, called.spent_nanousd, called.held_nanousd) == (200, BILLED_NANOUSD, 0)
    assert [record["cost_nanousd"] for record in called.records] == [BILLED_NANOUSD]


def test_a_record_says_whether_the_ledger_knew_of_the_call() -> None:
    from_the_start, after_the_hold = a_world(), a_world()
    from_the_start.outage = (1, OUTAGES["ledger"])
    after_the_hold.outage = (4, OUTAGES["ledger"])

    flags = [play(world).records[0]["is_fail_open"] for world in (from_the_start, after_the_hold)]

    assert flags == [True, False]


def test_time_spent_waiting_for_the_provider_is_not_overhead() -> None:
    world = a_world()
    world.upstream_also = lambda: world.pass_time(700)

    (record,) = play(world).records

    assert (record["ttfb_ms"], record["latency_ms"], record["overhead_ms"]) == (700.0, 700.0, 0.0)
    assert record["started_at"].startswith("2026-11-")
    assert world.now_ms() == START_MS + 700 + 2 * TTL_MS


def test_an_answer_that_takes_as_long_as_it_may_is_still_held_for_and_not_yet_spent() -> None:
    world, during = a_world(), []

    def answer_late() -> None:
        world.pass_time(39_000)
        service = world.ledger_of("acme").service
        service.sweep(world.now_ms())
        (account,) = service.status(StatusRequest(session_id="s1"), world.now_ms()).accounts
        during.append((account.spent_nanousd, account.held_nanousd > 0))

    world.upstream_also = answer_late

    called = play(world)

    assert during == [(0, True)]
    assert (called.spent_nanousd, called.held_nanousd) == (BILLED_NANOUSD, 0)


# Along a chain -------------------------------------------------------------------------------------------------------

ASKED = {**CALL, "model": "gpt-4o"}
ASKED_HELD_NANOUSD_MAX = 1_000 * 10_000 + 500 * 2_500


def a_world_with_a_chain() -> World:
    """The first provider fails, and the next one serves."""
    world = a_world()
    failing, serving = an_error(503), world.answer
    failing.world = world
    world.answers = {"openai": [failing, serving]}
    chain = {"match": {"model": "gpt-4o"}, "hops": [{"provider": "openai", "model": "gpt-4o-mini"}]}
    text = json.dumps({"chains": [chain]})
    world.kv["t:acme:config"] = copy_text(1, {"config": '{"requests_per_minute": 1000000}', "failover": text})
    return world


def play_chain(world: World) -> Called:
    return play(world, body=ASKED)


AWAITS_OF_A_CHAIN = range(1, play_chain(a_world_with_a_chain()).world.awaits + 1)


def test_a_call_along_a_chain_has_a_row_for_each_attempt_and_costs_what_was_billed() -> None:
    called = play_chain(a_world_with_a_chain())

    assert (called.status, called.spent_nanousd, called.held_nanousd) == (200, BILLED_NANOUSD, 0)
    assert sorted((row["attempt"], row["cost_nanousd"]) for row in called.records) == [(1, 0), (2, BILLED_NANOUSD)]
    assert len(AWAITS_OF_A_CHAIN) >= 18


@pytest.mark.parametrize("await_number", AWAITS_OF_A_CHAIN)
def test_an_isolate_that_dies_on_a_chain_leaves_no_hold_and_a_safe_charge(await_number: int) -> None:
    world = a_world_with_a_chain()
    world.dies_at = await_number

    called = play_chain(world)

    assert called.held_nanousd == 0
    assert called.spent_nanousd <= ASKED_HELD_NANOUSD_MAX
    if world.sent:
        assert called.spent_nanousd >= BILLED_NANOUSD


@pytest.mark.parametrize("await_number", AWAITS_OF_A_CHAIN)
def test_a_port_that_fails_once_on_a_chain_changes_neither_charge_nor_records(await_number: int) -> None:
    world = a_world_with_a_chain()
    world.fails_at = await_number

    called = play_chain(world)

    assert (called.held_nanousd, called.spent_nanousd) == (0, sum(row["cost_nanousd"] for row in called.records))
    assert sorted(row["attempt"] for row in called.records) == [1, 2]
    if called.status == 200:
        assert called.spent_nanousd == BILLED_NANOUSD
    else:
        assert (called.status, called.spent_nanousd <= HELD_NANOUSD_MAX) == (424, True)


@pytest.mark.parametrize("parts", OUTAGES)
@pytest.mark.parametrize("await_number", AWAITS_OF_A_CHAIN)
def test_an_outage_that_begins_anywhere_on_a_chain_ends_with_the_books_right(await_number: int, parts: str) -> None:
    world = a_world_with_a_chain()
    world.outage = (await_number, OUTAGES[parts])

    called = play_chain(world)

    assert (called.status, called.spent_nanousd, called.held_nanousd) == (200, BILLED_NANOUSD, 0)
    assert sorted(row["cost_nanousd"] for row in called.records) == [0, BILLED_NANOUSD]
