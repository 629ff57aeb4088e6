"""A session that is named beside a request: by its header, in its address, behind its token, or by a coding agent of
itself. On every route that reads one it is the same session, and two are none."""

import json
from typing import Any

import pytest

from isolate import Isolate
from tests.support.api_client import (
    ADMIN,
    ANSWER,
    BILLED_NANOUSD,
    CALL,
    CHAT,
    Client,
    a_world_with_administrators,
    an_isolate,
)
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

NAME = "x-agentwatch-session-id"
REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}
HOLD = {"hold_id": "evt_1", "model": "gpt-4o-mini", "dialect": "openai_chat", "input_bytes": 100}
RUN = "0199d6f4-5f2b-7c31-b6a4-3f9f0f7c2d11"


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate()


def spent_nanousd(world: World, isolate: Isolate, session_id: str) -> int:
    check = Client(world, isolate).read(f"/v1/budget-check?session_id={session_id}")
    return round((check["spent_usd"] + check["held_usd"]) * 1e9)


def ask(
    world: World, isolate: Isolate, path: str, body: Any = None, *, token: str = TOKEN, **headers: str
) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    answer = Client(world, isolate, token).ask(method, path, body, **headers)
    return answer.status, answer.body


PLACES: list[dict[str, str]] = [
    {"x_agentwatch_session_id": "run-42"},
    {"query": f"?{NAME}=run-42"},
    {"token": f"{TOKEN}~run-42"},
]


@pytest.mark.parametrize("named", PLACES, ids=lambda each: next(iter(each)))
@pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT, CALL), ("/v1/ingest", REPORT), ("/v1/ingest", {"reports": [REPORT]}), ("/v1/holds", HOLD),
     ("/v1/holds/evt_1/settle", REPORT)],
    ids=["call", "report", "batch", "hold", "settlement"],
)  # fmt: skip
def test_what_a_request_costs_is_the_session_s_wherever_that_is_named(
    world: World, isolate: Isolate, named: dict[str, str], path: str, body: Any
) -> None:
    rest = {name: value for name, value in named.items() if name != "query"}

    status, said = ask(world, isolate, path + named.get("query", ""), body, **rest)

    assert status == 200, said
    assert spent_nanousd(world, isolate, "run-42") > 0


@pytest.mark.parametrize("named", PLACES, ids=lambda each: next(iter(each)))
@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/budget-check?session_id=other&", None), ("/v1/ingest?", {**REPORT, "session_id": "other"}),
     ("/v1/holds?", {**HOLD, "session_id": "other"}), ("/v1/holds/evt_1/settle?", {**REPORT, "session_id": "other"})],
)  # fmt: skip
def test_a_request_about_two_sessions_is_refused_by_both_places(
    world: World, isolate: Isolate, named: dict[str, str], path: str, body: Any
) -> None:
    rest = {name: value for name, value in named.items() if name != "query"}

    status, said = ask(world, isolate, path + named.get("query", "").removeprefix("?"), body, **rest)

    error = json.loads(said)["error"]
    assert (status, error["code"]) == (400, "invalid_request")
    assert error["message"].startswith("session_id and ")
    assert "name two sessions, other and run-42" in error["message"]


def test_of_a_batch_only_the_report_of_another_session_is_refused(world: World, isolate: Isolate) -> None:
    reports = [{**REPORT, "event_id": "e1"}, {**REPORT, "event_id": "e2", "session_id": "other"}]

    status, said = ask(world, isolate, "/v1/ingest", {"reports": reports}, token=f"{TOKEN}~run-42")

    taken = json.loads(said)
    assert (status, taken["accepted"], [each["event_id"] for each in taken["refused"]]) == (200, 1, ["e2"])
    assert spent_nanousd(world, isolate, "run-42") == BILLED_NANOUSD


@pytest.mark.parametrize("path", ["/v1/models", "/v1/config", "/v1/whoami"])
def test_a_client_that_names_its_session_in_every_address_may_ask_anything(
    world: World, isolate: Isolate, path: str
) -> None:
    status, said = ask(world, isolate, f"{path}?{NAME}=run-42", token=f"{ADMIN}~run-42")

    assert status == 200, said


@pytest.mark.parametrize("config", [{"require_session": True}, {"session_budget_usd": "0.00001"}])
def test_a_coding_agent_s_own_run_is_a_session_like_any_other(isolate: Isolate, config: dict[str, Any]) -> None:
    """It is one where a session has to be named, and a limit of all sessions is its limit."""
    world = a_world_with_administrators(config)
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    is_limited = "session_budget_usd" in config
    agent = {"x_claude_code_session_id": RUN}

    statuses = [ask(world, isolate, CHAT, CALL, **agent)[0] for _ in range(2)]

    assert statuses == ([402, 402] if is_limited else [200, 200])
    assert spent_nanousd(world, isolate, RUN) == (0 if is_limited else 2 * BILLED_NANOUSD)


def test_a_budget_beside_a_coding_agent_s_run_is_the_run_s(world: World, isolate: Isolate) -> None:
    usd = f"{1.5 * BILLED_NANOUSD / 1e9:.9f}"
    call = {**CALL, "max_tokens": 10}

    statuses = [
        ask(world, isolate, CHAT, call, session_id=run, x_agentwatch_budget_usd=usd)[0] for run in (RUN, RUN, "other")
    ]

    assert statuses == [200, 402, 200]
