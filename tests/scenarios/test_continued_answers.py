"""A conversation whose turns the provider stores: each turn is held for by what the one before came to, and under a
shared account nobody continues another tenant's."""

import json
from typing import Any

import pytest

from core.ledger.messages import AdmitRequest
from tests.support.api_client import SSE, Client, an_isolate, sse
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

OTHER_TOKEN = "aw_live_" + "cd" * 24
USAGE = {"input_tokens": 1_000, "output_tokens": 200, "total_tokens": 1_200}
BASE = {"model": "gpt-5", "max_output_tokens": 100, "input": "go on"}
WINDOW_NANOUSD = 400_000 * 1_250


def an_answer(answer_id: str, **more: Any) -> ScriptedAnswer:
    body = {"id": answer_id, "model": "gpt-5", "status": "completed", "output": [], "usage": USAGE, **more}
    return ScriptedAnswer(chunks=(json.dumps(body).encode(),))


def a_streamed_answer(answer_id: str) -> ScriptedAnswer:
    response = {"id": answer_id, "model": "gpt-5", "status": "completed", "output": [], "usage": USAGE}
    events = [
        {"type": "response.created", "response": {"id": answer_id}},
        {"type": "response.completed", "response": response},
    ]
    return ScriptedAnswer(headers=SSE, chunks=tuple(sse(each) for each in events))


class Talk:
    """Two tenants, one isolate, one account at the provider."""

    def __init__(self) -> None:
        self.world = World({"requests_per_minute": 1_000_000})
        self.world.knows(OTHER_TOKEN, tenant="other", key_id="key_2")
        self._isolate = an_isolate(ANTHROPIC_API_KEY="sk-ours")

    def turn(
        self, answer: ScriptedAnswer, *, token: str = TOKEN, path: str = "openai/v1/responses", **more: Any
    ) -> int:
        self.world.answer = answer
        client = Client(self.world, self._isolate, token)
        return client.call({**BASE, **more}, f"/v1/proxy/{path}", x_agentwatch_session_id="s1").status

    def held_nanousd(self) -> int:
        """What the last admission held."""
        holds = self.world.ledger_of("acme").service._state.store.holds_since(0)
        return max(holds, key=lambda hold: int(hold.id.removeprefix("rsv_"))).granted_nanousd


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.mark.parametrize("first", [an_answer("resp_1"), a_streamed_answer("resp_1")], ids=["whole", "streamed"])
def test_a_turn_is_held_for_by_what_the_one_before_came_to(talk: Talk, first: ScriptedAnswer) -> None:
    talk.turn(first, stream=first.headers == SSE)

    status = talk.turn(an_answer("resp_2"), previous_response_id="resp_1")

    assert status == 200
    assert 1_200 * 1_250 <= talk.held_nanousd() < 2 * 1_200 * 1_250 + 200 * 10_000 + 200 * 1_250


def test_a_stored_conversation_is_as_long_as_its_last_answer_said(talk: Talk) -> None:
    talk.turn(an_answer("resp_1", conversation={"id": "conv_1"}))

    assert talk.turn(an_answer("resp_2"), conversation={"id": "conv_1"}) == 200
    assert talk.held_nanousd() < WINDOW_NANOUSD // 20


def test_a_thread_of_messages_is_continued_likewise(talk: Talk) -> None:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    answer = {**message, "stop_reason": "end_turn", "usage": {"input_tokens": 1_000, "output_tokens": 200}}
    ask = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": "go on"}]}
    scripted = ScriptedAnswer(chunks=(json.dumps(answer).encode(),))
    talk.turn(scripted, path="anthropic/v1/messages", **ask)

    status = talk.turn(scripted, path="anthropic/v1/messages", thread={"previous_message_id": "msg_1"}, **ask)

    assert status == 200
    assert talk.held_nanousd() < 200_000 * 3_000 // 20


def test_with_the_shared_key_nobody_continues_another_tenant_s_answer(talk: Talk) -> None:
    talk.turn(an_answer("resp_1"))

    assert talk.turn(an_answer("resp_2"), token=OTHER_TOKEN, previous_response_id="resp_1") == 403
    assert len(talk.world.sent) == 1


def test_with_its_own_key_a_caller_may_continue_an_answer_nobody_here_has_seen(talk: Talk) -> None:
    status = talk.turn(an_answer("resp_2"), token=f"{TOKEN}:sk-own", previous_response_id="resp_0")

    assert status == 200
    assert talk.held_nanousd() >= WINDOW_NANOUSD


def test_while_the_ledger_is_away_it_cannot_be_told_whose_answer_it_is(talk: Talk) -> None:
    talk.turn(an_answer("resp_1"))
    talk.world.is_ledger_away = True

    assert talk.turn(an_answer("resp_2"), previous_response_id="resp_1") == 503
    assert talk.turn(an_answer("resp_3")) == 200


def test_an_answer_got_while_the_ledger_was_away_is_remembered_when_it_is_told(talk: Talk) -> None:
    talk.world.is_ledger_away = True
    talk.turn(an_answer("resp_1"))
    talk.world.is_ledger_away = False
    (debt,) = (record for record in talk.world.records if record["type"] == "debt")

    assert debt["charge"]["answer"] == [["resp_1"], 1_200]


def test_a_call_that_continues_nothing_asks_for_no_steps(talk: Talk) -> None:
    asked: list[AdmitRequest] = []
    service = talk.world.ledger_of("acme").service
    admit = service.admit
    service.admit = lambda request, now_ms: asked.append(request) or admit(request, now_ms)

    talk.turn(an_answer("resp_1"))
    talk.turn(an_answer("resp_2"), previous_response_id="resp_1")

    assert asked[0].earlier is None
    assert asked[1].earlier is not None
    assert [step.want_nanousd for step in asked[1].earlier.steps] == sorted(
        step.want_nanousd for step in asked[1].earlier.steps
    )
