"""Failover within one call: who is asked, what each attempt holds and costs, and what the caller hears."""

import json
from typing import Any

import pytest

from core.ledger.messages import StatusRequest
from core.money.amount import format_usd
from exchange import Answer
from tests.support.api_client import ADMIN, Client
from tests.support.api_client import OTHER as OTHER_TENANT
from tests.support.failover import (
    LOST,
    ROLE,
    a_stream,
    a_world_of_providers,
    an_error,
    an_isolate_with_keys,
    chat_answer,
    chat_stream,
    chunk,
    event,
    write_chain,
)
from tests.support.memory_ports import ScriptedAnswer, World
from tests.support.rules import a_rule, error_of, write_rules

CHAT = "/v1/proxy/openai/v1/chat/completions"
CALL = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1_000}
OTHER = ("openai", "gpt-4o-mini")
BILLED_NANOUSD = 100 * 150 + 10 * 600
"""By gpt-4o-mini, which serves in the place of gpt-4o."""


class Caller:
    """A client of a tenant with a chain, and what its providers and its Ledger have seen."""

    def __init__(self, *hops: tuple[str, str], **chain: Any) -> None:
        self.world: World = a_world_of_providers()
        self.isolate = an_isolate_with_keys()
        write_chain(self.world, self.isolate, *(hops or (OTHER,)), **chain)
        self.client = Client(self.world, self.isolate)
        self.admin = Client(self.world, self.isolate, ADMIN)

    def answers(self, *answers: Any, provider: str = "openai") -> None:
        self.world.answers[provider] = list(answers)

    def call(self, path: str = CHAT, body: Any = CALL, **headers: str) -> Answer:
        return self.client.call(body, path, x_agentwatch_session_id="s1", **headers)

    def stream(self, path: str = CHAT, body: Any = CALL, **headers: str) -> bytes:
        """A streamed call's whole body."""
        answer = self.call(path, {**body, "stream": True}, **headers)
        assert isinstance(answer.body, bytes)
        return answer.body

    @property
    def asked(self) -> list[str]:
        """The models that providers were asked for, in order."""
        return [json.loads(each.body or b"{}").get("model", "") for each in self.world.sent]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [each for each in self.world.records if each["type"] == "call"]

    @property
    def money(self) -> tuple[int, int]:
        """Spent and held by the session."""
        status = StatusRequest(session_id="s1")
        (account,) = self.world.ledger_of("acme").service.status(status, self.world.now_ms()).accounts
        return account.spent_nanousd, account.held_nanousd


TROUBLE = {
    "500": an_error(500),
    "503 in HTML": ScriptedAnswer(status=503, headers={"content-type": "text/html"}, chunks=(b"<html>",)),
    "529": an_error(529),
    "429": an_error(429, retry_after="20"),
    "no connection": LOST,
    "an error in place of an answer": an_error(
        200, {"error": {"type": "server_error", "message": "overloaded", "code": "server_error"}}
    ),
    "an answer that broke off": ScriptedAnswer(chunks=(b'{"choices',), is_broken=True),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_next_hop_serves_after_trouble_of_the_provider_s(trouble: str) -> None:
    caller = Caller()
    caller.answers(TROUBLE[trouble], chat_answer())

    answer = caller.call()

    assert answer.status == 200
    assert caller.asked == ["gpt-4o", "gpt-4o-mini"]
    assert answer.headers["x-agentwatch-model"] == "openai/gpt-4o-mini"
    assert answer.headers["x-agentwatch-asked-model"] == "openai/gpt-4o"
    assert answer.headers["x-agentwatch-attempts"] == "2"
    assert answer.headers["x-agentwatch-failover-reason"].startswith("openai/gpt-4o: ")
    assert "%" not in answer.headers["x-agentwatch-failover-reason"]
    assert caller.money == (BILLED_NANOUSD, 0)
    assert answer.headers["x-agentwatch-cost-usd"] == "0.000021"
    assert [(row["attempt"], row["outcome"], row["cost_nanousd"]) for row in caller.rows] == [
        (1, "failed", 0),
        (2, "complete", BILLED_NANOUSD),
    ]
    assert caller.rows[1]["asked_model"] == "openai/gpt-4o"


VERDICTS = {
    "a prompt that was turned away": an_error(400, {"error": {"code": "content_policy_violation", "message": "no"}}),
    "a request at fault": an_error(400, {"error": {"code": "invalid_value", "message": "bad", "param": "x"}}),
    "a model that is not there": an_error(404, {"error": {"code": "model_not_found", "message": "no such model"}}),
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_what_is_nobody_s_outage_is_passed_on(verdict: str) -> None:
    caller = Caller()
    caller.answers(VERDICTS[verdict], chat_answer())

    answer = caller.call()

    assert (answer.status, caller.asked) == (VERDICTS[verdict].status, ["gpt-4o"])  # type: ignore[union-attr]
    assert answer.body == VERDICTS[verdict].chunks[0]  # type: ignore[union-attr]
    assert "x-should-retry" not in answer.headers
    assert caller.money == (0, 0)


def test_a_tenant_may_ask_for_more() -> None:
    caller = Caller(on=["404", "refusal"])
    caller.answers(VERDICTS["a model that is not there"], chat_answer())

    assert caller.call().status == 200


PRELUDES: dict[str, tuple[bytes, ...]] = {
    "an error at once": (event({"error": {"type": "server_error", "message": "overloaded"}}),),
    "an error after the prelude": (ROLE, event({"error": {"type": "server_error", "message": "overloaded"}})),
}


@pytest.mark.parametrize("prelude", PRELUDES)
def test_a_stream_that_fails_before_its_first_content_is_thrown_away(prelude: str) -> None:
    caller = Caller()
    caller.answers(a_stream(*PRELUDES[prelude]), chat_stream("hel", "lo"))

    body = caller.stream()

    assert body.count(b'"role": "assistant"') == 1
    assert b"overloaded" not in body
    assert caller.asked == ["gpt-4o", "gpt-4o-mini"]
    assert caller.money == (BILLED_NANOUSD, 0)


def test_a_stream_that_closes_without_a_word_is_thrown_away() -> None:
    caller = Caller()
    caller.answers(a_stream(ROLE, is_broken=True), chat_stream())

    body = caller.stream()

    assert body.endswith(b"data: [DONE]\n\n")
    assert len(caller.asked) == 2


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "hel"},
        {"reasoning_content": "hmm"},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]},
    ],
)
def test_after_content_nobody_else_is_asked(delta: Any) -> None:
    caller = Caller()
    caller.answers(a_stream(ROLE, chunk(delta), is_broken=True), chat_stream())

    body = caller.stream()

    assert caller.asked == ["gpt-4o"]
    assert b"upstream_truncated" in body
    assert caller.money[1] == 0


