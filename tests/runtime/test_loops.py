"""An agent that runs away, on the genuine runtime: through the official SDK, from two isolates, across an eviction of the
Ledger, and partly by reports; alerted at its fourth call by message to a real receiver, and stopped there by a rule."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import openai
import pytest

from local.stack import Stack
from local.worker_config import SECOND_EDGE_HOST
from tests.runtime.conftest import Edge, eventually

pytestmark = pytest.mark.stack

MODEL = "gpt-4o-mini"
GROWTH = {
    "id": "stop-growth",
    "condition": {"growth_ratio_min": 1.4},
    "action": {"type": "block", "message": "A loop."},
}
SAME_PROMPT = {"id": "stop-same", "condition": {"repeated_prompt_min": 3}, "action": {"type": "pause_session"}}
SIZES = [round(400 * 1.5**step) for step in range(6)]


class Receiver:
    """A webhook of the tenant's, and what arrived there."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing goes to the console."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def about(self, session_id: str) -> list[dict[str, Any]]:
        return [each for each in self.received if session_id in json.dumps(each)]

    def stop(self) -> None:
        self._server.shutdown()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def loops_stack(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Stack]:
    config = {"requests_per_minute": 1_000_000, "slack_webhook_url": receiver.url}
    state = tmp_path_factory.mktemp("loops") / "state"
    with Stack(state, has_second_edge=True, kv={"t:demo:config": config}) as running:
        yield running


@pytest.fixture
def admin(loops_stack: Stack) -> Edge:
    return Edge(loops_stack, loops_stack.tokens["admin"])


def write_rules(admin: Edge, *rules: dict[str, Any]) -> None:
    headers = admin.headers(if_match="*")
    answer = httpx.put(f"{admin.stack.edge_url}/v1/rules", json={"rules": rules}, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


class Agent:
    """Calls of one session through OpenAI's own client, by either isolate."""

    def __init__(self, stack: Stack, session_id: str) -> None:
        self._session_id = session_id
        self._stack = stack
        headers = {"x-agentwatch-session-id": session_id}
        self._clients = [
            openai.OpenAI(
                api_key=stack.tokens["live"],
                base_url=f"{stack.edge_url}/v1/proxy/openai/v1",
                default_headers={**headers, **extra},
                max_retries=2,
            )
            for extra in ({}, {"host": SECOND_EDGE_HOST})
        ]

    def call(self, words: int, isolate: int = 0) -> openai.APIStatusError | None:
        """None where it was answered, else the error that the client raised."""
        try:
            self._clients[isolate].chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "word " * words}], max_tokens=20
            )
        except openai.APIStatusError as error:
            return error
        return None

    def report(self, words: int) -> None:
        body = {"model": MODEL, "prompt_tokens": words, "completion_tokens": 20, "latency_ms": 9}
        headers = {"authorization": f"Bearer {self._stack.tokens['live']}"}
        report = {**body, "session_id": self._session_id}
        httpx.post(f"{self._stack.edge_url}/v1/ingest", json=report, headers=headers, timeout=60).raise_for_status()


def test_a_runaway_is_told_at_its_fourth_call(loops_stack: Stack, admin: Edge, receiver: Receiver) -> None:
    write_rules(admin)
    agent = Agent(loops_stack, "told")

    for step, words in enumerate(SIZES):
        assert agent.call(words, isolate=step % 2) is None
        if step == 2:
            assert receiver.about("told") == []

    (told,) = eventually(lambda: receiver.about("told"), lambda found: bool(found))
    words_told = json.dumps(told)
    assert "research" in words_told
    assert "paused" in words_told
    assert len(receiver.about("told")) == 1


def test_a_rule_stops_it_there_from_two_isolates_across_an_eviction(
    loops_stack: Stack, admin: Edge, receiver: Receiver
) -> None:
    write_rules(admin, GROWTH)
    agent = Agent(loops_stack, "stopped")
    errors = []
    for step, words in enumerate(SIZES):
        if step == 2:
            loops_stack.evict("demo")
        errors.append(agent.call(words, isolate=step % 2))

    assert errors[:3] == [None] * 3
    assert [error.status_code for error in errors[3:] if error is not None] == [403] * 3
    assert errors[3] is not None
    assert errors[3].code == "rule_blocked"
    assert "A loop." in errors[3].message
    eventually(lambda: receiver.about("stopped"), lambda found: len(found) == 1)
    rows = eventually(lambda: admin.outcomes("stopped"), lambda found: len(found) == len(SIZES))
    assert sorted(rows) == ["complete"] * 3 + ["refused"] * 3, "a refusal is not tried again by the client"


def test_it_is_stopped_there_where_half_of_its_calls_are_reports(
    loops_stack: Stack, admin: Edge, receiver: Receiver
) -> None:
    write_rules(admin, GROWTH)
    agent = Agent(loops_stack, "half")

    agent.report(SIZES[0])
    assert agent.call(SIZES[1]) is None
    agent.report(SIZES[2])
    error = agent.call(SIZES[3], isolate=1)

    assert error is not None
    assert error.code == "rule_blocked"
    eventually(lambda: receiver.about("half"), lambda found: len(found) == 1)


def test_a_session_that_a_rule_paused_goes_on_when_an_administrator_says_so(loops_stack: Stack, admin: Edge) -> None:
    write_rules(admin, SAME_PROMPT)
    agent = Agent(loops_stack, "paused")
    errors = [agent.call(50, isolate=step % 2) for step in range(4)]

    assert errors[:2] == [None] * 2
    assert [error.status_code for error in errors[2:] if error is not None] == [402, 402]
    loops_stack.evict("demo")
    assert agent.call(50) is not None
    assert admin.put("/v1/sessions/paused", {"paused": False}).status_code == 200
    assert agent.call(50) is None
