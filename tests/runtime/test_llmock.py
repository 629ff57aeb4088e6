"""AgentWatch between the official clients and LLMock, a provider that fails on cue and judges who calls it.

A verdict is on client and proxy as one: LLMock takes attempts with one path and one body for one call, and looks at the
time between them. What a proxy can spoil: `Retry-After` lost on the way (`retry_after_ignored`), a refusal dressed up as
an outage (`retried_non_retryable`), attempts of its own beneath the client's (`retry_storm`), and a stream broken off
that ends as if it were whole (`truncated_stream_accepted`). The last is found wherever nobody asks again, so the
application here does what a careless one does: it asks again when its client raises, and not otherwise.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import openai
import pytest
from google.genai import errors as genai_errors
from llmock.journal import RequestRecord
from llmock.scenarios import Delay, Fail, Match, SlowFirstToken, StreamFault
from llmock.testing import LLMockServer
from llmock.verdict import Verdict, judge

from local.stack import Stack
from tests.runtime.conftest import Edge, eventually
from tests.runtime.judged_callers import (
    CALLERS,
    MESSAGES,
    STREAMING,
    Caller,
    Came,
    Way,
    ask_once,
    ask_once_whatever_it_raises,
    ask_until_it_does_not_raise,
    last,
    openai_client,
)

pytestmark = pytest.mark.stack


BASE_PATHS = {
    "OPENAI": "/v1",
    "ANTHROPIC": "/anthropic/v1",
    "GEMINI": "/gemini",
    "GROQ": "/groq/openai/v1",
    "XAI": "/xai/v1",
}

NOT_THE_PROXY_S = {"malformed_chunk_ignored", "no_read_timeout"}
"""Warnings that come with the fault, whatever is made of it: a chunk that is no JSON was sent, and a pause shorter than
any sensible deadline was waited for."""


# The provider that judges ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[LLMockServer]:
    with LLMockServer() as running:
        yield running


@pytest.fixture(scope="module")
def judged_stack(server: LLMockServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {f"{provider}_BASE_URL": server.url + path for provider, path in BASE_PATHS.items()}
    env |= {f"{provider}_API_KEY": "sk-judged" for provider in BASE_PATHS}
    with Stack(tmp_path_factory.mktemp("judged") / "state", env=env, with_database=False) as running:
        yield running


@dataclass(frozen=True)
class Judged:
    """The calls of one test: all callers at once, then LLMock's verdict on them."""

    server: LLMockServer
    root: str
    token: str

    def all_ask(self, way: Way, callers: tuple[Caller, ...] = CALLERS) -> dict[str, Came]:
        """What came of each, by the caller's name."""
        with ThreadPoolExecutor(len(callers)) as pool:
            came = pool.map(functools.partial(way, root=self.root, token=self.token), callers)
            return {caller.ask.__name__: each for caller, each in zip(callers, came, strict=True)}

    def verdict(self) -> Verdict:
        return judge(self.server.state.journal.records(wait=5))

    def attempts(self, callers: tuple[Caller, ...] = CALLERS) -> dict[str, int]:
        seen = Counter(
            caller.ask.__name__
            for record in self.server.state.journal.records(wait=5)
            for caller in callers
            if record.stream == caller.is_stream and _matches(caller, record.path)
        )
        return dict(seen)


def _matches(caller: Caller, path: str) -> bool:
    start, _, end = caller.path.partition("*")
    return path.startswith(start) and path.endswith(end)


@pytest.fixture
def judged(server: LLMockServer, judged_stack: Stack) -> Iterator[Judged]:
    server.state.reset()
    yield Judged(server, f"{judged_stack.edge_url}/v1/proxy", judged_stack.tokens["live"])
    server.state.reset()


def assert_clean(verdict: Verdict) -> None:
    """No error, and no warning but those of the fault itself and of the client that never tries again."""
    findings = [
        finding
        for finding in verdict.findings
        if finding.code not in NOT_THE_PROXY_S and not (finding.code == "gave_up" and "/gemini/" in finding.path)
    ]
    assert findings == [], verdict.render()


# Faults before the answer -----------------------------------------------------------------------------------------------