def test_a_hop_that_the_budget_cuts_is_told_and_charged_as_that_hop() -> None:
    caller = Caller(("openai", "gpt-4o"))
    caller.answers(an_error(500), chat_stream(*[" word of it"] * 900, model="gpt-4o"))
    body = {**CALL, "model": "gpt-4o-mini", "max_tokens": 8_000}

    passed = caller.stream(body=body, x_agentwatch_budget_usd="0.008")

    error = json.loads(passed.split(b"\n\n")[-3].removeprefix(b"data: "))["error"]
    (spent_nanousd, held_nanousd), (failed, cut) = caller.money, caller.rows
    assert (error["code"], error["cause"], error["scope_id"]) == ("answer_cut", "budget_exhausted", "s1")
    assert error["charged_usd"] == error["spent_usd"] == format_usd(spent_nanousd)
    assert held_nanousd == 0
    assert 0 < cut["usage"]["output_tokens"] == error["output_tokens"] < 2_700
    assert cut["cost_nanousd"] > error["output_tokens"] * 10_000  # of gpt-4o
    assert caller.asked == ["gpt-4o-mini", "gpt-4o"]
    assert [(row["outcome"], row["cost_nanousd"]) for row in (failed, cut)] == [("failed", 0), ("cut", spent_nanousd)]


def test_a_stream_that_says_nothing_for_long_is_passed_on_as_it_is() -> None:
    caller = Caller()
    slow = chat_stream("late")
    slow.chunk_takes_ms, slow.world = 6_000, caller.world
    caller.answers(slow, chat_stream())

    body = caller.stream()

    assert caller.asked == ["gpt-4o"]
    assert b"late" in body


def test_a_stream_that_does_not_begin_is_given_up() -> None:
    caller = Caller(first_byte_ms=2_000)
    silent = chat_stream("late")
    silent.chunk_takes_ms, silent.world = 60_000, caller.world
    caller.answers(silent, chat_stream())

    assert b"late" not in caller.stream()
    assert caller.asked == ["gpt-4o", "gpt-4o-mini"]


def test_a_call_may_say_that_it_is_not_to_fail_over() -> None:
    caller = Caller()
    caller.answers(an_error(503), chat_answer())

    assert caller.call(x_agentwatch_failover="off").status == 503
    assert caller.asked == ["gpt-4o"]


def test_when_all_fail_the_last_one_s_own_error_and_what_was_tried_are_told() -> None:
    caller = Caller(OTHER, ("openai", "gpt-4.1-mini"))
    last = an_error(503, {"error": {"message": "the last", "type": "server_error", "code": "x"}})
    caller.answers(an_error(500), an_error(502), last)

    answer = caller.call()

    assert (answer.status, error_of(answer)["message"]) == (503, "the last")
    assert len(caller.asked) == 3
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-agentwatch-failover-reason"].count(":") == 3
    assert caller.money == (0, 0)
    assert [row["attempt"] for row in caller.rows] == [1, 2, 3]


def test_a_hop_that_the_budget_does_not_cover_leaves_the_first_error_standing() -> None:
    caller = Caller(("openai", "gpt-4o"), model="gpt-4o-mini")
    caller.answers(an_error(503), chat_answer())

    answer = caller.call(body={**CALL, "model": "gpt-4o-mini"}, x_agentwatch_budget_usd="0.0004")

    assert answer.status == 503
    assert answer.headers["x-agentwatch-failover-skipped"] == "openai/gpt-4o: budget_exhausted"
    assert caller.money == (0, 0)


