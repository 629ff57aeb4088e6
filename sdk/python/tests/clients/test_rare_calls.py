"""Calls that few make, and failures beside others: each is still one row, at what it cost, and as without us."""

import asyncio
import contextvars
import threading
import warnings
from typing import Any

import openai
import pytest
from clients import scripted_provider
from clients.conftest import HELLO, reported
from clients.scripted_provider import Journal
from clients.test_ways_to_leave import at_the_real_address

import agentwatch
from agentwatch.clients.background import BackgroundAnswers
from agentwatch.clients.reading.providers import provider_of, takes_include_usage

CHAT = {"model": "gpt-asked", "messages": HELLO}
STREAM = {**CHAT, "stream": True}
DONE = scripted_provider.WHOLE["responses"]
QUEUED = {**DONE, "status": "queued", "usage": None}
BACKGROUND = {"model": "gpt-asked", "input": "hello", "background": True}
LIBRARY = __import__("httpx2" if int(openai.__version__.partition(".")[0]) >= 3 else "httpx")


class Failing(LIBRARY.BaseTransport):  # type: ignore[misc,name-defined]
    """Notes where requests went, and fails as it is told."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)
        self.hosts: list[str] = []

    def handle_request(self, request: Any) -> Any:
        self.hosts.append(request.url.host)
        raise getattr(LIBRARY, self.failures.pop(0))("no", request=request)


def while_handling_a_refused_connection(call: Any) -> None:
    other = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", max_retries=0)
    try:
        other.chat.completions.create(**CHAT)
    except openai.APIConnectionError:
        call()


def test_a_time_out_is_paid_for_though_another_call_s_error_is_being_handled(make: Any, journal: Journal) -> None:
    client = make(http_client=LIBRARY.Client(transport=Failing("ReadTimeout")), max_retries=0)

    with pytest.raises(openai.APITimeoutError):
        while_handling_a_refused_connection(lambda: client.chat.completions.create(**CHAT))

    (report,) = reported(client, journal)
    assert report["prompt_tokens"] > 0 and report["is_estimated"]


def test_what_was_sent_to_agentwatch_is_not_sent_again_while_another_error_is_handled(make: Any) -> None:
    transport = Failing("ReadTimeout", "ReadTimeout")
    client = make(
        base_url="https://api.openai.com/v1",
        http_client=LIBRARY.Client(transport=transport),
        max_retries=0,
        agentwatch_primary_provider="agentwatch",
        agentwatch_fallback_provider="direct",
    )

    with pytest.raises(openai.APITimeoutError):
        while_handling_a_refused_connection(lambda: client.chat.completions.create(**CHAT))

    assert transport.hosts == ["127.0.0.1"]


def test_a_stream_read_by_hand_has_the_lines_of_the_official_client(make: Any, url: str) -> None:
    ours = make(base_url="https://api.openai.com/v1", http_client=at_the_real_address(url))
    official = openai.OpenAI(api_key="sk-own", http_client=at_the_real_address(url))

    def lines(client: Any) -> list[str]:
        with client.chat.completions.with_streaming_response.create(**STREAM) as response:
            return list(response.iter_lines())

    assert lines(ours) == lines(official)


def test_chunks_say_no_more_of_usage_than_the_official_client_s(make: Any, url: str, monkeypatch: Any) -> None:
    """Where usage is asked for, each chunk has it as null."""
    asked = [{**chunk, "usage": None} for chunk in scripted_provider.CHUNKS]
    official = openai.OpenAI(api_key="sk-own", http_client=at_the_real_address(url))
    expected = [chunk.to_dict() for chunk in official.chat.completions.create(**STREAM)]
    monkeypatch.setattr(scripted_provider, "CHUNKS", asked)
    ours = make(base_url="https://api.openai.com/v1", http_client=at_the_real_address(url))

    assert [chunk.to_dict() for chunk in ours.chat.completions.create(**STREAM)] == expected


@pytest.mark.parametrize(("address", "provider", "takes"), [
    ("https://api.openai.com/v1", "openai", True),
    ("https://api.groq.com/openai/v1", "groq", True),
    ("https://mine.openai.azure.com/openai", "openai", False),
    ("https://mine.services.ai.azure.com/anthropic/", "anthropic", False),
    ("https://api.anthropic.com", "anthropic", False),
    ("http://localhost:11434/v1", None, False),
])  # fmt: skip
def test_usage_is_asked_for_only_where_no_server_refuses_that(address: str, provider: str | None, takes: bool) -> None:
    assert (provider_of(address), takes_include_usage(address)) == (provider, takes)


@pytest.mark.parametrize("asks_first", [
    lambda client: client.responses.with_raw_response.retrieve("resp_1").parse(),
    lambda client: list(client.responses.retrieve("resp_1", stream=True)),
    lambda client: client.responses.retrieve("resp_1"),
], ids=["raw", "stream", "parsed"])  # fmt: skip
@pytest.mark.parametrize("orders", [
    lambda client: client.responses.create(**BACKGROUND),
    lambda client: client.responses.with_raw_response.create(**BACKGROUND).parse(),
], ids=["parsed", "raw"])  # fmt: skip
def test_a_background_answer_is_settled_once_however_it_is_asked_for(
    make: Any, journal: Journal, monkeypatch: Any, orders: Any, asks_first: Any
) -> None:
    def stands(self: Any) -> None:
        if "stream=true" in self.path:
            return self.answer(200, "text/event-stream", b"")
        return self.whole(200, DONE)

    client = make()
    monkeypatch.setitem(scripted_provider.WHOLE, "responses", QUEUED)
    monkeypatch.setattr(scripted_provider.Provider, "do_GET", stands)
    orders(client)
    assert reported(client, journal) == []

    asks_first(client)
    client.responses.retrieve("resp_1")

    assert [each["prompt_tokens"] for each in reported(client, journal)] == [30]


def test_looking_an_answer_up_warns_of_nothing(make: Any, journal: Journal, monkeypatch: Any) -> None:
    client = make()
    monkeypatch.setitem(scripted_provider.WHOLE, "responses", QUEUED)
    client.responses.create(**BACKGROUND)
    odd = {**DONE, "output": [{"type": "message", "id": 5, "content": "odd"}], "tool_choice": {"x": 1}}
    monkeypatch.setattr(scripted_provider.Provider, "do_GET", lambda self: self.whole(200, odd))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.responses.retrieve("resp_1")

    assert [each["prompt_tokens"] for each in reported(client, journal)] == [30]


def test_a_finaliser_that_comes_between_waits_for_nobody() -> None:
    """A stream that nobody holds any more may be collected, and kept, at any step of keeping another answer."""
    answers = BackgroundAnswers()
    comes_between = [lambda: answers.keep("resp_2", watch)]
    watch: Any = object()

    class AnswerId(str):
        def __hash__(self) -> int:
            if comes_between:
                comes_between.pop()()
            return super().__hash__()

    thread = threading.Thread(target=lambda: answers.keep(AnswerId("resp_1"), watch), daemon=True)
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    assert answers.take("resp_1") is answers.take("resp_2") is watch


def test_a_whole_answer_without_usage_is_counted_by_its_text(make: Any, journal: Journal, monkeypatch: Any) -> None:
    answer = {**scripted_provider.WHOLE["chat/completions"], "usage": None}
    monkeypatch.setitem(scripted_provider.WHOLE, "chat/completions", answer)
    client = make()

    client.chat.completions.create(**CHAT)

    (report,) = reported(client, journal)
    assert 0 < report["completion_tokens"] < 10 and report["is_estimated"]


def test_a_failed_response_has_written_nothing(make: Any, journal: Journal, monkeypatch: Any) -> None:
    failed = {**DONE, "status": "failed", "usage": None, "error": {"code": "server_error", "message": "no"}}
    monkeypatch.setitem(scripted_provider.WHOLE, "responses", failed)
    client = make()

    client.responses.create(model="gpt-asked", input="hello")

    (report,) = reported(client, journal)
    assert (report["completion_tokens"], report["outcome"], report["error_code"]) == (0, "failed", "server_error")


def test_an_answer_taken_as_the_response_that_it_is_is_read(make: Any, journal: Journal) -> None:
    client = make()

    response = client.post("/chat/completions", cast_to=LIBRARY.Response, body=CHAT)

    assert response.json()["model"] == "gpt-answered"
    (report,) = reported(client, journal)
    assert (report["prompt_tokens"], report.get("is_estimated")) == (30, None)


def test_what_a_hold_was_for_is_released_where_another_client_s_budget_stops_the_call(
    make: Any, journal: Journal
) -> None:
    class Refusing(LIBRARY.BaseTransport):  # type: ignore[misc,name-defined]
        def handle_request(self, request: Any) -> Any:
            raise agentwatch.AgentBudgetExceeded("another", 1, 1)

    client = make(http_client=LIBRARY.Client(transport=Refusing()), max_retries=0, agentwatch_holds=True)

    with pytest.raises((agentwatch.AgentBudgetExceeded, openai.APIConnectionError)):
        client.chat.completions.create(**CHAT)

    assert [each["outcome"] for each in reported(client, journal)] == ["failed"]


def test_a_call_dropped_in_another_context_ends_and_says_nothing_of_ours(make: Any, journal: Journal) -> None:
    client = make("openai async", http_client=LIBRARY.AsyncClient(transport=NeverAnswering()), max_retries=0)
    call = client.chat.completions.create(**CHAT)
    loop = asyncio.new_event_loop()
    task = loop.create_task(call, context=contextvars.copy_context()) if HAS_CONTEXTS else loop.create_task(call)
    loop.run_until_complete(asyncio.sleep(0.01))

    task.get_coro().close()  # as the collector does it

    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    assert len(reported(client, journal)) == 1


HAS_CONTEXTS = hasattr(asyncio, "Runner")


class NeverAnswering(LIBRARY.AsyncBaseTransport):  # type: ignore[misc,name-defined]
    async def handle_async_request(self, request: Any) -> Any:
        await asyncio.get_running_loop().create_future()
