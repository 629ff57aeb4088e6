"""Prices that a tenant and the operator write, on the genuine runtime: KV's copy, two Ledgers, and the rows.

They are of a model that no other test of this stack calls.
"""

from contextlib import contextmanager

import httpx
import psycopg
import pytest

from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4.1-nano", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}
MODEL = "openai/gpt-4.1-nano"
TENFOLD = {"models": {MODEL: {"input_usd_per_mtok": "1", "output_usd_per_mtok": "4"}}}


@contextmanager
def written(who, path, document):
    """The version under which it stands; afterwards nothing is stated any more."""
    try:
        yield put(who, path, document).json()["version"]
    finally:
        put(who, path, {})


def put(who, path, document):
    url = f"{who.stack.edge_url}{path}"
    answer = httpx.put(url, json=document, headers=who.headers(if_match="*"), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def call(edge, session_id):
    """What it cost by its row, and by which prices."""
    assert edge.post(CHAT, BODY, x_agentwatch_session_id=session_id, x_mock_tag=session_id).status_code == 200
    query = "select cost_nanousd, price_version from llm_request_logs where session_id = %s"
    with psycopg.connect(edge.stack.postgres_dsn, autocommit=True) as connection:
        (row,) = eventually(lambda: connection.execute(query, (session_id,)).fetchall(), lambda rows: len(rows) == 1)
    return row


def test_a_tenant_s_price_holds_from_the_next_call_on(edge, admin, run):
    cost, table = call(edge, f"{run}.listed")
    assert cost == sum(entry["billed_nanousd"] for entry in edge.billed(f"{run}.listed")) > 0

    with written(admin, "/v1/prices", TENFOLD) as version:
        assert call(edge, f"{run}.stated") == (10 * cost, f"{table}+t{version}")
        nonsense = httpx.put(
            f"{admin.stack.edge_url}/v1/prices",
            json={"discount_percent": {"openai": "100"}},
            headers=admin.headers(if_match="*"),
            timeout=60,
        )
        assert (nonsense.status_code, nonsense.json()["error"]["param"]) == (400, "discount_percent.openai")
        assert call(edge, f"{run}.still") == (10 * cost, f"{table}+t{version}")

    assert call(edge, f"{run}.after") == (cost, table)


def test_the_platform_s_price_reaches_a_tenant_within_a_minute(stack, edge, run):
    operator = Edge(stack, stack.tokens["operator"])
    cost, table = call(edge, f"{run}.0")

    with written(operator, "/v1/platform/prices", TENFOLD) as version:
        numbers = iter(range(1, 1_000))
        dearer = (10 * cost, f"{table}+p{version}")
        eventually(lambda: call(edge, f"{run}.{next(numbers)}"), lambda found: found == dearer)
