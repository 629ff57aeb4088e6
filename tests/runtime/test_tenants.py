"""Tenants on the genuine runtime: the list, a tenant's own Ledger, KV, and two isolates that have cached what was true."""

import httpx
import pytest

from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}


@pytest.fixture
def operator(stack):
    return Edge(stack, stack.tokens["operator"])


@pytest.fixture
def tenant(run):
    """An id of this test's own."""
    return "t-" + "".join(letter for letter in run if letter.isalnum())[-40:]


@pytest.fixture
def admin(stack, operator, tenant):
    """Its administrator, by the key that its making has told."""
    made = operator.post("/v1/tenants", {"tenant": tenant, "name": "A tenant of a test"})
    assert made.status_code == 201, made.text
    return Edge(stack, made.json()["admin_key"]["token"])


def agents_token(admin, **terms):
    made = admin.post("/v1/keys", {"name": "agent", **terms})
    assert made.status_code == 201, made.text
    return made.json()["token"]


def write(operator, tenant, document):
    headers = operator.headers(if_match="*")
    answer = httpx.put(f"{operator.stack.edge_url}/v1/tenants/{tenant}", json=document, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


def asked_of_both(stack, token, **headers):
    """What each of the two isolates answers to a metered call."""
    agent = Edge(stack, token)
    answers = [agent.post(CHAT, BODY, **headers), agent.post(CHAT, BODY, host=SECOND_EDGE_HOST, **headers)]
    return [(each.status_code, each.json().get("error", {}).get("code")) for each in answers]


def test_a_tenant_is_made_used_suspended_in_both_isolates_and_let_in_again(stack, operator, admin, tenant):
    token = agents_token(admin)
    assert asked_of_both(stack, token) == [(200, None)] * 2
    assert operator.post("/v1/tenants", {"tenant": tenant}).json()["error"]["code"] == "already_exists"
    assert tenant in [each["tenant"] for each in operator.get("/v1/tenants?limit=200").json()["data"]]

    write(operator, tenant, {"suspended": True})

    assert asked_of_both(stack, token) == [(403, "tenant_suspended")] * 2
    assert admin.get("/v1/config").status_code == 403
    report = {"model": "gpt-4o-mini", "prompt_tokens": 10, "completion_tokens": 1, "latency_ms": 1}
    assert Edge(stack, token).post("/v1/ingest", report).text == "Success"
    assert operator.get(f"/v1/tenants/{tenant}").json() == {"suspended": True}

    write(operator, tenant, {"suspended": False})

    assert admin.get("/v1/config").status_code == 200
    eventually(lambda: asked_of_both(stack, token), lambda found: found == [(200, None)] * 2)


def test_ceilings_hold_in_both_isolates_from_the_next_call_on(stack, operator, admin, tenant, run):
    token = agents_token(admin, team="search")
    headers = {"x_agentwatch_session_id": run, "x_agentwatch_budget_usd": "5"}
    assert asked_of_both(stack, token, **headers) == [(200, None)] * 2

    write(operator, tenant, {"session_budget_max_usd": "0.000001", "require_session": True, "budget_max_usd": "3"})

    assert asked_of_both(stack, token, **headers) == [(402, "budget_exhausted")] * 2
    assert asked_of_both(stack, token) == [(400, "session_required")] * 2
    refused = admin.put(f"/v1/sessions/{run}", {"limit_usd": "1"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "limit_usd")
    assert admin.put("/v1/budget", {"limit_usd": None}).json()["error"]["ceiling_usd"] == "3"
    assert [each["team"] for each in admin.get("/v1/teams").json()["data"]] == ["search"]


def test_what_lay_in_kv_by_hand_survives_the_operator_s_first_word_on_a_tenant(stack, operator, tenant, run):
    stack.put_kv(f"t:{tenant}:config", {"unpriced_models": "block"})

    made = operator.post("/v1/tenants", {"tenant": tenant}).json()

    token = agents_token(Edge(stack, made["admin_key"]["token"]))
    answer = Edge(stack, token).post(CHAT, {**BODY, "model": "unheard-of"})
    assert answer.json()["error"]["code"] == "unpriced_model"
    assert '"number"' in eventually(
        lambda: stack.get_kv(f"t:{tenant}:config"), lambda text: '"unpriced_models"' in text and '"tenant"' in text
    )
