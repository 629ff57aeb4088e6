"""Which charges do not wait for company: those by which calls in another isolate are decided a moment later."""

import json
from typing import Any

import pytest

from tests.support.api_client import ADMIN, CALL, Client, a_world_with_administrators
from tests.support.failover import an_error, an_isolate_with_keys, chat_answer, messages_answer, write_chain
from tests.support.memory_ports import ScriptedAnswer, World
from tests.support.rules import a_rule, write_rules

RESPONSE = {
    "id": "resp_1", "model": "gpt-4o-mini", "status": "completed", "output": [],
    "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12},
}  # fmt: skip


class Caller:
    """A member's client, and how many of its charges were urgent."""

    def __init__(self, **config: int) -> None:
        self.world: World = a_world_with_administrators({"requests_per_minute": 1_000_000, **config})
        self.world.answers = {"openai": [chat_answer()], "anthropic": [messages_answer()]}
        self.isolate = an_isolate_with_keys()
        self.admin = Client(self.world, self.isolate, ADMIN)
        self._member = Client(self.world, self.isolate)

    def urgent(
        self,
        body: Any = CALL,
        path: str = "openai/v1/chat/completions",
        *,
        session: str | None = "s1",
        status: int = 200,
    ) -> int:
        """Of one call."""
        before = self.world.urgent_charges
        headers = {} if session is None else {"x_agentwatch_session_id": session}
        assert self._member.call(body, f"/v1/proxy/{path}", **headers).status == status
        return self.world.urgent_charges - before


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_a_plain_call_waits_for_company(caller: Caller) -> None:
    assert caller.urgent() == 0


def test_where_rules_ask_for_the_session_no_end_of_a_call_waits(caller: Caller) -> None:
    write_rules(caller.admin, a_rule(condition={"model": "gpt-4o"}))
    assert caller.urgent() == 0
    write_rules(caller.admin, a_rule(condition={"model": "gpt-4o", "session_spend_usd_min": "1"}))

    assert caller.urgent() == 1, "also of a call that the rule is not about: the next one's session has it"


def test_without_a_session_rules_about_sessions_make_nothing_urgent(caller: Caller) -> None:
    write_rules(caller.admin, a_rule(condition={"model": "gpt-4o", "session_spend_usd_min": "1"}))

    assert caller.urgent(session=None) == 0


def test_under_a_token_rate_no_end_waits() -> None:
    assert Caller(tokens_per_minute=1_000_000).urgent() == 1


@pytest.mark.parametrize(("store", "urgent"), [({}, 1), ({"store": True}, 1), ({"store": False}, 0)])
def test_an_answer_that_a_call_may_continue_does_not_wait(caller: Caller, store: dict[str, bool], urgent: int) -> None:
    caller.world.answers["openai"] = [ScriptedAnswer(chunks=(json.dumps(RESPONSE).encode(),))]
    body = {"model": "gpt-4o-mini", "max_output_tokens": 100, "input": "hi", **store}

    assert caller.urgent(body, "openai/v1/responses") == urgent


def test_a_compaction_is_continued_by_nobody(caller: Caller) -> None:
    caller.world.answers["openai"] = [ScriptedAnswer(chunks=(json.dumps(RESPONSE).encode(),))]

    assert caller.urgent({"model": "gpt-4o-mini", "input": "hi"}, "openai/v1/responses/compact") == 0


@pytest.mark.parametrize(("thread", "urgent"), [({}, 0), ({"thread": {"type": "start"}}, 1)])
def test_messages_are_continued_in_threads_alone(caller: Caller, thread: dict[str, Any], urgent: int) -> None:
    body = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **thread}

    assert caller.urgent(body, "anthropic/v1/messages") == urgent


def test_a_target_that_was_tried_does_not_wait_however_it_did(caller: Caller) -> None:
    write_chain(caller.world, caller.isolate, ("anthropic", "claude-haiku-4-5"))
    assert caller.urgent() == 0
    caller.world.answers["openai"] = [an_error(429, retry_after="4"), an_error(400), chat_answer()]

    assert caller.urgent() == 0, "the failure goes with the next attempt's admission, and that one's target is well"
    caller.world.pass_time(5_000)
    assert caller.urgent(status=400) == 1, "tried, and free to be tried again"
    assert caller.urgent() == 1, "well again"
    assert caller.urgent() == 0


def test_the_last_one_that_fails_does_not_wait(caller: Caller) -> None:
    write_chain(caller.world, caller.isolate, ("anthropic", "claude-haiku-4-5"))
    for provider in ("openai", "anthropic"):
        caller.world.answers[provider] = [an_error(429, retry_after="4")]

    assert caller.urgent(status=429) == 1
