"""Parts of the platform that hang, or go away while they are asked: nobody waits for ever, the Ledger's last word stands,
and no question that was given up on leaves money held for nobody."""

import asyncio
import json

import pytest

from app import handle
from core.ledger.messages import (
    AdmitRequest,
    ExtendDenied,
    ExtendRequest,
    SettleRequest,
)
from ports import LedgerUnreachable
from sink import take
from tests.queue_consumer.scripted_services import ScriptedServices
from tests.support.api_client import ANSWER, BILLED_NANOUSD, CALL, SSE, Client, an_isolate, sse
from tests.support.inbound import an_inbound
from tests.support.memory_ports import DEADLINE_MS, START_MS, TOKEN, ScriptedAnswer, World

LIMIT_NANOUSD = 1_000_000


def a_world(limit_nanousd=LIMIT_NANOUSD, **config):
    world = World({"requests_per_minute": 1_000_000, **config})
    world.set_month(limit_nanousd)
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


def call(world, body=CALL, isolate=None):
    return Client(world, isolate or an_isolate()).call(body)


def code_of(answer):
    return json.loads(answer.body)["error"]["code"]


def hold_everything(world):
    world.ledgers["acme"].service.admit(
        AdmitRequest(
            hold_id="rsv_other",
            want_nanousd=LIMIT_NANOUSD,
            least_nanousd=LIMIT_NANOUSD,
            floor_nanousd=0,
            ttl_ms=600_000,
        ),
        START_MS,
    )


def goes_away_during_the_pause(world, how):
    async def sleep_ms(duration_ms):
        world.pass_time(duration_ms)
        how()

    world.sleep_ms = sleep_ms


WAYS_TO_GO = {
    "away": lambda world: setattr(world, "is_ledger_away", True),
    "hanging": lambda world: world.hanging.add("ledger.admit"),
}


@pytest.mark.parametrize("goes", WAYS_TO_GO.values(), ids=WAYS_TO_GO)
def test_a_call_that_the_ledger_refused_stays_refused_when_it_goes_away(goes):
    world = a_world()
    hold_everything(world)
    goes_away_during_the_pause(world, lambda: goes(world))

    answer = call(world)

    assert (answer.status, code_of(answer)) == (402, "budget_exhausted")
    assert world.sent == []


def test_a_grant_that_a_refused_call_did_not_hear_is_given_back():
    world = a_world()
    hold_everything(world)

    def becomes_rich_and_silent():
        world.set_month(10 * LIMIT_NANOUSD)
        world.hanging.add("ledger.admit answer")

    goes_away_during_the_pause(world, becomes_rich_and_silent)

    assert call(world).status == 402
    assert world.month() == (0, LIMIT_NANOUSD)


def chunk(words):
    return sse({"id": "c", "choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}]})


@pytest.mark.parametrize("goes", [LedgerUnreachable(), LedgerUnreachable(has_hung=True)], ids=["away", "hanging"])
def test_a_stream_whose_slice_the_ledger_refused_gets_none_of_the_allowance(goes):
    world = a_world(400_000)
    world.answer = ScriptedAnswer(headers=SSE, chunks=(chunk("word " * 4),) * 300, world=world)
    ledger, refusals = world.ledgers["acme"], []
    tell = ledger.tell

    async def refuses_once(question):
        if refusals and isinstance(question, ExtendRequest):
            raise goes
        answer = await tell(question)
        if isinstance(answer, ExtendDenied):
            refusals.append(answer)
        return answer

    ledger.tell = refuses_once

    passed = call(world, {**CALL, "stream": True, "max_tokens": 100_000}).body

    assert len(refusals) == 1
    assert b'"cause":"budget_exhausted"' in passed
    (record,) = world.records
    assert (record["outcome"], record.get("is_fail_open", False)) == ("cut", False)


def test_a_stream_takes_nothing_from_the_allowance_where_no_debt_could_be_kept():
    world = a_world(400_000)
    world.answer = ScriptedAnswer(headers=SSE, chunks=(chunk("word " * 4),) * 300, world=world)
    world.hanging.add("ledger.extend")
    isolate = an_isolate()
    while not isolate.backlog.is_full:
        isolate.backlog.keep(json.dumps("x" * 10_000))

    call(world, {**CALL, "stream": True, "max_tokens": 100_000}, isolate)

    (record,) = (record for record in world.records if isinstance(record, dict) and record.get("type") == "call")
    assert (record["outcome"], record.get("is_fail_open", False)) == ("cut", False)


def test_a_ledger_that_hangs_is_waited_for_once_and_the_call_goes_on():
    world = a_world()
    world.hanging |= {"ledger.admit", "ledger.record"}

    answer = call(world)

    assert answer.status == 200
    assert int(answer.headers["x-agentwatch-overhead-ms"]) == DEADLINE_MS
    assert [record["type"] for record in world.records] == ["alert", "debt"]


HANGING = [
    {"ledger.admit"},
    {"ledger.admit answer"},
    {"ledger.settle"},
    {"ledger.settle answer"},
    {"queue"},
    {"queue", "ledger.keep"},
    {"ledger.admit answer", "ledger.record"},
]


@pytest.mark.parametrize("parts", HANGING, ids=lambda parts: " and ".join(sorted(parts)))
@pytest.mark.parametrize("is_streaming", [False, True], ids=["whole", "streamed"])
def test_a_part_that_hangs_changes_neither_answer_nor_charge(parts, is_streaming):
    world = a_world(100 * LIMIT_NANOUSD)
    if is_streaming:
        end = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10}}\n\ndata: [DONE]\n\n'
        world.answer = ScriptedAnswer(headers=SSE, chunks=(chunk("word"), end))
    world.hanging |= parts

    isolate = an_isolate()

    answer = call(world, {**CALL, "stream": is_streaming}, isolate)

    assert answer.status == 200
    kept = list(iter(isolate.backlog.take, None))
    texts = [*(json.dumps(record) for record in world.records), *world.ledgers["acme"].outbox, *kept]
    world.hanging.clear()
    services = ScriptedServices(ledgers=world.ledger_of)
    asyncio.run(take(texts, services))
    asyncio.run(take([json.dumps(record) for record in world.ledgers["acme"].journal()], services))
    assert world.month() == (BILLED_NANOUSD, 0)
    assert [row["cost_nanousd"] for row in services.tables["llm_request_logs"].values()] == [BILLED_NANOUSD]