PASSING: dict[str, tuple[int, float | None]] = {
    "429 with a second": (429, 1.0),
    "429 with a second and a half": (429, 1.5),
    "429 with three seconds": (429, 3.0),
    "408": (408, None),
    "500": (500, None),
    "502": (502, None),
    "503 with two seconds": (503, 2.0),
    "504": (504, None),
    "529": (529, None),
}


@pytest.mark.parametrize(("status", "retry_after_s"), PASSING.values(), ids=PASSING)
def test_a_passing_fault_is_tried_again_by_the_client_alone_and_not_before_its_time(
    judged: Judged, status: int, retry_after_s: float | None
) -> None:
    judged.server.state.scenarios.add(
        *(Fail(status, retry_after=retry_after_s, match=caller.match()) for caller in CALLERS)
    )

    came = judged.all_ask(ask_once)

    verdict = judged.verdict()
    assert verdict.faults == len(CALLERS)
    assert judged.attempts() == {caller.ask.__name__: min(2, caller.attempts) for caller in CALLERS}
    assert {name for name, each in came.items() if each.raised} == {"gemini", "gemini_stream"}
    assert all(each.reason or each.raised for each in came.values())
    assert_clean(verdict)


@pytest.mark.parametrize(("status", "retry_after_s"), [(503, 0.3), (500, None), (429, 0.3)])
def test_an_outage_meets_the_client_s_own_attempts_and_no_more(
    judged: Judged, status: int, retry_after_s: float | None
) -> None:
    judged.server.state.scenarios.add(Fail(status, retry_after=retry_after_s, times=None))

    came = judged.all_ask(ask_once)

    assert all(each.raised for each in came.values())
    assert judged.attempts() == {caller.ask.__name__: caller.attempts for caller in CALLERS}
    assert_clean(judged.verdict())


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_refusal_by_the_provider_is_not_tried_again(judged: Judged, status: int) -> None:
    judged.server.state.scenarios.add(Fail(status, times=None))

    came = judged.all_ask(ask_once)

    assert {name: [_status(error) for error in each.raised] for name, each in came.items()} == {
        caller.ask.__name__: [status] for caller in CALLERS
    }
    assert judged.attempts() == {caller.ask.__name__: 1 for caller in CALLERS}
    assert_clean(judged.verdict())


def _status(error: Exception) -> int | None:
    return error.code if isinstance(error, genai_errors.APIError) else getattr(error, "status_code", None)


# Faults within a stream -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", [0, 1, 3])
@pytest.mark.parametrize("kind", ["disconnect", "truncate"])
def test_a_stream_that_breaks_off_raises_so_that_even_a_careless_application_asks_again(
    judged: Judged, kind: str, chunks: int
) -> None:
    judged.server.state.scenarios.add(
        *(StreamFault(kind, after_chunks=chunks, match=caller.match()) for caller in STREAMING)
    )

    came = judged.all_ask(ask_until_it_does_not_raise, STREAMING)

    verdict = judged.verdict()
    assert verdict.faults == len(STREAMING)
    assert all(each.reason for each in came.values()), came
    assert judged.attempts() == {caller.ask.__name__: 2 for caller in STREAMING}
    assert_clean(verdict)


def test_without_agentwatch_the_same_application_takes_half_an_answer_for_a_whole_one(server: LLMockServer) -> None:
    server.state.reset()
    server.state.scenarios.add(StreamFault("truncate", after_chunks=3))
    caller = Caller(lambda root, token: _direct_chat(root, token), "/v1/chat/completions", is_stream=True)

    came = ask_until_it_does_not_raise(caller, server.base_url("openai"), "sk-judged")

    assert came == Came(None)
    assert [finding.code for finding in judge(server.state.journal.records(wait=5)).errors] == [
        "truncated_stream_accepted"
    ]


def _direct_chat(root: str, token: str) -> str | None:
    client = openai.OpenAI(api_key=token, base_url=root)
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)
    return last(choice.finish_reason for chunk in stream for choice in chunk.choices)


