"""A refused call is told what it would have needed, and why that may be more than it looks."""

import json
from decimal import Decimal

import pytest

from tests.support.api_client import Client, an_isolate
from tests.support.memory_ports import TOKEN, World

REQUEST = {"model": "gpt-4o-mini", "input": "and then?", "max_output_tokens": 100}
WINDOW_USD = 128_000 * 150 / 1e9
"""What the input alone costs when all of the window is."""


def refused(**members):
    world = World({"requests_per_minute": 1_000})
    headers = {"x-agentwatch-session-id": "s", "x-agentwatch-budget-usd": "0.00001"}
    client = Client(world, an_isolate(), f"{TOKEN}:sk-own")
    answer = client.call({**REQUEST, **members}, "/v1/proxy/openai/v1/responses", **headers)
    assert (answer.status, world.sent) == (402, [])
    return json.loads(answer.body)["error"]


def test_a_refused_call_is_told_what_it_needed():
    error = refused()

    assert 0.00001 < float(error["needed_usd"]) < 0.0001
    assert f"needed ${error['needed_usd']}" in error["message"]


@pytest.mark.parametrize("reference", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_a_call_that_refers_to_stored_input_is_told_that_the_window_is_held(reference):
    error = refused(**reference)

    assert WINDOW_USD < float(error["needed_usd"]) < 1.05 * WINDOW_USD
    assert "whole context window" in error["message"]


def test_what_was_needed_is_told_in_parts_that_add_up():
    error = refused(tools=[{"type": "web_search"}], max_tool_calls=2)

    parts = {name: error[name] for name in error if name.startswith("needed_") and name != "needed_usd"}
    assert set(parts) == {"needed_input_usd", "needed_searches_usd", "needed_output_usd"}
    assert sum(map(Decimal, parts.values())) == Decimal(error["needed_usd"])
    assert error["message"].endswith(
        f"${parts['needed_searches_usd']} of it for up to 2 searches and what they find: bound them with max_tool_calls"
    )
