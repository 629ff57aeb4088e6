"""Failover on the genuine runtime: official clients, other providers, two isolates; the mock providers' journals judge."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import openai
import psycopg
import pytest
from anthropic import beta_tool

from local.stack import Stack
from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

GPT, CLAUDE, LLAMA = "gpt-4o-mini", "claude-haiku-4-5", "llama-3.3-70b-versatile"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CHAINS = {
    "chains": [
        {"match": {"model": GPT}, "hops": [{"provider": "anthropic", "model": CLAUDE}, {"provider": "groq", "model": LLAMA}]},
        {"match": {"model": CLAUDE}, "hops": [{"provider": "openai", "model": GPT}, {"provider": "groq", "model": LLAMA}]},
    ]
}  # fmt: skip
NANOUSD = 10**9


@pytest.fixture(scope="module")
def failover_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    config = {"requests_per_minute": 1_000_000}
    state = tmp_path_factory.mktemp("failover") / "state"
    with Stack(state, has_second_edge=True, kv={"t:demo:config": config}) as running:
        yield running


@pytest.fixture
def admin(failover_stack: Stack) -> Iterator[Edge]:
    admin = Edge(failover_stack, failover_stack.tokens["admin"])
    write(admin, CHAINS)
    httpx.delete(f"{failover_stack.edge_url}/v1/failover/health", headers=admin.headers()).raise_for_status()
    yield admin
    httpx.delete(f"{failover_stack.mock_url}/_mock/scripts")


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    """An id of this test's own: for its session and its tag in the journal."""
    return re.sub("[^A-Za-z0-9]+", "-", request.node.name)[-60:]


@pytest.fixture
def edge(failover_stack: Stack, admin: Edge) -> Edge:
    return Edge(failover_stack, failover_stack.tokens["live"])


