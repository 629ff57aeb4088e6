"""Money on the genuine runtime: what the provider's journal says is compared with what the Ledger says."""

import asyncio
import hashlib

import httpx
import pytest

from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40}


def spent_nanousd(check) -> int:
    return round(check["spent_usd"] * 1e9)


def test_two_hundred_calls_at_once_cannot_overspend_a_session(edge, run):
    headers = edge.headers(x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.0005", x_mock_tag=run)

    async def burst() -> list[int]:
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            calls = (client.post(edge.stack.edge_url + CHAT, json=BODY, headers=headers) for _ in range(200))
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    statuses = asyncio.run(burst())
    check = edge.session(run)
    billed = edge.billed(run)

    assert set(statuses) == {200, 402}
    assert len(billed) == statuses.count(200)
    assert sum(entry["billed_nanousd"] for entry in billed) <= 500_000
    assert sum(entry["billed_nanousd"] for entry in billed) == spent_nanousd(check)


def test_two_tenants_with_one_session_id_never_see_each_others_money(edge, other_tenant, run):
    edge.post(CHAT, BODY, x_agentwatch_session_id=run)

    assert spent_nanousd(edge.session(run)) > 0
    assert spent_nanousd(other_tenant.session(run)) == 0


def test_an_answer_that_breaks_off_ends_its_hold(edge, run):
    answer = edge.post(CHAT, {**BODY, "stream": True}, x_agentwatch_session_id=run, x_mock="cut_after_tokens=5")

    assert "upstream_truncated" in answer.text
    assert edge.session(run)["held_usd"] == 0


def test_a_failing_provider_costs_nothing(edge, run):
    answer = edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_mock="status=500")

    assert answer.status_code == 500
    assert spent_nanousd(edge.session(run)) == 0


def test_a_stream_that_outgrows_its_budget_is_cut_with_an_error(edge, run):
    body = {**BODY, "max_tokens": 4_000, "stream": True}
    answer = edge.post(
        CHAT,
        body,
        x_agentwatch_session_id=run,
        x_agentwatch_budget_usd="0.0006",
        x_mock="output_tokens=3000",
        x_mock_tag=run,
    )

    assert '"code":"answer_cut"' in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")
    assert edge.billed(run)[0]["generated_tokens"] < 3_000
    assert edge.session(run)["exceeded"]


def test_a_call_that_fits_only_in_part_is_sent_with_a_lower_ceiling(edge, run):
    answer = edge.post(
        CHAT,
        {**BODY, "max_tokens": 4_000},
        x_agentwatch_session_id=run,
        x_agentwatch_budget_usd="0.0003",
        x_mock="output_tokens=3000",
    )

    ceiling = int(answer.headers["x-agentwatch-max-tokens"])
    assert answer.json()["usage"]["completion_tokens"] == ceiling < 4_000
    assert not edge.session(run)["spent_usd"] > 0.0003


def test_a_client_that_leaves_stops_the_provider(edge, run):
    body = {**BODY, "max_tokens": 2_000, "stream": True}
    headers = edge.headers(x_agentwatch_session_id=run, x_mock="output_tokens=2000;pace_ms=10", x_mock_tag=run)
    with httpx.stream("POST", edge.stack.edge_url + CHAT, json=body, headers=headers, timeout=60) as answer:
        chunks = answer.iter_bytes()
        next(chunks)

    (entry,) = edge.billed(run)

    assert entry["ended"] == "client_disconnected"
    assert entry["generated_tokens"] < 500
    assert edge.session(run)["spent_usd"] > 0


def test_a_client_that_leaves_before_the_answer_pays_for_what_was_generated(edge, run):
    headers = edge.headers(x_agentwatch_session_id=run, x_mock="output_tokens=200;pace_ms=10", x_mock_tag=run)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(edge.stack.edge_url + CHAT, json={**BODY, "max_tokens": 200}, headers=headers, timeout=1)

    (entry,) = edge.billed(run)

    assert 0 < entry["billed_nanousd"] <= spent_nanousd(edge.session(run))
    eventually(lambda: edge.outcomes(run), lambda outcomes: len(outcomes) == 1)


