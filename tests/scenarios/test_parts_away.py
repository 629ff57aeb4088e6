"""`app.handle` with parts of the world taken away: traffic goes on within its bound, and the books are right after."""

import asyncio
import json

import pytest

from core.ledger.messages import ConfigureRequest
from isolate import Isolate
from settings import parse_settings
from sink import take
from tests.queue_consumer.scripted_services import ScriptedServices
from tests.support.api_client import ANSWER, BILLED_NANOUSD, CALL, CHAT, SSE, Client, an_isolate
from tests.support.memory_ports import START_MS, TOKEN, ScriptedAnswer, World


@pytest.fixture
def isolate():
    return an_isolate()


def a_world(**config):
    world = World({"requests_per_minute": 1_000_000, **config})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


def call(world, isolate, body=CALL, path=CHAT, **headers):
    return Client(world, isolate).call(body, path, **headers)


def collect_debts(world):
    """Deliver what is on the queue to the telemetry Worker's sink, and then what the Ledger has come to know by that."""
    services = ScriptedServices(ledgers=world.ledger_of)
    verdicts = asyncio.run(take([json.dumps(record) for record in world.records], services))
    world.deliver_journals()
    return verdicts


def calls_in(world):
    return [record for record in world.records if record["type"] == "call"]


def test_a_call_is_held_sent_settled_and_recorded(isolate):
    world = a_world()

    answer = call(world, isolate)

    assert answer.status == 200
    assert answer.headers["x-agentwatch-cost-usd"] == "0.000021"
    assert world.month() == (BILLED_NANOUSD, 0)
    assert [(record["type"], record["outcome"], record["cost_nanousd"]) for record in world.records] == [
        ("call", "complete", BILLED_NANOUSD)
    ]


def test_without_the_ledger_a_call_goes_on_and_is_charged_when_it_is_back(isolate):
    world = a_world()
    world.is_ledger_away = True

    assert call(world, isolate).status == 200
    assert [record["type"] for record in world.records] == ["alert", "debt"]

    world.is_ledger_away = False
    collect_debts(world)
    collect_debts(world)

    assert world.month() == (BILLED_NANOUSD, 0)
    assert [(record["cost_nanousd"], record["is_fail_open"]) for record in calls_in(world)] == [(BILLED_NANOUSD, True)]


def test_a_call_let_through_by_a_lost_answer_is_charged_at_its_end_once(isolate):
    world = a_world()
    world.admissions_unheard = 2

    call(world, isolate)

    assert [record["type"] for record in world.records] == ["alert", "call"]
    assert world.month() == (BILLED_NANOUSD, 0)


def test_a_settlement_that_the_ledger_did_not_hear_is_made_up_for(isolate):
    world = a_world()
    world.upstream_also = lambda: setattr(world, "is_ledger_away", True)

    call(world, isolate)
    assert [record["type"] for record in world.records] == ["debt"]

    world.is_ledger_away = False
    assert world.month()[1] > BILLED_NANOUSD
    collect_debts(world)
    assert world.month() == (BILLED_NANOUSD, 0)
    assert [record["cost_nanousd"] for record in calls_in(world)] == [BILLED_NANOUSD]


def test_with_ledger_and_queue_both_away_the_charge_is_kept_until_the_queue_is_back(isolate):
    world = a_world()
    world.is_ledger_away = world.is_queue_away = True
    call(world, isolate)
    assert (world.records, len(isolate.backlog)) == ([], 2)

    world.is_ledger_away = world.is_queue_away = False
    call(world, isolate)
    collect_debts(world)

    assert [record["type"] for record in world.records] == ["alert", "debt", "call", "call"]
    assert world.month() == (2 * BILLED_NANOUSD, 0)


def test_when_no_charge_can_be_kept_any_more_nothing_passes(isolate):
    world = a_world()
    world.is_ledger_away = world.is_queue_away = True
    while not isolate.backlog.is_full:
        isolate.backlog.keep("x" * 10_000)

    assert call(world, isolate).status == 503
    assert world.sent == []


def test_without_the_ledger_no_more_passes_than_the_allowance(isolate):
    world = a_world(outage_allowance_usd="0.0015")
    world.is_ledger_away = True
    world.answer = ScriptedAnswer(
        chunks=(json.dumps({**ANSWER, "usage": {"prompt_tokens": 0, "completion_tokens": 1_000}}).encode(),)
    )

    answers = [call(world, isolate) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 503, 503]
    assert len(world.sent) * 1_000 * 600 <= 1_500_000
    assert json.loads(answers[-1].body)["error"]["code"] == "budget_unavailable"


def test_a_tenant_that_fails_closed_is_refused_without_the_ledger(isolate):
    world = a_world(fail_closed=True)
    world.is_ledger_away = True

    assert call(world, isolate).status == 503
    assert world.sent == []


def test_without_kv_a_known_token_carries_on_and_an_unknown_one_is_told_to_wait(isolate):
    world = a_world()
    call(world, isolate)
    world.is_kv_away = True
    world.pass_time(3_600_000)

    assert call(world, isolate).status == 200
    assert call(world, isolate, authorization="Bearer aw_live_" + "0" * 48).status == 503


def with_static_token():
    return an_isolate(TENANT_TOKEN_MAP=json.dumps({"aw_live_static": "acme"}))


def test_without_kv_the_static_map_carries_on_for_a_tenant_whose_configuration_is_known():
    world, isolate = a_world(), with_static_token()
    call(world, isolate)
    world.is_kv_away = True

    assert call(world, isolate, authorization="Bearer aw_live_static").status == 200