def write(admin: Edge, document: Any) -> None:
    headers = admin.headers(if_match="*")
    answer = httpx.put(f"{admin.stack.edge_url}/v1/failover", json=document, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


def script(edge: Edge, text: str, **which: Any) -> None:
    """What the mock providers do at the next calls."""
    httpx.post(f"{edge.stack.mock_url}/_mock/scripts", json={"script": text, **which}).raise_for_status()


def billed(edge: Edge, tag: str) -> list[tuple[str, int, int]]:
    """Provider, status and nano-dollars of each attempt that reached one."""
    return [(each["provider"], each["status"], each["billed_nanousd"]) for each in edge.billed(tag)]


def spent(edge: Edge, session_id: str) -> int:
    return round(edge.session(session_id)["spent_usd"] * NANOUSD)


def an_openai(edge: Edge, run: str, **extra: Any) -> openai.OpenAI:
    headers = {"x-agentwatch-session-id": run, "x-mock-tag": run}
    return openai.OpenAI(
        api_key=edge.token, base_url=f"{edge.stack.edge_url}/v1", default_headers=headers, **{"max_retries": 2, **extra}
    )


def an_anthropic(edge: Edge, run: str, kind: Any = anthropic.Anthropic) -> Any:
    headers = {"x-agentwatch-session-id": run, "x-mock-tag": run}
    return kind(api_key=edge.token, base_url=edge.stack.edge_url, default_headers=headers)


ASK: Any = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize("is_streaming", [False, True])
@pytest.mark.parametrize("trouble", ["status=529", "status=429;retry_after_s=1", "status=503"])
def test_the_next_provider_serves_and_each_bills_what_it_did(
    edge: Edge, run: str, trouble: str, is_streaming: bool
) -> None:
    script(edge, trouble, provider="openai", times=1, tag=run)
    client = an_openai(edge, run)

    answer = client.chat.completions.create(model=GPT, messages=ASK, max_tokens=50, stream=is_streaming)
    text = (
        "".join(c.choices[0].delta.content or "" for c in answer if c.choices)
        if is_streaming
        else answer.choices[0].message.content
    )

    assert text
    journal = billed(edge, run)
    assert [provider for provider, _, _ in journal] == ["openai", "anthropic"]
    assert spent(edge, run) == sum(cost for _, _, cost in journal)


def test_a_stream_that_errs_after_its_prelude_is_served_by_the_next(edge: Edge, run: str) -> None:
    script(edge, "error_after_tokens=0", provider="anthropic", times=1, tag=run)

    with an_anthropic(edge, run).messages.stream(model=CLAUDE, max_tokens=50, messages=ASK) as stream:
        message = stream.get_final_message()

    assert message.content[0].text
    assert [provider for provider, _, _ in billed(edge, run)] == ["anthropic", "openai"]


def test_when_all_fail_an_sdk_asks_each_once(edge: Edge, run: str) -> None:
    for provider in ("openai", "anthropic", "groq"):
        script(edge, "status=503", provider=provider, times=9, tag=run)

    with pytest.raises(openai.InternalServerError) as error:
        an_openai(edge, run).chat.completions.create(model=GPT, messages=ASK, max_tokens=50)

    assert error.value.status_code == 503
    assert [provider for provider, _, _ in billed(edge, run)] == ["openai", "anthropic", "groq"]
    assert spent(edge, run) == 0


def test_each_attempt_is_a_row(edge: Edge, run: str) -> None:
    script(edge, "status=503", provider="openai", times=1, tag=run)
    an_openai(edge, run).chat.completions.create(model=GPT, messages=ASK, max_tokens=50)

    query = (
        "select attempt, provider, outcome, asked_model, failover_reason, cost_nanousd from llm_request_logs"
        " where session_id = %s order by attempt"
    )

    def rows() -> list[Any]:
        with psycopg.connect(edge.stack.postgres_dsn, autocommit=True) as connection:
            return connection.execute(query, (run,)).fetchall()

    first, second = eventually(rows, lambda found: len(found) == 2)
    assert first[:5] == (1, "openai", "failed", None, None)
    assert second[:5] == (2, "anthropic", "complete", f"openai/{GPT}", f"openai/{GPT}: provider (503)")
    assert first[5] == 0 and second[5] == spent(edge, run)


def test_a_stated_time_is_kept_by_both_isolates_and_then_all_come_back(edge: Edge, run: str) -> None:
    script(edge, "status=429;retry_after_s=4", provider="openai", times=1, tag=run)
    clients = [an_openai(edge, run), an_openai(edge, run)]
    clients[1] = clients[1].with_options(default_headers={**clients[1].default_headers, "host": SECOND_EDGE_HOST})  # type: ignore[dict-item]

    def call(isolate: int) -> None:
        clients[isolate].chat.completions.create(model=GPT, messages=ASK, max_tokens=20)

    began_s = time.monotonic()
    for isolate in (0, 1, 0, 1):
        call(isolate)
    assert time.monotonic() - began_s < 4
    time.sleep(4.2 - (time.monotonic() - began_s))
    for isolate in (0, 1):
        call(isolate)

    served = [provider for provider, status, _ in billed(edge, run) if status == 200]
    assert served == ["anthropic"] * 4 + ["openai"] * 2
    assert [provider for provider, _, _ in billed(edge, run)].count("openai") == 3


def test_two_hundred_calls_at_once_on_a_cap_while_half_of_the_first_provider_s_fail(edge: Edge, run: str) -> None:
    write_budget = {"x-agentwatch-budget-usd": "0.02"}
    for _ in range(100):
        script(edge, "status=529", provider="openai", times=1, tag=run)
    client = an_openai(edge, run, max_retries=0)

    def call(number: int) -> int:
        try:
            client.chat.completions.create(
                model=GPT,
                messages=ASK,
                max_tokens=60,
                extra_headers={**write_budget, "x-agentwatch-iteration": str(number)},
            )
        except openai.APIStatusError as error:
            return error.status_code
        return 200

    with ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(call, range(200)))

    check = edge.session(run)
    costs = sum(cost for _, _, cost in billed(edge, run))
    assert set(statuses) <= {200, 402, 529}
    assert costs <= 20_000_000
    assert (check["held_usd"], round(check["spent_usd"] * NANOUSD)) == (0, costs)


# The official clients, served by other providers ----------------------------------------------------------


def test_anthropic_s_client_is_served_by_an_openai_style_provider(edge: Edge, run: str) -> None:
    script(edge, "content=Hello%20there", provider="openai", times=3, tag=run)
    client = an_anthropic(edge, run)
    ask: Any = {"model": f"openai/{GPT}", "max_tokens": 50, "messages": ASK, "system": "Be kind."}

    message = client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        streamed = stream.get_final_message()

    async def by_async() -> Any:
        return await an_anthropic(edge, run, anthropic.AsyncAnthropic).messages.create(**ask)

    for each in (message, streamed, asyncio.run(by_async())):
        assert (each.content[0].text, each.stop_reason) == ("Hello there", "end_turn")
        assert each.model.startswith(GPT)
        assert each.usage.output_tokens == 2
        assert each.usage.input_tokens > 0