def test_a_ledger_that_hangs_is_told_the_charge_once_and_the_queue_then():
    """Each try would take its whole time, and all of it must fit into what a Worker has after its client left."""
    world = a_world()
    world.hanging.add("ledger.settle")

    call(world)

    assert world.now_ms() == START_MS + DEADLINE_MS
    assert [record["type"] for record in world.records] == ["debt"]


@pytest.mark.parametrize(("losses", "records"), [(2, ["call"]), (3, ["debt"])])
def test_a_charge_is_told_three_times_before_it_is_a_debt(losses, records):
    world = a_world()
    ledger = world.ledgers["acme"]
    tell, tries = ledger.tell, []

    async def loses(question):
        if isinstance(question, SettleRequest):
            tries.append(question)
            if len(tries) <= losses:
                raise LedgerUnreachable
        return await tell(question)

    ledger.tell = loses
    call(world)

    assert [record["type"] for record in world.records] == records
    assert len(tries) == 3


def test_a_refused_call_whose_question_was_heard_too_late_holds_nothing():
    world = a_world(fail_closed=True)
    world.hanging.add("ledger.admit answer")

    assert (answer := call(world)).status == 503, answer
    assert world.sent == []
    assert world.month() == (0, 0)


def test_a_key_value_store_that_hangs_does_not_keep_a_known_caller_waiting_for_ever():
    world, isolate = a_world(), an_isolate()
    call(world, isolate=isolate)
    world.hanging.add("kv")
    world.pass_time(3_600_000)

    assert call(world, isolate=isolate).status == 200


def test_a_configuration_that_cannot_be_read_lets_nothing_through_that_it_may_limit():
    world = World()
    world.kv["t:acme:config"] = '{"session_budget_usd": "0.01"}'  # by hand, so the Ledger knows nothing of it
    world.failing_keys.add("t:acme:config")

    assert call(world).status == 503
    assert world.sent == []


def test_an_older_read_of_a_key_that_arrives_later_does_not_enable_it_again():
    world, isolate = a_world(), an_isolate()
    (key,) = (name for name in world.kv if name.startswith("key:"))
    arrives = world.late[key] = asyncio.Event()

    async def overtaken():
        first = asyncio.ensure_future(ask(world, isolate))
        await asyncio.sleep(0)
        del world.late[key]
        world.kv[key] = json.dumps({**json.loads(world.kv[key]), "disabled": True})
        world.pass_time(1)
        second = await ask(world, isolate)
        arrives.set()
        await first
        return second, await ask(world, isolate)

    second, third = world.run(overtaken())

    assert (second.status, third.status) == (401, 401)


async def ask(world, isolate):
    headers = {"authorization": f"Bearer {TOKEN}"}
    return await handle(an_inbound("GET", "/v1/sessions", "", headers, b""), world.ports(), isolate)
