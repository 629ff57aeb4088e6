"""A conversation that its provider makes shorter: held for in full, charged what it says it used, and served by nobody
else."""

import json
from typing import Any

import httpx2
import openai
import pytest

from app import handle
from isolate import Isolate
from tests.support.api_client import Client, an_isolate
from tests.support.inbound import an_inbound
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

PATH = "/v1/proxy/openai/v1/responses/compact"
CALL: dict[str, Any] = {"model": "gpt-5", "input": [{"role": "user", "content": "a long story"}]}
USAGE = {"input_tokens": 1_000, "output_tokens": 200, "total_tokens": 1_200}
BILLED_NANOUSD = 1_000 * 1_250 + 200 * 10_000
COMPACTED = {
    "id": "resp_1",
    "object": "response.compaction",
    "created_at": 1,
    "output": [{"id": "cmp_1", "type": "compaction", "encrypted_content": "c2hvcnQ="}],
    "usage": {**USAGE, "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
}
FULL_NANOUSD = 128_000 * 10_000
"""Its model's longest answer."""


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate(ANTHROPIC_API_KEY="sk-ours")


def a_world(**config: object) -> World:
    world = World(config)
    world.answer = ScriptedAnswer(chunks=(json.dumps(COMPACTED).encode(),))
    return world


def test_the_official_client_compacts_a_conversation(isolate: Isolate) -> None:
    world = a_world()

    def answer(request: httpx2.Request) -> httpx2.Response:
        inbound = an_inbound("POST", request.url.path, "", dict(request.headers), request.read())
        answered = world.run(handle(inbound, world.ports(), isolate))
        return httpx2.Response(answered.status, headers=dict(answered.headers), content=answered.body)

    client = openai.OpenAI(
        api_key=TOKEN,
        base_url="https://edge.test/v1/proxy/openai/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )

    compacted = client.responses.compact(**CALL)

    assert [item.type for item in compacted.output] == ["compaction"]
    assert json.loads(world.sent[0].body) == CALL
    assert world.sent[0].url.endswith("/v1/responses/compact")


@pytest.mark.parametrize(("path", "model"), [(PATH, "gpt-5"), ("/v1/responses/compact", "openai/gpt-5")])
def test_it_is_charged_what_it_says_it_used(isolate: Isolate, path: str, model: str) -> None:
    world = a_world()

    assert Client(world, isolate).call({**CALL, "model": model}, path).status == 200

    (record,) = world.records
    assert (record["cost_nanousd"], record["path"]) == (BILLED_NANOUSD, "responses/compact")
    assert json.loads(world.sent[0].body) == CALL


@pytest.mark.parametrize(("limit_usd", "status"), [("1.29", 200), ("1.27", 402)])
def test_it_is_held_for_its_longest_answer_or_not_made(isolate: Isolate, limit_usd: str, status: int) -> None:
    world = a_world()
    budget = {"x_agentwatch_session_id": "s1", "x_agentwatch_budget_usd": limit_usd}

    assert Client(world, isolate).call(CALL, PATH, **budget).status == status
    assert 1_270_000_000 < FULL_NANOUSD < 1_290_000_000


def test_what_another_provider_s_answers_left_in_the_conversation_is_taken_out(isolate: Isolate) -> None:
    world = a_world()
    ours = {"id": "rs_agentwatch_0123456789abcdef_0", "type": "reasoning", "summary": []}

    Client(world, isolate).call({**CALL, "input": [ours, *CALL["input"]]}, PATH)

    assert json.loads(world.sent[0].body) == CALL


def test_a_model_of_another_provider_makes_none(isolate: Isolate) -> None:
    world = a_world()

    answer = Client(world, isolate).call({**CALL, "model": "anthropic/claude-opus-4-5"}, "/v1/responses/compact")

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "model")
    assert b"cannot be translated for it: compaction" in answer.body
    assert world.sent == []


def test_its_answer_is_none_that_a_later_call_continues(isolate: Isolate) -> None:
    """Nothing is remembered of what it came to: under a shared account such a call is another tenant's, perhaps."""
    world = a_world()
    client = Client(world, isolate)
    later = {**CALL, "max_output_tokens": 100, "previous_response_id": "resp_1"}

    assert client.call(CALL, PATH).status == 200

    answer = client.call(later, "/v1/proxy/openai/v1/responses")
    assert (answer.status, len(world.sent)) == (403, 1)