def test_a_stream_reaches_the_client_while_it_is_generated(edge, run):
    headers = edge.headers(x_mock="output_tokens=20;pace_ms=50", x_mock_tag=run)
    with httpx.stream(
        "POST", edge.stack.edge_url + CHAT, json={**BODY, "stream": True}, headers=headers, timeout=60
    ) as answer:
        chunks = answer.iter_bytes()
        next(chunks)
        entries = httpx.get(f"{edge.stack.mock_url}/_mock/journal", params={"tag": run}).json()["entries"]

        assert [entry["ended"] for entry in entries] == ["running"]


def test_a_limit_can_only_be_tightened_by_the_caller_and_raised_by_an_administrator(edge, admin, run):
    for budget in ("1", "5"):
        edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_agentwatch_budget_usd=budget)
    assert edge.session(run)["limit_usd"] == 1

    refused = edge.put(f"/v1/sessions/{run}", {"limit_usd": "5"})
    assert refused.status_code == 403

    admin.put(f"/v1/sessions/{run}", {"limit_usd": "5"})
    assert edge.session(run)["limit_usd"] == 5


def test_a_paused_session_is_refused_until_it_is_resumed(edge, admin, run):
    admin.put(f"/v1/sessions/{run}", {"paused": True})
    paused = edge.post(CHAT, BODY, x_agentwatch_session_id=run)

    admin.put(f"/v1/sessions/{run}", {"paused": False})
    resumed = edge.post(CHAT, BODY, x_agentwatch_session_id=run)

    assert (paused.status_code, paused.json()["error"]["code"]) == (402, "scope_paused")
    assert paused.headers["x-should-retry"] == "false"
    assert resumed.status_code == 200


def test_a_report_of_an_sdk_is_charged_once(edge, run):
    report = {
        "model": "gpt-4o-mini",
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        "latency_ms": 5.5,
        "session_id": run,
        "event_id": run,
    }

    answers = [edge.post("/v1/ingest", report) for _ in range(2)]

    assert [answer.text for answer in answers] == ["Success", "Success"]
    assert spent_nanousd(edge.session(run)) == 1_000 * 150 + 100 * 600
    assert edge.session(run)["cumulative_tokens"] == 1_100


def test_what_was_spent_survives_a_killed_worker(edge, run):
    edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.5")
    before = edge.session(run)

    edge.stack.restart_workers()

    assert spent_nanousd(edge.session(run)) == spent_nanousd(before) > 0
    assert edge.session(run)["limit_usd"] == 0.5


def test_a_hold_nobody_closes_expires(edge, run):
    headers = edge.headers(
        x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.5", x_mock="hang_after_tokens=0", x_mock_tag=run
    )
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(edge.stack.edge_url + CHAT, json=BODY, headers=headers, timeout=1)

    edge.stack.restart_workers()

    assert edge.session(run)["held_usd"] == 0


def test_a_session_is_mirrored_under_one_key_once_it_is_exhausted_and_kv_then_answers_checks(edge, run):
    edge.post(CHAT, BODY, x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.0001")
    report = {"model": "gpt-4o-mini", "prompt_tokens": 1_000, "completion_tokens": 0, "latency_ms": 1}
    assert edge.post("/v1/ingest", {**report, "session_id": run}).text == "Success"

    check = eventually(
        lambda: edge.get(f"/v1/budget-check?session_id={run}").json(), lambda found: found["source"] == "kv"
    )

    assert (check["exceeded"], check["limit_usd"]) == (True, 0.0001)
    assert edge.stack.list_kv(f"t:demo:s:{run}:") == [f"t:demo:s:{run}:budget"]


def test_free_calls_beyond_a_key_s_rate_are_refused(stack, run):
    token = f"aw_live_{hashlib.sha256(run.encode()).hexdigest()[:48]}"
    record = {"tenant": "slow", "key_id": "key_slow", "requests_per_minute": 3}
    stack.put_kv(f"key:{hashlib.sha256(token.encode()).hexdigest()}", record)
    client = Edge(stack, token)

    statuses = [client.get("/v1/proxy/openai/v1/models").status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