def test_a_configuration_that_cannot_be_read_is_not_an_empty_one():
    world, isolate = a_world(unpriced_models="block"), with_static_token()
    world.is_kv_away = world.is_ledger_away = True

    refused = call(world, isolate, authorization="Bearer aw_live_static")

    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (503, "tenants_unavailable")
    assert refused.headers["retry-after-ms"] == "2000"
    assert world.sent == []


def test_a_configuration_that_cannot_be_read_again_holds_as_it_was(isolate):
    world = a_world(unpriced_models="block")
    call(world, isolate)
    world.is_kv_away = True
    world.pass_time(600_000)

    assert call(world, isolate, {**CALL, "model": "unheard-of"}).status == 400


def test_a_budget_check_of_which_neither_ledger_nor_kv_knows_anything_says_so(isolate):
    world = a_world()
    call(world, isolate)
    world.is_ledger_away = True

    answer = Client(world, isolate).ask("GET", "/v1/budget-check?session_id=run-7")

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (503, "budget_unavailable")


def test_without_the_queue_a_charged_call_waits_in_the_ledger_s_journal(isolate):
    world = a_world()
    world.is_queue_away = True

    call(world, isolate)

    world.wake_ledger("acme")
    assert (world.records, world.ledgers["acme"].outbox) == ([], [])
    assert [record["outcome"] for record in world.ledgers["acme"].journal()] == ["complete"]


def test_without_the_queue_a_refusal_waits_in_the_ledger_s_outbox(isolate):
    world = a_world(unpriced_models="block")
    world.is_queue_away = True

    call(world, isolate, {**CALL, "model": "nobody-knows-1"})

    world.set_month(1)
    call(world, isolate)

    (text,) = world.ledgers["acme"].outbox
    assert json.loads(text)["error_code"] == "budget_exhausted"


def test_an_answer_without_usage_is_charged_by_an_estimate_and_marked(isolate):
    world = a_world()
    world.answer = ScriptedAnswer(chunks=(b'{"choices":[{"message":{"content":"a short answer"}}]}',))

    call(world, isolate)

    assert world.records[0]["is_estimated"]
    assert world.month()[0] > 0


def test_an_unpriced_model_is_estimated_blocked_or_free_as_the_tenant_decided(isolate):
    body = {**CALL, "model": "nobody-knows-1"}

    estimated, blocked, free = a_world(), a_world(unpriced_models="block"), a_world(unpriced_models="free")
    answers = [call(world, Isolate(isolate.settings), body) for world in (estimated, blocked, free)]

    assert [answer.status for answer in answers] == [200, 400, 200]
    assert estimated.month()[0] > BILLED_NANOUSD
    assert free.month()[0] == 0


def test_a_stream_is_cut_when_its_team_s_budget_ends(isolate):
    world = a_world()
    limit = ConfigureRequest(kind="team", id="search", window="month", limit_nanousd=400_000)
    world.ledger_of("acme").service.configure(limit, START_MS)
    chunk = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"word word word word"},"finish_reason":null}]}\n\n'
    world.answer = ScriptedAnswer(headers=SSE, chunks=(chunk,) * 500)

    answer = call(world, isolate, {**CALL, "stream": True, "max_tokens": 100_000})

    assert answer.status == 200
    assert b'"code":"answer_cut"' in answer.body and b'"scope":"team"' in answer.body
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert world.records[0]["outcome"] == "cut"
    assert world.month()[1] == 0


def test_no_key_for_a_provider_is_said_before_any_money_is_held():
    world = a_world()

    answer = call(world, Isolate(parse_settings({})))

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (401, "provider_key_missing")
    assert world.ledger_calls == 0


@pytest.mark.parametrize("status", [302, 429, 500])
def test_an_answer_that_is_no_success_is_passed_on_at_no_charge(isolate, status):
    world = a_world()
    world.answer = ScriptedAnswer(status=status, chunks=(b"elsewhere",))

    assert call(world, isolate).status == status
    assert world.month() == (0, 0)


def test_a_key_of_one_team_cannot_report_for_another(isolate):
    world = a_world()
    report = {"model": "gpt-4o-mini", "prompt_tokens": 1, "completion_tokens": 1, "latency_ms": 1, "team": "ads"}

    assert call(world, isolate, report, path="/v1/ingest").status == 200
    assert world.records[0]["team"] == "search"


def test_with_the_key_that_tenants_share_nobody_sees_what_another_has_stored(isolate):
    world = a_world()

    def get(token):
        return Client(world, isolate, token).ask("GET", "/v1/proxy/openai/v1/files")

    refused = get(TOKEN)

    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (403, "shared_account")
    assert world.sent == []
    assert get(f"{TOKEN}:sk-own").status == 200


def test_a_configuration_that_does_not_parse_lets_nothing_through_that_it_may_limit(isolate):
    world = a_world()
    world.kv["t:acme:config"] = '{"sesion_budget_usd": "5"}'

    refused = call(world, isolate)

    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (503, "invalid_configuration")
    assert "sesion_budget_usd" in json.loads(refused.body)["error"]["message"]
    assert world.sent == []


def test_of_a_configuration_that_no_longer_parses_the_last_good_one_holds(isolate):
    world = a_world(unpriced_models="block")
    call(world, isolate)
    world.kv["t:acme:config"] = "{"
    world.pass_time(60_000)

    assert call(world, isolate, {**CALL, "model": "unheard-of"}).status == 400
