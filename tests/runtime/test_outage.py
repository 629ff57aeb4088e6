"""The Ledger, KV or the queue taken away on the genuine runtime: what goes on, what is refused, and that the books are right after."""

import httpx
import psycopg
import pytest

from local.stack import Stack
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1_000}
OUTPUT_NANOUSD = 1_000 * 600
ALLOWANCE_NANOUSD = 2_000_000


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    config = {"requests_per_minute": 1_000_000}
    kv = {
        "t:demo:config": {**config, "outage_allowance_usd": "0.002"},
        "t:other:config": {**config, "fail_closed": True},
    }
    with Stack(tmp_path_factory.mktemp("gated") / "state", kv=kv, has_gates=True) as running:
        yield running


@pytest.fixture
def edge(gated):
    return Edge(gated, gated.tokens["live"])


@pytest.fixture
def away(gated):
    """Takes a part away until the test ends."""
    taken = []

    def take(name):
        taken.append(name)
        gated.set_gate(name, is_open=False)

    yield take
    for name in taken:
        gated.set_gate(name, is_open=True)


def spent_nanousd(edge, session_id):
    return round(edge.get(f"/v1/budget-check?session_id={session_id}").json()["spent_usd"] * 1e9)


def test_calls_go_on_within_the_allowance_and_are_charged_when_the_ledger_is_back(edge, gated, away, run):
    away("ledger")
    headers = {"x_agentwatch_session_id": run, "x_mock": "output_tokens=1000", "x_mock_tag": run}

    answers = [edge.post(CHAT, BODY, **headers) for _ in range(6)]
    billed = sum(entry["billed_nanousd"] for entry in edge.billed(run))
    gated.set_gate("ledger", is_open=True)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 503, 503, 503]
    assert answers[-1].json()["error"]["code"] == "budget_unavailable"
    assert 3 * OUTPUT_NANOUSD < billed <= ALLOWANCE_NANOUSD
    assert eventually(lambda: spent_nanousd(edge, run), lambda spent: spent == billed)


def test_a_tenant_that_fails_closed_is_told_that_budgets_are_unavailable_and_not_that_they_are_spent(gated, away, run):
    edge = Edge(gated, gated.tokens["other_tenant"])
    edge.post(CHAT, BODY)
    away("ledger")

    answer = edge.post(CHAT, BODY, x_mock_tag=run)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "budget_unavailable")
    assert int(answer.headers["retry-after"]) <= 60
    assert edge.billed(run) == []


def costs(edge, session_id):
    query = "select cost_nanousd from llm_request_logs where session_id = %s"
    with psycopg.connect(edge.stack.postgres_dsn, autocommit=True) as connection:
        return [row[0] for row in connection.execute(query, (session_id,))]


def test_without_the_queue_records_wait_in_the_ledger_s_outbox(edge, gated, away, run):
    away("queue")
    edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_mock_tag=run)
    billed = [entry["billed_nanousd"] for entry in edge.billed(run)]
    assert eventually(lambda: spent_nanousd(edge, run), lambda spent: spent > 0) == sum(billed)

    gated.set_gate("queue", is_open=True)

    assert eventually(lambda: costs(edge, run), len) == billed


def test_with_ledger_and_queue_away_charge_and_record_wait_for_the_next_call(edge, gated, away, run):
    away("ledger")
    away("queue")
    edge.post(CHAT, {**BODY, "max_tokens": 50}, x_agentwatch_session_id=run, x_mock_tag=run)
    billed = [entry["billed_nanousd"] for entry in edge.billed(run)]
    assert len(billed) == 1
    gated.set_gate("ledger", is_open=True)
    gated.set_gate("queue", is_open=True)

    edge.post(CHAT, BODY)

    assert eventually(lambda: costs(edge, run), len) == billed
    assert eventually(lambda: spent_nanousd(edge, run), lambda spent: spent > 0) == sum(billed)


def test_without_kv_known_tokens_and_the_static_map_carry_on(edge, gated, away):
    of_the_map = Edge(gated, gated.tokens["static"])
    edge.post(CHAT, BODY)
    of_the_map.post(CHAT, BODY)
    away("kv")

    known = edge.post(CHAT, BODY)
    static = of_the_map.post(CHAT, BODY)
    unknown = httpx.post(gated.edge_url + CHAT, json=BODY, headers={"authorization": "Bearer aw_live_" + "0" * 48})

    assert (known.status_code, static.status_code, unknown.status_code) == (200, 200, 503)
