"""How calls end on the genuine runtime when providers, clients or the platform misbehave, byte for byte: no hold stays,
nothing is charged that nobody can have billed, and nobody waits for ever."""

import json

import httpx
import psycopg
import pytest

from local.stack import Stack
from tests.runtime.conftest import Edge, eventually
from tests.support.scripted_upstream import (
    RESET,
    Pause,
    Repeated,
    ScriptedUpstream,
    a_head,
    a_stream,
    an_answer,
    event,
)

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1_000}
STREAM = {**BODY, "stream": True}
USAGE = {"prompt_tokens": 8, "completion_tokens": 9}
BILLED_NANOUSD = 8 * 150 + 9 * 600
DONE = {"model": "gpt-4o-mini", "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": USAGE}


def a_chunk(content, finish=None):
    return {
        "id": "c",
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}],
    }


STREAMED = (
    event(a_chunk("hi")),
    event(a_chunk("", "stop")),
    event({"id": "c", "choices": [], "usage": USAGE}),
    b"data: [DONE]\n\n",
)


@pytest.fixture(scope="module")
def provider():
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def scripted(provider, tmp_path_factory):
    env = {**provider.env("OPENAI", "/v1"), "GROQ_BASE_URL": provider.refused_url, "GROQ_API_KEY": "sk-scripted"}
    kv = {"t:demo:config": {"requests_per_minute": 1_000_000}}
    with Stack(tmp_path_factory.mktemp("scripted") / "state", env=env, kv=kv, has_gates=True) as running:
        yield running


@pytest.fixture
def edge(scripted):
    return Edge(scripted, scripted.tokens["live"])


@pytest.fixture
def hangs(scripted):
    """Makes a part hang until the test ends."""
    taken = []

    def hang(name):
        taken.append(name)
        scripted.set_gate(name, is_open=False, hangs=True)

    yield hang
    for name in taken:
        scripted.set_gate(name, is_open=True)


def costs(edge, run):
    query = "select cost_nanousd from llm_request_logs where session_id = %s"
    with psycopg.connect(edge.stack.postgres_dsn, autocommit=True) as connection:
        return [row[0] for row in connection.execute(query, (run,))]


def ended(edge, run, calls=1):
    """What the session's calls cost in all, once each has its one row and nothing is held."""
    rows = eventually(lambda: costs(edge, run), lambda rows: len(rows) >= calls)
    check = edge.session(run)
    assert len(rows) == calls
    assert round(check["spent_usd"] * 1e9) == sum(rows)
    return sum(rows)


UNREADABLE = {"empty": b"", "a_page": b"<html>oops</html>", "half": b'{"model":"m","usage":', "a_list": b"[]"}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_six_answers_that_cannot_be_read_leave_a_small_session_nearly_all_of_its_money(edge, provider, run, body):
    provider.plays(*an_answer(body), when=run.encode())

    answers = [
        edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run, x_agentwatch_budget_usd="0.05")
        for _ in range(6)
    ]

    assert [(each.status_code, each.headers["x-should-retry"]) for each in answers] == [(424, "false")] * 6
    assert ended(edge, run, 6) < 0.05e9 / 5


ODD = {
    "model": json.dumps(DONE).encode().replace(b'"gpt-4o-mini"', b'"gpt-\xff"'),
    "finish_reason": json.dumps(DONE).encode().replace(b'"stop"', b'"st\xffop"'),
    "half_a_character": json.dumps(DONE).encode().replace(b'"hi"', b'"cut \\ud83d"'),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_an_answer_with_odd_characters_passes_as_it_is_and_costs_its_usage(edge, provider, run, body):
    provider.plays(*an_answer(body), when=run.encode())

    answer = edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run)

    assert (answer.status_code, answer.content) == (200, body)
    assert ended(edge, run) == BILLED_NANOUSD


ways = pytest.mark.parametrize("budget_usd", ["100", "0.0012"], ids=["as_it_is", "metered"])


@ways
@pytest.mark.parametrize("place", [b'"hi"', b'"gpt-4o-mini"', b'"stop"'], ids=["delta", "model", "finish_reason"])
def test_a_stream_with_odd_characters_leaves_no_hold_and_one_row(edge, provider, run, place, budget_usd):
    odd = tuple(each.replace(place, place[:-1] + b'\xff"') for each in STREAMED)
    provider.plays(*a_stream(*odd), when=run.encode())

    edge.post(CHAT, {**STREAM, "user": run}, x_agentwatch_session_id=run, x_agentwatch_budget_usd=budget_usd)

    assert ended(edge, run) <= 1_000 * 600 + 100 * 150