@pytest.mark.parametrize("chunks", [0, 3])
def test_a_chunk_that_is_no_json_is_not_swallowed(judged: Judged, chunks: int) -> None:
    judged.server.state.scenarios.add(
        *(StreamFault("malformed", after_chunks=chunks, match=caller.match()) for caller in STREAMING)
    )

    came = judged.all_ask(ask_once_whatever_it_raises, STREAMING)

    assert all(each.raised for each in came.values()), came
    assert judged.attempts() == {caller.ask.__name__: 1 for caller in STREAMING}
    assert_clean(judged.verdict())


@pytest.mark.parametrize("chunks", [0, 3])
def test_a_pause_within_a_stream_is_waited_for(judged: Judged, chunks: int) -> None:
    judged.server.state.scenarios.add(
        *(StreamFault("stall", after_chunks=chunks, stall_seconds=2, match=caller.match()) for caller in STREAMING)
    )

    came = judged.all_ask(ask_until_it_does_not_raise, STREAMING)

    assert all(each.reason and not each.raised for each in came.values()), came
    assert judged.attempts() == {caller.ask.__name__: 1 for caller in STREAMING}
    assert_clean(judged.verdict())


def test_a_slow_answer_is_waited_for(judged: Judged) -> None:
    judged.server.state.scenarios.add(*(Delay(2, match=caller.match()) for caller in CALLERS))
    judged.server.state.scenarios.add(*(SlowFirstToken(1, match=caller.match()) for caller in STREAMING))

    came = judged.all_ask(ask_once)

    assert all(each.reason and not each.raised for each in came.values()), came
    assert judged.attempts() == {caller.ask.__name__: 1 for caller in CALLERS}
    assert_clean(judged.verdict())


# Failover ---------------------------------------------------------------------------------------------------------------

CHAINED = "gpt-4.1-mini"
CHAINS = {"chains": [{"match": {"model": CHAINED}, "hops": [{"provider": "groq", "model": "llama-3.3-70b-versatile"}]}]}
AWAY_S = 3.0


def put_chains(stack: Stack, document: object) -> httpx.Response:
    headers = Edge(stack, stack.tokens["admin"]).headers(if_match="*")
    return httpx.put(f"{stack.edge_url}/v1/failover", json=document, headers=headers, timeout=60)


@pytest.fixture
def chained(judged: Judged, judged_stack: Stack) -> Iterator[Judged]:
    """The tenant's calls of one model of OpenAI's go to Groq when they fail."""
    answer = put_chains(judged_stack, CHAINS)
    assert answer.status_code == 200, answer.text
    yield judged
    assert put_chains(judged_stack, {"chains": []}).status_code == 200


@pytest.mark.parametrize("is_stream", [False, True], ids=["json", "stream"])
def test_a_provider_that_asked_for_time_is_not_reached_again_before_it_is_over(
    chained: Judged, is_stream: bool
) -> None:
    refusal = Fail(429, retry_after=AWAY_S, match=Match(provider="openai", model=CHAINED))
    chained.server.state.scenarios.add(refusal)

    reasons = [ask_chained(chained, is_stream) for _ in range(2)]

    assert all(reasons)
    assert reached(chained) == ["openai", "groq", "groq"]
    eventually(lambda: ask_chained(chained, is_stream) and reached(chained), lambda seen: seen[-1] == "openai")
    assert_clean(chained.verdict())
    away, back = [record for record in records(chained) if record.provider == "openai"]
    assert back.started_at - away.ended_at >= AWAY_S


def ask_chained(judged: Judged, is_stream: bool) -> str | None:
    completions = openai_client(judged.root, judged.token).chat.completions
    if not is_stream:
        return completions.create(model=CHAINED, messages=MESSAGES, max_tokens=50).choices[0].finish_reason
    stream = completions.create(model=CHAINED, messages=MESSAGES, max_tokens=50, stream=True)
    return last(choice.finish_reason for chunk in stream for choice in chunk.choices)


def records(judged: Judged) -> list[RequestRecord]:
    return judged.server.state.journal.records(wait=5)


def reached(judged: Judged) -> list[str]:
    """Which providers got calls, in order."""
    return [record.provider for record in records(judged)]
