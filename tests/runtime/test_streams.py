"""Streams on the genuine runtime, on both ways through: as it is (the worst case is held) and metered in slices."""

import contextlib
import json

import httpx
import pytest

from tests.runtime.conftest import eventually

pytestmark = pytest.mark.stack

CHAT = "/v1/proxy/openai/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 3_000, "stream": True}
WORST_USD = 3_000 * 0.6e-6
BUDGETS = {"as_it_is": "100", "metered": f"{3 * WORST_USD:.6f}"}
"""Of the first the worst case is far below a tenth, of the second it is a third."""
PER_SECOND = 100

ways = pytest.mark.parametrize("budget_usd", BUDGETS.values(), ids=BUDGETS)


def stream(edge, run, script, budget_usd="100", body=BODY, path=CHAT):
    """A stream that is being read: a context manager of an `httpx.Response`."""
    headers = edge.headers(
        x_agentwatch_session_id=run,
        x_agentwatch_budget_usd=budget_usd,
        x_mock=script,
        x_mock_tag=run,
        anthropic_version="2023-06-01",
    )
    return httpx.stream("POST", edge.stack.edge_url + path, json=body, headers=headers, timeout=60)


def read(edge, run, script, budget_usd="100", **where) -> str:
    with stream(edge, run, script, budget_usd, **where) as answer:
        return answer.read().decode()


def spent_nanousd(edge, run) -> int:
    return round(edge.session(run)["spent_usd"] * 1e9)


def events(text):
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@ways
def test_a_stream_arrives_as_the_provider_sent_it(edge, run, budget_usd):
    said = "content=what%20is%20said%20does%20not%20depend%20on%20the%20request"
    headers = {"x-mock": said, "authorization": "Bearer sk-direct"}
    direct = httpx.post(edge.stack.mock_url + "/openai/v1/chat/completions", json=BODY, headers=headers)

    through = read(edge, run, said, budget_usd)

    assert [event["choices"] for event in events(through)] == [event["choices"] for event in events(direct.text)]
    assert through.endswith("data: [DONE]\n\n")
    assert "usage" not in through
    assert spent_nanousd(edge, run) == edge.billed(run)[0]["billed_nanousd"] > 0


@ways
def test_chunks_of_any_size_make_the_same_stream(edge, run, budget_usd):
    whole = read(edge, run, "output_tokens=30", budget_usd)
    cut_up = read(edge, run, "output_tokens=30;chunk_bytes=7", budget_usd)

    assert [event["choices"] for event in events(cut_up)] == [event["choices"] for event in events(whole)]


@ways
def test_a_client_that_leaves_stops_the_generation_within_a_second(edge, run, budget_usd):
    """Three tokens seen, then gone: with a second's worth more the provider would have stopped too late."""
    script = f"output_tokens=3000;pace_ms={1000 / PER_SECOND}"
    with stream(edge, run, script, budget_usd) as answer:
        chunks = answer.iter_raw()
        seen = sum(next(chunks).count(b'"content"') for _ in range(3))

    (entry,) = edge.billed(run)

    assert entry["ended"] == "client_disconnected"
    assert seen <= entry["generated_tokens"] + 1 < seen + PER_SECOND
    assert edge.session(run)["held_usd"] == 0
    assert spent_nanousd(edge, run) >= entry["billed_nanousd"] * 0.9


@ways
def test_a_client_that_leaves_before_the_first_token_stops_the_generation(edge, run, budget_usd):
    with pytest.raises(httpx.ReadTimeout):
        headers = edge.headers(
            x_agentwatch_session_id=run,
            x_agentwatch_budget_usd=budget_usd,
            x_mock="output_tokens=3000;pace_ms=10;first_byte_delay_ms=1500",
            x_mock_tag=run,
        )
        httpx.post(edge.stack.edge_url + CHAT, json=BODY, headers=headers, timeout=0.5)

    (entry,) = edge.billed(run)

    assert entry["ended"] == "client_disconnected"
    assert entry["generated_tokens"] < PER_SECOND
    assert edge.session(run)["held_usd"] == 0


