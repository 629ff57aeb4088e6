"""The hard cap on the genuine runtime, judged by the provider's journal."""

import asyncio

import httpx
import pytest

from bench.overspend.calls import plan_calls
from bench.overspend.race import full_costs, run_agentwatch
from bench.overspend.verdict import outcome_sums, over_cap_nanousd
from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}


def test_a_client_that_leaves_is_settled_at_once_and_not_when_its_hold_expires(edge, run):
    headers = edge.headers(x_agentwatch_session_id=run, x_mock="output_tokens=2000;pace_ms=10", x_mock_tag=run)
    body = {**BODY, "max_tokens": 2_000, "stream": True}
    with httpx.stream("POST", edge.stack.edge_url + CHAT, json=body, headers=headers, timeout=60) as answer:
        next(answer.iter_bytes())

    assert eventually(lambda: edge.outcomes(run), bool) == ["client_disconnected"]


@pytest.fixture(scope="module")
def burst(stack):
    """Sixty mixed calls at once on one session of $0.30, a tenth of whose clients leave; they would cost twice that."""

    async def run():
        full = await full_costs(stack, 60)
        return await run_agentwatch(stack, plan_calls(60, "agentwatch", pace_ms=5), full, "0.3")

    return asyncio.run(run())


def test_what_the_provider_bills_exceeds_the_cap_by_no_more_than_cuts_and_departures_could_not_stop(burst):
    sums = outcome_sums(burst.calls)
    unstopped = sum(each.uncharged_nanousd + each.overrun_nanousd for each in sums.values())

    assert over_cap_nanousd(burst.calls, 300_000_000) <= unstopped
    assert {"complete", "refused"} <= sums.keys()


def test_a_finished_call_is_charged_what_the_provider_billed_to_the_nano_dollar(burst):
    finished = outcome_sums(burst.calls)["complete"]

    assert (finished.differing_calls, finished.overrun_nanousd) == (0, 0)


def test_a_refused_call_never_reached_the_provider(burst):
    assert outcome_sums(burst.calls)["refused"].billed_nanousd == 0


def test_nothing_is_held_after_the_burst_and_spent_is_the_sum_of_the_charges(burst):
    assert (burst.held_nanousd, burst.spent_nanousd) == (0, sum(call.charged_nanousd for call in burst.calls))
