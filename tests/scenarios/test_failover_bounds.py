"""What holds for all attempts of one call together: its caller's limit, its tenant's rules, rates and counts, and the
time that is its own."""

import json
from typing import Any

from tests.scenarios.test_failover import CALL, CHAT, OTHER, Caller
from tests.support.api_client import Client
from tests.support.failover import (
    LOST,
    a_stream,
    an_answer,
    an_error,
    chat_answer,
    chat_stream,
    event,
    messages_answer,
    write_chain,
)
from tests.support.memory_ports import TOKEN, ScriptedAnswer
from tests.support.rules import a_rule, error_of, write_rules

FOREIGN = an_error(400, {"error": {"code": "invalid_encrypted_content", "message": "no"}})


def test_a_limit_of_one_call_is_for_all_its_attempts_together() -> None:
    caller = Caller(OTHER, ("openai", "gpt-4.1-mini"), after_uncertain=True)
    caller.answers(LOST, chat_answer())
    caller.world.takes_ms["openai"] = 15_000
    limit_usd = 0.0102

    answer = caller.client.call(CALL, CHAT, x_agentwatch_budget_usd=str(limit_usd))

    assert caller.rows[0]["cost_nanousd"] > 0.95 * limit_usd * 1e9
    held = [json.loads(each.body or b"")["max_tokens"] * 600 for each in caller.world.sent[1:]]
    assert caller.rows[0]["cost_nanousd"] + sum(held) <= limit_usd * 1e9, answer.headers


def test_a_history_that_is_repaired_is_no_attempt_more_than_there_may_be() -> None:
    caller = Caller(OTHER, attempts_max=2)
    caller.answers(an_error(503), FOREIGN, chat_answer())

    assert caller.call().status == 400
    assert len(caller.asked) == 2


def test_where_all_cool_down_and_the_first_to_be_well_may_not_serve_the_other_one_is_asked() -> None:
    caller = Caller()
    caller.answers(an_error(429, retry_after="60"), an_error(429, retry_after="30"), chat_answer())
    caller.call()
    write_rules(caller.admin, a_rule("no-mini", condition={"model": "gpt-4o-mini", "iteration_min": 1}))

    answer = caller.call(x_agentwatch_iteration="1")

    assert (answer.status, caller.asked[-1]) == (200, "gpt-4o")


def test_a_rule_that_throttles_a_hop_s_model_counts_the_calls_that_come_there() -> None:
    caller = Caller()
    slow = a_rule(
        "slow",
        condition={"model": "gpt-4o-mini"},
        action={"type": "throttle", "requests_per_minute": 1, "per": "tenant"},
    )
    write_rules(caller.admin, slow)
    caller.answers(an_error(503), chat_answer(), an_error(503), chat_answer())

    assert [caller.call().status for _ in range(2)] == [200, 503]
    assert caller.asked == ["gpt-4o", "gpt-4o-mini", "gpt-4o"]


def test_a_hop_that_is_refused_for_its_caller_leaves_no_row_over_that_of_the_attempt() -> None:
    caller = Caller()
    write_rules(
        caller.admin, a_rule("pause", condition={"model": "gpt-4o-mini", "iteration_min": 1},
                             action={"type": "pause_session"})
    )  # fmt: skip
    caller.answers(an_error(503), chat_answer())

    answer = caller.call(x_agentwatch_iteration="1")

    assert (answer.status, [row["attempt"] for row in caller.rows]) == (503, [1])
    assert [row["outcome"] for row in caller.rows] == ["failed"]
    assert caller.rows[0]["skipped_hops"] == ["openai/gpt-4o-mini: scope_paused"]


def test_a_repaired_history_that_may_not_be_sent_again_leaves_the_provider_s_own_word() -> None:
    caller = Caller()
    caller.answers(FOREIGN, chat_answer())
    caller.world.upstream_also = lambda: caller.world.set_month(1)

    answer = caller.call()

    assert (answer.status, error_of(answer)["code"]) == (400, "invalid_encrypted_content")
    assert [row["attempt"] for row in caller.rows] == [1]


def test_the_time_of_the_attempts_before_is_nobody_s_overhead() -> None:
    caller = Caller()
    caller.answers(an_error(503), chat_answer())
    caller.world.takes_ms["openai"] = 5_000

    answer = caller.call()

    assert answer.headers["x-agentwatch-overhead-ms"] == "0"
    assert caller.rows[1]["overhead_ms"] == 0.0


def test_a_stream_costs_no_thinking_of_the_time_before_it_was_asked_for() -> None:
    def cost(first_takes_ms: int) -> Any:
        caller = Caller(("openai", "gpt-5-mini"))
        caller.answers(an_error(503), ScriptedAnswer(headers={"content-type": "text/event-stream"},
                       chunks=chat_stream(model="gpt-5-mini").chunks[:2], is_broken=True))  # fmt: skip
        caller.world.takes_ms["openai"] = 0
        caller.world.upstream_also = lambda: caller.world.pass_time(0 if len(caller.world.sent) > 1 else first_takes_ms)
        caller.stream(body={"model": "gpt-4o", "messages": CALL["messages"], "max_completion_tokens": 20_000})
        return caller.rows[1]["cost_nanousd"]

    assert cost(0) == cost(30_000)