@ways
def test_a_stream_that_breaks_off_is_said_to_have_and_charged_for_what_came(edge, run, budget_usd):
    text = read(edge, run, "output_tokens=100;cut_after_tokens=20", budget_usd)

    assert events(text)[-1]["error"]["code"] == "upstream_truncated"
    assert 0 < spent_nanousd(edge, run) < 100 * 600 * 2


@ways
def test_an_error_of_the_provider_in_mid_stream_passes_and_is_charged_for_what_came(edge, run, budget_usd):
    text = read(edge, run, "output_tokens=100;error_after_tokens=20", budget_usd)

    assert "error" in events(text)[-1]
    assert "upstream_truncated" not in text
    assert 20 * 600 <= spent_nanousd(edge, run) < 100 * 600 * 2


@ways
def test_a_malformed_event_passes_and_what_came_is_charged(edge, run, budget_usd):
    text = read(edge, run, "output_tokens=50;malformed", budget_usd)

    assert text.endswith("data: [DONE]\n\n")
    assert spent_nanousd(edge, run) == edge.billed(run)[0]["billed_nanousd"]


@ways
def test_a_stream_without_usage_is_charged_by_an_estimate(edge, run, budget_usd):
    read(edge, run, "output_tokens=50;usage=missing", budget_usd)

    billed = edge.billed(run)[0]["billed_nanousd"]
    assert billed <= spent_nanousd(edge, run) < 3 * billed


@ways
def test_a_usage_of_zero_is_believed(edge, run, budget_usd):
    read(edge, run, "output_tokens=50;usage=zero", budget_usd)

    assert spent_nanousd(edge, run) == 0


def test_usage_that_the_caller_asked_for_is_not_taken_out(edge, run):
    body = {**BODY, "stream_options": {"include_usage": True}}

    assert events(read(edge, run, "output_tokens=12", body=body))[-1]["usage"]["completion_tokens"] == 12


def test_many_clients_that_leave_at_once_leave_no_hold_behind(edge, run):
    with contextlib.ExitStack() as open_streams:
        answers = [
            open_streams.enter_context(stream(edge, run, "output_tokens=3000;pace_ms=10")).iter_raw() for _ in range(12)
        ]
        assert all(map(next, answers))
        assert edge.get(f"/v1/budget-check?session_id={run}").json()["held_usd"] > 0

    assert {entry["ended"] for entry in edge.billed(run)} == {"client_disconnected"}
    assert edge.session(run)["held_usd"] == 0


GEMINI = "/v1/proxy/gemini/v1beta/models/gemini-2.0-flash:streamGenerateContent"
GEMINI_BODY = {"contents": [{"parts": [{"text": "hello"}]}], "generationConfig": {"maxOutputTokens": 3_000}}


@ways
def test_gemini_s_json_array_stays_one_and_is_charged(edge, run, budget_usd):
    text = read(edge, run, "output_tokens=40", budget_usd, body=GEMINI_BODY, path=GEMINI)

    assert json.loads(text)[-1]["candidates"][0]["finishReason"] == "STOP"
    assert spent_nanousd(edge, run) == edge.billed(run)[0]["billed_nanousd"] > 0


def test_gemini_s_json_array_is_still_one_when_it_is_cut(edge, run):
    text = read(edge, run, "output_tokens=3000", "0.0003", body=GEMINI_BODY, path=GEMINI)

    assert json.loads(text)[-1]["error"]["status"] == "FAILED_PRECONDITION"
    assert eventually(lambda: edge.session(run), lambda check: check["exceeded"])


ANTHROPIC = "/v1/proxy/anthropic/v1/messages"
ANTHROPIC_BODY = {**BODY, "model": "claude-3-5-haiku-20241022"}


@ways
def test_a_stream_of_anthropic_s_is_charged_as_billed(edge, run, budget_usd):
    budget = "0.03" if budget_usd != "100" else "100"
    text = read(edge, run, "output_tokens=40", budget, body=ANTHROPIC_BODY, path=ANTHROPIC)

    assert "event: message_stop" in text
    assert spent_nanousd(edge, run) == edge.billed(run)[0]["billed_nanousd"] > 0