def test_a_rule_that_blocks_a_hop_leaves_it_out() -> None:
    caller = Caller(OTHER, ("openai", "gpt-4.1-mini"))
    write_rules(caller.admin, a_rule("no-mini", condition={"model": "gpt-4o-mini"}))
    caller.answers(an_error(503), chat_answer(model="gpt-4.1-mini"))

    answer = caller.call()

    assert caller.asked == ["gpt-4o", "gpt-4.1-mini"]
    assert answer.headers["x-agentwatch-failover-skipped"] == "openai/gpt-4o-mini: rule_blocked"


def test_an_attempt_that_may_have_been_billed_costs_what_it_may() -> None:
    caller = Caller()
    caller.answers(LOST, chat_answer())
    caller.world.takes_ms["openai"] = 5_000

    answer = caller.call()

    first, second = caller.rows
    assert first["cost_nanousd"] > 0
    assert caller.money == (first["cost_nanousd"] + second["cost_nanousd"], 0)
    assert float(answer.headers["x-agentwatch-cost-usd"]) == pytest.approx(caller.money[0] / 1e9)


def test_an_attempt_counts_once_in_its_session_s_history() -> None:
    caller = Caller()
    write_rules(caller.admin, a_rule("again", condition={"repeated_prompt_min": 3}))
    caller.answers(an_error(503), chat_answer(), an_error(503), chat_answer(), an_error(503), chat_answer())

    assert [caller.call().status for _ in range(2)] == [200, 200]


def test_a_provider_that_states_when_to_come_again_is_left_alone_until_then() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="20"), chat_answer(), chat_answer(), chat_answer(), chat_answer())
    caller.call()

    caller.world.pass_time(19_000)
    second = caller.call()
    caller.world.pass_time(2_000)
    third = caller.call()

    assert caller.asked == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini", "gpt-4o"]
    assert second.headers["x-agentwatch-failover-skipped"] == "openai/gpt-4o: cooling_down"
    assert third.headers["x-agentwatch-attempts"] == "1"


def test_another_isolate_leaves_it_alone_too() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="20"), chat_answer(), chat_answer())
    caller.call()
    caller.client = Client(caller.world, an_isolate_with_keys())

    caller.call()

    assert caller.asked == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"]


def test_an_administrator_sees_and_clears_what_is_left_alone() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="3600"), chat_answer(), chat_answer())
    caller.call()

    (entry,) = caller.admin.read("/v1/failover/health")["cooling"]
    assert (entry["provider"], entry["model"], entry["reason"]) == ("openai", "gpt-4o", "rate")
    assert caller.client.ask("DELETE", "/v1/failover/health").status == 403
    assert json.loads(caller.admin.ask("DELETE", "/v1/failover/health?provider=openai").body) == {"cooling": []}
    caller.call()

    assert caller.asked[-1] == "gpt-4o"


def test_one_tenant_s_cool_downs_do_not_touch_another_s() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="3600"), chat_answer(), chat_answer())
    caller.call()
    write_chain(caller.world, caller.isolate, OTHER, token=OTHER_TENANT)
    stranger = Client(caller.world, caller.isolate, OTHER_TENANT)
    stranger.call(CALL, CHAT)

    assert caller.asked[-1] == "gpt-4o"
    assert stranger.read("/v1/failover/health") == {"cooling": []}


def test_where_everybody_cools_down_the_call_is_made_all_the_same() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="60"), an_error(429, retry_after="30"), chat_answer())
    caller.call()

    answer = caller.call()

    assert answer.status == 200
    assert caller.asked[-1] == "gpt-4o-mini"


def test_a_clock_that_goes_backwards_does_no_harm() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="20"), chat_answer(), chat_answer(), chat_answer())
    caller.call()
    caller.world.pass_time(-500)
    assert caller.call().status == 200
    caller.world.pass_time(3_600_000)

    caller.call()

    assert caller.asked[-1] == "gpt-4o"


def test_while_the_ledger_is_away_the_chain_is_walked_on_the_allowance() -> None:
    caller = Caller()
    caller.answers(an_error(503), chat_answer())
    caller.world.is_ledger_away = True

    answer = caller.call()

    assert (answer.status, len(caller.asked)) == (200, 2)


def test_a_test_says_who_would_serve_and_sends_nothing() -> None:
    caller = Caller(OTHER, ("openai", "gpt-4.1-mini"))

    told = json.loads(
        caller.admin.ask("POST", "/v1/failover/test", {"path": "/v1/chat/completions", "body": CALL}).body
    )

    assert told["chain"] == "chain-1"
    assert [(hop["provider"], hop["model"]) for hop in told["hops"]] == [
        ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("openai", "gpt-4.1-mini"),
    ]  # fmt: skip
    assert caller.world.sent == []
