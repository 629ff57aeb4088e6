"""`app.handle` when all of a budget is held by other calls: who waits, who goes on, who is refused."""

import json

import pytest

from core.ledger.document_messages import WriteRequest
from core.ledger.messages import AdmitRequest, ConfigureRequest, SettleRequest
from tests.support.api_client import ANSWER, Client, an_isolate
from tests.support.memory_ports import START_MS, ScriptedAnswer, World

LIMIT = ConfigureRequest(kind="session", id="s", window="session", limit_nanousd=1_000_000)
EVERYTHING = AdmitRequest(
    hold_id="rsv_other",
    want_nanousd=1_000_000,
    least_nanousd=1_000_000,
    floor_nanousd=0,
    ttl_ms=600_000,
    session_id="s",
    team="search",
)


@pytest.fixture
def isolate():
    return an_isolate()


def a_full_world(settles_at, **config):
    """A session whose whole budget is held by one call, which settles after the n-th pause of another."""
    world = World({"requests_per_minute": 1, **config})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    service = world.ledger_of("acme").service
    service.configure(LIMIT, START_MS)
    service.admit(EVERYTHING, START_MS)
    world.pauses = []

    async def sleep_ms(duration_ms):
        world.pauses.append(duration_ms)
        world.pass_time(duration_ms)
        if len(world.pauses) == settles_at:
            service.settle(SettleRequest(hold_id="rsv_other", actual_nanousd=10), world.now_ms())

    world.sleep_ms = sleep_ms
    return world


def call(world, isolate):
    return Client(world, isolate).call(x_agentwatch_session_id="s")


def test_a_call_waits_for_money_that_is_only_held(isolate):
    world = a_full_world(settles_at=3)

    assert call(world, isolate).status == 200
    assert len(world.pauses) == 3


def test_waiting_counts_once_against_the_rate_limit(isolate):
    world = a_full_world(settles_at=2)

    assert call(world, isolate).headers["x-agentwatch-attempts"] == "1"
    assert call(world, isolate).status == 429


def test_a_call_whose_patience_ends_is_out_of_budget(isolate):
    world = a_full_world(settles_at=None)

    answer = call(world, isolate)

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (402, "budget_exhausted")
    assert sum(world.pauses) == 30_000
    assert world.sent == []


def test_a_tenant_that_does_not_wait_is_refused_at_once(isolate):
    world = a_full_world(settles_at=1, budget_wait_s=0)

    assert call(world, isolate).status == 402
    assert world.pauses == []


def test_a_call_whose_documents_change_while_it_waits_counts_once_against_the_rate(isolate):
    world = a_full_world(settles_at=3)
    sleep_ms, documents = world.sleep_ms, world.ledgers["acme"].service.documents

    async def changed_meanwhile(duration_ms):
        await sleep_ms(duration_ms)
        if len(world.pauses) == 1:
            documents.write(WriteRequest(kind="config", text='{"requests_per_minute": 1}'), world.now_ms())

    world.sleep_ms = changed_meanwhile

    assert call(world, isolate).status == 200
    assert len(world.pauses) == 3