def test_a_key_that_may_be_anybody_s_is_not_shown_to_whoever_counts_tokens() -> None:
    caller = Caller()
    own = f"{TOKEN}:sk-abcDEF0123456789abcdef0123456789"
    body = {"model": "claude-haiku-4-5", "messages": CALL["messages"]}

    answer = Client(caller.world, caller.isolate, own).call(body, "/v1/messages/count_tokens")

    assert (answer.status, caller.world.sent) == (400, [])


def test_an_error_that_is_too_long_to_be_kept_is_let_go() -> None:
    caller = Caller()
    long = an_error(503)
    long.is_too_long = True
    caller.answers(long, chat_answer())
    given = []
    caller.world._answer_of = lambda request, really=caller.world._answer_of: given.append(really(request)) or given[-1]  # type: ignore[method-assign]

    assert caller.call().status == 200
    assert [each.is_discarded for each in given] == [True, False]


def test_who_has_a_rest_of_the_time_only_is_not_blamed_for_it() -> None:
    caller = Caller(deadline_ms=10_000, on=["5xx", "timeout"])
    caller.answers(an_error(503), provider="openai")
    write_chain(caller.world, caller.isolate, ("groq", "llama-3.3-70b-versatile"), deadline_ms=10_000)
    caller.answers(chat_answer(), provider="groq")
    caller.world.takes_ms |= {"openai": 9_000, "groq": 2_000}

    for _ in range(6):
        caller.world.pass_time(60_000)
        caller.call()

    cooling = caller.admin.read("/v1/failover/health")["cooling"]
    assert [each["provider"] for each in cooling if each["provider"] == "groq"] == []


def test_the_dollars_of_a_chain_are_a_limit_that_the_ledger_keeps() -> None:
    caller = Caller(dollars_max="0.001")
    caller.answers(chat_answer())

    answer = caller.call(body={**CALL, "max_tokens": 1_000})

    sent = json.loads(caller.world.sent[0].body or b"{}")
    assert answer.status == 200
    assert 64 <= sent["max_tokens"] <= 100, "what $0.001 buys of gpt-4o"


def test_what_a_chain_may_cost_is_no_limit_of_the_session() -> None:
    caller = Caller(dollars_max="0.0011")
    caller.answers(chat_answer())

    assert [caller.call(body={**CALL, "max_tokens": 60}).status for _ in range(3)] == [200, 200, 200]


def test_a_stream_of_another_model_of_gemini_comes_as_its_caller_asked_for_it() -> None:
    caller = Caller(("gemini", "gemini-2.5-flash-lite"))
    piece = {"candidates": [{"content": {"parts": [{"text": "hello"}], "role": "model"}, "finishReason": "STOP"}]}
    caller.answers(an_error(503), a_stream(event(piece)), provider="gemini")

    path = "/v1/proxy/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    answer = caller.call(path, {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})

    assert [each.url.rpartition("/")[2] for each in caller.world.sent] == [
        "gemini-2.5-flash:streamGenerateContent?alt=sse",
        "gemini-2.5-flash-lite:streamGenerateContent?alt=sse",
    ]
    assert b"hello" in answer.body


def test_another_model_of_the_same_provider_is_asked_with_the_caller_s_headers_but_for_its_idempotency_key() -> None:
    caller = Caller(("anthropic", "claude-sonnet-4-5"))
    caller.answers(an_error(529), messages_answer(), provider="anthropic")

    body = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"anthropic_version": "2023-06-01", "anthropic_beta": "context-1m-2025-08-07", "idempotency_key": "k"}
    caller.call("/v1/proxy/anthropic/v1/messages", body, **headers)

    first, second = (each.headers for each in caller.world.sent)
    assert second["anthropic-beta"] == "context-1m-2025-08-07"
    assert "idempotency-key" not in second
    assert first["anthropic-version"] == second["anthropic-version"]


def test_an_answer_that_cannot_be_said_otherwise_was_billed_and_another_one_is_asked() -> None:
    caller = Caller(("gemini", "gemini-2.5-flash"), OTHER)
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "MALFORMED_FUNCTION_CALL"}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    caller.answers(an_error(503), chat_answer())
    caller.answers(an_answer({"model": "gemini-2.5-flash", "choices": [choice], "usage": usage}), provider="gemini")

    answer = caller.call()

    assert answer.status == 200
    assert [row["outcome"] for row in caller.rows] == ["failed", "failed", "complete"]
    assert caller.rows[1]["cost_nanousd"] > 0
