"""A model that its provider lists at nothing: its calls hold nothing, cost nothing, and need no money left."""

import json

import pytest

from core.ledger.messages import AccountView, StatusRequest
from tests.support.api_client import Client, an_isolate
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

USAGE = {"promptTokenCount": 9_000, "candidatesTokenCount": 4_000, "totalTokenCount": 13_000}
ANSWER = {"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}], "usageMetadata": USAGE}
WAYS = {
    "json": ("generateContent", "application/json", json.dumps(ANSWER)),
    "stream": ("streamGenerateContent", "text/event-stream", f"data: {json.dumps(ANSWER)}\n\n"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_call_of_a_free_model_holds_nothing_and_costs_nothing(way: str) -> None:
    method, content_type, body = WAYS[way]
    world = World()
    world.answer = ScriptedAnswer(headers={"content-type": content_type}, chunks=(body.encode(),), world=world)
    held = []
    world.upstream_also = lambda: held.append(_account(world).held_nanousd)
    headers = {"x-goog-api-key": TOKEN, "x-agentwatch-session-id": "s1", "x-agentwatch-budget-usd": "0.000001"}
    asked = {"contents": [{"parts": [{"text": "a long question " * 500}]}]}
    client = Client(world, an_isolate(GEMINI_API_KEY="ours"), token=None)

    answer = client.call(asked, f"/v1/proxy/gemini/v1beta/models/gemma-4-31b-it:{method}?alt=sse", **headers)

    assert answer.status == 200
    assert held == [0]
    assert (_account(world).held_nanousd, _account(world).spent_nanousd) == (0, 0)
    (record,) = [each for each in world.records if each.get("model")]
    assert (record.get("cost_nanousd"), "is_estimated" in record) == (0, False)


def _account(world: World) -> AccountView:
    return world.ledger_of("acme").service.status(StatusRequest(session_id="s1"), world.now_ms()).accounts[0]