def test_its_tool_runner_goes_round_with_a_picture_in_a_result(edge: Edge, run: str) -> None:
    script(edge, "tool_calls=1", provider="openai", times=1, tag=run)

    @beta_tool
    def look(place: str) -> Any:
        """Look at a place.

        Args:
            place: Where to look.
        """
        return [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}]

    runner = an_anthropic(edge, run).beta.messages.tool_runner(
        model=f"openai/{GPT}", max_tokens=100, tools=[look], messages=[{"role": "user", "content": "Look around."}]
    )
    messages = list(runner)

    assert [message.stop_reason for message in messages] == ["tool_use", "end_turn"]
    _, second = edge.billed(run)
    body = httpx.get(f"{edge.stack.mock_url}/_mock/journal/{second['id']}/body").json()
    assert f"data:image/png;base64,{PICTURE}" in json.dumps(body)
    assert [each["role"] for each in body["messages"]] == ["user", "assistant", "tool", "user"]


def test_openai_s_client_is_served_by_anthropic(edge: Edge, run: str) -> None:
    script(edge, "content=Hello%20there", provider="anthropic", times=2, tag=run)
    client = an_openai(edge, run)

    whole = client.chat.completions.create(model=f"anthropic/{CLAUDE}", messages=ASK, max_tokens=50)
    with client.chat.completions.stream(
        model=f"anthropic/{CLAUDE}", messages=ASK, max_tokens=50, stream_options={"include_usage": True}
    ) as stream:
        streamed = stream.get_final_completion()

    for each in (whole, streamed):
        assert (each.choices[0].message.content, each.choices[0].finish_reason) == ("Hello there", "stop")
        assert each.usage is not None and each.usage.completion_tokens == 2


def test_its_tools_go_round_at_anthropic(edge: Edge, run: str) -> None:
    script(edge, "tool_calls=2", provider="anthropic", times=1, tag=run)
    client = an_openai(edge, run)
    tools: Any = [
        {
            "type": "function",
            "function": {"name": name, "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}},
        }
        for name in ("one", "two")
    ]
    messages: Any = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Go."},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
            ],
        }
    ]

    first = client.chat.completions.create(model=f"anthropic/{CLAUDE}", messages=messages, tools=tools, max_tokens=100)
    calls = first.choices[0].message.tool_calls or []
    messages += [first.choices[0].message.model_dump(exclude_none=True)]
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "done"} for call in calls]
    second = client.chat.completions.create(model=f"anthropic/{CLAUDE}", messages=messages, tools=tools, max_tokens=100)

    assert (first.choices[0].finish_reason, len(calls)) == ("tool_calls", 2)
    assert second.choices[0].finish_reason == "stop"


def test_responses_are_served_by_anthropic(edge: Edge, run: str) -> None:
    script(edge, "content=Hello%20there", provider="anthropic", times=2, tag=run)
    client = an_openai(edge, run)

    whole = client.responses.create(model=f"anthropic/{CLAUDE}", input="hello", max_output_tokens=50)
    with client.responses.stream(model=f"anthropic/{CLAUDE}", input="hello", max_output_tokens=50) as stream:
        streamed = stream.get_final_response()

    for each in (whole, streamed):
        assert (each.output_text, each.status) == ("Hello there", "completed")
        assert each.usage is not None and each.usage.output_tokens == 2


def test_a_session_cut_by_its_budget_is_told_in_the_caller_s_dialect(edge: Edge, run: str) -> None:
    script(edge, "output_tokens=2000;pace_ms=1", provider="openai", times=1, tag=run)
    client = an_anthropic(edge, run)
    budget = {"x-agentwatch-budget-usd": "0.0006"}

    with (
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(model=f"openai/{GPT}", max_tokens=2_000, messages=ASK, extra_headers=budget) as stream,
    ):
        stream.get_final_message()

    assert edge.session(run)["held_usd"] == 0


def test_tokens_are_counted_for_whoever_serves(edge: Edge, run: str) -> None:
    client = an_anthropic(edge, run)
    ask: Any = [{"role": "user", "content": "word " * 500}]

    counts = [
        client.messages.count_tokens(model=model, messages=ask).input_tokens for model in (CLAUDE, f"openai/{GPT}")
    ]

    assert all(400 <= count <= 1_200 for count in counts)
