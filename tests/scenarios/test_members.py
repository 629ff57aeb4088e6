"""Members of a tenant beside each other: what one says of a session, a limit or a report harms no other."""

import json
from typing import Any

import pytest

from exchange import Answer
from tests.support.api_client import ADMIN, CALL, CHAT, Client, an_isolate
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

STRANGER = "aw_live_" + "12" * 24
KEYLESS = "aw_live_" + "34" * 24
ANSWERED = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 500, "total_tokens": 600},
}
COST_USD = (100 * 150 + 500 * 600) / 1e9


@pytest.fixture
def world() -> World:
    world = World({"requests_per_minute": 5, "budget_wait_s": 0})
    world.knows(STRANGER, tenant="acme", team="blue", key_id="key_2")
    world.knows(KEYLESS, tenant="acme")
    world.knows(ADMIN, tenant="acme", role="admin", key_id="key_admin")
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWERED).encode(),))
    return world


@pytest.fixture
def ask(world: World) -> Any:
    isolate = an_isolate()

    def asked(method: str, path: str, body: Any = None, token: str = TOKEN, **headers: str) -> Answer:
        named = {f"x-agentwatch-{name}": value for name, value in headers.items()}
        return Client(world, isolate, token).ask(method, path, body, **named)

    return asked


def check(ask: Any, query: str = "session_id=s", **changes: str) -> Any:
    return json.loads(ask("GET", f"/v1/budget-check?{query}", **changes).body)


def error_of(answer: Answer) -> Any:
    return json.loads(answer.body)["error"]


# Sessions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [TOKEN, STRANGER, KEYLESS, ADMIN], ids=["owner", "stranger", "keyless", "admin"])
def test_a_check_compares_with_the_limit_asked_about_and_stores_nothing(world: World, ask: Any, token: str) -> None:
    ask("POST", CHAT, CALL, session_id="s", budget_usd="1")
    rows = world.ledgers["acme"].service._state.store._database.connection
    before = rows.total_changes

    asked = check(ask, "session_id=s&limit_usd=0.000000001", token=token)

    assert (asked["exceeded"], asked["limit_usd"], asked["remaining_usd"]) == (True, 1e-9, 0)
    assert rows.total_changes == before
    assert (check(ask)["exceeded"], check(ask)["limit_usd"]) == (False, 1)


def test_a_check_above_the_session_s_limit_shows_the_session_s(ask: Any) -> None:
    ask("POST", CHAT, CALL, session_id="s", budget_usd="1")

    assert check(ask, "session_id=s&limit_usd=2")["limit_usd"] == 1


def test_a_limit_asked_about_stops_an_sdk_even_where_the_session_s_own_only_warns(ask: Any) -> None:
    ask("POST", CHAT, CALL, session_id="s")
    ask("PUT", "/v1/sessions/s", {"limit_usd": "0.0000001", "hard": False}, token=ADMIN)

    assert not check(ask)["exceeded"]
    assert check(ask, f"session_id=s&limit_usd={COST_USD:.9f}")["exceeded"]


@pytest.mark.parametrize("token", [STRANGER, KEYLESS], ids=["another team", "a token without key or team"])
def test_a_stranger_s_header_limits_its_own_call_and_not_the_session(ask: Any, token: str) -> None:
    ask("POST", CHAT, CALL, session_id="s", budget_usd="1")

    refused = ask("POST", CHAT, CALL, token=token, session_id="s", budget_usd="0.000000001")

    assert (refused.status, error_of(refused)["scope"]) == (402, "call")
    assert check(ask)["limit_usd"] == 1
    assert ask("POST", CHAT, CALL, session_id="s").status == 200


def test_an_administrator_s_header_tightens_any_session(ask: Any) -> None:
    ask("POST", CHAT, CALL, session_id="s", budget_usd="1")

    ask("POST", CHAT, CALL, token=ADMIN, session_id="s", budget_usd="0.5")

    assert check(ask)["limit_usd"] == 0.5


def test_members_of_one_team_share_their_sessions(world: World, ask: Any) -> None:
    mate = "aw_live_" + "56" * 24
    world.knows(mate, tenant="acme", team="search", key_id="key_9")
    ask("POST", CHAT, CALL, session_id="s", budget_usd="1")

    ask("POST", CHAT, CALL, token=mate, session_id="s", budget_usd="0.5")

    assert check(ask)["limit_usd"] == 0.5


# A limit of one call --------------------------------------------------------------------------------------