def test_a_connection_that_is_reset_after_some_work_costs_what_its_time_allows(edge, provider, run):
    provider.plays(Pause(0.6), RESET, when=run.encode())

    answer = edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run)

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert 500 * 600 <= ended(edge, run) <= 1_000 * 600 + 100 * 150


def test_a_refused_connection_costs_nothing(edge, run):
    body = {**BODY, "model": "llama-3.1-8b-instant"}

    answer = edge.post("/v1/proxy/groq/openai/v1/chat/completions", body, x_agentwatch_session_id=run)

    assert answer.json()["error"]["code"] == "upstream_unreachable"
    assert ended(edge, run) == 0


def test_half_an_answer_is_charged_by_time_and_not_tried_again(edge, provider, run):
    provider.plays(a_head(content_length="100"), b'{"mod', Pause(0.3), RESET, when=run.encode())

    answer = edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run)

    assert (answer.json()["error"]["code"], answer.headers["x-should-retry"]) == ("unreadable_answer", "false")
    assert 0 < ended(edge, run) <= 1_000 * 600 + 100 * 150


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "streamed"])
def test_a_client_that_leaves_before_the_answer_leaves_no_hold(edge, provider, run, body):
    provider.plays(Pause(2), *an_answer(DONE), when=run.encode())

    with pytest.raises(httpx.ReadTimeout):
        content = json.dumps({**body, "user": run}).encode()
        httpx.post(
            edge.stack.edge_url + CHAT, content=content, headers=edge.headers(x_agentwatch_session_id=run), timeout=0.5
        )

    assert 0 < ended(edge, run) <= 1_000 * 600 + 100 * 150


def test_an_answer_larger_than_an_isolate_passes_whole_and_is_settled_by_its_end(edge, provider, run):
    number, times = b"0.0123456789,", 6_500_000
    end = b'0],"index":0}],"model":"text-embedding-3-small","usage":{"prompt_tokens":7,"total_tokens":7}}'
    provider.plays(*an_answer(b'{"data":[{"embedding":[', Repeated(number, times), end), when=run.encode())
    body = {"model": "text-embedding-3-small", "input": "hi", "user": run}
    headers = edge.headers(x_agentwatch_session_id=run)
    received, last = 0, b""

    with httpx.stream(
        "POST", edge.stack.edge_url + "/v1/proxy/openai/v1/embeddings", json=body, headers=headers, timeout=60
    ) as answer:
        for part in answer.iter_bytes():
            received += len(part)
            last = (last + part)[-len(end) :]

    assert (answer.status_code, received, last) == (200, 23 + len(number) * times + len(end), end)
    assert ended(edge, run) == 7 * 20


@ways
def test_the_last_bytes_of_a_stream_do_not_wait_for_its_settlement(edge, provider, scripted, hangs, run, budget_usd):
    provider.plays(*a_stream(*STREAMED[:1], Pause(1), *STREAMED[1:]), when=run.encode())
    headers = edge.headers(x_agentwatch_session_id=run, x_agentwatch_budget_usd=budget_usd)
    # The Ledger does not answer for as long as this client would wait.
    with httpx.stream(
        "POST", scripted.edge_url + CHAT, json={**STREAM, "user": run}, headers=headers, timeout=5
    ) as answer:
        parts = answer.iter_bytes()
        text = next(parts)
        hangs("ledger")
        text += b"".join(parts)
    scripted.set_gate("ledger", is_open=True)

    assert text.endswith(b"data: [DONE]\n\n")
    assert ended(edge, run) == BILLED_NANOUSD


def test_a_ledger_that_hangs_lets_a_call_pass_on_the_allowance_and_is_told_its_charge_later(
    edge, provider, hangs, scripted, run
):
    provider.plays(*an_answer(DONE), when=run.encode())
    hangs("ledger")

    answer = edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run)
    scripted.set_gate("ledger", is_open=True)

    assert answer.status_code == 200
    assert ended(edge, run) == BILLED_NANOUSD


def test_a_queue_that_hangs_delays_no_answer_and_loses_no_record(edge, provider, hangs, scripted, run):
    provider.plays(*an_answer(DONE), when=run.encode())
    hangs("queue")

    answer = edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run)
    scripted.set_gate("queue", is_open=True)

    assert answer.status_code == 200
    assert ended(edge, run) == BILLED_NANOUSD


def test_a_key_value_store_that_hangs_is_waited_for_and_then_done_without(edge, provider, hangs, run):
    provider.plays(*an_answer(DONE), when=run.encode())
    edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run)
    hangs("kv")

    assert edge.post(CHAT, {**BODY, "user": run}, x_agentwatch_session_id=run).status_code == 200
    unknown = httpx.get(
        edge.stack.edge_url + "/v1/sessions", headers={"authorization": "Bearer aw_live_" + "0" * 48}, timeout=60
    )
    assert unknown.status_code == 503
