"""A call that its budget covers in part: shortened, but not below what its answer needs to be of any use."""

import json

import pytest

from tests.core.wire.test_demanded_form import FORMED, LONG_TOKENS
from tests.support.api_client import ANSWER, CALL, SSE, Client, an_isolate, sse
from tests.support.memory_ports import ScriptedAnswer, World

FORMED_CALL = {**CALL, **FORMED, "max_tokens": 4_000}
OUTPUT_USD = 600e-9
"""A token of gpt-4o-mini's."""
SHORT_USD = f"{(LONG_TOKENS - 400) * OUTPUT_USD:.9f}"
ENOUGH_USD = f"{(LONG_TOKENS + 2_000) * OUTPUT_USD:.9f}"
WORD = sse({"id": "c", "choices": [{"index": 0, "delta": {"content": " word of it"}, "finish_reason": None}]})


def a_world(**config):
    world = World({"requests_per_minute": 1_000_000, **config})
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    return world


def asked(world, limit_usd, body=FORMED_CALL):
    return Client(world, an_isolate()).call(body, x_agentwatch_session_id="s1", x_agentwatch_budget_usd=limit_usd)


@pytest.mark.parametrize("is_streaming", [False, True], ids=["whole", "stream"])
def test_a_call_is_refused_where_the_form_of_its_answer_is_not_covered(is_streaming):
    world = a_world()

    answer = asked(world, SHORT_USD, {**FORMED_CALL, "stream": is_streaming})

    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], world.sent) == (402, "budget_exhausted", [])
    assert error["needed_output_usd"] == f"{LONG_TOKENS * OUTPUT_USD:.7f}"
    assert error["message"].endswith("of it for the shortest answer of the form that it demands")


def test_a_call_whose_form_is_covered_is_shortened_to_what_the_money_pays_for():
    world = a_world()

    answer = asked(world, ENOUGH_USD)

    ceiling = int(answer.headers["x-agentwatch-max-tokens"])
    assert answer.status == 200 and LONG_TOKENS <= ceiling < 4_000
    assert json.loads(world.sent[0].body)["max_tokens"] == ceiling


def test_the_same_call_without_a_form_is_shortened_further():
    answer = asked(a_world(), SHORT_USD, {**CALL, "max_tokens": 4_000})

    assert answer.status == 200 and int(answer.headers["x-agentwatch-max-tokens"]) < LONG_TOKENS


def test_a_tenant_may_choose_to_have_half_a_document_rather_than_none():
    answer = asked(a_world(shrink_structured=True), SHORT_USD)

    assert answer.status == 200 and int(answer.headers["x-agentwatch-max-tokens"]) < LONG_TOKENS


def test_a_stream_holds_its_form_at_first_and_is_cut_as_ever_when_it_outgrows_its_budget():
    world = a_world()
    world.answer = ScriptedAnswer(headers=SSE, chunks=(WORD,) * 2_000, world=world)

    passed = asked(world, ENOUGH_USD, {**FORMED_CALL, "max_tokens": 100_000, "stream": True}).body

    assert b'"code":"answer_cut"' in passed
    assert LONG_TOKENS < world.records[0]["usage"]["output_tokens"] < LONG_TOKENS + 2_100
