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

    def __init__(self) -> None:
        self.world: World = a_world_with_administrators({"requests_per_minute": 1_000_000})
        self.world.answers = {"openai": [chat_answer()], "anthropic": [messages_answer()]}
        self.isolate = an_isolate_with_keys()
        self.admin = Client(self.world, self.isolate, ADMIN)
        self._member = Client(self.world, self.isolate)

    def urgent(self, body: Any = CALL, path: str = "openai/v1/chat/completions") -> int:
        """Of one call."""
        before = self.world.urgent_charges
        assert self._member.call(body, f"/v1/proxy/{path}", x_agentwatch_session_id="s1").status == 200
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


def test_an_answer_that_a_call_may_continue_does_not_wait(caller: Caller) -> None:
    caller.world.answers["openai"] = [ScriptedAnswer(chunks=(json.dumps(RESPONSE).encode(),))]

    assert caller.urgent({"model": "gpt-4o-mini", "max_output_tokens": 100, "input": "hi"}, "openai/v1/responses") == 1


def test_a_target_that_fails_and_one_that_is_well_again_do_not_wait(caller: Caller) -> None:
    write_chain(caller.world, caller.isolate, ("anthropic", "claude-haiku-4-5"))
    assert caller.urgent() == 0
    caller.world.answers["openai"] = [an_error(429, retry_after="4"), chat_answer()]

    assert caller.urgent() == 2, "the failure, and what was served while it cools down"
    caller.world.pass_time(5_000)
    assert caller.urgent() == 1, "well again"
    assert caller.urgent() == 0
