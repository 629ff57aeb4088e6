"""Sessions that run away, from wherever their calls come: alerted once, and stopped by the rule that says so."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api_client import ADMIN, CALL, CHAT, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import ScriptedAnswer, World
from tests.support.rules import a_rule, alerts, last_call, write_rules

SESSION = "s1"
GROWTH = a_rule("stop-growth", condition={"growth_ratio_min": 1.4})
SAME_PROMPT = a_rule("stop-same-prompt", condition={"repeated_prompt_min": 5})
SAME_STEP = a_rule("stop-same-step", condition={"repeated_step_min": 5})
FAILING = a_rule("stop-failing", condition={"step_errors_min": 3})


@pytest.fixture
def world() -> World:
    return a_world_with_administrators()


@pytest.fixture
def isolates(world: World) -> tuple[Client, Client]:
    return Client(world, an_isolate()), Client(world, an_isolate())


@pytest.fixture
def admin(world: World) -> Client:
    return Client(world, an_isolate(), ADMIN)


def answer_with(world: World, prompt_tokens: int) -> None:
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 10}
    answer = {"model": "gpt-4o-mini", "usage": usage, "choices": [{}]}
    world.answer = ScriptedAnswer(chunks=(json.dumps(answer).encode(),))


def sizes(first: int = 1_000, ratio: float = 1.5) -> Iterator[int]:
    size = float(first)
    while True:
        yield round(size)
        size *= ratio


def call_of(tokens: int) -> dict[str, Any]:
    """A request whose text is so many tokens long."""
    return {**CALL, "messages": [{"role": "user", "content": "word " * tokens}]}


def call(world: World, client: Client, tokens: int, **headers: str) -> int:
    answer_with(world, tokens)
    world.pass_time(1_000)
    return client.call(call_of(tokens), x_agentwatch_session_id=SESSION, **headers).status


def report(world: World, client: Client, tokens: int) -> int:
    world.pass_time(1_000)
    document = {
        "model": "gpt-4o-mini",
        "prompt_tokens": tokens,
        "completion_tokens": 10,
        "latency_ms": 5,
        "session_id": SESSION,
    }
    return client.ask("POST", "/v1/ingest", document).status


def anomalies(world: World) -> list[dict[str, Any]]:
    return [each for each in alerts(world) if each["kind"] == "anomaly"]


def test_a_runaway_is_told_at_its_fourth_call_and_once(world: World, isolates: tuple[Client, Client]) -> None:
    told = []
    for step, tokens in zip(range(8), sizes(), strict=False):
        assert call(world, isolates[step % 2], tokens) == 200
        told.append(len(anomalies(world)))

    assert told == [0, 0, 0, 1, 1, 1, 1, 1]
    (alert,) = anomalies(world)
    words = json.dumps(alert)
    assert SESSION in words
    assert "search" in words  # the team
    for size in (1_000, 1_500, 2_250):
        assert str(size) in words.replace(",", "").replace(" ", "") or f"{size:,}" in words


def test_a_rule_stops_it_there_from_two_isolates_with_an_eviction_between(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, GROWTH)
    statuses = []
    for step, tokens in zip(range(6), sizes(), strict=False):
        if step == 2:
            world.wake_ledger("acme")
        statuses.append(call(world, isolates[step % 2], tokens))

    assert statuses == [200, 200, 200, 403, 403, 403]
    assert len(anomalies(world)) == 1
    assert last_call(world)["rules"] == ["stop-growth"]


def test_reports_count_like_calls(world: World, isolates: tuple[Client, Client], admin: Client) -> None:
    write_rules(admin, GROWTH)
    size = sizes()

    assert report(world, isolates[0], next(size)) == 200
    assert call(world, isolates[1], next(size)) == 200
    assert report(world, isolates[0], next(size)) == 200
    assert call(world, isolates[1], next(size)) == 403
    assert len(anomalies(world)) == 1


def test_reports_alone_are_told_of(world: World, isolates: tuple[Client, Client]) -> None:
    for _, tokens in zip(range(4), sizes(), strict=False):
        assert report(world, isolates[0], tokens) == 200

    assert len(anomalies(world)) == 1


def test_a_session_that_grows_by_less_is_left_alone(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, GROWTH)

    statuses = [call(world, isolates[0], tokens) for _, tokens in zip(range(10), sizes(ratio=1.3), strict=False)]

    assert (set(statuses), anomalies(world)) == ({200}, [])


def test_each_agent_of_a_session_is_compared_with_itself(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    """Two agents whose prompts would look like growth if they were one."""
    write_rules(admin, GROWTH)
    sizes_of = {"planner": (1_000, 2_300, 2_400, 2_500), "worker": (1_500, 3_500, 3_600, 3_700)}

    statuses = [
        call(world, isolates[0], sizes_of[agent][step], x_agentwatch_agent=agent)
        for step in range(4)
        for agent in sizes_of
    ]

    assert (set(statuses), anomalies(world)) == ({200}, [])


def test_the_floor_and_the_switch_of_the_configuration_hold(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, anomaly_prompt_tokens_min=5_000)
    told = []
    for _, tokens in zip(range(6), sizes(), strict=False):
        call(world, isolates[0], tokens)
        told.append(len(anomalies(world)))

    assert told == [0, 0, 0, 0, 1, 1]  # 1,000 × 1.5⁴ is the first above


def test_an_anomaly_is_not_told_where_the_tenant_wants_none(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, anomaly_alerts=False)

    for _, tokens in zip(range(6), sizes(), strict=False):
        call(world, isolates[0], tokens)

    assert anomalies(world) == []


# The same again -------------------------------------------------------------------------------------------


def test_the_same_prompt_is_stopped_the_fifth_time(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, SAME_PROMPT)

    statuses = [call(world, isolates[step % 2], 100) for step in range(6)]

    assert statuses == [200] * 4 + [403] * 2
    assert call(world, isolates[0], 101) == 200, "another prompt passes"


def turn_of(step: int, result: str) -> list[dict[str, Any]]:
    tool_call = {"id": f"call_{step}", "type": "function", "function": {"name": "grep", "arguments": '{"q": "x"}'}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [tool_call]},
        {"role": "tool", "tool_call_id": f"call_{step}", "content": result},
    ]


def a_transcript(results: list[str]) -> dict[str, Any]:
    turns = [message for step, result in enumerate(results) for message in turn_of(step, result)]
    return {**CALL, "messages": [{"role": "user", "content": "find it"}, *turns]}


def status_of(world: World, client: Client, body: dict[str, Any]) -> int:
    answer_with(world, 500)
    world.pass_time(1_000)
    return client.call(body, CHAT, x_agentwatch_session_id=SESSION).status


def test_the_same_step_with_the_same_result_is_stopped_and_a_person_s_word_lets_it_go_on(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, SAME_STEP)

    statuses = [status_of(world, isolates[step % 2], a_transcript(["none"] * (step + 1))) for step in range(6)]

    assert statuses == [200] * 4 + [403] * 2
    spoken = a_transcript(["none"] * 5)
    spoken["messages"].append({"role": "user", "content": "Stop that, and report."})
    assert status_of(world, isolates[0], spoken) == 200


def test_the_same_step_with_another_result_is_work(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, SAME_STEP)

    results = [str(step) for step in range(12)]
    assert {status_of(world, isolates[0], a_transcript(results[: step + 1])) for step in range(12)} == {200}


def test_a_session_that_was_let_go_on_begins_anew(world: World, isolates: tuple[Client, Client], admin: Client) -> None:
    write_rules(admin, SAME_PROMPT)
    assert [call(world, isolates[0], 100) for _ in range(5)][-1] == 403

    assert admin.ask("PUT", f"/v1/sessions/{SESSION}", {"paused": False}).status == 200

    assert [call(world, isolates[0], 100) for _ in range(5)] == [200] * 4 + [403]


def test_a_storm_is_stopped_at_its_rate(world: World, isolates: tuple[Client, Client], admin: Client) -> None:
    write_rules(admin, a_rule("stop-storm", condition={"requests_per_minute_min": 10}))

    statuses = [call(world, isolates[0], 100 + step) for step in range(12)]

    assert statuses == [200] * 9 + [403] * 3
    world.pass_time(60_000)
    assert call(world, isolates[0], 1_000) == 200


def test_what_a_blocked_session_costs_no_longer_grows(
    world: World, isolates: tuple[Client, Client], admin: Client
) -> None:
    write_rules(admin, SAME_PROMPT)
    for _ in range(4):
        call(world, isolates[0], 100)
    spent = world.month()

    for _ in range(20):
        call(world, isolates[0], 100)

    assert (world.month(), len(world.sent)) == (spent, 4)


def test_the_history_costs_no_row(world: World, isolates: tuple[Client, Client], admin: Client) -> None:
    write_rules(admin, SAME_PROMPT, GROWTH)
    call(world, isolates[0], 100)
    rows = world.ledger_of("acme").rows
    world.is_queue_away = True  # how far the journal came is a row a delivery

    written = rows.rows_written_by(lambda: call(world, isolates[0], 101))

    assert written == 2