def test_a_budget_without_a_session_refuses_a_call_beyond_it(world: World, ask: Any) -> None:
    refused = ask("POST", CHAT, CALL, budget_usd="0.00000001")

    error = error_of(refused)
    assert (refused.status, error["scope"], error["limit_usd"], error["spent_usd"]) == (402, "call", "0.00000001", "0")
    assert "this one call" in error["message"]
    assert world.sent == []


def test_a_budget_without_a_session_lowers_the_answer_to_what_it_pays_for(world: World, ask: Any) -> None:
    answer = ask("POST", CHAT, CALL, budget_usd="0.0001")

    assert answer.status == 200
    assert json.loads(world.sent[0].body)["max_tokens"] < 170


@pytest.mark.parametrize("session", [{}, {"session_id": "s"}], ids=["no session", "session"])
def test_a_caller_s_own_limit_holds_while_the_ledger_is_away(world: World, ask: Any, session: Any) -> None:
    world.is_ledger_away = True

    assert error_of(ask("POST", CHAT, CALL, budget_usd="0.00000001", **session))["scope"] == "call"
    assert ask("POST", CHAT, CALL, budget_usd="0.0001", **session).status == 200
    assert json.loads(world.sent[0].body)["max_tokens"] < 170


# Calls that cost nothing ----------------------------------------------------------------------------------


def test_free_calls_count_against_the_request_rate_by_one_question_each(world: World, ask: Any) -> None:
    statuses = [ask("GET", "/v1/proxy/openai/v1/models").status for _ in range(6)]

    assert statuses == [200] * 5 + [429]
    assert world.ledger_calls == 6
    assert ask("POST", CHAT, CALL).status == 429


def test_a_free_call_too_many_is_told_when_to_come_back_and_reaches_no_provider(world: World, ask: Any) -> None:
    for _ in range(5):
        ask("GET", "/v1/proxy/openai/v1/models")

    refused = ask("GET", "/v1/proxy/openai/v1/models")

    assert "retry-after" in refused.headers
    assert len(world.sent) == 5


def test_free_calls_pass_while_the_ledger_is_away(world: World, ask: Any) -> None:
    world.is_ledger_away = True

    assert [ask("GET", "/v1/proxy/openai/v1/models").status for _ in range(7)] == [200] * 7


# What KV says ---------------------------------------------------------------------------------------------

MIRROR = {"spent_nanousd": 5, "tokens": 7, "limit_nanousd": 9, "exhausted": False, "paused": False}
STOPPED = {
    "exhausted": {**MIRROR, "spent_nanousd": 9, "exhausted": True},
    "paused": {**MIRROR, "paused": True},
}


@pytest.mark.parametrize("mirror", STOPPED.values(), ids=STOPPED)
def test_a_check_believes_kv_that_a_session_is_stopped_and_asks_no_ledger(world: World, ask: Any, mirror: Any) -> None:
    world.kv["t:acme:s:s:budget"] = json.dumps(mirror)

    found = check(ask)

    assert (found["exceeded"], found["paused"], found["source"]) == (True, mirror["paused"], "kv")
    assert world.ledger_calls == 0


def test_a_check_does_not_believe_kv_that_a_session_may_go_on(world: World, ask: Any) -> None:
    world.kv["t:acme:s:s:budget"] = json.dumps(MIRROR)

    assert (check(ask)["source"], check(ask)["spent_usd"]) == ("ledger", 0)


def test_a_check_without_the_ledger_is_answered_from_kv(world: World, ask: Any) -> None:
    world.kv["t:acme:s:s:budget"] = json.dumps(MIRROR)
    world.is_ledger_away = True

    found = check(ask)

    assert (found["exceeded"], found["spent_usd"], found["limit_usd"], found["source"]) == (False, 5e-9, 9e-9, "kv")
    assert check(ask, "session_id=s&limit_usd=0.000000005")["exceeded"]


# Amounts beyond all bounds --------------------------------------------------------------------------------


def test_a_usage_that_no_call_can_have_is_charged_to_the_bound_and_its_hold_ends(world: World, ask: Any) -> None:
    usage = {"prompt_tokens": 10**14, "completion_tokens": 10**14, "total_tokens": 2 * 10**14}
    world.answer = ScriptedAnswer(chunks=(json.dumps({**ANSWERED, "usage": usage}).encode(),))

    ask("POST", CHAT, CALL, session_id="s")

    assert check(ask)["held_usd"] == 0
    assert check(ask)["spent_usd"] > 0
    kinds = [record["type"] for record in world.records]
    (row,) = (record for record in world.records if record["type"] == "call")
    assert "debt" not in kinds
    assert (row["is_estimated"], row["cost_nanousd"] / 1e9) == (True, check(ask)["spent_usd"])
